//! Which kind of file a file is.

use baton_core::error::StepError;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::safe_path::SafePath;

/// A kind of file that holds a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Format {
    /// From the ending of the name.
    #[default]
    Auto,
    Csv,
    /// One list of objects.
    Json,
    /// One object a line.
    Jsonl,
    Parquet,
    Excel,
}

impl Format {
    /// The kind of `path`, which its ending gives unless it is set.
    pub(crate) fn of(self, path: &SafePath) -> Result<Self, StepError> {
        if self != Self::Auto {
            return Ok(self);
        }
        let ending = path.ending();
        match ending.as_str() {
            "csv" | "tsv" | "txt" | "tab" | "psv" => Ok(Self::Csv),
            "json" | "geojson" => Ok(Self::Json),
            "jsonl" | "ndjson" => Ok(Self::Jsonl),
            "parquet" | "pq" => Ok(Self::Parquet),
            "xlsx" | "xlsm" | "xlsb" | "xls" | "ods" => Ok(Self::Excel),
            _ => Err(StepError::permanent(
                "file-format",
                format!(
                    "the name `{}` does not say what kind of file it is",
                    path.shown()
                ),
            )
            .hint("choose the format: `csv`, `json`, `jsonl`, `parquet` or `excel`")),
        }
    }
}
