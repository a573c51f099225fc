//! What a run knows of its graphs and of each step in them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::{Decision, Evaluation, Passed, Question, SkipReason, StepPath};
use super::plan::GraphIx;
use super::run::At;
use crate::Millis;
use crate::error::StepError;
use crate::step_kind::Effect;

/// A graph being carried out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// Empty for the run, `each[3]` for a body.
    pub(crate) path: String,
    pub(crate) graph: GraphIx,
    pub(crate) parent: Option<At>,
    pub(crate) index: u32,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "super::snapshot::present"
    )]
    pub(crate) item: Option<Arc<Value>>,
    pub(crate) steps: Vec<StepState>,
    pub(crate) edges: Vec<Option<EdgeState>>,
    /// Steps that have not ended.
    pub(crate) open: usize,
    pub(crate) phase: FramePhase,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<StepError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) compensation: Option<Compensation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FramePhase {
    Running,
    /// An `end` with `cancelRest` was reached: the rest is stopped, the end is good.
    Finishing,
    /// A failure was not handled: the rest is stopped, then taken back.
    Failing,
    /// Stopped from outside.
    Stopping,
    Ended,
}

/// How an edge was resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeState {
    /// Taken, or not.
    pub taken: bool,
    /// The condition, explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Evaluation>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Compensation {
    pub(crate) queue: Vec<At>,
    pub(crate) next: usize,
    pub(crate) failed: Vec<StepPath>,
    pub(crate) current: Option<UndoState>,
    pub(crate) done: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UndoState {
    pub(crate) attempt: u32,
    pub(crate) epoch: u32,
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) effect: Effect,
    pub(crate) with: Map<String, Value>,
    pub(crate) running: bool,
    pub(crate) retry_at: Option<Millis>,
}

/// An event from outside that no step has used yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Signal {
    pub(crate) event: String,
    pub(crate) key: Value,
    pub(crate) payload: Value,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not started.
    Idle,
    /// A task is carried out, or a body.
    Running,
    /// Waits for a person, a time, an event or another run.
    Waiting,
    /// The next attempt is due.
    Retrying,
    /// Told to stop.
    Cancelling,
    /// Interrupted; nobody knows whether it acted.
    Unknown,
    /// Done.
    Succeeded,
    /// Failed for good.
    Failed,
    /// Did not start.
    Skipped,
    /// Stopped.
    Cancelled,
}

impl Phase {
    /// Whether the step ended.
    pub const fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled
        )
    }
}

/// What became of taking a step back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UndoPhase {
    /// Being taken back.
    Running,
    /// Taken back.
    Succeeded,
    /// Could not be taken back.
    Failed,
}

/// A step of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepState {
    /// Where it stands.
    pub phase: Phase,
    /// Attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Rises with every start.
    pub epoch: u32,
    /// Incoming edges that are resolved.
    pub(crate) resolved: u32,
    /// Incoming edges that are taken.
    pub(crate) taken: u32,
    /// The rest, for steps that did something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<Box<StepMore>>,
}

/// What is known of a step that did something.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepMore {
    /// When its first attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Millis>,
    /// When its current attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_at: Option<Millis>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Millis>,
    /// Its configuration, evaluated.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub with: Arc<Map<String, Value>>,
    /// What repeating it would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// Idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The error that led here over an error edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incoming_error: Option<StepError>,
    /// Its output.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "super::snapshot::present"
    )]
    pub output: Option<Arc<Value>>,
    /// The port that it chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// Its last error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// Why the machine decided so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Evaluation>,
    /// Nothing was carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<Passed>,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
    /// Why it was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// When the next attempt is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Millis>,
    /// Its iterations, for a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<IterationState>,
    /// What became of taking it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoPhase>,
    /// Lines that it wrote: level and text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<(String, String)>,
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "it lives in a box of its step")]
pub enum Wait {
    /// An instant.
    Time {
        /// When.
        until: Millis,
    },
    /// An event from outside.
    Event {
        /// Its name.
        event: String,
        /// Its key.
        key: Value,
        /// Until when.
        until: Option<Millis>,
    },
    /// People.
    People {
        /// The question.
        question: Question,
        /// When it was asked.
        asked_at: Millis,
        /// Answers so far.
        answers: Vec<Answer>,
        /// Reminders sent.
        reminded: u32,
        /// The question went to more people.
        escalated: bool,
    },
    /// Another run.
    Child {
        /// Its id.
        run: String,
        /// File or id of its workflow.
        workflow: String,
        /// `latest` or a digest.
        version: String,
        /// Its input.
        input: Value,
    },
}

/// What a person answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Who.
    pub by: String,
    /// What.
    pub decision: Decision,
    /// Words with it.
    pub comment: Option<String>,
    /// Data of a form.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "super::snapshot::present"
    )]
    pub data: Option<Value>,
}

/// Iterations of a container.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct IterationState {
    /// The items, for `for_each`.
    pub items: Vec<Arc<Value>>,
    /// Whether the items are settled.
    pub listed: bool,
    /// How many are begun.
    pub started: u32,
    /// How many are being carried out.
    pub running: u32,
    /// How many ended well.
    pub succeeded: u32,
    /// Index and error of those that failed.
    pub failed: Vec<(u32, StepError)>,
    /// Results by index.
    pub results: Vec<Value>,
    /// Why no further one begins.
    pub stopped: Option<StepError>,
    /// What `until` said last.
    pub until: bool,
    /// When the next one begins.
    pub next_at: Option<Millis>,
    /// The time limit of the container passed.
    pub timed_out: bool,
    /// How long the computer slept meanwhile: the time limit is put off by as much.
    pub slept_ms: i64,
}

impl StepState {
    pub(crate) const fn new() -> Self {
        Self {
            phase: Phase::Idle,
            attempt: 0,
            epoch: 0,
            resolved: 0,
            taken: 0,
            more: None,
        }
    }

    pub(crate) fn more_mut(&mut self) -> &mut StepMore {
        self.more.get_or_insert_with(Box::default)
    }
}
