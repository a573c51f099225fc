//! Every kind holds together: its file, its form, its settings.

use std::collections::BTreeSet;

use baton_core::step_kind::{Field, StepKind};
use serde_json::{Map, Value};

use crate::testing::{Bench, task};
use crate::{KINDS, catalog, execute, execute_inline};

fn tasks() -> Vec<StepKind> {
    catalog()
        .all()
        .filter(|kind| !kind.is_control)
        .cloned()
        .collect()
}

#[test]
fn every_file_is_registered_and_the_list_is_in_order() {
    let folder = format!("{}/src/kinds", env!("CARGO_MANIFEST_DIR"));
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .collect();
    assert_eq!(KINDS, files.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn forms_and_settings_agree() {
    for kind in tasks() {
        compare(kind.kind, &kind.form.fields, &kind.schema, &kind.schema);
    }
}

/// The fields of a form are the properties of its schema, at each depth.
fn compare(place: &str, fields: &[Field], schema: &Value, root: &Value) {
    let properties = schema["properties"]
        .as_object()
        .unwrap_or_else(|| panic!("{place}: {schema}"));
    let in_schema: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    let in_form: BTreeSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(
        in_form, in_schema,
        "{place}: fields of the form and of the settings"
    );
    assert_eq!(
        schema["additionalProperties"], false,
        "{place}: unknown fields are refused"
    );
    let required: BTreeSet<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for field in fields {
        let place = format!("{place}.{}", field.name);
        // A field that is only sometimes shown cannot be required by the schema.
        if field.visible_when.is_none() {
            assert_eq!(
                field.required,
                required.contains(field.name.as_str()),
                "{place}: required"
            );
        }
        if let Some(fields) = &field.fields {
            let items = resolve(&properties[&field.name], root)["items"].clone();
            compare(&place, fields, &resolve(&items, root), root);
        }
    }
}

fn resolve(schema: &Value, root: &Value) -> Value {
    match schema["$ref"].as_str() {
        Some(path) => root.pointer(path.trim_start_matches('#')).unwrap().clone(),
        None => schema.clone(),
    }
}

#[test]
fn defaults_and_choices_are_valid_settings() {
    for kind in tasks() {
        let validator = jsonschema::validator_for(&kind.schema).unwrap();
        for field in &kind.form.fields {
            let choices = field.options.iter().flatten().map(|choice| &choice.value);
            for value in field.default.iter().chain(choices) {
                let mut with = Map::new();
                with.insert(field.name.clone(), value.clone());
                let with = Value::Object(with);
                let wrong: Vec<String> = validator
                    .iter_errors(&with)
                    .map(|error| error.to_string())
                    .filter(|error| !error.contains("required"))
                    .collect();
                assert!(
                    wrong.is_empty(),
                    "{}.{} = {value}: {wrong:?}",
                    kind.kind,
                    field.name
                );
            }
        }
    }
}

#[tokio::test]
async fn missing_settings_are_an_error_and_never_a_panic() {
    let bench = Bench::new();
    for kind in KINDS {
        for with in [serde_json::json!({}), serde_json::json!({ "bogus": 1 })] {
            let task = task(kind, with);
            let error = execute(&task, &bench.cx).await.unwrap_err();
            assert!(error.permanent, "{kind}: {error:?}");
            if let Some(inline) = execute_inline(&task) {
                assert_eq!(inline.unwrap_err(), error);
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_kind_is_a_permanent_error() {
    let error = Bench::new()
        .fail("make_coffee", serde_json::json!({}))
        .await;
    assert_eq!(
        (error.code.as_str(), error.permanent),
        ("unknown-kind", true)
    );
    assert!(execute_inline(&task("make_coffee", serde_json::json!({}))).is_none());
}
