//! What the machine does next of its own: starting, skipping, stopping, iterating, failing, taking back, ending.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::event::{Decision, Event, IterationOutcome, Outcome, SkipReason};
use super::plan::Control;
use super::resolve::{Ending, RunScope, step_error};
use super::run::{At, FrameIx, Run, Todo};
use super::state::{FramePhase, Phase, Wait};
use crate::Millis;
use crate::duration::parse_ms;
use crate::error::StepError;
use crate::expression::{Config, evaluation_of};
use crate::step_kind::Effect;

impl Run {
    /// The events of the first thing on the agenda that can be done now; empty if the outside is needed.
    pub(crate) fn advance(&self, at: Millis) -> Vec<Event> {
        for &todo in &self.agenda {
            let events = match todo {
                Todo::Fail(frame) => self.begin_failure(frame),
                Todo::Stop(frame, local) => self.stop((frame, local), at),
                Todo::Skip(frame, local) => self.skip((frame, local), at),
                Todo::Signal(frame, local) => self.receive((frame, local), at),
                Todo::Next(frame, local) => self.next_iteration((frame, local), at),
                Todo::Retry(frame, local) if !self.is_halted() => self.retry((frame, local), at),
                Todo::Start(frame, local) if !self.is_halted() => self.begin((frame, local), at),
                Todo::Retry(..) | Todo::Start(..) => Vec::new(),
                Todo::Undo(frame) => self.undo_next(frame, at),
                Todo::EndFrame(frame) => self.end_frame(frame, at),
            };
            if !events.is_empty() {
                return events;
            }
        }
        Vec::new()
    }

    fn begin_failure(&self, frame: FrameIx) -> Vec<Event> {
        let state = &self.frames[frame];
        match &state.error {
            Some(error) if matches!(state.phase, FramePhase::Running | FramePhase::Finishing) => {
                vec![Event::FailureStarted {
                    scope: state.path.clone(),
                    error: error.clone(),
                }]
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn stop_reason(&self, here: At) -> String {
        let frame = &self.frames[here.0];
        match frame.phase {
            FramePhase::Failing => {
                let message = frame
                    .error
                    .as_ref()
                    .map_or("a step failed", |error| error.message.as_str());
                format!("another step failed: {message}")
            }
            FramePhase::Finishing => "the end was reached".to_owned(),
            FramePhase::Stopping if self.cancel.is_some() => "the run was cancelled".to_owned(),
            FramePhase::Stopping => "the surrounding step was stopped".to_owned(),
            FramePhase::Running | FramePhase::Ended => "another branch was faster".to_owned(),
        }
    }

    fn stop(&self, here: At, at: Millis) -> Vec<Event> {
        let state = &self.frames[here.0].steps[here.1];
        let step = self.step_at(here);
        match state.phase {
            Phase::Idle => {
                let reason = if self.frames[here.0].phase == FramePhase::Running {
                    SkipReason::LostRace
                } else {
                    SkipReason::Ended
                };
                vec![Event::StepSkipped {
                    step: self.path(here),
                    reason,
                    edges: self.resolve(here, &Ending::Nothing, at),
                }]
            }
            Phase::Running => vec![Event::StepCancelRequested {
                step: self.path(here),
                reason: self.stop_reason(here),
            }],
            Phase::Waiting if matches!(step.control, Some(Control::Workflow)) => {
                vec![Event::StepCancelRequested {
                    step: self.path(here),
                    reason: self.stop_reason(here),
                }]
            }
            Phase::Waiting | Phase::Retrying | Phase::Unknown => vec![self.cancelled(here, at)],
            Phase::Cancelling
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Skipped
            | Phase::Cancelled => Vec::new(),
        }
    }

    fn skip(&self, here: At, at: Millis) -> Vec<Event> {
        let step = self.step_at(here);
        let state = &self.frames[here.0].steps[here.1];
        let verdict =
            super::progress::verdict(step.join, step.incoming as u32, state.resolved, state.taken);
        let reason = match verdict {
            super::progress::Verdict::Skip(reason) => reason,
            super::progress::Verdict::Open | super::progress::Verdict::Start => SkipReason::Ended,
        };
        vec![Event::StepSkipped {
            step: self.path(here),
            reason,
            edges: self.resolve(here, &Ending::Nothing, at),
        }]
    }

    fn receive(&self, here: At, at: Millis) -> Vec<Event> {
        let Some(position) = self.matching_signal(here) else {
            return Vec::new();
        };
        let signal = &self.signals[position];
        let output = json!({ "event": signal.event, "key": signal.key, "payload": signal.payload });
        vec![self.succeed(here, Some("received".to_owned()), output, Vec::new(), at)]
    }

    fn begin(&self, here: At, at: Millis) -> Vec<Event> {
        if self.frames[here.0].phase != FramePhase::Running {
            return vec![Event::StepSkipped {
                step: self.path(here),
                reason: SkipReason::Ended,
                edges: self.resolve(here, &Ending::Nothing, at),
            }];
        }
        if let Some(event) = self.over_budget(here, true, at) {
            return vec![event];
        }
        let step = self.step_at(here);
        if step.disabled {
            return vec![self.passed(here, super::event::Passed::Disabled, Value::Null, at)];
        }
        if let Some(pin) = &step.pin {
            return vec![self.passed(here, super::event::Passed::Pinned, pin.clone(), at)];
        }
        self.attempt(here, at)
    }

    /// Nothing is carried out: plain edges are taken, and the first port.
    fn passed(&self, here: At, passed: super::event::Passed, output: Value, at: Millis) -> Event {
        let step = self.step_at(here);
        let shape = &self.plan.graphs[self.frames[here.0].graph];
        let port = step
            .outgoing
            .iter()
            .find_map(|&edge| shape.edges[edge].port.clone());
        let ending = Ending::Success {
            port: port.as_deref(),
            output: &output,
        };
        Event::StepSucceeded {
            step: self.path(here),
            attempt: 1,
            epoch: 1,
            edges: self.resolve(here, &ending, at),
            port,
            output: Arc::new(output),
            because: Vec::new(),
            passed: Some(passed),
        }
    }

    fn retry(&self, here: At, at: Millis) -> Vec<Event> {
        if self.frames[here.0].phase != FramePhase::Running {
            return Vec::new();
        }
        if let Some(event) = self.over_budget(here, false, at) {
            return vec![event];
        }
        self.attempt(here, at)
    }

    fn attempt(&self, here: At, at: Millis) -> Vec<Event> {
        let step = self.step_at(here);
        let state = &self.frames[here.0].steps[here.1];
        let scope = RunScope::of_step(self, here, at);
        let with = match step.config.evaluate(&scope) {
            Ok(Value::Object(with)) => with,
            Ok(_) => Map::new(),
            Err((path, error)) => {
                let field = path.trim_start_matches('.');
                return vec![self.fail(here, state.attempt + 1, step_error(field, &error), at)];
            }
        };
        if let Some(control) = &step.control {
            return self.start_control(here, control, with, at);
        }
        let effect = (step.effect)(&with);
        let path = self.path(here);
        let key = (effect != Effect::Pure).then(|| self.key(&path));
        // Later attempts do exactly what the first one tried: what was evaluated then stays.
        let with = if state.attempt == 0 { with } else { Map::new() };
        vec![self.started_event(here, effect, with, key)]
    }

    fn next_iteration(&self, here: At, at: Millis) -> Vec<Event> {
        let step = self.step_at(here);
        let state = &self.frames[here.0].steps[here.1];
        if state.phase == Phase::Waiting {
            return self.answered(here, at);
        }
        let Some(loops) = state
            .more
            .as_deref()
            .and_then(|more| more.iterations.as_ref())
        else {
            return self.begin_waiting(here, at);
        };
        if state.phase == Phase::Cancelling {
            return if loops.running == 0 {
                vec![self.cancelled(here, at)]
            } else {
                Vec::new()
            };
        }
        if state.phase != Phase::Running {
            return Vec::new();
        }
        if let Some(error) = &loops.stopped {
            if loops.running > 0 {
                return Vec::new();
            }
            return vec![self.attempt_failed(here, self.stopped_error(here, error), at)];
        }
        let begin = |index: u32| {
            if self.is_halted() {
                return Vec::new();
            }
            // The items of a list were counted before they were listed.
            let next = if loops.listed {
                0
            } else {
                u64::from(index) + 1
            };
            if let Some(event) = self.over_iterations(here, next, at) {
                return vec![event];
            }
            vec![Event::IterationStarted {
                step: self.path(here),
                index,
            }]
        };
        match &step.control {
            Some(Control::ForEach { .. }) if !loops.listed => self.begin_waiting(here, at),
            Some(Control::ForEach { concurrency, .. }) => {
                let count = u32::try_from(loops.items.len()).unwrap_or(u32::MAX);
                if loops.started < count && loops.running < self.window(here, *concurrency) {
                    return begin(loops.started);
                }
                if loops.running > 0 || loops.started < count {
                    return Vec::new();
                }
                let errors: Vec<Value> = loops
                    .failed
                    .iter()
                    .map(|(index, error)| json!({ "index": index, "message": error.message, "code": error.code }))
                    .collect();
                let output = json!({
                    "results": loops.results,
                    "succeeded": loops.succeeded,
                    "failed": loops.failed.len(),
                    "errors": errors,
                });
                vec![self.succeed(here, None, output, Vec::new(), at)]
            }
            Some(Control::Repeat { max, .. }) => {
                if loops.running > 0 || loops.next_at.is_some() {
                    return Vec::new();
                }
                if loops.started > 0 && (loops.until || loops.started >= *max) {
                    let port = if loops.until { "done" } else { "exhausted" };
                    let result = loops.results.first().cloned().unwrap_or(Value::Null);
                    let output = json!({ "result": result, "iterations": loops.started });
                    return vec![self.succeed(here, Some(port.to_owned()), output, Vec::new(), at)];
                }
                begin(loops.started)
            }
            _ => {
                if loops.running > 0 {
                    return Vec::new();
                }
                if loops.succeeded > 0 {
                    let result = loops.results.first().cloned().unwrap_or(Value::Null);
                    return vec![self.succeed(
                        here,
                        None,
                        json!({ "result": result }),
                        Vec::new(),
                        at,
                    )];
                }
                begin(loops.started)
            }
        }
    }

    /// The log was cut between the start of a control step and what it waits for: say it now.
    fn begin_waiting(&self, here: At, at: Millis) -> Vec<Event> {
        if self.frames[here.0].steps[here.1].phase != Phase::Running || self.exceeded().is_some() {
            return Vec::new();
        }
        let mut events = self.attempt(here, at);
        events.retain(|event| !matches!(event, Event::StepStarted { .. }));
        events
    }

    /// A question whose answers suffice.
    fn answered(&self, here: At, at: Millis) -> Vec<Event> {
        let more = self.frames[here.0].steps[here.1].more.as_deref();
        let Some(Wait::People {
            question, answers, ..
        }) = more.and_then(|more| more.wait.as_ref())
        else {
            return Vec::new();
        };
        let Some(last) = answers.last() else {
            return Vec::new();
        };
        let approvals = answers
            .iter()
            .filter(|one| one.decision == Decision::Approved)
            .count();
        let (port, output) = match last.decision {
            Decision::Submitted => (
                "submitted",
                json!({ "data": last.data, "by": last.by, "comment": last.comment }),
            ),
            Decision::Rejected => (
                "rejected",
                json!({ "decision": "rejected", "by": last.by, "comment": last.comment }),
            ),
            Decision::Approved if approvals >= question.quorum as usize => {
                let people: Vec<&str> = answers.iter().map(|one| one.by.as_str()).collect();
                let by = people.join(", ");
                (
                    "approved",
                    json!({ "decision": "approved", "by": by, "comment": last.comment }),
                )
            }
            Decision::Approved => return Vec::new(),
        };
        vec![self.succeed(here, Some(port.to_owned()), output, Vec::new(), at)]
    }

    fn stopped_error(&self, here: At, error: &StepError) -> StepError {
        let step = self.step_at(here);
        let mut error = error.clone();
        // The container decides anew whether to try again.
        error.permanent = false;
        error.step.get_or_insert_with(|| step.id.clone());
        error
    }

    fn undo_next(&self, frame: FrameIx, at: Millis) -> Vec<Event> {
        let state = &self.frames[frame];
        let Some(compensation) = state.compensation.as_ref().filter(|one| !one.done) else {
            return Vec::new();
        };
        let Some(&here) = compensation.queue.get(compensation.next) else {
            return vec![Event::CompensationEnded {
                scope: state.path.clone(),
                failed: compensation.failed.clone(),
            }];
        };
        let path = self.path(here);
        let attempt = match &compensation.current {
            Some(undo) if undo.running || undo.retry_at.is_some() => return Vec::new(),
            Some(undo) => undo.attempt + 1,
            None => 1,
        };
        let epoch = compensation
            .current
            .as_ref()
            .map_or(1, |undo| undo.epoch + 1);
        let Some(plan) = self.step_at(here).undo.as_ref() else {
            return Vec::new();
        };
        let output = self.frames[here.0].steps[here.1]
            .more
            .as_deref()
            .and_then(|more| more.output.as_deref().cloned())
            .unwrap_or(Value::Null);
        let error = serde_json::to_value(&state.error).unwrap_or_default();
        let scope = RunScope::of_step(self, here, at)
            .with("output", output)
            .with("error", error);
        match plan.config.evaluate(&scope) {
            Ok(with) => {
                let with = with.as_object().cloned().unwrap_or_default();
                vec![Event::UndoStarted {
                    key: self.key(&format!("{path}!undo")),
                    step: path,
                    attempt,
                    epoch,
                    kind: plan.kind.clone(),
                    effect: (plan.effect)(&with),
                    with,
                }]
            }
            Err((field, error)) => vec![Event::UndoFailed {
                step: path,
                error: step_error(&format!("undo{field}"), &error),
                retry_at: None,
            }],
        }
    }

    /// Completed steps below a frame that can be taken back and were not, last one first.
    fn to_undo(&self, frame: FrameIx) -> Vec<At> {
        let below = |mut inner: FrameIx| loop {
            if inner == frame {
                return true;
            }
            match self.frames[inner].parent {
                Some((parent, _)) => inner = parent,
                None => return false,
            }
        };
        // A container with an undo of its own speaks for everything in it.
        let spoken_for = |mut inner: FrameIx| loop {
            if inner == frame {
                return false;
            }
            match self.frames[inner].parent {
                Some(parent) => {
                    let state = &self.frames[parent.0].steps[parent.1];
                    if self.step_at(parent).undo.is_some() && state.phase == Phase::Succeeded {
                        return true;
                    }
                    inner = parent.0;
                }
                None => return false,
            }
        };
        self.completed
            .iter()
            .rev()
            .copied()
            .filter(|&(inner, local)| {
                let more = self.frames[inner].steps[local].more.as_deref();
                below(inner) && !spoken_for(inner) && more.is_some_and(|more| more.undo.is_none())
            })
            .collect()
    }

    fn end_frame(&self, frame: FrameIx, at: Millis) -> Vec<Event> {
        let state = &self.frames[frame];
        if state.open > 0 || state.phase == FramePhase::Ended {
            return Vec::new();
        }
        if let Some(error) = state
            .error
            .as_ref()
            .filter(|_| matches!(state.phase, FramePhase::Running | FramePhase::Finishing))
        {
            return vec![Event::FailureStarted {
                scope: state.path.clone(),
                error: error.clone(),
            }];
        }
        let takes_back = match state.phase {
            FramePhase::Failing => true,
            FramePhase::Stopping => frame == 0 && self.cancel == Some(true),
            FramePhase::Running | FramePhase::Finishing | FramePhase::Ended => false,
        };
        if takes_back && state.compensation.is_none() {
            let steps: Vec<String> = self
                .to_undo(frame)
                .into_iter()
                .map(|here| self.path(here))
                .collect();
            if !steps.is_empty() {
                return vec![Event::CompensationStarted {
                    scope: state.path.clone(),
                    steps,
                }];
            }
        }
        if state.compensation.as_ref().is_some_and(|one| !one.done) {
            return Vec::new();
        }
        match state.parent {
            None => vec![self.end_run()],
            Some(parent) => vec![self.end_body(frame, parent, at)],
        }
    }

    fn end_run(&self) -> Event {
        let root = &self.frames[0];
        let outcome = match root.phase {
            FramePhase::Failing => Outcome::Failed,
            FramePhase::Stopping => Outcome::Cancelled,
            FramePhase::Running | FramePhase::Finishing | FramePhase::Ended => Outcome::Succeeded,
        };
        let outputs = match &self.end_outputs {
            Some(outputs) if !outputs.is_null() => outputs.clone(),
            _ => self.leaf_outputs(0),
        };
        Event::RunEnded {
            outcome,
            name: self
                .outcome_name
                .clone()
                .filter(|_| outcome == Outcome::Succeeded),
            outputs,
            error: root.error.clone().filter(|_| outcome == Outcome::Failed),
        }
    }

    /// Outputs of the steps that nothing follows, by id.
    fn leaf_outputs(&self, frame: FrameIx) -> Value {
        let state = &self.frames[frame];
        let mut outputs = Map::new();
        for (local, step) in state.steps.iter().enumerate() {
            let plan = self.step_at((frame, local));
            let output = step.more.as_deref().and_then(|more| more.output.as_deref());
            if let Some(output) =
                output.filter(|output| plan.outgoing.is_empty() && !output.is_null())
            {
                outputs.insert(plan.id.clone(), output.clone());
            }
        }
        Value::Object(outputs)
    }

    fn end_body(&self, frame: FrameIx, parent: At, at: Millis) -> Event {
        let state = &self.frames[frame];
        let step = self.path(parent);
        let index = state.index;
        let ended = |outcome, error| Event::IterationEnded {
            step: step.clone(),
            index,
            outcome,
            result: Value::Null,
            error,
            because: None,
            next_at: None,
        };
        match state.phase {
            FramePhase::Failing => return ended(IterationOutcome::Failed, state.error.clone()),
            FramePhase::Stopping => return ended(IterationOutcome::Cancelled, None),
            FramePhase::Running | FramePhase::Finishing | FramePhase::Ended => {}
        }
        let failed = |error| ended(IterationOutcome::Failed, Some(error));
        let plan = self.step_at(parent);
        let scope = RunScope::new(self, frame, at);
        let result = match &plan.control {
            Some(
                Control::ForEach {
                    result: Some(result),
                    ..
                }
                | Control::Repeat {
                    result: Some(result),
                    ..
                }
                | Control::Scope {
                    result: Some(result),
                },
            ) => match result.evaluate(&scope) {
                Ok(result) => result,
                Err((path, error)) => return failed(step_error(&format!("result{path}"), &error)),
            },
            _ => match self.leaf_outputs(frame) {
                Value::Object(outputs) if outputs.len() == 1 => outputs
                    .into_iter()
                    .next()
                    .map_or(Value::Null, |(_, output)| output),
                outputs => outputs,
            },
        };
        let (mut because, mut next_at) = (None, None);
        if let Some(Control::Repeat {
            until, max, delay, ..
        }) = &plan.control
        {
            match until.evaluate_condition(&scope) {
                Ok(done) => {
                    because = Some(evaluation_of(until, &scope, &Value::Bool(done)));
                    if !done && index + 1 < *max {
                        match self.delay(delay.as_ref(), &scope) {
                            Ok(ms) => next_at = ms.map(|ms| at + ms),
                            Err(error) => return failed(error),
                        }
                    }
                }
                Err(error) => return failed(step_error("until", &error)),
            }
        }
        Event::IterationEnded {
            step,
            index,
            outcome: IterationOutcome::Succeeded,
            result,
            error: None,
            because,
            next_at,
        }
    }

    fn delay(
        &self,
        delay: Option<&Config>,
        scope: &RunScope<'_>,
    ) -> Result<Option<i64>, StepError> {
        let Some(delay) = delay else { return Ok(None) };
        let value = delay
            .evaluate(scope)
            .map_err(|(path, error)| step_error(&format!("delay{path}"), &error))?;
        match value.as_str().filter(|text| !text.trim().is_empty()) {
            None => Ok(None),
            Some(text) => parse_ms(text)
                .map(|ms| (ms > 0).then_some(ms))
                .map_err(|message| StepError::permanent("duration", format!("delay: {message}"))),
        }
    }
}
