//! Several programs on one data folder: one owns it, the others ask it, whoever is killed.
//!
//! `BATON_OWNER_ROUNDS` says how often the journeys that kill and race are made.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Desk, Said, set};

fn rounds(usual: usize) -> usize {
    let asked = std::env::var("BATON_OWNER_ROUNDS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(usual)
}

/// A browser server with a session; killed when it is dropped.
struct Serve {
    child: Child,
    host: String,
    session: String,
    _lines: BufReader<ChildStdout>,
}

impl Serve {
    fn start(desk: &Desk) -> Self {
        Self::ready(desk.command(&["serve", "--no-open"]).spawn().unwrap())
    }

    fn ready(mut child: Child) -> Self {
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let Some(link) = line.trim().strip_prefix("Baton is ready: http://") else {
            let mut said = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            panic!("no link: {line}{said}");
        };
        let (host, code) = link.split_once("/#code=").unwrap();
        let mut serve = Self {
            child,
            host: host.to_owned(),
            session: String::new(),
            _lines: lines,
        };
        let opened = serve
            .post("/api/session", &json!({ "code": code }))
            .unwrap();
        serve.session = opened["session"].as_str().unwrap().to_owned();
        serve
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let mut stream = TcpStream::connect(&self.host).map_err(|error| error.to_string())?;
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nX-Baton-Session: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            self.session,
            body.len()
        );
        stream
            .write_all(request.as_bytes())
            .map_err(|error| error.to_string())?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .map_err(|error| error.to_string())?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        if head.starts_with("HTTP/1.1 200") {
            serde_json::from_str(body).map_err(|error| error.to_string())
        } else {
            Err(body.to_owned())
        }
    }

    fn rpc(&self, name: &str, request: &Value) -> Result<Value, String> {
        self.post(&format!("/api/rpc/{name}"), request)
    }

    /// Who owns the folder, as this process knows it: itself if nobody else.
    fn owner(&self) -> String {
        let info = self.rpc("app_info", &json!({})).unwrap();
        match info["owner"].as_str() {
            Some(owner) => owner.to_owned(),
            None => format!("baton serve (process {})", self.child.id()),
        }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have been killed already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Takes the one that owns the folder out of `all`, after making sure that everybody names the same one.
fn take_owner(all: &mut Vec<Serve>) -> Serve {
    let named: Vec<String> = all.iter().map(Serve::owner).collect();
    assert!(named.iter().all(|name| *name == named[0]), "{named:?}");
    let of = |serve: &Serve| format!("baton serve (process {})", serve.child.id());
    let index = all.iter().position(|serve| of(serve) == named[0]);
    all.swap_remove(index.expect("the owner is one of them"))
}

#[test]
fn of_many_started_at_once_one_owns_the_folder_and_the_killed_are_followed() {
    let mut times = Vec::new();
    for _ in 0..rounds(2) {
        let desk = Desk::new();
        let started: Vec<Child> = (0..6)
            .map(|_| desk.command(&["serve", "--no-open"]).spawn().unwrap())
            .collect();
        let mut all: Vec<Serve> = started.into_iter().map(Serve::ready).collect();
        let mut number = 0;
        while all.len() > 1 {
            take_owner(&mut all).kill();
            let killed = Instant::now();
            for serve in &all {
                number += 1;
                let draft = json!({ "key": format!("d{number}"), "base": null,
                    "document": { "format": 1, "id": "d", "name": "d", "steps": [], "edges": [] } });
                serve.rpc("draft_put", &draft).unwrap();
            }
            times.push(killed.elapsed());
        }
        let drafts = all[0].rpc("draft_list", &json!({})).unwrap();
        assert_eq!(drafts["drafts"].as_array().unwrap().len(), number);
        drop(all);
        desk.baton(&["verify"]).expect(0);
    }
    // From the kill until every other one had its answer. A busy machine may stretch one of them.
    times.sort_unstable();
    let (middle, longest) = (times[times.len() / 2], times[times.len() - 1]);
    let words = format!(
        "{} takeovers: median {middle:?}, longest {longest:?}",
        times.len()
    );
    drop(writeln!(std::io::stderr(), "{words}"));
    assert!(
        middle < Duration::from_secs(1) && longest < Duration::from_secs(5),
        "{words}"
    );
}

#[test]
fn runs_that_are_started_at_once_are_all_carried_out_once() {
    for _ in 0..rounds(2) {
        let desk = Desk::new();
        let file = desk.chain();
        let started: Vec<Child> = (0..8)
            .map(|_| desk.command(&["run", &file, "--json"]).spawn().unwrap())
            .collect();
        for child in started {
            let said = Said::of(child.wait_with_output().unwrap()).expect(0);
            let lines = said.lines();
            let seqs: Vec<u64> = lines
                .iter()
                .filter_map(|line| line["seq"].as_u64())
                .collect();
            assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
            assert_eq!(lines.last().unwrap()["outcome"], "succeeded");
        }
        let listed = desk.baton(&["runs", "list", "--json"]).expect(0).json();
        assert_eq!(listed["total"], 8);
        for run in listed["runs"].as_array().unwrap() {
            assert_eq!(run["status"], "succeeded");
            let number = run["number"].to_string();
            let events = desk
                .baton(&["runs", "events", &number, "--json"])
                .expect(0)
                .lines();
            let starts = events
                .iter()
                .filter(|line| line["event"]["type"] == "StepStarted");
            assert!(starts.count() <= 10, "no step was started twice");
        }
        desk.baton(&["verify"]).expect(0);
    }
}

/// `before`, a wait, `after`.
fn slow(desk: &Desk) -> String {
    desk.workflow(
        "slow",
        &json!([
            set("before", json!({ "x": 1 })),
            { "id": "wait", "kind": "wait", "name": "Wait", "with": { "for": "1s" } },
            set("after", json!({ "x": 2 })),
        ]),
        &json!([{ "from": "before", "to": "wait" }, { "from": "wait", "to": "after" }]),
    )
}

#[test]
fn a_run_survives_the_owner_that_carried_it_out() {
    for _ in 0..rounds(1) {
        let desk = Desk::new();
        let file = slow(&desk);
        let owner = Serve::start(&desk);
        let mut running = desk.command(&["run", &file, "--json"]).spawn().unwrap();
        let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
        let mut seqs = Vec::new();
        loop {
            let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            seqs.extend(line["seq"].as_u64());
            if line["event"]["type"] == "WaitStarted" {
                break;
            }
        }
        owner.kill();
        let rest: Vec<Value> = lines
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect();
        assert_eq!(running.wait().unwrap().code(), Some(0), "{rest:?}");
        assert_eq!(rest.last().unwrap()["outcome"], "succeeded");
        seqs.extend(rest.iter().filter_map(|line| line["seq"].as_u64()));
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
        desk.baton(&["verify"]).expect(0);
    }
}

#[test]
fn everything_works_while_another_program_has_the_folder() {
    let desk = Desk::new();
    let owner = Serve::start(&desk);
    let name = format!("baton serve (process {})", owner.child.id());
    let waiting = desk.baton(&["run", &desk.question()]).expect(4);
    assert!(waiting.out.contains("ask"), "{}", waiting.out);
    let info = desk.baton(&["rpc", "app_info"]).expect(0).json();
    assert_eq!(info["owner"], name);
    desk.baton(&["approve", "1", "ask", "approved"]).expect(0);

    desk.baton(&["run", &desk.question()]).expect(4);
    desk.baton(&["resume", "2"]).expect(4);
    desk.baton(&["cancel", "2"]).expect(0);
    let failing = desk.workflow(
        "failing",
        &json!([{ "id": "f", "kind": "fail", "name": "F", "with": { "message": "no" } }]),
        &json!([]),
    );
    desk.baton(&["run", &failing]).expect(1);
    let doctor = desk.baton(&["doctor"]).out;
    assert!(
        doctor.contains(&format!("{name} owns the data folder")),
        "{doctor}"
    );

    // A further server is another door to the same folder.
    let second = Serve::start(&desk);
    assert_eq!(second.owner(), name);
    let runs = second.rpc("run_list", &json!({})).unwrap();
    assert_eq!(runs["total"], 3);
    drop(owner);
    assert_eq!(
        second.owner(),
        format!("baton serve (process {})", second.child.id())
    );
    drop(second);
    let doctor = desk.baton(&["doctor"]).out;
    assert!(
        doctor.contains("nobody; the next command owns it"),
        "{doctor}"
    );
}

#[test]
fn ctrl_c_of_a_client_cancels_its_run_at_the_owner() {
    let desk = Desk::new();
    let file = desk.workflow(
        "long",
        &json!([{ "id": "w", "kind": "wait", "name": "W", "with": { "for": "10m" } }]),
        &json!([]),
    );
    let _owner = Serve::start(&desk);
    let mut running = desk.command(&["run", &file, "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    while !lines.next().unwrap().unwrap().contains("WaitStarted") {}
    let pid = running.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let last: Value = serde_json::from_str(&lines.last().unwrap().unwrap()).unwrap();
    assert_eq!(last["outcome"], "cancelled");
    assert_eq!(running.wait().unwrap().code(), Some(3));
}

#[test]
fn a_folder_of_a_sync_program_is_refused_unless_it_is_insisted_on() {
    let desk = Desk::new();
    let file = desk.chain();
    let folder = desk.path("Dropbox/data");
    let folder = folder.to_str().unwrap();
    let error = desk
        .baton(&["run", &file, "--json", "--data", folder])
        .expect(2)
        .error();
    assert_eq!(error["code"], "store");
    assert!(
        error["message"].as_str().unwrap().contains("Dropbox"),
        "{error}"
    );
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("BATON_ALLOW_ANY_FOLDER=1")
    );
    assert!(!desk.path("Dropbox").exists(), "nothing was made there");
    let insisting = desk
        .command(&["run", &file, "--data", folder])
        .env("BATON_ALLOW_ANY_FOLDER", "1")
        .output()
        .unwrap();
    Said::of(insisting).expect(0);
}

/// Another account, if this test may become one; else it says why it was not made.
fn as_another_account(program: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
    let tried = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", program])
        .args(if program == "perl" {
            ["-e", "1"]
        } else {
            ["--version", "--help"]
        })
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match tried {
        Ok(status) if status.success() => {
            command.args(arguments);
            Some(command)
        }
        other => {
            let mut err = std::io::stderr();
            drop(writeln!(
                err,
                "skipped: no program can be run as another account here ({other:?})"
            ));
            None
        }
    }
}

/// Sends a greeting and prints the answer.
const GREET: &str = r#"
use Socket;
socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
connect($s, sockaddr_un($ARGV[0])) or die "connect: $!";
my $hello = '{"baton":1}';
syswrite($s, pack("N", length $hello) . $hello);
local $/;
print substr(<$s>, 4);
"#;

#[test]
fn another_account_is_turned_away_even_where_it_can_reach_the_socket() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let _owner = Serve::start(&desk);
    let socket = desk.data().join("owner/socket");
    let open = |path: &std::path::Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    };
    // The folder alone keeps others out.
    for folder in [desk.path(""), desk.data()] {
        open(&folder);
    }
    let name = socket.to_str().unwrap();
    let Some(mut greeting) = as_another_account("perl", &["-e", GREET, name]) else {
        return;
    };
    let said = Said::of(greeting.output().unwrap());
    assert!(said.err.contains("Permission denied"), "{}", said.err);

    // And where somebody opened it, the socket looks at the account.
    for path in [socket.parent().unwrap(), &socket] {
        open(path);
    }
    let said = Said::of(greeting.output().unwrap());
    assert!(
        said.out.contains("refused") && said.out.contains("another account"),
        "{}{}",
        said.out,
        said.err
    );
    // Nor does a client of that account talk to this owner.
    let program = env!("CARGO_BIN_EXE_baton");
    let data = desk.data();
    let ask = ["--data", data.to_str().unwrap(), "rpc", "app_info"];
    let Some(mut asking) = as_another_account(program, &ask) else {
        return;
    };
    std::fs::set_permissions(
        data.join("owner.json"),
        std::fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let error = Said::of(asking.env("HOME", desk.path("")).output().unwrap())
        .expect(2)
        .error();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("another account"),
        "{error}"
    );
}
