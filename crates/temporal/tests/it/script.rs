//! Tasks that end as a script says, for both hosts, and an outside that answers as a script says.

use std::collections::BTreeSet;
use std::sync::Arc;

use baton_core::Millis;
use baton_core::error::StepError;
use baton_core::machine::{Action, Decision, Run, Status, Task, pending};
use baton_core::step_kind::Catalog;
use baton_steps::{TaskContext, TaskOutput};
use baton_temporal::wire::Command;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::generate;

/// A number for every text, the same on both hosts.
pub(crate) fn draw(text: &str, sides: usize) -> usize {
    let hash = blake3::hash(text.as_bytes());
    let number = u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap());
    usize::try_from(number % sides as u64).unwrap()
}

/// Tasks of the kinds of the generator; what they do is drawn from step, attempt and seed.
#[derive(Debug)]
pub(crate) struct Scripted {
    catalog: Catalog,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            catalog: generate::catalog(),
        }
    }
}

impl Scripted {
    fn perform(task: &Task) -> Result<TaskOutput, StepError> {
        let seed = &task.with["seed"];
        let name = format!("{seed} {} {} {}", task.kind, task.step, task.attempt);
        let output = match draw(&name, 24) {
            0..=3 => {
                return Err(StepError::new(
                    "boom",
                    format!("`{}` was told to fail", task.step),
                ));
            }
            4 => return Err(StepError::permanent("broken", "for good")),
            5 => return Err(StepError::new("timeout", "it did not end within 1s")),
            6 => json!({ "n": 1, "much": "x".repeat(70_000) }),
            7 => panic!("a defect in a step"),
            rest => json!({ "n": rest % 3 }),
        };
        let mut output = TaskOutput::new(output);
        if draw(&format!("{name} logs"), 4) == 0 {
            output
                .logs
                .push(("info".to_owned(), format!("did {}", task.step)));
        }
        Ok(output)
    }

    fn inline(task: &Task) -> Option<Result<TaskOutput, StepError>> {
        let name = format!("{} {} inline", task.with["seed"], task.step);
        let is_light = task.kind == "task" && draw(&name, 2) == 0;
        if !is_light {
            return None;
        }
        // A defect ends a step only where it has a task of its own.
        let name = format!(
            "{} {} {} {}",
            task.with["seed"], task.kind, task.step, task.attempt
        );
        (draw(&name, 24) != 7).then(|| Self::perform(task))
    }
}

impl baton_temporal::tasks::Tasks for Scripted {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn execute<'a>(
        &'a self,
        task: &'a Task,
        _: &'a TaskContext,
    ) -> BoxFuture<'a, Result<TaskOutput, StepError>> {
        Box::pin(async { Self::perform(task) })
    }

    fn execute_inline(&self, task: &Task) -> Option<Result<TaskOutput, StepError>> {
        Self::inline(task)
    }
}

/// A generated workflow whose end does not depend on who is quicker: everything that ends something else early is taken
/// out, instants become short, each event has a name of its own.
pub(crate) fn workflow(seed: u64) -> Value {
    let mut document = generate::document(&mut generate::Dice(seed));
    document["id"] = json!(format!("generated_{seed}"));
    document["onFailure"] = json!("finish");
    let fields = document.as_object_mut().unwrap();
    fields.shift_remove("timeout");
    fields.shift_remove("limits");
    calm(seed, document["steps"].as_array_mut().unwrap());
    document
}

fn calm(seed: u64, steps: &mut [Value]) {
    for step in steps {
        let id = step["id"].as_str().unwrap().to_owned();
        let mode = Mode::of(seed, &id);
        let deadline = if mode == Mode::Expires { "120ms" } else { "2h" };
        match step["kind"].as_str().unwrap() {
            "task" | "act" | "send" => step["with"]["seed"] = json!(seed),
            "wait" => step["with"]["for"] = json!("15ms"),
            "wait_for" => {
                step["with"]["event"] = json!(format!("e_{id}"));
                step["with"]["timeout"] = json!(deadline);
            }
            "approval" => {
                let with = step["with"].as_object_mut().unwrap();
                with.insert("expires".to_owned(), json!(deadline));
                for late in ["remind", "escalateAfter", "escalateTo"] {
                    with.shift_remove(late);
                }
            }
            "end" => step["with"]["cancelRest"] = json!(false),
            "for_each" => step["with"]["onItemFailure"] = json!("continue"),
            "repeat" if step["with"]["delay"] != "" => step["with"]["delay"] = json!("10ms"),
            _ => {}
        }
        if step["undo"].is_object() {
            step["undo"]["with"]["seed"] = json!(seed);
        }
        if step["retry"].is_object() {
            step["retry"]["first"] = json!("5ms");
        }
        if step["join"] == "first" {
            step["cancelRest"] = json!(false);
        }
        if let Some(body) = step.get_mut("body") {
            calm(seed, body["steps"].as_array_mut().unwrap());
        }
    }
}

/// What the outside does about a step that waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Answers,
    Expires,
    /// Nothing, until nothing else is left.
    Holds,
}

impl Mode {
    fn of(seed: u64, step: &str) -> Self {
        let id = step.rsplit('/').next().unwrap();
        match draw(&format!("{seed} {id} mode"), 6) {
            0 => Self::Expires,
            1 => Self::Holds,
            _ => Self::Answers,
        }
    }
}

/// The outside of one run: people, events, and somebody who cancels.
#[derive(Debug)]
pub(crate) struct Outside {
    seed: u64,
    given: BTreeSet<String>,
    is_cancelled: bool,
}

impl Outside {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            given: BTreeSet::new(),
            is_cancelled: false,
        }
    }

    /// What it says now.
    pub(crate) fn says(&mut self, run: &Run, now: Millis) -> Vec<Command> {
        let actions = pending(run);
        let held: Vec<&Action> = actions.iter().filter(|one| self.is_held(one)).collect();
        let waits_only = run.status() == Status::Waiting
            && !held.is_empty()
            && actions.iter().all(|one| match one {
                Action::SetTimer { at, .. } => *at > now + 1_800_000,
                other => self.is_held(other),
            });
        if waits_only && !self.is_cancelled {
            self.is_cancelled = true;
            return vec![Command::Cancel {
                by: "p".to_owned(),
                reason: Some("enough".to_owned()),
                undo: draw(&format!("{} undo", self.seed), 2) == 0,
            }];
        }
        let mut said = Vec::new();
        for action in &actions {
            let is_last_resort = waits_only && self.is_held(action);
            match action {
                Action::Ask { step, question }
                    if Mode::of(self.seed, step) == Mode::Answers || is_last_resort =>
                {
                    self.decide(step, question.quorum, &mut said);
                }
                Action::Listen { step, event, key } => {
                    let is_new = self.given.insert(format!("{step} heard"));
                    if is_new && (Mode::of(self.seed, step) == Mode::Answers || is_last_resort) {
                        said.push(Command::Signal {
                            id: format!("for {step}"),
                            event: event.clone(),
                            key: key.clone(),
                            payload: json!(1),
                        });
                    }
                }
                _ => {}
            }
        }
        said
    }

    fn decide(&mut self, step: &str, quorum: u32, said: &mut Vec<Command>) {
        let no = draw(&format!("{} {step} says", self.seed), 3) == 0;
        for person in 0..quorum {
            if self.given.insert(format!("{step} {person}")) {
                said.push(Command::Decide {
                    step: step.to_owned(),
                    by: format!("p{person}"),
                    decision: if no {
                        Decision::Rejected
                    } else {
                        Decision::Approved
                    },
                    comment: None,
                    data: None,
                });
                if no {
                    return;
                }
            }
        }
    }

    fn is_held(&self, action: &Action) -> bool {
        match action {
            Action::Ask { step, .. } | Action::Listen { step, .. } => {
                Mode::of(self.seed, step) == Mode::Holds
            }
            _ => false,
        }
    }
}

/// What can be seen of a run at its end, but for instants and for who was first.
pub(crate) fn end_of(run: &Run) -> Value {
    let mut steps = serde_json::Map::new();
    for (path, view) in run.steps() {
        let more = view.more();
        let error = more.and_then(|more| more.error.as_ref());
        let error = if view.is_container() {
            json!(error.is_some())
        } else {
            json!(error)
        };
        let state = json!({
            "phase": format!("{:?}", view.state.phase),
            "attempt": view.state.attempt,
            "port": more.and_then(|more| more.port.clone()),
            "output": more.and_then(|more| more.output.as_deref().cloned()).map(without_ids),
            "error": without_ids(error),
            "skipped": more.and_then(|more| more.skipped.as_ref().map(|reason| format!("{reason:?}"))),
            "undo": more.and_then(|more| more.undo).map(|undo| format!("{undo:?}")),
            "because": more.map(|more| &more.because),
            "log": more.map(|more| &more.log),
        });
        steps.insert(path, state);
    }
    let mut edges: Vec<String> = run
        .edges()
        .map(|(key, edge)| format!("{key} {}", edge.taken))
        .collect();
    edges.sort();
    steps.sort_keys();
    json!({ "outcome": run.outcome(), "steps": steps, "edges": edges })
}

/// Ids of sub-runs differ: they hold the id of the run.
fn without_ids(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| name != "run")
            .map(|(name, value)| (name, without_ids(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_ids).collect(),
        other => other,
    }
}

/// The tasks for the engine and for a worker.
pub(crate) fn both() -> Arc<Scripted> {
    Arc::new(Scripted::default())
}

/// Takes out the bodies that ended early on one of the hosts: a failure inside a body stops its other steps, and which
/// of them had ended by then is a matter of who was quicker.
pub(crate) fn without_races(here: &mut Value, there: &mut Value) {
    let raced = |run: &Value| -> Vec<String> {
        let steps = run["steps"].as_object().unwrap();
        let early = steps.iter().filter(|(path, state)| {
            let is_early = state["phase"] == "Cancelled" || state["skipped"] == "Ended";
            path.contains('/') && is_early
        });
        early
            .map(|(path, _)| path.split('[').next().unwrap().to_owned())
            .collect()
    };
    let mut containers = raced(here);
    containers.extend(raced(there));
    for run in [here, there] {
        let is_inside = |path: &str| {
            let mut names = containers.iter();
            names.any(|name| {
                path.strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.starts_with('['))
            })
        };
        run["steps"]
            .as_object_mut()
            .unwrap()
            .retain(|path, _| !is_inside(path));
        let edges = run["edges"].as_array_mut().unwrap();
        edges.retain(|edge| !is_inside(edge.as_str().unwrap()));
    }
}
