//! The program as people and other programs use it, and what it says about a cluster that cannot be used.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use baton_temporal::home::Home;
use serde_json::{Value, json};

use crate::cluster::{InProcess, Server};

fn program(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_baton-temporal"))
        .args(arguments)
        .arg("--json")
        .arg("--blobs")
        .arg(dir.join("blobs"))
        .current_dir(dir)
        .env_remove("BATON_LOG")
        .output()
        .unwrap()
}

fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

fn error(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let error: Value = serde_json::from_str(text.trim()).unwrap_or_else(|_| panic!("{text}"));
    error["error"].clone()
}

fn file(dir: &Path, name: &str, body: &Value) {
    let mut document = json!({ "format": 1, "id": name, "name": name, "edges": [] });
    for (key, value) in body.as_object().unwrap() {
        document[key] = value.clone();
    }
    std::fs::write(dir.join(format!("{name}.baton.json")), document.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_started_watched_answered_and_listed() {
    let server = Server::in_memory();
    let dir = tempfile::tempdir().unwrap();
    let home = Arc::new(Home::new(dir.path().join("blobs"), dir.path()));
    let cluster = server.connect("program", home).await;
    let worker = InProcess::begin(&cluster).await;
    file(
        dir.path(),
        "asks",
        &json!({ "steps": [ { "id": "ask", "kind": "approval", "with": { "to": ["x"], "expires": "2d" } },
            { "id": "hear", "kind": "wait_for", "with": { "event": "paid", "timeout": "2d" } } ] }),
    );
    let target = format!("temporal://127.0.0.1:{}/default/program", server.port);
    let run = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--target", &target]);
        program(dir.path(), &all)
    };
    let started = run(&["start", "asks.baton.json", "--id", "r1"]);
    assert_eq!(started.status.code(), Some(0), "{started:?}");
    assert_eq!(json_lines(&started)[0]["run"], "r1");
    let again = run(&["start", "asks.baton.json", "--id", "r1"]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(error(&again)["code"], "run-exists");
    let checked = run(&["check", "--file", "asks.baton.json"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let codes: Vec<Value> = json_lines(&checked)
        .into_iter()
        .map(|one| one["code"].clone())
        .collect();
    assert_eq!(
        codes,
        [
            "server",
            "namespace",
            "worker",
            "search-attributes",
            "blobs"
        ]
    );
    let approved = run(&["approve", "r1", "ask", "approved", "--by", "ada"]);
    assert_eq!(json_lines(&approved)[0]["sent"], "taken", "{approved:?}");
    let twice = run(&["approve", "r1", "ask"]);
    assert_eq!(twice.status.code(), Some(1));
    assert_eq!(error(&twice)["code"], "refused");
    let shown = run(&["history", "r1"]);
    assert_eq!(shown.status.code(), Some(4));
    assert_eq!(json_lines(&shown)[0]["standing"]["status"], "waiting");
    let heard = run(&["signal", "r1", "paid", "--payload", "{\"amount\":3}"]);
    assert_eq!(json_lines(&heard)[0]["sent"], "taken", "{heard:?}");
    let watched = run(&["watch", "r1"]);
    assert_eq!(watched.status.code(), Some(0), "{watched:?}");
    let lines = json_lines(&watched);
    assert_eq!(lines.last().unwrap()["how"], "succeeded");
    let events = json_lines(&run(&["history", "r1", "--events"]));
    let seen: Vec<&Value> = lines
        .iter()
        .filter(|one| one["type"] == "event")
        .map(|one| &one["logged"])
        .collect();
    assert_eq!(seen, events.iter().collect::<Vec<_>>());
    let listed = json_lines(&run(&["list"]));
    assert_eq!((listed.len(), &listed[0]["run"]), (1, &json!("r1")));
    let ended = run(&["cancel", "r1"]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_refused_with_code_and_way_out() {
    let dir = tempfile::tempdir().unwrap();
    file(
        dir.path(),
        "fine",
        &json!({ "steps": [ { "id": "a", "kind": "merge" } ] }),
    );
    file(
        dir.path(),
        "wrong",
        &json!({ "steps": [ { "id": "a", "kind": "nonsense" } ] }),
    );
    let refused = |target: &str, arguments: &[&str], code: &str| {
        let mut all = arguments.to_vec();
        all.extend(["--target", target]);
        let output = program(dir.path(), &all);
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        let error = error(&output);
        assert_eq!(error["code"], code, "{error}");
        assert_ne!(error["hint"].as_str().unwrap_or_default(), "", "{error}");
    };
    // Nobody listens at a port that was just free.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nowhere = format!("temporal://{free}");
    refused(&nowhere, &["list"], "cluster-unreachable");
    refused("here", &["list"], "target-unusable");
    let server = Server::in_memory();
    let home = Arc::new(Home::new(dir.path().join("blobs"), dir.path()));
    drop(server.connect("x", home).await);
    let target = format!("temporal://127.0.0.1:{}/default/x", server.port);
    refused(&target, &["history", "nothing"], "run-unknown");
    refused(&target, &["start", "nothing.baton.json"], "file-unreadable");
    refused(&target, &["start", "wrong.baton.json"], "workflow-unusable");
    refused(
        &target,
        &["start", "fine.baton.json", "--input", "{"],
        "argument-unusable",
    );
    let big = dir.path().join("big.json");
    std::fs::write(&big, format!("{{\"x\":\"{}\"}}", "y".repeat(1_100_000))).unwrap();
    refused(
        &target,
        &["start", "fine.baton.json", "--input", "@big.json"],
        "payload-limit",
    );
    let other = format!("temporal://127.0.0.1:{}/elsewhere/x", server.port);
    refused(&other, &["start", "fine.baton.json"], "namespace-unknown");
    std::fs::write(dir.path().join("keys"), "k1:short").unwrap();
    refused(&target, &["list", "--keys", "keys"], "keys-unusable");
    refused(&target, &["list", "--tls"], "cluster-unreachable");
    // Nothing was half started.
    let listed = program(dir.path(), &["list", "--target", &target]);
    assert_eq!(json_lines(&listed), Vec::<Value>::new());
    // No worker: said at once.
    let begun = std::time::Instant::now();
    let started = program(
        dir.path(),
        &["start", "fine.baton.json", "--id", "r", "--target", &target],
    );
    assert_eq!(json_lines(&started)[1]["code"], "no-worker", "{started:?}");
    let checked = program(dir.path(), &["check", "--target", &target]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(
        json_lines(&checked)
            .iter()
            .any(|one| one["code"] == "no-worker" && one["ok"] == false)
    );
    assert!(begun.elapsed() < std::time::Duration::from_secs(10));
}
