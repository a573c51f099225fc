//! Questions, events from outside, stopping and pausing.

use baton_core::machine::{Decision, Event, Outcome};
use baton_engine::{EngineError, Signal};
use serde_json::{Value, json};

use crate::support::{Act, Bench, count, workflow};

fn asking() -> baton_core::document::Workflow {
    workflow(json!({
        "steps": [
            { "id": "ask", "kind": "approval", "with": { "to": ["lead"], "question": ["Go on?"] } },
            { "id": "yes", "kind": "act" },
            { "id": "no", "kind": "act" }
        ],
        "edges": [{ "from": "ask.approved", "to": "yes" }, { "from": "ask.rejected", "to": "no" }]
    }))
}

#[tokio::test]
async fn an_approval_is_asked_answered_and_closed() {
    let bench = Bench::new().await;
    let run = bench.start(&asking(), json!(null)).await;
    bench.status(&run, "waiting").await;
    let questions = bench.store.open_questions().await.unwrap();
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0].question["title"], "ask");
    bench
        .engine
        .decide(&run, "ask", "kim", Decision::Rejected, None, None)
        .await
        .unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(bench.script.log(), ["act no"]);
    assert!(bench.store.open_questions().await.unwrap().is_empty());
    let again = bench
        .engine
        .decide(&run, "ask", "kim", Decision::Approved, None, None)
        .await;
    assert!(
        matches!(again, Err(EngineError::AlreadyEnded(_))),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_step_that_does_not_ask_refuses_an_answer() {
    let bench = Bench::new().await;
    let run = bench.start(&asking(), json!(null)).await;
    let wrong = bench
        .engine
        .decide(&run, "yes", "kim", Decision::Approved, None, None)
        .await;
    assert!(
        matches!(wrong, Err(EngineError::Refused { .. })),
        "{wrong:?}"
    );
    let unknown = bench
        .engine
        .decide("nobody", "ask", "kim", Decision::Approved, None, None)
        .await;
    assert!(
        matches!(unknown, Err(EngineError::NotFound(_))),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_cancelled_run_stops_its_tasks_and_takes_back_what_was_done() {
    let bench = Bench::new().await;
    bench.script.on("b", [Act::Hang]);
    let long = workflow(json!({
        "steps": [
            { "id": "a", "kind": "act", "undo": { "kind": "take_back", "with": { "what": "{% output.did %}" } } },
            { "id": "b", "kind": "act" }
        ],
        "edges": [{ "from": "a", "to": "b" }]
    }));
    let run = bench.start(&long, json!(null)).await;
    while bench.script.log().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    bench
        .engine
        .cancel(&run, "kim", Some("enough".to_owned()), true)
        .await
        .unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Cancelled);
    assert_eq!(bench.script.log(), ["act a", "act b", "take_back a"]);
    assert_eq!(count(&bench.events(&run).await, "UndoSucceeded"), 1);
}

#[tokio::test]
async fn a_paused_run_starts_nothing_until_it_is_resumed() {
    let bench = Bench::new().await;
    bench.script.on("a", [Act::Hold(json!(1))]);
    let two = workflow(json!({
        "steps": [{ "id": "a", "kind": "act" }, { "id": "b", "kind": "act" }],
        "edges": [{ "from": "a", "to": "b" }]
    }));
    let run = bench.start(&two, json!(null)).await;
    while bench.script.log().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    bench.engine.pause(&run, "kim").await.unwrap();
    bench.script.let_go();
    bench
        .until(&run, |event| {
            matches!(event, Event::StepSucceeded { .. }).then_some(())
        })
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!(bench.script.log(), ["act a"]);
    bench.engine.resume(&run, "kim").await.unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}

fn listening() -> baton_core::document::Workflow {
    workflow(json!({
        "steps": [
            { "id": "first", "kind": "approval", "with": { "to": ["lead"] } },
            { "id": "paid", "kind": "wait_for", "with": { "event": "payment", "key": "{% input.order %}" } },
            { "id": "ship", "kind": "act", "with": { "amount": "{% steps.paid.payload.amount %}" } }
        ],
        "edges": [{ "from": "first.approved", "to": "paid" }, { "from": "paid.received", "to": "ship" }]
    }))
}

fn payment(key: Value) -> Signal {
    Signal {
        id: uuid_like(&key),
        event: "payment".to_owned(),
        key,
        payload: json!({ "amount": 7 }),
        run: None,
    }
}

fn uuid_like(key: &Value) -> String {
    format!("signal-{key}")
}

#[tokio::test]
async fn an_event_reaches_the_run_that_waits_for_its_key() {
    let bench = Bench::new().await;
    let mut runs = Vec::new();
    for order in [1, 2] {
        let run = bench.start(&listening(), json!({ "order": order })).await;
        bench
            .engine
            .decide(&run, "first", "kim", Decision::Approved, None, None)
            .await
            .unwrap();
        bench
            .until(&run, |event| {
                matches!(event, Event::EventAwaited { .. }).then_some(())
            })
            .await;
        runs.push(run);
    }
    assert_eq!(bench.engine.signal(payment(json!(3))).await.unwrap(), 0);
    assert_eq!(bench.engine.signal(payment(json!(2))).await.unwrap(), 1);
    assert_eq!(bench.ended(&runs[1]).await.outcome, Outcome::Succeeded);
    assert_eq!(bench.script.log(), ["act ship"]);
    // It leaves the hands of the engine a moment after its last event.
    while bench.engine.live() != [runs[0].clone()] {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_event_that_comes_early_is_kept_and_counts_once() {
    let bench = Bench::new().await;
    let run = bench.start(&listening(), json!({ "order": 1 })).await;
    assert_eq!(bench.engine.signal(payment(json!(1))).await.unwrap(), 1);
    bench.engine.signal(payment(json!(1))).await.unwrap();
    bench
        .engine
        .decide(&run, "first", "kim", Decision::Approved, None, None)
        .await
        .unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(count(&bench.events(&run).await, "EventReceived"), 1);
}
