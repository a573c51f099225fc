//! The digest: the hash of what a run depends on.

use serde_json::Value;

use super::print::to_value;
use super::workflow::Workflow;

/// The blake3 hash, 64 hex digits, of the document as compact JSON with sorted keys – without `layout`, `$schema`
/// and the size and colour of notes. A run pins it, an approval signs it, an export stamps it.
pub fn digest(workflow: &Workflow) -> String {
    let mut value = to_value(workflow);
    if let Value::Object(map) = &mut value {
        map.shift_remove("layout");
        map.shift_remove("$schema");
        for note in map
            .get_mut("notes")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Value::Object(note) = note {
                note.shift_remove("size");
                note.shift_remove("color");
            }
        }
    }
    let mut text = Vec::with_capacity(256 + workflow.steps.len() * 192);
    canonical(&value, &mut text);
    blake3::hash(&text).to_hex().to_string()
}

fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_unstable_by_key(|(key, _)| key.as_str());
            out.push(b'{');
            for (index, (key, item)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                leaf(key, out);
                out.push(b':');
                canonical(item, out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                canonical(item, out);
            }
            out.push(b']');
        }
        _ => leaf(value, out),
    }
}

fn leaf<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value)
        .expect("texts and numbers have a JSON form, and a vector takes it");
}
