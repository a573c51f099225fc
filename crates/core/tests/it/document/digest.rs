//! The digest: what counts in it and what does not.

use baton_core::document::{Step, Workflow, digest, parse};

fn of(text: &str) -> String {
    digest(&parse(text).expect("the test is a workflow").workflow)
}

const BASE: &str = r#"{ "format": 1, "id": "a", "name": "A", "steps": [{ "id": "s", "kind": "wait", "with": { "for": "1s", "x": 1 } }] }"#;

#[test]
fn where_things_stand_does_not_count() {
    let moved = BASE.replace(
        "\"steps\"",
        "\"$schema\": \"x\", \"layout\": { \"s\": [9, 9] }, \"steps\"",
    );
    assert_eq!(of(&moved), of(BASE));
    let note = |size: &str| {
        BASE.replace(
            "\"steps\"",
            &format!("\"notes\": [{{ \"id\": \"n\", \"text\": [\"t\"]{size} }}], \"steps\""),
        )
    };
    assert_eq!(
        of(&note(", \"size\": [1, 2], \"color\": \"red\"")),
        of(&note(""))
    );
}

#[test]
fn the_order_of_keys_does_not_count() {
    assert_eq!(
        of(&BASE.replace(r#""for": "1s", "x": 1"#, r#""x": 1, "for": "1s""#)),
        of(BASE)
    );
}

#[test]
fn whatever_a_run_could_see_counts() {
    for (from, to) in [
        ("\"1s\"", "\"2s\""),
        ("\"kind\": \"wait\"", "\"kind\": \"merge\""),
        ("\"kind\": \"wait\"", "\"kind\": \"wait\", \"pin\": null"),
        ("\"kind\": \"wait\"", "\"kind\": \"wait\", \"unknown\": 1"),
    ] {
        assert_ne!(of(&BASE.replace(from, to)), of(BASE), "{to}");
    }
}

#[test]
fn it_is_a_fixed_hash() {
    expect_test::expect!["524f29a4a8b8e7629626e4702e6cc689661cc98d077e3d89782580063612d436"]
        .assert_eq(&of(BASE));
}

#[test]
fn ten_thousand_steps_are_no_matter() {
    let mut workflow = Workflow::new("large", "Large");
    workflow.steps = (0..10_000)
        .map(|n| Step {
            id: format!("s{n}"),
            kind: "wait".to_owned(),
            ..Step::default()
        })
        .collect();
    assert_eq!(digest(&workflow).len(), 64);
}
