//! From an input to the events that follow from it.

use serde_json::{Map, Value, json};

use super::event::{Decision, Event, Settlement};
use super::input::{Input, Start, TaskResult};
use super::resolve::Ending;
use super::run::{At, Run, Todo};
use super::state::{FramePhase, Phase, Wait};
use crate::Millis;
use crate::error::StepError;
use crate::trial;

/// Why an input cannot be taken. Nothing happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Stable name, kebab-case.
    pub code: &'static str,
    /// What, for people.
    pub message: String,
}

pub(super) fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal {
        code,
        message: message.into(),
    })
}

/// The events that follow from an input, given the state. Nothing is changed.
///
/// # Errors
///
/// [`Refusal`] if the input cannot be taken now: the run has ended, the step does not wait for this.
pub fn decide(run: &Run, input: &Input, at: Millis) -> Result<Vec<Event>, Refusal> {
    if run.ended.is_some() {
        return match input {
            Input::Advance
            | Input::TimerDue { .. }
            | Input::TaskLogged { .. }
            | Input::HostResumed { .. } => Ok(Vec::new()),
            _ => refuse("already-ended", "the run has already ended"),
        };
    }
    match input {
        Input::Start(start) => run.start(start),
        _ if run.started.is_none() => refuse("not-started", "the run has not begun"),
        Input::Advance => Ok(run.advance(at)),
        Input::Recover => Ok(run.recover(at)),
        Input::TaskEnded {
            step,
            epoch,
            result,
        } => run.task_ended(step, *epoch, result.clone(), at),
        Input::TaskLost { step, epoch } => Ok(run.task_lost(step, *epoch, at)),
        Input::TaskLogged {
            step,
            level,
            message,
        } => Ok(match run.locate(step) {
            Some(_) => vec![Event::StepLogged {
                step: step.clone(),
                level: level.clone(),
                message: message.clone(),
            }],
            None => Vec::new(),
        }),
        Input::UndoEnded {
            step,
            epoch,
            result,
        } => run.undo_ended(step, *epoch, result, at),
        Input::TimerDue { timer } => Ok(run.timer_due(timer, at)),
        Input::Decide {
            step,
            by,
            decision,
            comment,
            data,
        } => run.decided(step, by, *decision, comment.as_deref(), data.as_ref()),
        Input::Signal {
            id,
            event,
            key,
            payload,
        } => {
            if run.signal_ids.contains(id) && !trial::has_bug("event-taken-twice") {
                return Ok(Vec::new());
            }
            Ok(vec![Event::EventReceived {
                id: id.clone(),
                event: event.clone(),
                key: key.clone(),
                payload: payload.clone(),
            }])
        }
        Input::ChildEnded {
            step,
            run: child,
            outcome,
            name,
            outputs,
            error,
        } => {
            let Some(here) = run.locate(step) else {
                return refuse("unknown-step", format!("there is no step `{step}`"));
            };
            let state = &run.frames[here.0].steps[here.1];
            let expected = matches!(
                state.more.as_deref().and_then(|more| more.wait.as_ref()),
                Some(Wait::Child { run, .. }) if run == child
            );
            if !expected || !matches!(state.phase, Phase::Waiting | Phase::Cancelling) {
                return Ok(vec![Event::LateResultIgnored {
                    step: step.clone(),
                    epoch: state.epoch,
                    result: json!({ "run": child, "outcome": outcome }),
                }]);
            }
            if super::event::Outcome::Succeeded == *outcome {
                let output = json!({ "run": child, "outcome": name, "outputs": outputs });
                return Ok(vec![run.succeed(here, None, output, Vec::new(), at)]);
            }
            if state.phase == Phase::Cancelling {
                return Ok(vec![run.cancelled(here, at)]);
            }
            let message = error
                .as_ref()
                .map_or("it was cancelled", |error| error.message.as_str());
            let error = StepError::new("sub-workflow", format!("run `{child}` failed: {message}"))
                .details(json!({ "run": child, "error": error }));
            Ok(vec![run.attempt_failed(here, error, at)])
        }
        Input::Cancel { by, reason, undo } => {
            if run.cancel.is_some() || run.frames[0].phase == FramePhase::Failing {
                return refuse("already-ending", "the run is already being stopped");
            }
            Ok(vec![Event::CancelRequested {
                by: by.clone(),
                reason: reason.clone(),
                undo: *undo,
            }])
        }
        Input::Resume { .. } if !run.paused && run.exceeded().is_some() => refuse(
            "budget-exceeded",
            "a budget is used up: allow more of it to go on, or cancel the run",
        ),
        Input::Raise { budget, limit, by } => run.raise(*budget, *limit, by, at),
        Input::Pause { by } if !run.paused => Ok(vec![Event::RunPaused { by: by.clone() }]),
        Input::Resume { by } if run.paused => Ok(vec![Event::RunResumed { by: by.clone() }]),
        Input::Pause { .. } | Input::Resume { .. } => Ok(Vec::new()),
        Input::RetryNow { step, by } => match run.locate(step) {
            Some(here) if run.frames[here.0].steps[here.1].phase == Phase::Retrying => {
                Ok(vec![Event::RetryHurried {
                    step: step.clone(),
                    by: by.clone(),
                }])
            }
            _ => refuse(
                "not-retrying",
                format!("step `{step}` does not wait for another attempt"),
            ),
        },
        Input::HostResumed { gap_ms } => Ok(vec![Event::HostResumed { gap_ms: *gap_ms }]),
        Input::Settle { step, by, answer } => run.settle(step, by, answer, at),
    }
}

/// As [`decide`], for an input that is used up: what a task gave goes into its event without a copy.
pub(super) fn decide_owned(run: &Run, input: Input, at: Millis) -> Result<Vec<Event>, Refusal> {
    match input {
        Input::TaskEnded {
            step,
            epoch,
            result,
        } if run.started.is_some() && run.ended.is_none() => {
            run.task_ended(&step, epoch, result, at)
        }
        other => decide(run, &other, at),
    }
}

impl Run {
    fn start(&self, start: &Start) -> Result<Vec<Event>, Refusal> {
        if self.started.is_some() {
            return refuse("already-started", "the run has already begun");
        }
        Ok(vec![Event::RunStarted {
            run: start.run.clone(),
            workflow: self.plan.workflow().id.clone(),
            digest: self.plan.digest().to_owned(),
            input: with_defaults(self.plan.workflow().input.as_ref(), start.input.clone()),
            env: start.env.clone(),
            seed: start.seed,
            by: start.by.clone(),
            parent: start.parent.clone(),
            depth: start.depth,
            limits: (!start.limits.is_silent()).then(|| start.limits.clone()),
            kinds: self.plan.kinds.begun(),
        }])
    }

    /// What becomes of a task whose host is gone without an answer.
    fn interrupted(&self, here: At, at: Millis) -> Option<Event> {
        let state = &self.frames[here.0].steps[here.1];
        if self.step_at(here).control.is_some() {
            return None;
        }
        let path = self.path(here);
        match state.phase {
            Phase::Running => {
                let effect = state.more.as_deref().and_then(|more| more.effect);
                Some(
                    if effect.is_some_and(crate::step_kind::Effect::may_repeat) {
                        Event::StepResumed {
                            step: path,
                            attempt: state.attempt,
                            epoch: state.epoch
                                + u32::from(!trial::has_bug("same-epoch-after-crash")),
                        }
                    } else {
                        Event::StepOutcomeUnknown {
                            step: path,
                            attempt: state.attempt,
                            epoch: state.epoch,
                        }
                    },
                )
            }
            Phase::Cancelling => Some(self.cancelled(here, at)),
            Phase::Idle
            | Phase::Waiting
            | Phase::Retrying
            | Phase::Unknown
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Skipped
            | Phase::Cancelled => None,
        }
    }

    /// One task was interrupted, the others go on.
    fn task_lost(&self, step: &str, epoch: u32, at: Millis) -> Vec<Event> {
        let here = self.locate(step).filter(|here| {
            self.active.contains(here) && self.frames[here.0].steps[here.1].epoch == epoch
        });
        here.and_then(|here| self.interrupted(here, at))
            .into_iter()
            .collect()
    }

    /// Nothing that was running is running any more.
    fn recover(&self, at: Millis) -> Vec<Event> {
        let mut events = Vec::new();
        for &here in &self.active {
            events.extend(self.interrupted(here, at));
        }
        for &frame in &self.compensating {
            let Some(compensation) = &self.frames[frame].compensation else {
                continue;
            };
            let Some(undo) = compensation.current.as_ref().filter(|undo| undo.running) else {
                continue;
            };
            let step = self.path(compensation.queue[compensation.next]);
            events.push(
                if undo.effect.may_repeat() || trial::has_bug("undo-runs-again") {
                    Event::UndoStarted {
                        step,
                        attempt: undo.attempt,
                        epoch: undo.epoch + 1,
                        key: undo.key.clone(),
                        kind: undo.kind.clone(),
                        effect: undo.effect,
                        with: undo.with.clone(),
                    }
                } else {
                    let error = StepError::permanent(
                        "outcome-unknown",
                        "taking it back was interrupted; look whether it happened",
                    );
                    Event::UndoFailed {
                        step,
                        error,
                        retry_at: None,
                    }
                },
            );
        }
        events
    }

    fn task_ended(
        &self,
        path: &str,
        epoch: u32,
        result: TaskResult,
        at: Millis,
    ) -> Result<Vec<Event>, Refusal> {
        let Some(here) = self.locate(path) else {
            return refuse("unknown-step", format!("there is no step `{path}`"));
        };
        let state = &self.frames[here.0].steps[here.1];
        let is_ours = state.epoch == epoch || trial::has_bug("no-epoch-check");
        let current = is_ours && matches!(state.phase, Phase::Running | Phase::Cancelling);
        if !current {
            let result = match result {
                TaskResult::Succeeded { output, port } => {
                    json!({ "succeeded": crate::expression::brief(&output), "port": port })
                }
                TaskResult::Failed(error) => json!({ "failed": error }),
                TaskResult::Cancelled => json!("cancelled"),
            };
            return Ok(vec![Event::LateResultIgnored {
                step: path.to_owned(),
                epoch,
                result,
            }]);
        }
        Ok(vec![match result {
            TaskResult::Succeeded { output, port } => {
                self.succeed(here, port, output, Vec::new(), at)
            }
            TaskResult::Failed(_) if state.phase == Phase::Cancelling => self.cancelled(here, at),
            TaskResult::Failed(error) => self.attempt_failed(here, error, at),
            TaskResult::Cancelled => self.cancelled(here, at),
        }])
    }

    /// The step ends without a result, for the reason that was given when it was told to stop.
    pub(crate) fn cancelled(&self, here: At, at: Millis) -> Event {
        let state = &self.frames[here.0].steps[here.1];
        let reason = state.more.as_deref().and_then(|more| more.reason.clone());
        Event::StepCancelled {
            step: self.path(here),
            reason: reason.unwrap_or_else(|| self.stop_reason(here)),
            edges: self.resolve(here, &Ending::Nothing, at),
        }
    }

    fn undo_ended(
        &self,
        path: &str,
        epoch: u32,
        result: &TaskResult,
        at: Millis,
    ) -> Result<Vec<Event>, Refusal> {
        let Some(here) = self.locate(path) else {
            return refuse("unknown-step", format!("there is no step `{path}`"));
        };
        let current = self.compensating.iter().find_map(|&frame| {
            let compensation = self.frames[frame].compensation.as_ref()?;
            let undo = compensation.current.as_ref()?;
            (compensation.queue.get(compensation.next) == Some(&here)).then_some(undo)
        });
        let Some(undo) = current.filter(|undo| undo.epoch == epoch && undo.running) else {
            let result = json!({ "undo": true });
            return Ok(vec![Event::LateResultIgnored {
                step: path.to_owned(),
                epoch,
                result,
            }]);
        };
        let error = match result {
            TaskResult::Succeeded { output, .. } => {
                return Ok(vec![Event::UndoSucceeded {
                    step: path.to_owned(),
                    output: output.clone(),
                }]);
            }
            TaskResult::Failed(error) => error.clone(),
            TaskResult::Cancelled => StepError::new("cancelled", "taking it back was stopped"),
        };
        let retry = self.step_at(here).undo.as_ref().map(|plan| &plan.retry);
        let retry_at = retry
            .filter(|retry| !error.permanent && undo.attempt < retry.attempts)
            .map(|retry| at + self.retry_delay(here, retry, undo.attempt));
        Ok(vec![Event::UndoFailed {
            step: path.to_owned(),
            error,
            retry_at,
        }])
    }

    fn timer_due(&self, timer: &str, at: Millis) -> Vec<Event> {
        let (what, rest) = timer.split_once(':').unwrap_or((timer, ""));
        let fired = || Event::TimerFired {
            timer: timer.to_owned(),
        };
        let step = |path: &str| {
            let here = self.locate(path)?;
            let state = &self.frames[here.0].steps[here.1];
            Some((here, state.phase, state.more.as_deref()?))
        };
        match what {
            "run" => {
                let due = self.run_deadline().is_some_and(|deadline| deadline <= at);
                if due
                    && self.frames[0].phase == FramePhase::Running
                    && self.frames[0].error.is_none()
                {
                    vec![fired()]
                } else {
                    Vec::new()
                }
            }
            super::budget::TIMER => match self.budget_deadline() {
                Some(due) if due <= at => self.over_time(at).into_iter().collect(),
                _ => Vec::new(),
            },
            "undo" => {
                let due = self.frame_by_path.get(rest).and_then(|&frame| {
                    self.frames[frame]
                        .compensation
                        .as_ref()?
                        .current
                        .as_ref()?
                        .retry_at
                });
                if due.is_some_and(|due| due <= at) {
                    vec![fired()]
                } else {
                    Vec::new()
                }
            }
            "retry" => match step(rest) {
                Some((here, Phase::Retrying, more))
                    if more
                        .retry_at
                        .is_some_and(|due| due <= at || trial::has_bug("timer-fires-early"))
                        && !self.agenda.contains(&Todo::Retry(here.0, here.1)) =>
                {
                    vec![fired()]
                }
                _ => Vec::new(),
            },
            "wait" => match step(rest) {
                Some((here, Phase::Waiting, more)) if matches!(more.wait, Some(Wait::Time { until }) if until <= at) =>
                {
                    vec![self.succeed(here, None, Value::Null, Vec::new(), at)]
                }
                _ => Vec::new(),
            },
            "event" => match step(rest) {
                Some((here, Phase::Waiting, more)) if matches!(more.wait, Some(Wait::Event { until: Some(until), .. }) if until <= at) =>
                {
                    vec![self.succeed(
                        here,
                        Some("expired".to_owned()),
                        Value::Null,
                        Vec::new(),
                        at,
                    )]
                }
                _ => Vec::new(),
            },
            "timeout" | "repeat" => match step(rest) {
                Some((here, Phase::Running, more)) => {
                    let due = if what == "timeout" {
                        self.container_deadline(here)
                            .filter(|_| more.iterations.as_ref().is_some_and(|one| !one.timed_out))
                    } else {
                        more.iterations.as_ref().and_then(|one| one.next_at)
                    };
                    if due.is_some_and(|due| due <= at) {
                        vec![fired()]
                    } else {
                        Vec::new()
                    }
                }
                _ => Vec::new(),
            },
            "expire" | "escalate" | "remind" => self.question_timer(what, rest, at),
            _ => Vec::new(),
        }
    }

    fn question_timer(&self, what: &str, path: &str, at: Millis) -> Vec<Event> {
        let Some(here) = self.locate(path) else {
            return Vec::new();
        };
        let state = &self.frames[here.0].steps[here.1];
        let Some(Wait::People {
            question,
            asked_at,
            reminded,
            escalated,
            ..
        }) = state.more.as_deref().and_then(|more| more.wait.as_ref())
        else {
            return Vec::new();
        };
        if state.phase != Phase::Waiting {
            return Vec::new();
        }
        match what {
            "expire" if question.expires_at.is_some_and(|due| due <= at) => {
                let output = json!({ "decision": "expired" });
                vec![self.succeed(here, Some("expired".to_owned()), output, Vec::new(), at)]
            }
            "escalate" if !escalated && question.escalate_at.is_some_and(|due| due <= at) => {
                let to = question.escalate_to.clone();
                vec![Event::ApprovalEscalated {
                    step: path.to_owned(),
                    to,
                }]
            }
            "remind"
                if question
                    .remind_every_ms
                    .is_some_and(|every| asked_at + every * i64::from(reminded + 1) <= at) =>
            {
                vec![Event::ApprovalReminded {
                    step: path.to_owned(),
                }]
            }
            _ => Vec::new(),
        }
    }

    fn decided(
        &self,
        path: &str,
        by: &str,
        decision: Decision,
        comment: Option<&str>,
        data: Option<&Value>,
    ) -> Result<Vec<Event>, Refusal> {
        let Some(here) = self.locate(path) else {
            return refuse("unknown-step", format!("there is no step `{path}`"));
        };
        let state = &self.frames[here.0].steps[here.1];
        let Some(Wait::People {
            question, answers, ..
        }) = state
            .more
            .as_deref()
            .and_then(|more| more.wait.as_ref())
            .filter(|_| state.phase == Phase::Waiting)
        else {
            return refuse(
                "not-asking",
                format!("step `{path}` does not ask anything now"),
            );
        };
        let fits = (question.kind == "form") == (decision == Decision::Submitted);
        if !fits {
            return refuse(
                "wrong-answer",
                format!("step `{path}` asks for another kind of answer"),
            );
        }
        if answers.iter().any(|answer| answer.by == by) {
            return refuse(
                "already-answered",
                format!("`{by}` has already answered `{path}`"),
            );
        }
        Ok(vec![Event::ApprovalDecided {
            step: path.to_owned(),
            by: by.to_owned(),
            decision,
            comment: comment.map(str::to_owned),
            data: data.cloned(),
            evidence_digest: question.evidence_digest.clone(),
        }])
    }

    fn settle(
        &self,
        path: &str,
        by: &str,
        answer: &Settlement,
        at: Millis,
    ) -> Result<Vec<Event>, Refusal> {
        let here = self
            .locate(path)
            .filter(|&(frame, local)| self.frames[frame].steps[local].phase == Phase::Unknown);
        let Some(here) = here else {
            return refuse(
                "not-unknown",
                format!("the outcome of step `{path}` is not in question"),
            );
        };
        let settled = Event::StepOutcomeSettled {
            step: path.to_owned(),
            by: by.to_owned(),
            answer: answer.clone(),
        };
        let attempt = self.frames[here.0].steps[here.1].attempt;
        Ok(match answer {
            Settlement::Done { output } => {
                vec![
                    settled,
                    self.succeed(here, None, output.clone(), Vec::new(), at),
                ]
            }
            Settlement::NotDone => {
                let error =
                    StepError::permanent("not-done", format!("`{by}` says that it did not happen"));
                vec![settled, self.fail(here, attempt, error, at)]
            }
            Settlement::RunAgain => vec![settled],
        })
    }

    pub(crate) fn run_deadline(&self) -> Option<Millis> {
        Some(self.started.as_ref()?.at + self.plan.timeout_ms?)
    }

    pub(crate) fn container_deadline(&self, here: At) -> Option<Millis> {
        let step = self.step_at(here);
        step.body?;
        let more = self.frames[here.0].steps[here.1].more.as_deref()?;
        let slept = more.iterations.as_ref().map_or(0, |one| one.slept_ms);
        Some(more.attempt_at? + step.timeout_ms? + slept)
    }
}

/// `input` with the defaults that the schema gives its properties.
fn with_defaults(schema: Option<&Value>, input: Value) -> Value {
    let Some(properties) = schema.and_then(|schema| schema.get("properties")?.as_object()) else {
        return if input.is_null() {
            Value::Object(Map::new())
        } else {
            input
        };
    };
    let mut map = match input {
        Value::Object(map) => map,
        Value::Null => Map::new(),
        other => return other,
    };
    for (name, property) in properties {
        if let Some(default) = property.get("default")
            && !map.contains_key(name)
        {
            map.insert(name.clone(), default.clone());
        }
    }
    Value::Object(map)
}
