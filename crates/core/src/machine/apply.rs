//! Folding an event into the state. Nothing is decided here and nothing is evaluated.

use std::sync::Arc;

use serde_json::Value;

use super::event::{Decision, EdgeResolution, Event, IterationOutcome, Logged, SkipReason};
use super::plan::{Control, ItemPolicy};
use super::run::{
    Answer, At, Compensation, EdgeState, Ended, Frame, FrameIx, FramePhase, IterationState, Phase,
    Run, Signal, Started, StepState, Todo, UndoPhase, UndoState, Wait,
};
use crate::Millis;
use crate::document::Join;
use crate::error::StepError;

/// Why an event cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// The position is not the next one.
    #[error("event {found} cannot follow event {last}")]
    Position {
        /// Position of the last event.
        last: u32,
        /// Position of this one.
        found: u32,
    },
    /// The run has ended, or has not begun.
    #[error("the run {0}")]
    Lifecycle(&'static str),
    /// The step does not exist, or not here.
    #[error("there is no step `{0}` in this run")]
    UnknownStep(String),
    /// The step is in a state in which this cannot happen.
    #[error("step `{step}` is {phase:?}, so `{event}` cannot happen")]
    WrongPhase {
        /// The step.
        step: String,
        /// Its state.
        phase: Phase,
        /// The event.
        event: &'static str,
    },
}

/// Folds one event into the run.
///
/// # Errors
///
/// [`Impossible`] if the event cannot follow; the run is unchanged then.
pub fn apply(run: &mut Run, logged: &Logged) -> Result<(), Impossible> {
    if logged.seq != run.seq + 1 {
        return Err(Impossible::Position {
            last: run.seq,
            found: logged.seq,
        });
    }
    if run.ended.is_some() {
        return Err(Impossible::Lifecycle("has ended"));
    }
    if run.started.is_some() == matches!(logged.event, Event::RunStarted { .. }) {
        return Err(Impossible::Lifecycle(if run.started.is_some() {
            "has already begun"
        } else {
            "has not begun"
        }));
    }
    run.fold(&logged.event, logged.at)?;
    run.seq = logged.seq;
    run.at = logged.at;
    Ok(())
}

impl Run {
    fn fold(&mut self, event: &Event, at: Millis) -> Result<(), Impossible> {
        match event {
            Event::RunStarted {
                run,
                input,
                env,
                seed,
                by,
                parent,
                ..
            } => {
                self.started = Some(Started {
                    run: run.clone(),
                    input: input.clone(),
                    env: env.clone(),
                    seed: *seed,
                    by: by.clone(),
                    parent: parent.clone(),
                    at,
                });
                self.open_frame(String::new(), 0, None, 0, None);
            }
            Event::StepSkipped {
                step,
                reason,
                edges,
            } => {
                let here = self.expect(step, "StepSkipped", &[Phase::Idle])?;
                let more = self.state(here).more_mut();
                more.skipped = Some(reason.clone());
                more.ended_at = Some(at);
                self.end_step(here, Phase::Skipped, edges, None);
            }
            Event::StepStarted {
                step,
                attempt,
                epoch,
                key,
                effect,
                with,
                error,
                ..
            } => {
                let here = self.expect(step, "StepStarted", &[Phase::Idle, Phase::Retrying])?;
                let is_container = self.step_at(here).body.is_some();
                let is_control = self.step_at(here).control.is_some();
                let state = self.state(here);
                state.phase = Phase::Running;
                state.attempt = *attempt;
                state.epoch = *epoch;
                let more = state.more_mut();
                more.started_at.get_or_insert(at);
                more.attempt_at = Some(at);
                more.effect = Some(*effect);
                more.retry_at = None;
                more.wait = None;
                if key.is_some() {
                    more.key.clone_from(key);
                }
                if *attempt == 1 || !with.is_empty() {
                    more.with.clone_from(with);
                }
                if error.is_some() {
                    more.incoming_error.clone_from(error);
                }
                if is_container {
                    let kept = more.iterations.take().unwrap_or_default();
                    more.iterations = Some(IterationState {
                        started: kept.started,
                        ..IterationState::default()
                    });
                }
                if is_control {
                    self.agenda.insert(Todo::Next(here.0, here.1));
                }
                self.active.insert(here);
                self.agenda.remove(&Todo::Start(here.0, here.1));
                self.agenda.remove(&Todo::Retry(here.0, here.1));
                for loser in self.step_at(here).losers.clone() {
                    if !self.frames[here.0].steps[loser].phase.is_ended() {
                        self.agenda.insert(Todo::Stop(here.0, loser));
                    }
                }
            }
            Event::StepResumed { step, epoch, .. } => {
                let here = self.expect(step, "StepResumed", &[Phase::Running])?;
                self.state(here).epoch = *epoch;
            }
            Event::StepOutcomeUnknown { step, .. } => {
                let here = self.expect(step, "StepOutcomeUnknown", &[Phase::Running])?;
                self.state(here).phase = Phase::Unknown;
            }
            Event::StepOutcomeSettled { step, answer, .. } => {
                let here = self.expect(step, "StepOutcomeSettled", &[Phase::Unknown])?;
                if matches!(answer, super::event::Settlement::RunAgain) {
                    self.state(here).phase = Phase::Retrying;
                    self.agenda.insert(Todo::Retry(here.0, here.1));
                } else {
                    self.state(here).phase = Phase::Running;
                }
            }
            Event::StepAttemptFailed {
                step,
                error,
                retry_at,
                because,
                ..
            } => {
                let here =
                    self.expect(step, "StepAttemptFailed", &[Phase::Running, Phase::Waiting])?;
                let state = self.state(here);
                state.phase = Phase::Retrying;
                let more = state.more_mut();
                more.error = Some(error.clone());
                more.retry_at = *retry_at;
                more.wait = None;
                if let Some(because) = because {
                    more.because = vec![because.clone()];
                }
            }
            Event::StepSucceeded {
                step,
                attempt,
                port,
                output,
                because,
                passed,
                edges,
                ..
            } => {
                let here = self.expect(
                    step,
                    "StepSucceeded",
                    &[
                        Phase::Idle,
                        Phase::Running,
                        Phase::Waiting,
                        Phase::Cancelling,
                    ],
                )?;
                self.use_signal(here, port.as_deref());
                let state = self.state(here);
                state.attempt = *attempt;
                let more = state.more_mut();
                more.started_at.get_or_insert(at);
                more.ended_at = Some(at);
                more.port.clone_from(port);
                more.output = Some(Arc::new(output.clone()));
                more.because.clone_from(because);
                more.passed = *passed;
                more.wait = None;
                if passed.is_none() && self.step_at(here).undo.is_some() {
                    self.completed.push(here);
                }
                self.end_step(here, Phase::Succeeded, edges, None);
                if passed.is_none() {
                    self.note_end(here, output);
                }
            }
            Event::StepFailed {
                step,
                attempt,
                error,
                handled,
                edges,
            } => {
                let here = self.expect(
                    step,
                    "StepFailed",
                    &[
                        Phase::Idle,
                        Phase::Running,
                        Phase::Waiting,
                        Phase::Retrying,
                        Phase::Unknown,
                    ],
                )?;
                let state = self.state(here);
                state.attempt = *attempt;
                let more = state.more_mut();
                more.started_at.get_or_insert(at);
                more.ended_at = Some(at);
                more.error = Some(error.clone());
                more.wait = None;
                let id = self.step_at(here).id.clone();
                self.end_step(here, Phase::Failed, edges, Some(error));
                if !handled {
                    let mut error = error.clone();
                    error.step.get_or_insert(id);
                    self.fail_frame(here.0, error);
                }
            }
            Event::StepCancelRequested { step, reason } => {
                let here = self.expect(
                    step,
                    "StepCancelRequested",
                    &[Phase::Running, Phase::Waiting],
                )?;
                let state = self.state(here);
                state.phase = Phase::Cancelling;
                state.more_mut().reason = Some(reason.clone());
                self.agenda.remove(&Todo::Stop(here.0, here.1));
                if self.step_at(here).body.is_some() {
                    self.stop_bodies(here);
                    self.agenda.insert(Todo::Next(here.0, here.1));
                }
            }
            Event::StepCancelled {
                step,
                reason,
                edges,
            } => {
                let here = self.expect(
                    step,
                    "StepCancelled",
                    &[
                        Phase::Running,
                        Phase::Waiting,
                        Phase::Retrying,
                        Phase::Cancelling,
                        Phase::Unknown,
                    ],
                )?;
                let more = self.state(here).more_mut();
                more.reason = Some(reason.clone());
                more.ended_at = Some(at);
                more.wait = None;
                self.end_step(here, Phase::Cancelled, edges, None);
            }
            Event::WaitStarted { step, until } => {
                self.wait(step, "WaitStarted", Wait::Time { until: *until })?;
            }
            Event::EventAwaited {
                step,
                event,
                key,
                until,
            } => {
                let wait = Wait::Event {
                    event: event.clone(),
                    key: key.clone(),
                    until: *until,
                };
                let here = self.wait(step, "EventAwaited", wait)?;
                if self.matching_signal(here).is_some() {
                    self.agenda.insert(Todo::Signal(here.0, here.1));
                }
            }
            Event::EventReceived {
                id,
                event,
                key,
                payload,
            } => {
                self.signal_ids.insert(id.clone());
                self.signals.push(Signal {
                    event: event.clone(),
                    key: key.clone(),
                    payload: payload.clone(),
                });
                let waiting: Vec<At> = self.active.iter().copied().collect();
                for here in waiting {
                    if self.matching_signal(here).is_some() {
                        self.agenda.insert(Todo::Signal(here.0, here.1));
                    }
                }
            }
            Event::ApprovalRequested { step, question } => {
                let wait = Wait::People {
                    question: question.clone(),
                    asked_at: at,
                    answers: Vec::new(),
                    reminded: 0,
                    escalated: false,
                };
                self.wait(step, "ApprovalRequested", wait)?;
            }
            Event::ApprovalReminded { step } => {
                let here = self.expect(step, "ApprovalReminded", &[Phase::Waiting])?;
                if let Some(Wait::People { reminded, .. }) = &mut self.state(here).more_mut().wait {
                    *reminded += 1;
                }
            }
            Event::ApprovalEscalated { step, to } => {
                let here = self.expect(step, "ApprovalEscalated", &[Phase::Waiting])?;
                if let Some(Wait::People {
                    question,
                    escalated,
                    ..
                }) = &mut self.state(here).more_mut().wait
                {
                    *escalated = true;
                    question.to.extend(to.iter().cloned());
                }
            }
            Event::ApprovalDecided {
                step,
                by,
                decision,
                comment,
                data,
                ..
            } => {
                let here = self.expect(step, "ApprovalDecided", &[Phase::Waiting])?;
                let mut suffices = false;
                if let Some(Wait::People {
                    question, answers, ..
                }) = &mut self.state(here).more_mut().wait
                {
                    answers.push(Answer {
                        by: by.clone(),
                        decision: *decision,
                        comment: comment.clone(),
                        data: data.clone(),
                    });
                    suffices = *decision != Decision::Approved
                        || answers.len() >= question.quorum as usize;
                }
                if suffices {
                    self.agenda.insert(Todo::Next(here.0, here.1));
                }
            }
            Event::ChildRequested {
                step,
                run,
                workflow,
                version,
                input,
            } => {
                let wait = Wait::Child {
                    run: run.clone(),
                    workflow: workflow.clone(),
                    version: version.clone(),
                    input: input.clone(),
                };
                self.wait(step, "ChildRequested", wait)?;
            }
            Event::ItemsListed { step, items, .. } => {
                let here = self.expect(step, "ItemsListed", &[Phase::Running])?;
                let listed: Vec<Arc<Value>> = items.iter().cloned().map(Arc::new).collect();
                if let Some(state) = &mut self.state(here).more_mut().iterations {
                    state.results = vec![Value::Null; listed.len()];
                    state.items = listed;
                    state.listed = true;
                }
            }
            Event::IterationStarted { step, index } => {
                let here = self.expect(step, "IterationStarted", &[Phase::Running])?;
                let Some(body) = self.step_at(here).body else {
                    return Err(Impossible::UnknownStep(step.clone()));
                };
                let item = {
                    let Some(state) = &mut self.state(here).more_mut().iterations else {
                        return Err(Impossible::UnknownStep(step.clone()));
                    };
                    state.started += 1;
                    state.running += 1;
                    state.next_at = None;
                    state.items.get(*index as usize).cloned()
                };
                self.open_frame(format!("{step}[{index}]"), body, Some(here), *index, item);
            }
            Event::IterationEnded {
                step,
                index,
                outcome,
                result,
                error,
                because,
                next_at,
            } => {
                let here =
                    self.expect(step, "IterationEnded", &[Phase::Running, Phase::Cancelling])?;
                let frame = *self
                    .frame_by_path
                    .get(&format!("{step}[{index}]"))
                    .ok_or_else(|| Impossible::UnknownStep(format!("{step}[{index}]")))?;
                self.close_frame(frame);
                self.end_iteration(here, *index, *outcome, result, error.as_ref(), *next_at);
                if let (Some(because), Some(state)) =
                    (because, &mut self.state(here).more_mut().iterations)
                {
                    state.until = because.result == Value::Bool(true);
                }
                self.agenda.insert(Todo::Next(here.0, here.1));
            }
            Event::FailureStarted { scope, error } => {
                let frame = self.frame(scope)?;
                self.agenda.remove(&Todo::Fail(frame));
                self.frames[frame].phase = FramePhase::Failing;
                self.frames[frame]
                    .error
                    .get_or_insert_with(|| error.clone());
                self.stop_all(frame);
            }
            Event::CompensationStarted { scope, steps } => {
                let frame = self.frame(scope)?;
                let queue = steps
                    .iter()
                    .map(|step| {
                        self.locate(step)
                            .ok_or_else(|| Impossible::UnknownStep(step.clone()))
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                self.frames[frame].compensation = Some(Compensation {
                    queue,
                    next: 0,
                    failed: Vec::new(),
                    current: None,
                    done: false,
                });
                self.compensating.insert(frame);
                self.agenda.remove(&Todo::EndFrame(frame));
                self.agenda.insert(Todo::Undo(frame));
            }
            Event::UndoStarted {
                step,
                attempt,
                epoch,
                key,
                kind,
                effect,
                with,
            } => {
                let (frame, here) = self.undoing(step)?;
                self.state(here).more_mut().undo = Some(UndoPhase::Running);
                if let Some(compensation) = &mut self.frames[frame].compensation {
                    compensation.current = Some(UndoState {
                        attempt: *attempt,
                        epoch: *epoch,
                        key: key.clone(),
                        kind: kind.clone(),
                        effect: *effect,
                        with: with.clone(),
                        running: true,
                        retry_at: None,
                    });
                }
                self.agenda.remove(&Todo::Undo(frame));
            }
            Event::UndoSucceeded { step, .. } => {
                let (frame, here) = self.undoing(step)?;
                self.state(here).more_mut().undo = Some(UndoPhase::Succeeded);
                self.next_undo(frame);
            }
            Event::UndoFailed {
                step,
                error,
                retry_at,
            } => {
                let (frame, here) = self.undoing(step)?;
                self.state(here).more_mut().error = Some(error.clone());
                if let Some(retry_at) = retry_at {
                    if let Some(undo) = self.frames[frame]
                        .compensation
                        .as_mut()
                        .and_then(|one| one.current.as_mut())
                    {
                        undo.running = false;
                        undo.retry_at = Some(*retry_at);
                    }
                } else {
                    self.state(here).more_mut().undo = Some(UndoPhase::Failed);
                    if let Some(compensation) = &mut self.frames[frame].compensation {
                        compensation.failed.push(step.clone());
                    }
                    self.next_undo(frame);
                }
            }
            Event::CompensationEnded { scope, .. } => {
                let frame = self.frame(scope)?;
                if let Some(compensation) = &mut self.frames[frame].compensation {
                    compensation.done = true;
                }
                self.compensating.remove(&frame);
                self.agenda.remove(&Todo::Undo(frame));
                self.agenda.insert(Todo::EndFrame(frame));
            }
            Event::CancelRequested { undo, .. } => {
                self.cancel = Some(*undo);
                self.paused = false;
                self.agenda.remove(&Todo::Fail(0));
                self.frames[0].phase = FramePhase::Stopping;
                self.stop_all(0);
            }
            Event::RunPaused { .. } => self.paused = true,
            Event::RunResumed { .. } => self.paused = false,
            Event::TimerFired { timer } => self.timer_fired(timer)?,
            Event::RetryHurried { step, .. } => {
                let here = self.expect(step, "RetryHurried", &[Phase::Retrying])?;
                self.agenda.insert(Todo::Retry(here.0, here.1));
            }
            Event::StepLogged {
                step,
                level,
                message,
            } => {
                let here = self
                    .locate(step)
                    .ok_or_else(|| Impossible::UnknownStep(step.clone()))?;
                self.state(here)
                    .more_mut()
                    .log
                    .push((level.clone(), message.clone()));
            }
            Event::LateResultIgnored { .. } => {}
            Event::RunEnded {
                outcome,
                name,
                outputs,
                error,
            } => {
                self.frames[0].phase = FramePhase::Ended;
                self.agenda.clear();
                self.ended = Some(Ended {
                    outcome: *outcome,
                    name: name.clone(),
                    outputs: outputs.clone(),
                    error: error.clone(),
                    at,
                });
            }
        }
        Ok(())
    }

    pub(crate) fn state(&mut self, (frame, local): At) -> &mut StepState {
        &mut self.frames[frame].steps[local]
    }

    fn expect(&self, path: &str, event: &'static str, phases: &[Phase]) -> Result<At, Impossible> {
        let here = self
            .locate(path)
            .ok_or_else(|| Impossible::UnknownStep(path.to_owned()))?;
        let phase = self.frames[here.0].steps[here.1].phase;
        if phases.contains(&phase) {
            Ok(here)
        } else {
            Err(Impossible::WrongPhase {
                step: path.to_owned(),
                phase,
                event,
            })
        }
    }

    fn frame(&self, path: &str) -> Result<FrameIx, Impossible> {
        self.frame_by_path
            .get(path)
            .copied()
            .ok_or_else(|| Impossible::UnknownStep(path.to_owned()))
    }

    fn wait(&mut self, path: &str, event: &'static str, wait: Wait) -> Result<At, Impossible> {
        let here = self.expect(path, event, &[Phase::Running])?;
        self.agenda.remove(&Todo::Next(here.0, here.1));
        let state = self.state(here);
        state.phase = Phase::Waiting;
        state.more_mut().wait = Some(wait);
        Ok(here)
    }

    fn open_frame(
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

    fn close_frame(&mut self, frame: FrameIx) {
        self.frames[frame].phase = FramePhase::Ended;
        self.agenda.remove(&Todo::EndFrame(frame));
        self.agenda.remove(&Todo::Fail(frame));
        self.agenda.remove(&Todo::Undo(frame));
        self.compensating.remove(&frame);
    }

    /// Marks a step as ended, resolves its edges and looks who can start or can no longer start.
    fn end_step(
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
    fn fail_frame(&mut self, frame: FrameIx, error: StepError) {
        let finish = frame == 0 && self.plan.finishes_branches;
        let state = &mut self.frames[frame];
        if state.error.is_none() {
            state.error = Some(error);
        }
        if matches!(state.phase, FramePhase::Running | FramePhase::Finishing) && !finish {
            self.agenda.insert(Todo::Fail(frame));
        }
    }

    fn stop_all(&mut self, frame: FrameIx) {
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
                self.frames[frame].parent == Some(here)
                    && self.frames[frame].phase != FramePhase::Ended
            })
            .collect()
    }

    fn stop_bodies(&mut self, here: At) {
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

    fn end_iteration(
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

    fn next_undo(&mut self, frame: FrameIx) {
        if let Some(compensation) = &mut self.frames[frame].compensation {
            compensation.next += 1;
            compensation.current = None;
        }
        self.agenda.insert(Todo::Undo(frame));
    }

    /// The frame that is compensating and the step that it is at.
    fn undoing(&self, path: &str) -> Result<(FrameIx, At), Impossible> {
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

    fn use_signal(&mut self, here: At, port: Option<&str>) {
        if port == Some("received")
            && let Some(position) = self.matching_signal(here)
        {
            self.signals.remove(position);
        }
    }

    /// An `end` step names the outcome; with `cancelRest` it ends its graph.
    fn note_end(&mut self, here: At, output: &Value) {
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

    fn timer_fired(&mut self, timer: &str) -> Result<(), Impossible> {
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
