//! The breaker of a loop of crashes: a run that ends the program when it is taken up is set aside at the third start.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdout};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Desk, set};

/// A server that, once it is asked, kills whom it is told to: a step that ends the program that carries it out.
struct Poison {
    listener: TcpListener,
}

impl Poison {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { listener }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.listener.local_addr().unwrap())
    }

    /// Waits for the request and kills.
    fn kill(&self, child: &mut Child) {
        let (mut asked, _) = self.listener.accept().unwrap();
        let mut head = [0; 64];
        let _ = asked.read(&mut head).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Answers from now on, as a service that was repaired.
    fn heal(self) {
        std::thread::spawn(move || {
            for asked in self.listener.incoming() {
                let mut asked = asked.unwrap();
                let mut head = [0; 1024];
                let _ = asked.read(&mut head);
                let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}";
                let _ = asked.write_all(answer.as_bytes());
            }
        });
    }
}

struct Serving {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

fn serve(desk: &Desk) -> Serving {
    let mut child = desk.command(&["serve", "--no-open"]).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    Serving { child, lines }
}

impl Serving {
    /// Waits until it is ready.
    fn ready(&mut self) {
        let line = self.lines.next().unwrap().unwrap();
        assert!(line.starts_with("Baton is ready"), "{line}");
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(25), "{what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn run(desk: &Desk, number: u32) -> Value {
    desk.baton(&["runs", "show", &number.to_string(), "--json"])
        .expect(0)
        .json()
}

#[test]
fn a_run_that_ends_the_program_is_set_aside_at_the_third_start_and_the_others_go_on() {
    let desk = Desk::new();
    let poison = Poison::new();
    // Waits for the other one, so that both are open when the program ends.
    let question = desk.question();
    desk.baton(&["run", &question]).expect(4);
    let steps = json!([
        { "id": "ask", "kind": "http_request", "name": "Ask", "with": { "method": "GET", "url": poison.url() } },
        set("after", json!({ "x": 1 })),
    ]);
    let file = desk.workflow("poison", &steps, &json!([{ "from": "ask", "to": "after" }]));
    let mut first = desk.command(&["run", &file]).spawn().unwrap();
    poison.kill(&mut first);

    // The first start takes both up together, the second one after the other: now it is known which one it is.
    for _ in 0..2 {
        let mut serving = serve(&desk);
        poison.kill(&mut serving.child);
    }

    let mut serving = serve(&desk);
    serving.ready();
    let said = serving.lines.next().unwrap().unwrap();
    assert!(said.contains("three") || said.contains("3 times"), "{said}");
    let seen = desk.baton(&["safe-mode", "--json"]).expect(0).json();
    assert_eq!(seen["isActive"], true, "{seen:#}");
    assert_eq!(seen["quarantined"][0]["number"], 2, "{seen:#}");
    assert_eq!(seen["waitingRuns"], 1, "{seen:#}");
    let doctor = desk.baton(&["doctor", "--json"]).json();
    let names: Vec<&str> = doctor["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"quarantine") && names.contains(&"starts"));

    // Others go on after safe mode is left; the one that was set aside does not.
    desk.baton(&["safe-mode", "--leave"]).expect(0);
    until("the question can be answered", || {
        desk.baton(&["approve", "1", "ask", "approved"]).code == 0
    });
    until("the other run ends", || {
        run(&desk, 1)["summary"]["status"] == "succeeded"
    });
    let aside = run(&desk, 2);
    assert!(
        aside["summary"]["quarantined"]
            .as_str()
            .unwrap()
            .contains("ended unexpectedly"),
        "{aside:#}"
    );

    // The service is repaired, and a person lets the run go on.
    poison.heal();
    desk.baton(&["release", "2"]).expect(0);
    until("the released run ends", || {
        run(&desk, 2)["summary"]["status"] == "succeeded"
    });
    let seen = desk.baton(&["safe-mode", "--json"]).expect(0).json();
    assert_eq!(seen["isActive"], false);
    assert_eq!(seen["quarantined"], json!([]));
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
}

#[test]
fn a_person_can_start_in_safe_mode_and_cancel_there() {
    let desk = Desk::new();
    let question = desk.question();
    desk.baton(&["run", &question]).expect(4);
    let safe = |arguments: &[&str]| {
        let mut command = desk.command(arguments);
        command.env("BATON_SAFE_MODE", "on");
        crate::support::Said::of(command.output().unwrap())
    };
    let refused = safe(&["resume", "1"]).expect(2);
    assert!(refused.err.contains("safe mode"), "{}", refused.err);
    assert!(refused.err.contains("baton release"), "{}", refused.err);
    safe(&["cancel", "1"]).expect(0);
    let ended = run(&desk, 1);
    assert_eq!(ended["summary"]["status"], "cancelled");
}
