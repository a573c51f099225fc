//! The JSON Schema of the workflow file, for editors.

/// The schema as a text, two spaces indent, trailing newline.
pub fn schema_text() -> String {
    format!("{:#}\n", baton_core::document::json_schema())
}
