//! Folding an event into the state. Nothing is decided here and nothing is evaluated.

use std::sync::Arc;

use serde_json::Value;

use super::event::{Decision, Event, Logged};
use super::plan::Control;
use super::run::{At, Ended, FrameIx, Run, Started, Todo};
use super::state::{
    Answer, Compensation, FramePhase, IterationState, Phase, Signal, StepState, UndoPhase,
    UndoState, Wait,
};
use crate::Millis;

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
                depth,
                limits,
                kinds,
                ..
            } => {
                self.spent.hold(input);
                self.started = Some(Started {
                    run: run.clone(),
                    input: input.clone(),
                    env: env.clone(),
                    seed: *seed,
                    by: by.clone(),
                    parent: parent.clone(),
                    depth: *depth,
                    limits: limits.clone(),
                    kinds: kinds.clone(),
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
                self.spent.started(self.frames[here.0].steps[here.1].phase);
                with.values().for_each(|value| self.spent.hold(value));
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
                self.stop_losers(here);
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
                let phase = self.frames[here.0].steps[here.1].phase;
                self.spent.started(phase);
                self.spent.output(step, output);
                if phase == Phase::Idle {
                    self.stop_losers(here);
                }
                self.use_signal(here, port.as_deref());
                let state = self.state(here);
                state.attempt = *attempt;
                let more = state.more_mut();
                more.started_at.get_or_insert(at);
                more.ended_at = Some(at);
                more.port.clone_from(port);
                more.output = Some(output.clone());
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
                let phase = self.frames[here.0].steps[here.1].phase;
                self.spent.started(phase);
                if phase == Phase::Idle {
                    self.stop_losers(here);
                }
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
                self.spent.hold(payload);
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
                items.iter().for_each(|item| self.spent.hold(item));
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
                let concurrency = match &self.step_at(here).control {
                    Some(Control::ForEach { concurrency, .. }) => *concurrency,
                    _ => 1,
                };
                let (item, is_full) = {
                    let Some(state) = &mut self.state(here).more_mut().iterations else {
                        return Err(Impossible::UnknownStep(step.clone()));
                    };
                    state.started += 1;
                    state.running += 1;
                    state.next_at = None;
                    let is_full =
                        state.running >= concurrency || state.started as usize >= state.items.len();
                    (state.items.get(*index as usize).cloned(), is_full)
                };
                // Nothing follows of its own before an iteration ends: no need to look at it each time.
                if is_full {
                    self.agenda.remove(&Todo::Next(here.0, here.1));
                }
                self.open_frame(format!("{step}[{index}]"), body, Some(here), *index, item);
                self.wait_for_bodies(here);
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
                self.spent.hold(result);
                self.close_frame(frame);
                self.end_iteration(here, *index, *outcome, result, error.as_ref(), *next_at);
                if let (Some(because), Some(state)) =
                    (because, &mut self.state(here).more_mut().iterations)
                {
                    state.until = because.result == Value::Bool(true);
                }
                self.agenda.insert(Todo::Next(here.0, here.1));
                self.wait_for_bodies(here);
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
                self.spent.exceeded = None;
                self.agenda.remove(&Todo::Fail(0));
                self.frames[0].phase = FramePhase::Stopping;
                self.stop_all(0);
            }
            Event::RunPaused { by } => {
                self.paused = true;
                self.spent.paused_by = Some(by.clone());
            }
            Event::RunResumed { .. } => self.paused = false,
            Event::BudgetExceeded(exceeded) => self.spent.exceeded = Some(exceeded.clone()),
            Event::BudgetRaised { budget, limit, .. } => self.spent.raise(*budget, *limit),
            Event::TimerFired { timer } => self.timer_fired(timer)?,
            Event::HostResumed { gap_ms } => {
                for here in self.active.clone() {
                    if let Some(rounds) = &mut self.state(here).more_mut().iterations
                        && !crate::trial::has_bug("sleep-counts")
                    {
                        rounds.slept_ms += gap_ms;
                    }
                }
            }
            Event::RetryHurried { step, .. } => {
                let here = self.expect(step, "RetryHurried", &[Phase::Retrying])?;
                self.touched.note(here);
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

    /// A step was the first to be reached by any of its branches: the others stop. Steps that are never carried out, a
    /// merge for one, win when they end.
    fn stop_losers(&mut self, here: At) {
        for loser in self.step_at(here).losers.clone() {
            if !self.frames[here.0].steps[loser].phase.is_ended() {
                self.agenda.insert(Todo::Stop(here.0, loser));
            }
        }
    }

    pub(crate) fn state(&mut self, here: At) -> &mut StepState {
        self.touched.note(here);
        &mut self.frames[here.0].steps[here.1]
    }

    pub(super) fn expect(
        &self,
        path: &str,
        event: &'static str,
        phases: &[Phase],
    ) -> Result<At, Impossible> {
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

    pub(super) fn frame(&self, path: &str) -> Result<FrameIx, Impossible> {
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
}
