//! A process that ends between two writes of a firing.

use std::sync::atomic::Ordering;

use baton_engine::triggers::Recording;
use baton_store::{FiringState, NewFiring};
use serde_json::json;

use super::states;
use crate::support::Bench;

#[tokio::test]
async fn a_firing_that_was_recorded_is_started_by_the_next_process() {
    let bench = Bench::new().await;
    bench
        .activate(json!([{ "id": "t", "kind": "webhook", "secret": "hook", "overlap": "queue" }]))
        .await;
    bench.triggers().start();
    // Events of runs cannot be written: recording works, starting does not.
    bench.journal.is_broken.store(true, Ordering::SeqCst);
    let mut promised = Vec::new();
    for key in ["a", "b", "c"] {
        match bench.record(1, key).await {
            Recording::Accepted { run } => promised.push(run),
            other => panic!("{other:?}"),
        }
    }
    assert!(bench.runs().await.is_empty());
    let bench = bench.crash().await;
    assert_eq!(states(&bench.firings().await, FiringState::Pending), 3);
    bench.triggers().start();
    let started = bench.started(3).await;
    let runs: Vec<String> = started.iter().map(|firing| firing.run.clone()).collect();
    assert_eq!(runs, promised);
    for run in &runs {
        bench.ended(run).await;
    }
    assert_eq!(bench.runs().await.len(), 3);
}

#[tokio::test]
async fn a_disk_that_was_full_only_delays_a_firing() {
    let bench = Bench::new().await;
    bench
        .activate(json!([{ "id": "t", "kind": "webhook", "secret": "hook" }]))
        .await;
    bench.triggers().start();
    bench.journal.is_broken.store(true, Ordering::SeqCst);
    bench.record(1, "a").await;
    bench.journal.is_broken.store(false, Ordering::SeqCst);
    let started = bench.started(1).await;
    bench.ended(&started[0].run).await;
    assert_eq!(bench.runs().await.len(), 1);
}

#[tokio::test]
async fn a_run_that_is_there_already_is_not_started_again() {
    let bench = Bench::new().await;
    bench
        .activate(json!([{ "id": "t", "kind": "webhook", "secret": "hook" }]))
        .await;
    bench.triggers().start();
    bench.record(1, "a").await;
    let run = bench.started(1).await[0].run.clone();
    bench.ended(&run).await;
    // As if the process had ended after the run began, and before that was noted.
    let again = NewFiring {
        run: run.clone(),
        ..NewFiring::new("test", "t", 1, "as if", 0)
    };
    bench.store.record(vec![again], None).await.unwrap();
    let bench = bench.crash().await;
    bench.triggers().start();
    let started = bench.started(2).await;
    assert!(started.iter().all(|firing| firing.run == run));
    assert_eq!(bench.runs().await.len(), 1);
}
