//! A server for a team as a real process: who gets in, how it stops in the middle of work, what it logs; and workflows that
//! are pushed to it and pulled from it.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Desk, Said, set};

/// A server that runs, and ends with the test.
pub(crate) struct Serving {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    ready: Value,
}

impl Serving {
    pub(crate) fn start(desk: &Desk, more: &[&str]) -> Self {
        let mut arguments = vec!["serve", "--json", "--no-open"];
        arguments.extend(more);
        let mut child = desk.command(&arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(Ok(line)) = lines.next() else {
            let mut said = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            panic!("it did not start: {said}");
        };
        let ready = serde_json::from_str::<Value>(&line).unwrap()["ready"].clone();
        Self {
            child,
            lines,
            ready,
        }
    }

    pub(crate) fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }

    pub(crate) fn host(&self) -> &str {
        self.url().split_once("://").unwrap().1
    }

    fn ask(&self, head: &str, token: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        let (host, length) = (self.host(), body.len());
        let request = format!(
            "{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn call(&self, token: &str, name: &str, request: &Value) -> Value {
        let answer = self.ask(
            &format!("POST /api/rpc/{name}"),
            token,
            &request.to_string(),
        );
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; gives the exit code, the last line and what it logged.
    fn ended(mut self) -> (Option<i32>, Value, String) {
        let last = self.lines.by_ref().map(Result::unwrap).last();
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        let code = self.child.wait().unwrap().code();
        let last = last.map_or(Value::Null, |line| serde_json::from_str(&line).unwrap());
        (code, last, log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn until(what: &str, is_right: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_right() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn add(desk: &Desk, name: &str, roles: &[&str]) -> String {
    let mut arguments = vec!["users", "add", name, "--json"];
    for role in roles {
        arguments.extend(["--role", role]);
    }
    let made = desk.baton(&arguments).expect(0).json();
    made["token"].as_str().unwrap().to_owned()
}

#[test]
fn users_are_added_listed_changed_and_removed() {
    let desk = Desk::new();
    let first = add(&desk, "mia", &["view", "run"]);
    assert!(first.starts_with("baton_") && first.len() == 79, "{first}");
    let again = desk
        .baton(&["users", "add", "MIA", "--role", "view", "--json"])
        .expect(1);
    assert_eq!(again.error()["code"], "conflict");
    let listed = desk.baton(&["users", "list", "--json"]).expect(0).json();
    assert_eq!(listed["users"][0]["roles"], json!(["view", "run"]));
    assert!(
        !listed.to_string().contains(&first[15..]),
        "a token is shown once"
    );
    desk.baton(&["users", "roles", "mia", "--role", "admin"])
        .expect(0);
    let second = desk.baton(&["users", "token", "mia"]).expect(0);
    assert!(second.out.contains("baton_") && !second.out.contains(&first));
    desk.baton(&["users", "remove", "mia"]).expect(0);
    let gone = desk.baton(&["users", "token", "mia", "--json"]).expect(2);
    assert_eq!(gone.error()["code"], "not-found");
    for wrong in [
        &["users", "add", "a b", "--role", "view"][..],
        &["users", "add", "x", "--role", "boss"],
    ] {
        desk.baton(wrong).expect(2);
    }
    // Nothing of a token is in the data folder but its hash.
    for entry in std::fs::read_dir(desk.data()).unwrap().flatten() {
        if let Ok(bytes) = std::fs::read(entry.path()) {
            let secret = &first.as_bytes()[15..];
            assert!(
                !bytes.windows(secret.len()).any(|part| part == secret),
                "{entry:?}"
            );
        }
    }
}

#[test]
fn a_server_for_a_team_says_what_it_needs() {
    let desk = Desk::new();
    let code = |arguments: &[&str]| {
        let mut all = vec!["serve", "--json", "--no-open"];
        all.extend(arguments);
        desk.baton(&all).expect(2).error()["code"].clone()
    };
    assert_eq!(code(&["--listen", "127.0.0.1:0"]), "no-users");
    add(&desk, "mia", &["admin"]);
    assert_eq!(code(&["--listen", "0.0.0.0:0"]), "tls-needed");
    assert_eq!(
        code(&["--listen", "127.0.0.1:0", "--metrics-listen", "0.0.0.0:0"]),
        "metrics-address"
    );
    assert_eq!(
        code(&["--listen", "127.0.0.1:0", "--host", "https://x"]),
        "host-name"
    );
    let missing = [
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        "no.pem",
        "--tls-key",
        "no.key",
    ];
    assert_eq!(code(&missing), "tls-unreadable");
    assert!(!desk.data().join("server.json").exists());
}

/// Two steps that write a line when they begin and when they end; the first goes on until there is a file `go`.
fn slow(desk: &Desk) -> Value {
    let step = |id: &str, script: &str| json!({ "id": id, "kind": "run_command", "with": { "program": "sh", "args": ["-c", script] } });
    let first = "echo a >> began; until [ -e go ]; do sleep 0.02; done; echo a >> ended";
    let file = desk.workflow(
        "slow",
        &json!([
            step("a", first),
            step("b", "echo b >> began; echo b >> ended")
        ]),
        &json!([{ "from": "a", "to": "b" }]),
    );
    serde_json::from_str(&std::fs::read_to_string(desk.path(&file)).unwrap()).unwrap()
}

fn lines_of(desk: &Desk, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(desk.path(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_stop_lets_the_step_end_begins_no_other_and_loses_nothing() {
    let desk = Desk::new();
    let document = slow(&desk);
    let token = add(&desk, "eve", &["edit", "run"]);
    let team = [
        "--listen",
        "127.0.0.1:0",
        "--log-format",
        "json",
        "--grace",
        "30s",
    ];
    let server = Serving::start(&desk, &team);
    let request = json!({ "document": document, "input": { "secret": "canary-4711" } });
    let run = server.call(&token, "run_start", &request)["run"].clone();
    until("the first step begins", || {
        lines_of(&desk, "began") == ["a"]
    });
    server.signal("-TERM");
    let host = server.host().to_owned();
    until("it takes no more", || TcpStream::connect(&host).is_err());
    assert_eq!(lines_of(&desk, "ended"), [""; 0]);
    std::fs::write(desk.path("go"), "").unwrap();
    let (code, last, log) = server.ended();
    assert_eq!(
        (code, &last["stopped"]["owner"]),
        (Some(0), &Value::Null),
        "{log}"
    );
    assert_eq!(
        (lines_of(&desk, "began"), lines_of(&desk, "ended")),
        (vec!["a".to_owned()], vec!["a".to_owned()])
    );

    // One JSON object a line, with run and step, and nothing that they worked with.
    let logged: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let has = |event: &str, step: &str| {
        logged
            .iter()
            .any(|line| line["event"] == event && line["step"] == step && line["run"] == 1)
    };
    assert!(
        has("StepStarted", "a") && has("StepSucceeded", "a") && !has("StepStarted", "b"),
        "{log}"
    );
    assert!(
        !log.contains("canary-4711") && !log.contains(&token),
        "{log}"
    );

    let id = run.as_str().unwrap();
    let shown = desk.baton(&["runs", "show", id, "--json"]).expect(0).json();
    assert_eq!(shown["summary"]["status"], "paused", "{shown:#}");

    // At the next start it goes on by itself, with the step that was not begun.
    let server = Serving::start(&desk, &["--listen", "127.0.0.1:0"]);
    let status = || server.call(&token, "run_get", &json!({ "run": run }))["status"].clone();
    until("the run ends", || status() == "succeeded");
    assert_eq!(
        (lines_of(&desk, "began"), lines_of(&desk, "ended")),
        (
            vec!["a".to_owned(), "b".to_owned()],
            vec!["a".to_owned(), "b".to_owned()]
        )
    );
    server.signal("-INT");
    assert_eq!(server.ended().0, Some(0));
    desk.baton(&["verify"]).expect(0);
}

#[test]
fn a_step_that_outlasts_the_grace_is_interrupted_and_asked_about() {
    let desk = Desk::new();
    let document = slow(&desk);
    let token = add(&desk, "eve", &["edit", "run"]);
    let server = Serving::start(&desk, &["--listen", "127.0.0.1:0", "--grace", "200ms"]);
    let request = json!({ "document": document, "input": null });
    let run = server.call(&token, "run_start", &request)["run"].clone();
    until("the first step begins", || {
        lines_of(&desk, "began") == ["a"]
    });
    server.signal("-TERM");
    assert_eq!(server.ended().0, Some(0));
    assert_eq!(lines_of(&desk, "ended"), [""; 0]);
    let server = Serving::start(&desk, &["--listen", "127.0.0.1:0"]);
    // It may have acted: a person says what became of it, in their own name.
    until("it asks", || {
        let inbox = server.call(&token, "inbox_list", &json!({}));
        inbox["items"][0]["isOutcome"] == true
    });
    let settle = json!({ "run": run, "step": "a", "answer": { "type": "done", "output": {} } });
    server.call(&token, "run_settle", &settle);
    until("the run ends", || {
        server.call(&token, "run_get", &json!({ "run": run }))["status"] == "succeeded"
    });
    let events = server
        .call(&token, "run_events", &json!({ "run": run }))
        .to_string();
    assert!(events.contains("\"by\":\"eve\""), "{events}");
    assert_eq!(lines_of(&desk, "began"), ["a", "b"]);
}

#[test]
fn what_a_team_asks_is_asked_of_the_owner_of_the_folder_too() {
    let desk = Desk::new();
    let token = add(&desk, "mia", &["view"]);
    let owner = Serving::start(&desk, &["--listen", "127.0.0.1:0"]);
    let door = Serving::start(&desk, &["--listen", "127.0.0.1:0"]);
    assert!(
        door.ready["owner"]
            .as_str()
            .unwrap()
            .contains("baton serve"),
        "{}",
        door.ready
    );
    let info = door.call(&token, "app_info", &json!({}));
    assert_eq!(
        (&info["person"], &info["user"]["roles"]),
        (&json!("mia"), &json!(["view"]))
    );
    let refused = door.ask("POST /api/rpc/safe_mode_leave", &token, "{}");
    assert!(
        refused.starts_with("HTTP/1.1 403") && refused.contains("`admin`"),
        "{refused}"
    );
    desk.baton(&["users", "remove", "mia"]).expect(0);
    assert!(
        door.ask("POST /api/rpc/app_info", &token, "{}")
            .starts_with("HTTP/1.1 401")
    );
    drop(owner);
}

/// A desk of somebody else, who reaches the server over HTTP.
pub(crate) fn remote(desk: &Desk, token: &str, arguments: &[&str]) -> Said {
    let output = desk.command(arguments).env("BATON_TOKEN", token).output();
    Said::of(output.unwrap())
}

fn orders(value: i32, more: &Value) -> String {
    let mut document = json!({
        "format": 1, "id": "orders", "name": "Orders",
        "triggers": [{ "id": "by_hand", "kind": "manual" }],
        "steps": [set("load", json!({ "x": value })), set("send", json!({ "y": 1 }))],
        "edges": [{ "from": "load", "to": "send" }]
    });
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    format!("{document:#}")
}

#[test]
fn revisions_are_pushed_and_pulled_with_what_changes_shown_first() {
    let (desk, here, there) = (Desk::new(), Desk::new(), Desk::new());
    let eve = add(&desk, "eve", &["edit"]);
    let tom = add(&desk, "tom", &["edit"]);
    let vic = add(&desk, "vic", &["view"]);
    let server = Serving::start(&desk, &["--listen", "127.0.0.1:0"]);
    let url = server.url();
    here.put("orders.baton.json", orders(1, &json!({})));

    let look = remote(
        &here,
        &eve,
        &["push", "orders.baton.json", "--to", url, "--dry-run"],
    )
    .expect(0);
    assert!(look.out.contains("orders is new"), "{}", look.out);
    let unsure = remote(
        &here,
        &eve,
        &["push", "orders.baton.json", "--to", url, "--json"],
    )
    .expect(1);
    assert_eq!(unsure.error()["code"], "not-confirmed");
    let first = ["push", "orders.baton.json", "--to", url, "--yes", "--json"];
    let refused = remote(&here, &vic, &first).expect(2);
    assert_eq!(refused.error()["code"], "forbidden");
    let pushed = remote(&here, &eve, &first).expect(0).json();
    assert_eq!(
        (&pushed["revision"], &pushed["isUnchanged"]),
        (&json!(1), &json!(false))
    );
    let again = remote(&here, &eve, &first).expect(0).json();
    assert_eq!(
        (&again["revision"], &again["isUnchanged"]),
        (&json!(1), &json!(true))
    );

    // Somebody else pulls it, changes it, pushes it, and activates it there.
    remote(&there, &tom, &["pull", "orders", "--from", url]).expect(0);
    let pulled = std::fs::read_to_string(there.path("orders.baton.json")).unwrap();
    let pushed_text = std::fs::read_to_string(here.path("orders.baton.json")).unwrap();
    let digest = |text: &str| {
        there.put("check.baton.json", text);
        there
            .baton(&["validate", "check.baton.json", "--json"])
            .json()["files"][0]["digest"]
            .clone()
    };
    assert_eq!(digest(&pulled), digest(&pushed_text));
    there.put("orders.baton.json", orders(2, &json!({ "edges": [] })));
    let shown = remote(
        &there,
        &tom,
        &["push", "orders.baton.json", "--to", url, "--dry-run"],
    )
    .expect(0);
    assert!(
        shown.out.contains("~ step load") && shown.out.contains("- edge load->send"),
        "{}",
        shown.out
    );
    let second = [
        "push",
        "orders.baton.json",
        "--to",
        url,
        "--yes",
        "--activate",
        "--json",
    ];
    let pushed = remote(&there, &tom, &second).expect(0).json();
    assert_eq!(
        (&pushed["revision"], &pushed["activated"]),
        (&json!(2), &json!(1))
    );

    // The server moved on since: refused with what is different, and nothing is lost on either side.
    here.put("orders.baton.json", orders(3, &json!({})));
    let late = remote(
        &here,
        &eve,
        &["push", "orders.baton.json", "--to", url, "--yes"],
    )
    .expect(1);
    assert!(
        late.out.contains("~ step load") && late.err.contains("`tom` pushed revision 2"),
        "{}{}",
        late.out,
        late.err
    );
    let named = remote(&here, &eve, &first).expect(1);
    assert_eq!(named.error()["code"], "server-moved");
    let over = remote(&here, &eve, &["pull", "orders", "--from", url, "--json"]).expect(1);
    assert_eq!(over.error()["code"], "not-confirmed");
    remote(&here, &eve, &["pull", "orders", "--from", url, "--yes"]).expect(0);
    here.put("orders.baton.json", orders(3, &json!({ "edges": [] })));
    let third = remote(&here, &eve, &first).expect(0).json();
    assert_eq!(third["revision"], 3);

    let listed = remote(&here, &vic, &["workflows", "--from", url, "--json"])
        .expect(0)
        .json();
    let line = &listed["workflows"][0];
    assert_eq!(
        (
            &line["last"]["revision"],
            &line["triggers"],
            &line["isBehind"]
        ),
        (&json!(3), &json!(1), &json!(true))
    );
    let revisions = remote(
        &here,
        &vic,
        &["workflows", "orders", "--from", url, "--json"],
    )
    .expect(0)
    .json();
    let by: Vec<_> = revisions["revisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["pushedBy"].clone())
        .collect();
    assert_eq!(by, ["eve", "tom", "eve"]);
    let old = remote(
        &here,
        &vic,
        &[
            "pull",
            "orders",
            "--from",
            url,
            "--revision",
            "1",
            "-o",
            "-",
        ],
    )
    .expect(0);
    assert_eq!(digest(&old.out), digest(&pushed_text));
    let local = desk.baton(&["workflows", "--json"]).expect(0).json();
    assert_eq!(local["workflows"][0]["last"]["revision"], 3);
}

#[test]
fn a_push_that_cannot_go_says_why() {
    let (desk, here) = (Desk::new(), Desk::new());
    let token = add(&desk, "eve", &["edit"]);
    let server = Serving::start(&desk, &["--listen", "127.0.0.1:0"]);
    let url = server.url();
    here.put("orders.baton.json", orders(1, &json!({})));
    here.put(
        "broken.baton.json",
        orders(
            1,
            &json!({ "edges": [{ "from": "load", "to": "nowhere" }] }),
        ),
    );
    let code = |token: &str, file: &str, url: &str, more: &[&str], exit: i32| {
        let mut arguments = vec!["push", file, "--to", url, "--yes", "--json"];
        arguments.extend(more);
        remote(&here, token, &arguments).expect(exit).error()["code"].clone()
    };
    let file = "orders.baton.json";
    assert_eq!(code(&token, "broken.baton.json", url, &[], 2), "invalid");
    assert_eq!(code("", file, url, &[], 2), "no-token");
    assert_eq!(code("baton_stolen", file, url, &[], 2), "unauthorized");
    assert_eq!(
        code(&token, file, "http://127.0.0.1:1", &[], 2),
        "server-unreachable"
    );
    assert_eq!(
        code(&token, file, "http://example.com", &[], 2),
        "tls-needed"
    );
    assert_eq!(code(&token, file, "nonsense", &[], 2), "wrong-address");
    assert_eq!(code(&token, file, url, &["--base", "4"], 1), "server-moved");
    assert_eq!(
        code(&token, file, url, &["--ca", "missing.pem"], 2),
        "ca-file"
    );
    // Something else that answers there.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", other.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        let mut head = [0; 1_024];
        let _ = stream.read(&mut head);
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
    });
    assert_eq!(code(&token, file, &address, &[], 2), "not-baton");
    answering.join().unwrap();
    let listed = remote(&here, &token, &["workflows", "--from", url, "--json"])
        .expect(0)
        .json();
    assert_eq!(listed["workflows"], json!([]), "nothing was kept");
}

#[test]
fn a_server_of_another_build_is_told_apart() {
    let here = Desk::new();
    here.put("orders.baton.json", orders(1, &json!({})));
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", other.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let unknown = json!({ "code": "unknown-command", "message": "there is no command `workflow_compare`" });
        for (status, body) in [
            ("200 OK", json!({ "name": "baton", "version": "0.0.9" })),
            ("404 Not Found", unknown),
        ] {
            let (mut stream, _) = other.accept().unwrap();
            let mut head = [0; 4_096];
            let _ = stream.read(&mut head);
            let body = body.to_string();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let arguments = ["push", "orders.baton.json", "--to", &url, "--yes", "--json"];
    let error = remote(&here, "baton_x", &arguments).expect(2).error();
    answering.join().unwrap();
    assert_eq!(error["code"], "other-build");
    assert!(error["hint"].to_string().contains("Baton 0.0.9"), "{error}");
}

#[test]
fn a_server_in_safe_mode_lives_and_is_not_ready() {
    let desk = Desk::new();
    let token = add(&desk, "mia", &["view"]);
    let arguments = [
        "serve",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
    ];
    let mut child = desk
        .command(&arguments)
        .env("BATON_SAFE_MODE", "on")
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let server = Serving {
        ready: serde_json::from_str::<Value>(&line).unwrap()["ready"].clone(),
        child,
        lines,
    };
    assert!(server.ready["safeMode"].is_string(), "{}", server.ready);
    let ready = server.ask("GET /readyz", "", "");
    assert!(
        ready.starts_with("HTTP/1.1 503") && ready.contains("[\"safe-mode\"]"),
        "{ready}"
    );
    assert!(
        server
            .ask("GET /healthz", "", "")
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        server
            .ask("GET /metrics", &token, "")
            .contains("\nbaton_safe_mode 1\n")
    );
    assert!(
        server.ready["metrics"]
            .as_str()
            .unwrap()
            .ends_with("/metrics")
    );
}
