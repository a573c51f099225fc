//! The JSON Schema of the file format, for editors.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::workflow::{FORMAT, SCHEMA_URL, Workflow};

/// The JSON Schema (draft 2020-12) of a workflow file. `baton schema` prints it.
pub fn json_schema() -> Value {
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Workflow>();
    let mut value = schema.to_value();
    if let Some(map) = value.as_object_mut() {
        map.insert("$id".to_owned(), SCHEMA_URL.into());
        map.insert(
            "title".to_owned(),
            format!("Baton workflow, format {FORMAT}").into(),
        );
        map.insert(
            "description".to_owned(),
            "A workflow: steps, edges, triggers, layout. One text file, `*.baton.json`.".into(),
        );
    }
    value
}
