//! Tables as values: kept as artifacts by content hash, passed by reference.
//!
//! A step whose output is a table hands on this object. An expression sees `rows`, `columns` and the preview,
//! never the whole.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

/// The value of the field `$type` of a [`TableRef`].
pub const TABLE_TYPE: &str = "table";
/// The value of the field `$type` of a [`BlobRef`].
pub const BLOB_TYPE: &str = "blob";
/// How many rows a preview holds at most.
pub const PREVIEW_ROWS: usize = 20;
/// The largest value that is kept in the log itself, in bytes of JSON; anything larger becomes a blob.
pub const INLINE_LIMIT: usize = 64 * 1024;

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Column {
    /// Name, unique in the table.
    pub name: String,
    /// `text`, `integer`, `number`, `boolean`, `date`, `timestamp`, `json` or `binary`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A reference to a table: a Parquet artifact with its schema, row count and first rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TableRef {
    /// Always `table`.
    #[serde(rename = "$type")]
    pub marker: String,
    /// blake3 of the Parquet file, 64 hex digits.
    pub artifact: String,
    /// Number of rows.
    pub rows: u64,
    /// Size of the artifact in bytes.
    pub bytes: u64,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The first rows, at most [`PREVIEW_ROWS`].
    #[ts(type = "Record<string, unknown>[]")]
    pub preview: Vec<Map<String, Value>>,
}

/// A reference to a value that is too large for the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BlobRef {
    /// Always `blob`.
    #[serde(rename = "$type")]
    pub marker: String,
    /// blake3 of the JSON text, 64 hex digits.
    pub artifact: String,
    /// Size of the JSON text in bytes.
    pub bytes: u64,
    /// The beginning, for people.
    pub preview: String,
}

impl TableRef {
    /// The table that `value` refers to, if it refers to one.
    pub fn from_value(value: &Value) -> Option<Self> {
        (value.get("$type")?.as_str()? == TABLE_TYPE)
            .then(|| serde_json::from_value(value.clone()).ok())
            .flatten()
    }

    /// This reference as a value.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}

impl BlobRef {
    /// The large value that `value` refers to, if it refers to one.
    pub fn from_value(value: &Value) -> Option<Self> {
        (value.get("$type")?.as_str()? == BLOB_TYPE)
            .then(|| serde_json::from_value(value.clone()).ok())
            .flatten()
    }
}
