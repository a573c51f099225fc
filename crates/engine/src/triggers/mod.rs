//! Triggers: what starts runs without a person.
//!
//! ```text
//!   schedule ─┐
//!   finished ─┤                       durable, once per key          overlap policy
//!   file ─────┼──► Triggers::record ──► store.record ──► dispatch ──────────────────► Shared::begin ──► run
//!   webhook ──┤         │
//!   a person ─┘         └──► Accepted | Duplicate | Paused | Revoked | Overloaded
//! ```
//!
//! A *source* notices that something happened and calls [`Triggers::record`]. When that answers, the firing is on disk
//! under a key that is unique for its trigger, with the id of the run that it will start. *Dispatch* carries firings
//! out, in order, one trigger at a time: it looks at the runs before, starts the run, and settles the firing. A crash
//! at any point repeats what was not settled, and a run whose id is there already is not started again.
//!
//! # How to write a source
//!
//! 1. [`Triggers::of_kind`] gives the triggers of a kind that act, each with its settings and *revision*;
//!    [`Triggers::changes`] wakes when that list may have changed.
//! 2. When something happened, call [`Triggers::record`] with a [`Fired`]: the revision that the settings came from, a
//!    key that says what it was (`file:<path>:<hash>`), and a payload, which expressions in the trigger's `input` read as
//!    `trigger.payload`. What the source has to remember about it (`file`, `request`) is written in the same moment.
//! 3. Acknowledge to the outside only after `Accepted` or `Duplicate`. `Overloaded` and `Paused` recorded nothing: try
//!    again later. `Revoked`: the trigger was taken back or activated anew; forget it and read the list again.
//! 4. What keeps a source from working (a folder that vanished) is told with [`Triggers::trouble`], and taken back with
//!    `None`. People see it in the list of triggers.
//! 5. Run while [`Triggers::closed`] has not returned, and hold no state that the store does not have.
//!
//! # Invariants
//!
//! * A firing is durable before it is acknowledged, and starts at most one run.
//! * Only what was activated acts; an edit of the file changes nothing. The revision is checked in the transaction that
//!   records.
//! * Nothing is skipped without a record that says why.

mod activate;
mod dispatch;
mod file;
mod finished;
mod list;
mod missed;
mod registry;
mod schedule;
pub mod webhook;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baton_core::Millis;
use baton_store::{Activation, Firing, FiringState, HookRequest, NewFiring, Recorded, WatchedFile};
use serde_json::Value;
use tokio::sync::{Notify, watch};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::notice::EngineNotice;
use crate::shared::Shared;

pub use activate::Activate;
pub(crate) use dispatch::run_ended;
pub use list::TriggerState;
pub use registry::Registered;

/// How many firings of one trigger may wait before its source has to.
pub const MOST_WAITING: u32 = 1_000;

/// How long a source waits before it tries an overloaded trigger again.
const RETRY_AFTER_MS: i64 = 5_000;

/// Name of a trigger: workflow and id.
type Name = (String, String);

/// What the engine knows of triggers.
#[derive(Debug)]
pub(crate) struct Inner {
    /// Rises whenever the list of triggers may have changed.
    changes: watch::Sender<u64>,
    /// The instant at which all schedules were last looked at.
    looked: watch::Sender<Millis>,
    /// Rises whenever something becomes of a firing.
    settles: watch::Sender<u64>,
    /// A run ended.
    ended: Notify,
    is_acting: AtomicBool,
    /// Triggers that are being dispatched, and whether there is something new for them.
    busy: Mutex<BTreeMap<Name, bool>>,
    /// Triggers with firings that wait for the end of a run.
    waiting: Mutex<BTreeSet<Name>>,
    registry: registry::Registry,
    /// What runs write.
    pub(crate) writes: writes::Writes,
    webhooks: webhook::Webhooks,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            changes: watch::Sender::new(0),
            looked: watch::Sender::new(Millis::MIN),
            settles: watch::Sender::new(0),
            ended: Notify::new(),
            is_acting: AtomicBool::new(false),
            busy: Mutex::default(),
            waiting: Mutex::default(),
            registry: registry::Registry::default(),
            writes: writes::Writes::default(),
            webhooks: webhook::Webhooks::default(),
        }
    }
}

impl Inner {
    fn changed(&self) {
        self.changes.send_modify(|version| *version += 1);
    }
}

/// Something that a source noticed.
#[derive(Debug, Clone)]
pub struct Fired {
    /// Id of the workflow.
    pub workflow: String,
    /// Id of the trigger.
    pub trigger: String,
    /// The revision that the source knows.
    pub revision: u32,
    /// What it was, unique for the trigger for ever.
    pub key: String,
    /// What the source brings; the settings of the trigger read it as `trigger.payload`.
    pub payload: Value,
    /// The line of the ledger of files that it is about.
    pub file: Option<WatchedFile>,
    /// The request that it is: the same one is not taken twice.
    pub request: Option<HookRequest>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recording {
    /// It is on disk, and this run will be started.
    Accepted {
        /// Id of the run.
        run: String,
    },
    /// It was recorded before. The run of then, if it is known.
    Duplicate {
        /// Id of the run.
        run: Option<String>,
    },
    /// The trigger was told to wait. Nothing was recorded.
    Paused,
    /// The trigger was taken back or activated anew. Nothing was recorded.
    Revoked,
    /// Too many firings of the trigger wait. Nothing was recorded.
    Overloaded {
        /// How long to wait before trying again.
        retry_after_ms: i64,
    },
}

/// The triggers of an engine.
#[derive(Debug, Clone)]
pub struct Triggers {
    pub(crate) shared: Arc<Shared>,
}

impl Engine {
    /// What starts runs without a person.
    pub fn triggers(&self) -> Triggers {
        Triggers {
            shared: self.shared.clone(),
        }
    }
}

impl Triggers {
    /// Acts from now on: carries out what was recorded and not started, watches the clock, and the ends of runs. The
    /// second call does nothing.
    pub fn start(&self) {
        if self.shared.triggers.is_acting.swap(true, Ordering::SeqCst) {
            return;
        }
        let spawn = |work| drop(self.shared.drivers.spawn(work));
        spawn(boxed(dispatch::leftovers(self.shared.clone())));
        spawn(boxed(schedule::watch(self.shared.clone())));
        spawn(boxed(finished::watch(self.shared.clone())));
        spawn(boxed(file::watch(self.shared.clone())));
        spawn(boxed(webhook::watch(self.shared.clone())));
    }

    /// Whether it acts.
    pub fn is_acting(&self) -> bool {
        self.shared.triggers.is_acting.load(Ordering::SeqCst)
    }

    /// Wakes when the list of triggers may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.triggers.changes.subscribe()
    }

    /// Returns once all schedules were looked at while the clock showed just what it shows now. For whoever turns the
    /// clock by hand.
    #[doc(hidden)]
    pub async fn looked(&self) {
        let now = self.now();
        let mut looked = self.shared.triggers.looked.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = looked.wait_for(|at| *at == now).await;
    }

    /// Returns when the engine closes.
    pub async fn closed(&self) {
        self.shared.closing.cancelled().await;
    }

    /// The instant by the clock of the engine.
    pub fn now(&self) -> Millis {
        self.shared.clock.now()
    }

    /// The triggers of this kind that are active, with their settings. One whose definition cannot be read is left
    /// out, and its trouble is noted.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn of_kind(&self, kind: &str) -> Result<Vec<Arc<Registered>>, EngineError> {
        registry::of_kind(&self.shared, kind).await
    }

    /// Records that something happened. When this answers `Accepted`, it is on disk and will start a run, whatever
    /// happens to this process.
    ///
    /// # Errors
    ///
    /// If the store does not take it; nothing was recorded then.
    pub async fn record(&self, fired: Fired) -> Result<Recording, EngineError> {
        let Fired {
            workflow,
            trigger,
            revision,
            key,
            payload,
            file,
            request,
        } = fired;
        let store = &self.shared.store;
        if store
            .count_open_firings(&workflow, &trigger, MOST_WAITING)
            .await?
            >= MOST_WAITING
        {
            return Ok(Recording::Overloaded {
                retry_after_ms: RETRY_AFTER_MS,
            });
        }
        let run = new_run();
        let depth = 0;
        let firing = NewFiring {
            run: run.clone(),
            payload,
            file,
            request,
            depth,
            ..NewFiring::new(&workflow, &trigger, revision, &key, self.now())
        };
        let said = store.record(vec![firing], None).await?;
        Ok(match said.first() {
            Some(Recorded::Accepted) => {
                dispatch::kick(&self.shared, &workflow, &trigger);
                self.shared.tell(EngineNotice::TriggersChanged);
                Recording::Accepted { run }
            }
            Some(Recorded::Paused) => Recording::Paused,
            Some(Recorded::Revoked) | None => Recording::Revoked,
            Some(Recorded::Duplicate) => Recording::Duplicate {
                run: store
                    .firing(&workflow, &trigger, &key)
                    .await?
                    .map(|firing| firing.run),
            },
        })
    }

    /// Fires a trigger by hand, also one that is paused. The same key fires once.
    ///
    /// # Errors
    ///
    /// [`EngineError::Refused`] if it is not active; else if the store does not take it.
    pub async fn fire(
        &self,
        workflow: &str,
        trigger: &str,
        key: Option<&str>,
        input: Option<Value>,
        by: &str,
    ) -> Result<Firing, EngineError> {
        let store = &self.shared.store;
        let activation = self.find(workflow, trigger).await?;
        let run = new_run();
        let key = format!("manual:{}", key.unwrap_or(&run));
        let firing = NewFiring {
            run,
            input,
            by: Some(by.to_owned()),
            payload: serde_json::json!({ "by": by }),
            ..NewFiring::new(workflow, trigger, activation.revision, &key, self.now())
        };
        let said = store.record(vec![firing], None).await?;
        if said.first() == Some(&Recorded::Revoked) {
            return Err(not_active(workflow, trigger));
        }
        dispatch::kick(&self.shared, workflow, trigger);
        self.shared.tell(EngineNotice::TriggersChanged);
        let recorded = store.firing(workflow, trigger, &key).await?;
        recorded.ok_or_else(|| not_active(workflow, trigger))
    }

    /// Notes what keeps a trigger from firing, or that nothing does any more.
    ///
    /// # Errors
    ///
    /// If the store does not take it.
    pub async fn trouble(
        &self,
        activation: &Activation,
        trouble: Option<&str>,
    ) -> Result<(), EngineError> {
        if self
            .shared
            .store
            .activation_trouble(activation, trouble)
            .await?
        {
            self.shared.tell(EngineNotice::TriggersChanged);
        }
        Ok(())
    }

    /// Waits until something became of a firing, but not longer than `patience`; gives it as it is then.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn outcome(&self, firing: Firing, patience: Duration) -> Result<Firing, EngineError> {
        let mut settles = self.shared.triggers.settles.subscribe();
        let mut now = firing;
        let until = tokio::time::Instant::now() + patience;
        loop {
            let Firing {
                workflow,
                trigger,
                key,
                ..
            } = &now;
            if let Some(kept) = self.shared.store.firing(workflow, trigger, key).await? {
                now = kept;
            }
            if now.state != FiringState::Pending {
                return Ok(now);
            }
            match tokio::time::timeout_at(until, settles.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Ok(now),
            }
        }
    }

    async fn find(&self, workflow: &str, trigger: &str) -> Result<Activation, EngineError> {
        let found = self.shared.store.activation(workflow, trigger).await?;
        found.ok_or_else(|| not_active(workflow, trigger))
    }
}

fn not_active(workflow: &str, trigger: &str) -> EngineError {
    EngineError::Refused {
        code: "not-active".to_owned(),
        message: format!("the trigger `{trigger}` of `{workflow}` is not active"),
    }
}

/// Id of a run to come, chosen with its firing.
fn new_run() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Work = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn boxed(work: impl Future<Output = ()> + Send + 'static) -> Work {
    Box::pin(work)
}
