//! Another Baton as a target, both real: what is started there is told here, and everything that can stand in between.
#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails fails the test that called it"
)]

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use baton_api::runs::RunStatus;
use baton_api::{ApiError, App, AppConfig, BackendEvent, Code, Role};
use baton_engine::{Clock, ManualClock, SystemClock};
use baton_server::{Config, Server, Team, TlsFiles};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;

const PATIENCE: Duration = Duration::from_secs(20);

/// A Baton that serves a team.
struct There {
    app: App,
    server: Server,
    folder: TempDir,
}

impl There {
    async fn open(tls: Option<TlsFiles>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = AppConfig::new(folder.path().join("data"), folder.path());
        let app = App::open(config).await.unwrap();
        let server = serve(&app, folder.path(), "127.0.0.1:0".parse().unwrap(), tls).await;
        Self {
            app,
            server,
            folder,
        }
    }

    async fn user(&self, name: &str, roles: &[Role]) -> String {
        let request = json!({ "name": name, "roles": roles });
        let made = self.app.call("user_add", request).await.unwrap();
        made["token"].as_str().unwrap().to_owned()
    }

    async fn close(self) {
        self.server.stop().await;
        self.app.shutdown().await;
    }
}

async fn serve(app: &App, folder: &Path, listen: SocketAddr, tls: Option<TlsFiles>) -> Server {
    let config = Config {
        data_dir: folder.join("data"),
        team: Some(Team {
            listen,
            hosts: Vec::new(),
            tls,
        }),
        ..Config::default()
    };
    Server::start(Arc::new(app.clone()), config).await.unwrap()
}

/// The Baton of this computer.
struct Here {
    app: App,
    events: Receiver<BackendEvent>,
    _folder: TempDir,
}

impl Here {
    async fn open() -> Self {
        Self::with_clock(Arc::new(SystemClock)).await
    }

    async fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = AppConfig {
            clock,
            ..AppConfig::new(folder.path().join("data"), folder.path())
        };
        let app = App::open(config).await.unwrap();
        let events = app.subscribe();
        Self {
            app,
            events,
            _folder: folder,
        }
    }

    async fn keep(&self, url: &str, ca: Option<&Path>, token: &str) {
        let place = json!({ "kind": "server", "url": url, "ca": ca });
        let request = json!({ "name": "Prod", "place": place, "secret": token });
        self.app.call("target_add", request).await.unwrap();
    }

    async fn ask(&self, command: &str, request: Value) -> Result<Value, ApiError> {
        let request = json!({ "target": "prod", "command": command, "request": request });
        let answer = self.app.call("target_call", request).await?;
        Ok(answer["value"].clone())
    }

    async fn check(&self) -> Value {
        let request = json!({ "target": "prod" });
        self.app.call("target_check", request).await.unwrap()
    }

    /// Waits for what is told about the target.
    async fn told(&mut self, what: &str, is_it: impl Fn(&BackendEvent) -> bool) {
        let waiting = async {
            loop {
                match self.events.recv().await.unwrap() {
                    BackendEvent::Target { target, event } => {
                        assert_eq!(target, "prod");
                        assert!(
                            !matches!(*event, BackendEvent::Notification { .. }),
                            "notifications are for people there"
                        );
                        if is_it(&event) {
                            return;
                        }
                    }
                    BackendEvent::TargetsChanged => {}
                    other => panic!("nothing happens here: {other:?}"),
                }
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("never told: {what}"));
    }
}

fn asking() -> Value {
    json!({
        "format": 1, "id": "ask", "name": "Ask",
        "steps": [
            { "id": "tell", "kind": "notify", "with": { "title": "a", "message": ["b"] } },
            { "id": "ask", "kind": "approval", "with": { "to": ["all"], "question": "Go on?" } }
        ],
        "edges": [{ "from": "tell", "to": "ask" }]
    })
}

fn codes(checked: &Value) -> Vec<&str> {
    let findings = checked["findings"].as_array().unwrap().iter();
    let bad = findings.filter(|finding| finding["ok"] == false);
    bad.map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn what_runs_there_is_told_here_and_answered_from_here() {
    let there = There::open(None).await;
    let token = there
        .user("eve", &[Role::Edit, Role::Run, Role::Approve])
        .await;
    let mut here = Here::open().await;
    here.keep(there.server.url(), None, &token).await;
    let checked = here.check().await;
    assert_eq!(
        (&checked["ok"], codes(&checked)),
        (&json!(true), vec![]),
        "{checked:#}"
    );
    assert_eq!(
        checked["can"],
        json!({ "reset": false, "pause": true, "person": "eve" })
    );

    let listed = here.ask("run_list", json!({})).await.unwrap();
    assert_eq!(listed["total"], 0);
    here.told("the stream is there", |event| {
        matches!(event, BackendEvent::Lagged)
    })
    .await;
    // A file of this computer means nothing there, and is not told.
    let start =
        json!({ "document": asking(), "path": "ask.baton.json", "workDir": ".", "input": {} });
    let digest = baton_core::document::digest(
        &baton_core::document::parse(&asking().to_string())
            .unwrap()
            .workflow,
    );
    here.app
        .call("workflow_trust", json!({ "digest": digest }))
        .await
        .unwrap();
    let run = here.ask("run_start", start).await.unwrap()["run"].clone();
    let id = run.as_str().unwrap().to_owned();
    here.told("it waits", |event| match event {
        BackendEvent::RunAdvanced { summary, .. } => {
            assert_eq!(
                (summary.id.as_str(), summary.path.as_deref()),
                (id.as_str(), None)
            );
            summary.status == RunStatus::Waiting
        }
        _ => false,
    })
    .await;
    let inbox = here.ask("inbox_list", Value::Null).await.unwrap();
    let item = &inbox["items"][0];
    let decide = json!({
        "run": run, "step": "ask", "decision": "approved",
        "evidenceDigest": item["question"]["evidenceDigest"]
    });
    here.ask("approval_decide", decide.clone()).await.unwrap();
    here.told("it succeeded", |event| {
        matches!(event, BackendEvent::RunAdvanced { summary, .. } if summary.status == RunStatus::Succeeded)
    })
    .await;
    // What the target answers stays as it is.
    let again = here
        .ask("approval_decide", decide.clone())
        .await
        .unwrap_err();
    let itself = there.app.call("approval_decide", decide).await.unwrap_err();
    assert_eq!(
        (again.code, &again.message),
        (Code::AlreadyEnded, &itself.message)
    );
    let log = here.ask("run_events", json!({ "run": run })).await.unwrap();
    assert!(log.to_string().contains("\"by\":\"eve\""), "{log}");
    assert_eq!(
        here.app.call("run_list", json!({})).await.unwrap()["total"],
        0
    );

    let start = json!({ "document": asking(), "input": {} });
    let run = here.ask("run_start", start).await.unwrap()["run"].clone();
    here.ask("run_cancel", json!({ "run": run, "undo": true }))
        .await
        .unwrap();
    here.told("it is cancelled", |event| {
        matches!(event, BackendEvent::RunAdvanced { summary, .. } if summary.status == RunStatus::Cancelled)
    })
    .await;
    here.app.shutdown().await;
    there.close().await;
}

#[tokio::test]
async fn tokens_and_roles_are_those_of_the_server() {
    let there = There::open(None).await;
    let token = there.user("vic", &[Role::View]).await;
    let mut here = Here::open().await;
    let mut wrong = token.clone();
    wrong.replace_range(
        wrong.len() - 1..,
        if wrong.ends_with('0') { "1" } else { "0" },
    );
    here.keep(there.server.url(), None, &wrong).await;
    let refused = here.ask("run_list", json!({})).await.unwrap_err();
    assert_eq!(refused.code, Code::TargetRefused);
    assert!(refused.message.starts_with("target `Prod`: ") && refused.hint.is_some());
    assert_eq!(codes(&here.check().await), ["token"]);

    let change = json!({ "id": "prod", "name": "Prod", "secret": token,
        "place": { "kind": "server", "url": there.server.url() } });
    here.app.call("target_add", change).await.unwrap();
    here.ask("run_list", json!({})).await.unwrap();
    here.told("the stream is there", |event| {
        matches!(event, BackendEvent::Lagged)
    })
    .await;
    let start = json!({ "document": asking(), "input": {} });
    let low = here.ask("run_start", start.clone()).await.unwrap_err();
    assert_eq!(low.code, Code::Forbidden);
    assert!(low.message.contains("`run`"), "{}", low.message);
    let checked = here.check().await;
    assert_eq!(checked["ok"], false);
    assert_eq!(codes(&checked), ["role-run", "role-approve", "role-edit"]);
    // Run alone starts what is kept there, and nothing else.
    let roles = json!({ "name": "vic", "roles": ["run"] });
    there.app.call("user_roles", roles).await.unwrap();
    let unknown = here.ask("run_start", start.clone()).await.unwrap_err();
    assert!(
        unknown.message.contains("does not keep"),
        "{}",
        unknown.message
    );
    let push = json!({ "document": asking(), "base": 0 });
    there.app.call("workflow_push", push).await.unwrap();
    here.told("a push there", |event| {
        matches!(event, BackendEvent::WorkflowsChanged)
    })
    .await;
    here.ask("run_start", start).await.unwrap();

    // Taken back: the stream ends with the next thing that happens, and calls are refused.
    there
        .app
        .call("user_remove", json!({ "name": "vic" }))
        .await
        .unwrap();
    let refused = here.ask("run_list", json!({})).await.unwrap_err();
    assert_eq!(refused.code, Code::TargetRefused);
    here.app.shutdown().await;
    there.close().await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_said_and_found_again() {
    let there = There::open(None).await;
    let token = there.user("eve", &[Role::Edit, Role::Run]).await;
    let mut here = Here::open().await;
    let url = there.server.url().to_owned();
    here.keep(&url, None, &token).await;
    here.ask("run_list", json!({})).await.unwrap();
    here.told("the stream is there", |event| {
        matches!(event, BackendEvent::Lagged)
    })
    .await;
    let There {
        app,
        server,
        folder,
    } = there;
    let listen = server.local();
    server.stop().await;
    here.told("the stream broke", |event| {
        matches!(event, BackendEvent::Lagged)
    })
    .await;
    let gone = here.ask("run_list", json!({})).await.unwrap_err();
    assert_eq!(gone.code, Code::TargetUnreachable);
    assert!(
        gone.message.contains(&url) && gone.hint.is_some(),
        "{gone:?}"
    );
    assert_eq!(codes(&here.check().await), ["server-unreachable"]);
    let start = json!({ "document": asking(), "input": {} });
    let lost = here.ask("run_start", start.clone()).await.unwrap_err();
    assert!(lost.hint.unwrap().contains("may have been carried out"));

    let server = serve(&app, folder.path(), listen, None).await;
    here.told("the stream is back", |event| {
        matches!(event, BackendEvent::Lagged)
    })
    .await;
    here.ask("run_start", start).await.unwrap();
    here.told("something runs", |event| {
        matches!(event, BackendEvent::RunAdvanced { .. })
    })
    .await;
    // Forgotten: nothing is told any more.
    here.app
        .call("target_remove", json!({ "target": "prod" }))
        .await
        .unwrap();
    here.app.shutdown().await;
    server.stop().await;
    app.shutdown().await;
}

#[tokio::test]
async fn certificates_and_clocks_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    let key = KeyPair::generate().unwrap();
    let files = TlsFiles {
        cert: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    let certificate = params.self_signed(&key).unwrap().pem();
    std::fs::write(&files.cert, certificate).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    let there = There::open(Some(files.clone())).await;
    let token = there.user("eve", &[Role::Admin]).await;
    let url = format!("https://localhost:{}", there.server.local().port());

    let here = Here::open().await;
    here.keep(&url, Some(&files.cert), &token).await;
    let checked = here.check().await;
    assert_eq!(
        (&checked["ok"], codes(&checked)),
        (&json!(true), vec![]),
        "{checked:#}"
    );
    assert!(
        checked["findings"]
            .to_string()
            .contains("certificate is good for")
    );
    assert_eq!(here.ask("run_list", json!({})).await.unwrap()["total"], 0);
    // Nobody vouches for it: the token is not sent.
    let tried = json!({ "name": "x", "secret": token, "place": { "kind": "server", "url": url } });
    let tried = here.app.call("target_try", tried).await.unwrap();
    assert_eq!(
        (&tried["ok"], codes(&tried)),
        (&json!(false), vec!["certificate"])
    );
    assert!(
        tried["findings"][0]["hint"]
            .to_string()
            .contains("authority")
    );
    assert_eq!(
        here.app.call("target_list", json!({})).await.unwrap()["targets"][0]["name"],
        "Prod"
    );
    here.app.shutdown().await;

    // In the eyes of a computer whose clock says that it is 2099, a week before the end.
    let here = Here::with_clock(Arc::new(ManualClock::new(
        4_102_444_800_000 - 7 * 86_400_000,
    )))
    .await;
    here.keep(&url, Some(&files.cert), &token).await;
    let checked = here.check().await;
    assert_eq!(
        codes(&checked),
        ["certificate-expires", "clock"],
        "{checked:#}"
    );
    assert!(
        checked["findings"]
            .to_string()
            .contains("expires in 7 days")
    );
    here.app.shutdown().await;
    there.close().await;
}

/// Answers in turn, as whatever it likes.
fn pretend(answers: Vec<(&'static str, Value)>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4_096];
            let _ = stream.read(&mut head);
            let body = body.to_string();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[tokio::test]
async fn what_is_another_version_or_no_baton_is_told_apart() {
    let health = json!({ "name": "baton", "version": "0.0.9" });
    let unknown =
        json!({ "code": "unknown-command", "message": "there is no command `inbox_list`" });
    let url = pretend(vec![("200 OK", health.clone()), ("404 Not Found", unknown)]);
    let here = Here::open().await;
    here.keep(&url, None, "baton_x").await;
    let error = here.ask("inbox_list", json!({})).await.unwrap_err();
    assert_eq!(error.code, Code::TargetDiffers);
    assert!(
        error.message.starts_with("target `Prod`: "),
        "{}",
        error.message
    );
    assert!(error.hint.unwrap().contains("Baton 0.0.9"));

    let url = pretend(vec![("200 OK", health), ("200 OK", json!([1, 2]))]);
    let place = json!({ "kind": "server", "url": url });
    let tried = json!({ "name": "Old", "place": place, "secret": "baton_x" });
    let tried = here.app.call("target_try", tried).await.unwrap();
    assert_eq!(tried["ok"], false);
    assert_eq!(codes(&tried), ["other-build", "other-build"], "{tried:#}");

    let url = pretend(vec![("200 OK", json!("hi"))]);
    let place = json!({ "kind": "server", "url": url });
    let tried = json!({ "name": "Web", "place": place, "secret": "baton_x" });
    let tried = here.app.call("target_try", tried).await.unwrap();
    assert_eq!(codes(&tried), ["not-baton"]);
    here.app.shutdown().await;
}
