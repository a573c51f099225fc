//! What the machine evaluates: conditions of edges, retries, and the scope of an expression in a run.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::event::{EdgeResolution, Evaluation, Event};
use super::plan::{EdgePlan, RetryPlan};
use super::run::{At, Run};
use super::state::{FramePhase, Phase};
use crate::Millis;
use crate::document::On;
use crate::error::StepError;
use crate::expression::{Expression, ExpressionError, Scope, evaluation_of, iso_instant, mix};

/// How a step ends, for its edges.
pub(crate) enum Ending<'a> {
    Success {
        port: Option<&'a str>,
        output: &'a Value,
    },
    Failure(&'a StepError),
    /// Skipped or cancelled: no edge is taken.
    Nothing,
}

/// What an expression at one place of a run may read.
pub(crate) struct RunScope<'a> {
    run: &'a Run,
    frame: usize,
    at: Millis,
    seed: u64,
    extra: Vec<(&'static str, Value)>,
    /// A step whose output is not folded in yet.
    fresh: Option<(&'a str, &'a Value)>,
}

impl<'a> RunScope<'a> {
    /// The scope in a frame.
    pub(crate) fn new(run: &'a Run, frame: usize, at: Millis) -> Self {
        let seed = run
            .started
            .as_ref()
            .map_or(0, |started| u64::from(started.seed));
        Self {
            run,
            frame,
            at,
            seed: mix(seed ^ (u64::from(run.seq) << 20)),
            extra: Vec::new(),
            fresh: None,
        }
    }

    /// The scope of a step: with the error that led to it.
    pub(crate) fn of_step(run: &'a Run, here: At, at: Millis) -> Self {
        let mut scope = Self::new(run, here.0, at);
        scope.seed = mix(scope.seed ^ here.1 as u64);
        let more = run.frames[here.0].steps[here.1].more.as_deref();
        if let Some(error) = more.and_then(|more| more.incoming_error.as_ref()) {
            scope
                .extra
                .push(("error", serde_json::to_value(error).unwrap_or_default()));
        }
        scope
    }

    /// With one more name.
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.extra.retain(|(known, _)| *known != name);
        self.extra.push((name, value));
        self
    }

    pub(crate) fn fresh(mut self, id: &'a str, output: &'a Value) -> Self {
        self.fresh = Some((id, output));
        self
    }

    /// The iteration that this place is in, from the inside out, with whether it has an item.
    fn iteration(&self) -> Option<usize> {
        let mut frame = self.frame;
        loop {
            let (parent, _) = self.run.frames[frame].parent?;
            let owner = self.run.plan.graphs[self.run.frames[frame].graph].owner?;
            if self.run.plan.steps[owner].kind != "scope" {
                return Some(frame);
            }
            frame = parent;
        }
    }
}

impl Scope for RunScope<'_> {
    fn name(&self, name: &str) -> Option<Cow<'_, Value>> {
        if let Some((_, value)) = self.extra.iter().find(|(known, _)| *known == name) {
            return Some(Cow::Borrowed(value));
        }
        let started = self.run.started.as_ref()?;
        match name {
            "input" => Some(Cow::Borrowed(&started.input)),
            "env" => Some(Cow::Owned(
                started
                    .env
                    .iter()
                    .map(|(name, value)| (name.clone(), json!(value)))
                    .collect::<Map<_, _>>()
                    .into(),
            )),
            "run" => Some(Cow::Owned(json!({
                "id": started.run,
                "startedAt": iso_instant(started.at),
                "workflow": self.run.plan.workflow().id,
                "name": self.run.plan.workflow().name,
                "by": started.by,
            }))),
            "item" => {
                let mut frame = self.frame;
                loop {
                    if let Some(item) = self.run.frames[frame].item.as_deref() {
                        return Some(Cow::Borrowed(item));
                    }
                    frame = self.run.frames[frame].parent?.0;
                }
            }
            "index" => self
                .iteration()
                .map(|frame| Cow::Owned(json!(self.run.frames[frame].index))),
            "iteration" => self
                .iteration()
                .map(|frame| Cow::Owned(json!(self.run.frames[frame].index + 1))),
            _ => None,
        }
    }

    fn step(&self, id: &str) -> Option<Cow<'_, Value>> {
        if let Some((fresh, output)) = self.fresh
            && fresh == id
        {
            return Some(Cow::Borrowed(output));
        }
        let step = &self.run.plan.steps[*self.run.plan.by_id.get(id)?];
        let mut frame = self.frame;
        loop {
            let state = &self.run.frames[frame];
            if state.graph == step.graph {
                let output = state.steps[step.local].more.as_deref()?.output.as_deref()?;
                return Some(Cow::Borrowed(output));
            }
            frame = state.parent?.0;
        }
    }

    fn steps(&self) -> Vec<String> {
        let ids = self.run.plan.by_id.keys();
        let mut ids: Vec<String> = ids.filter(|id| self.step(id).is_some()).cloned().collect();
        ids.sort_unstable();
        ids
    }

    fn now(&self) -> Millis {
        self.at
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}

/// An expression's error as the error of a step.
pub(crate) fn step_error(field: &str, error: &ExpressionError) -> StepError {
    let place = if field.is_empty() {
        String::new()
    } else {
        format!("{field}: ")
    };
    let step = StepError::permanent(&error.code, format!("{place}{}", error.message));
    match &error.hint {
        Some(hint) => step.hint(hint.clone()),
        None => step,
    }
}

impl Run {
    /// Resolves every edge that leaves a step, once.
    pub(crate) fn resolve(&self, here: At, ending: &Ending<'_>, at: Millis) -> Vec<EdgeResolution> {
        let step = self.step_at(here);
        let shape = &self.plan.graphs[self.frames[here.0].graph];
        step.outgoing
            .iter()
            .map(|&position| self.resolve_edge(here, &shape.edges[position], ending, at))
            .collect()
    }

    fn resolve_edge(
        &self,
        here: At,
        edge: &EdgePlan,
        ending: &Ending<'_>,
        at: Millis,
    ) -> EdgeResolution {
        let not_taken = EdgeResolution {
            edge: edge.key.clone(),
            taken: false,
            because: None,
            error: None,
        };
        let open = match ending {
            Ending::Nothing => false,
            Ending::Success { port, .. } => match edge.on {
                Some(On::Error) => false,
                Some(On::Always) => true,
                None => edge
                    .port
                    .as_deref()
                    .is_none_or(|wanted| Some(wanted) == *port),
            },
            Ending::Failure(_) => edge.on.is_some(),
        };
        if !open {
            return not_taken;
        }
        let Some(when) = &edge.when else {
            return EdgeResolution {
                taken: true,
                ..not_taken
            };
        };
        let scope = RunScope::of_step(self, here, at);
        let scope = match ending {
            Ending::Success { output, .. } => scope
                .with("output", (*output).clone())
                .fresh(&self.step_at(here).id, output),
            Ending::Failure(error) => {
                scope.with("error", serde_json::to_value(error).unwrap_or_default())
            }
            Ending::Nothing => scope,
        };
        match when.evaluate_condition(&scope) {
            Ok(taken) => EdgeResolution {
                taken,
                because: Some(evaluation_of(when, &scope, &Value::Bool(taken))),
                ..not_taken
            },
            Err(error) => EdgeResolution {
                because: Some(evaluation_of(when, &scope, &Value::Null)),
                error: Some(step_error(
                    &format!("condition of edge `{}`", edge.key),
                    &error,
                )),
                ..not_taken
            },
        }
    }

    /// The step is done: it may still be repeated if its output is not good enough.
    pub(crate) fn succeed(
        &self,
        here: At,
        port: Option<String>,
        output: Value,
        because: Vec<Evaluation>,
        at: Millis,
    ) -> Event {
        let step = self.step_at(here);
        let state = &self.frames[here.0].steps[here.1];
        if let Some(when) = step.retry.when.as_ref().filter(|when| when.reads("output"))
            && state.phase != Phase::Cancelling
        {
            let scope = RunScope::of_step(self, here, at)
                .with("output", output.clone())
                .with("attempt", json!(state.attempt))
                .fresh(&step.id, &output);
            match when.evaluate_condition(&scope) {
                Ok(false) => {}
                Ok(true) => {
                    let because = evaluation_of(when, &scope, &Value::Bool(true));
                    let error = StepError::new(
                        "output-not-accepted",
                        "the output asks for another attempt",
                    );
                    if state.attempt < step.retry.attempts {
                        return Event::StepAttemptFailed {
                            step: self.path(here),
                            attempt: state.attempt,
                            epoch: state.epoch,
                            error,
                            retry_at: Some(at + self.retry_delay(here, &step.retry, state.attempt)),
                            because: Some(because),
                            output: Some(output),
                        };
                    }
                    let message = format!(
                        "the output was still not accepted after {} attempts",
                        state.attempt
                    );
                    let error = StepError::permanent("output-not-accepted", message);
                    return self.fail(
                        here,
                        state.attempt,
                        error.details(crate::expression::brief(&output)),
                        at,
                    );
                }
                Err(error) => {
                    return self.fail(here, state.attempt, step_error("retry.when", &error), at);
                }
            }
        }
        let ending = Ending::Success {
            port: port.as_deref(),
            output: &output,
        };
        Event::StepSucceeded {
            step: self.path(here),
            attempt: state.attempt.max(1),
            epoch: state.epoch,
            edges: self.resolve(here, &ending, at),
            port,
            output: Arc::new(output),
            because,
            passed: None,
        }
    }

    /// An attempt failed: the next one, or the end.
    pub(crate) fn attempt_failed(&self, here: At, error: StepError, at: Millis) -> Event {
        let step = self.step_at(here);
        let state = &self.frames[here.0].steps[here.1];
        let retry = &step.retry;
        let loops = matches!(step.kind.as_str(), "for_each" | "repeat");
        let may = !error.permanent
            && !loops
            && state.attempt < retry.attempts
            && self.frames[here.0].phase == FramePhase::Running;
        if !may {
            return self.fail(here, state.attempt, error, at);
        }
        let mut because = None;
        if let Some(when) = retry
            .when
            .as_ref()
            .filter(|when| when.reads("error") || !when.reads("output"))
        {
            let scope = RunScope::of_step(self, here, at)
                .with("error", serde_json::to_value(&error).unwrap_or_default())
                .with("attempt", json!(state.attempt));
            match when.evaluate_condition(&scope) {
                Ok(true) => because = Some(evaluation_of(when, &scope, &Value::Bool(true))),
                Ok(false) => return self.fail(here, state.attempt, error, at),
                Err(wrong) => {
                    let mut wrong = step_error("retry.when", &wrong);
                    wrong.details = serde_json::to_value(&error).ok();
                    return self.fail(here, state.attempt, wrong, at);
                }
            }
        }
        Event::StepAttemptFailed {
            step: self.path(here),
            attempt: state.attempt,
            epoch: state.epoch,
            error,
            retry_at: Some(at + self.retry_delay(here, retry, state.attempt)),
            because,
            output: None,
        }
    }

    /// The step failed for good.
    pub(crate) fn fail(&self, here: At, attempt: u32, error: StepError, at: Millis) -> Event {
        let edges = self.resolve(here, &Ending::Failure(&error), at);
        let handled =
            edges.iter().any(|edge| edge.taken) && edges.iter().all(|edge| edge.error.is_none());
        Event::StepFailed {
            step: self.path(here),
            attempt: attempt.max(1),
            error,
            handled,
            edges,
        }
    }

    /// Wait before the next attempt, in milliseconds.
    pub(crate) fn retry_delay(&self, here: At, retry: &RetryPlan, attempt: u32) -> i64 {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let plain = (retry.first_ms as f64 * retry.factor.powi(exponent)).min(retry.max_ms as f64);
        let seed = self
            .started
            .as_ref()
            .map_or(0, |started| u64::from(started.seed));
        let drawn = mix(seed ^ (here.0 as u64) << 40 ^ (here.1 as u64) << 20 ^ u64::from(attempt));
        let share = (drawn >> 11) as f64 / (1u64 << 53) as f64;
        let wait = plain * (1.0 - retry.jitter * share);
        if wait.is_finite() {
            wait.max(0.0) as i64
        } else {
            retry.max_ms
        }
    }

    /// A condition of the machine's own (a case, a cell), with its explanation.
    pub(crate) fn explain(
        expression: &Expression,
        scope: &RunScope<'_>,
    ) -> Result<(bool, Evaluation), ExpressionError> {
        let result = expression.evaluate_condition(scope)?;
        Ok((
            result,
            evaluation_of(expression, scope, &Value::Bool(result)),
        ))
    }
}
