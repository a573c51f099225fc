//! What a host tells the machine: commands of people and results of the outside.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::StepError;
use crate::machine::budget::{Allowance, Budget};
use crate::machine::event::{Decision, Outcome, Parent, Settlement, StepPath};

/// Something that the machine has to take into account.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Begin. Only for a run without events.
    Start(Start),
    /// A host came back after an interruption: nothing that was running is running any more.
    Recover,
    /// A task ended.
    TaskEnded {
        /// The step, as in the action.
        step: StepPath,
        /// As in the action.
        epoch: u32,
        /// How.
        result: TaskResult,
    },
    /// The one that carried a task out is gone without an answer; other tasks go on. Hosts of several computers know
    /// this of single tasks, others say [`Input::Recover`].
    TaskLost {
        /// The step, as in the action.
        step: StepPath,
        /// As in the action.
        epoch: u32,
    },
    /// A task wrote a line.
    TaskLogged {
        /// The step.
        step: StepPath,
        /// `info`, `warn` or `error`.
        level: String,
        /// The line.
        message: String,
    },
    /// The undo of a step ended.
    UndoEnded {
        /// The step that is taken back.
        step: StepPath,
        /// As in the action.
        epoch: u32,
        /// How.
        result: TaskResult,
    },
    /// A timer of [`crate::machine::Action::SetTimer`] is due.
    TimerDue {
        /// As in the action.
        timer: String,
    },
    /// A person answered a question.
    Decide {
        /// The step that asks.
        step: StepPath,
        /// Who.
        by: String,
        /// What.
        decision: Decision,
        /// Words with it.
        comment: Option<String>,
        /// Data of a form.
        data: Option<Value>,
    },
    /// An event from outside.
    Signal {
        /// Unique: a second one with this id is ignored.
        id: String,
        /// Name of the event.
        event: String,
        /// Its key.
        key: Value,
        /// What it carries.
        payload: Value,
    },
    /// A sub-workflow ended.
    ChildEnded {
        /// The step that waits for it.
        step: StepPath,
        /// Id of the child run.
        run: String,
        /// How.
        outcome: Outcome,
        /// Name of the outcome.
        name: Option<String>,
        /// Its outputs.
        outputs: Value,
        /// Its error.
        error: Option<StepError>,
    },
    /// Stop.
    Cancel {
        /// Who.
        by: String,
        /// Why.
        reason: Option<String>,
        /// Take back what was completed.
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
    /// Allow more of a budget.
    Raise {
        /// Of what.
        budget: Budget,
        /// How much from now on.
        limit: u64,
        /// Who.
        by: String,
    },
    /// Do not wait for the next attempt.
    RetryNow {
        /// The step.
        step: StepPath,
        /// Who.
        by: String,
    },
    /// A person says what became of a step with unknown outcome.
    Settle {
        /// The step.
        step: StepPath,
        /// Who.
        by: String,
        /// What.
        answer: Settlement,
    },
    /// The computer slept, or the host was stopped, for so long.
    HostResumed {
        /// In milliseconds.
        gap_ms: i64,
    },
    /// Nothing from outside: take the next step of your own, if there is one.
    Advance,
}

/// How a run begins.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Start {
    /// Id of the run.
    pub run: String,
    /// The input, as given; defaults of the schema are filled in by the machine.
    pub input: Value,
    /// Values for `env.<name>`.
    pub env: BTreeMap<String, String>,
    /// Where chance inside the run comes from.
    pub seed: u32,
    /// What started it.
    pub by: Option<String>,
    /// The run and step that wait.
    pub parent: Option<Parent>,
    /// How many runs are above it.
    pub depth: u32,
    /// Budgets that hold besides those of the definition, and before them.
    pub limits: Allowance,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskResult {
    /// With an output and, if the kind has ports, the chosen one.
    Succeeded {
        /// The output.
        output: Value,
        /// The port.
        port: Option<String>,
    },
    /// With an error.
    Failed(StepError),
    /// Because it was told to.
    Cancelled,
}
