//! Backups, the way back, the check of the log against anchors, and steps that were interrupted.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Desk, set};

#[test]
fn a_backup_brings_back_what_was_there() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.chain()]).expect(0);
    desk.baton(&["run", &desk.question(), "--json"]).expect(4);
    let made = desk
        .baton(&["backup", "--to", "elsewhere", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&made["runs"], &made["openRuns"]),
        (&json!(2.0), &json!(1.0))
    );
    let backup = PathBuf::from(made["path"].as_str().unwrap());
    assert!(backup.starts_with(desk.path("elsewhere")));
    let before = desk
        .baton(&["runs", "show", "1", "--json"])
        .expect(0)
        .json();

    desk.baton(&["approve", "2", "ask", "approved"]).expect(0);
    desk.baton(&["run", &desk.chain()]).expect(0);
    let restored = desk
        .baton(&["restore", backup.to_str().unwrap(), "--json"])
        .expect(0);
    assert_eq!(restored.json()["paused"], json!([2]));
    let aside = PathBuf::from(restored.json()["aside"].as_str().unwrap());
    assert!(aside.join("baton.db").exists());

    let listed = desk.baton(&["runs", "list", "--json"]).expect(0).json();
    let states: Vec<&Value> = listed["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["status"])
        .collect();
    assert_eq!(states, ["paused", "succeeded"], "newest first");
    assert_eq!(
        desk.baton(&["runs", "show", "1", "--json"])
            .expect(0)
            .json(),
        before
    );
    desk.baton(&["verify"]).expect(0);
    // It is asked again, and goes on from where the backup stood.
    let resumed = desk
        .baton(&["resume", "2", "--approve", "ask=approved", "--json"])
        .expect(0);
    assert_eq!(resumed.lines().last().unwrap()["outcome"], "succeeded");
}

#[test]
fn a_backup_that_is_not_whole_is_refused() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.chain()]).expect(0);
    let made = desk.baton(&["backup", "--json"]).expect(0).json();
    let backup = PathBuf::from(made["path"].as_str().unwrap());
    let listed = desk.baton(&["backup", "--list", "--json"]).expect(0).json();
    assert_eq!(listed["backups"][0]["path"], made["path"]);
    std::fs::write(backup.join("baton.db"), b"half").unwrap();
    let said = desk
        .baton(&["restore", backup.to_str().unwrap(), "--json"])
        .expect(2);
    assert_eq!(said.error()["code"], "unusable");
    assert!(
        said.error()["message"]
            .as_str()
            .unwrap()
            .contains("baton.db")
    );
    let said = desk.baton(&["restore", "--json"]).expect(2);
    assert!(said.error()["hint"].as_str().unwrap().contains("newest"));
    desk.baton(&["verify"]).expect(0);
}

#[test]
fn an_anchor_shows_an_older_copy_in_the_place_of_the_log() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.chain()]).expect(0);
    let older = std::fs::read(desk.data().join("baton.db")).unwrap();
    desk.baton(&["run", &desk.chain()]).expect(0);
    let said = desk.baton(&["verify", "--anchor", "anchor"]).expect(0);
    assert!(said.out.contains("Wrote an anchor"), "{}", said.out);
    desk.baton(&["run", &desk.chain()]).expect(0);
    let said = desk.baton(&["verify", "--anchor", "anchor"]).expect(0);
    assert!(said.out.contains("INTACT since anchor"), "{}", said.out);
    assert!(said.out.contains("Added an anchor"), "{}", said.out);
    assert_eq!(
        std::fs::read_to_string(desk.path("anchor"))
            .unwrap()
            .lines()
            .count(),
        2
    );

    std::fs::write(desk.data().join("baton.db"), older).unwrap();
    std::fs::remove_file(desk.data().join("checkpoints.jsonl")).unwrap();
    let said = desk.baton(&["verify"]).expect(0);
    assert!(said.out.contains("NOT ANCHORED"), "{}", said.out);
    let said = desk.baton(&["verify", "--anchor", "anchor"]).expect(1);
    assert!(said.out.contains("older copy"), "{}", said.out);
    assert_eq!(
        std::fs::read_to_string(desk.path("anchor"))
            .unwrap()
            .lines()
            .count(),
        2
    );
    std::fs::write(desk.path("anchor"), "no anchor").unwrap();
    desk.baton(&["verify", "--anchor", "anchor", "--json"])
        .expect(2);
}

fn damage(data: &Path) {
    let database = data.join("baton.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let page = bytes.len() / 4096 / 2;
    bytes[page * 4096..(page + 1) * 4096].fill(0x5a);
    std::fs::write(&database, bytes).unwrap();
    std::fs::write(data.join("baton.lock"), "1\n").unwrap();
}

#[test]
fn what_reads_in_a_damaged_database_is_saved() {
    let desk = Desk::new();
    for _ in 0..8 {
        desk.baton(&["run", &desk.chain()]).expect(0);
    }
    let said = desk
        .baton(&["doctor", "--repair", "--json"])
        .expect(0)
        .json();
    assert_eq!(said["ok"], true, "nothing is to be repaired");
    damage(&desk.data());
    let doctor = desk.baton(&["doctor", "--json"]).expect(1).json();
    let problem = doctor["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["state"] == "problem");
    assert!(
        problem.unwrap()["hint"]
            .as_str()
            .unwrap()
            .contains("baton restore"),
        "{doctor}"
    );
    let saved = desk
        .baton(&["doctor", "--repair", "--json"])
        .expect(0)
        .json();
    assert!(
        Path::new(saved["aside"].as_str().unwrap())
            .join("salvaged.txt")
            .exists()
    );
    desk.baton(&["verify"]).expect(0);
    desk.baton(&["run", &desk.chain()]).expect(0);
}

#[test]
fn the_doctor_looks_at_what_keeps_the_folder() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.chain()]).expect(0);
    let about = |name: &str| {
        let said = desk.baton(&["doctor", "--json"]).json();
        let findings = said["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|finding| finding["name"] == name)
    };
    assert_eq!(about("checkpoints").unwrap()["state"], "ok");
    assert_eq!(about("backups").unwrap()["state"], "note");
    desk.baton(&["backup"]).expect(0);
    assert_eq!(about("backups").unwrap()["state"], "ok");
    assert_eq!(about("left behind"), None);
    std::fs::create_dir_all(desk.data().join("tmp")).unwrap();
    std::fs::write(desk.data().join("tmp/x"), "left").unwrap();
    assert_eq!(about("left behind").unwrap()["state"], "note");
    desk.baton(&["run", &desk.chain()]).expect(0);
    assert_eq!(about("left behind"), None, "the next start takes it away");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = desk.data().join("checkpoints.key");
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(about("signing key").unwrap()["state"], "problem");
    }
}

/// A run that was killed while its step was at work, and then resumed: a person is asked.
#[cfg(unix)]
fn interrupted(desk: &Desk) {
    let file = desk.workflow(
        "mail",
        &json!([
            { "id": "send", "kind": "run_command", "name": "Send",
              "with": { "program": "sh", "args": ["-c", "echo sending to ada >&2; touch started; sleep 60"] } },
            set("after", json!({ "got": "{% steps.send.x %}" })),
        ]),
        &json!([{ "from": "send", "to": "after" }]),
    );
    let mut child = desk.command(&["run", &file, "--json"]).spawn().unwrap();
    let begun = std::time::Instant::now();
    while !desk
        .baton(&["runs", "events", "1", "--json"])
        .out
        .contains("StepLogged")
    {
        assert!(begun.elapsed().as_secs() < 20, "it does not start");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let said = desk.baton(&["resume", "1", "--json"]).expect(4);
    assert!(said.out.contains("to say what became of"), "{}", said.out);
}

#[cfg(unix)]
#[test]
fn an_interrupted_step_is_asked_about_with_evidence_and_settled() {
    let desk = Desk::new();
    interrupted(&desk);
    let inbox = desk.baton(&["rpc", "inbox_list"]).expect(0).json();
    let evidence = &inbox["items"][0]["question"]["evidence"];
    assert_eq!(evidence["aboutToDo"]["program"], "sh");
    assert_eq!(evidence["lastLines"], json!(["sending to ada"]));
    assert_eq!(evidence["attempt"], 1);
    assert!(evidence["idempotencyKey"].is_string() && evidence["startedAt"].is_number());

    desk.baton(&["settle", "1", "after", "not-done", "--json"])
        .expect(1);
    desk.baton(&["settle", "1", "send", "not-done", "--output", "{}"])
        .expect(2);
    let said = desk
        .baton(&[
            "settle",
            "1",
            "send",
            "done",
            "--output",
            "{\"x\": 7}",
            "--json",
        ])
        .expect(0);
    assert_eq!(said.lines().last().unwrap()["outputs"]["after"]["got"], 7);
    let events = desk
        .baton(&["runs", "events", "1", "--json"])
        .expect(0)
        .lines();
    let settled = events
        .iter()
        .find(|line| line["event"]["type"] == "StepOutcomeSettled")
        .unwrap();
    assert_eq!(settled["event"]["by"], "ada");
    desk.baton(&["settle", "1", "send", "again", "--json"])
        .expect(1);
}

#[cfg(unix)]
#[test]
fn a_step_that_was_not_done_fails() {
    let desk = Desk::new();
    interrupted(&desk);
    let said = desk
        .baton(&["settle", "1", "send", "not-done", "--json"])
        .expect(1);
    assert_eq!(said.lines().last().unwrap()["error"]["code"], "not-done");
}

#[test]
fn a_backup_that_was_killed_is_not_one() {
    let desk = Desk::new();
    for _ in 0..5 {
        desk.baton(&["run", &desk.chain()]).expect(0);
    }
    for round in 0..12_u64 {
        let mut child = desk.command(&["backup"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(40 + round * 8));
        // It may have ended by itself.
        drop(child.kill());
        child.wait().unwrap();
    }
    desk.baton(&["backup"]).expect(0);
    let listed = desk.baton(&["backup", "--list", "--json"]).expect(0).json();
    let listed = listed["backups"].as_array().unwrap();
    assert!(!listed.is_empty());
    for (index, backup) in listed.iter().enumerate() {
        let target = format!("restored-{index}");
        let path = backup["path"].as_str().unwrap();
        desk.baton(&["restore", path, "--data", &target]).expect(0);
        desk.baton(&["verify", "--data", &target]).expect(0);
    }
    desk.baton(&["run", &desk.chain()]).expect(0);
    let left = std::fs::read_dir(desk.data().join("backups"))
        .unwrap()
        .flatten();
    let half = left.filter(|entry| entry.file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(half.count(), 0, "the next owner takes them away");
}
