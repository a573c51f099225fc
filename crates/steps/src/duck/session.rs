//! One session: opened, locked, used on a thread of its own, interrupted when the task must stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baton_core::error::StepError;
use baton_core::table::{Column, PREVIEW_ROWS, TABLE_TYPE, TableRef};
use duckdb::{Config, Connection, InterruptHandle};
use serde_json::{Map, Value};
use tempfile::{TempDir, TempPath};
use tokio::sync::oneshot;

use super::{Query, column_kind, explain, quote_name, quote_text, value};
use crate::kind::cancelled;
use crate::{Artifacts, Limits, TaskContext};

/// How often a query that should stop is told so, until it does.
const NUDGE: Duration = Duration::from_millis(20);

/// Where a session may work: everything it needs besides the files.
#[derive(Debug, Clone)]
struct Place {
    artifacts: Artifacts,
    temp_dir: PathBuf,
    limits: Limits,
}

/// A locked connection with its own folder for temporary files.
pub(crate) struct Session {
    connection: Connection,
    stop: Arc<AtomicBool>,
    place: Place,
    folder: TempDir,
}

/// Interrupts the query when the task's future is dropped.
struct Guard {
    stop: Arc<AtomicBool>,
    handle: Option<Arc<InterruptHandle>>,
}

impl Guard {
    fn interrupt(&self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(handle) = &self.handle {
            handle.interrupt();
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.interrupt();
    }
}

/// Does `work` in a new session that may reach `files` and its own temporary files, and nothing else.
pub(crate) async fn run<T: Send + 'static>(
    cx: &TaskContext,
    files: Vec<PathBuf>,
    work: impl FnOnce(&Session) -> Result<T, StepError> + Send + 'static,
) -> Result<T, StepError> {
    let place = Place {
        artifacts: cx.artifacts.clone(),
        temp_dir: cx.temp_dir.clone(),
        limits: cx.limits.clone(),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let mut guard = Guard {
        stop: Arc::clone(&stop),
        handle: None,
    };
    let (opened, handle) = oneshot::channel();
    let mut job = tokio::task::spawn_blocking(move || {
        let session = Session::open(place, &files, stop)?;
        // Nobody waits for the handle if the task was dropped meanwhile; the flag then stops the work.
        drop(opened.send(session.connection.interrupt_handle()));
        work(&session)
    });
    guard.handle = handle.await.ok();
    let result = tokio::select! {
        result = &mut job => result,
        () = cx.cancel.cancelled() => loop {
            guard.interrupt();
            if let Ok(result) = tokio::time::timeout(NUDGE, &mut job).await {
                break result;
            }
        },
    };
    match result {
        Ok(Err(_)) if cx.cancel.is_cancelled() => Err(cancelled()),
        Ok(result) => result,
        Err(error) => Err(StepError::new(
            "internal",
            format!("the table operation broke off: {error}"),
        )),
    }
}

impl Session {
    fn open(place: Place, files: &[PathBuf], stop: Arc<AtomicBool>) -> Result<Self, StepError> {
        let folder = temp_folder(&place.temp_dir)?;
        let Limits {
            memory_mb,
            threads,
            spill_mb,
            ..
        } = place.limits;
        let connection = Config::default()
            .max_memory(&format!("{memory_mb}MiB"))
            .and_then(|config| config.threads(i64::from(threads.max(1))))
            .and_then(|config| config.enable_autoload_extension(false))
            .and_then(Connection::open_in_memory_with_flags)
            .map_err(|error| explain(&error, None))?;
        let session = Self {
            connection,
            stop,
            place,
            folder,
        };
        let mut files: Vec<String> = files.iter().map(|file| quote_path(file)).collect();
        files.push(quote_path(&session.scratch()));
        let spill = quote_path(&session.folder.path().join("spill"));
        session
            .connection
            .execute_batch(&format!(
                "SET temp_directory = {spill};
             SET max_temp_directory_size = '{spill_mb}MiB';
             SET TimeZone = 'UTC';
             SET errors_as_json = true;
             SET enable_progress_bar = false;
             SET allow_community_extensions = false;
             SET allowed_paths = [{}];
             SET enable_external_access = false;
             SET lock_configuration = true;",
                files.join(", ")
            ))
            .map_err(|error| explain(&error, None))?;
        Ok(session)
    }

    /// A file that the session may write and read, and that is gone with it.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }

    /// How much the session may use.
    pub(crate) fn limits(&self) -> &Limits {
        &self.place.limits
    }

    /// Where the tables are that it was given.
    pub(crate) fn artifacts(&self) -> &Artifacts {
        &self.place.artifacts
    }

    /// The connection itself, for appending rows.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Fails if the task should stop.
    pub(crate) fn check(&self) -> Result<(), StepError> {
        if self.stop.load(Ordering::SeqCst) {
            Err(cancelled())
        } else {
            Ok(())
        }
    }

    /// Runs a statement and gives the number of rows it made, where it makes rows.
    pub(crate) fn execute<'q>(&self, query: impl Into<Query<'q>>) -> Result<u64, StepError> {
        let query = query.into();
        self.check()?;
        let mut statement = self
            .connection
            .prepare(query.sql())
            .map_err(|error| query.explain(&error))?;
        query.bind(&mut statement)?;
        let count = statement
            .raw_execute()
            .map_err(|error| query.explain(&error))?;
        Ok(count as u64)
    }

    /// Fails if the statement is wrong, without running it. (A pivot looks at its data already here.)
    pub(crate) fn prepare(&self, query: &Query<'_>) -> Result<(), StepError> {
        self.check()?;
        let mut statement = self
            .connection
            .prepare(query.sql())
            .map_err(|error| query.explain(&error))?;
        query.bind(&mut statement)
    }

    /// The rows of a query.
    pub(crate) fn rows<'q>(
        &self,
        query: impl Into<Query<'q>>,
        columns: &[Column],
    ) -> Result<Vec<Vec<Value>>, StepError> {
        let mut all = Vec::new();
        self.each_row(query, columns, |row| {
            all.push(row);
            Ok(())
        })?;
        Ok(all)
    }

    /// Hands every row of a query to `visit`.
    pub(crate) fn each_row<'q>(
        &self,
        query: impl Into<Query<'q>>,
        columns: &[Column],
        mut visit: impl FnMut(Vec<Value>) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        let query = query.into();
        self.check()?;
        let mut statement = self
            .connection
            .prepare(query.sql())
            .map_err(|error| query.explain(&error))?;
        query.bind(&mut statement)?;
        statement
            .raw_execute()
            .map_err(|error| query.explain(&error))?;
        let width = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| query.explain(&error))? {
            let cell = |index: usize| {
                let kind = columns.get(index).map_or("", |column| column.kind.as_str());
                row.get::<_, duckdb::types::Value>(index)
                    .map(|value| value::to_json(value, kind))
                    .map_err(|error| query.explain(&error))
            };
            visit((0..width).map(cell).collect::<Result<_, _>>()?)?;
        }
        Ok(())
    }

    /// The first cell of a query, null if it has no row.
    pub(crate) fn cell<'q>(&self, query: impl Into<Query<'q>>) -> Result<Value, StepError> {
        let rows = self.rows(query, &[])?;
        Ok(rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next())
            .unwrap_or(Value::Null))
    }

    /// The columns of a table, view or `read_…(…)`: names with DuckDB's types.
    pub(crate) fn types(&self, relation: &str) -> Result<Vec<(String, String)>, StepError> {
        let rows = self.rows(&*format!("DESCRIBE FROM {relation}"), &[])?;
        let text = |cell: &Value| cell.as_str().unwrap_or_default().to_owned();
        Ok(rows
            .iter()
            .map(|row| (text(&row[0]), text(&row[1])))
            .collect())
    }

    /// The columns of a relation.
    pub(crate) fn columns(&self, relation: &str) -> Result<Vec<Column>, StepError> {
        let types = self.types(relation)?;
        Ok(types
            .into_iter()
            .map(|(name, kind)| Column {
                name,
                kind: column_kind(&kind).to_owned(),
            })
            .collect())
    }

    /// Keeps `relation` (a table, a view, `read_…(…)` or a query in parentheses) as a table artifact. `file` is one
    /// of the files of the session.
    pub(crate) fn keep(&self, relation: &str, file: &TempPath) -> Result<TableRef, StepError> {
        let types = self.types(relation)?;
        let columns: Vec<String> = types
            .iter()
            .map(|(name, kind)| value::storable(name, kind))
            .collect();
        let path = quote_path(file);
        let rows = self.execute(&*format!(
            "COPY (SELECT {} FROM {relation}) TO {path} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)",
            columns.join(", ")
        ))?;
        self.check()?;
        let stored = format!("read_parquet({path})");
        let columns = self.columns(&stored)?;
        let preview = self
            .rows(&*format!("FROM {stored} LIMIT {PREVIEW_ROWS}"), &columns)?
            .into_iter()
            .map(|row| objects(&columns, row))
            .collect();
        let put = self
            .place
            .artifacts
            .put_file(file)
            .map_err(|error| not_kept(&error))?;
        Ok(TableRef {
            marker: TABLE_TYPE.to_owned(),
            artifact: put.hash,
            rows,
            bytes: put.bytes,
            columns,
            preview,
        })
    }
}

/// A row as an object.
pub(crate) fn objects(columns: &[Column], row: Vec<Value>) -> Map<String, Value> {
    columns
        .iter()
        .map(|column| column.name.clone())
        .zip(row)
        .collect()
}

/// A new file for a table artifact.
pub(crate) fn table_file(artifacts: &Artifacts) -> Result<TempPath, StepError> {
    artifacts
        .temp_file()
        .map(tempfile::NamedTempFile::into_temp_path)
        .map_err(|error| not_kept(&error))
}

fn not_kept(error: &std::io::Error) -> StepError {
    let reason = crate::safe_path::reason(error);
    StepError::new("artifact", format!("could not keep the table: {reason}"))
}

/// A new folder below the folder for temporary files.
pub(crate) fn temp_folder(temp_dir: &Path) -> Result<TempDir, StepError> {
    std::fs::create_dir_all(temp_dir)
        .and_then(|()| TempDir::new_in(temp_dir))
        .and_then(|folder| {
            // The session compares paths as text.
            folder.path().canonicalize().map(|_| folder)
        })
        .map_err(|error| {
            let reason = crate::safe_path::reason(&error);
            StepError::new(
                "temp",
                format!("could not make a temporary folder: {reason}"),
            )
        })
}

/// A path as an SQL text.
pub(crate) fn quote_path(path: &Path) -> String {
    quote_text(&path.to_string_lossy())
}

/// `"a", "b"`: columns by name.
pub(crate) fn names<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    columns
        .into_iter()
        .map(quote_name)
        .collect::<Vec<_>>()
        .join(", ")
}
