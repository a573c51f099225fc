//! The program as Baton uses it: asked line by line, telling what happens in runs.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use baton_sidecar::{FORMAT, Failure, Line, Listed, Looked, Sent, Told};
use baton_temporal::client::NewRun;
use baton_temporal::home::Home;
use baton_temporal::target::{Access, Cluster};
use baton_temporal::wire::Settings;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::{InProcess, PATIENCE, Server, program};
use crate::conformance::assert_same_as_worker;

/// The program, and what it said.
struct Asked {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Line>,
    told: Vec<Told>,
    last: u64,
}

impl Asked {
    fn begin(dir: &Path, target: &str) -> Self {
        Self::begin_with(dir, target, &[])
    }

    fn begin_with(dir: &Path, target: &str, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_baton-temporal"))
            .args(["rpc", "--target", target, "--blobs"])
            .arg(dir.join("blobs"))
            .args(more)
            .current_dir(dir)
            .env_remove("BATON_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (give, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines() {
                let line = line.unwrap();
                let read = serde_json::from_str(&line);
                // Nothing but lines of the protocol, whatever happens.
                if give
                    .send(read.unwrap_or_else(|_| panic!("{line}")))
                    .is_err()
                {
                    return;
                }
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            lines,
            told: Vec::new(),
            last: 0,
        }
    }

    fn ready(dir: &Path, target: &str) -> Self {
        Self::ready_with(dir, target, &[])
    }

    fn ready_with(dir: &Path, target: &str, more: &[&str]) -> Self {
        let asked = Self::begin_with(dir, target, more);
        match asked.line() {
            Line::Ready { ready } => assert_eq!(ready.format, FORMAT),
            other => panic!("{other:?}"),
        }
        asked
    }

    fn line(&self) -> Line {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    fn write(&mut self, line: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line).unwrap();
        input.write_all(b"\n").unwrap();
        input.flush().unwrap();
    }

    fn try_ask(&mut self, ask: &Value) -> Result<Value, Failure> {
        self.last += 1;
        let wanted = self.last;
        self.write(json!({ "id": wanted, "ask": ask }).to_string().as_bytes());
        loop {
            match self.line() {
                Line::Done { id, done } if id == wanted => return Ok(done),
                Line::Failed { id, failed } if id == Some(wanted) => {
                    assert_ne!(failed.hint, "", "{failed:?}");
                    return Err(failed);
                }
                Line::Told { told } => self.told.push(told),
                other => panic!("{other:?}"),
            }
        }
    }

    fn ask<T: serde::de::DeserializeOwned>(&mut self, ask: &Value) -> T {
        let done = self
            .try_ask(ask)
            .unwrap_or_else(|failed| panic!("{ask}: {failed:?}"));
        serde_json::from_value(done).unwrap()
    }

    fn refused(&mut self, ask: &Value) -> String {
        self.try_ask(ask).expect_err("it cannot be done").code
    }

    /// Waits until something is told that `is_it`; what was told until then is gone.
    fn until_told(&mut self, what: &str, is_it: impl Fn(&Told) -> bool) -> Told {
        let begun = Instant::now();
        loop {
            if let Some(at) = self.told.iter().position(&is_it) {
                return self.told.drain(..=at).next_back().unwrap();
            }
            let left = PATIENCE.saturating_sub(begun.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(Line::Told { told }) => {
                    self.told.push(told);
                }
                Ok(other) => panic!("{other:?}"),
                Err(_) => panic!("gave up waiting for {what}"),
            }
        }
    }

    /// Nobody asks any more: it ends by itself, and says nothing more.
    fn end(mut self) {
        drop(self.input.take());
        assert!(self.child.wait().unwrap().success());
        assert!(
            self.lines
                .iter()
                .all(|line| matches!(line, Line::Told { .. }))
        );
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn bench(server: &Server, queue: &str) -> (TempDir, String, Cluster) {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::new(dir.path().join("blobs"), dir.path());
    let cluster = server.connect(queue, Arc::new(home)).await;
    let target = format!("temporal://127.0.0.1:{}/default/{queue}", server.port);
    (dir, target, cluster)
}

fn document(id: &str, steps: &Value, edges: &Value) -> Value {
    json!({ "format": 1, "id": id, "name": format!("The {id}"), "steps": steps, "edges": edges })
}

/// Makes a value, asks, hears an event.
fn asks(id: &str) -> Value {
    let steps = json!([
        { "id": "make", "kind": "set_values", "with": { "values": { "x": 7 } } },
        { "id": "ask", "kind": "approval", "with": { "to": ["kim"], "expires": "2d" } },
        { "id": "note", "kind": "run_command", "with": { "program": "sh", "args": ["-c", "echo noted >> done.txt"], "effect": "idempotent" } },
        { "id": "hear", "kind": "wait_for", "with": { "event": "paid", "timeout": "2d" } },
    ]);
    let edges = json!([
        { "from": "make", "to": "ask" }, { "from": "ask.approved", "to": "note" }, { "from": "note", "to": "hear" },
    ]);
    document(id, &steps, &edges)
}

fn start(run: &str, document: &Value) -> Value {
    json!({ "type": "start", "run": run, "document": document, "by": "kim", "input": {} })
}

fn decide(run: &str) -> Value {
    json!({ "type": "tell", "run": run, "command": { "type": "decide", "step": "ask", "by": "kim", "decision": "approved" } })
}

fn cancel(run: &str) -> Value {
    json!({ "type": "tell", "run": run, "command": { "type": "cancel", "by": "kim" } })
}

fn status(told: &Told) -> &str {
    told.standing.as_ref().map_or("", |one| one.status.as_str())
}

/// How many events of the log have this name.
fn count(log: &[baton_core::machine::Logged], name: &str) -> usize {
    let names = log.iter().map(|logged| format!("{:?}", logged.event));
    names.filter(|event| event.starts_with(name)).count()
}

/// What whoever listens to the news knows in the end.
fn put_together(log: &mut Vec<baton_core::machine::Logged>, told: &Told) {
    log.retain(|logged| logged.seq <= told.from);
    log.extend(told.events.iter().cloned());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_started_followed_answered_and_taken_back_to_a_step() {
    let server = Server::in_memory();
    let (dir, target, cluster) = bench(&server, "rpc").await;
    let worker = InProcess::begin(&cluster).await;
    let mut asked = Asked::ready(dir.path(), &target);

    let started: Value = asked.ask(&start("r1", &asks("orders")));
    assert_eq!(started["run"], "r1");
    assert_eq!(asked.refused(&start("r1", &asks("orders"))), "run-exists");
    let first: Told = asked.ask(&json!({ "type": "follow", "run": "r1" }));
    let definition = first.definition.clone().unwrap();
    assert_eq!((definition.id.as_str(), first.from), ("orders", 0));
    let mut log = first.events.clone();
    if status(&first) != "waiting" {
        let told = asked.until_told("the question", |told| status(told) == "waiting");
        put_together(&mut log, &told);
    }

    // What is listed, without a history.
    let listed: Listed = asked.ask(&json!({ "type": "list", "limit": 10, "search": "THE orders" }));
    assert_eq!((listed.total, listed.runs.len()), (1, 1));
    let row = &listed.runs[0];
    assert_eq!(
        (row.run.as_str(), row.name.as_deref()),
        ("r1", Some("The orders"))
    );
    assert!(listed.listening.runs > 0);
    let none: Listed = asked.ask(&json!({ "type": "list", "limit": 10, "status": "failed" }));
    assert_eq!((none.total, none.runs.len()), (0, 0));

    // An answer that counts, one that comes too late, and the news of both are one log.
    assert_eq!(asked.ask::<Sent>(&decide("r1")), Sent::Taken);
    assert_eq!(asked.refused(&decide("r1")), "refused");
    asked.ask::<Value>(&json!({ "type": "catch-up", "run": "r1" }));
    let paid = json!({ "type": "tell", "run": "r1", "command": { "type": "signal", "id": "s1", "event": "paid" } });
    assert_eq!(asked.ask::<Sent>(&paid), Sent::Taken);
    loop {
        let told = asked.until_told("the end", |_| true);
        put_together(&mut log, &told);
        if let Some(closed) = told.closed {
            assert_eq!(closed.how, "succeeded");
            assert!(closed.at >= told.started_at);
            break;
        }
    }
    let fold = cluster.fold("r1", None).await.unwrap();
    assert_eq!(log, fold.host().unwrap().log());
    let whole: Looked = asked.ask(&json!({ "type": "log", "run": "r1" }));
    let Looked::Other(whole) = whole else {
        panic!("{whole:?}");
    };
    assert_eq!(whole.events, log);
    let again = json!({ "type": "log", "run": "r1", "known": whole.mark });
    assert!(matches!(
        asked.ask(&again),
        Looked::Same {
            is_untaken: false,
            ..
        }
    ));

    // Back to a step: the news say from where on everything is new.
    let back = json!({ "type": "reset", "run": "r1", "step": "note", "reason": "try again" });
    asked.ask::<Value>(&back);
    let told = asked.until_told("another log", |told| {
        told.closed.is_none() && told.from < log.len() as u32
    });
    assert!(told.from > 0, "{told:?}");
    put_together(&mut log, &told);
    // What led there counts, what was said later does not.
    let mut last = told;
    while status(&last) != "waiting" || count(&log, "StepSucceeded") < 3 {
        last = asked.until_told("the event to be waited for", |_| true);
        put_together(&mut log, &last);
    }
    assert_eq!(count(&log, "ApprovalDecided"), 1, "{log:?}");
    assert_eq!(count(&log, "RunEnded"), 0, "{log:?}");
    let unknown = json!({ "type": "reset", "run": "r1", "step": "nothing", "reason": "" });
    assert_eq!(asked.refused(&unknown), "step-unknown");
    assert_eq!(asked.ask::<Sent>(&cancel("r1")), Sent::Taken);
    asked.until_told("the end", |told| {
        told.closed
            .as_ref()
            .is_some_and(|closed| closed.how == "cancelled")
    });
    let done = std::fs::read_to_string(dir.path().join("done.txt")).unwrap();
    assert_eq!(
        done.lines().count(),
        2,
        "the step before it was not repeated, it was"
    );

    // Nothing more is told of what nobody follows.
    asked.ask::<Value>(&json!({ "type": "unfollow", "run": "r1" }));
    assert_eq!(
        asked.refused(&json!({ "type": "catch-up", "run": "r1" })),
        "not-followed"
    );
    let findings: Vec<baton_sidecar::Finding> = asked.ask(&json!({ "type": "check" }));
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
    asked.end();
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_many_parts_is_told_as_one_log() {
    let server = Server::in_memory();
    let (dir, target, cluster) = bench(&server, "parts").await;
    let worker = InProcess::begin(&cluster).await;
    let mut asked = Asked::ready(dir.path(), &target);
    let step = |index: usize| json!({ "id": format!("work_{index}"), "kind": "run_command", "with": { "program": "true", "effect": "idempotent" } });
    let steps: Vec<Value> = (0..24).map(step).collect();
    let edges: Vec<Value> = (1..24)
        .map(
            |index| json!({ "from": format!("work_{}", index - 1), "to": format!("work_{index}") }),
        )
        .collect();
    let text = document("long", &json!(steps), &json!(edges)).to_string();
    let new = NewRun {
        document: Some(baton_core::document::parse(&text).unwrap().workflow),
        id: Some("r1".to_owned()),
        settings: Settings {
            continue_after: 50,
            ..Settings::default()
        },
        ..NewRun::default()
    };
    cluster.start(new).await.unwrap();
    let mut last: Told = asked.ask(&json!({ "type": "follow", "run": "r1" }));
    let (mut log, mut parts) = (last.events.clone(), vec![last.mark.part.clone()]);
    while last.closed.is_none() {
        last = asked.until_told("the end", |_| true);
        // Nothing is taken back where the run only goes on as a new one.
        assert_eq!(last.from as usize, log.len());
        put_together(&mut log, &last);
        parts.push(last.mark.part.clone());
    }
    parts.dedup();
    assert!(parts.len() >= 3, "{parts:?}");
    assert_eq!(
        last.closed.map(|closed| closed.how).as_deref(),
        Some("succeeded")
    );
    assert!(log.iter().zip(1..).all(|(logged, seq)| logged.seq == seq));
    let Looked::Other(whole) = asked.ask(&json!({ "type": "log", "run": "r1" })) else {
        panic!("it was never looked at");
    };
    assert_eq!(whole.events, log);
    let listed: Listed = asked.ask(&json!({ "type": "list", "limit": 10 }));
    assert_eq!(
        (listed.total, listed.runs.len()),
        (1, 1),
        "its parts are one run"
    );
    asked.end();
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reset_of_temporal_itself_brings_along_counts() {
    let server = Server::in_memory();
    let (dir, target, cluster) = bench(&server, "brought").await;
    let worker = InProcess::begin(&cluster).await;
    let mut asked = Asked::ready(dir.path(), &target);
    asked.ask::<Value>(&start("r1", &asks("orders")));
    let first: Told = asked.ask(&json!({ "type": "follow", "run": "r1" }));
    if status(&first) != "waiting" {
        asked.until_told("the question", |told| status(told) == "waiting");
    }
    assert_eq!(asked.ask::<Sent>(&decide("r1")), Sent::Taken);
    let paid = json!({ "type": "tell", "run": "r1", "command": { "type": "signal", "id": "s1", "event": "paid" } });
    assert_eq!(asked.ask::<Sent>(&paid), Sent::Taken);
    asked.until_told("the end", |told| told.closed.is_some());
    let address = format!("127.0.0.1:{}", server.port);
    let reset = Command::new(program("temporal"))
        .args([
            "workflow",
            "reset",
            "--address",
            &address,
            "--workflow-id",
            "r1",
        ])
        .args(["--type", "FirstWorkflowTask", "--reason", "again"])
        .output()
        .unwrap();
    assert!(reset.status.success(), "{reset:?}");
    let told = asked.until_told("the second end", |told| {
        told.closed.is_some() && told.mark.part != first.mark.part
    });
    assert_eq!(
        told.closed.map(|closed| closed.how).as_deref(),
        Some("succeeded")
    );
    let fold = cluster.fold("r1", None).await.unwrap();
    assert_same_as_worker(&cluster, "r1", &fold).await;
    asked.end();
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_values_and_tables_are_read_through_the_same_folder() {
    let server = Server::in_memory();
    let (dir, target, cluster) = bench(&server, "values").await;
    let worker = InProcess::begin(&cluster).await;
    let mut csv = String::from("id,text\n");
    for row in 0..3_000 {
        csv.push_str(&format!("{row},{}\n", "x".repeat(40)));
    }
    std::fs::write(dir.path().join("in.csv"), csv).unwrap();
    let mut asked = Asked::ready(dir.path(), &target);
    let steps = json!([
        { "id": "read", "kind": "read_table", "with": { "path": "in.csv" } },
        { "id": "text", "kind": "run_command", "with": { "program": "cat", "args": ["in.csv"], "parse": "lines", "effect": "idempotent" } },
    ]);
    asked.ask::<Value>(&start("r1", &document("values", &steps, &json!([]))));
    let first: Told = asked.ask(&json!({ "type": "follow", "run": "r1" }));
    if first.closed.is_none() {
        asked.until_told("the end", |told| told.closed.is_some());
    }
    let Looked::Other(whole) = asked.ask(&json!({ "type": "log", "run": "r1" })) else {
        panic!("it was never looked at");
    };
    let text = serde_json::to_value(&whole.events).unwrap();
    let outputs: Vec<&Value> = text
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|logged| logged["event"].get("output"))
        .collect();
    let hash = |is_table: bool| {
        let found = outputs.iter().find_map(|output| find(output, is_table));
        found.unwrap_or_else(|| panic!("{outputs:?}"))
    };
    let table = hash(true);
    let page: baton_sidecar::Page = asked.ask(
        &json!({ "type": "table", "artifact": table, "offset": 10, "limit": 2, "sort": "id", "descending": true }),
    );
    assert_eq!(
        (page.total, page.rows.len(), page.columns.len()),
        (3_000, 2, 2)
    );
    let value = hash(false);
    let text: Value = asked.ask(&json!({ "type": "blob", "artifact": value }));
    assert!(text.to_string().matches(&"x".repeat(40)).count() >= 3_000);
    // What is not there, and what somebody changed.
    let gone = "0".repeat(64);
    assert_eq!(
        asked.refused(&json!({ "type": "blob", "artifact": gone })),
        "blob-missing"
    );
    let path = cluster.home().artifacts.path(&value).unwrap();
    // It is kept read-only.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "[\"other\"]").unwrap();
    assert_eq!(
        asked.refused(&json!({ "type": "blob", "artifact": value })),
        "blob-damaged"
    );
    asked.end();
    worker.end().await;
}

/// The hash of a table or of another value that is kept apart, wherever it is in `output`.
fn find(output: &Value, is_table: bool) -> Option<String> {
    match output {
        Value::Object(fields) => {
            let hash = fields.get("artifact").and_then(Value::as_str);
            let is_it = (fields.get("$type") == Some(&json!("table"))) == is_table;
            match hash.filter(|_| is_it) {
                Some(hash) => Some(hash.to_owned()),
                None => fields.values().find_map(|value| find(value, is_table)),
            }
        }
        Value::Array(values) => values.iter().find_map(|value| find(value, is_table)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_is_read_with_its_keys_and_else_it_is_said() {
    let server = Server::in_memory();
    let (dir, target, _) = bench(&server, "keys").await;
    for (name, digit) in [("keys", "1"), ("others", "2")] {
        let line = format!("{name}:{}\n", digit.repeat(64));
        std::fs::write(dir.path().join(name), line).unwrap();
    }
    let home = Arc::new(Home::new(dir.path().join("blobs"), dir.path()));
    let access = Access {
        keys: Some(dir.path().join("keys")),
        ..Access::default()
    };
    let cluster = server.connect_with("keys", home, &access).await;
    let worker = InProcess::begin(&cluster).await;
    let mut asked = Asked::ready_with(dir.path(), &target, &["--keys", "keys"]);
    asked.ask::<Value>(&start("r1", &asks("orders")));
    let first: Told = asked.ask(&json!({ "type": "follow", "run": "r1" }));
    if status(&first) != "waiting" {
        asked.until_told("the question", |told| status(told) == "waiting");
    }
    let all = json!({ "type": "list", "limit": 10 });
    let listed: Listed = asked.ask(&all);
    assert_eq!(listed.runs[0].name.as_deref(), Some("The orders"));
    // Without them, or with others, lists know less, and runs cannot be read.
    for more in [&[][..], &["--keys", "others"]] {
        let mut blind = Asked::ready_with(dir.path(), &target, more);
        let listed: Listed = blind.ask(&all);
        assert_eq!((listed.total, listed.runs[0].name.as_deref()), (1, None));
        for what in ["log", "follow"] {
            let code = blind.refused(&json!({ "type": what, "run": "r1" }));
            assert_eq!(code, "payload-unreadable", "{more:?}");
        }
        blind.end();
    }
    assert_eq!(asked.ask::<Sent>(&cancel("r1")), Sent::Taken);
    asked.until_told("the end", |told| told.closed.is_some());
    asked.end();
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_worker_a_run_is_shown_and_it_is_said() {
    let server = Server::in_memory();
    let (dir, target, cluster) = bench(&server, "nobody").await;
    let mut asked = Asked::ready(dir.path(), &target);
    asked.ask::<Value>(&start("r1", &asks("orders")));
    let begun = Instant::now();
    let first: Told = asked.ask(&json!({ "type": "follow", "run": "r1" }));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!((first.listening.runs, first.events.len()), (0, 0));
    assert_eq!(
        (first.standing.as_ref(), first.closed.as_ref()),
        (None, None)
    );
    assert_eq!(
        first.definition.map(|workflow| workflow.id),
        Some("orders".to_owned())
    );
    // An answer is kept until somebody looks.
    assert_eq!(asked.ask::<Sent>(&decide("r1")), Sent::Kept);
    let worker = InProcess::begin(&cluster).await;
    let told = asked.until_told("the run to begin", |told| !told.events.is_empty());
    assert_eq!(told.from, 0);
    asked.until_told("somebody to listen", |told| told.listening.runs > 0);
    assert_eq!(asked.ask::<Sent>(&cancel("r1")), Sent::Taken);
    asked.until_told("the end", |told| told.closed.is_some());
    asked.end();
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_and_comes_back_is_said_and_nothing_is_lost() {
    let mut server = Server::with_file();
    let (dir, target, cluster) = bench(&server, "back").await;
    let worker = InProcess::begin(&cluster).await;
    let mut asked = Asked::ready(dir.path(), &target);
    asked.ask::<Value>(&start("r1", &asks("orders")));
    let first: Told = asked.ask(&json!({ "type": "follow", "run": "r1" }));
    let mut log = first.events.clone();
    if status(&first) != "waiting" {
        let told = asked.until_told("the question", |told| status(told) == "waiting");
        put_together(&mut log, &told);
    }
    server.kill();
    let told = asked.until_told("the trouble", |told| told.trouble.is_some());
    assert_eq!((told.from as usize, told.events.len()), (log.len(), 0));
    assert_eq!(
        asked.refused(&json!({ "type": "list", "limit": 1 })),
        "cluster-unreachable"
    );
    server.again();
    asked.until_told("the end of the trouble", |told| told.trouble.is_none());
    let begun = Instant::now();
    while asked.try_ask(&decide("r1")).is_err() {
        assert!(begun.elapsed() < PATIENCE);
    }
    asked.until_told("the run to go on", |told| {
        told.from as usize >= log.len() && !told.events.is_empty()
    });
    asked.end();
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_no_question_is_answered_and_the_next_one_as_well() {
    let server = Server::in_memory();
    let (dir, target, _) = bench(&server, "lines").await;
    let mut asked = Asked::ready(dir.path(), &target);
    for (line, id) in [
        (&b"nonsense"[..], None),
        (b"\xff\xfe\xfd", None),
        (b"[1,2]", None),
        (b"{\"id\":\"seven\",\"ask\":{\"type\":\"check\"}}", None),
        (b"{\"id\":77,\"ask\":{\"type\":\"sing\"}}", Some(77)),
        (b"{\"id\":78,\"ask\":{\"type\":\"log\"}}", Some(78)),
    ] {
        asked.write(line);
        match asked.line() {
            Line::Failed { id: of, failed } => {
                assert_eq!((of, failed.code.as_str()), (id, "line-unusable"));
            }
            other => panic!("{other:?}"),
        }
    }
    asked.write(b"");
    assert_eq!(
        asked.refused(&json!({ "type": "log", "run": "nothing" })),
        "run-unknown"
    );
    assert_eq!(
        asked.refused(&json!({ "type": "follow", "run": "nothing" })),
        "run-unknown"
    );
    let wrong = document(
        "wrong",
        &json!([{ "id": "a", "kind": "nonsense" }]),
        &json!([]),
    );
    assert_eq!(asked.refused(&start("r1", &wrong)), "workflow-unusable");
    let mut large = start("r1", &asks("orders"));
    large["input"] = json!({ "x": "y".repeat(1_100_000) });
    assert_eq!(asked.refused(&large), "payload-limit");
    let listed: Listed = asked.ask(&json!({ "type": "list", "limit": 10 }));
    assert_eq!(listed.total, 0);
    asked.end();

    // A namespace that is not there is said at every question, a server that is not there at once.
    let elsewhere = format!("temporal://127.0.0.1:{}/elsewhere/lines", server.port);
    let mut asked = Asked::ready(dir.path(), &elsewhere);
    assert_eq!(
        asked.refused(&start("r1", &asks("orders"))),
        "namespace-unknown"
    );
    assert_eq!(
        asked.refused(&json!({ "type": "list", "limit": 1 })),
        "namespace-unknown"
    );
    asked.end();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("temporal://{}", free.local_addr().unwrap());
    drop(free);
    let mut asked = Asked::begin(dir.path(), &nowhere);
    match asked.line() {
        Line::Error { error } => assert_eq!(error.code, "cluster-unreachable"),
        other => panic!("{other:?}"),
    }
    assert_eq!(asked.child.wait().unwrap().code(), Some(2));
}
