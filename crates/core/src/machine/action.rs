//! What the machine wants done: orders to the outside, imperative.
//!
//! Actions are read off the state ([`crate::machine::pending`]), never queued: after a restart the same state
//! gives the same actions.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::Millis;
use crate::machine::event::{Question, StepPath};
use crate::step_kind::Effect;

/// An order from the machine to its host.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Carry out a task and answer with [`crate::machine::Input::TaskEnded`].
    StartTask(Task),
    /// Take a step back and answer with [`crate::machine::Input::UndoEnded`].
    StartUndo(Task),
    /// Stop a task; it still answers with a result.
    CancelTask {
        /// The step.
        step: StepPath,
        /// The epoch that runs.
        epoch: u32,
    },
    /// Answer with [`crate::machine::Input::TimerDue`] when the instant has come.
    SetTimer {
        /// Unique in the run.
        timer: String,
        /// When.
        at: Millis,
    },
    /// Show a question to people and answer with [`crate::machine::Input::Decide`].
    Ask {
        /// The step that asks.
        step: StepPath,
        /// The question.
        question: Question,
    },
    /// Ask a person what became of an interrupted step; answer with [`crate::machine::Input::Settle`].
    AskOutcome {
        /// The step.
        step: StepPath,
    },
    /// Hand on an event with this name and key as [`crate::machine::Input::Signal`].
    Listen {
        /// The step that waits.
        step: StepPath,
        /// Name of the event.
        event: String,
        /// Its key; null matches only null.
        key: Value,
    },
    /// Run another workflow under this id and answer with [`crate::machine::Input::ChildEnded`].
    StartChild {
        /// The step that waits.
        step: StepPath,
        /// Id of the child run.
        run: String,
        /// File or id of the workflow.
        workflow: String,
        /// `latest` or a digest.
        version: String,
        /// Its input.
        input: Value,
    },
    /// Stop a sub-workflow; it still answers when it has ended.
    CancelChild {
        /// The step that waits.
        step: StepPath,
        /// Id of the child run.
        run: String,
    },
}

/// A task to carry out.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The step (for an undo: the step that is taken back).
    pub step: StepPath,
    /// Kind of the task.
    pub kind: String,
    /// From 1.
    pub attempt: u32,
    /// Goes back with the result.
    pub epoch: u32,
    /// Idempotency key.
    pub key: String,
    /// What repeating it would do.
    pub effect: Effect,
    /// The configuration with its expressions evaluated.
    pub with: Arc<Map<String, Value>>,
    /// The longest this attempt may take; the host answers with error code `timeout` after that.
    pub timeout_ms: Option<i64>,
}
