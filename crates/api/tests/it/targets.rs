//! Targets over the commands: what is kept, and who may ask what of them.

use std::collections::BTreeSet;

use baton_api::{COMMAND_ROLES, Caller, Code, Role, dispatch};
use serde_json::{Value, json};

use crate::support::{Bench, workflow};

fn server(url: &str) -> Value {
    json!({ "kind": "server", "url": url })
}

fn temporal(address: &str) -> Value {
    json!({ "kind": "temporal", "address": address, "namespace": "default", "taskQueue": "baton" })
}

async fn add(bench: &Bench, name: &str, place: Value, secret: Option<&str>) -> Value {
    let request = json!({ "name": name, "place": place, "secret": secret });
    bench.call("target_add", request).await
}

#[tokio::test]
async fn a_target_is_kept_changed_and_forgotten() {
    let bench = Bench::new().await;
    let mut events = bench.app.subscribe();
    let kept = add(
        &bench,
        " Prod ",
        server("https://Example.com/"),
        Some("baton_x\n"),
    )
    .await;
    assert_eq!(
        kept,
        json!({ "id": "prod", "name": "Prod", "hasSecret": true,
                "place": { "kind": "server", "url": "https://example.com" } })
    );
    assert!(matches!(
        events.recv().await.unwrap(),
        baton_api::BackendEvent::TargetsChanged
    ));
    let other = add(&bench, "prod.", server("https://example.com"), Some("y")).await;
    assert_eq!(other["id"], "prod-2");
    let cluster = add(&bench, "Cluster", temporal("localhost:7233"), None).await;
    assert_eq!(
        (&cluster["hasSecret"], &cluster["place"]["tls"]),
        (&json!(false), &json!(false))
    );

    // Another name, the same token; another host, none.
    let rename = json!({ "id": "prod", "name": "Live", "place": server("https://example.com") });
    let renamed = bench.call("target_add", rename).await;
    assert_eq!(
        (&renamed["id"], &renamed["hasSecret"]),
        (&json!("prod"), &json!(true))
    );
    for url in ["https://example.org", "https://example.com:8443"] {
        let moved = json!({ "id": "prod", "name": "Live", "place": server(url) });
        for command in ["target_add", "target_try"] {
            let error = bench.refused(command, moved.clone()).await;
            assert_eq!(error.code, Code::BadRequest, "{url}");
            assert!(
                error.message.contains("https://example.com"),
                "{}",
                error.message
            );
            assert!(error.hint.is_some());
        }
    }
    let keyed = json!({ "id": "cluster", "name": "Cluster", "place": temporal("localhost:7233"), "secret": "key" });
    assert_eq!(bench.call("target_add", keyed).await["hasSecret"], true);
    let cleared = json!({ "id": "cluster", "name": "Cluster", "place": temporal("other:7233"), "secret": "" });
    assert_eq!(bench.call("target_add", cleared).await["hasSecret"], false);

    let bench = bench.again().await;
    let listed = bench.call("target_list", json!({})).await;
    let names: Vec<&Value> = listed["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["name"])
        .collect();
    assert_eq!(names, ["Cluster", "Live", "prod."]);
    assert!(!listed.to_string().contains("baton_x"));
    bench
        .call("target_remove", json!({ "target": "prod" }))
        .await;
    let secrets = std::fs::read_to_string(bench.path("data/target-secrets.json")).unwrap();
    assert!(
        !secrets.contains("baton_x") && secrets.contains("prod-2"),
        "{secrets}"
    );
    let gone = bench
        .refused("target_check", json!({ "target": "prod" }))
        .await;
    assert_eq!(gone.code, Code::NotFound);
    // The same name again is another target: nothing of the old one is left for it.
    let error = bench
        .refused(
            "target_add",
            json!({ "name": "Prod", "place": server("https://example.com") }),
        )
        .await;
    assert_eq!(error.code, Code::BadRequest);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_and_leaves_nothing() {
    let bench = Bench::new().await;
    add(&bench, "Prod", server("https://example.com"), Some("x")).await;
    let before = std::fs::read(bench.path("data/target-secrets.json")).unwrap();
    let tls = |more: Value| {
        let mut place = temporal("localhost:1");
        place
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        place
    };
    for (name, place, secret, code) in [
        ("", server("https://a"), "x", Code::BadRequest),
        ("prod", server("https://a"), "x", Code::Conflict),
        ("a", server("http://a"), "x", Code::BadRequest),
        ("a", server("a"), "x", Code::BadRequest),
        ("a", server("https://a"), "", Code::BadRequest),
        ("a", server("https://a"), "x y", Code::BadRequest),
        (
            "a",
            json!({ "kind": "server", "url": "https://a", "ca": "no.pem" }),
            "x",
            Code::BadRequest,
        ),
        ("a", temporal("localhost"), "", Code::BadRequest),
        ("a", temporal("example.com:7233"), "key", Code::BadRequest),
        (
            "a",
            tls(json!({ "tlsCert": "c.pem" })),
            "",
            Code::BadRequest,
        ),
        ("a", tls(json!({ "namespace": "" })), "", Code::BadRequest),
        (
            "a",
            tls(json!({ "taskQueue": "a/b" })),
            "",
            Code::BadRequest,
        ),
    ] {
        let request = json!({ "name": name, "place": place, "secret": secret });
        let error = bench.refused("target_add", request.clone()).await;
        assert_eq!(error.code, code, "{request}");
        assert!(error.hint.is_some(), "{request}");
    }
    let missing = json!({ "id": "no", "name": "No", "place": server("https://a"), "secret": "x" });
    assert_eq!(
        bench.refused("target_add", missing).await.code,
        Code::NotFound
    );
    let listed = bench.call("target_list", json!({})).await;
    assert_eq!(listed["targets"].as_array().unwrap().len(), 1);
    let after = std::fs::read(bench.path("data/target-secrets.json")).unwrap();
    assert_eq!(before, after);
    // A file of secrets that was damaged is said, and the list is there all the same.
    std::fs::write(bench.path("data/target-secrets.json"), "no").unwrap();
    let listed = bench.call("target_list", json!({})).await;
    assert_eq!(listed["targets"][0]["hasSecret"], false);
    let request = json!({ "target": "prod", "command": "run_list", "request": {} });
    assert_eq!(
        bench.refused("target_call", request).await.code,
        Code::Store
    );
}

#[tokio::test]
async fn every_command_that_is_passed_on_needs_its_own_role() {
    let bench = Bench::new().await;
    // Nobody answers there: whoever gets that far was let through.
    add(&bench, "Prod", server("http://127.0.0.1:1"), Some("x")).await;
    let mut cases = 0_u32;
    for (command, role) in COMMAND_ROLES {
        let senders = Role::ALL.map(|has| BTreeSet::from([has]));
        for roles in senders.into_iter().chain([BTreeSet::new()]) {
            let caller = Caller::User {
                name: "mia".to_owned(),
                roles,
            };
            let request = json!({ "target": "prod", "command": command, "request": {} });
            let answer = dispatch(&bench.app, &caller, "target_call", request).await;
            let error = answer.unwrap_err();
            let is_forbidden = error.code == Code::Forbidden;
            assert_eq!(
                is_forbidden,
                !caller.may(*role),
                "{command} {caller:?}: {error:?}"
            );
            let expected = [Code::Forbidden, Code::BadRequest, Code::TargetUnreachable];
            assert!(expected.contains(&error.code), "{command}: {error:?}");
            cases += 1;
        }
    }
    assert!(cases > 400, "{cases}");
    let unknown = json!({ "target": "prod", "command": "no_such", "request": {} });
    assert_eq!(
        bench.refused("target_call", unknown).await.code,
        Code::BadRequest
    );
    for command in [
        "target_call",
        "limits_set",
        "user_add",
        "settings_get",
        "run_reset",
    ] {
        let request = json!({ "target": "prod", "command": command, "request": {} });
        let error = bench.refused("target_call", request).await;
        assert_eq!(error.code, Code::BadRequest, "{command}");
    }
    let none = json!({ "target": "no", "command": "run_list", "request": {} });
    assert_eq!(
        bench.refused("target_call", none).await.code,
        Code::NotFound
    );
    let lost = json!({ "target": "prod", "command": "run_pause", "request": { "run": "a" } });
    let error = bench.refused("target_call", lost).await;
    assert_eq!(error.code, Code::TargetUnreachable);
    assert!(
        error.message.starts_with("target `Prod`:"),
        "{}",
        error.message
    );
    assert!(error.hint.unwrap().contains("may have been carried out"));
}

#[tokio::test]
async fn what_may_not_start_here_is_not_handed_over() {
    let bench = Bench::new().await;
    add(&bench, "Prod", server("http://127.0.0.1:1"), Some("x")).await;
    let foreign = workflow(json!({ "steps": [
        { "id": "act", "kind": "run_command", "with": { "program": "true" } }
    ] }));
    bench.put("downloaded.baton.json", &foreign);
    let start = |path: Option<&str>| {
        json!({ "target": "prod", "command": "run_start",
                "request": { "document": foreign, "path": path, "input": {} } })
    };
    let refused = bench
        .refused("target_call", start(Some("downloaded.baton.json")))
        .await;
    assert_eq!(refused.code, Code::Untrusted);
    let digest = baton_core::document::digest(&foreign);
    bench
        .call("workflow_trust", json!({ "digest": digest }))
        .await;
    let reached = bench
        .refused("target_call", start(Some("downloaded.baton.json")))
        .await;
    assert_eq!(reached.code, Code::TargetUnreachable);
    // Who may not start a document of their own here hands none over.
    let caller = Caller::User {
        name: "rob".to_owned(),
        roles: BTreeSet::from([Role::Run]),
    };
    let refused = dispatch(&bench.app, &caller, "target_call", start(None)).await;
    assert_eq!(refused.unwrap_err().code, Code::Forbidden);
    let wrong = json!({ "target": "prod", "command": "run_start", "request": { "input": 1 } });
    assert_eq!(
        bench.refused("target_call", wrong).await.code,
        Code::BadRequest
    );
}

#[tokio::test]
async fn what_a_workflow_does_otherwise_is_said_before_it_is_handed_over() {
    let bench = Bench::new().await;
    add(&bench, "Prod", server("https://example.com"), Some("x")).await;
    let document = workflow(json!({ "steps": [
        { "id": "read", "kind": "read_table", "with": { "path": "a.csv" } }
    ] }));
    let request = json!({ "target": "prod", "document": document });
    let found = bench.call("target_problems", request).await;
    assert_eq!(found["problems"][0]["code"], "target-local-file");
    assert_eq!(found["problems"][0]["place"]["step"], "read");
}

#[tokio::test]
async fn a_run_of_this_computer_cannot_go_back_to_a_step() {
    let bench = Bench::new().await;
    let document = workflow(json!({ "steps": [
        { "id": "a", "kind": "set_values", "with": { "values": { "x": 1 } } }
    ] }));
    let start = json!({ "document": document, "input": {} });
    let run = bench.call("run_start", start).await["run"].clone();
    bench.status(&run, "succeeded").await;
    let error = bench
        .refused("run_reset", json!({ "run": run, "step": "a" }))
        .await;
    assert_eq!(error.code, Code::BadRequest);
    assert!(error.hint.is_some());
    let none = bench
        .refused("run_reset", json!({ "run": "no", "step": "a" }))
        .await;
    assert_eq!(none.code, Code::NotFound);
}
