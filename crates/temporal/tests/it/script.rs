//! The script of a generated run: tasks that take their time, short instants, and an outside that answers, is late,
//! stays silent, pauses, raises and cancels.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_core::error::StepError;
use baton_core::machine::{Action, Decision, Run, Status, Task, pending};
use baton_core::step_kind::Catalog;
use baton_steps::{TaskContext, TaskOutput};
use baton_temporal::wire::Command;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::generate;
use crate::scripted::{draw, perform, perform_inline};

/// Tasks of the kinds of the generator.
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

impl baton_temporal::tasks::Tasks for Scripted {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn execute<'a>(
        &'a self,
        task: &'a Task,
        cx: &'a TaskContext,
    ) -> BoxFuture<'a, Result<TaskOutput, StepError>> {
        Box::pin(async {
            let pause =
                [0, 0, 0, 5, 20, 60, 150][draw(&format!("{} {} pause", cx.run, task.step), 7)];
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(pause)) => perform(task),
                () = cx.cancel.cancelled() => Err(StepError::new("cancelled", "it was told to stop")),
            }
        })
    }

    fn execute_inline(&self, task: &Task) -> Option<Result<TaskOutput, StepError>> {
        perform_inline(task)
    }
}

/// The tasks for a worker.
pub(crate) fn tasks() -> Arc<Scripted> {
    Arc::new(Scripted::default())
}

/// A generated workflow with all that the generator gives. Only its instants become short, so that they pass while the
/// test looks, and chance between attempts is taken out, because every run draws its own.
pub(crate) fn workflow(seed: u64) -> Value {
    let mut document = generate::document(&mut generate::Dice(seed));
    document["id"] = json!(format!("generated_{seed}"));
    if document["timeout"].is_string() {
        document["timeout"] = json!(["400ms", "50m"][draw(&format!("{seed} timeout"), 2)]);
    }
    if document["limits"]["wallTime"] == "10s" {
        document["limits"]["wallTime"] = json!("300ms");
    }
    if seed.is_multiple_of(4) {
        race(&mut document);
    }
    // Where nobody knows the other workflow, the engine hears of it from the disk: a reminder that is late would come
    // before or after that.
    let calls = document.to_string().contains(r#""kind":"workflow""#);
    let steps = document["steps"].as_array_mut().unwrap();
    hurry(seed, steps, true, !calls);
    document
}

/// Three branches of which the first wins: the generator draws few.
fn race(document: &mut Value) {
    let steps = document["steps"].as_array_mut().unwrap();
    for (id, kind) in [
        ("r0", "task"),
        ("r1", "send"),
        ("r2", "act"),
        ("r3", "send"),
    ] {
        steps.push(json!({ "id": id, "kind": kind, "with": {} }));
    }
    steps.push(
        json!({ "id": "won", "kind": "send", "with": {}, "join": "first", "cancelRest": true }),
    );
    let edges = document["edges"].as_array_mut().unwrap();
    for (from, to) in [("r0", "won"), ("r1", "won"), ("r2", "r3"), ("r3", "won")] {
        edges.push(json!({ "from": from, "to": to }));
    }
}

/// How many steps the workflow of a seed has, those of bodies included.
pub(crate) fn size(seed: u64) -> usize {
    fn count(steps: &Value) -> usize {
        let steps = steps.as_array().unwrap();
        steps
            .iter()
            .map(|step| match step.get("body") {
                Some(body) => 1 + count(&body["steps"]),
                None => 1,
            })
            .sum()
    }
    count(&generate::document(&mut generate::Dice(seed))["steps"])
}

fn hurry(seed: u64, steps: &mut [Value], is_top: bool, may_remind: bool) {
    let mut may_call = is_top;
    for step in steps {
        let id = step["id"].as_str().unwrap().to_owned();
        let mode = Mode::of(seed, &id);
        let deadline = if mode == Mode::Expires { "150ms" } else { "2h" };
        match step["kind"].as_str().unwrap() {
            "task" | "act" | "send" => {
                step["with"]["seed"] = json!(seed);
                if step["timeout"].is_string() {
                    step["timeout"] = json!("10m");
                }
            }
            "wait" => {
                let long = ["15ms", "80ms", "250ms"][draw(&format!("{seed} {id} wait"), 3)];
                step["with"]["for"] = json!(long);
            }
            "wait_for" => step["with"]["timeout"] = json!(deadline),
            "approval" => {
                step["with"]["expires"] = json!(deadline);
                step["with"]["remind"] = json!(if may_remind { "90ms" } else { "1h" });
                step["with"]["escalateAfter"] = json!("40ms");
            }
            "repeat" if step["with"]["delay"] != "" => step["with"]["delay"] = json!("10ms"),
            "scope" => {
                let limit = ["120ms", "1h"][draw(&format!("{seed} {id} limit"), 2)];
                step["timeout"] = json!(limit);
            }
            // Where two ask for one that nobody knows, the engine asks the disk for both at once.
            "workflow" if !std::mem::replace(&mut may_call, false) => {
                step["kind"] = json!("merge");
                step.as_object_mut().unwrap().shift_remove("with");
            }
            _ => {}
        }
        if step["undo"].is_object() {
            step["undo"]["with"]["seed"] = json!(seed);
        }
        if step["retry"].is_object() {
            step["retry"]["first"] = json!("5ms");
            step["retry"]["jitter"] = json!(0);
        }
        if let Some(body) = step.get_mut("body") {
            let steps = body["steps"].as_array_mut().unwrap();
            hurry(seed, steps, false, may_remind);
        }
    }
}

/// What the outside does about a step that waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Answers,
    /// Only after a while.
    Late,
    Expires,
    /// Nothing, until nothing else is left.
    Holds,
}

impl Mode {
    fn of(seed: u64, step: &str) -> Self {
        let id = step.rsplit('/').next().unwrap();
        match draw(&format!("{seed} {id} mode"), 7) {
            0 | 1 => Self::Expires,
            2 => Self::Holds,
            3 => Self::Late,
            _ => Self::Answers,
        }
    }
}

/// What is said.
#[derive(Debug)]
pub(crate) enum Said {
    /// To the run.
    Command(Command),
    /// To the cluster: it is to cancel the run.
    Cancel,
}

/// The outside of one run: people, events, somebody who pauses it or stops it.
#[derive(Debug)]
pub(crate) struct Outside {
    seed: u64,
    begun: Instant,
    given: BTreeSet<String>,
    paused: Option<Instant>,
    /// Everybody says yes, at once.
    is_kind: bool,
    /// Everybody says no, at once.
    is_stern: bool,
    /// Nobody says anything.
    is_silent: bool,
}

impl Outside {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            begun: Instant::now(),
            given: BTreeSet::new(),
            paused: None,
            is_kind: false,
            is_stern: false,
            is_silent: false,
        }
    }

    /// One that approves all, or rejects all.
    pub(crate) fn that_says(is_yes: bool) -> Self {
        Self {
            is_kind: is_yes,
            is_stern: !is_yes,
            ..Self::new(0)
        }
    }

    /// One that says nothing.
    pub(crate) fn that_is_silent() -> Self {
        Self {
            is_silent: true,
            ..Self::new(0)
        }
    }

    fn once(&mut self, what: &str) -> bool {
        self.given.insert(what.to_owned())
    }

    /// What it says now.
    pub(crate) fn says(&mut self, run: &Run) -> Vec<Said> {
        let mut said = Vec::new();
        if self.is_silent {
            return said;
        }
        let by = "p".to_owned();
        if let Some(exceeded) = run.exceeded() {
            let limit = exceeded.used.saturating_mul(2) + 10_000_000;
            let budget = exceeded.budget;
            said.push(Said::Command(Command::Raise { budget, limit, by }));
            return said;
        }
        let actions = pending(run);
        if !self.is_kind && !self.is_stern {
            if self.interferes(run, &mut said) {
                return said;
            }
            self.speaks_early(&mut said);
        }
        let is_last = run.status() == Status::Waiting
            && actions.iter().any(|one| self.is_held(one))
            && actions.iter().all(|one| match one {
                // A question that is not answered is asked again and again.
                Action::SetTimer { timer, at } => {
                    timer.starts_with("remind:") || *at > run.at() + 1_800_000
                }
                other => self.is_held(other),
            });
        if is_last && draw(&format!("{} ends", self.seed), 2) == 0 && self.once("stopped") {
            said.push(self.stop());
            return said;
        }
        for action in &actions {
            match action {
                Action::Ask { step, question } if self.is_time(step, is_last) => {
                    self.decide(step, question.quorum, &mut said);
                }
                Action::Listen { step, event, key } if self.is_time(step, is_last) => {
                    let twice = 1 + draw(&format!("{} {step} twice", self.seed), 2);
                    if self.once(&format!("{step} heard")) {
                        for _ in 0..twice {
                            said.push(Said::Command(Command::Signal {
                                id: format!("for {step}"),
                                event: event.clone(),
                                key: key.clone(),
                                payload: json!(1),
                            }));
                        }
                    }
                }
                _ => {}
            }
        }
        said
    }

    /// Pauses, goes on, cancels. Whether nothing else is said now.
    fn interferes(&mut self, run: &Run, said: &mut Vec<Said>) -> bool {
        let by = "p".to_owned();
        if let Some(paused) = self.paused {
            if run.paused_by().is_some() && paused.elapsed() > Duration::from_millis(60) {
                self.paused = None;
                said.push(Said::Command(Command::Resume { by }));
            }
            return false;
        }
        let pauses = draw(&format!("{} pauses", self.seed), 7) == 0;
        if pauses && run.seq() > 5 && self.once("paused") {
            self.paused = Some(Instant::now());
            said.push(Said::Command(Command::Pause { by }));
            return true;
        }
        let stops = draw(&format!("{} stops", self.seed), 4) == 0;
        let after = u32::try_from(2 + draw(&format!("{} after", self.seed), 20)).unwrap();
        if stops && run.seq() > after && self.once("stopped") {
            said.push(self.stop());
            return true;
        }
        false
    }

    fn stop(&self) -> Said {
        match draw(&format!("{} stopped by", self.seed), 3) {
            0 => Said::Cancel,
            kind => Said::Command(Command::Cancel {
                by: "p".to_owned(),
                reason: Some("enough".to_owned()),
                undo: kind == 1,
            }),
        }
    }

    /// An event before anybody waits for it, one that nobody ever waits for, and one with the id of the first.
    fn speaks_early(&mut self, said: &mut Vec<Said>) {
        if draw(&format!("{} early", self.seed), 3) != 0 || !self.once("early") {
            return;
        }
        for (id, event) in [("early", "e"), ("astray", "nobody"), ("early", "e")] {
            said.push(Said::Command(Command::Signal {
                id: id.to_owned(),
                event: event.to_owned(),
                key: Value::Null,
                payload: json!({ "early": true }),
            }));
        }
    }

    fn is_time(&self, step: &str, is_last: bool) -> bool {
        if self.is_kind || self.is_stern || is_last {
            return true;
        }
        match Mode::of(self.seed, step) {
            Mode::Answers => true,
            Mode::Late => self.begun.elapsed() > Duration::from_millis(400),
            Mode::Expires | Mode::Holds => false,
        }
    }

    fn decide(&mut self, step: &str, quorum: u32, said: &mut Vec<Said>) {
        let draws_no = draw(&format!("{} {step} says", self.seed), 3) == 0;
        let is_no = self.is_stern || (draws_no && !self.is_kind);
        for person in 0..quorum {
            if self.once(&format!("{step} {person}")) {
                said.push(Said::Command(Command::Decide {
                    step: step.to_owned(),
                    by: format!("p{person}"),
                    decision: if is_no {
                        Decision::Rejected
                    } else {
                        Decision::Approved
                    },
                    comment: None,
                    data: None,
                }));
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
