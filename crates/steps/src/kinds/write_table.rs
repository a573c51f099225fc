//! Writes a table to a file, whole or not at all.

use std::path::{Path, PathBuf};

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect, Ports};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempPath;

use crate::config::{Text, With, shown};
use crate::duck::{self, Session, Source, import, quote_name, quote_path, quote_text};
use crate::files::{Format, write_xlsx};
use crate::kind::{About, Kind};
use crate::overview::file_name;
use crate::safe_path::SafePath;
use crate::{Artifacts, TaskContext, TaskOutput};

/// The settings of `write_table`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The table.
    table: Value,
    /// The file, below the work folder.
    path: Text,
    /// What kind of file it is.
    #[serde(default)]
    format: Format,
    /// What separates values.
    #[serde(default = "comma")]
    delimiter: String,
    /// Write the names of the columns.
    #[serde(default = "yes")]
    header: bool,
    /// Mark texts that a spreadsheet would run as formulas.
    #[serde(default = "yes")]
    neutralize_formulas: bool,
    /// Replace a file that is there.
    #[serde(default = "yes")]
    overwrite: bool,
    /// Name of the sheet.
    sheet: Option<Text>,
}

const fn yes() -> bool {
    true
}

fn comma() -> String {
    ",".to_owned()
}

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "Write table",
        summary: "Writes a table to a CSV, JSON, Parquet or Excel file.",
        category: Category::Data,
        icon: "file-output",
        ports: Ports::Plain,
        output: &[
            ("path", "the file"),
            ("rows", "number of rows"),
            ("bytes", "size of the file"),
            ("blake3", "hash of the file"),
            ("replaced", "whether a file was there before"),
            ("previous", "the file that was there before, kept by its hash; null if there was none"),
        ],
    };

    fn effect(_: &With) -> Effect {
        Effect::Idempotent
    }

    fn summary(with: &With) -> String {
        file_name(&shown(with, "path"))
    }

    fn touches(with: &With) -> Vec<(&'static str, String)> {
        vec![("write", shown(with, "path"))]
    }

    async fn run(config: Config, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        let path = SafePath::to_write(cx, &config.path)?;
        let format = config.format.of(&path)?;
        if path.full().is_dir() {
            return Err(StepError::permanent("file-is-folder", format!("`{}` is a folder", path.shown())));
        }
        if format == Format::Excel && path.ending() != "xlsx" {
            return Err(StepError::permanent("file-format", "Excel files are written as `.xlsx` only")
                .hint("give the file a name that ends in `.xlsx`"));
        }
        let source = Source::new(cx, "table", &config.table)?;
        let aside = aside(&path)?;
        let mut files: Vec<PathBuf> = source.files().into_iter().collect();
        files.push(aside.to_path_buf());
        let artifacts = cx.artifacts.clone();
        let output = duck::run(cx, files, move |session| {
            import(session, "input", &source)?;
            let rows = write(session, &config, format, &aside)?;
            session.check()?;
            finish(&path, aside, rows, config.overwrite, &artifacts)
        })
        .await?;
        Ok(TaskOutput::new(output))
    }
}

/// A file beside the target, which it replaces at the end.
fn aside(path: &SafePath) -> Result<TempPath, StepError> {
    let folder = path.make_folder().map_err(|error| path.failed("make the folder of", &error))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".baton-").suffix(".tmp");
    #[cfg(unix)]
    let permissions = {
        use std::os::unix::fs::PermissionsExt;
        std::fs::Permissions::from_mode(0o666)
    };
    // As any program would make it, not private as temporary files are.
    #[cfg(unix)]
    builder.permissions(permissions);
    let file = builder.tempfile_in(folder).map_err(|error| path.failed("write", &error))?;
    Ok(file.into_temp_path())
}

fn write(session: &Session, config: &Config, format: Format, aside: &Path) -> Result<u64, StepError> {
    let relation = "input";
    let is_neutral = config.neutralize_formulas && format == Format::Csv;
    let types = session.types(relation)?;
    let columns: Vec<String> = types
        .iter()
        .map(|(name, kind)| {
            let value = value(name, kind, format, is_neutral);
            let name = if is_neutral { neutral(name) } else { name.clone() };
            format!("{value} AS {}", quote_name(&name))
        })
        .collect();
    let options = match format {
        Format::Excel => {
            let sheet = config.sheet.as_deref().filter(|name| !name.is_empty());
            return write_xlsx(session, relation, aside, sheet, config.neutralize_formulas);
        }
        Format::Auto | Format::Csv => {
            let delimiter = crate::files::delimiter(&config.delimiter)?;
            format!("FORMAT csv, HEADER {}, DELIMITER {}", config.header, quote_text(&delimiter))
        }
        Format::Json => "FORMAT json, ARRAY true".to_owned(),
        Format::Jsonl => "FORMAT json, ARRAY false".to_owned(),
        Format::Parquet => "FORMAT parquet, COMPRESSION zstd".to_owned(),
    };
    let columns = columns.join(", ");
    session.execute(&*format!(
        "COPY (SELECT {columns} FROM {relation}) TO {} ({options}, USE_TMP_FILE false)",
        quote_path(aside)
    ))
}

/// The column as it is written.
fn value(name: &str, duck_type: &str, format: Format, is_neutral: bool) -> String {
    let quoted = quote_name(name);
    if format != Format::Csv {
        return quoted;
    }
    match duck::column_kind(duck_type) {
        "json" if duck_type != "JSON" => format!("to_json({quoted})"),
        // A plain number, such as -5, is harmless and stays.
        "text" if is_neutral => format!(
            "CASE WHEN regexp_matches({quoted}, '^[=+@\\t\\r\\n＝＋－＠-]') AND TRY_CAST({quoted} AS DOUBLE) IS NULL \
             THEN '''' || {quoted} ELSE {quoted} END"
        ),
        _ => quoted,
    }
}

fn neutral(name: &str) -> String {
    let is_formula = name.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{name}") } else { name.to_owned() }
}

/// Puts the file in its place; from then on it survives a power cut.
fn finish(
    path: &SafePath,
    aside: TempPath,
    rows: u64,
    overwrite: bool,
    artifacts: &Artifacts,
) -> Result<Value, StepError> {
    let failed = |error: std::io::Error| path.failed("write", &error);
    let file = std::fs::File::open(&aside).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let hash = hash(&aside).map_err(failed)?;
    let was_there = path.full().exists();
    let output = |replaced: bool, previous: Option<String>| {
        json!({
            "path": path.shown(), "rows": rows, "bytes": bytes, "blake3": hash, "replaced": replaced,
            "previous": previous,
        })
    };
    let mut previous = None;
    if overwrite {
        if was_there {
            previous = keep(path.full(), artifacts).map(Some).map_err(failed)?;
        }
        aside.persist(path.full()).map_err(|error| failed(error.error))?;
    } else if let Err(error) = aside.persist_noclobber(path.full()) {
        // After an interruption the step runs again and finds its own file.
        if self::hash(path.full()).is_ok_and(|there| there == hash) {
            return Ok(output(false, None));
        }
        if path.full().exists() {
            return Err(StepError::permanent("file-exists", format!("`{}` is there already", path.shown()))
                .hint("choose another name, or let the step replace it"));
        }
        return Err(failed(error.error));
    }
    path.sync_folder().map_err(failed)?;
    Ok(output(was_there, previous))
}

/// Keeps a copy of the file that is about to be replaced, so that the step can be taken back.
fn keep(path: &Path, artifacts: &Artifacts) -> std::io::Result<String> {
    let mut copy = artifacts.temp_file()?;
    std::io::copy(&mut std::fs::File::open(path)?, &mut copy)?;
    Ok(artifacts.put_file(copy.path())?.hash)
}

fn hash(path: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
#[path = "../tests/write_table.rs"]
mod tests;
