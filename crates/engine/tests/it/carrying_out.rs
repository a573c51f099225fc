//! Order, branches, repetition and time.

use std::sync::atomic::Ordering;

use baton_core::machine::{Event, Outcome};
use serde_json::json;

use crate::support::{Act, Bench, count, workflow};

#[tokio::test]
async fn a_chain_runs_in_order_and_hands_values_on() {
    let bench = Bench::new().await;
    let chain = workflow(json!({
        "steps": [
            { "id": "a", "kind": "set_values", "with": { "values": { "n": "{% input.n + 1 %}" } } },
            { "id": "b", "kind": "act", "with": { "n": "{% steps.a.n * 10 %}" } },
            { "id": "c", "kind": "set_values", "with": { "values": { "n": "{% steps.b.with.n + 1 %}" } } },
            { "id": "end", "kind": "end", "with": { "outcome": "fine", "output": { "n": "{% steps.c.n %}" } } }
        ],
        "edges": [
            { "from": "a", "to": "b" }, { "from": "b", "to": "c" }, { "from": "c", "to": "end" }
        ]
    }));
    let ended = bench.run(&chain, json!({ "n": 1 })).await;
    assert_eq!(
        (ended.outcome, ended.name.as_deref()),
        (Outcome::Succeeded, Some("fine"))
    );
    assert_eq!(ended.outputs, json!({ "n": 21 }));
    let row = bench.store.run(&ended.run).await.unwrap().unwrap();
    assert_eq!(
        (row.status.as_str(), row.steps_done, row.steps_total),
        ("succeeded", 4, 4)
    );
    assert!(bench.engine.live().is_empty());
}

#[tokio::test]
async fn a_task_acts_only_after_its_start_is_durable() {
    let bench = Bench::new().await;
    bench.script.on("a", [Act::Hold(json!(1))]);
    let one = workflow(json!({ "steps": [{ "id": "a", "kind": "act" }] }));
    let run = bench.start(&one, json!(null)).await;
    while bench.script.log().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(count(&bench.events(&run).await, "StepStarted"), 1);
    bench.script.let_go();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn branches_run_at_the_same_time_up_to_the_limit() {
    let bench = Bench::new().await;
    let steps: Vec<_> = (0..20)
        .map(|n| json!({ "id": format!("s{n}"), "kind": "act" }))
        .collect();
    for n in 0..20 {
        bench.script.on(&format!("s{n}"), [Act::Hold(json!(n))]);
    }
    let run = bench
        .start(&workflow(json!({ "steps": steps })), json!(null))
        .await;
    let release = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            bench.script.let_go();
        }
    };
    let ended = tokio::select! {
        ended = bench.ended(&run) => ended,
        () = release => unreachable!("it never ends"),
    };
    assert_eq!(ended.outcome, Outcome::Succeeded);
    assert_eq!(bench.script.most.load(Ordering::SeqCst), 8);
    assert_eq!(bench.script.log().len(), 20);
}

#[tokio::test]
async fn a_failed_attempt_is_repeated_when_its_time_has_come() {
    let bench = Bench::new().await;
    bench.script.on(
        "a",
        [
            Act::Fail("flaky"),
            Act::Fail("flaky"),
            Act::Give(json!("at last")),
        ],
    );
    let retry = workflow(json!({
        "steps": [{ "id": "a", "kind": "act", "retry": { "attempts": 5, "first": "10s", "factor": 2 } }]
    }));
    let run = bench.start(&retry, json!(null)).await;
    let due = |attempt: u32| {
        move |event: &Event| match event {
            Event::StepAttemptFailed {
                attempt: at,
                retry_at,
                ..
            } if *at == attempt => *retry_at,
            _ => None,
        }
    };
    let first = bench.until(&run, due(1)).await;
    assert_eq!(first, crate::support::START + 10_000);
    bench.status(&run, "waiting").await;
    bench.clock.advance(9_999);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!(bench.script.log().len(), 1, "not before its time");
    bench.clock.advance(1);
    let second = bench.until(&run, due(2)).await;
    assert_eq!(second, first + 20_000);
    bench.clock.advance(20_000);
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(bench.script.log().len(), 3);
}

#[tokio::test]
async fn a_person_need_not_wait_for_the_next_attempt() {
    let bench = Bench::new().await;
    bench
        .script
        .on("a", [Act::Fail("flaky"), Act::Give(json!(1))]);
    let retry = workflow(json!({
        "steps": [{ "id": "a", "kind": "act", "retry": { "attempts": 2, "first": "1d" } }]
    }));
    let run = bench.start(&retry, json!(null)).await;
    bench.status(&run, "waiting").await;
    bench.engine.retry_now(&run, "a", "kim").await.unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_stopped_and_fails() {
    let bench = Bench::new().await;
    bench.script.on("a", [Act::Hang]);
    let slow = workflow(json!({ "steps": [{ "id": "a", "kind": "act", "timeout": "5s" }] }));
    let run = bench.start(&slow, json!(null)).await;
    while bench.script.log().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    // The attempt looks at the clock once it runs.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    bench.clock.advance(5_000);
    let ended = bench.ended(&run).await;
    assert_eq!(ended.outcome, Outcome::Failed);
    assert_eq!(ended.error.unwrap().code, "timeout");
}

#[tokio::test]
async fn an_error_edge_takes_over() {
    let bench = Bench::new().await;
    bench.script.on("a", [Act::Fail("broken")]);
    let handled = workflow(json!({
        "steps": [
            { "id": "a", "kind": "act" },
            { "id": "b", "kind": "act" },
            { "id": "c", "kind": "act", "with": { "why": "{% error.code %}" } }
        ],
        "edges": [{ "from": "a", "to": "b" }, { "from": "a", "to": "c", "on": "error" }]
    }));
    let ended = bench.run(&handled, json!(null)).await;
    assert_eq!(ended.outcome, Outcome::Succeeded);
    assert_eq!(bench.script.log(), ["act a", "act c"]);
    let events = bench.events(&ended.run).await;
    let with = events.iter().find_map(|logged| match &logged.event {
        Event::StepStarted { step, with, .. } if step == "c" => Some(with.clone()),
        _ => None,
    });
    assert_eq!(with.unwrap()["why"], "broken");
}

#[tokio::test]
async fn a_loop_keeps_to_its_concurrency() {
    let bench = Bench::new().await;
    let each = workflow(json!({
        "steps": [{
            "id": "each", "kind": "for_each",
            "with": { "items": "{% input.items %}", "concurrency": 3 },
            "body": { "steps": [{ "id": "work", "kind": "act", "with": { "n": "{% item %}" } }], "edges": [] }
        }]
    }));
    let items: Vec<u32> = (0..25).collect();
    let ended = bench.run(&each, json!({ "items": items })).await;
    assert_eq!(ended.outcome, Outcome::Succeeded);
    assert!(bench.script.most.load(Ordering::SeqCst) <= 3);
    let mut done = bench.script.log();
    done.sort();
    done.dedup();
    assert_eq!(done.len(), 25);
}

#[tokio::test]
async fn a_wait_ends_at_its_instant() {
    let bench = Bench::new().await;
    let wait =
        workflow(json!({ "steps": [{ "id": "w", "kind": "wait", "with": { "for": "2h" } }] }));
    let run = bench.start(&wait, json!(null)).await;
    bench.status(&run, "waiting").await;
    bench.clock.advance(2 * 3_600_000);
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn a_large_output_is_kept_beside_the_log_and_given_back() {
    let bench = Bench::new().await;
    let text = "x".repeat(100_000);
    bench.script.on("a", [Act::Give(json!({ "text": text }))]);
    let large = workflow(json!({
        "steps": [
            { "id": "a", "kind": "act" },
            { "id": "b", "kind": "act", "with": { "all": "{% steps.a %}" } }
        ],
        "edges": [{ "from": "a", "to": "b" }]
    }));
    let ended = bench.run(&large, json!(null)).await;
    assert_eq!(ended.outcome, Outcome::Succeeded);
    let events = bench.events(&ended.run).await;
    let outputs: Vec<_> = events
        .iter()
        .filter_map(|logged| match &logged.event {
            Event::StepSucceeded { output, .. } => Some(output.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(outputs[0]["$type"], "blob");
    assert_eq!(
        outputs[1]["$type"], "blob",
        "the second step was given the whole value"
    );
    assert!(serde_json::to_string(&events).unwrap().len() < 10_000);
}

#[tokio::test]
async fn a_defect_in_a_step_fails_the_step_and_not_the_engine() {
    let bench = Bench::new().await;
    bench.script.on("a", [Act::Panic]);
    let one = workflow(json!({ "steps": [{ "id": "a", "kind": "act" }] }));
    let ended = bench.run(&one, json!(null)).await;
    assert_eq!(ended.error.unwrap().code, "defect");
}
