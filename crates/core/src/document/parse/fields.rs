//! What every part of a document is read with: where it stands, fields by type, and what becomes of those that do not
//! fit.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::problem::{Place, Problem, Severity};

/// Where the reader is: the thing and the path inside it.
#[derive(Clone, Default)]
pub(super) struct At {
    place: Place,
    path: String,
}

impl At {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            path: String::new(),
        }
    }

    pub(super) fn inside(&self, key: &str) -> Self {
        Self {
            place: self.place.clone(),
            path: format!("{}{key}.", self.path),
        }
    }

    pub(super) fn field(&self, key: &str) -> Place {
        Place {
            field: Some(format!("{}{key}", self.path)),
            ..self.place.clone()
        }
    }
}

#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
    /// How many there are, those in bodies included.
    pub(super) steps: usize,
    /// Ids that stand in the document.
    taken: BTreeSet<String>,
}

impl Reader {
    pub(super) fn look_ahead(&mut self, steps: &[Value]) {
        self.steps += steps.len();
        for step in steps {
            if let Some(id) = step.get("id").and_then(Value::as_str) {
                self.taken.insert(id.to_owned());
            }
            if let Some(inner) = step.pointer("/body/steps").and_then(Value::as_array) {
                self.look_ahead(inner);
            }
        }
    }

    /// An id that nothing else has: `step`, `step_2` …
    pub(super) fn new_id(&mut self, stem: &str) -> String {
        let id = (1..)
            .map(|n| {
                if n == 1 {
                    stem.to_owned()
                } else {
                    format!("{stem}_{n}")
                }
            })
            .find(|id| !self.taken.contains(id))
            .unwrap_or_else(|| stem.to_owned());
        self.taken.insert(id.clone());
        id
    }

    pub(super) fn wrong(&mut self, place: Place, key: &str, expected: &str, found: &Value) {
        self.problems.push(
            Problem::new(
                "wrong-type",
                Severity::Error,
                place,
                format!("`{key}` must be {expected}, not {}", short(found)),
            )
            .hint("correct the value, or delete the field"),
        );
    }

    /// Reports that `key` is absent, unless it was reported as wrong before.
    pub(super) fn missing(
        &mut self,
        at: &At,
        map: &Map<String, Value>,
        key: &str,
        placeholder: &str,
    ) {
        if map.contains_key("was") || map.contains_key(&format!("{key}?")) {
            return;
        }
        let message = if placeholder.is_empty() {
            format!("`{key}` is missing")
        } else {
            format!("`{key}` is missing; `{placeholder}` stands in for it")
        };
        self.problems.push(
            Problem::new("missing-field", Severity::Error, at.field(key), message)
                .hint(format!("add `{key}`")),
        );
    }

    /// A field without which the type cannot be: `None` if absent or of the wrong type.
    pub(super) fn needed(
        &mut self,
        at: &At,
        map: &mut Map<String, Value>,
        key: &str,
    ) -> Option<String> {
        match map.get_mut(key)? {
            Value::String(text) => {
                let text = std::mem::take(text);
                map.shift_remove(key);
                Some(text)
            }
            found => {
                let found = found.take();
                self.wrong(at.field(key), key, "a text", &found);
                map.shift_remove(key);
                map.insert(format!("{key}?"), found);
                None
            }
        }
    }

    pub(super) fn text(
        &mut self,
        at: &At,
        key: String,
        value: Value,
        rest: &mut Map<String, Value>,
    ) -> Option<String> {
        match value {
            Value::String(text) => Some(text),
            Value::Null => None,
            value => self.keep(at, key, "a text", value, rest),
        }
    }

    pub(super) fn flag(
        &mut self,
        at: &At,
        key: String,
        value: Value,
        rest: &mut Map<String, Value>,
    ) -> bool {
        match value {
            Value::Bool(flag) => flag,
            Value::Null => false,
            value => self
                .keep(at, key, "`true` or `false`", value, rest)
                .unwrap_or_default(),
        }
    }

    pub(super) fn object(
        &mut self,
        at: &At,
        key: String,
        value: Value,
        rest: &mut Map<String, Value>,
    ) -> Option<Map<String, Value>> {
        match value {
            Value::Object(map) => Some(map),
            Value::Null => None,
            value => self.keep(at, key, "an object", value, rest),
        }
    }

    /// A value of a small type that serde reads.
    pub(super) fn leaf<T: DeserializeOwned>(
        &mut self,
        at: &At,
        key: String,
        expected: &str,
        value: Value,
        rest: &mut Map<String, Value>,
    ) -> Option<T> {
        if value.is_null() {
            return None;
        }
        match T::deserialize(&value) {
            Ok(leaf) => Some(leaf),
            Err(_) => self.keep(at, key, expected, value, rest),
        }
    }

    /// Reports `value` and keeps it under its own key.
    pub(super) fn keep<T>(
        &mut self,
        at: &At,
        key: String,
        expected: &str,
        value: Value,
        rest: &mut Map<String, Value>,
    ) -> Option<T> {
        self.wrong(at.field(&key), &key, expected, &value);
        rest.insert(key, value);
        None
    }

    /// A list that the type cannot do without; anything else is kept under `key?`.
    pub(super) fn list(
        &mut self,
        at: &At,
        key: &str,
        value: Value,
        rest: &mut Map<String, Value>,
    ) -> Vec<Value> {
        match value {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            value => {
                self.wrong(at.field(key), key, "a list", &value);
                rest.insert(format!("{key}?"), value);
                Vec::new()
            }
        }
    }

    /// The fields of an object of a list; anything else is kept under `was`.
    pub(super) fn thing(&mut self, value: Value, what: &str) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            value => {
                self.problems.push(
                    Problem::new(
                        "wrong-type",
                        Severity::Error,
                        Place::default(),
                        format!("{what} must be an object, not {}", short(&value)),
                    )
                    .hint("correct the value, or delete it"),
                );
                Map::from_iter([("was".to_owned(), value)])
            }
        }
    }
}

pub(super) fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The value itself where it is short, else what it is.
fn short(value: &Value) -> String {
    let text = match value {
        Value::Array(_) | Value::Object(_) | Value::Null => String::new(),
        scalar => scalar.to_string(),
    };
    if (1..=40).contains(&text.len()) {
        format!("`{text}`")
    } else {
        describe(value).to_owned()
    }
}
