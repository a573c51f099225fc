//! An end that can wait: what acts ends, nothing else begins, and all of it goes on at the next start.

use std::sync::Arc;

use baton_core::machine::{Outcome, STOPPING};
use baton_engine::{EngineError, NewRun};
use serde_json::json;

use crate::support::{Act, Bench, count, workflow};

/// Two steps that must not be repeated, after each other.
fn two() -> baton_core::document::Workflow {
    workflow(json!({
        "steps": [{ "id": "a", "kind": "once" }, { "id": "b", "kind": "once" }],
        "edges": [{ "from": "a", "to": "b" }]
    }))
}

#[tokio::test]
async fn the_step_under_way_ends_and_the_next_one_waits_for_the_next_start() {
    for is_drowsy in [false, true] {
        let bench = match is_drowsy {
            true => Bench::drowsy().await,
            false => Bench::new().await,
        };
        bench.script.on("a", [Act::Hold(json!(1))]);
        let run = bench.start(&two(), json!(null)).await;
        while bench.script.log().is_empty() {
            tokio::task::yield_now().await;
        }
        let engine = bench.engine.clone();
        let winding_down = tokio::spawn(async move { engine.wind_down().await });
        bench.status(&run, "paused").await;
        assert!(bench.engine.is_winding_down() && !winding_down.is_finished());
        let new = NewRun {
            workflow: Arc::new(two()),
            path: None,
            work_dir: bench.work_dir(),
            input: json!(null),
            by: None,
        };
        let refused = bench.engine.run(new).await;
        assert!(matches!(refused, Err(EngineError::Closing)), "{refused:?}");
        bench.script.let_go();
        winding_down.await.unwrap();
        assert_eq!(bench.script.log(), ["once a"]);
        let events = bench.events(&run).await;
        assert_eq!(
            count(&events, "StepSucceeded"),
            1,
            "what `a` came to is durable"
        );

        let bench = bench.crash().await;
        assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
        assert_eq!(bench.script.log(), ["once a", "once b"]);
        let events = bench.events(&run).await;
        assert_eq!(count(&events, "StepOutcomeUnknown"), 0, "nobody is asked");
        let paused = serde_json::to_string(&events).unwrap();
        assert_eq!(paused.matches(STOPPING).count(), 2, "paused, and resumed");
    }
}

#[tokio::test]
async fn a_run_that_a_person_paused_stays_paused() {
    let bench = Bench::new().await;
    bench.script.on("a", [Act::Hold(json!(1))]);
    let run = bench.start(&two(), json!(null)).await;
    while bench.script.log().is_empty() {
        tokio::task::yield_now().await;
    }
    bench.engine.pause(&run, "kim").await.unwrap();
    let engine = bench.engine.clone();
    let winding_down = tokio::spawn(async move { engine.wind_down().await });
    while !bench.engine.is_winding_down() {
        tokio::task::yield_now().await;
    }
    bench.script.let_go();
    winding_down.await.unwrap();
    let bench = bench.crash().await;
    bench.status(&run, "paused").await;
    assert_eq!(bench.script.log(), ["once a"]);
    bench.engine.resume(&run, "kim").await.unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn an_engine_with_nothing_to_do_is_down_at_once() {
    let bench = Bench::new().await;
    bench.engine.wind_down().await;
}
