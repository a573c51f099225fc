//! Reading files: good, odd, broken and newer ones.

use baton_core::document::{MAX_BYTES, MAX_STEPS, parse, parse_bytes, print};
use expect_test::{Expect, expect};

fn refused(text: &str, expected: &Expect) {
    let error = parse(text).expect_err("is not a workflow");
    let place = match (error.line, error.column) {
        (Some(line), Some(column)) => format!(" at {line}:{column}"),
        _ => String::new(),
    };
    let hint = error.hint.unwrap_or_default();
    expected.assert_eq(&format!(
        "{}{place}: {} ({hint})",
        error.code, error.message
    ));
}

/// The problems of a text that opens, and the text that it becomes.
fn opened(text: &str, expected: &Expect) {
    let parsed = parse(text).expect("opens");
    let mut out = String::new();
    for problem in &parsed.problems {
        let place = serde_json::to_string(&problem.place).expect("a place is JSON");
        out.push_str(&format!("{} {place}: {}\n", problem.code, problem.message));
    }
    out.push_str(&print(&parsed.workflow));
    expected.assert_eq(&out);
}

#[test]
fn what_is_not_json_says_where_and_what_is_missing() {
    refused(
        "{\n  \"id\": \"a\"\n  \"steps\": []\n}",
        &expect![
            "not-json at 3:3: expected `,` or `}` (this place is not valid JSON; a comma, quote or bracket may be missing)"
        ],
    );
    refused(
        "{ \"steps\": [1 2] }",
        &expect![
            "not-json at 1:15: expected `,` or `]` (this place is not valid JSON; a comma, quote or bracket may be missing)"
        ],
    );
    refused(
        "{ \"name\": \"ä\" x }",
        &expect![
            "not-json at 1:15: expected `,` or `}` (this place is not valid JSON; a comma, quote or bracket may be missing)"
        ],
    );
    refused(
        "{ \"steps\": [] ",
        &expect!["not-json at 1:14: the file ends inside an object (a closing `}` is missing)"],
    );
    refused(
        "{ \"steps\": [], }",
        &expect!["not-json at 1:16: a comma with nothing after it (delete the comma)"],
    );
    refused(
        "{ \"steps\": [] } }",
        &expect![
            "not-json at 1:17: there is more text after the end of the workflow (delete what follows the last `}`)"
        ],
    );
    refused(
        "{ \"steps\": [nope] }",
        &expect![
            "not-json at 1:14: expected a value (values are texts in double quotes, numbers, `true`, `false`, `null`, `[…]` or `{…}`)"
        ],
    );
    refused(
        "{ \"name\": \"a\nb\" }",
        &expect![[
            r#"not-json at 2:1: a text contains a line break or tab (write `\n` or `\t`, or use a list of lines)"#
        ]],
    );
    refused(
        "{ \"name\": \"a\\q\" }",
        &expect![[
            r#"not-json at 1:14: `\` is followed by an unknown letter (write `\\` for a backslash)"#
        ]],
    );
    refused(
        "",
        &expect!["not-json at 1:1: the file is empty (start a new workflow, or open another file)"],
    );
}

#[test]
fn other_json_is_no_workflow() {
    refused(
        "[]",
        &expect![
            "not-an-object: a workflow is an object in `{ }`, but this is a list (open a file that Baton has written, or start a new workflow)"
        ],
    );
    refused(
        "{}",
        &expect![[
            r#"no-steps: there is no list `steps`, so this is not a workflow (add `"steps": []`, or open another file)"#
        ]],
    );
    refused(
        "{ \"steps\": {} }",
        &expect![[
            r#"no-steps: there is no list `steps`, so this is not a workflow (add `"steps": []`, or open another file)"#
        ]],
    );
}

#[test]
fn limits_protect() {
    let deep = format!("{{ \"steps\": {}{} }}", "[".repeat(200), "]".repeat(200));
    refused(
        &deep,
        &expect![
            "too-deep at 1:138: objects and lists stand more than 128 deep in one another (a workflow needs fewer levels; look for a value that contains itself)"
        ],
    );
    let many = format!("{{\"steps\":[{}0]}}", "0,".repeat(MAX_STEPS));
    refused(
        &many,
        &expect![
            "too-many-steps: the workflow has 100001 steps, more than 100000 (move parts of it into sub-workflows, or use `for_each` over a list)"
        ],
    );
    refused(
        &" ".repeat(MAX_BYTES + 1),
        &expect![
            "too-large: the file has 32 MB, more than the 32 MB that are opened (keep data in files of its own and read them with a step)"
        ],
    );
}

#[test]
fn bytes_that_are_no_text_say_in_which_line() {
    let error = parse_bytes(b"{\n\xff}").expect_err("is not UTF-8");
    assert_eq!((error.code, error.line), ("not-utf8", Some(2)));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_tolerated() {
    opened(
        "\u{feff}{\r\n\"id\": \"a\",\r\n\"name\": \"A\", \"steps\": []\r\n}\r\n",
        &expect![[r#"
        {
          "format": 1,
          "id": "a",
          "name": "A",
          "steps": [],
          "edges": []
        }
    "#]],
    );
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
        &expect![[r#"
            wrong-type {"field":"id"}: `id` must be a text, not `7`
            wrong-type {"field":"format"}: `format` must be a whole number, not `"one"`
            wrong-type {"field":"timeout"}: `timeout` must be a text, not `5`
            wrong-type {"field":"triggers"}: `triggers` must be a list, not an object
            wrong-type {"field":"onFailure"}: `onFailure` must be `cancel` or `finish`, not `"maybe"`
            wrong-type {"step":"a","field":"retry"}: `retry` must be an object, not `"abc"`
            wrong-type {"step":"a","field":"with"}: `with` must be an object, not a list
            wrong-type {"step":"a","field":"disabled"}: `disabled` must be `true` or `false`, not `"yes"`
            wrong-type {"step":"a","field":"join"}: `join` must be `live`, `all`, `first` or `{ "atLeast": 2 }`, not `"some"`
            wrong-type {"step":"b","field":"retry.attempts"}: `attempts` must be a whole number, not `-1`
            wrong-type {"step":"b","field":"retry.first"}: `first` must be a text, not `2`
            missing-field {"step":"b","field":"undo.kind"}: `kind` is missing; `unknown` stands in for it
            wrong-type {"step":"b","field":"undo.with"}: `with` must be an object, not `1`
            wrong-type {"step":"c","field":"body.steps"}: `steps` must be a list, not `3`
            wrong-type {"edge":"a->b","field":"on"}: `on` must be `error` or `always`, not `"sometimes"`
            wrong-type {"edge":"a->b","field":"when"}: `when` must be a text, not `true`
            wrong-type {"field":"layout.a"}: `a` must be two numbers, not a list
            {
              "format": 1,
              "id": "workflow",
              "name": "A",
              "steps": [
                { "id": "a", "kind": "wait", "retry": "abc", "with": [], "disabled": "yes", "join": "some" },
                {
                  "id": "b",
                  "kind": "wait",
                  "retry": { "attempts": -1, "first": 2 },
                  "undo": { "kind": "unknown", "with": 1 }
                },
                {
                  "id": "c",
                  "kind": "scope",
                  "body": {
                    "steps": [],
                    "edges": [],
                    "steps?": 3
                  }
                }
              ],
              "edges": [
                { "from": "a", "to": "b", "on": "sometimes", "when": true }
              ],
              "layout": {
                "b": [1, 2.5]
              },
              "format?": "one",
              "timeout": 5,
              "triggers": {},
              "onFailure": "maybe",
              "id?": 7
            }
        "#]],
    );
}

#[test]
fn what_is_missing_gets_a_placeholder_that_nothing_else_has() {
    opened(
        r#"{ "steps": [{}, { "id": "step", "kind": "wait" }, 5, { "id": ["x"], "kind": null }],
             "edges": ["a", { "to": "step" }], "triggers": [{}], "notes": [{ "text": "one\ntwo" }] }"#,
        &expect![[r#"
            missing-field {"field":"id"}: `id` is missing; `workflow` stands in for it
            missing-field {"step":"step_2","field":"id"}: `id` is missing; `step_2` stands in for it
            missing-field {"step":"step_2","field":"kind"}: `kind` is missing; `unknown` stands in for it
            wrong-type {}: a step must be an object, not `5`
            wrong-type {"step":"step_4","field":"id"}: `id` must be a text, not a list
            wrong-type {"step":"step_4","field":"kind"}: `kind` must be a text, not empty
            wrong-type {}: an edge must be an object, not `"a"`
            missing-field {"edge":"->step","field":"from"}: `from` is missing
            missing-field {"trigger":"trigger","field":"id"}: `id` is missing; `trigger` stands in for it
            missing-field {"trigger":"trigger","field":"kind"}: `kind` is missing; `unknown` stands in for it
            missing-field {"field":"id"}: `id` is missing; `note` stands in for it
            {
              "format": 1,
              "id": "workflow",
              "name": "workflow",
              "triggers": [{ "id": "trigger", "kind": "unknown" }],
              "steps": [
                { "id": "step_2", "kind": "unknown" },
                { "id": "step", "kind": "wait" },
                { "id": "step_3", "kind": "unknown", "was": 5 },
                { "id": "step_4", "kind": "unknown", "id?": ["x"], "kind?": null }
              ],
              "edges": [
                { "from": "", "to": "", "was": "a" },
                { "from": "", "to": "step" }
              ],
              "notes": [{ "id": "note", "text": ["one", "two"] }]
            }
        "#]],
    );
}

#[test]
fn unknown_fields_stay_where_they_are_kept() {
    opened(
        r#"{ "format": 1, "id": "a", "name": "A", "x": 1,
             "steps": [{ "id": "a", "kind": "new_kind", "colour": "red", "retry": { "attempts": 2, "mood": "good" } }],
             "edges": [{ "from": "a", "to": "a", "weight": 2 }] }"#,
        &expect![[r#"
            {
              "format": 1,
              "id": "a",
              "name": "A",
              "steps": [
                { "id": "a", "kind": "new_kind", "retry": { "attempts": 2, "mood": "good" }, "colour": "red" }
              ],
              "edges": [
                { "from": "a", "to": "a", "weight": 2 }
              ],
              "x": 1
            }
        "#]],
    );
}

#[test]
fn a_key_that_stands_twice_is_reported_with_its_path() {
    opened(
        r#"{ "id": "a", "name": "A", "name": "B", "steps": [{ "id": "a", "kind": "wait", "with": { "for": "1s", "for": "2s" } }] }"#,
        &expect![[r#"
            duplicate-key {"field":"name"}: `name` stands more than once in the file; the last one counts
            duplicate-key {"field":"steps[0].with.for"}: `for` stands more than once in `steps[0].with`; the last one counts
            {
              "format": 1,
              "id": "a",
              "name": "B",
              "steps": [
                { "id": "a", "kind": "wait", "with": { "for": "2s" } }
              ],
              "edges": []
            }
        "#]],
    );
}

#[test]
fn a_newer_format_is_told() {
    let parsed = parse(r#"{ "format": 9, "id": "a", "name": "A", "steps": [] }"#).unwrap();
    assert_eq!(parsed.newer, Some(9));
    assert_eq!(
        parse(r#"{ "format": 1, "steps": [] }"#).unwrap().newer,
        None
    );
}
