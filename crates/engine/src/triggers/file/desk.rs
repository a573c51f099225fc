//! What the source of a `file` trigger needs from outside: its ledger, and somebody who takes its firings.

use std::path::Path;

use async_trait::async_trait;
use baton_store::{Recorded, StoreError, WatchedFile};
use serde_json::Value;

use super::board::{Row, Stat, State};

/// A firing of a file, and the row of the ledger that is written with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileFiring {
    /// Unique for the trigger for ever.
    pub(crate) key: String,
    /// What the run gets to see.
    pub(crate) payload: Value,
    /// The file.
    pub(crate) file: LedgerRow,
    /// Why it starts nothing, if so.
    pub(crate) skipped: Option<String>,
    /// How many firings led to the file being written.
    pub(crate) depth: u32,
}

/// A file in the ledger of one trigger.
pub(crate) type LedgerRow = (String, Row);

/// Who wrote a file, as far as Baton knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Writer {
    /// Nobody of ours.
    Other,
    /// A step that is not over: nobody knows yet what it wrote.
    StillWriting,
    /// A run of the very workflow that the trigger belongs to.
    Own {
        /// Id of the run.
        run: String,
    },
    /// A run of another workflow, which was started by so many firings after each other.
    Run {
        /// How many.
        depth: u32,
    },
}

/// The ledger and the taker of firings.
#[async_trait]
pub(crate) trait Desk: Send + Sync + std::fmt::Debug {
    /// The whole ledger, and the mark of the folder if it was looked at before.
    async fn ledger(&self) -> Result<Vec<WatchedFile>, StoreError>;

    /// Writes rows.
    async fn write(&self, rows: Vec<LedgerRow>, mark: Option<Mark>) -> Result<(), StoreError>;

    /// Takes rows away.
    async fn forget(&self, paths: Vec<String>) -> Result<(), StoreError>;

    /// How many firings may be recorded now; the rest has to wait until some of those that wait are carried out.
    async fn room(&self) -> Result<usize, StoreError>;

    /// Records firings, each with its row; they are durable when it returns.
    async fn fire(&self, firings: Vec<FileFiring>) -> Result<Vec<Recorded>, StoreError>;

    /// Says what keeps the trigger from firing; `None` when nothing does.
    async fn trouble(&self, trouble: Option<String>);

    /// Who wrote the file at `path`, which has this content.
    async fn writer(&self, path: &Path, hash: &str) -> Writer;
}

/// What the folder was first looked at for: an activation, and settings that say which files count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// When the trigger was activated.
    pub(crate) since: i64,
    /// Folder, pattern and whether folders below count.
    pub(crate) settings: String,
}

/// The path of the row that holds the mark. No file has it.
const MARK_PATH: &str = "";

impl Row {
    /// The row as it is kept.
    pub(crate) fn keep(&self, workflow: &str, trigger: &str, path: &str) -> WatchedFile {
        let word = match self.state {
            State::Known => "known",
            State::Fired => "fired",
            State::Own => "own",
            State::Gone => "gone",
        };
        WatchedFile {
            workflow: workflow.to_owned(),
            trigger: trigger.to_owned(),
            path: path.to_owned(),
            size: self.stat.size,
            modified: self.stat.modified,
            file_id: self.stat.id.clone(),
            hash: self.hash.clone(),
            state: format!("{word}:{}", self.version),
            seen_at: self.seen_at,
        }
    }

    fn of(file: WatchedFile) -> LedgerRow {
        let (word, version) = file.state.split_once(':').unwrap_or((&file.state, "0"));
        let state = match word {
            "fired" => State::Fired,
            "own" => State::Own,
            "gone" => State::Gone,
            _ => State::Known,
        };
        let row = Self {
            version: version.parse().unwrap_or(0),
            state,
            stat: Stat {
                size: file.size,
                modified: file.modified,
                id: file.file_id,
            },
            hash: file.hash,
            seen_at: file.seen_at,
        };
        (file.path, row)
    }
}

impl Mark {
    /// The mark as it is kept.
    pub(crate) fn keep(&self, workflow: &str, trigger: &str, now: i64) -> WatchedFile {
        WatchedFile {
            workflow: workflow.to_owned(),
            trigger: trigger.to_owned(),
            path: MARK_PATH.to_owned(),
            size: 0,
            modified: self.since,
            file_id: None,
            hash: Some(self.settings.clone()),
            state: "folder".to_owned(),
            seen_at: now,
        }
    }
}

/// The rows of a ledger, and its mark.
pub(crate) fn read_ledger(files: Vec<WatchedFile>) -> (Vec<LedgerRow>, Option<Mark>) {
    let mut mark = None;
    let mut rows = Vec::with_capacity(files.len());
    for file in files {
        if file.path == MARK_PATH {
            mark = Some(Mark {
                since: file.modified,
                settings: file.hash.unwrap_or_default(),
            });
        } else {
            rows.push(Row::of(file));
        }
    }
    (rows, mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_kept_and_read_as_it_was() {
        for state in [State::Known, State::Fired, State::Own, State::Gone] {
            let row = Row {
                stat: Stat {
                    size: 5,
                    modified: -7,
                    id: Some("1:2".to_owned()),
                },
                hash: Some("x".to_owned()),
                version: 3,
                state,
                seen_at: 9,
            };
            let mark = Mark {
                since: 4,
                settings: "in|*|false".to_owned(),
            };
            let kept = vec![row.keep("w", "t", "a/b"), mark.keep("w", "t", 1)];
            assert_eq!(
                read_ledger(kept),
                (vec![("a/b".to_owned(), row)], Some(mark))
            );
        }
    }
}
