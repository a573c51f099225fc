//! The computer sleeps, its clock is set: what runs notice of it.

use std::time::Duration;

use baton_core::document::Workflow;
use baton_core::machine::{Event, Outcome};
use serde_json::json;

use crate::support::{Act, Bench, count, workflow};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn time() -> Workflow {
    workflow(json!({ "steps": [{ "id": "w", "kind": "wait", "with": { "for": "10m" } }] }))
}

async fn resumed(bench: &Bench, run: &str) -> i64 {
    bench
        .until(run, |event| match event {
            Event::HostResumed { gap_ms } => Some(*gap_ms),
            _ => None,
        })
        .await
}

async fn noted(bench: &Bench) -> Vec<(String, i64)> {
    for _ in 0..2_000 {
        let notes = bench.store.host_log(10).await.unwrap();
        if !notes.is_empty() {
            return notes.into_iter().map(|note| (note.what, note.ms)).collect();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nothing was noted");
}

#[tokio::test]
async fn a_time_that_came_while_the_computer_slept_is_noticed_once_with_the_reason() {
    for bench in [Bench::new().await, Bench::drowsy().await] {
        let run = bench.start(&time(), json!(null)).await;
        bench.status(&run, "waiting").await;
        bench.clock.suspend(8 * HOUR);
        assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
        let events = bench.events(&run).await;
        assert_eq!(count(&events, "HostResumed"), 1);
        assert_eq!(count(&events, "StepSucceeded"), 1);
        assert_eq!(resumed(&bench, &run).await, 8 * HOUR);
        assert_eq!(noted(&bench).await, [("resumed".to_owned(), 8 * HOUR)]);
    }
}

#[tokio::test]
async fn a_run_that_the_sleep_does_not_matter_to_is_left_alone() {
    let bench = Bench::drowsy().await;
    let run = bench.start(&time(), json!(null)).await;
    bench.status(&run, "waiting").await;
    bench.clock.suspend(5 * MINUTE);
    bench.clock.advance(1_000);
    noted(&bench).await;
    assert_eq!(count(&bench.events(&run).await, "HostResumed"), 0);
}

#[tokio::test]
async fn the_time_limit_of_a_step_stands_still_while_the_computer_sleeps() {
    let bench = Bench::new().await;
    bench.script.on("w", [Act::Hang]);
    let slow = workflow(
        json!({ "steps": [{ "id": "w", "kind": "act", "timeout": "10m", "retry": { "attempts": 1 } }] }),
    );
    let run = bench.start(&slow, json!(null)).await;
    while bench.script.log().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bench.clock.suspend(8 * HOUR);
    bench.clock.advance(9 * MINUTE);
    assert_eq!(resumed(&bench, &run).await, 8 * HOUR);
    assert_eq!(
        count(&bench.events(&run).await, "StepFailed"),
        0,
        "it had nine of its ten minutes"
    );
    bench.clock.advance(MINUTE);
    assert_eq!(bench.ended(&run).await.error.unwrap().code, "timeout");
}

#[tokio::test]
async fn the_time_limit_of_a_loop_is_put_off_by_as_much_as_the_computer_slept() {
    for bench in [Bench::new().await, Bench::drowsy().await] {
        let slow = workflow(
            json!({ "steps": [{ "id": "s", "kind": "scope", "timeout": "20m", "body": { "edges": [], "steps": [
            { "id": "w", "kind": "approval", "with": { "to": ["lead"] } } ] } }] }),
        );
        let run = bench.start(&slow, json!(null)).await;
        bench.status(&run, "waiting").await;
        bench.clock.suspend(8 * HOUR);
        assert_eq!(resumed(&bench, &run).await, 8 * HOUR);
        bench.clock.advance(19 * MINUTE);
        bench.status(&run, "waiting").await;
        assert_eq!(count(&bench.events(&run).await, "TimerFired"), 0);
        bench.clock.advance(MINUTE);
        assert_eq!(bench.ended(&run).await.outcome, Outcome::Failed);
        assert_eq!(count(&bench.events(&run).await, "TimerFired"), 1);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_fires_nothing_twice_and_makes_no_negative_times() {
    let bench = Bench::drowsy().await;
    let twice = workflow(json!({
        "steps": [
            { "id": "a", "kind": "wait", "with": { "for": "10m" } },
            { "id": "b", "kind": "act" },
            { "id": "c", "kind": "wait", "with": { "for": "10m" } }
        ],
        "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "c" }]
    }));
    let run = bench.start(&twice, json!(null)).await;
    bench.status(&run, "waiting").await;
    bench.clock.advance(10 * MINUTE);
    bench
        .until(&run, |event| match event {
            Event::WaitStarted { step, .. } if step == "c" => Some(()),
            _ => None,
        })
        .await;
    bench.clock.jump(-3 * HOUR);
    bench.clock.advance(1_000);
    assert_eq!(
        noted(&bench).await,
        [("clock-set-back".to_owned(), 3 * HOUR)]
    );
    bench.clock.advance(4 * HOUR);
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    let events = bench.events(&run).await;
    assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert_eq!(bench.script.log(), ["act b"]);
    assert_eq!(count(&events, "StepSucceeded"), 3);
}
