//! The desk of a watched folder in the store: its ledger, its firings, and who wrote what.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use baton_store::{FiringState, NewFiring, Recorded, RunFilter, StoreError, WatchedFile};

use super::desk::{Desk, FileFiring, LedgerRow, Mark, Writer};
use crate::notice::EngineNotice;
use crate::shared::Shared;
use crate::triggers::registry::Registered;
use crate::triggers::writes::Author;
use crate::triggers::{MOST_WAITING, dispatch, new_run};

/// How many runs of a former process are looked through for what they wrote, and how many events of each.
const RUNS: u32 = 20;
const EVENTS: u32 = 2_000;

/// The desk of one activation.
pub(super) struct Keeper {
    pub(super) shared: Arc<Shared>,
    pub(super) registered: Arc<Registered>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keeper")
            .field(&self.registered.activation.trigger)
            .finish()
    }
}

impl Keeper {
    fn name(&self) -> (&str, &str) {
        let activation = &self.registered.activation;
        (&activation.workflow, &activation.trigger)
    }

    /// Learns what runs of this workflow wrote before this process began.
    async fn recall(&self) -> Result<(), StoreError> {
        let filter = RunFilter {
            workflow: Some(self.registered.workflow.id.clone()),
            limit: RUNS,
            ..RunFilter::default()
        };
        let (rows, _) = self.shared.store.runs(filter).await?;
        for row in rows {
            if self.shared.find(&row.id).is_some() {
                continue;
            }
            let events = self.shared.store.events(&row.id, 0, EVENTS).await?;
            let (registered, shared) = (self.registered.clone(), self.shared.clone());
            let recalled = tokio::task::spawn_blocking(move || {
                let work_dir = registered.work_dir();
                shared
                    .triggers
                    .writes
                    .recall(&registered.workflow, &work_dir, &row.id, &events);
            });
            if let Err(error) = recalled.await {
                tracing::warn!(%error, "what a run wrote was not looked through");
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Desk for Keeper {
    async fn ledger(&self) -> Result<Vec<WatchedFile>, StoreError> {
        self.recall().await?;
        let (workflow, trigger) = self.name();
        self.shared.store.watched_files(workflow, trigger).await
    }

    async fn write(&self, rows: Vec<LedgerRow>, mark: Option<Mark>) -> Result<(), StoreError> {
        let (workflow, trigger) = self.name();
        let rows = rows
            .iter()
            .map(|(path, row)| row.keep(workflow, trigger, path));
        let now = self.shared.clock.now();
        let mark = mark.map(|mark| mark.keep(workflow, trigger, now));
        self.shared
            .store
            .watched_files_put(rows.chain(mark).collect())
            .await
    }

    async fn forget(&self, paths: Vec<String>) -> Result<(), StoreError> {
        let (workflow, trigger) = self.name();
        self.shared
            .store
            .watched_files_forget(workflow, trigger, paths)
            .await
    }

    async fn room(&self) -> Result<usize, StoreError> {
        let (workflow, trigger) = self.name();
        let store = &self.shared.store;
        let waiting = store
            .count_open_firings(workflow, trigger, MOST_WAITING)
            .await?;
        Ok(usize::try_from(MOST_WAITING.saturating_sub(waiting)).unwrap_or(0))
    }

    async fn fire(&self, firings: Vec<FileFiring>) -> Result<Vec<Recorded>, StoreError> {
        let (workflow, trigger) = self.name();
        let revision = self.registered.activation.revision;
        let now = self.shared.clock.now();
        let new = firings.into_iter().map(|firing| {
            let (path, row) = firing.file;
            let state = if firing.skipped.is_some() {
                FiringState::Skipped
            } else {
                FiringState::Pending
            };
            NewFiring {
                run: new_run(),
                payload: firing.payload,
                file: Some(row.keep(workflow, trigger, &path)),
                depth: firing.depth,
                state,
                reason: firing.skipped,
                ..NewFiring::new(workflow, trigger, revision, &firing.key, now)
            }
        });
        let recorded = self.shared.store.record(new.collect(), None).await?;
        if recorded.contains(&Recorded::Accepted) {
            dispatch::kick(&self.shared, workflow, trigger);
            self.shared.tell(EngineNotice::TriggersChanged);
        }
        Ok(recorded)
    }

    async fn trouble(&self, trouble: Option<String>) {
        let activation = &self.registered.activation;
        match self
            .shared
            .store
            .activation_trouble(activation, trouble.as_deref())
            .await
        {
            Ok(true) => self.shared.tell(EngineNotice::TriggersChanged),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, ?trouble, "what is wrong with a trigger was not noted")
            }
        }
    }

    async fn writer(&self, path: &Path, hash: &str) -> Writer {
        let by = match self.shared.triggers.writes.author(path, hash) {
            Author::Unknown => return Writer::Other,
            Author::Open => return Writer::StillWriting,
            Author::Run(by) => by,
        };
        if by.workflow == self.registered.workflow.id {
            return Writer::Own { run: by.run };
        }
        match self.shared.store.firing_of_run(&by.run).await {
            Ok(firing) => Writer::Run {
                depth: firing.map_or(0, |firing| firing.depth),
            },
            Err(error) => {
                tracing::debug!(%error, "what started a run cannot be read now");
                Writer::StillWriting
            }
        }
    }
}
