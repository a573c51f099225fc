//! Budgets and limits from the command line.

use serde_json::json;

use crate::support::Desk;

/// A loop that never ends by itself.
fn endless(desk: &Desk) -> String {
    desk.workflow(
        "endless",
        &json!([{ "id": "again", "kind": "repeat", "name": "Again", "with": { "until": "false", "max": 100_000_000 },
            "body": { "steps": [{ "id": "pass", "kind": "merge" }], "edges": [] } }]),
        &json!([]),
    )
}

#[test]
fn an_endless_loop_stands_still_and_says_how_to_go_on() {
    let desk = Desk::new();
    let set = r#"{ "run": { "iterations": 50 }, "concurrency": 2 }"#;
    let limits = desk.baton(&["limits", "--set", set]).expect(0);
    assert!(limits.out.contains("50 iterations"), "{}", limits.out);
    let file = endless(&desk);
    let stopped = desk.baton(&["run", &file]).expect(4);
    assert!(
        stopped
            .out
            .contains("a loop at `again` needs 51 iterations, and 50 are allowed"),
        "{}",
        stopped.out
    );
    assert!(
        stopped
            .out
            .contains("go on with `baton raise 1 --iterations 102`"),
        "{}",
        stopped.out
    );
    let refused = desk.baton(&["raise", "1", "--iterations", "50"]).expect(2);
    assert!(refused.err.contains("allowed already"), "{}", refused.err);
    let further = desk.baton(&["raise", "1", "--iterations", "60"]).expect(4);
    assert!(
        further.out.contains("needs 61 iterations"),
        "{}",
        further.out
    );
    desk.baton(&["cancel", "1"]).expect(0);
}

#[test]
fn wrong_limits_are_refused_with_a_way_out() {
    let desk = Desk::new();
    let raise = desk.baton(&["raise", "1", "--memory", "much"]).expect(2);
    assert!(raise.err.contains("not an amount of data"), "{}", raise.err);
    desk.baton(&["raise", "1"]).expect(2);
    for (set, says) in [
        (r#"{ "concurrency": 0 }"#, "nothing would ever run"),
        (r#"{ "speed": 1 }"#, "there is no limit `speed`"),
        ("[]", "no object"),
    ] {
        let refused = desk.baton(&["limits", "--set", set]).expect(2);
        assert!(refused.err.contains(says), "{}", refused.err);
    }
    let kept = desk.baton(&["limits", "--json"]).expect(0).json();
    assert_eq!(kept["concurrency"], 8);
}

/// A run that a full disk stops says so, waits, and goes on. Needs an account that may mount a small disk.
#[cfg(target_os = "linux")]
#[test]
fn a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::Command;

    let desk = Desk::new();
    std::fs::create_dir(desk.data()).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=40m", "tmpfs"])
        .arg(desk.data())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        let mut out = std::io::stderr().lock();
        writeln!(out, "left out: this account may not mount a small disk").unwrap();
        return;
    }
    let marks = r#"{ "disk": { "warn": 20000000, "warnPercent": 5, "pause": 8000000, "readOnly": 2000000, "ballast": 0 } }"#;
    desk.baton(&["limits", "--set", marks]).expect(0);
    let file = desk.workflow(
        "slow",
        &json!([
            { "id": "wait", "kind": "wait", "with": { "for": "2s" } },
            crate::support::set("after", json!({ "x": 1 })),
        ]),
        &json!([{ "from": "wait", "to": "after" }]),
    );
    let filler = desk.data().join("filler");
    std::fs::write(&filler, vec![7; 37 << 20]).unwrap();
    let mut child = desk.command(&["run", &file]).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = errors.next().unwrap().unwrap();
    assert!(said.contains("room on the disk"), "{said}");
    std::fs::remove_file(&filler).unwrap();
    assert!(child.wait().unwrap().success());
    let unmounted = Command::new("umount").arg(desk.data()).status().unwrap();
    assert!(unmounted.success(), "the disk can be unmounted");
}
