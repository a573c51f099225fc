//! The store as the other crates see it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use baton_core::Millis;
use baton_core::machine::Logged;
use serde_json::Value;

use crate::{
    Append, Appended, DraftRow, QuestionRow, RecentRow, RunFilter, RunRow, StoreError, Verified,
};

/// How to open a data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// For looking only: takes no lock, changes nothing, and every write answers [`StoreError::ReadOnly`].
    pub read_only: bool,
    /// How long a connection waits for another one before it gives up.
    pub busy_timeout: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { read_only: false, busy_timeout: Duration::from_secs(5) }
    }
}

/// An open data folder. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
}

impl Store {
    /// Makes or opens the data folder `dir`, and takes it into possession unless it is opened read-only.
    pub async fn open(dir: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        todo!()
    }

    /// The data folder.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Folder of large values.
    pub fn artifacts_dir(&self) -> PathBuf {
        self.inner.dir.join("artifacts")
    }

    /// Writes events. They are on disk when this returns, even if the future was dropped in between.
    pub async fn append(&self, batch: Append) -> Result<Appended, StoreError> {
        todo!()
    }

    /// At most `limit` events of a run after position `after`, in order.
    pub async fn events(&self, run: &str, after: u32, limit: u32) -> Result<Vec<Logged>, StoreError> {
        todo!()
    }

    /// Keeps a definition under its digest. A digest that is there already is left alone.
    pub async fn put_definition(&self, digest: &str, text: &str) -> Result<(), StoreError> {
        todo!()
    }

    /// The definition with this digest.
    pub async fn definition(&self, digest: &str) -> Result<Option<String>, StoreError> {
        todo!()
    }

    /// A page of runs, newest first, and how many there are in all.
    pub async fn runs(&self, filter: RunFilter) -> Result<(Vec<RunRow>, u32), StoreError> {
        todo!()
    }

    /// The run with this id.
    pub async fn run(&self, id: &str) -> Result<Option<RunRow>, StoreError> {
        todo!()
    }

    /// Runs that have not ended, oldest first.
    pub async fn open_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        todo!()
    }

    /// Runs that a step of this run waits for or waited for, oldest first.
    pub async fn children(&self, parent: &str) -> Result<Vec<RunRow>, StoreError> {
        todo!()
    }

    /// All open questions, oldest first.
    pub async fn open_questions(&self) -> Result<Vec<QuestionRow>, StoreError> {
        todo!()
    }

    /// Keeps an edit. It is on disk when this returns.
    pub async fn draft_put(
        &self,
        key: &str,
        base: Option<&str>,
        document: &str,
        at: Millis,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// All drafts, newest first.
    pub async fn draft_list(&self) -> Result<Vec<DraftRow>, StoreError> {
        todo!()
    }

    /// Forgets a draft, if there is one.
    pub async fn draft_discard(&self, key: &str) -> Result<(), StoreError> {
        todo!()
    }

    /// Puts a file at the top of the list of recent ones, of which at most 20 are kept.
    pub async fn recent_put(&self, path: &str, name: &str, at: Millis) -> Result<(), StoreError> {
        todo!()
    }

    /// Recent files, newest first.
    pub async fn recent_list(&self) -> Result<Vec<RecentRow>, StoreError> {
        todo!()
    }

    /// Takes a file off the list of recent ones.
    pub async fn recent_forget(&self, path: &str) -> Result<(), StoreError> {
        todo!()
    }

    /// The setting with this key.
    pub async fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        todo!()
    }

    /// Changes a setting.
    pub async fn setting_put(&self, key: &str, value: &Value) -> Result<(), StoreError> {
        todo!()
    }

    /// Lets the definition with this digest run without asking.
    pub async fn trust_put(&self, digest: &str, at: Millis) -> Result<(), StoreError> {
        todo!()
    }

    /// Whether the definition with this digest may run without asking.
    pub async fn is_trusted(&self, digest: &str) -> Result<bool, StoreError> {
        todo!()
    }

    /// Recomputes the hash chain of the whole log and checks the database.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        todo!()
    }

    /// Finishes what was accepted, closes the database and gives the folder back. Later calls answer
    /// [`StoreError::Closed`].
    pub async fn close(&self) {
        todo!()
    }
}
