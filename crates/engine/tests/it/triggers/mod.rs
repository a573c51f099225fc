//! Triggers: on time, late, missed, overlapping, interrupted; each firing once.

mod acting;
mod clock;
mod crash;
mod finished;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use baton_engine::triggers::{Activate, Fired, Recording};
use baton_engine::{EngineError, Triggers};
use baton_store::{Firing, FiringFilter, FiringState};
use serde_json::{Value, json};

use crate::support::{Bench, workflow};

pub(crate) const HOUR: i64 = 3_600_000;

/// A workflow of one step `a`, with these triggers.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write the values in place"
)]
pub(crate) fn flow(id: &str, triggers: Value) -> baton_core::document::Workflow {
    workflow(json!({
        "id": id,
        "triggers": triggers,
        "steps": [{ "id": "a", "kind": "act", "with": { "got": "{% input %}" } }],
    }))
}

impl Bench {
    pub(crate) fn triggers(&self) -> Triggers {
        self.engine.triggers()
    }

    pub(crate) async fn try_activate(&self, id: &str, triggers: Value) -> Result<u32, EngineError> {
        self.triggers()
            .activate(Activate {
                workflow: Arc::new(flow(id, triggers)),
                path: Some(PathBuf::from(format!("{id}.baton.json"))),
                work_dir: self.work_dir(),
                input: None,
                only: None,
                by: "kim".to_owned(),
            })
            .await
    }

    pub(crate) async fn activate(&self, triggers: Value) -> u32 {
        self.try_activate("test", triggers).await.unwrap()
    }

    /// Turns the clock, and waits until schedules were looked at.
    pub(crate) async fn turn(&self, ms: i64) {
        self.clock.advance(ms);
        self.triggers().looked().await;
    }

    /// Everything that the trigger `t` of `test` recorded, oldest first.
    pub(crate) async fn firings(&self) -> Vec<Firing> {
        self.firings_of("test", "t").await
    }

    pub(crate) async fn firings_of(&self, workflow: &str, trigger: &str) -> Vec<Firing> {
        let filter = FiringFilter {
            workflow: Some(workflow.to_owned()),
            trigger: Some(trigger.to_owned()),
            limit: 10_000,
            ..FiringFilter::default()
        };
        let mut firings = self.store.firings(&filter).await.unwrap().0;
        firings.reverse();
        firings
    }

    /// Waits until what the trigger `t` recorded looks like this, and gives it.
    pub(crate) async fn firings_until(&self, is_it: impl Fn(&[Firing]) -> bool) -> Vec<Firing> {
        for _ in 0..2_000 {
            let firings = self.firings().await;
            if is_it(&firings) {
                return firings;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it did not come to this: {:#?}", self.firings().await);
    }

    /// Waits until so many firings of `t` started their runs.
    pub(crate) async fn started(&self, count: usize) -> Vec<Firing> {
        let all = self
            .firings_until(|all| states(all, FiringState::Started) == count)
            .await;
        let started = |firing: &Firing| firing.state == FiringState::Started;
        all.into_iter().filter(started).collect()
    }

    /// Tells that something happened to the trigger `t` of `test`.
    pub(crate) async fn record(&self, revision: u32, key: &str) -> Recording {
        let fired = Fired {
            workflow: "test".to_owned(),
            trigger: "t".to_owned(),
            revision,
            key: key.to_owned(),
            payload: json!({ "key": key }),
            file: None,
            request: None,
        };
        self.triggers().record(fired).await.unwrap()
    }

    /// All runs, oldest first: workflow, and what started it.
    pub(crate) async fn runs(&self) -> Vec<(String, Option<String>)> {
        let filter = baton_store::RunFilter {
            limit: 1_000,
            ..baton_store::RunFilter::default()
        };
        let mut rows = self.store.runs(filter).await.unwrap().0;
        rows.reverse();
        rows.into_iter().map(|row| (row.workflow, row.by)).collect()
    }
}

pub(crate) fn states(firings: &[Firing], state: FiringState) -> usize {
    firings
        .iter()
        .filter(|firing| firing.state == state)
        .count()
}

/// Hours after the start at which the firings with this state were due.
pub(crate) fn due(firings: &[Firing], state: FiringState) -> Vec<i64> {
    firings
        .iter()
        .filter(|firing| firing.state == state)
        .map(|firing| (firing.due.unwrap() - crate::support::START) / HOUR)
        .collect()
}
