//! Large values: kept as artifacts on the way into the log, put back on the way into a task. For every host.

use std::io;

use baton_core::table::{BLOB_TYPE, BlobRef, INLINE_LIMIT, TableRef};
use serde_json::{Map, Value};

use crate::Artifacts;

/// How many characters of a large value stay visible.
const PREVIEW_CHARS: usize = 240;

/// Whether the JSON text of `value` is certainly longer than `limit` bytes, at the cost of at most `limit` steps.
fn is_larger(value: &Value, limit: usize) -> bool {
    fn spend(value: &Value, left: &mut usize) -> bool {
        let cost = match value {
            Value::Null | Value::Bool(_) => 4,
            Value::Number(_) => 3,
            Value::String(text) => text.len() + 2,
            Value::Array(_) | Value::Object(_) => 2,
        };
        let Some(rest) = left.checked_sub(cost) else {
            return false;
        };
        *left = rest;
        match value {
            Value::Array(items) => items.iter().all(|item| spend(item, left)),
            Value::Object(fields) => fields.iter().all(|(name, field)| {
                *left = left.saturating_sub(name.len() + 4);
                spend(field, left)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        }
    }
    let mut left = limit;
    !spend(value, &mut left)
}

/// Whether `value` has to leave the log.
pub fn is_large(value: &Value) -> bool {
    is_larger(value, INLINE_LIMIT) && TableRef::from_value(value).is_none()
}

/// Keeps `value` as an artifact and gives the reference to it.
///
/// # Errors
///
/// If it cannot be written.
pub fn keep(artifacts: &Artifacts, value: &Value) -> io::Result<Value> {
    let text = serde_json::to_string(value)?;
    let put = artifacts.put_bytes(text.as_bytes())?;
    let preview = text.chars().take(PREVIEW_CHARS).collect();
    let blob = BlobRef {
        marker: BLOB_TYPE.to_owned(),
        artifact: put.hash,
        bytes: put.bytes,
        preview,
    };
    Ok(serde_json::to_value(blob)?)
}

/// Whether there is a reference to a large value anywhere in `with`.
pub fn has_blobs(with: &Map<String, Value>) -> bool {
    fn search(value: &Value) -> bool {
        match value {
            Value::Object(fields) => {
                fields.get("$type").and_then(Value::as_str) == Some(BLOB_TYPE)
                    || fields.values().any(search)
            }
            Value::Array(items) => items.iter().any(search),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
    with.values().any(search)
}

/// Puts the large values back in place of the references to them.
///
/// # Errors
///
/// If one is not there, or is no longer what was kept.
pub fn restore(artifacts: &Artifacts, with: &mut Map<String, Value>) -> io::Result<()> {
    fn fill(artifacts: &Artifacts, value: &mut Value) -> io::Result<()> {
        if let Some(blob) = BlobRef::from_value(value) {
            *value = serde_json::from_slice(&artifacts.read(&blob.artifact)?)?;
            return Ok(());
        }
        match value {
            Value::Object(fields) => fields
                .values_mut()
                .try_for_each(|field| fill(artifacts, field)),
            Value::Array(items) => items.iter_mut().try_for_each(|item| fill(artifacts, item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }
    with.values_mut()
        .try_for_each(|value| fill(artifacts, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_large_value_leaves_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(dir.path());
        let value = json!({ "text": "x".repeat(INLINE_LIMIT), "list": [1, 2, 3] });
        assert!(is_large(&value));
        let kept = keep(&artifacts, &value).unwrap();
        assert!(!is_large(&kept));
        let mut with = Map::from_iter([("deep".to_owned(), json!([{ "value": kept }]))]);
        assert!(has_blobs(&with));
        restore(&artifacts, &mut with).unwrap();
        assert_eq!(with["deep"][0]["value"], value);
        assert!(!has_blobs(&with));
    }

    #[test]
    fn a_small_value_stays() {
        assert!(!is_large(&json!({ "text": "x".repeat(1_000) })));
        assert!(is_large(&json!(vec![1; INLINE_LIMIT])));
    }

    #[test]
    fn a_missing_artifact_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(dir.path());
        let blob =
            json!({ "$type": "blob", "artifact": "0".repeat(64), "bytes": 1, "preview": "" });
        let mut with = Map::from_iter([("value".to_owned(), blob)]);
        assert!(restore(&artifacts, &mut with).is_err());
    }
}
