//! What goes into the store and what comes out of it.

use std::collections::BTreeMap;

use baton_core::Millis;
use baton_core::error::StepError;
use baton_core::machine::{Logged, Parent};
use serde_json::Value;

use crate::checkpoints::Checkpoint;

/// Events to write, with what they change in the projections. All of it is kept, or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Id of the run.
    pub run: String,
    /// Position of the last event that the caller knows; 0 for a new run.
    pub expected_seq: u32,
    /// The events, from `expected_seq + 1` without gaps.
    pub events: Vec<Logged>,
    /// The run after these events. Its `id` and `seq` must agree with the rest; its `number` is not read.
    pub summary: RunRow,
    /// What changes in the list of open questions.
    pub questions: QuestionChanges,
    /// What changes in what it waits for.
    pub waits: WaitChanges,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The short number of the run, given with its first events.
    pub number: u32,
    /// Position of its last event now.
    pub seq: u32,
}

/// What changes in the list of open questions. A run that ends leaves none, whatever is said here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuestionChanges {
    /// Questions that are new or have changed (a further answer, a reminder).
    pub put: Vec<QuestionRow>,
    /// Paths of the steps whose questions are closed.
    pub closed: Vec<String>,
}

/// What changes in what a run waits for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WaitChanges {
    /// Timers that are new or due at another instant: name and instant.
    pub timers: Vec<(String, Millis)>,
    /// Names of timers that are no longer set.
    pub timers_gone: Vec<String>,
    /// Steps that wait for something else than before.
    pub put: Vec<WaitRow>,
    /// Steps that no longer wait.
    pub gone: Vec<String>,
    /// Nothing of the run is under way after these events: it only waits.
    pub is_at_rest: bool,
}

/// A step that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitRow {
    /// Path of the step.
    pub step: String,
    /// What it waits for.
    pub what: WaitFor,
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum WaitFor {
    /// An event from outside.
    Event {
        /// Its name.
        event: String,
        /// Its key.
        key: Value,
    },
    /// The end of another run.
    Run {
        /// Its id.
        run: String,
    },
}

/// What a run waits for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waits {
    /// Timers by name.
    pub timers: BTreeMap<String, Millis>,
    /// Events and runs by the path of the step that waits.
    pub waits: BTreeMap<String, WaitFor>,
}

/// An open question.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionRow {
    /// Id of the run.
    pub run: String,
    /// Path of the step that asks.
    pub step: String,
    /// The question, in the form that the writer chose.
    pub question: Value,
    /// When it was asked.
    pub asked_at: Millis,
    /// Answers so far, in the form that the writer chose.
    pub answers: Value,
    /// What became of an interrupted step is asked, not a decision.
    pub is_outcome: bool,
}

/// A run in lists: a projection of its events, in the same transaction as they.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunRow {
    /// Id of the run.
    pub id: String,
    /// A short number for people, rising by one with every run. The store gives it.
    pub number: u32,
    /// Id of the workflow.
    pub workflow: String,
    /// Its name at that time.
    pub workflow_name: String,
    /// Digest of the definition.
    pub digest: String,
    /// File that it was started from.
    pub path: Option<String>,
    /// Folder that relative paths start from.
    pub work_dir: Option<String>,
    /// Where it stands, in the words of `RunStatus` (`running`, `waiting` …).
    pub status: String,
    /// Name of the outcome, if an `end` step gave one.
    pub outcome: Option<String>,
    /// When it began.
    pub started_at: Millis,
    /// When it ended. Nothing follows.
    pub ended_at: Option<Millis>,
    /// What started it.
    pub by: Option<String>,
    /// Position of its last event.
    pub seq: u32,
    /// Steps that ended (top level).
    pub steps_done: u32,
    /// Steps in all (top level).
    pub steps_total: u32,
    /// What it waits for, in plain words.
    pub waiting_for: Vec<String>,
    /// Why it failed.
    pub error: Option<StepError>,
    /// The run and step that wait for this one.
    pub parent: Option<Parent>,
    /// Why it was set aside, if it was. Read only: [`crate::Store::quarantine_put`] sets it.
    pub quarantined: Option<String>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only of the workflow with this id.
    pub workflow: Option<String>,
    /// Only with this status.
    pub status: Option<String>,
    /// Only if the id, number, workflow name or outcome contains this.
    pub search: Option<String>,
    /// At most so many.
    pub limit: u32,
    /// Skip so many.
    pub offset: u32,
}

/// Edits that were journalled and not saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftRow {
    /// Path of the file, or `untitled:<n>`.
    pub key: String,
    /// Revision of the file that the edits began from.
    pub base: Option<String>,
    /// The edited document as text.
    pub document: String,
    /// When it was last edited.
    pub at: Millis,
}

/// A file that was opened before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentRow {
    /// Absolute path.
    pub path: String,
    /// Name of the workflow.
    pub name: String,
    /// When it was last opened or saved.
    pub at: Millis,
}

/// What a check of the log found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Events that were checked.
    pub events: u64,
    /// Hash of the last event in hex, if the chain is whole and not empty.
    pub head: Option<String>,
    /// What is wrong, if something is; at most 100 findings.
    pub damage: Vec<String>,
    /// How many checkpoints are beside the log.
    pub checkpoints: u64,
    /// The last one that holds.
    pub checkpoint: Option<Checkpoint>,
    /// The last anchor from elsewhere that holds.
    pub anchor: Option<Checkpoint>,
    /// The public keys that signed the checkpoints; more than one after a move to another folder.
    pub keys: Vec<String>,
    /// What cannot be true about time, if something cannot; at most 100 findings.
    pub clock: Vec<String>,
}
