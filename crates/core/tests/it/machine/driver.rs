//! A host that answers from a script or by chance.

use std::sync::Arc;

use baton_core::Millis;
use baton_core::document::{Workflow, parse};
use baton_core::error::StepError;
use baton_core::machine::{
    Action, Decision, Event, Input, Logged, Outcome, Plan, Run, Settlement, Start, Status,
    TaskResult, pending, step,
};
use serde_json::{Value, json};

use super::generate::{Dice, catalog};

pub(crate) fn workflow(body: &Value) -> Workflow {
    let mut document = json!({ "format": 1, "id": "test", "name": "Test", "edges": [] });
    for (key, value) in body.as_object().expect("an object") {
        document[key] = value.clone();
    }
    let parsed = parse(&document.to_string()).expect("it parses");
    assert_eq!(
        parsed.problems,
        Vec::new(),
        "the test document is well formed"
    );
    parsed.workflow
}

pub(crate) fn plan(body: &Value) -> Arc<Plan> {
    Plan::compile(&workflow(body), &catalog()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// A run, its log, and a clock that only the test moves.
pub(crate) struct Host {
    pub(crate) run: Run,
    pub(crate) log: Vec<Logged>,
    pub(crate) now: Millis,
}

impl Host {
    pub(crate) fn start(plan: &Arc<Plan>, input: Value) -> Self {
        let mut host = Self {
            run: Run::new(plan.clone()),
            log: Vec::new(),
            now: 1_000,
        };
        let start = Start {
            run: "r1".to_owned(),
            input,
            seed: 7,
            ..Start::default()
        };
        host.give(Input::Start(start));
        host
    }

    pub(crate) fn give(&mut self, input: Input) {
        let new =
            step(&mut self.run, input, self.now).unwrap_or_else(|refusal| panic!("{refusal}"));
        self.log.extend(new);
    }

    fn epoch(&self, path: &str) -> u32 {
        self.run
            .step(path)
            .unwrap_or_else(|| panic!("step {path}"))
            .state
            .epoch
    }

    pub(crate) fn done(&mut self, path: &str, output: Value) {
        self.done_at(path, None, output);
    }

    pub(crate) fn done_at(&mut self, path: &str, port: Option<&str>, output: Value) {
        let result = TaskResult::Succeeded {
            output,
            port: port.map(str::to_owned),
        };
        self.give(Input::TaskEnded {
            step: path.to_owned(),
            epoch: self.epoch(path),
            result,
        });
    }

    pub(crate) fn fails(&mut self, path: &str, message: &str) {
        let result = TaskResult::Failed(StepError::new("boom", message));
        self.give(Input::TaskEnded {
            step: path.to_owned(),
            epoch: self.epoch(path),
            result,
        });
    }

    pub(crate) fn stopped(&mut self, path: &str) {
        let result = TaskResult::Cancelled;
        self.give(Input::TaskEnded {
            step: path.to_owned(),
            epoch: self.epoch(path),
            result,
        });
    }

    pub(crate) fn undone(&mut self, path: &str) {
        let epoch = pending(&self.run)
            .iter()
            .find_map(|action| match action {
                Action::StartUndo(task) if task.step == path => Some(task.epoch),
                _ => None,
            })
            .unwrap_or_else(|| panic!("{path} is not being undone"));
        let result = TaskResult::Succeeded {
            output: Value::Null,
            port: None,
        };
        self.give(Input::UndoEnded {
            step: path.to_owned(),
            epoch,
            result,
        });
    }

    pub(crate) fn decide(&mut self, path: &str, by: &str, decision: Decision) {
        self.give(Input::Decide {
            step: path.to_owned(),
            by: by.to_owned(),
            decision,
            comment: None,
            data: None,
        });
    }

    /// Moves the clock to the next timer and lets it fire.
    pub(crate) fn tick(&mut self) -> String {
        let next = pending(&self.run)
            .into_iter()
            .filter_map(|action| match action {
                Action::SetTimer { timer, at } => Some((at, timer)),
                _ => None,
            })
            .min()
            .expect("a timer is set");
        self.now = self.now.max(next.0);
        self.give(Input::TimerDue {
            timer: next.1.clone(),
        });
        next.1
    }

    /// Takes away what a paused run stands still for.
    fn unblock(&mut self) {
        let by = "p".to_owned();
        self.give(match self.run.exceeded() {
            Some(exceeded) => Input::Raise {
                budget: exceeded.budget,
                limit: exceeded.used.max(self.elapsed()) + 5,
                by,
            },
            None => Input::Resume { by },
        });
    }

    fn elapsed(&self) -> u64 {
        self.now
            .abs_diff(self.run.started().map_or(0, |one| one.at))
    }

    /// One line per event, for snapshots.
    pub(crate) fn story(&self) -> String {
        self.log
            .iter()
            .map(|logged| line(&logged.event) + "\n")
            .collect()
    }
}

pub(crate) fn line(event: &Event) -> String {
    let taken = |edges: &[baton_core::machine::EdgeResolution]| {
        edges
            .iter()
            .map(|edge| format!(" {}{}", if edge.taken { "+" } else { "-" }, edge.edge))
            .collect::<String>()
    };
    match event {
        Event::RunStarted { .. } => "run started".to_owned(),
        Event::StepSkipped {
            step,
            reason,
            edges,
        } => format!("{step} skipped: {reason:?}{}", taken(edges)),
        Event::StepStarted { step, attempt, .. } if *attempt > 1 => {
            format!("{step} started, attempt {attempt}")
        }
        Event::StepStarted { step, .. } => format!("{step} started"),
        Event::StepSucceeded {
            step, port, edges, ..
        } => {
            let port = port
                .as_deref()
                .map(|port| format!(" at {port}"))
                .unwrap_or_default();
            format!("{step} succeeded{port}{}", taken(edges))
        }
        Event::StepFailed {
            step, error, edges, ..
        } => format!("{step} failed: {error}{}", taken(edges)),
        Event::StepAttemptFailed { step, error, .. } => format!("{step} attempt failed: {error}"),
        Event::StepCancelRequested { step, reason } => format!("{step} is stopped: {reason}"),
        Event::StepCancelled { step, .. } => format!("{step} stopped"),
        Event::FailureStarted { scope, error } => format!("failure of `{scope}`: {error}"),
        Event::CompensationStarted { steps, .. } => format!("undo {}", steps.join(", ")),
        Event::UndoStarted { step, .. } => format!("{step} undo started"),
        Event::UndoSucceeded { step, .. } => format!("{step} undone"),
        Event::UndoFailed { step, error, .. } => format!("{step} undo failed: {error}"),
        Event::CompensationEnded { .. } => "undo ended".to_owned(),
        Event::IterationStarted { step, index } => format!("{step}[{index}] started"),
        Event::IterationEnded {
            step,
            index,
            outcome,
            ..
        } => format!("{step}[{index}] {outcome:?}"),
        Event::BudgetExceeded(exceeded) => format!("stands still: {}", exceeded.sentence()),
        Event::BudgetRaised { budget, limit, .. } => format!("{budget:?} raised to {limit}"),
        Event::RunEnded { outcome, name, .. } => {
            format!(
                "run {outcome:?}{}",
                name.as_deref()
                    .map(|name| format!(" as {name}"))
                    .unwrap_or_default()
            )
        }
        other => serde_json::to_value(other).expect("events are JSON")["type"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    }
}

/// Lets chance answer until the run ends.
///
/// # Panics
///
/// If the run wants nothing and has not ended (a deadlock), or does not end within 20,000 inputs.
pub(crate) fn drive(host: &mut Host, dice: &mut Dice) {
    for _ in 0..20_000 {
        if host.run.status() == Status::Ended {
            return;
        }
        if host.run.status() == Status::Paused && dice.roll(2) == 0 {
            host.unblock();
            continue;
        }
        match dice.roll(60) {
            0 if !host.run.is_cancelling() => {
                let cancel = Input::Cancel {
                    by: "p".to_owned(),
                    reason: None,
                    undo: dice.roll(2) == 0,
                };
                if let Ok(new) = step(&mut host.run, cancel, host.now) {
                    host.log.extend(new);
                }
                continue;
            }
            1 if host.run.status() != Status::Paused => {
                host.give(Input::Pause { by: "p".to_owned() });
                continue;
            }
            2 => {
                host.give(Input::Recover);
                continue;
            }
            _ => {}
        }
        let actions = pending(&host.run);
        if actions.is_empty() {
            assert_eq!(
                host.run.status(),
                Status::Paused,
                "nothing to wait for:\n{}",
                host.story()
            );
            host.unblock();
            continue;
        }
        answer(host, &actions[dice.roll(actions.len())], dice);
    }
    panic!(
        "the run does not end:\n{}",
        host.story().chars().take(4_000).collect::<String>()
    );
}

fn answer(host: &mut Host, action: &Action, dice: &mut Dice) {
    let result = |dice: &mut Dice| match dice.roll(4) {
        0 => TaskResult::Failed(StepError::new("boom", "chance")),
        1 => TaskResult::Failed(StepError::permanent("broken", "chance")),
        _ => TaskResult::Succeeded {
            output: json!({ "n": dice.roll(3) }),
            port: None,
        },
    };
    let input = match action.clone() {
        Action::StartTask(task) => Input::TaskEnded {
            step: task.step,
            epoch: task.epoch,
            result: result(dice),
        },
        Action::StartUndo(task) => Input::UndoEnded {
            step: task.step,
            epoch: task.epoch,
            result: result(dice),
        },
        Action::CancelTask { step, epoch } => {
            let result = if dice.roll(3) == 0 {
                result(dice)
            } else {
                TaskResult::Cancelled
            };
            Input::TaskEnded {
                step,
                epoch,
                result,
            }
        }
        Action::SetTimer { timer, at } => {
            host.now = host.now.max(at);
            Input::TimerDue { timer }
        }
        Action::Ask { step, question } => {
            let decision = match (question.kind.as_str(), dice.roll(2)) {
                ("form", _) => Decision::Submitted,
                (_, 0) => Decision::Approved,
                _ => Decision::Rejected,
            };
            let by = format!("p{}", host.log.len());
            Input::Decide {
                step,
                by,
                decision,
                comment: None,
                data: None,
            }
        }
        Action::AskOutcome { step } => Input::Settle {
            step,
            by: "p".to_owned(),
            answer: match dice.roll(3) {
                0 => Settlement::Done { output: json!(1) },
                1 => Settlement::NotDone,
                _ => Settlement::RunAgain,
            },
        },
        Action::Listen { event, key, .. } => Input::Signal {
            id: format!("s{}", host.log.len()),
            event,
            key,
            payload: json!(1),
        },
        Action::StartChild { step, run, .. } | Action::CancelChild { step, run } => {
            Input::ChildEnded {
                step,
                run,
                outcome: [Outcome::Succeeded, Outcome::Failed, Outcome::Cancelled][dice.roll(3)],
                name: None,
                outputs: json!({}),
                error: None,
            }
        }
    };
    host.give(input);
}
