//! Logs of every way that a run can go, kept as files: each build folds each of them to the same state.
//!
//! `npm run histories` records those that are missing; what was recorded is never written again. Every file is in the
//! index with its digest, and stands for all logs that people have on their disks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use baton_core::error::StepError;
use baton_core::machine::{Action, Decision, Input, Outcome, Run, Settlement, TaskResult, pending};
use serde_json::{Value, json};

use super::driver::Host;

/// Names of files and their digests.
pub(crate) type Index = BTreeMap<String, String>;

/// A history to record: its name, the workflow, and what happens.
pub(crate) type Recipe = (&'static str, Value, fn(&mut Host));

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/histories")
}

pub(crate) fn index(folder: &Path) -> std::io::Result<Index> {
    match std::fs::read_to_string(folder.join("index.json")) {
        Ok(text) => Ok(serde_json::from_str(&text)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Index::new()),
        Err(error) => Err(error),
    }
}

pub(crate) fn blake3_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What a log means, in words that outlive the shape of the structures in memory.
pub(crate) fn state(run: &Run) -> Value {
    let steps: BTreeMap<String, Value> = run
        .steps()
        .map(|(path, step)| {
            let more = step.more();
            let about = json!({
                "phase": format!("{:?}", step.state.phase),
                "attempt": step.state.attempt,
                "epoch": step.state.epoch,
                "port": more.and_then(|more| more.port.clone()),
                "output": more.and_then(|more| more.output.as_deref().cloned()),
                "error": more.and_then(|more| more.error.as_ref().map(|error| error.code.clone())),
                "key": more.and_then(|more| more.key.clone()),
            });
            (path, about)
        })
        .collect();
    json!({
        "seq": run.seq(),
        "status": format!("{:?}", run.status()),
        "ended": run.ended().map(|ended| json!({
            "outcome": ended.outcome,
            "name": ended.name,
            "outputs": ended.outputs,
            "error": ended.error.as_ref().map(|error| error.code.clone()),
        })),
        "steps": steps,
        "wants": pending(run).iter().map(wanted).collect::<Vec<_>>(),
    })
}

/// What a host would be asked to do now.
fn wanted(action: &Action) -> Value {
    match action {
        Action::StartTask(task) => {
            json!([
                "start",
                task.step,
                task.kind,
                task.attempt,
                task.epoch,
                task.key,
                task.with
            ])
        }
        Action::StartUndo(task) => {
            json!([
                "undo",
                task.step,
                task.kind,
                task.attempt,
                task.epoch,
                task.key,
                task.with
            ])
        }
        Action::CancelTask { step, epoch } => json!(["stop", step, epoch]),
        Action::SetTimer { timer, at } => json!(["timer", timer, at]),
        Action::Ask { step, question } => json!(["ask", step, question]),
        Action::AskOutcome { step } => json!(["ask-outcome", step]),
        Action::Listen { step, event, key } => json!(["listen", step, event, key]),
        Action::StartChild {
            step,
            run,
            workflow,
            version,
            input,
        } => json!(["start-child", step, run, workflow, version, input]),
        Action::CancelChild { step, run } => json!(["stop-child", step, run]),
    }
}

fn undo_fails(host: &mut Host, path: &str) {
    let epoch = pending(&host.run)
        .iter()
        .find_map(|action| match action {
            Action::StartUndo(task) if task.step == path => Some(task.epoch),
            _ => None,
        })
        .expect("it is being undone");
    host.give(Input::UndoEnded {
        step: path.to_owned(),
        epoch,
        result: TaskResult::Failed(StepError::permanent("gone", "nothing to take back")),
    });
}

fn child_ends(host: &mut Host, outcome: Outcome) {
    let child = pending(&host.run)
        .into_iter()
        .find_map(|action| match action {
            Action::StartChild { step, run, .. } | Action::CancelChild { step, run } => {
                Some((step, run))
            }
            _ => None,
        });
    let (step, run) = child.expect("a child is wanted");
    host.give(Input::ChildEnded {
        step,
        run,
        outcome,
        name: Some("done".to_owned()),
        outputs: json!({ "x": 1 }),
        error: None,
    });
}

fn cancel(host: &mut Host, undo: bool) {
    host.give(Input::Cancel {
        by: "ada".to_owned(),
        reason: Some("a mistake".to_owned()),
        undo,
    });
}

fn settle(host: &mut Host, step: &str, answer: Settlement) {
    host.give(Input::Settle {
        step: step.to_owned(),
        by: "ada".to_owned(),
        answer,
    });
}

fn signal(host: &mut Host, id: &str, key: Value) {
    host.give(Input::Signal {
        id: id.to_owned(),
        event: "paid".to_owned(),
        key,
        payload: json!({ "sum": 12 }),
    });
}

fn line() -> Value {
    json!({ "steps": [{ "id": "a", "kind": "task" }, { "id": "b", "kind": "task" }], "edges": [{ "from": "a", "to": "b" }] })
}

fn decision() -> Value {
    json!({
        "steps": [
            { "id": "choose", "kind": "decision", "with": { "cases": [{ "port": "big", "when": "input.n > 3" }] } },
            { "id": "a", "kind": "task" }, { "id": "b", "kind": "task" }, { "id": "join", "kind": "merge" },
            { "id": "fin", "kind": "end", "with": { "outcome": "published", "output": { "n": "{% input.n %}" } } }
        ],
        "edges": [
            { "from": "choose.big", "to": "a" }, { "from": "choose.else", "to": "b" },
            { "from": "a", "to": "join" }, { "from": "b", "to": "join" }, { "from": "join", "to": "fin" }
        ]
    })
}

fn undoable() -> Value {
    json!({
        "steps": [
            { "id": "book", "kind": "send", "undo": { "kind": "send", "with": { "was": "{% output.n %}" } } },
            { "id": "pay", "kind": "send", "undo": { "kind": "send" } },
            { "id": "ship", "kind": "send" }, { "id": "slow", "kind": "task" }
        ],
        "edges": [{ "from": "book", "to": "pay" }, { "from": "pay", "to": "ship" }]
    })
}

fn approval() -> Value {
    json!({
        "steps": [
            { "id": "ask", "kind": "approval", "with": { "to": ["lead", "cfo"], "quorum": 2, "expires": "2d", "remind": "4h",
              "escalateAfter": "1d", "escalateTo": ["boss"],
              "question": ["Publish {% input.n %} rows?"], "evidence": { "rows": "{% input.n %}" } } },
            { "id": "yes", "kind": "task" }, { "id": "no", "kind": "task" }
        ],
        "edges": [{ "from": "ask.approved", "to": "yes" }, { "from": "ask.rejected", "to": "no" }, { "from": "ask.expired", "to": "no" }]
    })
}

fn each(failure: &str) -> Value {
    json!({ "steps": [{
        "id": "each", "kind": "for_each",
        "with": { "items": "{% [10, 20, 30] %}", "concurrency": 2, "onItemFailure": failure, "result": "{% item + steps.work %}" },
        "body": { "steps": [{ "id": "work", "kind": "task", "with": { "x": "{% item * 2 + index %}" } }], "edges": [] }
    }] })
}

fn retried() -> Value {
    json!({
        "steps": [
            { "id": "call", "kind": "send", "retry": { "attempts": 3, "first": "2s", "factor": 3, "max": "5s" } },
            { "id": "alert", "kind": "task", "with": { "text": "{% error.code & \": \" & error.message %}" } },
            { "id": "next", "kind": "task" }
        ],
        "edges": [{ "from": "call", "to": "alert", "on": "error" }, { "from": "call", "to": "next" }]
    })
}

fn poll() -> Value {
    json!({
        "steps": [
            { "id": "poll", "kind": "repeat", "with": { "until": "steps.look.rows >= 10", "max": 2, "delay": "10m" },
              "body": { "steps": [{ "id": "look", "kind": "task" }], "edges": [] } },
            { "id": "full", "kind": "task" }, { "id": "partial", "kind": "task" }
        ],
        "edges": [{ "from": "poll.done", "to": "full" }, { "from": "poll.exhausted", "to": "partial" }]
    })
}

fn transaction() -> Value {
    json!({
        "steps": [
            { "id": "tx", "kind": "scope", "timeout": "1m", "body": {
                "steps": [{ "id": "write", "kind": "send", "undo": { "kind": "send" } }, { "id": "check", "kind": "task" }],
                "edges": [{ "from": "write", "to": "check" }] } },
            { "id": "alert", "kind": "task" }
        ],
        "edges": [{ "from": "tx", "to": "alert", "on": "error" }]
    })
}

fn awaited() -> Value {
    json!({
        "steps": [
            { "id": "pause", "kind": "wait", "with": { "for": "1m" } },
            { "id": "paid", "kind": "wait_for", "with": { "event": "paid", "key": "{% input.n %}" } },
            { "id": "again", "kind": "wait_for", "with": { "event": "paid", "key": "{% input.n %}", "timeout": "1m" } }
        ],
        "edges": [{ "from": "pause", "to": "paid" }, { "from": "paid", "to": "again" }]
    })
}

fn unsure() -> Value {
    json!({
        "steps": [{ "id": "mail", "kind": "act", "with": { "to": "ada" } }, { "id": "post", "kind": "send" }, { "id": "after", "kind": "task" }],
        "edges": [{ "from": "mail", "to": "after" }]
    })
}

fn parent() -> Value {
    json!({ "steps": [{ "id": "sub", "kind": "workflow", "with": { "workflow": "child.baton.json", "input": { "n": "{% input.n %}" } } }] })
}

fn form() -> Value {
    json!({ "steps": [{ "id": "fill", "kind": "form", "with": { "to": ["ada"], "question": ["Which?"],
        "fields": { "type": "object", "properties": { "which": { "type": "string" } } } } }] })
}

fn table() -> Value {
    json!({ "steps": [{ "id": "rate", "kind": "rules", "with": {
        "hitPolicy": "first",
        "inputs": [{ "label": "score", "value": "{% input.n / 10 %}" }],
        "rules": [{ "if": ["> 0.8"], "then": { "offer": 30 } }, { "if": ["-"], "then": { "offer": "{% input.n * 4 %}" } }]
    } }] })
}

fn race() -> Value {
    json!({
        "steps": [
            { "id": "fast", "kind": "task" }, { "id": "slow", "kind": "task" }, { "id": "later", "kind": "task" },
            { "id": "won", "kind": "task", "join": "first", "cancelRest": true }
        ],
        "edges": [{ "from": "fast", "to": "won" }, { "from": "slow", "to": "later" }, { "from": "later", "to": "won" }]
    })
}

fn special() -> Value {
    json!({
        "steps": [
            { "id": "off", "kind": "act", "disabled": true }, { "id": "fixed", "kind": "act", "pinned": { "x": 1 } },
            { "id": "stop", "kind": "fail", "with": { "code": "too-few", "message": "only {% input.n %}" } }
        ],
        "edges": [{ "from": "off", "to": "fixed" }, { "from": "fixed", "to": "stop" }]
    })
}

/// Every control kind, every way to fail, and every place where a run can stand when Baton is updated.
pub(crate) fn recipes() -> Vec<Recipe> {
    vec![
        ("line", line(), |host| {
            host.done("a", json!({ "x": 1 }));
            host.done("b", json!(2));
        }),
        ("line-open", line(), |host| {
            host.done("a", json!({ "x": 1 }))
        }),
        ("logged", line(), |host| {
            host.give(Input::TaskLogged {
                step: "a".to_owned(),
                level: "info".to_owned(),
                message: "half".to_owned(),
            });
            host.done("a", json!(1));
            host.done("b", json!(1));
        }),
        ("decision-and-end", decision(), |host| {
            host.done("a", json!(1))
        }),
        ("rules", table(), |_| {}),
        ("disabled-pinned-fail", special(), |_| {}),
        ("race", race(), |host| {
            host.done("fast", json!(1));
            host.stopped("slow");
            host.done("won", json!(1));
        }),
        ("retry-open", retried(), |host| host.fails("call", "busy")),
        ("retry-error-edge", retried(), |host| {
            host.fails("call", "busy");
            host.tick();
            host.fails("call", "busy");
            host.tick();
            host.fails("call", "busy");
            host.done("alert", json!(1));
        }),
        ("retry-hurried", retried(), |host| {
            host.fails("call", "busy");
            host.give(Input::RetryNow {
                step: "call".to_owned(),
                by: "ada".to_owned(),
            });
            host.done("call", json!(1));
            host.done("next", json!(1));
        }),
        ("failure-and-undo", undoable(), |host| {
            host.done("book", json!({ "n": 9 }));
            host.done("pay", json!(1));
            host.fails("ship", "no truck");
            host.stopped("slow");
            host.undone("pay");
            host.undone("book");
        }),
        ("undo-open", undoable(), |host| {
            host.done("book", json!({ "n": 9 }));
            host.done("pay", json!(1));
            host.fails("ship", "no truck");
            host.stopped("slow");
        }),
        ("undo-failure", undoable(), |host| {
            host.done("book", json!({ "n": 9 }));
            host.done("pay", json!(1));
            host.fails("ship", "no truck");
            host.stopped("slow");
            undo_fails(host, "pay");
            host.undone("book");
        }),
        ("cancel", undoable(), |host| {
            host.done("book", json!({ "n": 9 }));
            cancel(host, false);
            host.stopped("pay");
            host.stopped("slow");
        }),
        ("cancel-open", undoable(), |host| {
            host.done("book", json!({ "n": 9 }));
            cancel(host, true);
        }),
        ("cancel-and-undo", undoable(), |host| {
            host.done("book", json!({ "n": 9 }));
            cancel(host, true);
            host.stopped("pay");
            host.stopped("slow");
            host.undone("book");
        }),
        ("pause", line(), |host| {
            host.give(Input::Pause {
                by: "ada".to_owned(),
            });
            host.done("a", json!(1));
        }),
        ("pause-and-resume", line(), |host| {
            host.give(Input::Pause {
                by: "ada".to_owned(),
            });
            host.done("a", json!(1));
            host.give(Input::Resume {
                by: "ada".to_owned(),
            });
            host.done("b", json!(1));
        }),
        ("child-open", parent(), |_| {}),
        ("child-succeeded", parent(), |host| {
            child_ends(host, Outcome::Succeeded)
        }),
        ("child-failed", parent(), |host| {
            child_ends(host, Outcome::Failed)
        }),
        ("child-cancelled", parent(), |host| {
            cancel(host, false);
            child_ends(host, Outcome::Cancelled);
        }),
        ("for-each-open", each("continue"), |host| {
            host.done("each[1]/work", json!(1))
        }),
        ("for-each-over-failures", each("continue"), |host| {
            host.fails("each[0]/work", "bad item");
            host.done("each[1]/work", json!(1));
            host.done("each[2]/work", json!(2));
        }),
        ("for-each-stops", each("stop"), |host| {
            host.fails("each[0]/work", "bad item");
            host.stopped("each[1]/work");
        }),
        ("repeat-exhausted", poll(), |host| {
            host.done("poll[0]/look", json!({ "rows": 3 }));
            host.tick();
            host.done("poll[1]/look", json!({ "rows": 4 }));
            host.done("partial", json!(1));
        }),
        ("repeat-open", poll(), |host| {
            host.done("poll[0]/look", json!({ "rows": 3 }))
        }),
        ("scope-undone", transaction(), |host| {
            host.done("tx[0]/write", json!(1));
            host.fails("tx[0]/check", "wrong sum");
            host.undone("tx[0]/write");
            host.done("alert", json!(1));
        }),
        ("scope-out-of-time", transaction(), |host| {
            host.tick();
            host.stopped("tx[0]/write");
            host.done("alert", json!(1));
        }),
        ("approval-open", approval(), |host| {
            host.tick();
            host.decide("ask", "ada", Decision::Approved);
        }),
        ("approval-quorum", approval(), |host| {
            host.decide("ask", "ada", Decision::Approved);
            host.decide("ask", "bob", Decision::Approved);
            host.done("yes", json!(1));
        }),
        ("approval-rejected", approval(), |host| {
            host.decide("ask", "ada", Decision::Rejected);
            host.done("no", json!(1));
        }),
        ("approval-expired", approval(), |host| {
            while host
                .run
                .step("ask")
                .is_some_and(|step| !step.state.phase.is_ended())
            {
                host.tick();
            }
            host.done("no", json!(1));
        }),
        ("form", form(), |host| {
            host.give(Input::Decide {
                step: "fill".to_owned(),
                by: "ada".to_owned(),
                decision: Decision::Submitted,
                comment: Some("this one".to_owned()),
                data: Some(json!({ "which": "b" })),
            });
        }),
        ("wait-open", awaited(), |_| {}),
        ("wait-for-open", awaited(), |host| {
            signal(host, "1", json!(4));
            host.tick();
        }),
        ("wait-for-kept-and-expired", awaited(), |host| {
            signal(host, "1", json!(4));
            signal(host, "2", json!(5));
            host.tick();
            host.tick();
        }),
        ("outcome-unknown", unsure(), |host| {
            host.give(Input::Recover)
        }),
        ("outcome-done", unsure(), |host| {
            host.give(Input::Recover);
            settle(
                host,
                "mail",
                Settlement::Done {
                    output: json!({ "sent": true }),
                },
            );
            host.done("post", json!(1));
            host.done("after", json!(1));
        }),
        ("outcome-not-done", unsure(), |host| {
            host.give(Input::Recover);
            settle(host, "mail", Settlement::NotDone);
            host.stopped("post");
        }),
        ("outcome-again", unsure(), |host| {
            host.give(Input::Recover);
            settle(host, "mail", Settlement::RunAgain);
        }),
        ("late-result", unsure(), |host| {
            host.give(Input::Recover);
            host.give(Input::TaskEnded {
                step: "post".to_owned(),
                epoch: 1,
                result: TaskResult::Succeeded {
                    output: json!("late"),
                    port: None,
                },
            });
            host.done("post", json!("in time"));
        }),
    ]
}
