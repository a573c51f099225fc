//! Writing a workflow file: the one canonical text of a document.
//!
//! Keys stand in the order of the types, two spaces indent, a list or object that fits into 100 columns stands
//! on one line – except steps, edges and places, which always have a line each, so that a change of one is a
//! change of one line.

use serde_json::{Map, Value};

use super::workflow::{Retry, Step, Workflow};

const WIDTH: usize = 100;

/// The text of `workflow`.
pub fn print(workflow: &Workflow) -> String {
    let value = to_value(workflow);
    let mut writer = Writer {
        out: String::with_capacity(256 + workflow.steps.len() * 256),
    };
    writer.write(&value, Shape::Workflow, 0, 0);
    writer.out.push('\n');
    writer.out
}

/// The document as JSON, with whole numbers written as such in the fields that are numbers by type.
pub(super) fn to_value(workflow: &Workflow) -> Value {
    // Only a map with keys that are no texts or a failing `Serialize` could fail here; there is neither.
    let mut value = serde_json::to_value(workflow).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        if !workflow.layout.is_empty() {
            whole_in(map.get_mut("layout"));
        }
        for (note, written) in workflow.notes.iter().zip(list_mut(map, "notes")) {
            if note.size.is_some() {
                whole_in(written.get_mut("size"));
            }
        }
        whole_steps(&workflow.steps, list_mut(map, "steps"));
    }
    value
}

fn list_mut<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut [Value] {
    map.get_mut(key)
        .and_then(Value::as_array_mut)
        .map_or(&mut [][..], Vec::as_mut_slice)
}

fn whole_steps(steps: &[Step], written: &mut [Value]) {
    for (step, written) in steps.iter().zip(written) {
        whole_retry(step.retry.as_ref(), written.get_mut("retry"));
        if let Some(undo) = &step.undo {
            whole_retry(undo.retry.as_ref(), written.pointer_mut("/undo/retry"));
        }
        if let Some(body) = &step.body
            && let Some(map) = written.get_mut("body").and_then(Value::as_object_mut)
        {
            whole_steps(&body.steps, list_mut(map, "steps"));
        }
    }
}

fn whole_retry(retry: Option<&Retry>, written: Option<&mut Value>) {
    if let (Some(retry), Some(written)) = (retry, written) {
        if retry.factor.is_some() {
            whole_in(written.get_mut("factor"));
        }
        if retry.jitter.is_some() {
            whole_in(written.get_mut("jitter"));
        }
    }
}

/// `2.0` becomes `2`, in a number or in the numbers of a list or object.
fn whole_in(value: Option<&mut Value>) {
    match value {
        Some(Value::Array(items)) => items.iter_mut().for_each(|item| whole_in(Some(item))),
        Some(Value::Object(map)) => map.values_mut().for_each(|item| whole_in(Some(item))),
        Some(value @ Value::Number(_)) => {
            if let Some(number) = value.as_f64()
                && number.fract() == 0.0
                && number.abs() < 9e15
            {
                *value = Value::from(number as i64);
            }
        }
        _ => {}
    }
}

/// What a value is, as far as its form depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Workflow,
    Steps,
    Step,
    Body,
    /// One member per line.
    Lines,
    Any,
}

impl Shape {
    fn of_member(self, key: &str) -> Self {
        match (self, key) {
            (Self::Workflow | Self::Body, "steps") => Self::Steps,
            (Self::Workflow | Self::Body, "edges") | (Self::Workflow, "layout") => Self::Lines,
            (Self::Step, "body") => Self::Body,
            _ => Self::Any,
        }
    }

    const fn of_item(self) -> Self {
        match self {
            Self::Steps => Self::Step,
            _ => Self::Any,
        }
    }

    /// Whether a value of this shape never stands on one line.
    fn is_broken(self, value: &Value) -> bool {
        match self {
            Self::Workflow | Self::Steps | Self::Body | Self::Lines => true,
            Self::Step => value.get("body").is_some_and(|body| body.is_object()),
            Self::Any => false,
        }
    }
}

struct Writer {
    out: String,
}

impl Writer {
    /// Writes `value`; `used` columns of its first line are taken, its own lines start at `indent`.
    fn write(&mut self, value: &Value, shape: Shape, indent: usize, used: usize) {
        let is_empty = match value {
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => true,
        };
        if is_empty {
            inline(value, &mut self.out, usize::MAX);
            return;
        }
        if !shape.is_broken(value) {
            let start = self.out.len();
            // The comma that may follow counts.
            if inline(value, &mut self.out, (WIDTH - 1).saturating_sub(used)) {
                return;
            }
            self.out.truncate(start);
        }
        let inner = indent + 2;
        match value {
            Value::Array(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.next_line(index, inner);
                    self.write(item, shape.of_item(), inner, inner);
                }
                self.close(']', indent);
            }
            Value::Object(map) => {
                self.out.push('{');
                for (index, (key, item)) in map.iter().enumerate() {
                    self.next_line(index, inner);
                    let start = self.out.len();
                    text(key, &mut self.out);
                    self.out.push_str(": ");
                    let used = inner + self.out[start..].chars().count();
                    self.write(item, shape.of_member(key), inner, used);
                }
                self.close('}', indent);
            }
            _ => {}
        }
    }

    fn next_line(&mut self, index: usize, indent: usize) {
        self.out.push_str(if index == 0 { "\n" } else { ",\n" });
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn close(&mut self, bracket: char, indent: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.out.push(bracket);
    }
}

/// Appends `value` on one line; `false` as soon as it takes more than `room` columns.
fn inline(value: &Value, out: &mut String, room: usize) -> bool {
    fn go(value: &Value, out: &mut String, start: usize, room: usize) -> bool {
        match value {
            Value::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    if !go(item, out, start, room) {
                        return false;
                    }
                }
                out.push(']');
            }
            Value::Object(map) if map.is_empty() => out.push_str("{}"),
            Value::Object(map) => {
                out.push_str("{ ");
                for (index, (key, item)) in map.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    text(key, out);
                    out.push_str(": ");
                    if !go(item, out, start, room) {
                        return false;
                    }
                }
                out.push_str(" }");
            }
            Value::String(string) => text(string, out),
            Value::Null => out.push_str("null"),
            Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Value::Number(number) => out.push_str(&number.to_string()),
        }
        // Bytes are an upper bound of characters, and cheap; count only where they are too many.
        out.len() - start <= room || out[start..].chars().count() <= room
    }
    let start = out.len();
    let is_leaf = !matches!(value, Value::Array(_) | Value::Object(_));
    go(value, out, start, room) || is_leaf
}

fn text(string: &str, out: &mut String) {
    // A text always has a JSON form.
    out.push_str(&serde_json::to_string(string).unwrap_or_default());
}
