//! The engine as the other crates see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_core::Millis;
use baton_core::machine::{Allowance, Budget, Decision, Input, Run, Settlement};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::config::{EngineConfig, NewRun, Signal};
use crate::disk::{DiskState, Watermarks};
use crate::ears;
use crate::entry::Origin;
use crate::error::EngineError;
use crate::host;
use crate::notice::EngineNotice;
use crate::places::WorkLimits;
use crate::recover;
use crate::shared::Shared;

/// Carries out runs. Clones share it.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

impl Engine {
    /// Starts an engine and takes all runs of the store that have not ended into its hands.
    ///
    /// # Errors
    ///
    /// If the store cannot say which runs are open.
    pub async fn start(config: EngineConfig) -> Result<Self, EngineError> {
        let take_up = config.take_up;
        let shared = Arc::new(Shared::new(config));
        shared.look_at_disk();
        shared.watch_disk();
        recover::open_runs(&shared, take_up).await?;
        host::watch(&shared);
        Ok(Self { shared })
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<EngineNotice> {
        self.shared.listen()
    }

    /// Begins a run; gives its id once its first events are durable.
    ///
    /// # Errors
    ///
    /// If the definition has problems that forbid it, or the store does not take it.
    pub async fn run(&self, new: NewRun) -> Result<String, EngineError> {
        let NewRun {
            workflow,
            path,
            work_dir,
            input,
            by,
        } = new;
        let plan = self.shared.plan(&workflow)?;
        let origin = Origin {
            path,
            work_dir,
            parent: None,
            depth: 0,
        };
        let run = uuid::Uuid::now_v7().to_string();
        self.shared
            .begin(run.clone(), plan, origin, input, by)
            .await?;
        Ok(run)
    }

    /// Answers a question.
    ///
    /// # Errors
    ///
    /// If the run or the question is no longer open.
    pub async fn decide(
        &self,
        run: &str,
        step: &str,
        by: &str,
        decision: Decision,
        comment: Option<String>,
        data: Option<Value>,
    ) -> Result<(), EngineError> {
        let (step, by) = (step.to_owned(), by.to_owned());
        self.shared
            .ask(
                run,
                Input::Decide {
                    step,
                    by,
                    decision,
                    comment,
                    data,
                },
            )
            .await
    }

    /// Stops a run; with `undo`, what it completed is taken back.
    ///
    /// # Errors
    ///
    /// If the run is no longer open.
    pub async fn cancel(
        &self,
        run: &str,
        by: &str,
        reason: Option<String>,
        undo: bool,
    ) -> Result<(), EngineError> {
        self.shared
            .ask(
                run,
                Input::Cancel {
                    by: by.to_owned(),
                    reason,
                    undo,
                },
            )
            .await
    }

    /// Starts no further step of a run.
    ///
    /// # Errors
    ///
    /// If the run is no longer open.
    pub async fn pause(&self, run: &str, by: &str) -> Result<(), EngineError> {
        self.shared
            .ask(run, Input::Pause { by: by.to_owned() })
            .await
    }

    /// Starts steps of a paused run again.
    ///
    /// # Errors
    ///
    /// If the run is no longer open.
    pub async fn resume(&self, run: &str, by: &str) -> Result<(), EngineError> {
        self.shared
            .ask(run, Input::Resume { by: by.to_owned() })
            .await
    }

    /// Allows a run more of a budget.
    ///
    /// # Errors
    ///
    /// If the run is no longer open, or that would not be more.
    pub async fn raise(
        &self,
        run: &str,
        budget: Budget,
        limit: u64,
        by: &str,
    ) -> Result<(), EngineError> {
        let by = by.to_owned();
        self.shared
            .ask(run, Input::Raise { budget, limit, by })
            .await
    }

    /// Begins the next attempt of a failed step at once.
    ///
    /// # Errors
    ///
    /// If the run is no longer open, or the step does not wait for an attempt.
    pub async fn retry_now(&self, run: &str, step: &str, by: &str) -> Result<(), EngineError> {
        let (step, by) = (step.to_owned(), by.to_owned());
        self.shared.ask(run, Input::RetryNow { step, by }).await
    }

    /// Says what became of a step with unknown outcome.
    ///
    /// # Errors
    ///
    /// If the run is no longer open, or the step is not in question.
    pub async fn settle(
        &self,
        run: &str,
        step: &str,
        by: &str,
        answer: Settlement,
    ) -> Result<(), EngineError> {
        let (step, by) = (step.to_owned(), by.to_owned());
        self.shared
            .ask(run, Input::Settle { step, by, answer })
            .await
    }

    /// Sends an event to every run that waits for it or still may, and says to how many.
    ///
    /// # Errors
    ///
    /// If it is for one run and that run is no longer open.
    pub async fn signal(&self, signal: Signal) -> Result<u32, EngineError> {
        let Signal {
            id,
            event,
            key,
            payload,
            run,
        } = signal;
        let input = Input::Signal {
            id,
            event: event.clone(),
            key: key.clone(),
            payload,
        };
        if let Some(run) = run {
            return self.shared.ask(&run, input).await.map(|()| 1);
        }
        ears::signal(&self.shared, &event, &key, input).await
    }

    /// Looks at a run that has not ended, and wakes it if it sleeps: its state, and position and instant of its last
    /// durable event. `None` if it has ended, never was, or cannot be read.
    pub async fn look<T>(&self, run: &str, look: impl FnOnce(&Run, u32, Millis) -> T) -> Option<T> {
        let entry = self.shared.wake(run).await.ok()?;
        let state = entry.state();
        Some(look(&state.run, state.durable, state.durable_at))
    }

    /// Why a run that has not ended stands still: its events cannot be written, or it could not be taken up again.
    pub fn stalled(&self, run: &str) -> Option<String> {
        match self.shared.find(run) {
            Some(entry) => entry.state().stalled.as_ref().map(ToString::to_string),
            None => self.shared.lost(run),
        }
    }

    /// Why steps of a live run wait that could begin but for a limit: path of the step and reason.
    pub fn waits(&self, run: &str) -> BTreeMap<String, String> {
        let Some(entry) = self.shared.find(run) else {
            return BTreeMap::new();
        };
        let state = entry.state();
        let waits = state.queued.iter();
        waits
            .map(|((step, _, _), reason)| (step.clone(), reason.clone()))
            .collect()
    }

    /// Places that steps of a live run wait for, a line per reason.
    pub fn waits_for(&self, run: &str) -> Vec<String> {
        let Some(entry) = self.shared.find(run) else {
            return Vec::new();
        };
        entry.state().waits_for()
    }

    /// How much is carried out at a time.
    pub fn work_limits(&self) -> WorkLimits {
        self.shared.places.limits()
    }

    /// Changes how much is carried out at a time; what runs goes on.
    pub fn set_work_limits(&self, limits: WorkLimits) {
        self.shared.places.set(limits, self.shared.clock.now());
    }

    /// Changes the budgets of runs that begin from now on and whose definition says nothing else.
    pub fn set_budgets(&self, budgets: Allowance) {
        self.shared.set_budgets(budgets);
    }

    /// Changes from how little room on something is done about it.
    pub fn set_watermarks(&self, marks: Watermarks) {
        self.shared.disk.set_marks(marks);
        self.shared.look_at_disk();
    }

    /// How much room there is on the disk and what is done about it.
    pub fn disk(&self) -> DiskState {
        self.shared.disk.state()
    }

    /// From how little room on something is done about it.
    pub fn watermarks(&self) -> Watermarks {
        self.shared.disk.marks()
    }

    /// Takes up an open run that was not taken up at the start.
    ///
    /// # Errors
    ///
    /// If there is no such run, or it has ended, or cannot be replayed.
    pub async fn take_up(&self, run: &str) -> Result<(), EngineError> {
        recover::one(&self.shared, run, recover::Then::GoOn).await
    }

    /// Takes up, one after the other, all open runs that were not taken up at the start and are not set aside.
    ///
    /// # Errors
    ///
    /// If the store cannot say which runs are open.
    pub async fn take_up_rest(&self) -> Result<(), EngineError> {
        recover::rest(&self.shared).await
    }

    /// Brings an open run that was not taken up into the hands of the engine without letting it go on, to be
    /// cancelled. One that is live already is left alone.
    ///
    /// # Errors
    ///
    /// As [`Engine::take_up`].
    pub async fn take_in_hand(&self, run: &str) -> Result<(), EngineError> {
        if self.shared.find(run).is_some() {
            return Ok(());
        }
        recover::one(&self.shared, run, recover::Then::Stand).await
    }

    /// Why an open run is not in the hands of this engine and will not be by itself: it was set aside, safe mode keeps
    /// it, or it could not be replayed.
    pub fn left_out(&self, run: &str) -> Option<String> {
        self.shared
            .lost(run)
            .filter(|reason| reason != recover::IN_LINE)
    }

    /// Ids of the runs that are in memory. A run that only waits need not be.
    pub fn live(&self) -> Vec<String> {
        self.shared
            .entries()
            .iter()
            .map(|entry| entry.id.clone())
            .collect()
    }

    /// Takes nothing new, finishes the writes under way, and leaves running steps to the next start.
    pub async fn close(&self) {
        self.shared.closing.cancel();
        self.shared.drivers.close();
        self.shared.drivers.wait().await;
    }
}
