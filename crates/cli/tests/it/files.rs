//! `validate`, `schema`, `fmt`, `export`: nothing is carried out and no data folder is made.

use serde_json::json;

use crate::support::{Desk, set};

#[test]
fn a_clean_file_is_clean() {
    let desk = Desk::new();
    let file = desk.chain();
    let said = desk.baton(&["validate", &file]).expect(0);
    assert!(
        said.out.contains("chain.baton.json: no errors"),
        "{}",
        said.out
    );
    let report = desk.baton(&["validate", &file, "--json"]).expect(0).json();
    assert_eq!(
        (&report["errors"], &report["files"][0]["file"]),
        (&json!(0), &json!(file))
    );
    assert_eq!(report["files"][0]["digest"].as_str().unwrap().len(), 64);
    assert!(
        !desk.data().exists(),
        "no data folder is needed to check a file"
    );
}

#[test]
fn errors_are_all_told_with_place_and_way_out() {
    let desk = Desk::new();
    let loop_ = desk.workflow(
        "loop",
        &json!([set("a", json!({ "x": 1 })), set("b", json!({ "x": 1 }))]),
        &json!([{ "from": "a", "to": "b" }, { "from": "b", "to": "a" }]),
    );
    let said = desk.baton(&["validate", &loop_]).expect(1);
    assert!(
        said.out.contains("error[cycle]") && said.out.contains("hint:"),
        "{}",
        said.out
    );
    let report = desk
        .baton(&["validate", &loop_, &desk.chain(), "--json"])
        .expect(1)
        .json();
    let problem = &report["files"][0]["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["severity"]),
        (&json!("cycle"), &json!("error"))
    );
    assert_eq!(report["files"].as_array().unwrap().len(), 2);
}

#[test]
fn a_workflow_comes_from_standard_input_too() {
    let desk = Desk::new();
    let file = std::fs::File::open(desk.path(&desk.chain())).unwrap();
    let output = desk
        .command(&["validate", "-"])
        .stdin(file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_schema_is_a_json_schema() {
    let schema = Desk::new().baton(&["schema"]).expect(0).json();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert!(schema["properties"]["steps"].is_object());
}

#[test]
fn fmt_writes_once_and_check_changes_nothing() {
    let desk = Desk::new();
    let file = desk.chain();
    let before = std::fs::read_to_string(desk.path(&file)).unwrap();
    let said = desk.baton(&["fmt", &file, "--check"]).expect(1);
    assert!(said.out.contains("not in its canonical form"));
    assert_eq!(std::fs::read_to_string(desk.path(&file)).unwrap(), before);

    desk.baton(&["fmt", &file]).expect(0);
    let after = std::fs::read_to_string(desk.path(&file)).unwrap();
    assert_ne!(after, before);
    desk.baton(&["fmt", &file, "--check"]).expect(0);
    assert_eq!(desk.baton(&["fmt", &file]).expect(0).out, "");
    assert_eq!(std::fs::read_to_string(desk.path(&file)).unwrap(), after);
}

#[test]
fn fmt_looks_at_the_other_files_when_one_is_broken() {
    let desk = Desk::new();
    desk.put("broken.baton.json", "{");
    let file = desk.chain();
    let said = desk.baton(&["fmt", "broken.baton.json", &file]).expect(2);
    assert!(
        said.out.contains("chain.baton.json: written") && said.err.contains("broken.baton.json:1")
    );
}

#[test]
fn fmt_leaves_a_newer_file_alone() {
    let desk = Desk::new();
    let text = r#"{"format": 99, "id": "a", "name": "A", "steps": [], "edges": []}"#;
    desk.put("new.baton.json", text);
    let said = desk.baton(&["fmt", "new.baton.json"]).expect(2);
    assert!(said.err.contains("newer than this Baton"), "{}", said.err);
    assert_eq!(
        std::fs::read_to_string(desk.path("new.baton.json")).unwrap(),
        text
    );
}

#[test]
fn a_picture_is_written() {
    let desk = Desk::new();
    let file = desk.chain();
    let said = desk.baton(&["export", &file, "--to", "svg"]).expect(0);
    assert!(
        said.out.starts_with("<svg") || said.out.starts_with("<?xml"),
        "{}",
        said.out
    );
    desk.baton(&["export", &file, "--to", "svg", "-o", "made/a.svg"])
        .expect(0);
    assert!(desk.path("made/a.svg").exists());
    desk.baton(&["export", &file, "--to", "json-schema"])
        .expect(0)
        .json();
}

#[test]
fn help_tells_the_exit_codes() {
    let said = Desk::new().baton(&["--help"]).expect(0);
    for words in [
        "Exit codes:",
        "  4    the run waits",
        "BATON_DATA_DIR",
        "validate",
        "doctor",
    ] {
        assert!(said.out.contains(words), "{words}");
    }
    let page = include_str!("../../../../docs/cli.md");
    for command in [
        "validate", "run", "resume", "approve", "cancel", "runs", "replay", "verify", "schema",
        "export", "fmt", "serve", "rpc", "doctor",
    ] {
        assert!(
            page.contains(&format!("## `baton {command}")),
            "docs/cli.md says nothing of `{command}`"
        );
    }
}
