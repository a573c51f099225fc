//! A data folder that does not take what it is given.

use std::sync::atomic::Ordering;

use baton_core::machine::{Decision, Outcome};
use baton_engine::{EngineError, EngineNotice, NewRun};
use serde_json::json;

use crate::support::{Bench, workflow};

#[tokio::test]
async fn a_run_that_cannot_be_written_stands_still_and_goes_on_once_it_can() {
    let bench = Bench::new().await;
    let ask = workflow(json!({
        "steps": [{ "id": "ask", "kind": "approval", "with": { "to": ["lead"] } }, { "id": "go", "kind": "act" }],
        "edges": [{ "from": "ask.approved", "to": "go" }]
    }));
    let run = bench.start(&ask, json!(null)).await;
    bench.status(&run, "waiting").await;
    let mut notices = bench.engine.subscribe();
    bench.journal.is_broken.store(true, Ordering::SeqCst);
    let answer = bench
        .engine
        .decide(&run, "ask", "kim", Decision::Approved, None, None)
        .await;
    assert!(
        matches!(answer, Err(EngineError::Stalled { .. })),
        "{answer:?}"
    );
    let EngineNotice::Stalled { row } = notices.recv().await.unwrap() else {
        panic!("it says so")
    };
    assert!(
        row.waiting_for[0].contains("no space is left"),
        "{:?}",
        row.waiting_for
    );
    assert!(bench.engine.stalled(&run).is_some());
    let other = bench.engine.pause(&run, "kim").await;
    assert!(
        matches!(other, Err(EngineError::Stalled { .. })),
        "nobody is kept waiting: {other:?}"
    );
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert!(
        bench.script.log().is_empty(),
        "nothing that is not durable is acted on"
    );
    bench.journal.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(bench.script.log(), ["act go"]);
}

#[tokio::test]
async fn a_run_that_cannot_even_begin_is_refused_and_leaves_nothing() {
    let bench = Bench::new().await;
    bench.journal.is_broken.store(true, Ordering::SeqCst);
    let new = NewRun {
        workflow: workflow(json!({ "steps": [{ "id": "a", "kind": "act" }] })).into(),
        path: None,
        work_dir: bench.work_dir(),
        input: json!(null),
        by: None,
    };
    let refused = bench.engine.run(new).await;
    assert!(matches!(refused, Err(EngineError::Store(_))), "{refused:?}");
    assert!(bench.engine.live().is_empty());
    assert!(bench.script.log().is_empty());
}

#[tokio::test]
async fn a_workflow_with_problems_is_refused() {
    let bench = Bench::new().await;
    let new = NewRun {
        workflow: workflow(json!({ "steps": [{ "id": "a", "kind": "no_such_kind" }] })).into(),
        path: None,
        work_dir: bench.work_dir(),
        input: json!(null),
        by: None,
    };
    let Err(EngineError::Invalid(problems)) = bench.engine.run(new).await else {
        panic!("refused")
    };
    assert_eq!(problems[0].place.step.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_run_that_cannot_be_taken_up_again_says_why() {
    let bench = Bench::new().await;
    let ask = workflow(
        json!({ "steps": [{ "id": "ask", "kind": "approval", "with": { "to": ["lead"] } }] }),
    );
    let run = bench.start(&ask, json!(null)).await;
    bench.status(&run, "waiting").await;
    let mut row = bench.store.run(&run).await.unwrap().unwrap();
    bench.engine.close().await;
    // As if a run had been made by a build that knows other definitions.
    let foreign = "00000000-0000-7000-8000-000000000000".to_owned();
    let mut events = bench.events(&run).await;
    row.id.clone_from(&foreign);
    row.digest = "unknown".to_owned();
    if let baton_core::machine::Event::RunStarted { run, .. } = &mut events[0].event {
        run.clone_from(&foreign);
    }
    let append = baton_store::Append {
        run: foreign.clone(),
        expected_seq: 0,
        events,
        summary: row,
        questions: baton_store::QuestionChanges::default(),
        waits: baton_store::WaitChanges::default(),
    };
    bench.store.append(append).await.unwrap();
    let bench = bench.crash().await;
    let waits = bench.engine.look(&run, |state, _, _| state.waiting_for());
    assert_eq!(waits.await.unwrap().len(), 1);
    assert!(bench.engine.stalled(&foreign).unwrap().contains("missing"));
    let refused = bench.engine.cancel(&foreign, "kim", None, false).await;
    assert!(
        matches!(refused, Err(EngineError::Refused { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_closed_engine_takes_nothing_new() {
    let bench = Bench::new().await;
    bench.engine.close().await;
    let new = NewRun {
        workflow: workflow(json!({ "steps": [{ "id": "a", "kind": "act" }] })).into(),
        path: None,
        work_dir: bench.work_dir(),
        input: json!(null),
        by: None,
    };
    assert!(matches!(
        bench.engine.run(new).await,
        Err(EngineError::Closing)
    ));
}
