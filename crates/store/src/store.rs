//! The store as the other crates see it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baton_core::Millis;
use baton_core::machine::{Event, Logged};
use serde_json::Value;
use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use crate::backup::Backup;
use crate::checkpoints::{Checkpoint, Signer};
use crate::figures::Counters;
use crate::keeps::Keep;
use crate::lock::Lock;
use crate::restore::Restored;
use crate::rows::{
    Append, Appended, DraftRow, QuestionRow, RecentRow, RunFilter, RunRow, Verified,
};
use crate::salvage::Salvaged;
use crate::starts::Change;
use crate::verify::Against;
use crate::writer::{Batch, Command, QUEUE, Work, Writer};
use crate::{
    StoreError, backup, events, keeps, kept_values, open, place, questions, restore, runs, salvage,
    sealing, verify,
};

/// Folder of large values in the data folder.
pub(crate) const ARTIFACTS: &str = "artifacts";

/// How long closing waits for reads that are under way.
const PATIENCE: Duration = Duration::from_secs(2);

/// How to open a data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// For looking only: takes no lock, changes nothing, and every write answers [`StoreError::ReadOnly`].
    pub read_only: bool,
    /// How long a connection waits for another one before it gives up.
    pub busy_timeout: Duration,
    /// Also in folders on network file systems and of programs that copy them to other machines.
    pub any_folder: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            read_only: false,
            busy_timeout: Duration::from_secs(5),
            any_folder: false,
        }
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
    readers: SqlitePool,
    /// `None` if it was opened for looking only.
    writer: Option<mpsc::Sender<Command>>,
    is_closed: AtomicBool,
    counters: Arc<Counters>,
}

impl Store {
    /// Makes or opens the data folder `dir`, and takes it into possession unless it is opened read-only.
    pub async fn open(dir: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        if options.read_only {
            let readers = open::for_reading(dir, options.busy_timeout).await?;
            return Ok(Self::new(dir, readers, None, Arc::default()));
        }
        if !options.any_folder {
            place::refuse_unsafe(dir)?;
        }
        let settings = open::writer_options(dir, options.busy_timeout);
        let (lock, conn) = open::for_writing(dir, &settings, options.busy_timeout).await?;
        let readers = open::reader_pool(open::reader_options(dir, options.busy_timeout));
        let (requests, waiting) = mpsc::channel(QUEUE);
        let counters = Arc::<Counters>::default();
        let writer = Writer::new(dir.to_path_buf(), settings, conn, lock, counters.clone());
        tokio::spawn(writer.run(waiting));
        Ok(Self::new(dir, readers, Some(requests), counters))
    }

    /// Whether nobody owns the data folder `dir` for writing; takes and makes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] if somebody does.
    pub fn is_free(dir: &Path) -> Result<(), StoreError> {
        Lock::look(dir)
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
        self.append_ref(&batch).await
    }

    /// As [`Store::append`], for a caller that keeps the batch to try it again.
    pub async fn append_ref(&self, batch: &Append) -> Result<Appended, StoreError> {
        let last = check(batch)?;
        let events = events::encode(&batch.events)?;
        let work = Work::Append(Box::new(Batch {
            expected: batch.expected_seq,
            events,
            run: batch.summary.clone(),
            questions: batch.questions.clone(),
            waits: batch.waits.clone(),
        }));
        let number = self.write(work).await?.ok_or(StoreError::Closed)?;
        Ok(Appended { number, seq: last })
    }

    /// At most `limit` events of a run after position `after`, in order.
    pub async fn events(
        &self,
        run: &str,
        after: u32,
        limit: u32,
    ) -> Result<Vec<Logged>, StoreError> {
        events::page(self.readers()?, self.dir(), run, after, limit).await
    }

    /// Keeps a definition under its digest. A digest that is there already is left alone.
    pub async fn put_definition(&self, digest: &str, text: &str) -> Result<(), StoreError> {
        self.keep(Keep::Definition {
            digest: digest.to_owned(),
            text: text.to_owned(),
        })
        .await
    }

    /// The definition with this digest.
    pub async fn definition(&self, digest: &str) -> Result<Option<String>, StoreError> {
        keeps::definition(self.readers()?, self.dir(), digest).await
    }

    /// A page of runs, newest first, and how many there are in all.
    pub async fn runs(&self, filter: RunFilter) -> Result<(Vec<RunRow>, u32), StoreError> {
        runs::list(self.readers()?, self.dir(), &filter).await
    }

    /// The run with this id.
    pub async fn run(&self, id: &str) -> Result<Option<RunRow>, StoreError> {
        runs::one(self.readers()?, self.dir(), id).await
    }

    /// Runs that have not ended, oldest first.
    pub async fn open_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        runs::open(self.readers()?, self.dir()).await
    }

    /// Runs that a step of this run waits for or waited for, oldest first.
    pub async fn children(&self, parent: &str) -> Result<Vec<RunRow>, StoreError> {
        runs::children(self.readers()?, self.dir(), parent).await
    }

    /// All open questions, oldest first.
    pub async fn open_questions(&self) -> Result<Vec<QuestionRow>, StoreError> {
        questions::list(self.readers()?, self.dir()).await
    }

    /// Keeps an edit. It is on disk when this returns.
    pub async fn draft_put(
        &self,
        key: &str,
        base: Option<&str>,
        document: &str,
        at: Millis,
    ) -> Result<(), StoreError> {
        self.keep(Keep::Draft(DraftRow {
            key: key.to_owned(),
            base: base.map(str::to_owned),
            document: document.to_owned(),
            at,
        }))
        .await
    }

    /// All drafts, newest first.
    pub async fn draft_list(&self) -> Result<Vec<DraftRow>, StoreError> {
        keeps::drafts(self.readers()?, self.dir()).await
    }

    /// Forgets a draft, if there is one.
    pub async fn draft_discard(&self, key: &str) -> Result<(), StoreError> {
        self.keep(Keep::DraftDiscard {
            key: key.to_owned(),
        })
        .await
    }

    /// Puts a file at the top of the list of recent ones, of which at most 20 are kept.
    pub async fn recent_put(&self, path: &str, name: &str, at: Millis) -> Result<(), StoreError> {
        self.keep(Keep::Recent(RecentRow {
            path: path.to_owned(),
            name: name.to_owned(),
            at,
        }))
        .await
    }

    /// Recent files, newest first.
    pub async fn recent_list(&self) -> Result<Vec<RecentRow>, StoreError> {
        keeps::recents(self.readers()?, self.dir()).await
    }

    /// Takes a file off the list of recent ones.
    pub async fn recent_forget(&self, path: &str) -> Result<(), StoreError> {
        self.keep(Keep::RecentForget {
            path: path.to_owned(),
        })
        .await
    }

    /// The setting with this key.
    pub async fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        keeps::setting(self.readers()?, self.dir(), key).await
    }

    /// Changes a setting.
    pub async fn setting_put(&self, key: &str, value: &Value) -> Result<(), StoreError> {
        self.keep(Keep::Setting {
            key: key.to_owned(),
            value: value.to_string(),
        })
        .await
    }

    /// Lets the definition with this digest run without asking.
    pub async fn trust_put(&self, digest: &str, at: Millis) -> Result<(), StoreError> {
        self.keep(Keep::Trust {
            digest: digest.to_owned(),
            at,
        })
        .await
    }

    /// Whether the definition with this digest may run without asking.
    pub async fn is_trusted(&self, digest: &str) -> Result<bool, StoreError> {
        keeps::is_trusted(self.readers()?, self.dir(), digest).await
    }

    /// Recomputes the hash chain of the whole log, checks the database, and compares both with the checkpoints.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        self.verify_against("").await
    }

    /// As [`Store::verify`], and compares the log with anchors that were kept elsewhere: the text of their file.
    pub async fn verify_against(&self, anchors: &str) -> Result<Verified, StoreError> {
        let against = Against::of(self.dir(), anchors, sealing::now())?;
        verify::verify(self.readers()?, self.dir(), &against).await
    }

    /// Signs what was verified, for keeping elsewhere. `None`: there is nothing to sign, or no key to sign it with.
    pub fn anchor(&self, verified: &Verified) -> Result<Option<Checkpoint>, StoreError> {
        let (Some(head), Some(signer)) = (&verified.head, Signer::find(self.dir())?) else {
            return Ok(None);
        };
        Ok(Some(signer.sign(verified.events, head, sealing::now())))
    }

    /// Copies this folder, also while it is in use, into a new folder in `into`, or in its own folder of backups.
    pub async fn backup(&self, into: Option<&Path>, reason: &str) -> Result<Backup, StoreError> {
        self.readers()?;
        match into {
            Some(into) => backup::make(self.dir(), into, reason).await,
            None => {
                let into = self.dir().join(backup::FOLDER);
                let made = backup::make(self.dir(), &into, reason).await?;
                backup::prune(&into)?;
                Ok(made)
            }
        }
    }

    /// The complete backups in the data folder `dir`, newest first.
    pub fn backups(dir: &Path) -> Result<Vec<Backup>, StoreError> {
        backup::list(&dir.join(backup::FOLDER))
    }

    /// Reads a backup as a whole and compares it with its manifest.
    pub async fn check_backup(from: &Path) -> Result<Backup, StoreError> {
        backup::check(from).await
    }

    /// Puts a backup in the place of what is in the data folder `dir`, which is put aside. Nobody may own the folder.
    pub async fn restore(from: &Path, dir: &Path) -> Result<Restored, StoreError> {
        restore::restore(from, dir).await
    }

    /// Makes a new database of what can still be read in a damaged one, which is put aside. Nobody may own the folder.
    pub async fn salvage(dir: &Path) -> Result<Salvaged, StoreError> {
        salvage::salvage(dir).await
    }

    /// How many artifacts there are in the data folder `dir`, and the hashes of those that were changed.
    pub fn damaged_artifacts(dir: &Path) -> Result<(u64, Vec<String>), StoreError> {
        let folder = dir.join(ARTIFACTS);
        kept_values::damaged(&folder).map_err(|error| StoreError::from_io(&error, &folder))
    }

    /// Whether others can read the key that signs the checkpoints; `None` if there is none yet.
    pub fn is_key_open(dir: &Path) -> Option<bool> {
        crate::checkpoints::is_key_open(dir)
    }

    /// Finishes what was accepted, closes the database and gives the folder back. Later calls answer
    /// [`StoreError::Closed`].
    pub async fn close(&self) {
        if self.inner.is_closed.swap(true, Ordering::AcqRel) {
            return;
        }
        // Closing the last connection moves the write-ahead log into the database, which waits for readers.
        if tokio::time::timeout(PATIENCE, self.inner.readers.close())
            .await
            .is_err()
        {
            tracing::warn!("the data folder is closed while something is being read from it");
        }
        let Some(writer) = &self.inner.writer else {
            return;
        };
        let (reply, closed) = oneshot::channel();
        if writer.send(Command::Close { reply }).await.is_ok() {
            // No answer means that the task is gone, and the folder with it.
            drop(closed.await);
        }
    }

    fn new(
        dir: &Path,
        readers: SqlitePool,
        writer: Option<mpsc::Sender<Command>>,
        counters: Arc<Counters>,
    ) -> Self {
        let inner = Inner {
            dir: dir.to_path_buf(),
            readers,
            writer,
            is_closed: AtomicBool::new(false),
            counters,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The counters of the writer, and how many requests wait for it.
    pub(crate) fn counters(&self) -> (&Counters, u64) {
        let waiting = self.inner.writer.as_ref();
        let queue = waiting.map_or(0, |writer| writer.max_capacity() - writer.capacity());
        (&self.inner.counters, queue as u64)
    }

    /// Waits until the writer has done all that it was asked before: whether it still answers.
    ///
    /// # Errors
    ///
    /// If the folder was opened for looking only, or is closed.
    pub async fn writer_answers(&self) -> Result<(), StoreError> {
        self.write(Work::Nothing).await.map(|_| ())
    }

    pub(crate) fn readers(&self) -> Result<&SqlitePool, StoreError> {
        if self.inner.is_closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        Ok(&self.inner.readers)
    }

    pub(crate) async fn change(&self, change: Change) -> Result<(), StoreError> {
        self.keep(Keep::Starts(change)).await
    }

    pub(crate) async fn keep(&self, keep: Keep) -> Result<(), StoreError> {
        self.write(Work::Keep(keep)).await.map(|_| ())
    }

    pub(crate) async fn write(&self, work: Work) -> Result<Option<u32>, StoreError> {
        let writer = self.inner.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let (reply, answer) = oneshot::channel();
        writer
            .send(Command::Write { work, reply })
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// Refuses a batch that contradicts itself; gives the position of its last event.
fn check(batch: &Append) -> Result<u32, StoreError> {
    let invalid = |detail: String| Err(StoreError::Invalid { detail });
    let mut last = batch.expected_seq;
    for logged in &batch.events {
        last += 1;
        if logged.seq != last {
            return invalid(format!(
                "event {} stands where event {last} should",
                logged.seq
            ));
        }
    }
    if last == 0 {
        return invalid("a new run needs an event".to_owned());
    }
    if batch.summary.id != batch.run || batch.summary.seq != last {
        return invalid(format!(
            "the row of run `{}` at event {} does not go with run `{}` at event {last}",
            batch.summary.id, batch.summary.seq, batch.run
        ));
    }
    if batch
        .questions
        .put
        .iter()
        .any(|question| question.run != batch.run)
    {
        return invalid(format!("a question is not of run `{}`", batch.run));
    }
    let end = batch
        .events
        .iter()
        .position(|logged| matches!(logged.event, Event::RunEnded { .. }));
    if end.is_some_and(|end| end + 1 != batch.events.len()) {
        return invalid("an event follows the end of the run".to_owned());
    }
    if end.is_some() != batch.summary.ended_at.is_some() {
        return invalid(
            "a run has ended with its last event, neither before nor without it".to_owned(),
        );
    }
    Ok(last)
}
