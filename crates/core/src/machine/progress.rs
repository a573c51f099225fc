//! What follows in the state when a step, an iteration or a graph moves on: frames, joins, stops.
//!
//! Part of [`super::apply`]: nothing is decided here and nothing is evaluated.

use std::sync::Arc;

use serde_json::Value;

use super::apply::Impossible;
use super::event::{EdgeResolution, IterationOutcome, SkipReason};
use super::plan::{Control, ItemPolicy};
use super::run::{At, FrameIx, Run, Todo};
use super::state::{EdgeState, Frame, FramePhase, Phase, StepState, Wait};
use crate::Millis;
use crate::document::Join;
use crate::error::StepError;

impl Run {
    pub(super) fn open_frame(
        &mut self,
        path: String,
        graph: usize,
        parent: Option<At>,
        index: u32,
        item: Option<Arc<Value>>,
    ) {
        let frame = self.frames.len();
        let plan = self.plan.clone();
        let shape = &plan.graphs[graph];
        for (local, &step) in shape.steps.iter().enumerate() {
            if plan.steps[step].incoming == 0 {
                self.agenda.insert(Todo::Start(frame, local));
            }
        }
        self.frames.push(Frame {
            path: path.clone(),
            graph,
            parent,
            index,
            item,
            steps: vec![StepState::new(); shape.steps.len()],
            edges: vec![None; shape.edges.len()],
            open: shape.steps.len(),
            phase: FramePhase::Running,
            error: None,
            compensation: None,
        });
        self.frame_by_path.insert(path, frame);
        if shape.steps.is_empty() {
            self.agenda.insert(Todo::EndFrame(frame));
        }
    }

    pub(super) fn close_frame(&mut self, frame: FrameIx) {
        self.frames[frame].phase = FramePhase::Ended;
        self.agenda.remove(&Todo::EndFrame(frame));
        self.agenda.remove(&Todo::Fail(frame));
        self.agenda.remove(&Todo::Undo(frame));
        self.compensating.remove(&frame);
    }

    /// Marks a step as ended, resolves its edges and looks who can start or can no longer start.
    pub(super) fn end_step(
        &mut self,
        here: At,
        phase: Phase,
        edges: &[EdgeResolution],
        error: Option<&StepError>,
    ) {
        let (frame, local) = here;
        self.frames[frame].steps[local].phase = phase;
        self.active.remove(&here);
        for todo in [
            Todo::Stop(frame, local),
            Todo::Skip(frame, local),
            Todo::Signal(frame, local),
            Todo::Next(frame, local),
            Todo::Retry(frame, local),
            Todo::Start(frame, local),
        ] {
            self.agenda.remove(&todo);
        }
        let plan = self.plan.clone();
        let shape = &plan.graphs[self.frames[frame].graph];
        let step = &plan.steps[shape.steps[local]];
        let mut condition_error = None;
        for &position in &step.outgoing {
            let edge = &shape.edges[position];
            let resolution = edges.iter().find(|one| one.edge == edge.key);
            let taken = resolution.is_some_and(|one| one.taken);
            self.frames[frame].edges[position] = Some(EdgeState {
                taken,
                because: resolution.and_then(|one| one.because.clone()),
            });
            if let Some(error) = resolution.and_then(|one| one.error.clone()) {
                condition_error.get_or_insert(error);
            }
            if taken
                && edge.on.is_some()
                && let Some(error) = error
            {
                self.frames[frame].steps[edge.to].more_mut().incoming_error = Some(error.clone());
            }
            self.arrive(frame, edge.to, taken);
        }
        self.frames[frame].open -= 1;
        if let Some(mut error) = condition_error {
            error.step.get_or_insert_with(|| step.id.clone());
            self.fail_frame(frame, error);
        }
        if self.frames[frame].open == 0 {
            self.agenda.insert(Todo::EndFrame(frame));
        }
    }

    /// An incoming edge of a step was resolved.
    fn arrive(&mut self, frame: FrameIx, local: usize, taken: bool) {
        let step = self.step_index((frame, local));
        let (incoming, join) = (
            self.plan.steps[step].incoming as u32,
            self.plan.steps[step].join,
        );
        let state = &mut self.frames[frame].steps[local];
        state.resolved += 1;
        state.taken += u32::from(taken);
        if state.phase != Phase::Idle {
            return;
        }
        match verdict(join, incoming, state.resolved, state.taken) {
            Verdict::Open => {}
            Verdict::Start => {
                self.agenda.insert(Todo::Start(frame, local));
            }
            Verdict::Skip(_) => {
                self.agenda.insert(Todo::Skip(frame, local));
            }
        }
    }

    /// A failure in this frame was not handled.
    pub(super) fn fail_frame(&mut self, frame: FrameIx, error: StepError) {
        let finish = frame == 0 && self.plan.finishes_branches;
        let state = &mut self.frames[frame];
        if state.error.is_none() {
            state.error = Some(error);
        }
        if matches!(state.phase, FramePhase::Running | FramePhase::Finishing) && !finish {
            self.agenda.insert(Todo::Fail(frame));
        }
    }

    pub(super) fn stop_all(&mut self, frame: FrameIx) {
        for local in 0..self.frames[frame].steps.len() {
            if !self.frames[frame].steps[local].phase.is_ended() {
                self.agenda.insert(Todo::Stop(frame, local));
            }
        }
        if self.frames[frame].open == 0 {
            self.agenda.insert(Todo::EndFrame(frame));
        }
    }

    fn bodies_of(&self, here: At) -> Vec<FrameIx> {
        (0..self.frames.len())
            .filter(|&frame| {
                self.frames.parent(frame) == Some(here) && !self.frames.is_ended(frame)
            })
            .collect()
    }

    pub(super) fn stop_bodies(&mut self, here: At) {
        for frame in self.bodies_of(here) {
            if matches!(
                self.frames[frame].phase,
                FramePhase::Running | FramePhase::Finishing
            ) {
                self.agenda.remove(&Todo::Fail(frame));
                self.frames[frame].phase = FramePhase::Stopping;
                self.stop_all(frame);
            }
        }
    }

    pub(super) fn end_iteration(
        &mut self,
        here: At,
        index: u32,
        outcome: IterationOutcome,
        result: &Value,
        error: Option<&StepError>,
        next_at: Option<Millis>,
    ) {
        let policy = match &self.step_at(here).control {
            Some(Control::ForEach { policy, .. }) => *policy,
            _ => ItemPolicy::Stop,
        };
        let is_loop = matches!(self.step_at(here).control, Some(Control::ForEach { .. }));
        let Some(state) = &mut self.state(here).more_mut().iterations else {
            return;
        };
        state.running -= 1;
        state.next_at = next_at;
        state.until = false;
        match outcome {
            IterationOutcome::Succeeded => {
                state.succeeded += 1;
                if is_loop {
                    if let Some(slot) = state.results.get_mut(index as usize) {
                        *slot = result.clone();
                    }
                } else {
                    state.results = vec![result.clone()];
                }
            }
            IterationOutcome::Failed => {
                let error = error
                    .cloned()
                    .unwrap_or_else(|| StepError::new("failed", "the body failed"));
                state.failed.push((index, error.clone()));
                let too_many = match policy {
                    ItemPolicy::Stop => true,
                    ItemPolicy::Continue => false,
                    ItemPolicy::AtMostPercent(percent) => {
                        state.failed.len() as f64 * 100.0 > percent * state.items.len() as f64
                    }
                };
                if too_many && state.stopped.is_none() {
                    state.stopped = Some(error);
                    self.stop_bodies(here);
                }
            }
            IterationOutcome::Cancelled => {}
        }
    }

    /// A container that can do nothing before a body ends or a time comes is not on the agenda until then.
    pub(super) fn wait_for_bodies(&mut self, here: At) {
        let state = &self.frames[here.0].steps[here.1];
        let Some(rounds) = state
            .more
            .as_deref()
            .and_then(|more| more.iterations.as_ref())
        else {
            return;
        };
        if state.phase != Phase::Running || rounds.stopped.is_some() {
            return;
        }
        let waits = match &self.step_at(here).control {
            Some(Control::ForEach { concurrency, .. }) => {
                let is_full = rounds.running >= self.window(here, *concurrency);
                let has_begun_all = rounds.started as usize >= rounds.items.len();
                is_full || (has_begun_all && rounds.running > 0)
            }
            _ => rounds.running > 0 || rounds.next_at.is_some(),
        };
        if waits {
            self.agenda.remove(&Todo::Next(here.0, here.1));
        }
    }

    pub(super) fn next_undo(&mut self, frame: FrameIx) {
        if let Some(compensation) = &mut self.frames[frame].compensation {
            compensation.next += 1;
            compensation.current = None;
        }
        self.agenda.insert(Todo::Undo(frame));
    }

    /// The frame that is compensating and the step that it is at.
    pub(super) fn undoing(&self, path: &str) -> Result<(FrameIx, At), Impossible> {
        let here = self
            .locate(path)
            .ok_or_else(|| Impossible::UnknownStep(path.to_owned()))?;
        self.compensating
            .iter()
            .copied()
            .find(|&frame| {
                self.frames[frame]
                    .compensation
                    .as_ref()
                    .is_some_and(|one| one.queue.get(one.next) == Some(&here))
            })
            .map(|frame| (frame, here))
            .ok_or_else(|| Impossible::UnknownStep(path.to_owned()))
    }

    /// The first stored event that a waiting step waits for.
    pub(crate) fn matching_signal(&self, (frame, local): At) -> Option<usize> {
        let state = &self.frames[frame].steps[local];
        match state.more.as_deref()?.wait.as_ref()? {
            Wait::Event { event, key, .. } if state.phase == Phase::Waiting => self
                .signals
                .iter()
                .position(|signal| signal.event == *event && signal.key == *key),
            _ => None,
        }
    }

    pub(super) fn use_signal(&mut self, here: At, port: Option<&str>) {
        if port == Some("received")
            && let Some(position) = self.matching_signal(here)
        {
            self.signals.remove(position);
        }
    }

    /// An `end` step names the outcome; with `cancelRest` it ends its graph.
    pub(super) fn note_end(&mut self, here: At, output: &Value) {
        if !matches!(self.step_at(here).control, Some(Control::End)) {
            return;
        }
        if self.outcome_name.is_none() {
            self.outcome_name = output
                .get("outcome")
                .and_then(Value::as_str)
                .map(str::to_owned);
            self.end_outputs = output.get("output").cloned();
        }
        if output.get("cancelRest") == Some(&Value::Bool(true))
            && self.frames[here.0].phase == FramePhase::Running
        {
            self.frames[here.0].phase = FramePhase::Finishing;
            self.stop_all(here.0);
        }
    }

    pub(super) fn timer_fired(&mut self, timer: &str) -> Result<(), Impossible> {
        let (what, path) = timer.split_once(':').unwrap_or((timer, ""));
        match what {
            "run" => {
                let error =
                    StepError::permanent("run-timeout", "the run took longer than its time limit");
                self.frames[0].error.get_or_insert(error);
                self.agenda.insert(Todo::Fail(0));
            }
            "retry" => {
                let here = self.expect(path, "TimerFired", &[Phase::Retrying])?;
                self.touched.note(here);
                self.agenda.insert(Todo::Retry(here.0, here.1));
            }
            "repeat" => {
                let here = self.expect(path, "TimerFired", &[Phase::Running])?;
                if let Some(state) = &mut self.state(here).more_mut().iterations {
                    state.next_at = None;
                }
                self.agenda.insert(Todo::Next(here.0, here.1));
            }
            "timeout" => {
                let here = self.expect(path, "TimerFired", &[Phase::Running])?;
                let title = self.step_at(here).title.clone();
                let error = StepError::new(
                    "timeout",
                    format!("`{title}` took longer than its time limit"),
                );
                if let Some(state) = &mut self.state(here).more_mut().iterations {
                    state.timed_out = true;
                    state.next_at = None;
                    state.stopped.get_or_insert_with(|| error.clone());
                }
                for frame in self.bodies_of(here) {
                    if self.frames[frame].phase == FramePhase::Running {
                        self.frames[frame]
                            .error
                            .get_or_insert_with(|| error.clone());
                        self.agenda.insert(Todo::Fail(frame));
                    }
                }
                self.agenda.insert(Todo::Next(here.0, here.1));
            }
            "undo" => {
                let frame = self.frame(path)?;
                if let Some(undo) = self.frames[frame]
                    .compensation
                    .as_mut()
                    .and_then(|one| one.current.as_mut())
                {
                    undo.retry_at = None;
                }
                self.agenda.insert(Todo::Undo(frame));
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a join says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not yet decided.
    Open,
    /// The step starts.
    Start,
    /// The step can no longer start.
    Skip(SkipReason),
}

pub(crate) fn verdict(join: Join, incoming: u32, resolved: u32, taken: u32) -> Verdict {
    let all_resolved = resolved == incoming;
    match join {
        Join::Live if all_resolved && (taken > 0 || incoming == 0) => Verdict::Start,
        Join::Live if all_resolved => Verdict::Skip(SkipReason::NoEdgeTaken),
        Join::All if resolved > taken => Verdict::Skip(SkipReason::NotAllTaken),
        Join::All if all_resolved => Verdict::Start,
        Join::First if taken > 0 || incoming == 0 => Verdict::Start,
        Join::First if all_resolved => Verdict::Skip(SkipReason::NoEdgeTaken),
        Join::AtLeast(needed) if taken >= needed => Verdict::Start,
        Join::AtLeast(needed) if incoming - (resolved - taken) < needed => {
            Verdict::Skip(SkipReason::TooFewTaken)
        }
        Join::Live | Join::All | Join::First | Join::AtLeast(_) => Verdict::Open,
    }
}
