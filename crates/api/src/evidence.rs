//! What is at hand about a step that was interrupted while it may have acted, read off the log of its run.

use std::collections::VecDeque;

use baton_core::machine::{Event, Logged};
use baton_store::RunRow;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::ApiError;

/// Lines of the step that are shown.
const LINES: usize = 5;

/// Events that are read at a time, from the end on, and at most.
const PAGE: u32 = 500;
const MOST: u32 = 50_000;

/// What the step was about to do, since when, with which key, and its last words.
pub(crate) async fn of(
    app: &App,
    run: &RunRow,
    step: &str,
) -> Result<Map<String, Value>, ApiError> {
    let mut found = Found::default();
    let mut upto = run.seq;
    while upto > 0 && run.seq - upto < MOST {
        let after = upto.saturating_sub(PAGE);
        let events = app.store().events(&run.id, after, upto - after).await?;
        if events.iter().rev().any(|logged| found.see(logged, step)) {
            break;
        }
        upto = after;
    }
    Ok(found.all())
}

/// The same of a run whose log is at hand.
pub(crate) fn in_log(log: &[Logged], step: &str) -> Map<String, Value> {
    let mut found = Found::default();
    let most = log.iter().rev().take(MOST as usize);
    // Up to where the attempt began.
    let _ = most.into_iter().any(|logged| found.see(logged, step));
    found.all()
}

#[derive(Default)]
struct Found {
    evidence: Map<String, Value>,
    lines: VecDeque<String>,
}

impl Found {
    fn all(mut self) -> Map<String, Value> {
        if !self.lines.is_empty() {
            let lines = json!(self.lines);
            self.evidence.insert("lastLines".to_owned(), lines);
        }
        self.evidence
    }

    /// `true` once the beginning of the attempt was seen. The events come from the last one on.
    fn see(&mut self, logged: &Logged, wanted: &str) -> bool {
        match &logged.event {
            Event::StepLogged { step, message, .. }
                if step == wanted && self.lines.len() < LINES =>
            {
                self.lines.push_front(message.clone());
                false
            }
            Event::StepStarted {
                step,
                attempt,
                key,
                with,
                ..
            } if step == wanted => {
                let evidence = &mut self.evidence;
                evidence.insert("attempt".to_owned(), json!(attempt));
                evidence.insert("startedAt".to_owned(), json!(logged.at));
                if let Some(key) = key {
                    evidence.insert("idempotencyKey".to_owned(), json!(key));
                }
                if !with.is_empty() {
                    evidence.insert("aboutToDo".to_owned(), Value::Object((**with).clone()));
                }
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_core::step_kind::Effect;

    #[test]
    fn the_last_attempt_counts_and_the_lines_are_in_order() {
        let line = |number: u32| Event::StepLogged {
            step: "send".to_owned(),
            level: "info".to_owned(),
            message: format!("line {number}"),
        };
        let started = |attempt| Event::StepStarted {
            step: "send".to_owned(),
            attempt,
            epoch: attempt,
            key: Some("k".to_owned()),
            effect: Effect::Unsafe,
            with: Map::from_iter([("to".to_owned(), json!("ada"))]).into(),
            error: None,
        };
        let mut events = vec![started(1), line(0), started(2)];
        events.extend((1..=7).map(line));
        let mut found = Found::default();
        let ended = events.iter().rev().any(|event| {
            let logged = Logged {
                seq: 1,
                at: 7,
                event: event.clone(),
            };
            found.see(&logged, "send")
        });
        assert!(ended);
        assert_eq!(
            found.lines,
            ["line 3", "line 4", "line 5", "line 6", "line 7"]
        );
        assert_eq!(
            Value::Object(found.evidence),
            json!({ "attempt": 2, "startedAt": 7, "idempotencyKey": "k", "aboutToDo": { "to": "ada" } })
        );
    }
}
