//! The state of a run: a fold over its events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::budget::{Allowance, Spent};
use super::event::{Decision, Evaluation, Outcome, Parent, Passed, Question, SkipReason, StepPath};
use super::frames::Frames;
use super::pending::Touched;
use super::plan::{GraphIx, Plan, StepIx, StepPlan};
use crate::Millis;
use crate::error::StepError;
use crate::step_kind::Effect;

/// Number of a frame: 0 is the run itself, the others are bodies being carried out.
pub(crate) type FrameIx = usize;
/// A step in a frame.
pub(crate) type At = (FrameIx, usize);

/// What a run has done so far. A plain value: see [`crate::machine`].
#[derive(Debug, Clone)]
pub struct Run {
    pub(crate) plan: Arc<Plan>,
    pub(crate) seq: u32,
    pub(crate) at: Millis,
    pub(crate) started: Option<Started>,
    pub(crate) frames: Frames,
    pub(crate) frame_by_path: BTreeMap<String, FrameIx>,
    pub(crate) agenda: BTreeSet<Todo>,
    /// Steps that are neither idle nor ended.
    pub(crate) active: BTreeSet<At>,
    /// Completed steps that can be taken back, in order of completion.
    pub(crate) completed: Vec<At>,
    pub(crate) compensating: BTreeSet<FrameIx>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) signal_ids: BTreeSet<String>,
    pub(crate) paused: bool,
    pub(crate) spent: Spent,
    pub(crate) cancel: Option<bool>,
    pub(crate) outcome_name: Option<String>,
    pub(crate) end_outputs: Option<Value>,
    pub(crate) ended: Option<Ended>,
    /// For hosts, no part of what the run is: which steps to look at again.
    pub(crate) touched: Touched,
}

/// How a run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// Id of the run.
    pub run: String,
    /// Its input, defaults filled in.
    pub input: Value,
    /// Values for `env.<name>`.
    pub env: BTreeMap<String, String>,
    /// Where chance comes from.
    pub seed: u32,
    /// What started it.
    pub by: Option<String>,
    /// The run and step that wait for it.
    pub parent: Option<Parent>,
    /// How many runs are above it.
    pub depth: u32,
    /// Budgets that were settled when it began.
    pub limits: Option<Allowance>,
    /// Versions of the kinds of its steps, but for those that have their first.
    pub kinds: BTreeMap<String, u32>,
    /// When.
    pub at: Millis,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Well, badly, or stopped.
    pub outcome: Outcome,
    /// Name that an `end` step gave.
    pub name: Option<String>,
    /// Its outputs.
    pub outputs: Value,
    /// Why it failed.
    pub error: Option<StepError>,
    /// When.
    pub at: Millis,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Something is being carried out, or is about to be.
    Running,
    /// Everything that is left waits for a person, a time or an event.
    Waiting,
    /// A person paused it, or a budget is used up.
    Paused,
    /// It ended.
    Ended,
}

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

/// Something that the machine does next of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Todo {
    Fail(FrameIx),
    Stop(FrameIx, usize),
    Skip(FrameIx, usize),
    Signal(FrameIx, usize),
    Next(FrameIx, usize),
    Retry(FrameIx, usize),
    Start(FrameIx, usize),
    Undo(FrameIx),
    EndFrame(FrameIx),
}

impl Run {
    /// A run without events.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            seq: 0,
            at: 0,
            started: None,
            frames: Frames::default(),
            frame_by_path: BTreeMap::new(),
            agenda: BTreeSet::new(),
            active: BTreeSet::new(),
            completed: Vec::new(),
            compensating: BTreeSet::new(),
            signals: Vec::new(),
            signal_ids: BTreeSet::new(),
            paused: false,
            spent: Spent::default(),
            cancel: None,
            outcome_name: None,
            end_outputs: None,
            ended: None,
            touched: Touched::All,
        }
    }

    /// The definition that it is pinned to.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Position of its last event.
    pub fn seq(&self) -> u32 {
        self.seq
    }

    /// Instant of its last event.
    pub fn at(&self) -> Millis {
        self.at
    }

    /// How it began.
    pub fn started(&self) -> Option<&Started> {
        self.started.as_ref()
    }

    /// Why this build cannot carry it on, if it cannot: a kind of step means something else than when it began.
    pub fn changed_kind(&self) -> Option<String> {
        let why = self.plan.kinds.refusal(&self.started.as_ref()?.kinds);
        why.filter(|_| !crate::trial::has_bug("changed-kind-goes-on"))
    }

    /// How it ended.
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// How it ended, in one word.
    pub fn outcome(&self) -> Option<Outcome> {
        self.ended.as_ref().map(|ended| ended.outcome)
    }

    /// Whether a person asked it to stop.
    pub fn is_cancelling(&self) -> bool {
        self.cancel.is_some()
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        if self.ended.is_some() {
            return Status::Ended;
        }
        if self.is_halted() {
            return Status::Paused;
        }
        let busy = !self.agenda.is_empty()
            || self.compensating.iter().any(|&frame| {
                self.frames[frame]
                    .compensation
                    .as_ref()
                    .and_then(|one| one.current.as_ref())
                    .is_some_and(|undo| undo.running)
            })
            || self.active.iter().any(|&(frame, local)| {
                let state = &self.frames[frame].steps[local];
                match state.phase {
                    Phase::Running => self.step_at((frame, local)).body.is_none(),
                    Phase::Cancelling => true,
                    _ => false,
                }
            });
        if busy {
            Status::Running
        } else {
            Status::Waiting
        }
    }

    /// How many graphs it opened: itself and the bodies of its containers, in the order in which they began.
    pub fn graphs(&self) -> usize {
        self.frames.len()
    }

    /// Whether the graph with this number has ended.
    pub fn is_graph_ended(&self, graph: usize) -> bool {
        self.frames.is_ended(graph)
    }

    /// Number of the graph with this path (`each[3]`; empty for the run itself).
    pub fn find_graph(&self, path: &str) -> Option<usize> {
        self.frame_by_path.get(path).copied()
    }

    /// Every step that has a state, by path; idle ones are left out.
    pub fn steps(&self) -> impl Iterator<Item = (StepPath, StepView<'_>)> {
        (0..self.graphs()).flat_map(|graph| self.steps_of(graph))
    }

    /// The same for the graphs that have not ended: what is under way is there, however long the run is.
    pub fn open_steps(&self) -> impl Iterator<Item = (StepPath, StepView<'_>)> {
        (0..self.graphs())
            .filter(|graph| !self.is_graph_ended(*graph))
            .flat_map(|graph| self.steps_of(graph))
    }

    /// The same for one graph.
    pub fn steps_of(&self, graph: usize) -> impl Iterator<Item = (StepPath, StepView<'_>)> {
        let begun = self.frames[graph]
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.phase != Phase::Idle);
        begun.map(move |(local, step)| {
            let plan = self.step_at((graph, local));
            (self.path((graph, local)), StepView { plan, state: step })
        })
    }

    /// Every resolved edge: its key, with the path of the body before it.
    pub fn edges(&self) -> impl Iterator<Item = (String, &EdgeState)> {
        (0..self.graphs()).flat_map(|graph| self.edges_of(graph))
    }

    /// The same for one graph.
    pub fn edges_of(&self, graph: usize) -> impl Iterator<Item = (String, &EdgeState)> {
        let frame = &self.frames[graph];
        frame
            .edges
            .iter()
            .enumerate()
            .filter_map(move |(at, edge)| {
                let key = &self.plan.graphs[frame.graph].edges[at].key;
                let key = if frame.path.is_empty() {
                    key.clone()
                } else {
                    format!("{}/{key}", frame.path)
                };
                edge.as_ref().map(|edge| (key, edge))
            })
    }

    /// The state of one step, if it has one.
    pub fn step(&self, path: &str) -> Option<StepView<'_>> {
        let at = self.locate(path)?;
        Some(StepView {
            plan: self.step_at(at),
            state: &self.frames[at.0].steps[at.1],
        })
    }

    /// Top-level steps that ended.
    pub fn top_level_ended(&self) -> usize {
        self.frames
            .first()
            .map_or(0, |frame| frame.steps.len() - frame.open)
    }

    /// What it waits for, in plain words.
    pub fn waiting_for(&self) -> Vec<String> {
        let budget = self
            .exceeded()
            .map(|exceeded| format!("a person to allow more: {}", exceeded.sentence()));
        let steps = self.active.iter().filter_map(|&at| {
            let plan = self.step_at(at);
            let state = &self.frames[at.0].steps[at.1];
            let more = state.more.as_deref()?;
            match (state.phase, &more.wait) {
                (Phase::Unknown, _) => {
                    Some(format!("a person to say what became of `{}`", plan.title))
                }
                (Phase::Retrying, _) => Some(format!(
                    "attempt {} of `{}` at {}",
                    state.attempt + 1,
                    plan.title,
                    crate::expression::iso_instant(more.retry_at.unwrap_or_default())
                )),
                (_, Some(Wait::Time { until })) => Some(format!(
                    "{} (`{}`)",
                    crate::expression::iso_instant(*until),
                    plan.title
                )),
                (_, Some(Wait::Event { event, .. })) => {
                    Some(format!("event `{event}` (`{}`)", plan.title))
                }
                (_, Some(Wait::People { question, .. })) => Some(format!(
                    "{} to answer `{}`",
                    question.to.join(", "),
                    plan.title
                )),
                (_, Some(Wait::Child { workflow, .. })) => {
                    Some(format!("workflow `{workflow}` (`{}`)", plan.title))
                }
                (Phase::Running, None) if plan.body.is_some() => {
                    let next = more.iterations.as_ref()?.next_at?;
                    Some(format!(
                        "the next iteration of `{}` at {}",
                        plan.title,
                        crate::expression::iso_instant(next)
                    ))
                }
                _ => None,
            }
        });
        let paused = match self.paused_by() {
            Some(super::budget::DISK) => Some(super::budget::NO_ROOM.to_owned()),
            Some(super::budget::STOPPING) => Some(super::budget::NEXT_START.to_owned()),
            _ => None,
        };
        paused.into_iter().chain(budget).chain(steps).collect()
    }

    pub(crate) fn step_index(&self, (frame, local): At) -> StepIx {
        self.plan.graphs[self.frames[frame].graph].steps[local]
    }

    pub(crate) fn step_at(&self, at: At) -> &StepPlan {
        &self.plan.steps[self.step_index(at)]
    }

    pub(crate) fn path(&self, at: At) -> StepPath {
        let id = &self.step_at(at).id;
        let frame = &self.frames[at.0].path;
        if frame.is_empty() {
            id.clone()
        } else {
            format!("{frame}/{id}")
        }
    }

    pub(crate) fn locate(&self, path: &str) -> Option<At> {
        let (frame, id) = path.rsplit_once('/').unwrap_or(("", path));
        let frame = *self.frame_by_path.get(frame)?;
        let step = &self.plan.steps[*self.plan.by_id.get(id)?];
        (step.graph == self.frames[frame].graph).then_some((frame, step.local))
    }
}

/// A step of a run, for those who show it.
#[derive(Debug, Clone, Copy)]
pub struct StepView<'a> {
    plan: &'a StepPlan,
    /// Its state.
    pub state: &'a StepState,
}

impl StepView<'_> {
    /// Id in the document.
    pub fn id(&self) -> &str {
        &self.plan.id
    }

    /// What people call it.
    pub fn title(&self) -> &str {
        &self.plan.title
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        &self.plan.kind
    }

    /// Attempts in all that `retry` allows.
    pub fn attempts(&self) -> u32 {
        self.plan.retry.attempts
    }

    /// Whether it holds a graph.
    pub fn is_container(&self) -> bool {
        self.plan.body.is_some()
    }

    /// What is known of it beyond its phase.
    pub fn more(&self) -> Option<&StepMore> {
        self.state.more.as_deref()
    }
}
