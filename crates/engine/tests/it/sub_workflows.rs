//! Workflows that run others.

use baton_core::document::{self, Workflow};
use baton_core::machine::{Decision, Outcome};
use baton_store::{NewRevision, RevisionRow};
use serde_json::json;

use crate::support::{Act, Bench, workflow};

fn parent(of: &str) -> Workflow {
    workflow(json!({
        "id": "parent",
        "steps": [
            { "id": "sub", "kind": "workflow", "with": { "workflow": of, "input": { "n": 4 } } },
            { "id": "after", "kind": "act", "with": { "got": "{% steps.sub.outputs.double %}" } }
        ],
        "edges": [{ "from": "sub", "to": "after" }]
    }))
}

fn child() -> Workflow {
    workflow(json!({
        "id": "child",
        "steps": [
            { "id": "work", "kind": "act" },
            { "id": "end", "kind": "end", "with": { "outcome": "doubled", "output": { "double": "{% input.n * 2 %}" } } }
        ],
        "edges": [{ "from": "work", "to": "end" }]
    }))
}

fn put(bench: &Bench, name: &str, workflow: &Workflow) {
    std::fs::write(bench.work_dir().join(name), document::print(workflow)).unwrap();
}

#[tokio::test]
async fn a_sub_workflow_runs_beside_the_file_and_hands_back_its_outputs() {
    let bench = Bench::new().await;
    put(&bench, "child.baton.json", &child());
    for name in ["child.baton.json", "child"] {
        let ended = bench.run(&parent(name), json!(null)).await;
        assert_eq!(ended.outcome, Outcome::Succeeded, "{:?}", ended.error);
        let children = bench.store.children(&ended.run).await.unwrap();
        assert_eq!(children.len(), 1);
        assert_eq!(children[0].outcome.as_deref(), Some("doubled"));
    }
    assert_eq!(
        bench.script.log(),
        ["act work", "act after", "act work", "act after"]
    );
}

#[tokio::test]
async fn a_version_that_ran_before_is_found_by_its_digest() {
    let bench = Bench::new().await;
    let mut pinned = parent("child");
    let first = bench.run(&child(), json!({ "n": 1 })).await;
    let digest = bench.store.run(&first.run).await.unwrap().unwrap().digest;
    pinned.steps[0]
        .with
        .insert("version".to_owned(), json!(digest));
    assert_eq!(
        bench.run(&pinned, json!(null)).await.outcome,
        Outcome::Succeeded
    );
}

#[tokio::test]
async fn a_sub_workflow_that_was_pushed_is_found_by_its_id_in_its_last_revision() {
    let bench = Bench::new().await;
    // A run of an older version does not count.
    let mut older = child();
    older.steps[1].with.insert("outcome".into(), json!("older"));
    bench.run(&older, json!({ "n": 1 })).await;
    for (base, outcome) in [(0, "first"), (1, "second")] {
        let mut pushed = child();
        pushed.steps[1]
            .with
            .insert("outcome".into(), json!(outcome));
        let row = RevisionRow {
            workflow: "child".to_owned(),
            revision: base + 1,
            name: "child".to_owned(),
            digest: document::digest(&pushed),
            layout: "{}".to_owned(),
            pushed_by: "eve".to_owned(),
            pushed_at: 0,
        };
        let text = document::print(&pushed);
        let new = NewRevision { base, row, text };
        assert_eq!(bench.store.revision_put(new).await.unwrap(), Some(base + 1));
        let ended = bench.run(&parent("child"), json!(null)).await;
        assert_eq!(ended.outcome, Outcome::Succeeded, "{:?}", ended.error);
        let children = bench.store.children(&ended.run).await.unwrap();
        assert_eq!(children[0].outcome.as_deref(), Some(outcome));
    }
}

#[tokio::test]
async fn a_missing_sub_workflow_fails_its_step_and_says_where_it_was_looked_for() {
    let bench = Bench::new().await;
    let error = bench
        .run(&parent("nowhere"), json!(null))
        .await
        .error
        .unwrap();
    assert_eq!(error.code, "sub-workflow");
    let cause = &error.details.unwrap()["error"];
    assert_eq!(cause["code"], "workflow-not-found");
    assert!(
        cause["hint"]
            .as_str()
            .unwrap()
            .contains("nowhere.baton.json")
    );
}

#[tokio::test]
async fn a_workflow_that_calls_itself_for_ever_is_stopped() {
    let bench = Bench::new().await;
    put(&bench, "parent.baton.json", &parent("parent"));
    let first = bench.start(&parent("parent"), json!(null)).await;
    let mut run = first.clone();
    for below in 1..=32 {
        let mut children = Vec::new();
        for _ in 0..2_000 {
            children = bench.store.children(&run).await.unwrap();
            if !children.is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(children.len(), 1, "run {below} below the first");
        run.clone_from(&children[0].id);
    }
    bench.status(&run, "paused").await;
    bench
        .engine
        .cancel(&first, "kim", None, false)
        .await
        .unwrap();
    assert_eq!(bench.ended(&first).await.outcome, Outcome::Cancelled);
    let (_, total) = bench
        .store
        .runs(baton_store::RunFilter {
            limit: 1,
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(total, 33, "the first one and 32 below");
}

#[tokio::test]
async fn stopping_the_parent_stops_the_child() {
    let bench = Bench::new().await;
    put(&bench, "child.baton.json", &child());
    bench.script.on("work", [Act::Hang]);
    let run = bench.start(&parent("child"), json!(null)).await;
    while bench.script.log().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    bench.engine.cancel(&run, "kim", None, false).await.unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Cancelled);
    let children = bench.store.children(&run).await.unwrap();
    assert_eq!(
        bench.ended(&children[0].id).await.outcome,
        Outcome::Cancelled
    );
}

#[tokio::test]
async fn parent_and_child_both_go_on_after_an_interruption() {
    let bench = Bench::new().await;
    let mut asking = child();
    asking.steps[0].kind = "approval".to_owned();
    asking.steps[0]
        .with
        .insert("to".to_owned(), json!(["lead"]));
    asking.edges[0].from = "work.approved".to_owned();
    put(&bench, "child.baton.json", &asking);
    let run = bench.start(&parent("child"), json!(null)).await;
    let child = loop {
        if let Some(child) = bench.store.children(&run).await.unwrap().pop() {
            break child.id;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    };
    bench.status(&child, "waiting").await;
    let bench = bench.crash().await;
    bench
        .engine
        .decide(&child, "work", "kim", Decision::Approved, None, None)
        .await
        .unwrap();
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    assert_eq!(
        bench.store.children(&run).await.unwrap().len(),
        1,
        "the child is not begun twice"
    );
}
