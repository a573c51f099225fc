//! Where every trigger stands, for people.

use std::sync::Arc;

use baton_core::Millis;
use baton_core::schedule::Due;
use baton_core::trigger::TriggerKind;
use baton_store::{Activation, ActivationState, Firing, Store};

use super::registry::{self, Registered};
use super::{MOST_WAITING, Triggers};
use crate::error::EngineError;

/// Where a trigger stands.
#[derive(Debug, Clone)]
pub struct TriggerState {
    /// The trigger.
    pub activation: Activation,
    /// Its settings, if they can be read.
    pub registered: Option<Arc<Registered>>,
    /// When it fires next, for a schedule.
    pub next: Option<Due>,
    /// What it recorded last.
    pub last: Option<Firing>,
    /// How many of its firings wait.
    pub waiting: u32,
    /// What keeps it from firing.
    pub trouble: Option<String>,
}

impl Triggers {
    /// Every trigger that was activated and not taken back.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn list(&self) -> Result<Vec<TriggerState>, EngineError> {
        let mut list = Vec::new();
        for activation in self.shared.store.activations().await? {
            let read = registry::load(&self.shared, &activation).await?;
            list.push(state(&self.shared.store, activation, read, self.now()).await?);
        }
        Ok(list)
    }

    /// As [`list`](Self::list), for whoever only looks into a data folder.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn look(store: &Store, now: Millis) -> Result<Vec<TriggerState>, EngineError> {
        let mut list = Vec::new();
        for activation in store.activations().await? {
            let read = registry::read(store, &activation, None).await?;
            list.push(state(store, activation, read, now).await?);
        }
        Ok(list)
    }
}

async fn state(
    store: &Store,
    activation: Activation,
    read: Result<Arc<Registered>, String>,
    now: Millis,
) -> Result<TriggerState, EngineError> {
    let (workflow, trigger) = (&activation.workflow, &activation.trigger);
    let last = store.last_firing(workflow, trigger).await?;
    let waiting = store
        .count_open_firings(workflow, trigger, MOST_WAITING)
        .await?;
    let (registered, unreadable) = match read {
        Ok(registered) => (Some(registered), None),
        Err(reason) => (None, Some(reason)),
    };
    let next = registered
        .as_ref()
        .filter(|_| activation.state == ActivationState::Active)
        .and_then(|registered| match &registered.spec.kind {
            TriggerKind::Schedule { schedule, .. } => schedule.next(now, 1).into_iter().next(),
            TriggerKind::File(_)
            | TriggerKind::Webhook(_)
            | TriggerKind::WorkflowFinished(_)
            | TriggerKind::Manual => None,
        });
    Ok(TriggerState {
        trouble: unreadable.or_else(|| activation.trouble.clone()),
        activation,
        registered,
        next,
        last,
        waiting,
    })
}
