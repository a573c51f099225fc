//! The input of a workflow as a JSON Schema, for those who start it from elsewhere.

use baton_core::document::Workflow;
use serde_json::{Map, Value, json};

/// The schema of the input, named after the workflow; a workflow without one takes any object.
pub fn input_schema(workflow: &Workflow) -> String {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!(format!("Input of {}", workflow.name)));
    match &workflow.input {
        Some(Value::Object(input)) => {
            for (key, value) in input {
                schema.insert(key.clone(), value.clone());
            }
        }
        _ => {
            schema.insert("type".to_owned(), json!("object"));
        }
    }
    let mut text = serde_json::to_string_pretty(&Value::Object(schema)).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_that_of_the_document_with_a_title() {
        let mut workflow = Workflow::new("w", "Orders");
        assert!(input_schema(&workflow).contains("\"Input of Orders\""));
        workflow.input = Some(json!({ "type": "object", "required": ["id"] }));
        let schema: Value = serde_json::from_str(&input_schema(&workflow)).expect("it is JSON");
        assert_eq!(schema["required"], json!(["id"]));
    }
}
