//! Budgets of a run and places of the engine: what stops, what waits, and that the rest goes on.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use baton_core::document;
use baton_core::machine::{Allowance, Budget, Event, Outcome};
use baton_engine::{EngineNotice, ResourceLimit, WorkLimits};
use serde_json::json;

use crate::support::{Act, Bench, count, workflow};

fn endless() -> document::Workflow {
    workflow(json!({ "id": "endless", "steps": [
        { "id": "again", "kind": "repeat", "with": { "until": "false", "max": 100_000_000 },
          "body": { "steps": [{ "id": "pass", "kind": "merge" }], "edges": [] } }] }))
}

#[tokio::test]
async fn an_endless_loop_stands_still_while_other_runs_go_on() {
    let bench = Bench::set_up(|config| config.budgets.iterations = Some(4_000)).await;
    let run = bench.start(&endless(), json!(null)).await;
    let other = workflow(json!({ "steps": [{ "id": "work", "kind": "act" }] }));
    for _ in 0..5 {
        let ended = bench.run(&other, json!(null)).await;
        assert_eq!(ended.outcome, Outcome::Succeeded);
    }
    bench.status(&run, "paused").await;
    let events = bench.events(&run).await;
    assert_eq!(count(&events, "IterationStarted"), 4_000);
    let row = bench.store.run(&run).await.unwrap().unwrap();
    assert_eq!(
        row.waiting_for,
        ["a person to allow more: a loop at `again` needs 4,001 iterations, and 4,000 are allowed"]
    );
    bench
        .engine
        .raise(&run, Budget::Iterations, 4_010, "kim")
        .await
        .unwrap();
    bench
        .until(&run, |event| match event {
            Event::BudgetExceeded(what) if what.limit == 4_010 => Some(()),
            _ => None,
        })
        .await;
    assert_eq!(count(&bench.events(&run).await, "IterationStarted"), 4_010);
    bench.engine.cancel(&run, "kim", None, false).await.unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn a_list_of_a_million_items_is_stopped_within_a_second() {
    let bench = Bench::new().await;
    let each = workflow(json!({ "steps": [
        { "id": "each", "kind": "for_each", "with": { "items": "{% input.list %}", "concurrency": 64 },
          "body": { "steps": [{ "id": "one", "kind": "act" }], "edges": [] } }] }));
    let began = Instant::now();
    let list: Vec<u8> = vec![1; 1_000_000];
    let run = bench.start(&each, json!({ "list": list })).await;
    bench.status(&run, "paused").await;
    assert!(bench.script.log().is_empty());
    assert_eq!(bench.events(&run).await.len(), 2);
    not_for_ever(began.elapsed());
}

/// The time on a busy machine says little; a minute would say that something is wrong.
fn not_for_ever(took: Duration) {
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[tokio::test]
async fn a_budget_survives_an_interruption_and_a_raise_is_on_the_record() {
    let bench = Bench::set_up(|config| config.budgets.steps = Some(1)).await;
    let two = workflow(
        json!({ "steps": [{ "id": "a", "kind": "act" }, { "id": "b", "kind": "act" }],
        "edges": [{ "from": "a", "to": "b" }] }),
    );
    let run = bench.start(&two, json!(null)).await;
    bench.status(&run, "paused").await;
    // The next engine has other settings: the run keeps those that it began with.
    let bench = bench.crash().await;
    let limit = bench
        .engine
        .look(&run, |run, _, _| run.allowed(Budget::Steps))
        .await
        .unwrap();
    assert_eq!(limit, Some(1));
    let refused = bench.engine.raise(&run, Budget::Steps, 1, "kim").await;
    assert!(refused.is_err(), "{refused:?}");
    bench
        .engine
        .raise(&run, Budget::Steps, 2, "kim")
        .await
        .unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(bench.script.log(), ["act a", "act b"]);
    let by = bench
        .until(&run, |event| match event {
            Event::BudgetRaised { by, limit: 2, .. } => Some(by.clone()),
            _ => None,
        })
        .await;
    assert_eq!(by, "kim");
}

#[tokio::test]
async fn what_the_file_says_comes_before_the_settings() {
    let bench = Bench::set_up(|config| {
        config.budgets = Allowance {
            steps: Some(1),
            memory: Some(77),
            ..Allowance::default()
        };
    })
    .await;
    let ask = workflow(json!({ "limits": { "steps": 9 },
        "steps": [{ "id": "ask", "kind": "approval", "with": { "to": ["lead"] } }] }));
    let run = bench.start(&ask, json!(null)).await;
    let allowed = async |budget| {
        let look = bench.engine.look(&run, |run, _, _| run.allowed(budget));
        look.await.unwrap()
    };
    assert_eq!(allowed(Budget::Steps).await, Some(9));
    assert_eq!(allowed(Budget::Memory).await, Some(77));
}

#[tokio::test]
async fn a_workflow_that_calls_itself_stands_still_at_the_bottom() {
    let bench = Bench::new().await;
    let itself = workflow(json!({ "id": "itself", "limits": { "depth": 3 }, "steps": [
        { "id": "call", "kind": "workflow", "with": { "workflow": "itself" } }] }));
    std::fs::write(
        bench.work_dir().join("itself.baton.json"),
        document::print(&itself),
    )
    .unwrap();
    let mut run = bench.start(&itself, json!(null)).await;
    for depth in 1..=3 {
        for _ in 0..2_000 {
            if let Some(child) = bench.store.children(&run).await.unwrap().first() {
                run.clone_from(&child.id);
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let found = bench
            .engine
            .look(&run, |run, _, _| run.started().map(|started| started.depth))
            .await;
        assert_eq!(found, Some(Some(depth)));
    }
    bench.status(&run, "paused").await;
    bench
        .engine
        .raise(&run, Budget::Depth, 4, "kim")
        .await
        .unwrap();
    bench.status(&run, "waiting").await;
    for _ in 0..2_000 {
        if let Some(child) = bench.store.children(&run).await.unwrap().first() {
            let id = child.id.clone();
            bench.status(&id, "paused").await;
            let allowed = bench
                .engine
                .look(&id, |run, _, _| run.allowed(Budget::Depth))
                .await;
            assert_eq!(allowed, Some(Some(4)), "what was allowed goes down with it");
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not go deeper");
}

#[tokio::test]
async fn steps_wait_for_a_place_of_their_kind_and_say_so() {
    let bench = Bench::set_up(|config| {
        config.work = WorkLimits {
            concurrency: 50,
            kinds: [("act".to_owned(), 2)].into(),
            resources: [(
                "erp".to_owned(),
                ResourceLimit {
                    parallel: Some(1),
                    rate: None,
                },
            )]
            .into(),
        };
    })
    .await;
    let mut notices = bench.engine.subscribe();
    bench.script.on("one", [Act::Hold(json!(1))]);
    let each = workflow(json!({ "steps": [
        { "id": "each", "kind": "for_each", "with": { "items": "{% [1..6] %}", "concurrency": 6 },
          "body": { "steps": [{ "id": "one", "kind": "act" }], "edges": [] } },
        { "id": "x", "kind": "once", "resource": "erp" }, { "id": "y", "kind": "once", "resource": "erp" }] }));
    bench.script.on("x", [Act::Hold(json!(1))]);
    bench.script.on("y", [Act::Hold(json!(1))]);
    let run = bench.start(&each, json!(null)).await;
    let mut waits = Vec::new();
    while waits.len() < 2 {
        if let EngineNotice::Waits { row } = notices.recv().await.unwrap() {
            waits = row.waiting_for.clone();
        }
    }
    waits = bench.engine.waits_for(&run);
    assert_eq!(waits[0], "a place: act, 2 at a time (4 steps)");
    assert!(
        waits[1].starts_with("a place: resource `erp`, 1 at a time (`"),
        "{waits:?}"
    );
    let mut limits = bench.engine.work_limits();
    limits.kinds.clear();
    bench.engine.set_work_limits(limits);
    while bench.engine.waits_for(&run).len() > 1 {
        bench.script.let_go();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..2_000 {
        bench.script.let_go();
        if bench
            .store
            .run(&run)
            .await
            .unwrap()
            .unwrap()
            .ended_at
            .is_some()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert!(bench.script.most.load(Ordering::SeqCst) <= 8);
}
