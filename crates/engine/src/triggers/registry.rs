//! The triggers that are active, with their settings read: made from the store, kept while the revision is the same.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use baton_core::document::{self, Workflow};
use baton_core::trigger::TriggerSpec;
use baton_store::{Activation, ActivationState, Store};

use super::{Name, lock};
use crate::error::EngineError;
use crate::notice::EngineNotice;
use crate::shared::Shared;

/// Triggers by name, each for one revision.
#[derive(Debug, Default)]
pub(super) struct Registry {
    known: Mutex<BTreeMap<Name, Arc<Registered>>>,
}

/// A trigger that is active: where it stands, and what its definition says.
#[derive(Debug)]
pub struct Registered {
    /// Where it stood when it was read.
    pub activation: Activation,
    /// What it fires on.
    pub spec: TriggerSpec,
    /// When it fires, in a few words.
    pub summary: String,
    /// The definition that it runs.
    pub workflow: Arc<Workflow>,
}

impl Registered {
    /// Folder that relative paths start from.
    pub fn work_dir(&self) -> PathBuf {
        PathBuf::from(&self.activation.work_dir)
    }
}

/// The active triggers of a kind.
pub(super) async fn of_kind(
    shared: &Shared,
    kind: &str,
) -> Result<Vec<Arc<Registered>>, EngineError> {
    let mut found = Vec::new();
    for activation in shared.store.activations().await? {
        if activation.kind == kind && activation.state == ActivationState::Active {
            match load(shared, &activation).await? {
                Ok(registered) => found.push(registered),
                Err(reason) => {
                    if shared
                        .store
                        .activation_trouble(&activation, Some(&reason))
                        .await?
                    {
                        tracing::error!(
                            workflow = activation.workflow,
                            trigger = activation.trigger,
                            reason,
                            "the trigger cannot act"
                        );
                        shared.tell(EngineNotice::TriggersChanged);
                    }
                }
            }
        }
    }
    Ok(found)
}

/// A trigger with its settings; the inner error says why they cannot be read.
pub(super) async fn load(
    shared: &Shared,
    activation: &Activation,
) -> Result<Result<Arc<Registered>, String>, EngineError> {
    let name = (activation.workflow.clone(), activation.trigger.clone());
    let known = lock(&shared.triggers.registry.known).get(&name).cloned();
    let known = known.filter(|known| known.activation.digest == activation.digest);
    if let Some(known) = &known
        && known.activation == *activation
    {
        return Ok(Ok(known.clone()));
    }
    let workflow = known.map(|known| known.workflow.clone());
    let read = read(&shared.store, activation, workflow).await?;
    if let Ok(registered) = &read {
        lock(&shared.triggers.registry.known).insert(name, registered.clone());
    }
    Ok(read)
}

/// As [`load`], from the definition that is known already or that of the store.
pub(super) async fn read(
    store: &Store,
    activation: &Activation,
    workflow: Option<Arc<Workflow>>,
) -> Result<Result<Arc<Registered>, String>, EngineError> {
    let workflow = match workflow {
        Some(workflow) => workflow,
        None => {
            let Some(text) = store.definition(&activation.digest).await? else {
                let digest = &activation.digest;
                return Ok(Err(format!("its definition `{digest}` is missing")));
            };
            match document::parse(&text) {
                Ok(parsed) => Arc::new(parsed.workflow),
                Err(error) => return Ok(Err(format!("its definition cannot be read: {error}"))),
            }
        }
    };
    let mut all = workflow.triggers.iter();
    let Some(trigger) = all.find(|trigger| trigger.id == activation.trigger) else {
        return Ok(Err("its definition does not have it".to_owned()));
    };
    let (spec, troubles) = TriggerSpec::read(trigger);
    let Some(spec) = spec else {
        let first = troubles.into_iter().find(|trouble| !trouble.is_warning);
        return Ok(Err(first.map_or_else(
            || "its settings cannot be read".to_owned(),
            |trouble| trouble.message,
        )));
    };
    Ok(Ok(Arc::new(Registered {
        summary: baton_core::trigger::summary(trigger),
        activation: activation.clone(),
        spec,
        workflow,
    })))
}
