//! A run for people: one calm line per step when it ends or begins to wait, and a summary.

use std::collections::BTreeMap;

use baton_api::baton_core::Millis;
use baton_api::baton_core::document::Workflow;
use baton_api::baton_core::machine::{Budget, Event, Logged, Outcome, Passed};
use baton_api::headless::RunResult;
use baton_api::runs::RunView;
use baton_api::sentence;
use serde_json::Value;

use crate::out::{Out, Tone};
use crate::words::{duration, rows, shorten, value};

/// Room for the name of a step.
const NAME: usize = 32;

/// What has been shown so far.
pub(crate) struct Progress {
    workflow: Workflow,
    /// When the first attempt of a step began.
    began: BTreeMap<String, Millis>,
    last: Option<Millis>,
    /// The last line says what is going on now and is written over.
    is_passing: bool,
}

impl Progress {
    pub(crate) fn new(workflow: Workflow) -> Self {
        Self {
            workflow,
            began: BTreeMap::new(),
            last: None,
            is_passing: false,
        }
    }

    /// Takes up a run where it stands.
    pub(crate) fn goes_on(&mut self, view: &RunView) {
        let began = view
            .steps
            .iter()
            .filter_map(|(path, step)| Some((path.clone(), step.started_at?)));
        self.began.extend(began);
    }

    /// Shows an event, if it is worth a line.
    pub(crate) fn show(&mut self, logged: &Logged, out: &mut Out) {
        self.last = Some(logged.at);
        match &logged.event {
            Event::RunStarted { .. } => {
                let title = out.tone(Tone::Strong, &shorten(&plain(&self.workflow.name)));
                self.line(&title, out);
            }
            Event::StepStarted { step, .. } => {
                self.began.entry(step.clone()).or_insert(logged.at);
                if out.is_terminal() && self.is_shown(step) {
                    self.clear(out);
                    let text = format!("  ▶ {} …", self.name(step));
                    out.write(&out.tone(Tone::Quiet, &text));
                    self.is_passing = true;
                }
            }
            Event::StepSucceeded {
                step,
                port,
                output,
                passed,
                ..
            } if self.is_shown(step) => {
                let details = details(port.as_deref(), output);
                match passed {
                    None => self.ended(step, "✓", "done", Tone::Good, &details, logged.at, out),
                    Some(Passed::Disabled) => {
                        self.step(step, "–", "passed over: it is disabled", Tone::Quiet, out);
                    }
                    Some(Passed::Pinned) => {
                        self.step(
                            step,
                            "–",
                            "passed over: its output is pinned",
                            Tone::Quiet,
                            out,
                        );
                    }
                }
            }
            Event::StepFailed {
                step,
                error,
                handled,
                ..
            } => {
                let handled = if *handled {
                    " (an error path takes over)"
                } else {
                    ""
                };
                let details = format!("{}{handled}", error.message);
                self.ended(step, "✗", "failed", Tone::Bad, &details, logged.at, out);
            }
            Event::StepSkipped { step, .. } if self.is_shown(step) => {
                self.told("–", Tone::Quiet, logged, out)
            }
            Event::StepCancelled { step, .. } if self.is_shown(step) => {
                self.told("⊘", Tone::Quiet, logged, out);
            }
            Event::StepAttemptFailed {
                retry_at: Some(_), ..
            } => {
                self.told("↻", Tone::Careful, logged, out);
            }
            Event::ApprovalRequested { .. }
            | Event::WaitStarted { .. }
            | Event::EventAwaited { .. } => {
                self.told("◷", Tone::Careful, logged, out);
            }
            Event::ApprovalDecided { .. } | Event::EventReceived { .. } => {
                self.told("◆", Tone::Strong, logged, out);
            }
            Event::StepOutcomeUnknown { .. } => self.told("?", Tone::Bad, logged, out),
            Event::StepResumed { .. }
            | Event::StepOutcomeSettled { .. }
            | Event::ApprovalEscalated { .. } => {
                self.told("↻", Tone::Careful, logged, out);
            }
            Event::UndoSucceeded { .. } => self.told("↶", Tone::Careful, logged, out),
            Event::UndoFailed { .. } => self.told("✗", Tone::Bad, logged, out),
            Event::CancelRequested { .. }
            | Event::RunPaused { .. }
            | Event::RunResumed { .. }
            | Event::BudgetExceeded(_)
            | Event::BudgetRaised { .. } => {
                self.told("‖", Tone::Careful, logged, out);
            }
            Event::StepLogged { message, .. } => {
                let line = out.tone(Tone::Quiet, &format!("    │ {}", plain(message)));
                self.line(&line, out);
            }
            _ => {}
        }
    }

    /// A line that is no event.
    pub(crate) fn note(&mut self, words: &str, out: &mut Out) {
        let line = out.tone(Tone::Careful, words);
        self.line(&line, out);
    }

    /// The summary.
    pub(crate) fn end(&mut self, result: &RunResult, now: &RunView, out: &mut Out) {
        let summary = &now.summary;
        let ended = summary.ended_at.or(self.last).unwrap_or(now.at);
        let took = duration(ended - summary.started_at);
        let number = summary.number;
        let (icon, words, tone) = match result.outcome {
            Some(Outcome::Succeeded) => ("✓", format!("Succeeded in {took}"), Tone::Good),
            Some(Outcome::Failed) => ("✗", format!("Failed after {took}"), Tone::Bad),
            Some(Outcome::Cancelled) => ("⊘", format!("Cancelled after {took}"), Tone::Careful),
            None => ("◷", format!("Waiting after {took}"), Tone::Careful),
        };
        let named = result
            .name
            .as_ref()
            .map(|name| format!(", outcome `{name}`"))
            .unwrap_or_default();
        let line = format!(
            "{} (run {number}{named})",
            out.tone(tone, &format!("{icon} {words}"))
        );
        self.line(&line, out);
        if let Some(error) = &result.error {
            let step = error
                .step
                .as_ref()
                .map(|step| format!("{}: ", self.name(step)));
            out.line(&format!(
                "  {}{}",
                step.unwrap_or_default(),
                plain(&error.message)
            ));
            if let Some(hint) = &error.hint {
                out.line(&format!("  {} {hint}", out.tone(Tone::Quiet, "hint:")));
            }
        }
        for waits in &result.waiting_for {
            out.line(&format!("  {}", plain(waits)));
        }
        if let Some(exceeded) = now.exceeded.as_ref().filter(|_| result.outcome.is_none()) {
            let more = exceeded.limit.max(exceeded.used).saturating_mul(2);
            let flag = match exceeded.budget {
                Budget::Steps => format!("--steps {more}"),
                Budget::Iterations => format!("--iterations {more}"),
                Budget::Depth => format!("--depth {more}"),
                Budget::Payload => format!("--payload {}MB", more / 1_000_000 + 1),
                Budget::RunPayload => format!("--run-payload {}MB", more / 1_000_000 + 1),
                Budget::Memory => format!("--memory {}MB", more / 1_000_000 + 1),
                Budget::WallTime => format!("--wall-time {}s", more / 1_000 + 1),
            };
            out.line(&format!("  go on with `baton raise {number} {flag}`"));
        }
        if result.outcome.is_none() {
            for (step, view) in now.steps.iter().filter(|(_, view)| view.question.is_some()) {
                let title = view
                    .question
                    .as_ref()
                    .map(|question| plain(&question.title));
                let answer = format!("baton approve {number} {step} approved");
                out.line(&format!(
                    "  {}: answer with `{answer}`",
                    title.unwrap_or_default()
                ));
            }
        }
        if let Value::Object(outputs) = &result.outputs {
            for (name, output) in outputs {
                out.line(&format!("  {name} = {}", value(output)));
            }
        }
    }

    /// Steps in loops are too many for a line each; those in scopes are not.
    fn is_shown(&self, step: &str) -> bool {
        let Some((containers, _)) = step.rsplit_once('/') else {
            return true;
        };
        containers.split('/').all(|part| {
            let id = part.split('[').next().unwrap_or(part);
            self.workflow
                .find_step(id)
                .is_some_and(|container| container.kind == "scope")
        })
    }

    fn name(&self, step: &str) -> String {
        let id = step.rsplit('/').next().unwrap_or(step);
        let name = self.workflow.find_step(id).map_or(id, |step| step.title());
        match step.rsplit_once('/') {
            Some((containers, _)) if !self.is_shown(step) => {
                shorten(&format!("{containers}/{}", plain(name)))
            }
            _ => shorten(&plain(name)),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of one line")]
    fn ended(
        &mut self,
        step: &str,
        icon: &str,
        word: &str,
        tone: Tone,
        details: &str,
        at: Millis,
        out: &mut Out,
    ) {
        let took = self
            .began
            .remove(step)
            .map(|began| duration(at - began))
            .unwrap_or_default();
        let words = format!("{word:<8}{took:>9}  {}", plain(details));
        self.step(step, icon, words.trim_end(), tone, out);
    }

    fn step(&mut self, step: &str, icon: &str, words: &str, tone: Tone, out: &mut Out) {
        let depth = if self.is_shown(step) {
            step.matches('/').count()
        } else {
            0
        };
        let indent = "  ".repeat(depth + 1);
        let name = self.name(step);
        let room = NAME.saturating_sub(depth * 2);
        let line = format!("{indent}{} {name:<room$} {words}", out.tone(tone, icon));
        self.line(&line, out);
    }

    /// The event in the words that the history uses.
    fn told(&mut self, icon: &str, tone: Tone, logged: &Logged, out: &mut Out) {
        let words = plain(&sentence(&self.workflow, logged));
        let line = format!("  {} {words}", out.tone(tone, icon));
        self.line(&line, out);
    }

    fn line(&mut self, text: &str, out: &mut Out) {
        self.clear(out);
        out.line(text);
    }

    fn clear(&mut self, out: &mut Out) {
        if self.is_passing {
            out.write("\r\x1b[2K");
            self.is_passing = false;
        }
    }
}

fn details(port: Option<&str>, output: &Value) -> String {
    let port = port.map(|port| format!("→ {port}"));
    let rows = rows(output);
    [port, rows]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("  ")
}

/// Words from files and data must not move the cursor.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}
