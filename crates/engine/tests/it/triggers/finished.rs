//! Ends of runs that start other workflows.

use baton_core::machine::Event;
use baton_engine::EngineError;
use baton_store::{FiringState, NewFiring};
use serde_json::{Value, json};

use super::{flow, states};
use crate::support::{Act, Bench};

#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write the values in place"
)]
fn after(workflow: &str, outcome: Value) -> Value {
    json!([{ "id": "t", "kind": "workflow_finished", "workflow": workflow, "outcome": outcome,
        "input": { "from": "{% trigger.payload.number %}", "how": "{% trigger.payload.outcome %}" } }])
}

async fn input_of(bench: &Bench, run: &str) -> Value {
    bench
        .until(run, |event| match event {
            Event::RunStarted { input, .. } => Some(input.clone()),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn only_the_ends_that_count_start_a_run() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench.activate(after("first", json!("failed"))).await;
    let first = flow("first", json!([]));
    bench.run(&first, json!({})).await;
    bench.run(&flow("second", json!([])), json!({})).await;
    bench
        .script
        .on("a", [Act::Fail("broken"), Act::Give(json!(1))]);
    bench.run(&first, json!({})).await;
    let started = bench.started(1).await;
    assert_eq!(
        input_of(&bench, &started[0].run).await,
        json!({ "from": 3, "how": "failed" })
    );
    bench.ended(&started[0].run).await;
    assert_eq!(bench.firings().await.len(), 1);
    assert_eq!(bench.runs().await.len(), 4);
}

#[tokio::test]
async fn ends_of_runs_are_not_overlooked_while_nobody_watches() {
    let bench = Bench::new().await;
    let first = flow("first", json!([]));
    bench.run(&first, json!({})).await;
    bench.activate(after("first", json!(null))).await;
    let ended = bench.run(&first, json!({})).await;
    let bench = bench.crash().await;
    bench.clock.advance(-3_600_000);
    bench.run(&first, json!({})).await;
    bench.triggers().start();
    let started = bench.started(2).await;
    assert_eq!(started[0].key, format!("finished:{}", ended.run));
    // Not those before it was activated, and each once.
    let bench = bench.crash().await;
    bench.triggers().start();
    bench.run(&first, json!({})).await;
    bench.started(3).await;
    assert_eq!(bench.firings().await.len(), 3);
}

#[tokio::test]
async fn workflows_that_would_start_one_another_for_ever_are_refused() {
    let bench = Bench::new().await;
    bench
        .try_activate("b", after("a", json!(null)))
        .await
        .unwrap();
    bench
        .try_activate("c", after("b", json!("succeeded")))
        .await
        .unwrap();
    let refused = bench
        .try_activate("a", after("c", json!(null)))
        .await
        .unwrap_err();
    let EngineError::Refused { code, message } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(code, "trigger-circle");
    assert!(message.contains("`a` and of `c` and of `b`"), "{message}");
}

#[tokio::test]
async fn a_chain_ends_somewhere() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench
        .try_activate(
            "first",
            json!([{ "id": "h", "kind": "webhook", "secret": "hook" }]),
        )
        .await
        .unwrap();
    bench.activate(after("first", json!(null))).await;
    // A run at the end of a long chain.
    let deep = NewFiring {
        run: "deep".to_owned(),
        depth: 16,
        ..NewFiring::new("first", "h", 1, "deep", 0)
    };
    bench.store.record(vec![deep], None).await.unwrap();
    let bench = bench.crash().await;
    bench.triggers().start();
    let all = bench
        .firings_until(|all| states(all, FiringState::Skipped) == 1)
        .await;
    assert!(
        all[0]
            .reason
            .as_deref()
            .unwrap()
            .contains("the chain ends here")
    );
    assert_eq!(bench.runs().await.len(), 1);
}
