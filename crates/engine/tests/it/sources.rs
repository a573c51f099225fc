//! From a file that lands, or a request that comes, to a run: with a real folder, a real port and a real store.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use baton_core::document::Workflow;
use baton_core::machine::Event;
use baton_engine::triggers::Activate;
use baton_engine::triggers::webhook::WebhookAddress;
use baton_engine::{Engine, EngineConfig};
use baton_steps::Secrets;
use baton_store::{Firing, FiringFilter, FiringState, OpenOptions, RunFilter, RunRow, Store};
use ring::hmac;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::workflow;

const SECRET: &str = "a-long-secret";

struct Host {
    dir: Arc<TempDir>,
    store: Store,
    engine: Engine,
}

impl Host {
    async fn new() -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        std::fs::create_dir_all(dir.path().join("work/in")).unwrap();
        Self::open(dir).await
    }

    async fn open(dir: Arc<TempDir>) -> Self {
        let store = Store::open(&dir.path().join("data"), OpenOptions::default())
            .await
            .unwrap();
        let mut config = EngineConfig::new(store.clone(), Arc::new(baton_steps::catalog()));
        config.secrets = Secrets::new(|name| (name == "shop").then(|| SECRET.to_owned()));
        let engine = Engine::start(config).await.unwrap();
        engine.triggers().start();
        Self { dir, store, engine }
    }

    /// Ends as a process does that is killed, as far as the data folder can tell, and starts another one.
    async fn again(self) -> Self {
        let dir = self.close().await;
        Self::open(dir).await
    }

    async fn close(self) -> Arc<TempDir> {
        self.engine.close().await;
        drop(self.engine);
        self.store.close().await;
        self.dir
    }

    fn work(&self, path: &str) -> PathBuf {
        self.dir.path().join("work").join(path)
    }

    async fn activate(&self, workflow: Workflow) {
        let new = Activate {
            workflow: Arc::new(workflow),
            path: None,
            work_dir: self.work(""),
            input: None,
            only: None,
            by: "test".to_owned(),
        };
        self.engine.triggers().activate(new).await.unwrap();
    }

    async fn firings(&self) -> Vec<Firing> {
        let filter = FiringFilter {
            limit: 1_000,
            ..FiringFilter::default()
        };
        let (mut firings, _) = self.store.firings(&filter).await.unwrap();
        firings.reverse();
        firings
    }

    async fn runs(&self) -> Vec<RunRow> {
        let filter = RunFilter {
            limit: 1_000,
            ..RunFilter::default()
        };
        self.store.runs(filter).await.unwrap().0
    }

    /// Waits until so many runs have ended, and gives them.
    async fn ended(&self, count: usize) -> Vec<RunRow> {
        self.until("runs ended", async || {
            let runs = self.runs().await;
            let ended = runs.iter().filter(|run| run.ended_at.is_some()).count();
            (ended >= count).then_some(runs)
        })
        .await
    }

    async fn trouble(&self, part: &str) -> String {
        self.until(part, async || {
            let list = self.engine.triggers().list().await.unwrap();
            list.into_iter()
                .find_map(|state| state.trouble.filter(|trouble| trouble.contains(part)))
        })
        .await
    }

    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let found = async {
            let mut notices = self.engine.subscribe();
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                // Looked at again when something happened, and from time to time.
                drop(tokio::time::timeout(Duration::from_millis(20), notices.recv()).await);
            }
        };
        match tokio::time::timeout(Duration::from_secs(25), found).await {
            Ok(found) => found,
            Err(_) => panic!("waited for: {what}; {:#?}", self.firings().await),
        }
    }

    async fn input(&self, run: &str) -> Value {
        let events = self.store.events(run, 0, 10).await.unwrap();
        let input = events.iter().find_map(|logged| match &logged.event {
            Event::RunStarted { input, .. } => Some(input.clone()),
            _ => None,
        });
        input.unwrap()
    }

    /// Switches hooks on at a random port.
    async fn listen(&self) -> SocketAddr {
        let triggers = self.engine.triggers();
        triggers.listen_for_webhooks(Some(WebhookAddress::default()));
        triggers.webhooks_listening().await.unwrap()
    }
}

fn on_file(settings: &Value, steps: &Value, edges: &Value) -> Workflow {
    let mut trigger = json!({
        "id": "landed", "kind": "file", "folder": "in", "pattern": "*.csv", "stableFor": "0ms",
        "input": { "file": "{% trigger.payload.path %}" },
    });
    for (name, value) in settings.as_object().unwrap() {
        trigger[name] = value.clone();
    }
    workflow(json!({ "triggers": [trigger], "steps": steps, "edges": edges }))
}

fn one_step() -> Value {
    json!([{ "id": "s", "kind": "set_values", "with": { "values": { "n": 1 } } }])
}

fn on_request() -> Workflow {
    workflow(json!({
        "triggers": [{ "id": "order", "kind": "webhook", "secret": "shop",
            "input": { "order": "{% trigger.payload.body %}" } }],
        "steps": one_step(),
    }))
}

/// Sends a body, signed now; status and answer.
async fn send(address: SocketAddr, body: &str, headers: &str) -> (u16, Value) {
    let time = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, format!("{time}.{body}").as_bytes());
    let signature: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let request = format!(
        "POST /hooks/order HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\
         x-baton-timestamp: {time}\r\nx-baton-signature: sha256={signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn a_file_that_lands_starts_a_run_with_it() {
    let host = Host::new().await;
    host.activate(on_file(&json!({}), &one_step(), &json!([])))
        .await;
    std::fs::write(host.work("in/a.csv"), "x\n1\n").unwrap();
    let runs = host.ended(1).await;
    assert_eq!(host.input(&runs[0].id).await, json!({ "file": "in/a.csv" }));
    let firings = host.firings().await;
    assert_eq!(firings[0].payload["event"], "new");
    assert_eq!(firings[0].run, runs[0].id);
    host.close().await;
}

#[tokio::test]
async fn files_that_came_while_baton_was_closed_start_runs_once() {
    let host = Host::new().await;
    let flow = on_file(&json!({ "overlap": "allow" }), &one_step(), &json!([]));
    host.activate(flow).await;
    std::fs::write(host.work("in/a.csv"), "1").unwrap();
    host.ended(1).await;
    let dir = host.close().await;
    for index in 0..20 {
        std::fs::write(
            dir.path().join(format!("work/in/b{index}.csv")),
            index.to_string(),
        )
        .unwrap();
    }
    let host = Host::open(dir).await;
    host.ended(21).await;
    let host = host.again().await;
    std::fs::write(host.work("in/last.csv"), "1").unwrap();
    assert_eq!(host.ended(22).await.len(), 22);
    host.close().await;
}

#[tokio::test]
async fn what_a_workflow_writes_into_its_folder_does_not_start_it_again() {
    let host = Host::new().await;
    let steps = json!([
        { "id": "read", "kind": "read_table", "with": { "path": "{% input.file %}" } },
        { "id": "write", "kind": "write_table", "with": { "table": "{% steps.read %}", "path": "in/out.csv" } },
    ]);
    let mut flow = on_file(
        &json!({}),
        &steps,
        &json!([{ "from": "read", "to": "write" }]),
    );
    flow.triggers[0]
        .with
        .insert("pattern".to_owned(), json!("*.csv"));
    host.activate(flow).await;
    std::fs::write(host.work("in/a.csv"), "x\n1\n").unwrap();
    let skipped = host
        .until("its own file is skipped", async || {
            let firings = host.firings().await;
            firings
                .into_iter()
                .find(|firing| firing.state == FiringState::Skipped)
        })
        .await;
    let reason = skipped.reason.unwrap();
    assert!(
        reason.starts_with("own-file: `in/out.csv` was written by this workflow itself"),
        "{reason}"
    );
    // Somebody else may still replace it.
    let runs = host.ended(1).await;
    assert_eq!((runs.len(), runs[0].status.as_str()), (1, "succeeded"));
    std::fs::write(host.work("in/out.csv"), "x\n2\n").unwrap();
    host.ended(2).await;
    host.close().await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_trouble_of_its_trigger() {
    let host = Host::new().await;
    host.activate(on_file(
        &json!({ "folder": "none", "poll": "250ms" }),
        &one_step(),
        &json!([]),
    ))
    .await;
    let trouble = host.trouble("folder-missing").await;
    assert!(
        trouble.contains("`none`") && trouble.contains("create it"),
        "{trouble}"
    );
    std::fs::create_dir(host.work("none")).unwrap();
    std::fs::write(host.work("none/a.csv"), "1").unwrap();
    host.ended(1).await;
    host.close().await;
}

#[tokio::test]
async fn a_trigger_that_is_paused_or_taken_back_watches_nothing() {
    let host = Host::new().await;
    host.activate(on_file(&json!({}), &one_step(), &json!([])))
        .await;
    std::fs::write(host.work("in/a.csv"), "1").unwrap();
    host.ended(1).await;
    let triggers = host.engine.triggers();
    triggers.pause("test", None, "test").await.unwrap();
    std::fs::write(host.work("in/b.csv"), "1").unwrap();
    triggers.resume("test", None, "test").await.unwrap();
    // What came while it was paused is not lost.
    host.ended(2).await;
    triggers.deactivate("test", None, "test").await.unwrap();
    std::fs::write(host.work("in/c.csv"), "1").unwrap();
    // Long enough before it is activated again.
    let file = std::fs::File::options()
        .append(true)
        .open(host.work("in/c.csv"))
        .unwrap();
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(10))
        .unwrap();
    drop(file);
    let host = host.again().await;
    host.activate(on_file(&json!({}), &one_step(), &json!([])))
        .await;
    std::fs::write(host.work("in/d.csv"), "1").unwrap();
    host.ended(3).await;
    let files: Vec<Value> = host
        .firings()
        .await
        .into_iter()
        .map(|firing| firing.payload["name"].clone())
        .collect();
    assert_eq!(files, ["a.csv", "b.csv", "d.csv"]);
    host.close().await;
}

#[tokio::test]
async fn a_request_starts_a_run_with_its_body() {
    let host = Host::new().await;
    host.activate(on_request()).await;
    let address = host.listen().await;
    assert!(address.ip().is_loopback());
    let (status, answer) = send(address, r#"{"id":7}"#, "").await;
    assert_eq!(status, 202, "{answer}");
    let runs = host.ended(1).await;
    assert_eq!(answer["run"], runs[0].id);
    assert_eq!(
        host.input(&runs[0].id).await,
        json!({ "order": { "id": 7 } })
    );
    host.close().await;
}

#[tokio::test]
async fn what_was_answered_with_202_survives_the_end_of_the_process() {
    let mut host = Host::new().await;
    host.activate(on_request()).await;
    let mut promised = Vec::new();
    for round in 0..5 {
        let address = host.listen().await;
        for request in 0..4 {
            let (status, answer) =
                send(address, &format!(r#"{{"n":{round},"m":{request}}}"#), "").await;
            assert_eq!(status, 202);
            promised.push(answer["run"].as_str().unwrap().to_owned());
        }
        // At once after the answer.
        host = host.again().await;
    }
    let runs = host.ended(promised.len()).await;
    assert_eq!(runs.len(), promised.len());
    for run in promised {
        assert!(
            runs.iter()
                .any(|row| row.id == run && row.status == "succeeded"),
            "{run}"
        );
    }
    host.close().await;
}

#[tokio::test]
async fn the_same_delivery_is_one_run_also_after_a_restart() {
    let host = Host::new().await;
    host.activate(on_request()).await;
    let id = "idempotency-key: d-1\r\n";
    let (status, first) = send(host.listen().await, "1", id).await;
    assert_eq!(status, 202);
    let host = host.again().await;
    let (status, second) = send(host.listen().await, "1", id).await;
    assert_eq!(
        (status, &second["duplicate"], &second["run"]),
        (200, &json!(true), &first["run"])
    );
    assert_eq!(host.ended(1).await.len(), 1);
    host.close().await;
}

#[tokio::test]
async fn hooks_listen_only_while_they_are_wanted() {
    let host = Host::new().await;
    let triggers = host.engine.triggers();
    triggers.listen_for_webhooks(Some(WebhookAddress::default()));
    host.activate(on_request()).await;
    let address = triggers.webhooks_listening().await.unwrap();
    assert_eq!(send(address, "1", "").await.0, 202);
    triggers.pause("test", None, "test").await.unwrap();
    let paused = host
        .until("it says that it is paused", async || {
            let (status, answer) = send(address, "2", "").await;
            (status == 503).then_some(answer)
        })
        .await;
    assert_eq!(paused["code"], "webhook-paused");
    triggers.resume("test", None, "test").await.unwrap();
    triggers.listen_for_webhooks(None);
    let trouble = host.trouble("webhook-off").await;
    assert!(trouble.contains("switch them on"), "{trouble}");
    host.until("nobody listens", async || {
        TcpStream::connect(address).await.err()
    })
    .await;
    // A port that somebody else has.
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = other.local_addr().unwrap().port();
    triggers.listen_for_webhooks(Some(WebhookAddress {
        port,
        ..WebhookAddress::default()
    }));
    let trouble = host.trouble("webhook-port").await;
    assert!(trouble.contains(&port.to_string()), "{trouble}");
    triggers.deactivate("test", None, "test").await.unwrap();
    host.close().await;
}

#[tokio::test]
async fn a_secret_that_is_not_set_is_trouble_of_its_trigger() {
    let host = Host::new().await;
    let mut flow = on_request();
    flow.triggers[0]
        .with
        .insert("secret".to_owned(), json!("other"));
    host.activate(flow).await;
    let address = host.listen().await;
    let trouble = host.trouble("webhook-no-secret").await;
    assert!(trouble.contains("BATON_SECRET_OTHER"), "{trouble}");
    assert_eq!(send(address, "1", "").await.0, 503);
    host.close().await;
}
