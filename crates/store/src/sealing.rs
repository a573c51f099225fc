//! When the writer signs a checkpoint: every thousand events, every ten minutes, and when the store is closed.
//!
//! Signing happens beside the writing, so nobody waits for it. A checkpoint that cannot be written is no reason to stop:
//! the check of the log says up to where it is signed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baton_core::Millis;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::checkpoints::Signer;
use crate::events::Head;

/// Events after which a checkpoint is signed.
const EVENTS: i64 = 1_000;

/// How long an event may stand unsigned.
const AGE: Duration = Duration::from_secs(10 * 60);

/// What the checkpoints of a folder know about its log.
#[derive(Debug)]
pub(crate) struct Sealing {
    dir: PathBuf,
    signer: Arc<Mutex<Option<Signer>>>,
    /// Events that are signed, as far as this process knows.
    signed: Option<i64>,
    due: Option<Instant>,
    work: Option<JoinHandle<()>>,
}

impl Sealing {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            signer: Arc::default(),
            signed: None,
            due: None,
            work: None,
        }
    }

    /// When the next checkpoint is due, if nothing else happens.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The log may have grown.
    pub(crate) fn notice(&mut self, head: Head) {
        let signed = *self.signed.get_or_insert(head.events());
        if head.events() != signed || self.due.is_none() {
            self.due.get_or_insert_with(|| Instant::now() + AGE);
        }
        if head.events() - signed >= EVENTS {
            self.begin(head);
        }
    }

    /// Signs, unless that is being done already.
    pub(crate) fn begin(&mut self, head: Head) {
        if self.work.as_ref().is_some_and(|work| !work.is_finished()) {
            self.due = Some(Instant::now() + AGE);
            return;
        }
        self.signed = Some(head.events());
        self.due = None;
        let (dir, signer) = (self.dir.clone(), self.signer.clone());
        self.work = Some(tokio::task::spawn_blocking(move || {
            sign(&dir, &signer, head);
        }));
    }

    /// Signs what this process wrote last, and returns when that is on disk.
    pub(crate) async fn finish(&mut self, head: Option<Head>) {
        if let Some(work) = self.work.take() {
            // A panic in there was reported by the runtime.
            drop(work.await);
        }
        if let Some(head) = head {
            // The same checkpoint is not written twice.
            self.begin(head);
        }
        if let Some(work) = self.work.take() {
            drop(work.await);
        }
    }
}

fn sign(dir: &std::path::Path, signer: &Mutex<Option<Signer>>, head: Head) {
    let mut signer = signer.lock().unwrap_or_else(PoisonError::into_inner);
    if signer.is_none() {
        match Signer::open(dir) {
            Ok(opened) => *signer = Some(opened),
            Err(error) => {
                tracing::warn!(%error, "the log cannot be signed");
                return;
            }
        }
    }
    if let Some(signer) = signer.as_mut()
        && let Err(error) = signer.write(head.events().unsigned_abs(), &head.hex(), now())
    {
        tracing::warn!(%error, "a checkpoint of the log could not be written");
    }
}

/// What the clock of this machine says.
pub(crate) fn now() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}
