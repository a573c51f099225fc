//! Ctrl-C: once cancels and takes back, twice leaves the run to recovery.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};

use serde_json::{Value, json};

use crate::support::{Desk, set};

fn interrupt(child: &Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Waits for a long time after a step that is done.
fn waiting(desk: &Desk) -> String {
    desk.workflow(
        "waiting",
        &json!([set("a", json!({ "x": 1 })), { "id": "w", "kind": "wait", "name": "W", "with": { "for": "10m" } }]),
        &json!([{ "from": "a", "to": "w" }]),
    )
}

fn read_until(lines: &mut impl Iterator<Item = std::io::Result<String>>, wanted: &str) -> String {
    lines
        .map(Result::unwrap)
        .find(|line| line.contains(wanted))
        .unwrap_or_else(|| panic!("no {wanted}"))
}

#[test]
fn the_first_ctrl_c_cancels() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["run", &waiting(&desk), "--json"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    read_until(&mut lines, "WaitStarted");
    interrupt(&child);
    let last: Value = serde_json::from_str(&lines.last().unwrap().unwrap()).unwrap();
    assert_eq!(last["outcome"], "cancelled");
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["run", &waiting(&desk), "--json"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    read_until(&mut lines, "WaitStarted");
    child.kill().unwrap();
    child.wait().unwrap();

    let mut again = desk.command(&["resume", "1", "--json"]).spawn().unwrap();
    // It waits on; the step before is not carried out again.
    std::thread::sleep(std::time::Duration::from_millis(500));
    interrupt(&again);
    let mut out = String::new();
    again
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    assert_eq!(again.wait().unwrap().code(), Some(3), "{out}");
    let events = desk
        .baton(&["runs", "events", "1", "--json"])
        .expect(0)
        .lines();
    let started = events
        .iter()
        .filter(|line| line["event"]["type"] == "StepStarted" && line["event"]["step"] == "a");
    assert_eq!(started.count(), 1);
    desk.baton(&["verify"]).expect(0);
}

#[test]
fn the_second_ctrl_c_leaves_the_run_to_recovery() {
    let desk = Desk::new();
    let mut step = set("a", json!({ "x": 1 }));
    step["undo"] = json!({ "kind": "run_command", "with": { "program": "sleep", "args": ["60"], "effect": "pure" } });
    let file = desk.workflow(
        "slow_undo",
        &json!([step, { "id": "w", "kind": "wait", "name": "W", "with": { "for": "10m" } }]),
        &json!([{ "from": "a", "to": "w" }]),
    );
    let mut child = desk.command(&["run", &file, "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    read_until(&mut lines, "WaitStarted");
    interrupt(&child);
    read_until(&mut lines, "UndoStarted");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let listed = desk.baton(&["runs", "list", "--json"]).expect(0).json();
    assert_eq!(listed["runs"][0].get("endedAt"), None);
}
