//! Runs that wait are not in memory: every kind of waiting, with and without a crash meanwhile.

use std::time::Duration;

use baton_core::document::{self, Workflow};
use baton_core::machine::{Decision, Event, Outcome};
use baton_engine::Signal;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::support::{Act, Bench, START, count, workflow};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// `first`, then a step that waits, then `last`.
fn around(wait: &Value) -> Workflow {
    let port = if wait["kind"] == "approval" {
        ".approved"
    } else {
        ""
    };
    workflow(json!({
        "steps": [{ "id": "first", "kind": "act" }, wait, { "id": "last", "kind": "act" }],
        "edges": [{ "from": "first", "to": "w" }, { "from": format!("w{port}"), "to": "last" }]
    }))
}

fn time() -> Workflow {
    around(&json!({ "id": "w", "kind": "wait", "with": { "for": "1h" } }))
}

fn event() -> Workflow {
    around(
        &json!({ "id": "w", "kind": "wait_for", "with": { "event": "paid", "key": "{% input.order %}", "timeout": "2d" } }),
    )
}

fn people() -> Workflow {
    around(&json!({ "id": "w", "kind": "approval", "with": {
        "to": ["lead"], "quorum": 2, "remind": "1h", "escalateAfter": "90m", "escalateTo": ["boss"], "expires": "1d" } }))
}

fn retry() -> Workflow {
    around(
        &json!({ "id": "w", "kind": "act", "retry": { "attempts": 3, "first": "10m", "jitter": 0 } }),
    )
}

fn paid(order: i64) -> Signal {
    Signal {
        id: format!("payment-{order}"),
        event: "paid".to_owned(),
        key: json!(order),
        payload: json!({ "amount": 12 }),
        run: None,
    }
}

async fn asleep(bench: &Bench, run: &str) {
    for _ in 0..2_000 {
        if !bench.engine.live().iter().any(|live| live == run) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it does not fall asleep: {:?}", bench.events(run).await);
}

/// A run that waits and sleeps.
async fn sleeping(bench: &Bench, workflow: &Workflow, input: Value) -> String {
    let run = bench.start(workflow, input).await;
    bench.status(&run, "waiting").await;
    asleep(bench, &run).await;
    run
}

async fn decide(bench: &Bench, run: &str, step: &str, by: &str) {
    bench
        .engine
        .decide(run, step, by, Decision::Approved, None, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_time_wakes_the_run_that_waits_for_it() {
    let bench = Bench::drowsy().await;
    let run = sleeping(&bench, &time(), json!(null)).await;
    let timers = bench.store.timers().await.unwrap();
    assert_eq!((timers.len(), timers[0].at), (1, START + HOUR));
    bench.clock.advance(HOUR);
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(bench.script.log(), ["act first", "act last"]);
    assert!(bench.store.timers().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_wakes_only_the_run_that_waits_for_its_key() {
    let bench = Bench::drowsy().await;
    let one = sleeping(&bench, &event(), json!({ "order": 1 })).await;
    let two = sleeping(&bench, &event(), json!({ "order": 2 })).await;
    let other = sleeping(&bench, &people(), json!(null)).await;
    assert_eq!(bench.engine.signal(paid(3)).await.unwrap(), 0);
    assert_eq!(bench.engine.signal(paid(2)).await.unwrap(), 1);
    assert_eq!(bench.ended(&two).await.outcome, Outcome::Succeeded);
    for run in [one, other] {
        assert_eq!(count(&bench.events(&run).await, "EventReceived"), 0);
    }
}

#[tokio::test]
async fn an_event_that_comes_early_finds_a_sleeping_run_that_will_wait_for_it() {
    let bench = Bench::drowsy().await;
    let both = workflow(json!({
        "steps": [
            { "id": "ask", "kind": "approval", "with": { "to": ["lead"] } },
            { "id": "w", "kind": "wait_for", "with": { "event": "paid", "key": "{% input.order %}" } }
        ],
        "edges": [{ "from": "ask.approved", "to": "w" }]
    }));
    let run = sleeping(&bench, &both, json!({ "order": 1 })).await;
    // The definition is no longer at hand, only kept.
    let bench = bench.crash().await;
    assert_eq!(bench.engine.signal(paid(1)).await.unwrap(), 1);
    assert_eq!(bench.engine.signal(paid(1)).await.unwrap(), 1);
    assert_eq!(count(&bench.events(&run).await, "EventReceived"), 1);
    asleep(&bench, &run).await;
    decide(&bench, &run, "ask", "kim").await;
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn a_question_is_reminded_of_escalated_and_answered_while_its_run_sleeps() {
    let bench = Bench::drowsy().await;
    let run = sleeping(&bench, &people(), json!(null)).await;
    decide(&bench, &run, "w", "kim").await;
    asleep(&bench, &run).await;
    bench.clock.advance(HOUR);
    bench
        .until(&run, |event| {
            matches!(event, Event::ApprovalReminded { .. }).then_some(())
        })
        .await;
    asleep(&bench, &run).await;
    let bench = bench.crash().await;
    bench.clock.advance(HOUR / 2);
    bench
        .until(&run, |event| {
            matches!(event, Event::ApprovalEscalated { .. }).then_some(())
        })
        .await;
    asleep(&bench, &run).await;
    let question = bench.store.open_questions().await.unwrap().remove(0);
    assert_eq!(question.question["to"], json!(["lead", "boss"]));
    assert_eq!(
        question.answers[0]["by"], "kim",
        "what was answered before stays"
    );
    decide(&bench, &run, "w", "lee").await;
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert!(bench.store.open_questions().await.unwrap().is_empty());
    assert_eq!(count(&bench.events(&run).await, "ApprovalReminded"), 1);
}

#[tokio::test]
async fn a_question_expires_while_its_run_sleeps() {
    let bench = Bench::drowsy().await;
    let run = sleeping(&bench, &people(), json!(null)).await;
    bench.clock.jump(26 * HOUR);
    let ended = bench.ended(&run).await;
    assert_eq!(bench.script.log(), ["act first"], "{ended:?}");
    assert!(bench.store.timers().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_failed_step_is_tried_again_by_a_run_that_slept() {
    let bench = Bench::drowsy().await;
    bench
        .script
        .on("w", [Act::Fail("no"), Act::Fail("no"), Act::Give(json!(1))]);
    let run = sleeping(&bench, &retry(), json!(null)).await;
    bench.clock.advance(10 * MINUTE);
    bench
        .until(&run, |event| {
            matches!(event, Event::StepAttemptFailed { attempt: 2, .. }).then_some(())
        })
        .await;
    asleep(&bench, &run).await;
    let bench = bench.crash().await;
    bench.engine.retry_now(&run, "w", "kim").await.unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(
        bench.script.log(),
        ["act first", "act w", "act w", "act w", "act last"]
    );
}

fn family() -> (Workflow, Workflow) {
    let parent = around(&json!({ "id": "w", "kind": "workflow", "with": { "workflow": "child" } }));
    let mut child = around(&json!({ "id": "w", "kind": "approval", "with": { "to": ["lead"] } }));
    child.id = "child".to_owned();
    (parent, child)
}

async fn child_of(bench: &Bench, run: &str) -> String {
    for _ in 0..2_000 {
        if let Some(child) = bench.store.children(run).await.unwrap().first() {
            return child.id.clone();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no child began");
}

#[tokio::test]
async fn the_end_of_a_child_wakes_its_parent() {
    for is_interrupted in [false, true] {
        let mut bench = Bench::drowsy().await;
        let (parent, child) = family();
        let file = bench.work_dir().join("child.baton.json");
        std::fs::write(file, document::print(&child)).unwrap();
        let run = bench.start(&parent, json!(null)).await;
        let below = child_of(&bench, &run).await;
        bench.status(&below, "waiting").await;
        asleep(&bench, &run).await;
        asleep(&bench, &below).await;
        if is_interrupted {
            bench = bench.crash().await;
            assert_eq!(bench.engine.live(), Vec::<String>::new());
        }
        decide(&bench, &below, "w", "kim").await;
        assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
        assert_eq!(
            bench.script.log(),
            ["act first", "act first", "act last", "act last"]
        );
    }
}

#[tokio::test]
async fn a_parent_that_never_learned_of_the_end_of_its_child_learns_it_at_the_next_start() {
    let bench = Bench::drowsy().await;
    let (parent, child) = family();
    let file = bench.work_dir().join("child.baton.json");
    std::fs::write(file, document::print(&child)).unwrap();
    let run = bench.start(&parent, json!(null)).await;
    let below = child_of(&bench, &run).await;
    bench.status(&below, "waiting").await;
    asleep(&bench, &run).await;
    *bench.journal.broken_run.lock().unwrap() = Some(run.clone());
    decide(&bench, &below, "w", "kim").await;
    bench.ended(&below).await;
    let bench = bench.crash().await;
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(
        bench.script.log(),
        ["act first", "act first", "act last", "act last"]
    );
}

#[tokio::test]
async fn a_parent_that_is_stopped_stops_a_child_that_sleeps() {
    let bench = Bench::drowsy().await;
    let (parent, child) = family();
    let file = bench.work_dir().join("child.baton.json");
    std::fs::write(file, document::print(&child)).unwrap();
    let run = bench.start(&parent, json!(null)).await;
    let below = child_of(&bench, &run).await;
    bench.status(&below, "waiting").await;
    asleep(&bench, &run).await;
    asleep(&bench, &below).await;
    bench.engine.cancel(&run, "kim", None, false).await.unwrap();
    assert_eq!(bench.ended(&below).await.outcome, Outcome::Cancelled);
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn a_start_takes_up_only_what_was_interrupted() {
    let bench = Bench::drowsy().await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(sleeping(&bench, &time(), json!(null)).await);
        waiting.push(sleeping(&bench, &people(), json!(null)).await);
    }
    bench
        .script
        .on("w", [Act::Hold(json!(1)), Act::Give(json!(2))]);
    let busy = bench.start(&retry(), json!(null)).await;
    while bench.script.log().len() < 12 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let bench = bench.crash().await;
    assert_eq!(bench.engine.live(), std::slice::from_ref(&busy));
    assert_eq!(bench.ended(&busy).await.outcome, Outcome::Succeeded);
    bench.clock.advance(HOUR);
    for run in waiting.iter().step_by(2) {
        assert_eq!(bench.ended(run).await.outcome, Outcome::Succeeded);
    }
    let firsts = bench
        .script
        .log()
        .iter()
        .filter(|line| *line == "act first")
        .count();
    assert_eq!(firsts, 11, "no step is repeated");
}

#[tokio::test]
async fn what_is_waited_for_is_rebuilt_from_the_log() {
    let bench = Bench::drowsy().await;
    let run = sleeping(&bench, &time(), json!(null)).await;
    let other = sleeping(&bench, &event(), json!({ "order": 7 })).await;
    bench.engine.close().await;
    bench.store.close().await;
    let path = bench.dir.path().join("data").join("baton.db");
    let mut raw = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    for statement in [
        "DELETE FROM timers",
        "DELETE FROM waits",
        "UPDATE runs SET rests_at = 0",
    ] {
        sqlx::query(statement).execute(&mut raw).await.unwrap();
    }
    raw.close().await.unwrap();
    let bench = bench.crash().await;
    asleep(&bench, &run).await;
    asleep(&bench, &other).await;
    assert_eq!(bench.store.timers().await.unwrap().len(), 2);
    let bench = bench.crash().await;
    assert_eq!(bench.engine.live(), Vec::<String>::new());
    bench.clock.advance(HOUR);
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(bench.engine.signal(paid(7)).await.unwrap(), 1);
    assert_eq!(bench.ended(&other).await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn a_paused_run_sleeps_and_goes_on() {
    let bench = Bench::drowsy().await;
    bench.script.on("w", [Act::Fail("no"), Act::Give(json!(1))]);
    let run = sleeping(&bench, &retry(), json!(null)).await;
    bench.engine.pause(&run, "kim").await.unwrap();
    bench.clock.advance(HOUR);
    bench
        .until(&run, |event| {
            matches!(event, Event::TimerFired { .. }).then_some(())
        })
        .await;
    asleep(&bench, &run).await;
    assert!(
        bench.store.timers().await.unwrap().is_empty(),
        "it fired, and waits for the person"
    );
    let bench = bench.crash().await;
    bench.engine.resume(&run, "kim").await.unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn a_run_that_sleeps_can_be_looked_at() {
    let bench = Bench::drowsy().await;
    let run = sleeping(&bench, &people(), json!(null)).await;
    let waits = bench
        .engine
        .look(&run, |state, _, _| state.waiting_for())
        .await;
    assert_eq!(waits.unwrap(), ["lead to answer `w`"]);
    asleep(&bench, &run).await;
    assert!(
        bench
            .engine
            .look("no such run", |_, _, _| ())
            .await
            .is_none()
    );
}

#[tokio::test]
async fn a_long_run_is_taken_up_from_its_last_snapshot() {
    let bench = Bench::drowsy().await;
    let long = workflow(json!({
        "steps": [
            { "id": "each", "kind": "for_each", "with": { "items": "{% input.items %}" }, "body": { "steps": [
                { "id": "add", "kind": "set_values", "with": { "values": { "n": "{% item + 1 %}" } } } ], "edges": [] } },
            { "id": "w", "kind": "approval", "with": { "to": ["lead"] } },
            { "id": "last", "kind": "act" }
        ],
        "edges": [{ "from": "each", "to": "w" }, { "from": "w.approved", "to": "last" }]
    }));
    let items: Vec<u32> = (0..2_000).collect();
    let run = sleeping(&bench, &long, json!({ "items": items })).await;
    let folder = bench.dir.path().join("data/snapshots").join(&run);
    let kept = |folder: &std::path::Path| {
        let mut all: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        all.sort();
        all
    };
    assert!(!kept(&folder).is_empty());
    // What does not fit is thrown away: the log is enough.
    for file in kept(&folder) {
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    }
    let bench = bench.crash().await;
    let steps = bench
        .engine
        .look(&run, |state, _, _| state.steps().count())
        .await;
    assert_eq!(steps, Some(2_002));
    asleep(&bench, &run).await;
    assert_ne!(
        kept(&folder),
        Vec::<std::path::PathBuf>::new(),
        "a new one is kept"
    );
    let bench = bench.crash().await;
    decide(&bench, &run, "w", "kim").await;
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}
