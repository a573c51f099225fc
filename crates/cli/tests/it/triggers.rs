//! `triggers` and `run --watch`: activated, fired, watched, taken back.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Desk, set};

fn put(desk: &Desk, id: &str, triggers: &Value) -> String {
    let name = format!("{id}.baton.json");
    let steps = json!([set("a", json!({ "got": "{% input %}" }))]);
    let document =
        json!({ "format": 1, "id": id, "name": id, "triggers": triggers, "steps": steps });
    desk.put(&name, format!("{document:#}"));
    name
}

#[test]
fn triggers_are_activated_listed_fired_and_taken_back() {
    let desk = Desk::new();
    assert!(
        desk.baton(&["triggers", "list"])
            .expect(0)
            .out
            .contains("No trigger is active")
    );
    let file = put(
        &desk,
        "nightly",
        &json!([
            { "id": "clock", "kind": "schedule", "cron": "0 6 * * *", "timeZone": "Europe/Berlin" },
            { "id": "hand", "kind": "manual", "input": { "from": "trigger" } },
        ]),
    );
    let said = desk.baton(&["triggers", "activate", &file]).expect(0);
    assert!(
        said.out
            .contains("2 triggers of `nightly` active, revision 1"),
        "{}",
        said.out
    );
    let listed = desk.baton(&["triggers", "list", "--json"]).expect(0).json();
    assert_eq!(listed["triggers"][0]["trigger"], "clock");
    let next = desk.baton(&["triggers", "next"]).expect(0);
    assert!(
        next.out.contains(" 06:00:00 +0") && next.out.contains("nightly/clock"),
        "{}",
        next.out
    );

    let fired = desk
        .baton(&[
            "triggers",
            "fire",
            "nightly",
            "hand",
            "--input",
            r#"{ "n": 1 }"#,
            "--json",
        ])
        .expect(0);
    let last = fired.lines().pop().unwrap();
    assert_eq!(last["outcome"], "succeeded");
    let firings = desk
        .baton(&["triggers", "firings", &file, "hand", "--json"])
        .expect(0)
        .json();
    assert_eq!(firings["firings"][0]["status"], "started");
    assert_eq!(firings["firings"][0]["run"], last["run"]);

    desk.baton(&["triggers", "pause", "nightly", "clock"])
        .expect(0);
    assert!(
        desk.baton(&["triggers", "list"])
            .expect(0)
            .out
            .contains("paused")
    );
    desk.baton(&["triggers", "resume", "nightly"]).expect(0);
    desk.baton(&["triggers", "deactivate", &file]).expect(0);
    let refused = desk
        .baton(&["triggers", "fire", "nightly", "hand", "--json"])
        .expect(2);
    assert_eq!(refused.error()["code"], "not-found");
}

#[test]
fn the_next_instants_are_shown_or_why_there_are_none() {
    let desk = Desk::new();
    let said = desk
        .baton(&[
            "triggers",
            "next",
            "--cron",
            "30 2 * * *",
            "--zone",
            "Europe/Berlin",
            "--count",
            "3",
            "--json",
        ])
        .expect(0)
        .json();
    assert_eq!(said["next"].as_array().unwrap().len(), 3);
    for (arguments, part) in [
        (vec!["--cron", "0 0 30 2 *"], "never comes"),
        (
            vec!["--cron", "@daily", "--zone", "Berlin"],
            "did you mean `Europe/Berlin`?",
        ),
        (vec!["--every", "10ms"], "too short"),
    ] {
        let said = desk
            .baton(&[&["triggers", "next"], &arguments[..]].concat())
            .expect(2);
        assert!(said.err.contains(part), "{}", said.err);
    }
}

#[test]
fn what_could_not_fire_is_not_activated() {
    let desk = Desk::new();
    let file = put(
        &desk,
        "never",
        &json!([{ "id": "t", "kind": "schedule", "cron": "0 0 31 4 *" }]),
    );
    let refused = desk.baton(&["triggers", "activate", &file]).expect(2);
    assert!(refused.err.contains("never comes"), "{}", refused.err);
    let none = put(&desk, "none", &json!([]));
    let refused = desk.baton(&["run", "--watch", &none]).expect(2);
    assert!(refused.err.contains("no trigger"), "{}", refused.err);
}

#[test]
fn a_file_is_watched_until_ctrl_c() {
    let desk = Desk::new();
    let file = put(
        &desk,
        "ticking",
        &json!([{ "id": "t", "kind": "schedule", "every": "1s", "overlap": "allow" }]),
    );
    let mut child = desk
        .command(&["run", "--watch", &file, "--json"])
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ended = 0;
    let mut has_fired = false;
    for line in lines {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        has_fired |= line["firing"]["status"] == "started";
        if line["run"]["status"] == "succeeded" && line["run"]["by"] == "t" {
            ended += 1;
        }
        if ended == 2 {
            break;
        }
    }
    assert!(has_fired);
    Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let listed = desk.baton(&["triggers", "list", "--json"]).expect(0).json();
    assert_eq!(listed["triggers"], json!([]));
}
