//! All timers of all runs in one ordered set, and the one task that watches it.
//!
//! A waiting run costs an entry here, not a task. Timers are due by the wall clock; a suspended machine fires
//! what became due in between as soon as it is noticed, each timer once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use baton_core::Millis;
use tokio::sync::Notify;

use crate::clock::Clock;

/// A timer of a run: when, which run, its name in the run.
type Timer = (Millis, String, String);

/// The timers of all live runs.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: Mutex<BTreeSet<Timer>>,
    changed: Notify,
}

impl Timers {
    /// Fires `timer` of `run` at `at`.
    pub(crate) fn set(&self, at: Millis, run: &str, timer: &str) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.insert((at, run.to_owned(), timer.to_owned()));
        drop(due);
        self.changed.notify_one();
    }

    /// Does not fire it any more.
    pub(crate) fn unset(&self, at: Millis, run: &str, timer: &str) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.remove(&(at, run.to_owned(), timer.to_owned()));
    }

    /// The next timer that is due at `now`, taken out; else when the next one is.
    fn take_due(&self, now: Millis) -> Result<Timer, Option<Millis>> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        match due.first() {
            Some((at, _, _)) if *at <= now => due.pop_first().ok_or(None),
            first => Err(first.map(|(at, _, _)| *at)),
        }
    }

    /// Hands every timer to `fire(run, timer)` when it is due; never returns.
    pub(crate) async fn watch(&self, clock: &dyn Clock, fire: impl Fn(&str, String)) {
        loop {
            match self.take_due(clock.now()) {
                Ok((_, run, timer)) => fire(&run, timer),
                Err(None) => self.changed.notified().await,
                Err(Some(at)) => {
                    tokio::select! {
                        () = clock.sleep_until(at) => {}
                        () = self.changed.notified() => {}
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_in_order_and_once() {
        let timers = Timers::default();
        timers.set(20, "b", "t");
        timers.set(10, "a", "t");
        timers.set(30, "c", "t");
        timers.unset(30, "c", "t");
        assert_eq!(timers.take_due(5), Err(Some(10)));
        assert_eq!(timers.take_due(25).map(|timer| timer.1), Ok("a".to_owned()));
        assert_eq!(timers.take_due(25).map(|timer| timer.1), Ok("b".to_owned()));
        assert_eq!(timers.take_due(25), Err(None));
    }
}
