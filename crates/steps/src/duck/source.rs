//! Tables as they come in: a reference to an artifact, or a list of objects.

use std::io::Write;
use std::path::PathBuf;

use baton_core::error::StepError;
use baton_core::table::{BlobRef, TableRef};
use serde_json::Value;

use super::session::quote_path;
use super::{Session, quote_name};
use crate::{Artifacts, TaskContext};

/// A table that a step was given.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// An artifact.
    Table(TableRef, PathBuf),
    /// Objects, or plain values as the only column `value`.
    Rows(Vec<Value>),
}

impl Source {
    /// The table that `value` is. `what` names the field for errors.
    pub(crate) fn new(cx: &TaskContext, what: &str, value: &Value) -> Result<Self, StepError> {
        if let Some(table) = TableRef::from_value(value) {
            let path = artifact(&cx.artifacts, &table.artifact)?;
            return Ok(Self::Table(table, path));
        }
        if let Some(blob) = BlobRef::from_value(value) {
            artifact(&cx.artifacts, &blob.artifact)?;
            let content = cx.artifacts.read(&blob.artifact).map_err(|error| {
                StepError::new("artifact", format!("could not read `{what}`: {error}"))
            })?;
            let value = serde_json::from_slice(&content).map_err(|error| {
                StepError::permanent("artifact", format!("`{what}` is damaged: {error}"))
            })?;
            return Self::of_list(what, value);
        }
        Self::of_list(what, value.clone())
    }

    fn of_list(what: &str, value: Value) -> Result<Self, StepError> {
        let wrong = |given: &str| {
            StepError::permanent("not-a-table", format!("`{what}` is {given}, not a table"))
        };
        Err(match value {
            Value::Array(rows) => return Ok(Self::Rows(rows)),
            Value::Object(object) => {
                let inner = object
                    .iter()
                    .find(|(_, value)| TableRef::from_value(value).is_some());
                match inner {
                    Some((name, _)) => wrong("an object")
                        .hint(format!("the table is in its field `{name}`: add `.{name}`")),
                    None => wrong("an object").hint("name a step whose output is a table"),
                }
            }
            Value::Null => wrong("nothing").hint("does the step that makes the table run before?"),
            other => {
                wrong(&format!("`{other}`")).hint("write `{% steps.load %}`, with the id of a step")
            }
        })
    }

    /// The files that a session needs to reach for it.
    pub(crate) fn files(&self) -> Option<PathBuf> {
        match self {
            Self::Table(_, path) => Some(path.clone()),
            Self::Rows(_) => None,
        }
    }
}

fn artifact(artifacts: &Artifacts, hash: &str) -> Result<PathBuf, StepError> {
    let path = artifacts
        .path(hash)
        .map_err(|error| StepError::permanent("artifact", error.to_string()))?;
    if path.is_file() {
        return Ok(path);
    }
    Err(StepError::permanent(
        "artifact-missing",
        format!("the table `{}…` is gone", &hash[..12]),
    )
    .hint("its artifact was deleted: run the step that made it again"))
}

/// Makes `source` known to `session` under `name`.
pub(crate) fn import(session: &Session, name: &str, source: &Source) -> Result<(), StepError> {
    let table = quote_name(name);
    let rows = match source {
        Source::Table(kept, path) => {
            // What DuckDB reads without a complaint may still not be what was kept.
            session
                .artifacts()
                .checked_path(&kept.artifact)
                .map_err(|error| {
                    StepError::permanent("artifact", error.to_string())
                        .hint("run the step that made it again")
                })?;
            let file = quote_path(path);
            session.execute(&*format!(
                "CREATE VIEW {table} AS FROM read_parquet({file})"
            ))?;
            return Ok(());
        }
        Source::Rows(rows) => rows,
    };
    if rows.is_empty() {
        session.execute(&*format!("CREATE TABLE {table} (value VARCHAR)"))?;
        return Ok(());
    }
    let path = session.scratch();
    let longest = write_lines(&path, rows).map_err(|error| {
        StepError::new("temp", format!("could not write `{name}` aside: {error}"))
    })?;
    session.execute(&*format!(
        "CREATE TABLE {table} AS FROM read_json({}, format = 'newline_delimited', \
         records = true, sample_size = -1, maximum_object_size = {})",
        quote_path(&path),
        longest.max(1024 * 1024) + 1
    ))?;
    Ok(())
}

/// Writes one object a line and gives the length of the longest.
fn write_lines(path: &std::path::Path, rows: &[Value]) -> std::io::Result<usize> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut longest = 0;
    for row in rows {
        let line = match row {
            Value::Object(_) => row.to_string(),
            plain => serde_json::json!({ "value": plain }).to_string(),
        };
        longest = longest.max(line.len());
        writeln!(file, "{line}")?;
    }
    file.flush()?;
    Ok(longest)
}
