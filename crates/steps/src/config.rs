//! Settings of steps: from the document's values to typed ones.

use std::borrow::Cow;

use baton_core::error::StepError;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The settings of a step.
pub(crate) type With = Map<String, Value>;

/// The settings as a `T`. A field that is null counts as absent: expressions give null where nothing is.
pub(crate) fn parse<T: DeserializeOwned>(with: &With) -> Result<T, StepError> {
    let given = with
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.as_str(), value));
    T::deserialize(MapDeserializer::<_, serde_json::Error>::new(given)).map_err(|error| {
        StepError::permanent("config", format!("the settings do not fit: {error}"))
            .hint("open the step and correct the field")
    })
}

/// A text that the document may keep as an array of lines. A number or another value that an expression gave is
/// written out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Text(pub(crate) String);

impl Text {
    /// The text that `value` stands for.
    pub(crate) fn of(value: &Value) -> Self {
        Self(match value {
            Value::String(text) => text.clone(),
            Value::Array(lines) if lines.iter().all(Value::is_string) => lines
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join("\n"),
            Value::Null => String::new(),
            other => other.to_string(),
        })
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::of(&value))
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" } })
    }
}

impl std::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The setting `key` as a short text, as written; empty if absent.
pub(crate) fn shown(with: &With, key: &str) -> String {
    with.get(key).map(Text::of).unwrap_or_default().0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        text: Text,
        #[serde(default)]
        count: u32,
    }

    fn example(value: &Value) -> Result<Example, StepError> {
        parse(value.as_object().unwrap())
    }

    #[test]
    fn a_text_is_a_string_or_lines_or_what_an_expression_gave() {
        for (value, text) in [
            (json!("a"), "a"),
            (json!(["a", "b"]), "a\nb"),
            (json!(3), "3"),
            (json!([1]), "[1]"),
        ] {
            assert_eq!(&*example(&json!({ "text": value })).unwrap().text, text);
        }
    }

    #[test]
    fn null_is_absent_and_a_strange_field_is_an_error() {
        assert_eq!(
            example(&json!({ "text": "a", "count": null }))
                .unwrap()
                .count,
            0
        );
        let error = example(&json!({ "text": "a", "cuont": 1 })).unwrap_err();
        assert!(
            error.permanent && error.message.contains("cuont"),
            "{error}"
        );
    }
}
