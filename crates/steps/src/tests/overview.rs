//! What people are told about steps and workflows.

use baton_core::document::{Body, Step, Undo, Workflow};
use serde_json::{Value, json};

use crate::{Touch, catalog, effects, summary};

fn step(id: &str, kind: &str, with: Value) -> Step {
    let Value::Object(with) = with else {
        panic!("settings are an object")
    };
    Step {
        id: id.to_owned(),
        kind: kind.to_owned(),
        with,
        ..Step::default()
    }
}

#[test]
fn a_card_says_in_a_few_words_what_its_step_does() {
    for (kind, with, expected) in [
        (
            "read_table",
            json!({ "path": "data/airports.csv" }),
            "airports.csv",
        ),
        (
            "read_table",
            json!({ "path": "{% input.file %}" }),
            "input.file",
        ),
        (
            "write_table",
            json!({ "path": "out/clean.parquet" }),
            "clean.parquet",
        ),
        (
            "remove_file",
            json!({ "path": "{% output.path %}" }),
            "output.path",
        ),
        (
            "quality_gate",
            json!({ "rules": [{}, {}, {}, {}] }),
            "4 rules",
        ),
        ("quality_gate", json!({ "rules": [{}] }), "1 rule"),
        (
            "sql",
            json!({ "query": ["SELECT state,", "  count(*) FROM airports GROUP BY ALL"] }),
            "SELECT state, count(*) FROM airports GR…",
        ),
        (
            "set_values",
            json!({ "values": { "limit": 1, "owner": 2 } }),
            "limit, owner",
        ),
        ("log", json!({ "message": ["first", "second"] }), "first"),
        ("notify", json!({ "title": "Published" }), "Published"),
        (
            "http_request",
            json!({ "url": "https://example.org/a/b" }),
            "GET example.org",
        ),
        (
            "http_request",
            json!({ "method": "POST", "url": "https://example.org" }),
            "POST example.org",
        ),
        (
            "run_command",
            json!({ "program": "python3", "args": ["score.py", "--fast"] }),
            "python3 score.py --fast",
        ),
        (
            "approval",
            json!({ "to": ["data-steward"] }),
            "to data-steward",
        ),
        ("wait", json!({ "for": "10m" }), "10m"),
        (
            "wait",
            json!({ "until": "2026-12-24T18:00:00Z" }),
            "until 2026-12-24T18:00:00Z",
        ),
        (
            "wait_for",
            json!({ "event": "payment.received" }),
            "payment.received",
        ),
        (
            "decision",
            json!({ "cases": [{ "port": "large" }] }),
            "large / else",
        ),
        ("rules", json!({ "rules": [{}, {}] }), "2 rules"),
        (
            "for_each",
            json!({ "items": "{% steps.load.preview %}" }),
            "over steps.load.preview",
        ),
        (
            "repeat",
            json!({ "until": "{% output.done %}" }),
            "until output.done",
        ),
        (
            "workflow",
            json!({ "workflow": "flows/score.baton.json" }),
            "score.baton.json",
        ),
        ("end", json!({ "outcome": "published" }), "published"),
        ("fail", json!({ "message": "no data" }), "no data"),
        ("merge", json!({}), ""),
        ("make_coffee", json!({ "beans": 3 }), ""),
    ] {
        assert_eq!(summary(&step("s", kind, with)), expected, "{kind}");
    }
}

#[test]
fn half_drawn_steps_have_a_card_as_well() {
    for kind in catalog().all() {
        for value in [
            json!(null),
            json!(3),
            json!("{% x %}"),
            json!([1]),
            json!({ "a": [] }),
        ] {
            let mut with = serde_json::Map::new();
            for field in &kind.form.fields {
                with.insert(field.name.clone(), value.clone());
            }
            let step = Step {
                with,
                ..step("s", kind.kind, json!({}))
            };
            assert!(summary(&step).chars().count() <= 60);
            (kind.effect)(&step.with);
        }
    }
}

#[test]
fn the_trust_dialog_lists_what_a_run_could_do() {
    let mut workflow = Workflow::new("w", "W");
    let mut write = step("write", "write_table", json!({ "path": "out/a.csv" }));
    write.undo = Some(Undo {
        kind: "remove_file".to_owned(),
        with: json!({ "path": "{% output.path %}" })
            .as_object()
            .unwrap()
            .clone(),
        ..Undo::default()
    });
    let mut each = step("each", "for_each", json!({ "items": "{% input.list %}" }));
    each.body = Some(Body {
        steps: vec![step(
            "call",
            "http_request",
            json!({ "url": "https://example.org/x", "auth": "bearer", "secret": "crm" }),
        )],
        ..Body::default()
    });
    workflow.steps = vec![
        step("load", "read_table", json!({ "path": "/data/a.csv" })),
        step("query", "sql", json!({ "query": "SELECT 1" })),
        write,
        each,
        step(
            "score",
            "run_command",
            json!({ "program": "python3", "args": ["score.py"] }),
        ),
        step("tell", "notify", json!({ "title": "Done" })),
    ];
    let touch = |kind, target: &str, step: &str| Touch {
        kind,
        target: target.to_owned(),
        step: step.to_owned(),
    };
    assert_eq!(
        effects(&workflow),
        [
            touch("read", "/data/a.csv", "load"),
            touch("write", "out/a.csv", "write"),
            touch("delete", "{% output.path %}", "write"),
            touch("host", "example.org", "call"),
            touch("secret", "crm", "call"),
            touch("program", "python3 score.py", "score"),
            touch("message", "Done", "tell"),
        ]
    );
}
