//! JSON text to a value, with the keys that stand twice in one object, and errors in plain words.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{MAX_DEPTH, ParseError};
use crate::problem::{Place, Problem, Severity};

/// The value of `text`, and a problem for each key that stands twice.
pub(super) fn read(text: &str) -> Result<(Value, Vec<Problem>), ParseError> {
    let mut state = State::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Node(&mut state)
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| plain(text, &error))?;
    Ok((value, state.problems))
}

#[derive(Default)]
struct State {
    path: Vec<Part>,
    problems: Vec<Problem>,
}

enum Part {
    Key(String),
    Index(usize),
}

impl State {
    fn duplicate(&mut self, key: &str) {
        let mut field = String::new();
        for part in &self.path {
            match part {
                Part::Key(key) if field.is_empty() => field.push_str(key),
                Part::Key(key) => {
                    field.push('.');
                    field.push_str(key);
                }
                Part::Index(index) => field.push_str(&format!("[{index}]")),
            }
        }
        let inside = if field.is_empty() {
            "the file".to_owned()
        } else {
            format!("`{field}`")
        };
        let field = if field.is_empty() {
            key.to_owned()
        } else {
            format!("{field}.{key}")
        };
        self.problems.push(
            Problem::new(
                "duplicate-key",
                Severity::Warning,
                Place {
                    field: Some(field),
                    ..Place::default()
                },
                format!("`{key}` stands more than once in {inside}; the last one counts"),
            )
            .hint("delete the others"),
        );
    }
}

/// Reads one value; knows where it is.
struct Node<'a>(&'a mut State);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            self.0.path.push(Part::Index(items.len()));
            let item = access.next_element_seed(Node(self.0))?;
            self.0.path.pop();
            match item {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                self.0.duplicate(&key);
            }
            self.0.path.push(Part::Key(key));
            let value = access.next_value_seed(Node(self.0))?;
            let Some(Part::Key(key)) = self.0.path.pop() else {
                return Err(A::Error::custom("path out of step"));
            };
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// The parser's words, in ours.
fn plain(text: &str, error: &serde_json::Error) -> ParseError {
    let full = error.to_string();
    let reason = full.split(" at line ").next().unwrap_or(&full);
    let line = error.line();
    let before = text
        .split('\n')
        .nth(line.saturating_sub(1))
        .unwrap_or_default();
    let column = before
        .char_indices()
        .take_while(|(start, _)| *start + 1 < error.column())
        .count()
        + 1;
    let at = |code, message: String, hint: &str| ParseError {
        line: u32::try_from(line).ok(),
        column: u32::try_from(column).ok(),
        ..ParseError::new(code, message, hint)
    };
    if reason.starts_with("recursion limit") {
        return at(
            "too-deep",
            format!("objects and lists stand more than {MAX_DEPTH} deep in one another"),
            "a workflow needs fewer levels; look for a value that contains itself",
        );
    }
    if text.trim().is_empty() {
        return at(
            "not-json",
            "the file is empty".to_owned(),
            "start a new workflow, or open another file",
        );
    }
    let (message, hint) = match reason {
        "EOF while parsing a string" => (
            "the file ends inside a text".to_owned(),
            "a closing `\"` is missing",
        ),
        "EOF while parsing a list" => (
            "the file ends inside a list".to_owned(),
            "a closing `]` is missing",
        ),
        "EOF while parsing an object" => (
            "the file ends inside an object".to_owned(),
            "a closing `}` is missing",
        ),
        "EOF while parsing a value" => (
            "the file ends where a value is expected".to_owned(),
            "the file may be cut off",
        ),
        "trailing comma" => (
            "a comma with nothing after it".to_owned(),
            "delete the comma",
        ),
        "trailing characters" => (
            "there is more text after the end of the workflow".to_owned(),
            "delete what follows the last `}`",
        ),
        "key must be a string" => (
            "expected a key in double quotes".to_owned(),
            "write `\"name\": …`; delete a comma before `}`",
        ),
        "expected value" | "expected ident" => (
            "expected a value".to_owned(),
            "values are texts in double quotes, numbers, `true`, `false`, `null`, `[…]` or `{…}`",
        ),
        "number out of range" => (
            "a number is too large".to_owned(),
            "write it as a text, in double quotes",
        ),
        "invalid number" => (
            "this is not a number".to_owned(),
            "numbers look like `12`, `-0.5` or `1e6`",
        ),
        "invalid escape" => (
            "`\\` is followed by an unknown letter".to_owned(),
            "write `\\\\` for a backslash",
        ),
        other if other.starts_with("control character") => (
            "a text contains a line break or tab".to_owned(),
            "write `\\n` or `\\t`, or use a list of lines",
        ),
        other => (
            other.to_owned(),
            "this place is not valid JSON; a comma, quote or bracket may be missing",
        ),
    };
    at("not-json", message, hint)
}
