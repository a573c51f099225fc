//! Every row of the table in `docs/temporal.md`, by what is found and where.

use serde_json::{Value, json};

use super::*;
use crate::document;

fn workflow(body: &Value) -> Workflow {
    let mut whole = json!({ "format": 1, "id": "w", "name": "W", "steps": [], "edges": [] });
    for (key, value) in body.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    let parsed = document::parse(&whole.to_string()).expect("it is a workflow");
    assert_eq!(parsed.problems, []);
    parsed.workflow
}

fn found(workflow: &Workflow) -> Vec<(String, Option<String>, Option<String>)> {
    let problems = on_cluster(workflow, Around::default());
    for problem in &problems {
        assert_eq!(problem.severity, Severity::Warning, "{problem:?}");
        assert!(problem.hint.is_some(), "{problem:?}");
    }
    problems
        .into_iter()
        .map(|problem| (problem.code, problem.place.step, problem.place.field))
        .collect()
}

fn one(code: &str, step: &str, field: &str) -> (String, Option<String>, Option<String>) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    (code.to_owned(), some(step), some(field))
}

#[test]
fn what_is_the_same_everywhere_is_not_mentioned() {
    let plain = workflow(&json!({ "timeout": "1h", "steps": [
        { "id": "a", "kind": "set_values", "with": { "values": { "x": 1 } } },
        { "id": "b", "kind": "wait", "with": { "for": "1s" }, "retry": { "attempts": 2, "first": "2s" } },
        { "id": "c", "kind": "approval", "with": { "to": ["x"], "expires": "2d" } },
    ] }));
    assert_eq!(found(&plain), []);
}

#[test]
fn triggers_do_not_fire_there() {
    let fires = workflow(&json!({ "triggers": [
        { "id": "daily", "kind": "schedule", "with": { "cron": "0 8 * * *" } },
        { "id": "drop", "kind": "file", "with": { "path": "in" } },
    ] }));
    let problems = on_cluster(&fires, Around::default());
    let triggers: Vec<_> = problems
        .iter()
        .map(|one| (one.code.as_str(), one.place.trigger.as_deref()))
        .collect();
    assert_eq!(
        triggers,
        [
            ("target-triggers", Some("daily")),
            ("target-triggers", Some("drop"))
        ]
    );
}

#[test]
fn notices_files_and_programs_are_those_of_the_worker() {
    let local = workflow(&json!({ "steps": [
        { "id": "tell", "kind": "notify", "with": { "title": "x" } },
        { "id": "read", "kind": "read_table", "with": { "path": "in.csv" } },
        { "id": "each", "kind": "for_each", "with": { "items": "{% [1] %}" }, "body": { "steps": [
            { "id": "write", "kind": "write_table", "with": { "path": "{% 'out' & item %}" },
              "undo": { "kind": "remove_file", "with": { "path": "out.csv" } } },
            { "id": "go", "kind": "run_command", "with": { "program": "make" } },
        ], "edges": [] } },
        { "id": "off", "kind": "notify", "disabled": true, "with": { "title": "x" } },
    ] }));
    assert_eq!(
        found(&local),
        [
            one("target-notify", "tell", ""),
            one("target-local-file", "read", "with.path"),
            one("target-local-file", "write", "with.path"),
            one("target-local-file", "write", "undo.with.path"),
            one("target-command", "go", "with.program"),
        ]
    );
}

#[test]
fn times_under_a_second_are_rounded_up() {
    let quick = workflow(&json!({ "timeout": "900ms", "steps": [
        { "id": "wait", "kind": "wait", "with": { "for": "200ms" } },
        { "id": "again", "kind": "repeat", "with": { "until": "{% true %}", "delay": "10ms" }, "body": { "steps": [], "edges": [] } },
        { "id": "hear", "kind": "wait_for", "with": { "event": "x", "timeout": "500ms" } },
        { "id": "ask", "kind": "approval", "with": { "to": ["x"], "expires": "100ms", "remind": "4h" } },
        { "id": "get", "kind": "http_request", "with": { "url": "http://localhost" }, "timeout": "0.5s",
          "retry": { "attempts": 3, "first": "100ms", "max": "1m" },
          "undo": { "kind": "http_request", "with": { "url": "http://localhost" }, "timeout": "10ms", "retry": { "first": "1ms" } } },
        { "id": "later", "kind": "wait", "with": { "for": "{% '1' & 'ms' %}" } },
    ] }));
    assert_eq!(
        found(&quick),
        [
            one("target-short-wait", "", "timeout"),
            one("target-short-wait", "wait", "with.for"),
            one("target-short-wait", "again", "with.delay"),
            one("target-short-wait", "hear", "with.timeout"),
            one("target-short-wait", "ask", "with.expires"),
            one("target-short-wait", "get", "undo.timeout"),
            one("target-short-wait", "get", "undo.retry.first"),
            one("target-short-wait", "get", "timeout"),
            one("target-short-wait", "get", "retry.first"),
        ]
    );
}

#[test]
fn an_input_has_a_limit() {
    let large = "x".repeat(INPUT_LIMIT);
    let proposes = workflow(
        &json!({ "input": { "type": "object", "properties": { "rows": { "type": "string", "default": large } } } }),
    );
    assert_eq!(found(&proposes), [one("target-input", "", "input")]);
    // What it is started with counts, not what it proposes.
    let small = json!({ "rows": "x" });
    let around = Around {
        input: Some(&small),
        ..Around::default()
    };
    assert_eq!(on_cluster(&proposes, around), []);
    let given = json!({ "rows": large });
    let around = Around {
        input: Some(&given),
        ..Around::default()
    };
    assert_eq!(on_cluster(&workflow(&json!({})), around).len(), 1);
}

#[test]
fn sub_workflows_are_those_beside_the_file() {
    let calls = workflow(&json!({ "steps": [
        { "id": "here", "kind": "workflow", "with": { "workflow": "child" } },
        { "id": "gone", "kind": "workflow", "with": { "workflow": "elsewhere" } },
        { "id": "any", "kind": "workflow", "with": { "workflow": "{% input.name %}" } },
        { "id": "old", "kind": "workflow", "with": { "workflow": "child", "version": "blake3:abc" } },
    ] }));
    let always = [
        one("target-sub-workflow", "any", "with.workflow"),
        one("target-sub-workflow", "old", "with.version"),
    ];
    assert_eq!(found(&calls), always);
    let is_beside = |name: &str| name == "child";
    let around = Around {
        is_beside: Some(&is_beside),
        ..Around::default()
    };
    let steps: Vec<_> = on_cluster(&calls, around)
        .into_iter()
        .filter_map(|problem| problem.place.step)
        .collect();
    assert_eq!(steps, ["gone", "any", "old"]);
}
