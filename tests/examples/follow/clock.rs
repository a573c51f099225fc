//! A clock that shows the instants of another host, and fires timers only when that one did.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use baton_core::Millis;
use baton_engine::Clock;
use tokio::sync::watch;
use tokio::task;

#[derive(Debug, Clone, Copy, Default)]
struct Shows {
    now: Millis,
    /// Up to where timers have fired: what the one who watches them sees.
    fired: Millis,
}

/// The clock. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Follower {
    shows: Arc<watch::Sender<Shows>>,
    /// The one task of the engine that sleeps until an instant.
    watcher: Arc<OnceLock<task::Id>>,
}

impl Follower {
    /// Everything from the start.
    pub(crate) fn start(&self, at: Millis) {
        self.shows.send_replace(Shows { now: at, fired: at });
    }

    /// Shows `at`, and fires nothing.
    pub(crate) fn show(&self, at: Millis) {
        self.shows.send_modify(|shows| shows.now = at);
    }

    /// Fires what is due at `at`.
    pub(crate) fn fire(&self, at: Millis) {
        self.shows.send_modify(|shows| shows.fired = at);
    }

    pub(crate) fn fired(&self) -> Millis {
        self.shows.borrow().fired
    }

    fn seen(&self) -> Millis {
        let shows = *self.shows.borrow();
        let is_watcher =
            self.watcher.get().is_some() && self.watcher.get() == task::try_id().as_ref();
        if is_watcher { shows.fired } else { shows.now }
    }
}

#[async_trait]
impl Clock for Follower {
    fn now(&self) -> Millis {
        self.seen()
    }

    fn at_work(&self) -> Millis {
        self.seen()
    }

    async fn sleep_until(&self, at: Millis) {
        if let Some(id) = task::try_id() {
            self.watcher.get_or_init(|| id);
        }
        let mut seen = self.shows.subscribe();
        // The sender lives as long as `self`.
        drop(seen.wait_for(|shows| shows.fired >= at).await);
    }

    async fn sleep_for(&self, ms: i64) {
        let until = self.seen() + ms;
        let mut seen = self.shows.subscribe();
        drop(seen.wait_for(|shows| shows.now >= until).await);
    }
}
