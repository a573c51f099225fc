//! What people and programs tell a run on a cluster.
//!
//! It is in histories of every age: a field is added with a default, never renamed or removed.

use baton_core::machine::{Budget, Decision, Input, Settlement};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What people and programs tell a run: the payload of the update and of the signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Command {
    /// Answer a question.
    Decide {
        /// The step that asks.
        step: String,
        /// Who.
        by: String,
        /// What.
        decision: Decision,
        /// Words with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
        /// Data of a form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<Value>,
    },
    /// An event from outside, for `wait_for`.
    Signal {
        /// Unique: a second one with this id is ignored.
        id: String,
        /// Name of the event.
        event: String,
        /// Its key.
        #[serde(default)]
        key: Value,
        /// What it carries.
        #[serde(default)]
        payload: Value,
    },
    /// Stop the run.
    Cancel {
        /// Who.
        by: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Take back what was completed.
        #[serde(default)]
        undo: bool,
    },
    /// Start no further step.
    Pause {
        /// Who.
        by: String,
    },
    /// Start steps again.
    Resume {
        /// Who.
        by: String,
    },
    /// Do not wait for the next attempt.
    RetryNow {
        /// The step.
        step: String,
        /// Who.
        by: String,
    },
    /// Say what became of a step with unknown outcome.
    Settle {
        /// The step.
        step: String,
        /// Who.
        by: String,
        /// What.
        answer: Settlement,
    },
    /// Allow more of a budget.
    Raise {
        /// Of what.
        budget: Budget,
        /// How much from now on.
        limit: u64,
        /// Who.
        by: String,
    },
}

impl Command {
    /// What the machine is told.
    pub fn into_input(self) -> Input {
        match self {
            Self::Decide {
                step,
                by,
                decision,
                comment,
                data,
            } => Input::Decide {
                step,
                by,
                decision,
                comment,
                data,
            },
            Self::Signal {
                id,
                event,
                key,
                payload,
            } => Input::Signal {
                id,
                event,
                key,
                payload,
            },
            Self::Cancel { by, reason, undo } => Input::Cancel { by, reason, undo },
            Self::Pause { by } => Input::Pause { by },
            Self::Resume { by } => Input::Resume { by },
            Self::RetryNow { step, by } => Input::RetryNow { step, by },
            Self::Settle { step, by, answer } => Input::Settle { step, by, answer },
            Self::Raise { budget, limit, by } => Input::Raise { budget, limit, by },
        }
    }
}
