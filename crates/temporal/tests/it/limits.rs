//! What is larger or longer than a cluster carries: it travels by reference, goes on in parts, or is a readable error.
//! None of it ends a run from outside or lets it hang.

use std::sync::Arc;

use baton_core::error::StepError;
use baton_core::machine::{Phase, Run, Task};
use baton_core::step_kind::Catalog;
use baton_steps::{TaskContext, TaskOutput};
use baton_temporal::tasks::Tasks;
use baton_temporal::wire::Settings;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::bench::{Bench, phase, status, with_tasks};
use crate::cluster::{InProcess, Server};
use crate::conformance::assert_same_as_worker;
use crate::generate;

/// Tasks that give what their `with.gives` says.
#[derive(Debug)]
struct Heavy(Catalog);

impl Tasks for Heavy {
    fn catalog(&self) -> &Catalog {
        &self.0
    }

    fn execute<'a>(
        &'a self,
        task: &'a Task,
        _: &'a TaskContext,
    ) -> BoxFuture<'a, Result<TaskOutput, StepError>> {
        const MEGABYTE: usize = 1_000_000;
        let mut output = TaskOutput::new(json!({ "n": task.with.get("n") }));
        match task.with.get("gives").and_then(Value::as_str) {
            Some("output") => output.output = json!("x".repeat(3 * MEGABYTE)),
            Some("lines") => {
                let line = || ("info".to_owned(), "x".repeat(MEGABYTE / 100));
                output.logs = std::iter::repeat_with(line).take(400).collect();
            }
            Some("port") => output.port = Some("x".repeat(3 * MEGABYTE)),
            _ => {}
        }
        Box::pin(async { Ok(output) })
    }

    fn execute_inline(&self, _: &Task) -> Option<Result<TaskOutput, StepError>> {
        None
    }
}

async fn heavy(server: &Server, queue: &str) -> Bench {
    with_tasks(server, queue, Arc::new(Heavy(generate::catalog()))).await
}

fn send(id: &str, gives: &str) -> Value {
    json!({ "id": id, "kind": "send", "with": { "gives": gives } })
}

fn edge(from: &str, to: &str) -> Value {
    json!({ "from": from, "to": to })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_beyond_the_limit_is_an_error_of_its_step_and_the_run_takes_back() {
    let server = Server::in_memory();
    let bench = heavy(&server, "answer").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let mut first = send("first", "");
    first["undo"] = json!({ "kind": "send", "with": {} });
    let body = json!({
        "steps": [first, send("output", "output"), send("lines", "lines"), send("port", "port")],
        "edges": [edge("first", "output"), edge("output", "lines"), edge("lines", "port")] });
    bench.start("answer", &body, Settings::default()).await;
    let fold = bench.end("answer").await;
    let run = fold.host().unwrap().run();
    let more = |step: &str| run.step(step).unwrap().more().unwrap().clone();
    // 3 MB of output travel by reference, 4 MB of lines are cut and it is said.
    let output = more("output").output.unwrap();
    assert_eq!(
        (&output["$type"], &output["bytes"]),
        (&json!("blob"), &json!(3_000_002))
    );
    assert_eq!(phase(run, "lines"), Some(Phase::Succeeded));
    let log = serde_json::to_string(fold.host().unwrap().log()).unwrap();
    assert!(log.contains("374 more lines are left out"), "{}", log.len());
    // What nobody can carry is an error with the limit in it, after one attempt.
    let port = run.step("port").unwrap();
    let error = more("port").error.unwrap();
    assert_eq!(
        (error.code.as_str(), port.state.attempt),
        ("payload-limit", 1)
    );
    assert!(error.message.contains("2 MB"), "{error:?}");
    assert!(error.hint.is_some_and(|hint| !hint.is_empty()));
    assert_eq!(status(&fold), "failed");
    assert_eq!(format!("{:?}", more("first").undo), "Some(Succeeded)");
    assert_same_as_worker(&bench.cluster, "answer", &fold).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_cannot_be_kept_is_an_error_of_its_step() {
    let server = Server::in_memory();
    let bench = heavy(&server, "kept").await;
    // No folder can be made where a file is.
    std::fs::write(bench.dir.path().join("blobs"), "a file").unwrap();
    let worker = InProcess::begin(&bench.cluster).await;
    let body =
        json!({ "steps": [send("output", "output"), send("rest", "")], "onFailure": "finish" });
    bench.start("kept", &body, Settings::default()).await;
    let fold = bench.end("kept").await;
    let run = fold.host().unwrap().run();
    let error = run
        .step("output")
        .unwrap()
        .more()
        .unwrap()
        .error
        .clone()
        .unwrap();
    assert_eq!(error.code, "output-not-kept", "{error:?}");
    assert!(error.hint.unwrap().contains("--blobs"));
    assert_eq!(phase(run, "rest"), Some(Phase::Succeeded));
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sub_workflow_takes_and_gives_may_be_large_or_is_refused() {
    let server = Server::in_memory();
    let bench = heavy(&server, "family").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let output = json!({ "much": "{% $pad('x', 2500000) %}" });
    let end =
        json!({ "id": "end", "kind": "end", "with": { "outcome": "fine", "output": output } });
    bench.file("gives", &json!({ "steps": [end] }));
    let inner = |id: &str, workflow: &str, input: Value| json!({ "id": id, "kind": "workflow", "with": { "workflow": workflow, "input": input } });
    let body = json!({ "onFailure": "finish", "steps": [
        inner("gives", "gives", json!({})),
        inner("takes", "gives", json!({ "much": "{% $pad('x', 1500000) %}" })) ] });
    bench.start("takes", &body, Settings::default()).await;
    let fold = bench.end("takes").await;
    let run = fold.host().unwrap().run();
    let output = run.step("gives").unwrap().more().unwrap().output.clone();
    let text = output.map_or(0, |output| output.to_string().len());
    assert!(text > 2_500_000, "{text}: {:?}", run.ended());
    let error = run
        .step("takes")
        .unwrap()
        .more()
        .unwrap()
        .error
        .clone()
        .unwrap();
    let cause = serde_json::to_value(&error).unwrap();
    assert_eq!(
        cause["details"]["error"]["code"], "payload-limit",
        "{cause}"
    );
    assert_same_as_worker(&bench.cluster, "takes", &fold).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_open_questions_fit_the_search_attributes() {
    let server = Server::in_memory();
    let bench = heavy(&server, "questions").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let ask = json!({ "id": "a_question_to_somebody", "kind": "approval", "with": { "to": ["x"], "expires": "5s" } });
    let body = json!({ "steps": [ { "id": "each", "kind": "for_each",
        "with": { "items": "{% [1..400] %}", "concurrency": 400, "onItemFailure": "continue" },
        "body": { "edges": [], "steps": [ask] } } ],
        "limits": { "inFlight": 400 } });
    bench.start("questions", &body, Settings::default()).await;
    let open = |run: &Run| run.open_steps().count() > 400;
    bench.when("questions", "all questions", open).await;
    let fold = bench.end("questions").await;
    assert_eq!(
        status(&fold),
        "succeeded",
        "{:?}",
        fold.host().unwrap().run().ended()
    );
    assert_same_as_worker(&bench.cluster, "questions", &fold).await;
    worker.end().await;
}

/// A server ends a run whose history passes 50 MB or 51,200 events.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_more_than_fifty_megabytes_stays_far_below_the_limit_in_each_part() {
    const ITEMS: usize = 1_000;
    let server = Server::in_memory();
    let bench = heavy(&server, "long").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let pad = "{% $pad('x', 55000) %}";
    let body = json!({ "steps": [ { "id": "each", "kind": "for_each",
        "with": { "items": format!("{{% [1..{ITEMS}] %}}"), "concurrency": 40 },
        "body": { "edges": [], "steps": [ { "id": "one", "kind": "send", "with": { "n": "{% item %}", "pad": pad } } ] } } ] });
    bench.start("long", &body, Settings::default()).await;
    let fold = bench.end("long").await;
    assert_eq!(
        status(&fold),
        "succeeded",
        "{:?}",
        fold.host().unwrap().run().ended()
    );
    assert_eq!(fold.host().unwrap().run().steps().count(), ITEMS + 1);
    let parts = bench.parts("long").await;
    let bytes: usize = parts.iter().map(|part| part.0).sum();
    let largest = parts.iter().map(|part| part.0).max().unwrap();
    let longest = parts.iter().map(|part| part.1).max().unwrap();
    assert!(bytes > 50 * 1024 * 1024, "{bytes} in {parts:?}");
    assert!(largest < 15 * 1024 * 1024 && longest < 10_000, "{parts:?}");
    assert_same_as_worker(&bench.cluster, "long", &fold).await;
    worker.end().await;
}
