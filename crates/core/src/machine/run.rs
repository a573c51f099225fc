//! The state of a run: a fold over its events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::budget::{Allowance, Spent};
use super::event::{Outcome, Parent, StepPath};
use super::frames::Frames;
use super::pending::Touched;
use super::plan::{Plan, StepIx, StepPlan};
use super::state::{EdgeState, Phase, Signal, StepMore, StepState, Wait};
use crate::Millis;
use crate::error::StepError;

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
