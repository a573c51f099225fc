//! Errors of the layers below as callers see them.

use baton_core::document::ParseError;
use baton_core::problem::Place;
use baton_engine::EngineError;
use baton_store::StoreError;

use crate::error::{ApiError, Code};

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::NotFound { .. } => Code::NotFound,
            StoreError::NoBackup { .. } => Code::Unusable,
            StoreError::Ended { .. } => Code::AlreadyEnded,
            StoreError::Conflict { .. } => Code::Conflict,
            StoreError::Invalid { .. } => Code::BadRequest,
            StoreError::Locked { .. }
            | StoreError::UnsafeFolder { .. }
            | StoreError::TakenAway { .. }
            | StoreError::ReadOnlyFolder { .. }
            | StoreError::ReadOnly
            | StoreError::Newer { .. }
            | StoreError::Damaged { .. }
            | StoreError::DiskFull { .. }
            | StoreError::Io { .. }
            | StoreError::Busy
            | StoreError::Unreadable { .. }
            | StoreError::Closed
            | StoreError::OldSqlite { .. }
            | StoreError::Database { .. } => Code::Store,
        };
        let shown = Self::new(code, error.to_string());
        match error.hint() {
            Some(hint) => shown.hint(hint),
            None => shown,
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::NotFound(_) => Self::new(Code::NotFound, message),
            EngineError::AlreadyEnded(_) => {
                Self::new(Code::AlreadyEnded, message).hint("start the workflow again")
            }
            EngineError::Refused { code, .. } if code.starts_with("budget-") => {
                Self::new(Code::BadRequest, message)
                    .hint("`baton raise` and the run's page allow more of a budget")
            }
            EngineError::Refused { .. } => Self::new(Code::AlreadyEnded, message)
                .hint("the run has gone on since you looked: look again"),
            EngineError::Invalid(problems) => Self {
                problems,
                ..Self::new(Code::Invalid, message)
                    .hint("repair what the Problems panel lists, then run it again")
            },
            EngineError::Store(error) => error.into(),
            EngineError::Stalled { source, .. } => {
                let shown = Self::new(Code::Store, message);
                match source.hint() {
                    Some(hint) => shown.hint(format!("{hint}; Baton keeps trying")),
                    None => shown.hint("Baton keeps trying"),
                }
            }
            EngineError::Closing => Self::new(Code::Store, message),
        }
    }
}

impl From<ParseError> for ApiError {
    fn from(error: ParseError) -> Self {
        Self {
            hint: error.hint,
            place: Some(Place {
                line: error.line,
                column: error.column,
                ..Place::default()
            }),
            ..Self::new(Code::Unusable, error.message)
        }
    }
}
