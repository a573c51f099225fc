//! Findings about a document: what, where, how bad, and the way out.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Severity {
    /// A run cannot be started.
    Error,
    /// A run can be started; something is likely not meant so.
    Warning,
    /// Worth knowing.
    Info,
}

/// Where a finding is. All fields absent: the workflow as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Place {
    /// Id of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Key of the edge, as [`crate::document::Edge::key`] gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<String>,
    /// Id of the trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Path of the field inside the step, edge, trigger or workflow: `with.rules[2].column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Offset in characters into the text of the field, where the finding is about a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
    /// Line of the file, from 1, where the finding is about the text of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column of the file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

impl Place {
    /// At a step.
    pub fn step(id: impl Into<String>) -> Self {
        Self {
            step: Some(id.into()),
            ..Self::default()
        }
    }

    /// At a field of a step.
    pub fn field(step: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            step: Some(step.into()),
            field: Some(field.into()),
            ..Self::default()
        }
    }

    /// At an edge.
    pub fn edge(key: impl Into<String>) -> Self {
        Self {
            edge: Some(key.into()),
            ..Self::default()
        }
    }

    /// At a trigger.
    pub fn trigger(id: impl Into<String>) -> Self {
        Self {
            trigger: Some(id.into()),
            ..Self::default()
        }
    }
}

/// A finding of validation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Problem {
    /// Stable name of the rule, kebab-case: `cycle`, `unknown-reference`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What is wrong: lower case, no full stop, values in backticks.
    pub message: String,
    /// The way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A finding without a hint.
    pub fn new(code: &str, severity: Severity, place: Place, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            place,
            message: message.into(),
            hint: None,
        }
    }

    /// The same finding with a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
