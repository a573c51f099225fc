//! Files and arguments that cannot be used: exit code 2, the place, a way out.

use serde_json::json;

use crate::support::Desk;

#[test]
fn broken_json_shows_the_line_with_a_caret() {
    let desk = Desk::new();
    desk.put("broken.json", "{\n  \"format\": 1,\n  \"steps\" []\n}\n");
    for command in ["validate", "run"] {
        let said = desk.baton(&[command, "broken.json"]).expect(2);
        assert!(said.err.contains("--> broken.json:3:"), "{}", said.err);
        assert!(said.err.contains("3 |   \"steps\" []"), "{}", said.err);
        assert!(
            said.err.lines().any(|line| line.trim_end().ends_with('^')),
            "{}",
            said.err
        );
        assert!(said.err.contains("hint:"), "{}", said.err);
    }
    let error = desk
        .baton(&["run", "broken.json", "--json"])
        .expect(2)
        .error();
    assert_eq!(
        (&error["code"], &error["place"]["line"]),
        (&json!("not-json"), &json!(3))
    );
    let report = desk
        .baton(&["validate", "broken.json", "--json"])
        .expect(2)
        .json();
    assert_eq!(report["files"][0]["error"]["code"], "not-json");
}

#[test]
fn what_is_no_workflow_is_told_so() {
    let desk = Desk::new();
    for (name, content, code) in [
        ("empty.json", b"".as_slice(), "not-json"),
        ("list.json", b"[]", "not-an-object"),
        ("other.json", b"{}", "no-steps"),
        ("binary.json", b"\xff\xfe{\0", "not-utf8"),
    ] {
        desk.put(name, content);
        let error = desk.baton(&["run", name, "--json"]).expect(2).error();
        assert_eq!(error["code"], code, "{name}");
        assert!(error["hint"].is_string(), "{name}");
    }
}

#[test]
fn a_missing_file_or_a_folder_is_named() {
    let desk = Desk::new();
    let said = desk.baton(&["run", "nowhere.baton.json"]).expect(2);
    assert!(
        said.err.contains("there is no file `nowhere.baton.json`"),
        "{}",
        said.err
    );
    let error = desk.baton(&["run", ".", "--json"]).expect(2).error();
    assert_eq!(error["code"], "file-is-folder");
    // The other files are still checked.
    let report = desk
        .baton(&["validate", "nowhere.json", &desk.chain(), "--json"])
        .expect(2)
        .json();
    assert!(report["files"][1]["problems"].is_array() && report["files"][1].get("error").is_none());
}

#[test]
fn a_newer_format_is_shown_but_not_run() {
    let desk = Desk::new();
    desk.put(
        "new.baton.json",
        r#"{"format": 99, "id": "a", "name": "A", "steps": [], "edges": []}"#,
    );
    let report = desk.baton(&["validate", "new.baton.json", "--json"]).json();
    assert_eq!(report["files"][0]["newerFormat"], 99);
    let error = desk
        .baton(&["run", "new.baton.json", "--json"])
        .expect(2)
        .error();
    assert_eq!(error["code"], "newer-format");
}

#[test]
fn a_large_file_is_refused_by_its_size() {
    let desk = Desk::new();
    let file = std::fs::File::create(desk.path("large.json")).unwrap();
    file.set_len(2 << 30).unwrap();
    let error = desk
        .baton(&["validate", "large.json", "--json"])
        .expect(2)
        .json();
    assert_eq!(error["files"][0]["error"]["code"], "too-large");
}

#[test]
fn arguments_that_make_no_sense_exit_with_2() {
    let desk = Desk::new();
    let file = desk.question();
    for arguments in [
        vec![],
        vec!["nonsense"],
        vec!["run"],
        vec!["validate"],
        vec!["run", &file, "--approve", "ask=maybe"],
        vec!["run", &file, "--approve", "ask"],
        vec!["run", &file, "--input", "{n: 1}"],
        vec!["run", &file, "--input", "@nowhere.json"],
        vec!["approve", "1", "ask", "perhaps"],
        vec!["export", &file, "--to", "word"],
        vec!["runs", "list", "--limit", "0"],
        vec!["serve", "--port", "99999"],
    ] {
        let said = desk.baton(&arguments).expect(2);
        assert!(!said.err.is_empty(), "{arguments:?}");
    }
    assert!(!desk.data().exists(), "nothing was begun");
}

#[test]
fn input_that_is_not_json_shows_where() {
    let desk = Desk::new();
    let said = desk
        .baton(&["run", &desk.chain(), "--input", "{\"a\": 1,}"])
        .expect(2);
    assert!(
        said.err.contains("the argument:1:9") && said.err.contains("@FILE"),
        "{}",
        said.err
    );
}
