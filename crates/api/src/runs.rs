//! Starting runs, watching them, deciding, and looking at what happened.

use std::collections::BTreeMap;

use baton_core::Millis;
use baton_core::document::Workflow;
use baton_core::error::StepError;
use baton_core::machine::{Decision, Evaluation, Exceeded, Logged, Question, Settlement};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum RunStatus {
    /// A step is being carried out.
    Running,
    /// Everything that is left waits for a person, a time or an event.
    Waiting,
    /// A person paused it, a budget is used up, or the disk is nearly full.
    Paused,
    /// It ended well.
    Succeeded,
    /// It ended with a failure.
    Failed,
    /// It was stopped.
    Cancelled,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct RunSummary {
    /// Id of the run.
    pub id: String,
    /// A short number for people, rising by one with every run of this data folder.
    pub number: u32,
    /// Id of the workflow.
    pub workflow: String,
    /// Name of the workflow at that time.
    pub workflow_name: String,
    /// Digest of the definition.
    pub digest: String,
    /// File that it was started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where it stands.
    pub status: RunStatus,
    /// Name of the outcome, if an `end` step gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// When it began.
    pub started_at: Millis,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Millis>,
    /// What started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Position of its last event.
    pub seq: u32,
    /// Steps that ended, whatever their outcome (top level).
    pub steps_done: u32,
    /// Steps in all (top level).
    pub steps_total: u32,
    /// What it waits for, in plain words.
    pub waiting_for: Vec<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// Why it was set aside and is not taken up again by itself, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<String>,
}

/// Start a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct RunStart {
    /// The document to run, exactly as it is.
    pub document: Workflow,
    /// File that it belongs to: relative paths start from its folder.
    pub path: Option<String>,
    /// The input.
    #[ts(type = "unknown")]
    pub input: Value,
    /// Folder that relative paths start from, if not that of the file.
    pub work_dir: Option<String>,
}

/// A started run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RunStarted {
    /// Id of the run.
    pub run: String,
}

/// Names a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RunId {
    /// Id of the run.
    pub run: String,
}

/// List runs, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export, optional_fields)]
pub struct RunList {
    /// Only of this workflow.
    pub workflow: Option<String>,
    /// Only with this status.
    pub status: Option<RunStatus>,
    /// Only if the id, number, workflow name or outcome contains this.
    pub search: Option<String>,
    /// At most so many (default 50, at most 500).
    pub limit: Option<u32>,
    /// Skip so many.
    pub offset: Option<u32>,
}

/// Runs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RunListed {
    /// Newest first.
    pub runs: Vec<RunSummary>,
    /// How many there are in all.
    pub total: u32,
}

/// Look at a run, as it is or as it was.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct RunGet {
    /// Id of the run.
    pub run: String,
    /// Position of the last event to take into account; absent: all.
    #[serde(default)]
    pub seq: Option<u32>,
    /// Bodies that are wanted whatever is left out (`each[3]`).
    #[serde(default)]
    pub bodies: Option<Vec<String>>,
}

/// A run at one point of its history.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RunView {
    /// The run as it is now.
    pub summary: RunSummary,
    /// The definition that it is pinned to.
    pub document: Workflow,
    /// Position that `steps` and `edges` show.
    pub seq: u32,
    /// Instant of that event.
    pub at: Millis,
    /// State of the run at that point.
    pub status: RunStatus,
    /// Steps that have a state, by path (`each[3]/score`). A step that is not here is idle.
    pub steps: BTreeMap<String, StepView>,
    /// Edges that are resolved, by key, those in bodies with the path of the body before it (`each[3]/a->b`).
    pub edges: BTreeMap<String, EdgeView>,
    /// How many bodies are not in `steps` and `edges`: of a long loop, only the rounds that run, that failed and that
    /// ended last are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub left_out: Option<u32>,
    /// The budget that is used up, if the run stands still because of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub exceeded: Option<Exceeded>,
    /// What the run was started with.
    #[ts(type = "unknown")]
    pub input: Value,
    /// What it gave.
    #[ts(type = "unknown")]
    pub outputs: Value,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum StepStatus {
    /// Being carried out.
    Running,
    /// Waits for a person, a time, an event or another run.
    Waiting,
    /// Failed; the next attempt is due at `until`.
    Retrying,
    /// Told to stop, not stopped yet.
    Cancelling,
    /// Interrupted; nobody knows whether it acted.
    OutcomeUnknown,
    /// Done.
    Succeeded,
    /// Failed for good.
    Failed,
    /// Did not start.
    Skipped,
    /// Stopped.
    Cancelled,
    /// Done, and being taken back.
    Undoing,
    /// Done, and taken back.
    Undone,
    /// Done, and could not be taken back.
    UndoFailed,
}

/// A step of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct StepView {
    /// Where it stands.
    pub status: StepStatus,
    /// Attempt, from 1; 0 if it never started.
    pub attempt: u32,
    /// Attempts in all that `retry` allows.
    pub attempts: u32,
    /// When its first attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Millis>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Millis>,
    /// Until when it waits, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// What it waits for or why it was skipped or cancelled, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The port that it chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// Its configuration, evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "Record<string, unknown>")]
    pub with: Option<Value>,
    /// Its output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "unknown")]
    pub output: Option<Value>,
    /// Its last error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// Why the machine decided so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Evaluation>>", optional)]
    pub because: Vec<Evaluation>,
    /// The question that it asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// Iterations of a loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<Iterations>,
}

/// Iterations of a loop.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Iterations {
    /// In all, as far as known.
    pub total: u32,
    /// Begun.
    pub started: u32,
    /// Ended well.
    pub succeeded: u32,
    /// Failed; their indexes, at most 100.
    pub failed: Vec<u32>,
}

/// An edge of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct EdgeView {
    /// Taken, or not.
    pub taken: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Evaluation>,
}

/// Read the log of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct RunEvents {
    /// Id of the run.
    pub run: String,
    /// Only events after this position.
    #[serde(default)]
    pub after: Option<u32>,
    /// At most so many (default 1,000, at most 10,000).
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Events of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RunEventList {
    /// In order.
    pub events: Vec<EventLine>,
    /// Position of the last event of the run.
    pub last: u32,
}

/// An event and a sentence about it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EventLine {
    /// The event.
    #[serde(flatten)]
    pub logged: Logged,
    /// The event in plain words.
    pub text: String,
}

/// Stop a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct RunCancel {
    /// Id of the run.
    pub run: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Take back what was completed.
    pub undo: bool,
}

/// Names a step of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RunStep {
    /// Id of the run.
    pub run: String,
    /// Path of the step.
    pub step: String,
}

/// Say what became of a step with unknown outcome.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RunSettle {
    /// Id of the run.
    pub run: String,
    /// Path of the step.
    pub step: String,
    /// What.
    pub answer: Settlement,
}

/// Send an event to whoever waits for it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct SignalSend {
    /// Name of the event.
    pub event: String,
    /// Its key.
    #[serde(default)]
    #[ts(type = "unknown")]
    pub key: Value,
    /// What it carries.
    #[serde(default)]
    #[ts(type = "unknown")]
    pub payload: Value,
    /// Only to this run.
    #[serde(default)]
    pub run: Option<String>,
}

/// How many runs an event reached.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignalSent {
    /// Number of runs.
    pub runs: u32,
}

/// A question that waits for an answer.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct InboxItem {
    /// The run.
    pub run: RunSummary,
    /// Path of the step that asks.
    pub step: String,
    /// The question; for an unknown outcome, what is known about the step.
    pub question: Question,
    /// When it was asked.
    pub asked_at: Millis,
    /// Answers so far: who and what.
    pub answers: Vec<InboxAnswer>,
    /// A step with unknown outcome is asked about, answered with `run_settle`.
    pub is_outcome: bool,
}

/// An answer that was given.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InboxAnswer {
    /// Who.
    pub by: String,
    /// What.
    pub decision: Decision,
}

/// All open questions, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InboxList {
    /// The questions.
    pub items: Vec<InboxItem>,
}

/// Answer a question.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct ApprovalDecide {
    /// Id of the run.
    pub run: String,
    /// Path of the step.
    pub step: String,
    /// The answer.
    pub decision: Decision,
    /// Words with it.
    #[serde(default)]
    pub comment: Option<String>,
    /// Data of a form.
    #[serde(default)]
    #[ts(type = "unknown")]
    pub data: Option<Value>,
    /// Digest of the evidence that the person saw: refused with [`crate::Code::Conflict`] if it changed.
    pub evidence_digest: String,
    /// Who; absent: the account.
    #[serde(default)]
    pub by: Option<String>,
}

/// Read a page of a table.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct TablePage {
    /// Artifact of the table.
    pub artifact: String,
    /// Skip so many rows.
    pub offset: f64,
    /// At most so many rows; 1,000 at most.
    pub limit: u32,
    /// Sort by this column.
    #[serde(default)]
    pub sort: Option<String>,
    /// Largest first.
    #[serde(default)]
    pub descending: bool,
    /// Only rows in which some column contains this, case folded.
    #[serde(default)]
    pub search: Option<String>,
}

/// A page of a table.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TableRows {
    /// Rows in column order; a cell is a JSON value, large integers and decimals as text.
    #[ts(type = "unknown[][]")]
    pub rows: Vec<Vec<Value>>,
    /// Rows in all that match.
    pub total: f64,
    /// The columns.
    pub columns: Vec<baton_core::table::Column>,
}

/// Read a large value.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BlobGet {
    /// Artifact of the value.
    pub artifact: String,
}

/// A value.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AnyValue {
    /// The value.
    #[ts(type = "unknown")]
    pub value: Value,
}

/// Try an expression on the data of a run.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct ExpressionTry {
    /// The source, without `{% %}`.
    pub source: String,
    /// The run whose values are in scope; absent: nothing is.
    #[serde(default)]
    pub run: Option<String>,
    /// Values in scope besides, by name (`item`, `input` …).
    #[serde(default)]
    #[ts(type = "Record<string, unknown>")]
    pub scope: Option<Value>,
}

/// What an expression gave.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct ExpressionTried {
    /// The value, if there was one.
    #[ts(type = "unknown")]
    pub value: Option<Value>,
    /// Why there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where in the source, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
}

/// Settings of this person on this machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export, optional_fields)]
pub struct Settings {
    /// `light`, `dark` or `system`.
    pub theme: Option<String>,
    /// `mouse` (wheel zooms) or `trackpad` (wheel pans).
    pub wheel: Option<String>,
    /// `right` or `down`.
    pub direction: Option<String>,
    /// Sizes and visibility of panels, kept for the UI.
    #[ts(type = "Record<string, unknown>")]
    pub panels: Option<Value>,
    /// Name under which approvals are answered here.
    pub person: Option<String>,
    /// Whether a backup is made every day; absent: it is.
    pub daily_backup: Option<bool>,
}

/// What the log is compared with.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct VerifyLog {
    /// Anchors that were kept elsewhere: the text of their file, one per line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchors: Option<String>,
}

/// A signed statement about the log: so many events, at this instant.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SignedAt {
    /// How many events the log had.
    pub events: f64,
    /// When it was signed, by the clock of that machine.
    pub at: Millis,
    /// The public key, in hex.
    pub key: String,
}

/// Result of checking the log.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Verified {
    /// Events that were checked.
    pub events: f64,
    /// Hash of the last event, if the chain is whole.
    pub head: Option<String>,
    /// What is wrong, if something is.
    pub damage: Vec<String>,
    /// The last checkpoint beside the log that holds.
    pub checkpoint: Option<SignedAt>,
    /// The last anchor from elsewhere that holds.
    pub anchor: Option<SignedAt>,
    /// What cannot be true about time, if something cannot.
    pub clock: Vec<String>,
    /// The public keys that signed the checkpoints.
    pub keys: Vec<String>,
    /// An anchor of the log as it is now, to keep elsewhere.
    pub new_anchor: Option<String>,
}
