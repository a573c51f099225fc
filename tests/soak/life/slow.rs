//! A disk that can be slow: writes wait before they are carried out, or before anybody is told.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use baton_engine::Journal;
use baton_store::{Append, Appended, Store, StoreError};
use tokio::sync::watch;

/// What the disk does with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Quick,
    /// Nothing is written until the disk is quick again: a crash loses it.
    BeforeWriting,
    /// Everything is written, and nobody is told until the disk is quick again.
    BeforeTelling,
    /// The process is about to be gone: nothing reaches the disk any more.
    Dead,
}

/// The way to the store.
#[derive(Debug)]
pub(crate) struct Slow {
    store: Mutex<Store>,
    mood: watch::Sender<Mood>,
    /// Up to where each run was acknowledged.
    told: Mutex<BTreeMap<String, u32>>,
    trouble: Mutex<Option<String>>,
    activity: AtomicU64,
    busy: AtomicU64,
}

/// Counts as busy while it is there.
struct Busy<'a>(&'a Slow);

impl<'a> Busy<'a> {
    fn new(slow: &'a Slow) -> Self {
        slow.busy.fetch_add(1, Ordering::SeqCst);
        slow.activity.fetch_add(1, Ordering::SeqCst);
        Self(slow)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
        self.0.activity.fetch_add(1, Ordering::SeqCst);
    }
}

impl Slow {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store: Mutex::new(store),
            mood: watch::Sender::new(Mood::Quick),
            told: Mutex::default(),
            trouble: Mutex::default(),
            activity: AtomicU64::new(0),
            busy: AtomicU64::new(0),
        }
    }

    /// Another process has the folder.
    pub(crate) fn reopened(&self, store: Store) {
        *self.store.lock().expect("nobody panics holding it") = store;
        self.set(Mood::Quick);
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    pub(crate) fn is_quick(&self) -> bool {
        *self.mood.borrow() == Mood::Quick
    }

    pub(crate) fn activity(&self) -> u64 {
        self.activity.load(Ordering::SeqCst)
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn told(&self) -> BTreeMap<String, u32> {
        self.told.lock().expect("nobody panics holding it").clone()
    }

    /// What the store refused. It should refuse nothing.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .expect("nobody panics holding it")
            .clone()
    }

    async fn quick(&self) {
        let mut mood = self.mood.subscribe();
        // The sender lives as long as `self`.
        let _ = mood.wait_for(|mood| *mood == Mood::Quick).await;
    }
}

#[async_trait]
impl Journal for Slow {
    async fn append(&self, batch: &Append) -> Result<Appended, StoreError> {
        let mood = *self.mood.borrow();
        if matches!(mood, Mood::BeforeWriting | Mood::Dead) {
            self.quick().await;
        }
        let written = {
            let _busy = Busy::new(self);
            let store = self.store.lock().expect("nobody panics holding it").clone();
            store.append_ref(batch).await
        };
        if mood == Mood::BeforeTelling {
            self.quick().await;
        }
        match &written {
            Ok(appended) => {
                let mut told = self.told.lock().expect("nobody panics holding it");
                told.insert(batch.run.clone(), appended.seq);
            }
            Err(error) => {
                let mut trouble = self.trouble.lock().expect("nobody panics holding it");
                trouble.get_or_insert_with(|| format!("{}: {} {error}", batch.run, error.code()));
            }
        }
        written
    }
}
