//! Why a step failed, as the log keeps it and as expressions see it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// Why an attempt failed. Expressions on error edges and in `retry.when` see it as `error`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct StepError {
    /// Stable name, kebab-case: `timeout`, `file-not-found`, `quality-gate`.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// The way out, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// A repetition cannot help: `retry` does not apply.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub permanent: bool,
    /// The step in which it first happened, where the error was handed up from inside a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// More, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "unknown")]
    pub details: Option<Value>,
}

impl StepError {
    /// An error that a repetition may cure.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            permanent: false,
            step: None,
            details: None,
        }
    }

    /// An error that a repetition cannot cure.
    pub fn permanent(code: &str, message: impl Into<String>) -> Self {
        Self {
            permanent: true,
            ..Self::new(code, message)
        }
    }

    /// The same error with a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with more for programs.
    #[must_use]
    pub fn details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }
}

impl std::fmt::Display for StepError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for StepError {}
