//! What a failed command tells its caller.

use baton_core::problem::{Place, Problem};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a failed command tells its caller.
///
/// `code` is for programs, `message` and `hint` for people. Callers never look inside `message`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct ApiError {
    /// Why, as far as a caller can act on it.
    pub code: Code,
    /// Lower case, no full stop, values in backticks.
    pub message: String,
    /// What to do about it, if there is something to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where in a document, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The findings that forbid it, with [`Code::Invalid`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Problem>>", optional)]
    pub problems: Vec<Problem>,
}

/// Why a command failed, as far as a caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Code {
    /// The request does not have the shape that the command takes: a mistake in the caller.
    BadRequest,
    /// No command of this name: the caller is newer or older than the backend.
    UnknownCommand,
    /// The thing named in the request does not exist (any more): the UI drops it from its lists.
    NotFound,
    /// The file changed on disk since it was read: the UI offers to reload, keep or compare.
    Conflict,
    /// The document has problems that forbid this: the UI opens the Problems panel.
    Invalid,
    /// The text is not a workflow at all: nothing was opened.
    Unusable,
    /// The workflow comes from elsewhere and was not trusted yet: the UI shows what it could do and asks.
    Untrusted,
    /// Nobody knows who asks: the token or session is missing, wrong, or was taken back. The UI asks to sign in.
    Unauthorized,
    /// The roles of whoever asks do not allow it: the UI says whom to ask.
    Forbidden,
    /// The run or question has already ended or was answered: the UI refreshes.
    AlreadyEnded,
    /// A file could not be read or written.
    Io,
    /// The data folder cannot be used: locked, read-only, damaged, from a newer build, or full.
    Store,
    /// The program that owned the data folder ended before it answered, and whether the command was carried out is not
    /// known: the UI reads again, and lets people ask again.
    OwnerGone,
    /// A target does not answer, or what answers there is not it. The UI says so and tries again later.
    TargetUnreachable,
    /// A target does not let this Baton in: the token is missing, wrong, or was taken back. The UI asks for another one.
    TargetRefused,
    /// A target is another version and does not understand, or is not understood.
    TargetDiffers,
    /// Anything else. The UI shows the message and offers the log.
    Internal,
}

impl ApiError {
    /// An error without a hint.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            place: None,
            problems: Vec::new(),
        }
    }

    /// The same error with a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for ApiError {}
