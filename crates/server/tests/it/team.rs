//! A server for a team over a real Baton: every route and every command, for every role and for nobody.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use baton_api::{App, AppConfig, COMMAND_ROLES, Code, Role};
use baton_server::{Config, Proof, Route, Server, Team};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::support::{Answer, Request};

struct Office {
    app: App,
    server: Server,
    folder: TempDir,
}

impl Office {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        std::fs::create_dir(&work).unwrap();
        let app = App::open(AppConfig::new(folder.path().join("data"), work))
            .await
            .unwrap();
        let config = Config {
            data_dir: folder.path().join("data"),
            team: Some(Team {
                listen: "127.0.0.1:0".parse().unwrap(),
                tls: None,
                hosts: vec!["baton.example.com".to_owned()],
            }),
            metrics: Some("127.0.0.1:0".parse().unwrap()),
            ..Config::default()
        };
        let server = Server::start(Arc::new(app.clone()), config).await.unwrap();
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

    fn address(&self) -> String {
        let path = self.folder.path().join("data").join("server.json");
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(file.get("token"), None, "a team has tokens of its own");
        // The address that is shown is that of the proxy.
        assert_eq!(file["url"], "https://baton.example.com");
        self.server.local().to_string()
    }

    fn request(&self, method: &str, path: &str) -> Request {
        Request::new(&self.address(), method, path)
            .header("Host", "baton.example.com")
            .header("Connection", "close")
    }

    async fn rpc(&self, token: &str, name: &str, request: &Value) -> Answer {
        let path = format!("/api/rpc/{name}");
        self.request("POST", &path)
            .bearer(token)
            .json(request)
            .send()
            .await
    }
}

/// A request that fulfils everything but proof and role.
fn fitting(office: &Office, route: Route, command: &str) -> Request {
    let rule = route.rule();
    let path = rule
        .path
        .replace("{*path}", "a.js")
        .replace("{name}", command);
    let request = office.request(rule.method.as_str(), &path);
    match (rule.method.as_str(), rule.proof) {
        (_, Proof::CodeInBody) => request.json(&json!({ "code": "0" })),
        (_, Proof::TokenInBody) => request.json(&json!({ "token": "0" })),
        // The wrong form: what may be asked is refused as such, before anything happens.
        ("POST", _) => request.json(&json!("of the wrong form")),
        _ => request,
    }
}

#[tokio::test]
async fn every_route_and_command_keeps_to_its_role() {
    let office = Office::open().await;
    let mut senders = Vec::new();
    for role in Role::ALL {
        senders.push((Some(role), office.user(role.word(), &[role]).await));
    }
    let revoked = office.user("gone", &[Role::Admin]).await;
    office
        .app
        .call("user_token", json!({ "name": "gone" }))
        .await
        .unwrap();
    let removed = office.user("removed", &[Role::Admin]).await;
    office
        .app
        .call("user_remove", json!({ "name": "removed" }))
        .await
        .unwrap();
    let mut wrong = senders[4].1.clone();
    wrong.replace_range(
        wrong.len() - 1..,
        if wrong.ends_with('0') { "1" } else { "0" },
    );
    for (what, token) in [("revoked", revoked), ("removed", removed), ("wrong", wrong)] {
        assert_eq!(
            office.rpc(&token, "app_info", &json!({})).await.status,
            401,
            "{what}"
        );
        senders.push((None, token));
    }
    senders.push((None, String::new()));
    let mut cases = 0_u32;
    for route in Route::ALL {
        let all: Vec<(&str, Option<Role>)> = match route {
            Route::Rpc => COMMAND_ROLES
                .iter()
                .map(|(name, role)| (*name, Some(*role)))
                .collect(),
            _ => vec![("", route.rule().role)],
        };
        for (command, needed) in all {
            for (has, token) in &senders {
                // Each from an address of its own: whoever sends many wrong tokens is kept waiting.
                let [.., high, low] = u32::to_be_bytes(cases);
                let from = Ipv4Addr::new(127, 0, high + 1, low);
                let mut request = fitting(&office, route, command).from(from);
                if !token.is_empty() {
                    request = request.bearer(token);
                }
                let answer = request.send().await;
                let case = format!("{route:?} {command} by {has:?}: {}", answer.text());
                let proof = route.rule().proof;
                let may =
                    |role: Role, has: Role| has == role || has == Role::Admin || role == Role::View;
                match (proof, has) {
                    (Proof::Nothing, _) => {
                        assert!(matches!(answer.status, 200 | 404 | 503), "{case}")
                    }
                    // The proof is in the body, and it is wrong.
                    (Proof::CodeInBody | Proof::TokenInBody, _) => {
                        assert!(matches!(answer.status, 400 | 401), "{case}");
                    }
                    (_, None) => assert_eq!(answer.status, 401, "{case}"),
                    (Proof::Token, Some(_)) => assert_eq!(answer.status, 403, "{case}"),
                    (Proof::SessionOrToken, Some(has)) => {
                        if needed.is_none_or(|role| may(role, *has)) {
                            assert!(!matches!(answer.status, 401 | 403), "{case}");
                        } else {
                            assert_eq!(answer.status, 403, "{case}");
                            let error = answer.json();
                            assert_eq!(error["code"], "forbidden", "{case}");
                            let (message, hint) =
                                (error["message"].to_string(), error["hint"].to_string());
                            assert!(
                                message.contains(&format!("`{}`", needed.unwrap())),
                                "{case}"
                            );
                            assert!(hint.contains("administrator"), "{case}");
                        }
                    }
                }
                cases += 1;
            }
        }
    }
    assert!(cases > 500, "{cases} cases");
}

#[tokio::test]
async fn signing_in_opens_a_session_that_ends_with_the_token() {
    let office = Office::open().await;
    let token = office.user("mia", &[Role::View]).await;
    let answer = office
        .request("POST", "/api/sign-in")
        .json(&json!({ "token": format!(" {token}\n") }))
        .send()
        .await
        .json();
    assert_eq!(
        (&answer["name"], &answer["roles"]),
        (&json!("mia"), &json!(["view"]))
    );
    let session = answer["session"].as_str().unwrap().to_owned();
    let info = || {
        office
            .request("POST", "/api/rpc/app_info")
            .header("X-Baton-Session", &session)
            .json(&json!({}))
            .send()
    };
    let seen = info().await.json();
    assert_eq!(
        (&seen["person"], &seen["user"]["roles"]),
        (&json!("mia"), &json!(["view"]))
    );
    // A new role counts at once, and a token that was taken back as well.
    let roles = json!({ "name": "mia", "roles": ["run", "approve"] });
    office.app.call("user_roles", roles).await.unwrap();
    assert_eq!(
        info().await.json()["user"]["roles"],
        json!(["run", "approve"])
    );
    office
        .app
        .call("user_token", json!({ "name": "mia" }))
        .await
        .unwrap();
    let refused = info().await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.json()["message"].to_string().contains("taken back"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn a_stream_of_events_ends_with_the_token() {
    let office = Office::open().await;
    let token = office.user("mia", &[Role::View]).await;
    let mut stream = office
        .request("GET", "/api/events")
        .bearer(&token)
        .open()
        .await;
    let mut begun = vec![0; 4_096];
    let count = stream.read(&mut begun).await.unwrap();
    assert!(String::from_utf8_lossy(&begun[..count]).starts_with("HTTP/1.1 200"));
    office
        .app
        .call("user_remove", json!({ "name": "mia" }))
        .await
        .unwrap();
    let save = json!({ "workflow": "w", "name": "n", "value": "after" });
    let ended = async {
        let mut rest = Vec::new();
        let reading = stream.read_to_end(&mut rest);
        tokio::pin!(reading);
        loop {
            tokio::select! {
                read = &mut reading => return read.map(|_| ()),
                () = tokio::time::sleep(Duration::from_millis(100)) => {
                    office.app.call("input_save", save.clone()).await.unwrap();
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn many_wrong_tokens_are_answered_slowly_and_right_ones_at_once() {
    let office = Office::open().await;
    let token = office.user("mia", &[Role::View]).await;
    let sign_in = |token: &str| {
        let request = office.request("POST", "/api/sign-in");
        request.json(&json!({ "token": token })).send()
    };
    for _ in 0..10 {
        assert_eq!(sign_in("baton_guess").await.status, 401);
    }
    let begun = std::time::Instant::now();
    let held_back = sign_in("baton_guess").await;
    assert_eq!(
        (held_back.status, held_back.headers["retry-after"].as_str()),
        (429, "60")
    );
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(sign_in(&token).await.status, 200);
}

#[tokio::test]
async fn a_user_starts_what_the_server_keeps_and_reaches_no_other_folder() {
    let office = Office::open().await;
    let editor = office.user("eve", &[Role::Edit]).await;
    let runner = office.user("rob", &[Role::Run]).await;
    let document = json!({
        "format": 1, "id": "sum", "name": "Sum",
        "steps": [{ "id": "a", "kind": "set_values", "with": { "values": { "x": 1 } } }], "edges": []
    });
    let start = json!({ "document": document, "input": null });
    let refused = office.rpc(&runner, "run_start", &start).await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.json()["message"]
            .to_string()
            .contains("does not keep")
    );
    // A push is the act of an editor; then it may be started, and the history shows by whom.
    let push = json!({ "document": document, "base": 0 });
    assert_eq!(
        office.rpc(&runner, "workflow_push", &push).await.status,
        403
    );
    let pushed = office.rpc(&editor, "workflow_push", &push).await.json();
    assert_eq!(pushed["line"]["pushedBy"], "eve");
    let run = office.rpc(&runner, "run_start", &start).await.json()["run"].clone();
    let view = office
        .rpc(&runner, "run_get", &json!({ "run": run }))
        .await
        .json();
    assert_eq!(view["summary"]["by"], "rob", "{view:#}");

    let work = office.folder.path().join("work");
    std::fs::write(
        office.folder.path().join("secret.baton.json"),
        document.to_string(),
    )
    .unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(office.folder.path(), work.join("out")).unwrap();
    std::fs::write(work.join("sum.baton.json"), document.to_string()).unwrap();
    let open = |path: &Path| json!({ "path": path });
    let status = async |path: &str| {
        office
            .rpc(&editor, "workflow_open", &open(Path::new(path)))
            .await
            .status
    };
    assert_eq!(status("sum.baton.json").await, 200);
    for path in [
        "../secret.baton.json",
        "out/secret.baton.json",
        "/etc/passwd",
    ] {
        assert_eq!(status(path).await, 403, "{path}");
    }
    let write = json!({ "path": "out/new.txt", "text": "x" });
    assert_eq!(office.rpc(&editor, "text_save", &write).await.status, 403);
    assert!(!office.folder.path().join("new.txt").exists());
}

#[tokio::test]
async fn answers_carry_the_name_of_whoever_gave_them() {
    let office = Office::open().await;
    let approver = office.user("ann", &[Role::Approve]).await;
    let document = json!({
        "format": 1, "id": "ask", "name": "Ask",
        "steps": [{ "id": "ask", "kind": "approval", "with": { "to": ["all"], "question": "Go on?" } }], "edges": []
    });
    let start = json!({ "document": document, "input": null });
    let run = office.app.call("run_start", start).await.unwrap()["run"].clone();
    let item = loop {
        let inbox = office.rpc(&approver, "inbox_list", &json!({})).await.json();
        match inbox["items"].get(0) {
            Some(item) => break item.clone(),
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let mut decide = json!({
        "run": run, "step": "ask", "decision": "approved",
        "evidenceDigest": item["question"]["evidenceDigest"], "by": "somebody else"
    });
    let refused = office.rpc(&approver, "approval_decide", &decide).await;
    assert_eq!(refused.json()["code"], json!(Code::Forbidden));
    decide.as_object_mut().unwrap().remove("by");
    assert_eq!(
        office
            .rpc(&approver, "approval_decide", &decide)
            .await
            .status,
        200
    );
    let events = office
        .rpc(&approver, "run_events", &json!({ "run": run }))
        .await
        .text();
    assert!(events.contains("\"by\":\"ann\""), "{events}");
}

#[tokio::test]
async fn watchers_learn_whether_it_lives_can_work_and_what_it_did() {
    let office = Office::open().await;
    let token = office.user("prometheus", &[Role::View]).await;
    assert_eq!(office.request("GET", "/healthz").send().await.status, 200);
    let ready = office.request("GET", "/readyz").send().await;
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({ "isReady": true, "obstacles": [] }))
    );
    let document = json!({
        "format": 1, "id": "sum", "name": "Sum",
        "steps": [{ "id": "a", "kind": "set_values", "with": { "values": { "x": 1 } } }], "edges": []
    });
    let start = json!({ "document": document, "input": null });
    let run = office.app.call("run_start", start).await.unwrap()["run"].clone();
    while office
        .app
        .call("run_get", json!({ "run": run }))
        .await
        .unwrap()["status"]
        != "succeeded"
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(office.request("GET", "/metrics").send().await.status, 401);
    let answer = office
        .request("GET", "/metrics")
        .bearer(&token)
        .send()
        .await;
    assert!(answer.headers["content-type"].starts_with("application/openmetrics-text"));
    let text = answer.text();
    let has = |line: &str| assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
    has("baton_runs_started_total 1");
    has("baton_runs_ended_total{outcome=\"succeeded\"} 1");
    has("baton_runs_open 0");
    has("baton_steps_total{what=\"succeeded\"} 1");
    has("baton_approvals_waiting 0");
    has("baton_http_requests_total{route=\"/healthz\",code=\"200\"} 1");
    has("baton_http_requests_total{route=\"/metrics\",code=\"401\"} 1");
    assert!(text.ends_with("# EOF\n"));
    // The classes of a histogram only rise, and the last one counts all.
    let commits: Vec<u64> = text
        .lines()
        .filter(|line| line.starts_with("baton_commit_seconds_bucket"))
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect();
    assert!(commits.is_sorted() && commits.len() > 5, "{commits:?}");
    has(&format!(
        "baton_commit_seconds_count {}",
        commits.last().unwrap()
    ));

    // Without a token on an address of its own, by its own name alone.
    let address = office.server.metrics().unwrap().to_string();
    let scrape = |host: &str| {
        Request::new(&address, "GET", "/metrics")
            .header("Host", host)
            .header("Connection", "close")
            .send()
    };
    assert_eq!(scrape(&address).await.status, 200);
    assert_eq!(scrape("evil.example").await.status, 421);

    // Whoever may only look is not ready for work, and says why.
    let folder = office.folder.path();
    let looking = App::open(AppConfig {
        read_only: true,
        ..AppConfig::new(folder.join("data"), folder.join("work"))
    });
    let looking = looking.await.unwrap();
    let ready = looking.call("ready_get", json!({})).await.unwrap();
    assert_eq!(ready["isReady"], false);
    assert_eq!(ready["obstacles"][0]["code"], "read-only");

    office.app.wind_down(Duration::from_secs(5)).await;
    let ready = office.request("GET", "/readyz").send().await;
    assert_eq!(
        (ready.status, &ready.json()["obstacles"]),
        (503, &json!(["stopping"]))
    );
    assert_eq!(office.request("GET", "/healthz").send().await.status, 200);
}
