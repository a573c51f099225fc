use baton_core::document::{MAX_BYTES, MAX_STEPS, parse, parse_bytes, print};
use expect_test::{Expect, expect};

fn refused(text: &str, expected: &Expect) {
    let error = parse(text).expect_err("is not a workflow");
    let place = match (error.line, error.column) {
        (Some(line), Some(column)) => format!(" at {line}:{column}"),
        _ => String::new(),
    };
    let hint = error.hint.unwrap_or_default();
    expected.assert_eq(&format!("{}{place}: {} ({hint})", error.code, error.message));
}

/// The problems of a text that opens, and the text that it becomes.
fn opened(text: &str, expected: &Expect) {
    let parsed = parse(text).expect("opens");
    let mut out = String::new();
    for problem in &parsed.problems {
        let place = serde_json::to_string(&problem.place).unwrap();
        out.push_str(&format!("{} {place}: {}\n", problem.code, problem.message));
    }
    out.push_str(&print(&parsed.workflow));
    expected.assert_eq(&out);
}

#[test]
fn what_is_not_json_says_where_and_what_is_missing() {
    refused("{\n  \"id\": \"a\"\n  \"steps\": []\n}", &expect![[""]]);
    refused("{ \"steps\": [1 2] }", &expect![[""]]);
    refused("{ \"name\": \"ä\" x }", &expect![[""]]);
    refused("{ \"steps\": [] ", &expect![[""]]);
    refused("{ \"steps\": [], }", &expect![[""]]);
    refused("{ \"steps\": [] } }", &expect![[""]]);
    refused("{ \"steps\": [nope] }", &expect![[""]]);
    refused("{ \"name\": \"a\nb\" }", &expect![[""]]);
    refused("{ \"name\": \"a\\q\" }", &expect![[""]]);
    refused("", &expect![[""]]);
}

#[test]
fn other_json_is_no_workflow() {
    refused("[]", &expect![[""]]);
    refused("{}", &expect![[""]]);
    refused("{ \"steps\": {} }", &expect![[""]]);
}

#[test]
fn limits_protect() {
    let deep = format!("{{ \"steps\": {}{} }}", "[".repeat(200), "]".repeat(200));
    refused(&deep, &expect![[""]]);
    let many = format!("{{\"steps\":[{}0]}}", "0,".repeat(MAX_STEPS));
    refused(&many, &expect![[""]]);
    refused(&" ".repeat(MAX_BYTES + 1), &expect![[""]]);
}

#[test]
fn bytes_that_are_no_text_say_in_which_line() {
    let error = parse_bytes(b"{\n\xff}").expect_err("is not UTF-8");
    assert_eq!((error.code, error.line), ("not-utf8", Some(2)));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_tolerated() {
    opened("\u{feff}{\r\n\"id\": \"a\",\r\n\"name\": \"A\", \"steps\": []\r\n}\r\n", &expect![[""]]);
}

#[test]
fn fields_of_the_wrong_type_stay_and_are_reported() {
    opened(
        r#"{ "format": "one", "id": 7, "name": "A", "timeout": 5, "triggers": {}, "onFailure": "maybe",
             "steps": [
               { "id": "a", "kind": "wait", "retry": "abc", "with": [], "disabled": "yes", "join": "some" },
               { "id": "b", "kind": "wait", "retry": { "attempts": -1, "first": 2 }, "undo": { "with": 1 } },
               { "id": "c", "kind": "scope", "body": { "steps": 3 } }
             ],
             "edges": [{ "from": "a", "to": "b", "on": "sometimes", "when": true }],
             "layout": { "a": [1, "x"], "b": [1.0, 2.5] } }"#,
        &expect![[""]],
    );
}

#[test]
fn what_is_missing_gets_a_placeholder_that_nothing_else_has() {
    opened(
        r#"{ "steps": [{}, { "id": "step", "kind": "wait" }, 5, { "id": ["x"], "kind": null }],
             "edges": ["a", { "to": "step" }], "triggers": [{}], "notes": [{ "text": "one\ntwo" }] }"#,
        &expect![[""]],
    );
}

#[test]
fn unknown_fields_stay_where_they_are_kept() {
    opened(
        r#"{ "format": 1, "id": "a", "name": "A", "x": 1,
             "steps": [{ "id": "a", "kind": "new_kind", "colour": "red", "retry": { "attempts": 2, "mood": "good" } }],
             "edges": [{ "from": "a", "to": "a", "weight": 2 }] }"#,
        &expect![[""]],
    );
}

#[test]
fn a_key_that_stands_twice_is_reported_with_its_path() {
    opened(
        r#"{ "id": "a", "name": "A", "name": "B", "steps": [{ "id": "a", "kind": "wait", "with": { "for": "1s", "for": "2s" } }] }"#,
        &expect![[""]],
    );
}

#[test]
fn a_newer_format_is_told() {
    let parsed = parse(r#"{ "format": 9, "id": "a", "name": "A", "steps": [] }"#).unwrap();
    assert_eq!(parsed.newer, Some(9));
    assert_eq!(parse(r#"{ "format": 1, "steps": [] }"#).unwrap().newer, None);
}
