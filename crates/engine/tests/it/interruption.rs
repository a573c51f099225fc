//! What is left when Baton stops in the middle, and how it goes on.

use baton_core::machine::{Decision, Event, Outcome, Settlement};
use serde_json::json;

use crate::support::{Act, Bench, count, workflow};

fn chain(kind: &str) -> baton_core::document::Workflow {
    workflow(json!({
        "steps": [
            { "id": "a", "kind": "act" },
            { "id": "b", "kind": kind },
            { "id": "c", "kind": "act" }
        ],
        "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "c" }]
    }))
}

async fn until_logged(bench: &Bench, lines: usize) {
    while bench.script.log().len() < lines {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn an_interrupted_step_that_may_be_repeated_goes_on_by_itself() {
    let bench = Bench::new().await;
    bench
        .script
        .on("b", [Act::Hold(json!(1)), Act::Give(json!(2))]);
    let run = bench.start(&chain("act"), json!(null)).await;
    until_logged(&bench, 2).await;
    let before = bench.events(&run).await;
    let bench = bench.crash().await;
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(
        bench.script.log(),
        ["act a", "act b", "act b", "act c"],
        "`a` is not repeated"
    );
    let after = bench.events(&run).await;
    assert_eq!(
        after[..before.len()],
        before[..],
        "nothing that was durable is lost"
    );
    let keys: Vec<_> = after
        .iter()
        .filter_map(|logged| match &logged.event {
            Event::StepStarted { step, key, .. } if step == "b" => key.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(
        keys.len(),
        1,
        "the attempt goes on with the key it began with"
    );
    assert_eq!(count(&after, "StepResumed"), 1);
}

#[tokio::test]
async fn an_interrupted_step_that_must_not_be_repeated_asks_a_person() {
    let bench = Bench::new().await;
    bench.script.on("b", [Act::Hold(json!(1))]);
    let run = bench.start(&chain("once"), json!(null)).await;
    until_logged(&bench, 2).await;
    let bench = bench.crash().await;
    bench.status(&run, "waiting").await;
    let questions = bench.store.open_questions().await.unwrap();
    assert!(questions[0].is_outcome);
    let done = Settlement::Done {
        output: json!("seen in the other system"),
    };
    bench.engine.settle(&run, "b", "kim", done).await.unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(bench.script.log(), ["act a", "once b", "act c"]);
    assert!(bench.store.open_questions().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_question_survives_and_can_be_answered_later() {
    let bench = Bench::new().await;
    let ask = workflow(json!({
        "steps": [{ "id": "ask", "kind": "approval", "with": { "to": ["lead"] } }, { "id": "go", "kind": "act" }],
        "edges": [{ "from": "ask.approved", "to": "go" }]
    }));
    let run = bench.start(&ask, json!(null)).await;
    bench.status(&run, "waiting").await;
    let bench = bench.crash().await;
    assert_eq!(bench.store.open_questions().await.unwrap().len(), 1);
    bench
        .engine
        .decide(&run, "ask", "kim", Decision::Approved, None, None)
        .await
        .unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn a_time_that_came_while_baton_was_off_is_noticed_at_once() {
    let bench = Bench::new().await;
    let wait =
        workflow(json!({ "steps": [{ "id": "w", "kind": "wait", "with": { "for": "1h" } }] }));
    let run = bench.start(&wait, json!(null)).await;
    bench.status(&run, "waiting").await;
    bench.clock.advance(5 * 3_600_000);
    bench.engine.close().await;
    let bench = bench.crash().await;
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}
