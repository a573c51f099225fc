//! Tasks that end when they are let go.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use baton_core::error::StepError;
use baton_core::machine::Task;
use baton_core::step_kind::Catalog;
use baton_engine::Tasks;
use baton_steps::{TaskContext, TaskOutput};
use tokio::sync::oneshot;

use crate::{generate, scripted};

/// Whose tasks they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// Of the script.
    Scripted,
    /// Of Baton.
    Standard,
}

/// Holds every task until it is let go, as carried out or as stopped.
#[derive(Debug)]
pub(crate) struct Gate {
    kinds: Kinds,
    held: Mutex<BTreeMap<(String, u32), oneshot::Sender<bool>>>,
}

impl Gate {
    pub(crate) fn new(kinds: Kinds) -> Self {
        Self {
            kinds,
            held: Mutex::default(),
        }
    }

    pub(crate) fn catalog(&self) -> Catalog {
        match self.kinds {
            Kinds::Scripted => generate::catalog(),
            Kinds::Standard => baton_steps::catalog(),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<(String, u32), oneshot::Sender<bool>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn holds(&self, step: &str, epoch: u32) -> bool {
        self.held().contains_key(&(step.to_owned(), epoch))
    }

    /// The task of `step` that was begun first.
    pub(crate) fn epoch_of(&self, step: &str) -> Option<u32> {
        let held = self.held();
        let mut keys = held.keys().filter(|(name, _)| name == step);
        keys.next().map(|(_, epoch)| *epoch)
    }

    pub(crate) fn let_go(&self, step: &str, epoch: u32, is_cancelled: bool) {
        if let Some(held) = self.held().remove(&(step.to_owned(), epoch)) {
            // It may be gone already.
            let _ = held.send(is_cancelled);
        }
    }

    pub(crate) fn let_all_go(&self) {
        for held in std::mem::take(&mut *self.held()).into_values() {
            let _ = held.send(true);
        }
    }

    /// What an earlier run left.
    pub(crate) fn forget(&self) {
        self.held().clear();
    }
}

#[async_trait]
impl Tasks for Gate {
    async fn execute(&self, task: &Task, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        let (let_go, end) = oneshot::channel();
        self.held().insert((task.step.clone(), task.epoch), let_go);
        if end.await.unwrap_or(true) {
            return Err(StepError::new("cancelled", "it was told to stop"));
        }
        match self.kinds {
            Kinds::Scripted => scripted::perform(task),
            Kinds::Standard => baton_steps::execute(task, cx).await,
        }
    }

    fn execute_inline(&self, task: &Task) -> Option<Result<TaskOutput, StepError>> {
        match self.kinds {
            Kinds::Scripted => scripted::perform_inline(task),
            Kinds::Standard => baton_steps::execute_inline(task),
        }
    }
}
