//! What the expressions of a trigger may read.

use std::borrow::Cow;

use baton_core::Millis;
use baton_core::expression::{Scope, iso_instant};
use baton_core::trigger::TriggerKind;
use baton_store::Firing;
use serde_json::{Value, json};

use crate::triggers::registry::Registered;

/// One firing as `trigger`.
pub(super) struct FiringScope {
    trigger: Value,
    at: Millis,
    seed: u64,
}

pub(super) fn of(registered: &Registered, firing: &Firing) -> FiringScope {
    let due = firing.due.map(|due| match &registered.spec.kind {
        TriggerKind::Schedule { schedule, .. } => schedule.due(due).iso(),
        TriggerKind::File(_)
        | TriggerKind::Webhook(_)
        | TriggerKind::WorkflowFinished(_)
        | TriggerKind::Manual => iso_instant(due),
    });
    FiringScope {
        trigger: json!({
            "id": firing.trigger,
            "kind": registered.spec.kind_word(),
            "at": iso_instant(firing.recorded_at),
            "due": due,
            "payload": firing.payload,
        }),
        at: firing.recorded_at,
        seed: firing.id.unsigned_abs(),
    }
}

impl Scope for FiringScope {
    fn name(&self, name: &str) -> Option<Cow<'_, Value>> {
        (name == "trigger").then_some(Cow::Borrowed(&self.trigger))
    }

    fn step(&self, _: &str) -> Option<Cow<'_, Value>> {
        None
    }

    fn steps(&self) -> Vec<String> {
        Vec::new()
    }

    fn now(&self) -> Millis {
        self.at
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}
