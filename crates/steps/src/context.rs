//! What a task gets and what it gives back.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::Artifacts;

/// What a task gets besides its configuration.
#[derive(Clone, Debug)]
pub struct TaskContext {
    /// The folder that relative paths start from; nothing is written outside it.
    pub work_dir: PathBuf,
    /// Where tables and large values are kept.
    pub artifacts: Artifacts,
    /// Cancelled when the task must stop. A task that sees it answers soon with error code `cancelled`.
    pub cancel: CancellationToken,
    /// Idempotency key: the same for every attempt of this step in this run.
    pub key: String,
    /// Id of the run.
    pub run: String,
    /// How much a task may use.
    pub limits: Limits,
    /// Takes `(level, message)` while the task runs. A closed receiver is no error.
    pub log: UnboundedSender<(String, String)>,
    /// Where a task may put files that nobody needs after it.
    pub temp_dir: PathBuf,
    /// Where the values of named secrets come from.
    pub secrets: Secrets,
}

impl TaskContext {
    /// Sends a line to whoever follows the run.
    pub(crate) fn log(&self, level: &str, message: impl Into<String>) {
        // Nobody may be listening any more; the line is then of no use to anyone.
        drop(self.log.send((level.to_owned(), message.into())));
    }
}

/// How much one task may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Memory of a table operation, in MiB; beyond it DuckDB spills to disk.
    pub memory_mb: u64,
    /// Threads of a table operation.
    pub threads: u32,
    /// Disk space that a table operation may spill, in MiB.
    pub spill_mb: u64,
    /// How much of each output stream of a program is kept, in bytes.
    pub output_bytes: u64,
    /// The largest body of a response, in bytes.
    pub response_bytes: u64,
    /// The most rows that are handed on as a list instead of a table.
    pub list_rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mb: 1_024,
            threads: 2,
            spill_mb: 20_480,
            output_bytes: 1024 * 1024,
            response_bytes: 10 * 1024 * 1024,
            list_rows: 1_000,
        }
    }
}

/// A function that looks up a secret.
type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where the values of named secrets come from.
#[derive(Clone)]
pub struct Secrets(Arc<Lookup>);

impl Secrets {
    /// Secrets that `lookup` knows.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    /// Secrets from environment variables: `crm-token` is `BATON_SECRET_CRM_TOKEN`.
    pub fn from_env() -> Self {
        Self::new(|name| std::env::var(Self::variable(name)).ok())
    }

    /// The environment variable that holds the secret `name`.
    pub fn variable(name: &str) -> String {
        let upper = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        };
        format!(
            "BATON_SECRET_{}",
            name.chars().map(upper).collect::<String>()
        )
    }

    /// The value of the secret `name`.
    pub fn find(&self, name: &str) -> Option<String> {
        (self.0)(name)
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self::from_env()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

/// What a task gives back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskOutput {
    /// The output of the step.
    pub output: Value,
    /// The port that the step chose, for kinds that have ports.
    pub port: Option<String>,
    /// `(level, message)`: lines for the log of the run, besides those sent while running.
    pub logs: Vec<(String, String)>,
    /// `(title, message)`: what to tell the user now.
    pub notify: Option<(String, String)>,
}

impl TaskOutput {
    /// An output and nothing else.
    pub fn new(output: Value) -> Self {
        Self {
            output,
            ..Self::default()
        }
    }
}
