//! Which hooks there are, who takes what they bring, and what became of their requests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use baton_core::Millis;
use baton_core::trigger::WebhookSettings;
use baton_store::{Recorded, StoreError};
use serde_json::Value;

use super::limits::Rate;

/// Which trigger a hook belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HookName {
    /// Id of the workflow.
    pub(crate) workflow: String,
    /// Id of the trigger.
    pub(crate) trigger: String,
    /// The revision it was set up for.
    pub(crate) revision: u32,
}

/// A hook at an address.
#[derive(Debug)]
pub(crate) struct Hook {
    pub(crate) name: HookName,
    pub(crate) settings: WebhookSettings,
    pub(crate) rate: Rate,
    counts: Mutex<HookCounts>,
    /// A refusal stands as its trouble.
    is_told: AtomicBool,
}

/// What a hook took and refused since it was set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookCounts {
    /// Requests that started something.
    pub accepted: u64,
    /// Requests that were taken before.
    pub duplicates: u64,
    /// Requests that were refused, by their code.
    pub refused: BTreeMap<&'static str, HookRefusals>,
}

/// Requests that were refused for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookRefusals {
    /// How many.
    pub count: u64,
    /// When the last one came.
    pub last_at: Millis,
    /// What it was told.
    pub last: String,
}

/// A request that has proven who it is from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivery {
    /// Unique for the trigger for ever.
    pub(crate) key: String,
    /// What makes this very request unique while its window lasts: its signature.
    pub(crate) nonce: Option<String>,
    /// The data.
    pub(crate) payload: Value,
    /// When it came.
    pub(crate) at: Millis,
}

/// What became of a delivery. It is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) recorded: Recorded,
    /// Id of the run that it starts.
    pub(crate) run: Option<String>,
}

/// Who takes deliveries.
#[async_trait]
pub(crate) trait Taker: Send + Sync + std::fmt::Debug {
    /// The value of a secret.
    fn secret(&self, name: &str) -> Option<String>;

    /// How many firings of a hook wait for their run.
    async fn waiting(&self, hook: &HookName) -> Result<u32, StoreError>;

    /// Records a delivery; it is durable when this returns.
    async fn take(&self, hook: &HookName, delivery: Delivery) -> Result<Taken, StoreError>;

    /// Says what a hook refused, or what is wrong with it.
    async fn trouble(&self, hook: &HookName, trouble: Option<String>);
}

/// All hooks that are active.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    by_path: Mutex<BTreeMap<String, Arc<Hook>>>,
    /// What was refused before a hook was known.
    strays: Mutex<HookCounts>,
}

impl Hooks {
    /// Puts a hook at its address.
    ///
    /// # Errors
    ///
    /// Whose hook is there already.
    pub(crate) fn put(
        &self,
        name: HookName,
        settings: WebhookSettings,
        now: Millis,
    ) -> Result<(), HookName> {
        let mut by_path = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = by_path.get(&settings.path)
            && (&other.name.workflow, &other.name.trigger) != (&name.workflow, &name.trigger)
        {
            return Err(other.name.clone());
        }
        by_path.retain(|_, hook| {
            (&hook.name.workflow, &hook.name.trigger) != (&name.workflow, &name.trigger)
        });
        let hook = Hook {
            rate: Rate::new(settings.per_minute, now),
            counts: Mutex::default(),
            is_told: AtomicBool::new(false),
            name,
            settings,
        };
        by_path.insert(hook.settings.path.clone(), Arc::new(hook));
        Ok(())
    }

    /// Takes the hook of a trigger away.
    pub(crate) fn remove(&self, workflow: &str, trigger: &str) {
        let mut by_path = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        by_path.retain(|_, hook| {
            (hook.name.workflow.as_str(), hook.name.trigger.as_str()) != (workflow, trigger)
        });
    }

    /// The hook at an address.
    pub(crate) fn find(&self, path: &str) -> Option<Arc<Hook>> {
        let by_path = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        by_path.get(path).cloned()
    }

    /// All hooks, by their address.
    pub(crate) fn all(&self) -> Vec<Arc<Hook>> {
        let by_path = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        by_path.values().cloned().collect()
    }

    /// Counts a request that no hook can count.
    pub(crate) fn stray(&self, code: &'static str, message: &str, now: Millis) {
        let mut strays = self.strays.lock().unwrap_or_else(PoisonError::into_inner);
        strays.refuse(code, message, now);
    }

    /// Requests that reached no hook.
    pub(crate) fn strays(&self) -> HookCounts {
        self.strays
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl HookCounts {
    fn refuse(&mut self, code: &'static str, message: &str, now: Millis) {
        let refusals = self.refused.entry(code).or_insert(HookRefusals {
            count: 0,
            last_at: now,
            last: String::new(),
        });
        refusals.count += 1;
        refusals.last_at = now;
        message.clone_into(&mut refusals.last);
    }
}

impl Hook {
    /// Counts a request that was refused; the count of its code.
    pub(crate) fn refuse(&self, code: &'static str, message: &str, now: Millis) -> u64 {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.refuse(code, message, now);
        counts
            .refused
            .get(code)
            .map_or(0, |refusals| refusals.count)
    }

    /// Counts a request that was taken.
    pub(crate) fn accept(&self, is_duplicate: bool) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if is_duplicate {
            counts.duplicates += 1;
        } else {
            counts.accepted += 1;
        }
    }

    /// Notes that a refusal was told to the trigger, or that it is over; what stood before.
    pub(crate) fn tell(&self, is_told: bool) -> bool {
        self.is_told.swap(is_told, Ordering::Relaxed)
    }

    /// What became of requests.
    pub(crate) fn counts(&self) -> HookCounts {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
