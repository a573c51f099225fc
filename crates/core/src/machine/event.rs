//! What happened in a run: facts, past tense, kept for ever.
//!
//! An event variant is never removed and never changes meaning; a new need is a new variant or a new optional
//! field. `tests/histories/` replays every log that was ever released.

#![expect(
    missing_docs,
    reason = "a field of an event is named after the one thing it holds; its variant says the rest"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

use super::budget::{Allowance, Budget, Exceeded};
use crate::Millis;
use crate::error::StepError;
use crate::step_kind::Effect;

/// Where a step stands in a run: `each[3]/score` is step `score` in the fourth iteration of `each`.
pub type StepPath = String;

/// An event with its place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Logged {
    /// Position in the log of the run, from 1, without gaps.
    pub seq: u32,
    /// When, by the wall clock of the host.
    pub at: Millis,
    /// What.
    pub event: Event,
}

/// A fact in the log of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[ts(export, optional_fields)]
pub enum Event {
    /// The first event of every run.
    RunStarted {
        /// Id of the run.
        run: String,
        /// Id of the workflow.
        workflow: String,
        /// Digest of the definition that the run is pinned to.
        digest: String,
        /// What the run was started with; defaults of the schema are filled in.
        #[ts(type = "unknown")]
        input: Value,
        /// Environment values that the definition names.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        env: BTreeMap<String, String>,
        /// Where chance inside the run comes from.
        seed: u32,
        /// What started it: `manual`, `cli`, a trigger's id …
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// The run and step that wait for this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Parent>,
        /// How many runs are above it.
        #[serde(default, skip_serializing_if = "is_zero")]
        #[ts(as = "Option<u32>", optional)]
        depth: u32,
        /// Budgets that were settled when it began.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limits: Option<Allowance>,
        /// Versions of the kinds of its steps, but for those that have their first.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        #[ts(as = "Option<BTreeMap<String, u32>>", optional)]
        kinds: BTreeMap<String, u32>,
    },
    /// A step can no longer start, or was passed over.
    StepSkipped {
        step: StepPath,
        reason: SkipReason,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        edges: Vec<EdgeResolution>,
    },
    /// An attempt begins. For a task this is on disk before the task acts.
    StepStarted {
        step: StepPath,
        attempt: u32,
        /// Rises with every start of the step, recoveries included. Results of an older epoch are late.
        epoch: u32,
        /// Idempotency key: the same for every attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        effect: Effect,
        /// The configuration with its expressions evaluated.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        #[ts(type = "Record<string, unknown>")]
        with: Arc<Map<String, Value>>,
        /// The error that led here, where an error edge started the step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
    },
    /// A host came back after an interruption and carries the attempt out again, with the same key.
    StepResumed {
        step: StepPath,
        attempt: u32,
        epoch: u32,
    },
    /// A step with an `unsafe` effect was interrupted: nobody knows whether it acted. A person is asked.
    StepOutcomeUnknown {
        step: StepPath,
        attempt: u32,
        epoch: u32,
    },
    /// A person said what became of a step with unknown outcome.
    StepOutcomeSettled {
        step: StepPath,
        by: String,
        answer: Settlement,
    },
    /// An attempt failed.
    StepAttemptFailed {
        step: StepPath,
        attempt: u32,
        epoch: u32,
        error: StepError,
        /// When the next attempt begins, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Millis>,
        /// What `retry.when` said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<Evaluation>,
        /// The output that was not good enough, where the attempt succeeded but `retry.when` wants it repeated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(type = "unknown")]
        output: Option<Value>,
    },
    /// The step is done. Every edge that leaves it is resolved here, once.
    StepSucceeded {
        step: StepPath,
        attempt: u32,
        epoch: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<String>,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        #[ts(type = "unknown", optional)]
        output: Arc<Value>,
        /// Why the machine decided so, for control steps that decide.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        because: Vec<Evaluation>,
        /// `disabled` or `pinned`, if nothing was carried out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passed: Option<Passed>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        edges: Vec<EdgeResolution>,
    },
    /// The step failed for good. Every edge that leaves it is resolved here, once.
    StepFailed {
        step: StepPath,
        attempt: u32,
        error: StepError,
        /// An error edge takes over; otherwise the surrounding graph fails.
        handled: bool,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        edges: Vec<EdgeResolution>,
    },
    /// A running step was told to stop; its host answers with a result.
    StepCancelRequested { step: StepPath, reason: String },
    /// The step ended without a result.
    StepCancelled {
        step: StepPath,
        reason: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        edges: Vec<EdgeResolution>,
    },
    /// A result came from an attempt that is no longer the current one. It is kept and never applied.
    LateResultIgnored {
        step: StepPath,
        epoch: u32,
        #[ts(type = "unknown")]
        result: Value,
    },
    /// The step waits until an instant.
    WaitStarted { step: StepPath, until: Millis },
    /// The step waits for an event from outside.
    EventAwaited {
        step: StepPath,
        event: String,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        #[ts(type = "unknown", optional)]
        key: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Millis>,
    },
    /// An event from outside reached the run. It is kept for a step that waits for it now or later.
    EventReceived {
        id: String,
        event: String,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        #[ts(type = "unknown", optional)]
        key: Value,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        #[ts(type = "unknown", optional)]
        payload: Value,
    },
    /// A person is asked.
    ApprovalRequested { step: StepPath, question: Question },
    /// The people asked were reminded.
    ApprovalReminded { step: StepPath },
    /// The question went to more people.
    ApprovalEscalated { step: StepPath, to: Vec<String> },
    /// A person answered. The step ends once the quorum is reached.
    ApprovalDecided {
        step: StepPath,
        by: String,
        decision: Decision,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
        /// Data of a form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(type = "unknown")]
        data: Option<Value>,
        /// Digest of the evidence that the person saw.
        evidence_digest: String,
    },
    /// A sub-workflow was asked for.
    ChildRequested {
        step: StepPath,
        /// Id that the child run gets.
        run: String,
        workflow: String,
        version: String,
        #[ts(type = "unknown")]
        input: Value,
    },
    /// A container settled which items it goes through.
    ItemsListed {
        step: StepPath,
        count: u32,
        #[ts(type = "unknown[]")]
        items: Vec<Value>,
    },
    /// A body begins: an iteration of a loop, or the attempt of a scope.
    IterationStarted { step: StepPath, index: u32 },
    /// A body ended.
    IterationEnded {
        step: StepPath,
        index: u32,
        outcome: IterationOutcome,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        #[ts(type = "unknown", optional)]
        result: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
        /// What `until` said, for `repeat`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<Evaluation>,
        /// When the next iteration begins, for `repeat` with a delay.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_at: Option<Millis>,
    },
    /// A graph (the run, or a body) fails: what still runs in it is stopped, then undone.
    FailureStarted {
        /// Path of the body (`scope[0]`), empty for the run itself.
        scope: String,
        error: StepError,
    },
    /// Completed steps are taken back, last one first.
    CompensationStarted { scope: String, steps: Vec<StepPath> },
    /// The undo of a step begins.
    UndoStarted {
        step: StepPath,
        attempt: u32,
        epoch: u32,
        key: String,
        kind: String,
        effect: Effect,
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        #[ts(type = "Record<string, unknown>")]
        with: Map<String, Value>,
    },
    /// The step was taken back.
    UndoSucceeded {
        step: StepPath,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        #[ts(type = "unknown", optional)]
        output: Value,
    },
    /// An attempt to take the step back failed.
    UndoFailed {
        step: StepPath,
        error: StepError,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Millis>,
    },
    /// Everything that could be taken back was tried.
    CompensationEnded {
        scope: String,
        failed: Vec<StepPath>,
    },
    /// The run was told to stop.
    CancelRequested {
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Completed steps are taken back.
        undo: bool,
    },
    /// No further step starts until the run is resumed.
    RunPaused { by: String },
    /// Steps start again.
    RunResumed { by: String },
    /// A budget is used up: nothing new starts until a person raises it.
    BudgetExceeded(Exceeded),
    /// A person allowed more of a budget.
    BudgetRaised {
        budget: Budget,
        limit: u64,
        by: String,
    },
    /// A timer of the run fired.
    TimerFired { timer: String },
    /// The computer slept, or Baton was stopped, while the run was open: its time limits are put off by as much.
    HostResumed { gap_ms: i64 },
    /// A person asked for the next attempt at once.
    RetryHurried { step: StepPath, by: String },
    /// A step wrote a line.
    StepLogged {
        step: StepPath,
        level: String,
        message: String,
    },
    /// The last event of every run.
    RunEnded {
        outcome: Outcome,
        /// Name that an `end` step gave, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        #[ts(type = "unknown", optional)]
        outputs: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<StepError>,
    },
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The run and step that wait for a sub-workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Parent {
    /// Id of the waiting run.
    pub run: String,
    /// The waiting step.
    pub step: StepPath,
}

/// Why a step did not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum SkipReason {
    /// Every incoming edge was resolved and none was taken.
    NoEdgeTaken,
    /// `join: all`, and an incoming edge was not taken.
    NotAllTaken,
    /// `join: atLeast`, and too few edges can still be taken.
    TooFewTaken,
    /// The run or body ended before the step could start.
    Ended,
    /// A branch won a `join: first` with `cancelRest`.
    LostRace,
}

/// Why nothing was carried out although the step succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Passed {
    /// The step is disabled.
    Disabled,
    /// The step has a pinned output.
    Pinned,
}

/// How an edge was resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct EdgeResolution {
    /// Key of the edge.
    pub edge: String,
    /// Taken, or not.
    pub taken: bool,
    /// The condition, what it read and what it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Evaluation>,
    /// The condition could not be evaluated: the surrounding graph fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
}

/// An automatic decision, explained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Evaluation {
    /// The source of the expression.
    pub expression: String,
    /// The values that it read, by path.
    #[ts(type = "Record<string, unknown>")]
    pub read: Map<String, Value>,
    /// What it gave.
    #[ts(type = "unknown")]
    pub result: Value,
}

/// A question to people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Question {
    /// `approval` or `form`.
    pub kind: String,
    /// Title of the step.
    pub title: String,
    /// The question in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Who may answer.
    pub to: Vec<String>,
    /// What the person sees.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[ts(type = "Record<string, unknown>")]
    pub evidence: Map<String, Value>,
    /// Digest of text and evidence; every answer is bound to it.
    pub evidence_digest: String,
    /// Approvals needed.
    pub quorum: u32,
    /// Deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
    /// First reminder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_every_ms: Option<i64>,
    /// When the question goes to more people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_at: Option<Millis>,
    /// Those people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<String>>", optional)]
    pub escalate_to: Vec<String>,
    /// JSON Schema of the data asked for, for `form`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "unknown")]
    pub schema: Option<Value>,
}

/// What a person answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Decision {
    /// Yes.
    Approved,
    /// No.
    Rejected,
    /// A form was filled in.
    Submitted,
}

/// What became of a step with unknown outcome, as a person says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[ts(export)]
pub enum Settlement {
    /// It acted; go on with this output.
    Done {
        /// The output to go on with.
        #[serde(default)]
        #[ts(type = "unknown")]
        output: Value,
    },
    /// It did not act; the step fails.
    NotDone,
    /// Carry it out again.
    RunAgain,
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum IterationOutcome {
    /// All its steps ended and no failure was left over.
    Succeeded,
    /// A failure was not handled inside.
    Failed,
    /// It was stopped from outside.
    Cancelled,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Outcome {
    /// All steps ended and no failure was left over.
    Succeeded,
    /// A failure was not handled.
    Failed,
    /// It was stopped.
    Cancelled,
}
