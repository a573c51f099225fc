//! `runs`, `replay`, `verify`, `rpc`, `doctor`: looking at what happened.

use serde_json::json;

use crate::support::Desk;

#[test]
fn an_empty_folder_has_no_runs() {
    let desk = Desk::new();
    assert_eq!(desk.baton(&["runs", "list"]).expect(0).out, "No runs\n");
    assert_eq!(
        desk.baton(&["runs", "list", "--json"]).expect(0).json(),
        json!({ "runs": [], "total": 0 })
    );
    let error = desk
        .baton(&["runs", "show", "1", "--json"])
        .expect(2)
        .error();
    assert_eq!(error["code"], "not-found");
    desk.baton(&["verify"]).expect(2);
    assert!(!desk.data().exists(), "looking makes nothing");
}

#[test]
fn runs_are_listed_newest_first() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.chain()]).expect(0);
    desk.baton(&["run", &desk.question()]).expect(4);
    let listed = desk.baton(&["runs", "list", "--json"]).expect(0).json();
    let numbers: Vec<_> = listed["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["number"].clone())
        .collect();
    assert_eq!(numbers, [json!(2), json!(1)]);
    let listed = desk
        .baton(&["runs", "list", "--status", "waiting", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&listed["total"], &listed["runs"][0]["workflow"]),
        (&json!(1), &json!("question"))
    );
    let listed = desk
        .baton(&["runs", "list", "--workflow", "chain", "--json"])
        .expect(0)
        .json();
    assert_eq!(listed["total"], 1);
    let said = desk.baton(&["runs", "list"]).expect(0);
    assert!(
        said.out.contains("◷ waiting") && said.out.contains("✓ succeeded"),
        "{}",
        said.out
    );
}

#[test]
fn a_run_is_named_by_number_id_or_the_beginning_of_its_id() {
    let desk = Desk::new();
    let lines = desk
        .baton(&["run", &desk.chain(), "--json"])
        .expect(0)
        .lines();
    let id = lines.last().unwrap()["run"].as_str().unwrap().to_owned();
    for name in ["1", "#1", &id, &id[..20]] {
        let view = desk
            .baton(&["runs", "show", name, "--json"])
            .expect(0)
            .json();
        assert_eq!(view["summary"]["id"], json!(id), "{name}");
        assert_eq!(view["steps"]["s9"]["status"], "succeeded");
    }
    let said = desk.baton(&["runs", "show", "1"]).expect(0);
    assert!(
        said.out.contains(&id) && said.out.contains("✓ s9"),
        "{}",
        said.out
    );
    for name in ["2", "nonsense", ""] {
        let error = desk
            .baton(&["runs", "show", name, "--json"])
            .expect(2)
            .error();
        assert_eq!(error["code"], "not-found", "{name}");
    }
}

#[test]
fn events_are_told_in_words_and_as_json() {
    let desk = Desk::new();
    let ran = desk
        .baton(&["run", &desk.chain(), "--json"])
        .expect(0)
        .lines();
    let events = desk
        .baton(&["runs", "events", "1", "--json"])
        .expect(0)
        .lines();
    assert_eq!(events.len(), ran.len() - 1);
    assert_eq!(events[3]["event"], ran[3]["event"]);
    assert!(events[0]["text"].is_string());
    let said = desk.baton(&["runs", "events", "1"]).expect(0);
    assert_eq!(said.out.lines().count(), events.len());
}

#[test]
fn a_replay_shows_the_state_at_an_event() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.chain()]).expect(0);
    let lines = desk
        .baton(&["replay", "1", "--until", "3", "--json"])
        .expect(0)
        .lines();
    assert_eq!(lines.len(), 4);
    let state = lines.last().unwrap();
    assert_eq!(
        (&state["seq"], &state["status"]),
        (&json!(3), &json!("running"))
    );
    assert_eq!(state["steps"]["s0"]["status"], "succeeded");
    assert_eq!(state["steps"].get("s5"), None);

    let whole = desk.baton(&["replay", "1", "--json"]).expect(0).lines();
    assert_eq!(whole.last().unwrap()["status"], "succeeded");
    let again = desk.baton(&["replay", "1", "--json"]).expect(0).lines();
    assert_eq!(whole, again);
    let error = desk
        .baton(&["replay", "1", "--until", "9999", "--json"])
        .expect(2)
        .error();
    assert_eq!(error["code"], "bad-request");
    desk.baton(&["replay", "1", "--until", "0"]).expect(2);
}

#[test]
fn verify_says_intact_but_not_more_than_it_knows() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.chain()]).expect(0);
    let said = desk.baton(&["verify"]).expect(0);
    assert!(
        said.out.contains("INTACT") && said.out.contains("NOT ANCHORED"),
        "{}",
        said.out
    );
    let verified = desk.baton(&["verify", "--json"]).expect(0).json();
    assert_eq!(verified["damage"], json!([]));
    assert!(verified["events"].as_f64().unwrap() > 20.0);
}

#[test]
fn rpc_answers_as_the_window_is_answered() {
    let desk = Desk::new();
    let info = desk.baton(&["rpc", "app_info"]).expect(0).json();
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    let list = desk.baton(&["rpc", "list"]).expect(0).json();
    assert!(list["run_start"].is_string());
    let opened = desk
        .baton(&[
            "rpc",
            "workflow_open",
            &json!({ "path": desk.chain() }).to_string(),
        ])
        .expect(0)
        .json();
    assert_eq!(opened["document"]["id"], "chain");
    assert_eq!(
        desk.baton(&["rpc", "no_such"]).expect(2).error()["code"],
        "unknown-command"
    );
    assert_eq!(
        desk.baton(&["rpc", "run_get", "{}"]).expect(2).error()["code"],
        "bad-request"
    );
    assert_eq!(
        desk.baton(&["rpc", "run_get", "{"]).expect(2).error()["code"],
        "not-json"
    );
}

#[test]
fn the_doctor_finds_what_is_there() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.chain()]).expect(0);
    let report = desk.baton(&["doctor", "--json"]).expect(0).json();
    assert_eq!(report["ok"], true);
    let state = |name: &str| {
        let findings = report["findings"].as_array().unwrap();
        findings
            .iter()
            .find(|finding| finding["name"] == name)
            .unwrap()["state"]
            .clone()
    };
    for name in [
        "version",
        "data folder",
        "disk space",
        "database",
        "log",
        "DuckDB",
    ] {
        assert_eq!(state(name), "ok", "{name}");
    }
    let said = Desk::new().baton(&["doctor"]).expect(0);
    assert!(said.out.contains("not there yet"), "{}", said.out);
}
