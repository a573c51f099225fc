//! How each control step begins.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::event::{Evaluation, Event, Question};
use super::plan::{Control, HitPolicy, Rule};
use super::resolve::{RunScope, step_error};
use super::run::{At, Run};
use super::state::Phase;
use crate::Millis;
use crate::control::OTHERWISE;
use crate::duration::parse_ms;
use crate::error::StepError;
use crate::expression::{Config, brief};
use crate::step_kind::Effect;

impl Run {
    /// The events with which a control step begins; `with` is its evaluated configuration.
    pub(crate) fn start_control(
        &self,
        here: At,
        control: &Control,
        with: Map<String, Value>,
        at: Millis,
    ) -> Vec<Event> {
        let text = |name: &str| {
            with.get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.trim().is_empty())
                .map(str::to_owned)
        };
        match control {
            Control::Merge => vec![self.succeed(here, None, Value::Null, Vec::new(), at)],
            Control::Decision { cases } => vec![self.decision(here, cases, at)],
            Control::Rules { hit, inputs, rules } => {
                vec![self.rules(here, *hit, inputs, rules, at)]
            }
            Control::End => {
                let output = json!({
                    "outcome": text("outcome").unwrap_or_else(|| "done".to_owned()),
                    "output": with.get("output").cloned().unwrap_or(Value::Null),
                    "cancelRest": with.get("cancelRest") == Some(&Value::Bool(true)),
                });
                vec![self.succeed(here, None, output, Vec::new(), at)]
            }
            Control::Fail => {
                let code = text("code").unwrap_or_else(|| "failed".to_owned());
                let message = text("message").unwrap_or_else(|| "the workflow says so".to_owned());
                vec![self.fail(here, 1, StepError::permanent(&code, message), at)]
            }
            Control::ForEach { .. } => match with.get("items") {
                Some(Value::Array(items)) => {
                    // Before they are listed: a list that is too long never reaches the log.
                    if let Some(event) = self.over_iterations(here, items.len() as u64, at) {
                        return vec![event];
                    }
                    let items = items.clone();
                    let mut with = with;
                    with.remove("items");
                    vec![
                        self.started_event(here, Effect::Pure, with, None),
                        Event::ItemsListed {
                            step: self.path(here),
                            count: u32::try_from(items.len()).unwrap_or(u32::MAX),
                            items,
                        },
                    ]
                }
                other => {
                    let shown = brief(other.unwrap_or(&Value::Null));
                    let error = StepError::permanent(
                        "not-a-list",
                        format!("`items` must be a list, not {shown}"),
                    )
                    .hint("of a table, take the preview, or let a `SQL query` step give rows");
                    vec![self.fail(here, 1, error, at)]
                }
            },
            Control::Repeat { .. } | Control::Scope { .. } => {
                vec![self.started_event(here, Effect::Pure, with, None)]
            }
            Control::Workflow => {
                let path = self.path(here);
                let state = &self.frames[here.0].steps[here.1];
                let attempt = state.attempt + u32::from(state.phase != Phase::Running);
                let started = self
                    .started
                    .as_ref()
                    .map_or("", |started| started.run.as_str());
                let child = short_hash(&format!("{started}/{path}#{attempt}"));
                let workflow = text("workflow").unwrap_or_default();
                let version = text("version").unwrap_or_else(|| "latest".to_owned());
                let input = with.get("input").cloned().unwrap_or_else(|| json!({}));
                vec![
                    self.started_event(here, Effect::Idempotent, Map::new(), None),
                    Event::ChildRequested {
                        step: path,
                        run: child,
                        workflow,
                        version,
                        input,
                    },
                ]
            }
            Control::Wait => {
                let until = match (text("for"), text("until")) {
                    (Some(length), _) => parse_ms(&length).map(|ms| at + ms),
                    (None, Some(until)) => until
                        .parse::<jiff::Timestamp>()
                        .map(jiff::Timestamp::as_millisecond)
                        .map_err(|_| {
                            format!("`{until}` is not an instant such as `2026-12-24T18:00:00Z`")
                        }),
                    (None, None) => Err("neither `for` nor `until` is given".to_owned()),
                };
                match until {
                    Ok(until) => vec![
                        self.started_event(here, Effect::Pure, with, None),
                        Event::WaitStarted {
                            step: self.path(here),
                            until,
                        },
                    ],
                    Err(message) => {
                        vec![self.fail(here, 1, StepError::permanent("wait", message), at)]
                    }
                }
            }
            Control::WaitFor => match deadline(text("timeout"), at) {
                Ok(until) => {
                    let event = text("event").unwrap_or_default();
                    let key = with.get("key").cloned().unwrap_or(Value::Null);
                    vec![
                        self.started_event(here, Effect::Pure, Map::new(), None),
                        Event::EventAwaited {
                            step: self.path(here),
                            event,
                            key,
                            until,
                        },
                    ]
                }
                Err(message) => {
                    vec![self.fail(here, 1, StepError::permanent("duration", message), at)]
                }
            },
            Control::Approval | Control::Form => self.ask(here, &with, at),
        }
    }

    /// The start of an attempt.
    pub(crate) fn started_event(
        &self,
        here: At,
        effect: Effect,
        with: Map<String, Value>,
        key: Option<String>,
    ) -> Event {
        let state = &self.frames[here.0].steps[here.1];
        let error = state
            .more
            .as_deref()
            .and_then(|more| more.incoming_error.clone());
        Event::StepStarted {
            step: self.path(here),
            attempt: state.attempt + 1,
            epoch: state.epoch + 1,
            key,
            effect,
            with: Arc::new(with),
            error: error.filter(|_| state.attempt == 0),
        }
    }

    /// The idempotency key of a step: the same for every attempt, another for every run and iteration.
    pub(crate) fn key(&self, path: &str) -> String {
        let run = self
            .started
            .as_ref()
            .map_or("", |started| started.run.as_str());
        short_hash(&format!("{run}/{path}"))
    }

    fn decision(
        &self,
        here: At,
        cases: &[(String, crate::expression::Expression)],
        at: Millis,
    ) -> Event {
        let scope = RunScope::of_step(self, here, at);
        let mut because = Vec::new();
        for (port, when) in cases {
            match Self::explain(when, &scope) {
                Ok((result, evaluation)) => {
                    because.push(evaluation);
                    if result {
                        return self.succeed(
                            here,
                            Some(port.clone()),
                            json!({ "port": port }),
                            because,
                            at,
                        );
                    }
                }
                Err(error) => {
                    return self.fail(here, 1, step_error(&format!("case `{port}`"), &error), at);
                }
            }
        }
        self.succeed(
            here,
            Some(OTHERWISE.to_owned()),
            json!({ "port": OTHERWISE }),
            because,
            at,
        )
    }

    fn rules(
        &self,
        here: At,
        hit: HitPolicy,
        inputs: &[(String, Config)],
        rules: &[Rule],
        at: Millis,
    ) -> Event {
        match self.matching(here, hit, inputs, rules, at) {
            Ok((outputs, because)) => {
                let port = if outputs.is_empty() {
                    "unmatched"
                } else {
                    "matched"
                };
                let output = match hit {
                    HitPolicy::Collect => Value::Array(outputs),
                    HitPolicy::First | HitPolicy::Unique => {
                        outputs.into_iter().next().unwrap_or(Value::Null)
                    }
                };
                self.succeed(here, Some(port.to_owned()), output, because, at)
            }
            Err(error) => self.fail(here, 1, error, at),
        }
    }

    fn matching(
        &self,
        here: At,
        hit: HitPolicy,
        inputs: &[(String, Config)],
        rules: &[Rule],
        at: Millis,
    ) -> Result<(Vec<Value>, Vec<Evaluation>), StepError> {
        let scope = || RunScope::of_step(self, here, at);
        let mut values = Vec::new();
        let mut read = Map::new();
        for (label, config) in inputs {
            let value = config
                .evaluate(&scope())
                .map_err(|(path, error)| step_error(&format!("input `{label}`{path}"), &error))?;
            read.insert(label.clone(), brief(&value));
            values.push(value);
        }
        let mut outputs = Vec::new();
        let mut because = Vec::new();
        for (row, rule) in rules.iter().enumerate() {
            let mut matches = true;
            for (column, cell) in rule.cells.iter().enumerate() {
                let Some(cell) = cell else { continue };
                let scope = scope().with("value", values[column].clone());
                let place = || format!("rule {}, input `{}`", row + 1, inputs[column].0);
                if !cell
                    .evaluate_condition(&scope)
                    .map_err(|error| step_error(&place(), &error))?
                {
                    matches = false;
                    break;
                }
            }
            if !matches {
                continue;
            }
            because.push(Evaluation {
                expression: format!("rule {}: {}", row + 1, rule.source.join(" | ")),
                read: read.clone(),
                result: Value::Bool(true),
            });
            let output = rule
                .then
                .evaluate(&scope())
                .map_err(|(path, error)| step_error(&format!("rule {}{path}", row + 1), &error))?;
            outputs.push(output);
            if hit == HitPolicy::First {
                break;
            }
        }
        if hit == HitPolicy::Unique && outputs.len() > 1 {
            let rows: Vec<&str> = because.iter().map(|one| one.expression.as_str()).collect();
            return Err(StepError::permanent(
                "several-rules-match",
                format!(
                    "{} rules match where only one may: {}",
                    outputs.len(),
                    rows.join("; ")
                ),
            )
            .hint("make the conditions exclude each other, or let the first that matches count"));
        }
        if outputs.is_empty() {
            because.push(Evaluation {
                expression: format!("none of {} rules", rules.len()),
                read,
                result: Value::Bool(false),
            });
        }
        Ok((outputs, because))
    }

    fn ask(&self, here: At, with: &Map<String, Value>, at: Millis) -> Vec<Event> {
        let step = self.step_at(here);
        let text = |name: &str| {
            with.get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.trim().is_empty())
                .map(str::to_owned)
        };
        let names = |name: &str| -> Vec<String> {
            let list = with.get(name).and_then(Value::as_array);
            list.map(|list| {
                list.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default()
        };
        let times = (|| {
            let expires = deadline(text("expires"), at)?;
            let escalate = deadline(text("escalateAfter"), at)?;
            let remind = text("remind").map(|text| parse_ms(&text)).transpose()?;
            Ok::<_, String>((expires, escalate, remind.filter(|&ms| ms > 0)))
        })();
        let (expires_at, escalate_at, remind_every_ms) = match times {
            Ok(times) => times,
            Err(message) => {
                return vec![self.fail(here, 1, StepError::permanent("duration", message), at)];
            }
        };
        let evidence = with
            .get("evidence")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let question_text = text("question");
        let shown = json!({ "question": question_text, "evidence": evidence, "fields": with.get("fields") });
        let escalate_to = names("escalateTo");
        let question = Question {
            kind: step.kind.clone(),
            title: step.title.clone(),
            text: question_text,
            to: names("to"),
            evidence,
            evidence_digest: short_hash(&shown.to_string()),
            quorum: with
                .get("quorum")
                .and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(1)
                .max(1),
            expires_at,
            remind_every_ms,
            escalate_at: escalate_at.filter(|_| !escalate_to.is_empty()),
            escalate_to,
            schema: with.get("fields").cloned(),
        };
        vec![
            self.started_event(here, Effect::Pure, Map::new(), None),
            Event::ApprovalRequested {
                step: self.path(here),
                question,
            },
        ]
    }
}

fn deadline(length: Option<String>, at: Millis) -> Result<Option<Millis>, String> {
    length
        .map(|length| parse_ms(&length).map(|ms| at + ms))
        .transpose()
}

/// 32 hex digits of blake3.
pub(crate) fn short_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}
