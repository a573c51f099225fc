//! A catalog with a few tasks, as small as tests allow.

use baton_core::step_kind::{Catalog, Category, Effect, Form, Ports, StepKind};
use serde_json::{Map, Value, json};

/// The control kinds, and tasks that read, reshape, check, write and send.
pub(crate) fn catalog() -> Catalog {
    let task = |kind, category, ports, effect, form: &str| StepKind {
        kind,
        title: kind,
        summary: "A task of the tests.",
        category,
        icon: "box",
        ports,
        effect,
        is_control: false,
        is_container: false,
        form: Form::parse(kind, form),
        schema: json!({ "type": "object" }),
        output: &[],
    };
    Catalog::new([
        task(
            "read_table",
            Category::Data,
            Ports::Plain,
            pure,
            r#"{ "fields": [
                { "name": "path", "widget": "file", "label": "File", "required": true, "expression": true, "placeholder": "data.csv" },
                { "name": "format", "widget": "select", "label": "Format", "default": "csv",
                  "options": [{ "value": "csv", "label": "CSV" }, { "value": "excel", "label": "Excel" }] },
                { "name": "sheet", "widget": "text", "label": "Sheet", "required": true, "visibleWhen": { "field": "format", "is": ["excel"] } },
                { "name": "limit", "widget": "number", "label": "Rows at most", "min": 1, "max": 1000 },
                { "name": "header", "widget": "switch", "label": "Header" },
                { "name": "wait", "widget": "duration", "label": "Wait" }
            ] }"#,
        ),
        task(
            "query",
            Category::Data,
            Ports::Plain,
            pure,
            r#"{ "fields": [
                { "name": "table", "widget": "table", "label": "Table", "required": true, "expression": true },
                { "name": "sql", "widget": "code", "language": "sql", "label": "SQL", "expression": true },
                { "name": "tags", "widget": "strings", "label": "Tags" },
                { "name": "names", "widget": "mapping", "label": "Names", "expression": true }
            ] }"#,
        ),
        task(
            "quality_gate",
            Category::Quality,
            Ports::Fixed(&[("pass", "Passed"), ("fail", "Failed")]),
            pure,
            r#"{ "fields": [
                { "name": "table", "widget": "table", "label": "Table", "required": true, "expression": true },
                { "name": "rules", "widget": "list", "label": "Rules", "fields": [
                    { "name": "column", "widget": "text", "label": "Column", "required": true },
                    { "name": "min", "widget": "number", "label": "Least", "min": 0 }
                ] }
            ] }"#,
        ),
        task(
            "send",
            Category::Messages,
            Ports::Plain,
            unsafe_to_repeat,
            r#"{ "fields": [
                { "name": "text", "widget": "lines", "label": "Text", "expression": true },
                { "name": "token", "widget": "text", "label": "Token", "secret": true },
                { "name": "headers", "widget": "mapping", "label": "Headers", "expression": true }
            ] }"#,
        ),
    ])
}

fn pure(_: &Map<String, Value>) -> Effect {
    Effect::Pure
}

fn unsafe_to_repeat(_: &Map<String, Value>) -> Effect {
    Effect::Unsafe
}
