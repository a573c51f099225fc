//! The published JSON Schema tells right from wrong.

use baton_core::document::{SCHEMA_URL, json_schema};
use serde_json::json;

#[test]
fn the_schema_names_every_field_of_the_file() {
    let schema = json_schema();
    assert_eq!(schema["$id"], SCHEMA_URL);
    let properties = schema["properties"]
        .as_object()
        .expect("a workflow is an object");
    let names: Vec<&str> = properties.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "$schema",
            "format",
            "id",
            "name",
            "about",
            "input",
            "triggers",
            "timeout",
            "onFailure",
            "limits",
            "steps",
            "edges",
            "notes",
            "layout"
        ]
    );
    assert!(
        properties
            .values()
            .all(|property| property["description"].is_string())
    );
    // Unknown fields are kept, so the schema must let them pass.
    for definition in [
        "About", "Body", "Edge", "Note", "Retry", "Step", "Trigger", "Undo",
    ] {
        let definition = &schema["$defs"][definition];
        assert!(
            definition.is_object() && definition["additionalProperties"] != false,
            "{definition}"
        );
    }
}

fn valid(workflow: &serde_json::Value) -> bool {
    jsonschema::validator_for(&json_schema())
        .expect("the schema is a schema")
        .is_valid(workflow)
}

#[test]
fn the_schema_tells_right_from_wrong() {
    let right = json!({
        "format": 1, "id": "a", "name": "A", "extra": true,
        "steps": [
            { "id": "s", "kind": "wait", "with": { "for": "1s" }, "retry": { "attempts": 3 }, "join": { "atLeast": 2 } },
            { "id": "t", "kind": "scope", "join": "all", "body": { "steps": [], "edges": [] } },
        ],
        "edges": [{ "from": "s", "to": "t", "on": "error" }],
        "layout": { "s": [0, 0] },
    });
    assert!(valid(&right));
    for (pointer, wrong) in [
        ("/id", json!(1)),
        ("/steps/0/retry", json!("abc")),
        ("/steps/0/join", json!("some")),
        ("/edges/0/on", json!("success")),
        ("/layout/s", json!([1])),
    ] {
        let mut document = right.clone();
        *document.pointer_mut(pointer).expect("the place exists") = wrong;
        assert!(!valid(&document), "{pointer}");
    }
}
