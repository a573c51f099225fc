//! Starting runs, answering, looking at what happened.

use std::collections::BTreeMap;

use baton_api::headless::{self, Request};
use baton_api::{BackendEvent, COMMANDS, Code};
use baton_core::machine::{Decision, Outcome};
use serde_json::{Value, json};

use crate::support::{Bench, asking, workflow};

async fn start(bench: &Bench) -> Value {
    let request = json!({ "document": asking(), "input": { "n": 4 } });
    bench.call("run_start", request).await["run"].clone()
}

#[tokio::test]
async fn a_run_is_started_asked_about_decided_and_looked_at() {
    let bench = Bench::new().await;
    let mut events = bench.app.subscribe();
    let run = start(&bench).await;
    let waiting = bench.status(&run, "waiting").await;
    assert_eq!(waiting["steps"]["ask"]["status"], "waiting");
    assert_eq!(waiting["steps"]["ask"]["question"]["evidence"]["n"], 8);
    assert_eq!(waiting["edges"]["compute->ask"]["taken"], true);
    let inbox = bench.call("inbox_list", Value::Null).await;
    let question = &inbox["items"][0];
    assert_eq!(
        (&question["step"], &question["run"]["number"]),
        (&json!("ask"), &json!(1))
    );
    let decide = |digest: &Value| json!({ "run": run, "step": "ask", "decision": "approved", "evidenceDigest": digest, "comment": "looks right" });
    let wrong = bench
        .refused("approval_decide", decide(&json!("other")))
        .await;
    assert_eq!(wrong.code, Code::Conflict);
    let digest = &question["question"]["evidenceDigest"];
    bench.call("approval_decide", decide(digest)).await;
    let done = bench.status(&run, "succeeded").await;
    assert_eq!(done["outputs"], json!({ "n": 8 }));
    assert_eq!(done["summary"]["outcome"], "agreed");
    let late = bench.refused("approval_decide", decide(digest)).await;
    assert_eq!(late.code, Code::AlreadyEnded);
    assert_eq!(
        bench.call("inbox_list", Value::Null).await["items"],
        json!([])
    );

    let log = bench.call("run_events", json!({ "run": run })).await;
    let texts: Vec<&str> = log["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["text"].as_str().unwrap())
        .collect();
    assert!(
        texts.contains(&"kim approved “Ask”: “looks right”"),
        "{texts:#?}"
    );
    assert_eq!(texts.last(), Some(&"The run ended well as “agreed”."));

    // As it was when it asked: the same as what was seen then.
    let seq = waiting["seq"].clone();
    let then = bench
        .call("run_get", json!({ "run": run, "seq": seq }))
        .await;
    assert_eq!(then["steps"], waiting["steps"]);
    assert_eq!(
        (&then["status"], &then["summary"]["status"]),
        (&json!("waiting"), &json!("succeeded"))
    );

    let mut has_ended = false;
    while let Ok(event) = events.try_recv() {
        if let BackendEvent::RunAdvanced { summary, .. } = event {
            has_ended |= summary.ended_at.is_some();
        }
    }
    assert!(has_ended);
}

#[tokio::test]
async fn a_run_and_its_question_are_still_there_after_a_restart() {
    let bench = Bench::new().await;
    let run = start(&bench).await;
    bench.status(&run, "waiting").await;
    let bench = bench.again().await;
    assert_eq!(
        bench.call("inbox_list", Value::Null).await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    bench
        .call("run_cancel", json!({ "run": run, "undo": false }))
        .await;
    bench.status(&run, "cancelled").await;
    let listed = bench
        .call("run_list", json!({ "status": "cancelled" }))
        .await;
    assert_eq!(
        (&listed["total"], &listed["runs"][0]["id"]),
        (&json!(1), &run)
    );
    assert_eq!(bench.call("verify", Value::Null).await["damage"], json!([]));
}

#[tokio::test]
async fn a_document_with_errors_does_not_start_and_says_which() {
    let bench = Bench::new().await;
    let mut broken = asking();
    broken.steps[0].kind = "nonsense".to_owned();
    let error = bench
        .refused("run_start", json!({ "document": broken, "input": null }))
        .await;
    assert_eq!(error.code, Code::Invalid);
    assert!(!error.problems.is_empty());
}

#[tokio::test]
async fn every_command_is_known_and_others_are_not() {
    let bench = Bench::new().await;
    for (name, sentence) in COMMANDS {
        assert!(sentence.ends_with('.'), "{name}");
        // A request of the wrong form is refused before anything happens.
        if let Err(error) = bench.app.call(name, json!([])).await {
            assert_eq!(error.code, Code::BadRequest, "{name}: {error:?}");
        }
    }
    assert_eq!(
        bench.refused("no_such_command", Value::Null).await.code,
        Code::UnknownCommand
    );
}

#[tokio::test]
async fn things_that_are_not_there_are_named() {
    let bench = Bench::new().await;
    assert_eq!(
        bench
            .refused("run_get", json!({ "run": "nobody" }))
            .await
            .code,
        Code::NotFound
    );
    assert_eq!(
        bench
            .refused("run_pause", json!({ "run": "nobody" }))
            .await
            .code,
        Code::NotFound
    );
    let blob = json!({ "artifact": "0".repeat(64) });
    assert_eq!(bench.refused("blob_get", blob).await.code, Code::NotFound);
    let blob = json!({ "artifact": "../../etc/passwd" });
    assert_eq!(bench.refused("blob_get", blob).await.code, Code::BadRequest);
}

#[tokio::test]
async fn an_expression_is_tried_on_a_run() {
    let bench = Bench::new().await;
    let run = start(&bench).await;
    bench.status(&run, "waiting").await;
    let tried = |source: &str| json!({ "source": source, "run": run, "scope": { "item": 2 } });
    let answer = bench
        .call("expression_try", tried("steps.compute.n + input.n + item"))
        .await;
    assert_eq!(answer["value"], 14);
    let answer = bench.call("expression_try", tried("steps.compute.m")).await;
    assert!(answer["error"].as_str().unwrap().contains('m'), "{answer}");
}

fn request(approvals: BTreeMap<String, Decision>) -> Request {
    Request {
        document: asking(),
        path: None,
        work_dir: None,
        input: json!({ "n": 1 }),
        approvals,
        by: "cli".to_owned(),
    }
}

#[tokio::test]
async fn a_headless_run_goes_as_far_as_its_answers_lead() {
    let bench = Bench::new().await;
    let mut seqs = Vec::new();
    let answers = BTreeMap::from([("ask".to_owned(), Decision::Rejected)]);
    let done = headless::run(&bench.app, request(answers), |logged| seqs.push(logged.seq))
        .await
        .unwrap();
    assert_eq!(
        (done.outcome, done.name.as_deref()),
        (Some(Outcome::Succeeded), Some("refused"))
    );
    let expected: Vec<u32> = (1..=u32::try_from(seqs.len()).unwrap()).collect();
    assert_eq!(seqs, expected, "every event once, in order");
    let waiting = headless::run(&bench.app, request(BTreeMap::new()), |_| {})
        .await
        .unwrap();
    assert_eq!(waiting.outcome, None);
    assert!(
        waiting.waiting_for[0].contains("Ask"),
        "{:?}",
        waiting.waiting_for
    );
}

#[tokio::test]
async fn a_headless_run_waits_for_time_and_for_sub_workflows() {
    let bench = Bench::new().await;
    bench.put(
        "child.baton.json",
        &workflow(json!({
            "id": "child",
            "steps": [
                { "id": "pause", "kind": "wait", "with": { "for": "30ms" } },
                { "id": "inner", "kind": "approval", "with": { "to": ["lead"] } },
                { "id": "end", "kind": "end", "with": { "outcome": "fine" } }
            ],
            "edges": [{ "from": "pause", "to": "inner" }, { "from": "inner.approved", "to": "end" }]
        })),
    );
    let document = workflow(json!({
        "id": "parent",
        "steps": [{ "id": "sub", "kind": "workflow", "with": { "workflow": "child" } }]
    }));
    let mut request = request(BTreeMap::from([("inner".to_owned(), Decision::Approved)]));
    request.document = document;
    request.path = Some(bench.path("parent.baton.json"));
    let waiting = Request {
        approvals: BTreeMap::new(),
        ..request.clone()
    };
    let done = headless::run(&bench.app, request, |_| {}).await.unwrap();
    assert_eq!(done.outcome, Some(Outcome::Succeeded), "{done:?}");
    let waiting = headless::run(&bench.app, waiting, |_| {}).await.unwrap();
    assert_eq!(waiting.outcome, None);
}
