//! Signals: which runs an event from outside is for, whether they are in memory or not.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use baton_core::machine::{Action, Input, Plan, pending};
use serde_json::Value;

use crate::entry::Entry;
use crate::error::EngineError;
use crate::recover;
use crate::shared::Shared;

/// Which events the steps of a definition may wait for.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    names: BTreeSet<String>,
    /// A name is an expression: it may be any.
    any: bool,
}

impl Ears {
    fn of(plan: &Plan) -> Self {
        let mut ears = Self::default();
        plan.workflow().each_step(|step, _| {
            if step.kind != "wait_for" {
                return;
            }
            match step.with.get("event").and_then(Value::as_str) {
                Some(name) if name.contains("{%") => ears.any = true,
                Some(name) => {
                    ears.names.insert(name.to_owned());
                }
                None => {}
            }
        });
        ears
    }

    fn may_hear(&self, event: &str) -> bool {
        self.any || self.names.contains(event)
    }
}

/// Hands an event to every run that waits for it or may come to, and says to how many.
pub(crate) async fn signal(
    shared: &Arc<Shared>,
    event: &str,
    key: &Value,
    input: Input,
) -> Result<u32, EngineError> {
    let mut reached = 0;
    let mut asked = BTreeSet::new();
    for entry in shared.entries() {
        asked.insert(entry.id.clone());
        if may_take(&entry, event, key) && shared.ask_entry(&entry, input.clone()).await.is_ok() {
            reached += 1;
        }
    }
    // The others sleep: what they wait for is in the database.
    let mut asleep: BTreeSet<String> = shared
        .store
        .listening(event, key)
        .await?
        .into_iter()
        .collect();
    for digest in shared.store.open_digests().await? {
        if ears_of(shared, &digest).await.may_hear(event) {
            asleep.extend(shared.store.not_listening(&digest, event).await?);
        }
    }
    if baton_store::trial::has_bug("event-misses-sleepers") {
        asleep.clear();
    }
    for run in asleep.difference(&asked) {
        if shared.ask(run, input.clone()).await.is_ok() {
            reached += 1;
        }
    }
    Ok(reached)
}

async fn ears_of(shared: &Shared, digest: &str) -> Arc<Ears> {
    let known = || shared.ears.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(ears) = known().get(digest) {
        return ears.clone();
    }
    let ears = match recover::plan(shared, digest).await {
        Ok(plan) => Arc::new(Ears::of(&plan)),
        Err(error) => {
            tracing::warn!(digest, %error, "what this definition waits for is not known");
            return Arc::default();
        }
    };
    known().insert(digest.to_owned(), ears.clone());
    ears
}

/// Whether a run waits for such an event, or has a step that may come to wait for it.
fn may_take(entry: &Entry, event: &str, key: &Value) -> bool {
    if !Ears::of(&entry.plan).may_hear(event) {
        return false;
    }
    let mut is_listening = false;
    for action in pending(&entry.state().run) {
        if let Action::Listen {
            event: name,
            key: wanted,
            ..
        } = action
            && name == event
        {
            if wanted == *key {
                return true;
            }
            is_listening = true;
        }
    }
    // A run that listens with another key is not meant; one that does not listen yet may come to.
    !is_listening
}
