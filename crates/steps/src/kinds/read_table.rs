//! Reads a table from a file: CSV, JSON, Parquet or Excel.

use std::path::PathBuf;

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect, Ports};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{Text, With, shown};
use crate::duck::{self, Session, quote_path};
use crate::files::{BadRows, CsvOptions, Encoding, Format, read_excel, to_utf8};
use crate::kind::{About, Kind, TABLE_OUTPUT};
use crate::overview::file_name;
use crate::safe_path::SafePath;
use crate::{TaskContext, TaskOutput};

/// The settings of `read_table`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The file: below the work folder, or named in full.
    path: Text,
    /// What kind of file it is.
    #[serde(default)]
    format: Format,
    /// What separates values; found by the first line if absent.
    delimiter: Option<String>,
    /// The first row holds the names of the columns.
    #[serde(default = "yes")]
    header: bool,
    /// What surrounds a value that holds the separator.
    #[serde(default = "quote")]
    quote: String,
    /// How the text is written.
    #[serde(default)]
    encoding: Encoding,
    /// Read every column as text.
    #[serde(default)]
    all_text: bool,
    /// Texts that mean that nothing is there, besides the empty one.
    #[serde(default)]
    null_values: Vec<String>,
    /// What happens to rows that do not fit.
    #[serde(default)]
    on_bad_row: BadRows,
    /// Name of the sheet; the first one if absent.
    sheet: Option<Text>,
    /// The row of the sheet that holds the names; 0 if none does.
    #[serde(default = "one")]
    header_row: u32,
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

fn quote() -> String {
    "\"".to_owned()
}

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "Read table",
        summary: "Reads a table from a CSV, JSON, Parquet or Excel file.",
        category: Category::Data,
        icon: "file-input",
        ports: Ports::Plain,
        output: TABLE_OUTPUT,
    };

    fn effect(_: &With) -> Effect {
        // The file is not changed, but another day it may hold something else.
        Effect::Idempotent
    }

    fn summary(with: &With) -> String {
        file_name(&shown(with, "path"))
    }

    fn touches(with: &With) -> Vec<(&'static str, String)> {
        vec![("read", shown(with, "path"))]
    }

    async fn run(config: Config, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        if config.quote.len() != 1 {
            return Err(StepError::permanent("config", format!("`{}` cannot quote values", config.quote))
                .hint("give one character, such as `\"`"));
        }
        let path = SafePath::to_read(cx, &config.path)?;
        let format = config.format.of(&path)?;
        let kept = duck::table_file(&cx.artifacts)?;
        let files: Vec<PathBuf> = vec![path.full().to_path_buf(), kept.to_path_buf()];
        let (table, warning) = duck::run(cx, files, move |session| match format {
            Format::Auto | Format::Csv => csv(session, &config, &path, &kept),
            Format::Excel => {
                let sheet = config.sheet.as_deref().filter(|name| !name.is_empty());
                let sheet = read_excel(session, &path, sheet, config.header_row, config.all_text)?;
                Ok((session.keep(sheet, &kept)?, None))
            }
            Format::Json | Format::Jsonl | Format::Parquet => {
                let file = quote_path(path.full());
                let relation = match format {
                    Format::Parquet => format!("read_parquet({file})"),
                    Format::Jsonl => format!("read_json({file}, format = 'newline_delimited', {JSON})"),
                    _ => format!("read_json({file}, format = 'auto', {JSON})"),
                };
                let table = session.keep(&relation, &kept).map_err(|error| unreadable(error, &path))?;
                Ok((table, None))
            }
        })
        .await?;
        let logs = warning.map(|warning| ("warn".to_owned(), warning)).into_iter().collect();
        Ok(TaskOutput { logs, ..TaskOutput::new(table.to_value()) })
    }
}

/// An object may have 64 MiB (DuckDB reserves twice that); types are decided by the first rows.
const JSON: &str = "maximum_object_size = 67108864, sample_size = 100000";

type Read = (baton_core::table::TableRef, Option<String>);

fn csv(session: &Session, config: &Config, path: &SafePath, kept: &tempfile::TempPath) -> Result<Read, StepError> {
    let mut file = path.full().to_path_buf();
    let name = file.to_string_lossy().to_lowercase();
    if !name.ends_with(".gz") && !name.ends_with(".zst") {
        let aside = session.scratch();
        if to_utf8(path, config.encoding, &aside, &|| session.check())? {
            file = aside;
        }
        if std::fs::metadata(&file).is_ok_and(|metadata| metadata.len() == 0) {
            return Err(StepError::permanent("empty-file", format!("`{}` is empty", path.shown())));
        }
    }
    let options = CsvOptions {
        delimiter: config.delimiter.clone().filter(|given| !given.is_empty()),
        quote: config.quote.clone(),
        header: config.header,
        all_text: config.all_text,
        null_values: config.null_values.clone(),
        bad_rows: config.on_bad_row,
    };
    let relation = options.relation(session, path, &file)?;
    let table = session
        .keep(&relation, kept)
        .map_err(|error| options.explain(&error, path, &file, &options.delimiter_of(&file)))?;
    Ok((table, options.skipped(session)?))
}

fn unreadable(error: StepError, path: &SafePath) -> StepError {
    if error.code != "sql" {
        return error;
    }
    let message = format!("`{}` cannot be read: {}", path.shown(), error.message);
    StepError::permanent("file-format", message).hint("check the format that the step is set to")
}

#[cfg(test)]
#[path = "../tests/read_table.rs"]
mod tests;
