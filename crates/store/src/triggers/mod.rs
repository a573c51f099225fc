//! Triggers: which act, what they fired, and what their sources remember.
//!
//! A firing is written once, under a key that is unique for its trigger, before anyone is told that it was taken. What
//! was decided about it is final.

mod change;
mod read;
mod rows;

use std::sync::{Arc, PoisonError};

use baton_core::Millis;

pub(crate) use change::TriggerWork;
pub use rows::{
    Activation, ActivationState, EndedRun, Firing, FiringFilter, FiringState, HookRequest,
    NewActivation, NewFiring, Recorded, SavedInput, WatchedFile,
};

use crate::error::StoreError;
use crate::keeps::Keep;
use crate::store::Store;
use change::{Change, Said};
use read::Reader;

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: [&[&str]; 2] = [change::STATEMENTS, read::STATEMENTS];

impl Store {
    /// Activates triggers of a workflow in place of all that it had, and gives their revision.
    pub async fn activate(&self, new: NewActivation) -> Result<u32, StoreError> {
        let said = self.change_trigger(Change::Activate(new)).await?;
        Ok(u32::try_from(said.number).unwrap_or(u32::MAX))
    }

    /// Pauses, resumes or takes back a trigger, or all of a workflow; says how many were in another state.
    pub async fn activation_put(
        &self,
        workflow: &str,
        trigger: Option<&str>,
        state: ActivationState,
        by: &str,
        at: Millis,
        cursor: Option<i64>,
    ) -> Result<u64, StoreError> {
        let said = self
            .change_trigger(Change::State {
                workflow: workflow.to_owned(),
                trigger: trigger.map(str::to_owned),
                state,
                by: by.to_owned(),
                at,
                cursor,
            })
            .await?;
        Ok(said.number)
    }

    /// Notes what keeps a trigger from firing; `true` if that was not known.
    pub async fn activation_trouble(
        &self,
        activation: &Activation,
        trouble: Option<&str>,
    ) -> Result<bool, StoreError> {
        let said = self
            .change_trigger(Change::Trouble {
                workflow: activation.workflow.clone(),
                trigger: activation.trigger.clone(),
                revision: activation.revision,
                trouble: trouble.map(str::to_owned),
            })
            .await?;
        Ok(said.number > 0)
    }

    /// All triggers that were activated and not taken back.
    pub async fn activations(&self) -> Result<Vec<Activation>, StoreError> {
        self.trigger_reader()?.activations().await
    }

    /// The trigger, if it was activated and not taken back.
    pub async fn activation(
        &self,
        workflow: &str,
        trigger: &str,
    ) -> Result<Option<Activation>, StoreError> {
        self.trigger_reader()?.activation(workflow, trigger).await
    }

    /// Records firings, and how far the source of a trigger has looked by now: all of it, or nothing. They are on disk
    /// when this returns. The answers come in the order of the firings; those that were not accepted changed nothing.
    pub async fn record(
        &self,
        firings: Vec<NewFiring>,
        cursor: Option<(&Activation, i64)>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let cursor = cursor.map(|(activation, cursor)| {
            let Activation {
                workflow,
                trigger,
                revision,
                ..
            } = activation;
            (workflow.clone(), trigger.clone(), *revision, cursor)
        });
        let said = self
            .change_trigger(Change::Record { firings, cursor })
            .await?;
        Ok(said.recorded)
    }

    /// Says what becomes of a firing that is pending or queued; `false` if it was decided before.
    pub async fn firing_settle(
        &self,
        firing: i64,
        state: FiringState,
        reason: Option<&str>,
        at: Millis,
    ) -> Result<bool, StoreError> {
        let said = self
            .change_trigger(Change::Settle {
                firing,
                state,
                reason: reason.map(str::to_owned),
                at,
            })
            .await?;
        Ok(said.number > 0)
    }

    /// Firings of a trigger that are pending or queued, oldest first.
    pub async fn open_firings(
        &self,
        workflow: &str,
        trigger: &str,
        limit: u32,
    ) -> Result<Vec<Firing>, StoreError> {
        self.trigger_reader()?.open(workflow, trigger, limit).await
    }

    /// How many firings of a trigger are pending or queued, counted up to `most`.
    pub async fn count_open_firings(
        &self,
        workflow: &str,
        trigger: &str,
        most: u32,
    ) -> Result<u32, StoreError> {
        self.trigger_reader()?
            .count_open(workflow, trigger, most)
            .await
    }

    /// Workflow and id of every trigger with a firing that is pending or queued.
    pub async fn triggers_with_open_firings(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.trigger_reader()?.with_open().await
    }

    /// Runs that a trigger started and that have not ended, oldest first.
    pub async fn runs_of_trigger(
        &self,
        workflow: &str,
        trigger: &str,
    ) -> Result<Vec<String>, StoreError> {
        self.trigger_reader()?.running(workflow, trigger).await
    }

    /// The last record of a trigger.
    pub async fn last_firing(
        &self,
        workflow: &str,
        trigger: &str,
    ) -> Result<Option<Firing>, StoreError> {
        self.trigger_reader()?.last(workflow, trigger).await
    }

    /// The firing of a trigger with this key.
    pub async fn firing(
        &self,
        workflow: &str,
        trigger: &str,
        key: &str,
    ) -> Result<Option<Firing>, StoreError> {
        self.trigger_reader()?.of_key(workflow, trigger, key).await
    }

    /// The firing that started a run.
    pub async fn firing_of_run(&self, run: &str) -> Result<Option<Firing>, StoreError> {
        self.trigger_reader()?.of_run(run).await
    }

    /// A page of firings, newest first, and how many there are in all.
    pub async fn firings(&self, filter: &FiringFilter) -> Result<(Vec<Firing>, u32), StoreError> {
        self.trigger_reader()?.list(filter).await
    }

    /// Runs whose end stands after this position of the whole log, in order.
    pub async fn ended_runs(&self, after: i64, limit: u32) -> Result<Vec<EndedRun>, StoreError> {
        self.trigger_reader()?.ended(after, limit).await
    }

    /// Position of the last event of the whole log.
    pub async fn log_position(&self) -> Result<i64, StoreError> {
        self.trigger_reader()?.position().await
    }

    /// Writes what was seen of files in a watched folder.
    pub async fn watched_files_put(&self, files: Vec<WatchedFile>) -> Result<(), StoreError> {
        self.change_trigger(Change::Files(files)).await.map(drop)
    }

    /// Forgets files that are not there any more.
    pub async fn watched_files_forget(
        &self,
        workflow: &str,
        trigger: &str,
        paths: Vec<String>,
    ) -> Result<(), StoreError> {
        let change = Change::FilesForget {
            workflow: workflow.to_owned(),
            trigger: trigger.to_owned(),
            paths,
        };
        self.change_trigger(change).await.map(drop)
    }

    /// All files of a watched folder that are known, by path.
    pub async fn watched_files(
        &self,
        workflow: &str,
        trigger: &str,
    ) -> Result<Vec<WatchedFile>, StoreError> {
        self.trigger_reader()?.files(workflow, trigger).await
    }

    /// Takes a request of a webhook; `false` if it was taken before. A firing that carries its request takes it by itself.
    pub async fn hook_request_take(&self, request: HookRequest) -> Result<bool, StoreError> {
        Ok(self.change_trigger(Change::Request(request)).await?.number > 0)
    }

    /// Forgets requests of webhooks that came before an instant; says how many.
    pub async fn hook_requests_forget(&self, before: Millis) -> Result<u64, StoreError> {
        Ok(self
            .change_trigger(Change::RequestsForget { before })
            .await?
            .number)
    }

    /// Keeps an input under its name.
    pub async fn input_put(&self, input: SavedInput) -> Result<(), StoreError> {
        self.change_trigger(Change::InputPut(input)).await.map(drop)
    }

    /// Forgets an input; `false` if there was none.
    pub async fn input_delete(&self, workflow: &str, name: &str) -> Result<bool, StoreError> {
        let change = Change::InputDelete {
            workflow: workflow.to_owned(),
            name: name.to_owned(),
        };
        Ok(self.change_trigger(change).await?.number > 0)
    }

    /// The inputs that are kept for a workflow, by name; with a name, that one.
    pub async fn inputs(
        &self,
        workflow: &str,
        name: Option<&str>,
    ) -> Result<Vec<SavedInput>, StoreError> {
        self.trigger_reader()?.inputs(workflow, name).await
    }

    fn trigger_reader(&self) -> Result<Reader<'_>, StoreError> {
        Ok(Reader {
            pool: self.readers()?,
            dir: self.dir(),
        })
    }

    async fn change_trigger(&self, change: Change) -> Result<Said, StoreError> {
        let said = Arc::default();
        let work = TriggerWork {
            change,
            said: Arc::clone(&said),
        };
        self.keep(Keep::Trigger(Box::new(work))).await?;
        let said = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(said)
    }
}
