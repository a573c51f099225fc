//! All timers of all open runs in one ordered set, and the one task that watches it and the clocks.
//!
//! A run that sleeps costs its entries here and its rows in the database, not a task. Timers are due by the wall
//! clock; a suspended machine fires what became due in between as soon as it is noticed, each timer once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use baton_core::Millis;
use tokio::sync::Notify;

use crate::clock::{Clock, Jump, TICK_MS, Watch};

/// A timer of a run: when, which run, its name in the run.
type Timer = (Millis, String, String);

/// What the watch tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    /// The clocks went apart. Comes before the timers that became due by it.
    Jumped(Jump),
    /// A timer is due.
    Due {
        run: String,
        timer: String,
        /// The computer slept for so long just before.
        gap_ms: Option<i64>,
    },
}

/// The timers of all open runs.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: Mutex<BTreeSet<Timer>>,
    changed: Notify,
}

impl Timers {
    /// Fires `timer` of `run` at `at`.
    pub(crate) fn set(&self, at: Millis, run: &str, timer: &str) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = due.first().is_none_or(|(first, _, _)| at < *first);
        due.insert((at, run.to_owned(), timer.to_owned()));
        drop(due);
        if is_first {
            self.changed.notify_one();
        }
    }

    /// Does not fire it any more.
    pub(crate) fn unset(&self, at: Millis, run: &str, timer: &str) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.remove(&(at, run.to_owned(), timer.to_owned()));
    }

    /// The runs with a timer of which the name begins like this.
    pub(crate) fn runs_with(&self, prefix: &str) -> BTreeSet<String> {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.iter()
            .filter(|(_, _, timer)| timer.starts_with(prefix))
            .map(|(_, run, _)| run.clone())
            .collect()
    }

    /// The runs with a timer that is due at `now`.
    pub(crate) fn due_runs(&self, now: Millis) -> BTreeSet<String> {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.iter()
            .take_while(|(at, _, _)| *at <= now)
            .map(|(_, run, _)| run.clone())
            .collect()
    }

    /// The next timer that is due at `now`, taken out; else when the next one is.
    fn take_due(&self, now: Millis) -> Result<Timer, Option<Millis>> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        match due.first() {
            Some((at, _, _)) if *at <= now => due.pop_first().ok_or(None),
            first => Err(first.map(|(at, _, _)| *at)),
        }
    }

    /// Hands every timer to `tell` when it is due, and what the clocks did; never returns.
    pub(crate) async fn watch(&self, clock: &dyn Clock, tell: impl Fn(Tick)) {
        let mut watch = Watch::new(clock);
        loop {
            let jump = watch.look(clock);
            let gap_ms = match jump {
                Some(Jump::Resumed { gap_ms }) => Some(gap_ms),
                Some(Jump::SetBack { .. }) | None => None,
            };
            if let Some(jump) = jump {
                tell(Tick::Jumped(jump));
            }
            let next = loop {
                match self.take_due(clock.now()) {
                    Ok((_, run, timer)) => tell(Tick::Due { run, timer, gap_ms }),
                    Err(next) => break next,
                }
            };
            let next_due = async {
                match next {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = next_due => {}
                () = self.changed.notified() => {}
                () = clock.sleep_for(TICK_MS) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use std::sync::Arc;

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

    /// What the watch tells from now on.
    fn watched(
        timers: &Arc<Timers>,
        clock: &ManualClock,
    ) -> tokio::sync::mpsc::UnboundedReceiver<Tick> {
        let (told, ticks) = tokio::sync::mpsc::unbounded_channel();
        let (timers, clock) = (timers.clone(), clock.clone());
        tokio::spawn(async move {
            timers
                .watch(&clock, |tick| told.send(tick).expect("the test listens"))
                .await;
        });
        ticks
    }

    fn due(run: &str, gap_ms: Option<i64>) -> Tick {
        Tick::Due {
            run: run.to_owned(),
            timer: "t".to_owned(),
            gap_ms,
        }
    }

    #[tokio::test]
    async fn what_became_due_in_a_sleep_comes_after_the_note_of_it_and_once() {
        let (timers, clock) = (Arc::new(Timers::default()), ManualClock::new(0));
        timers.set(60_000, "a", "t");
        timers.set(90_000_000, "b", "t");
        let mut ticks = watched(&timers, &clock);
        tokio::task::yield_now().await;
        clock.suspend(3_600_000);
        let gap_ms = 3_600_000;
        assert_eq!(
            ticks.recv().await,
            Some(Tick::Jumped(Jump::Resumed { gap_ms }))
        );
        assert_eq!(ticks.recv().await, Some(due("a", Some(gap_ms))));
        clock.advance(90_000_000);
        assert_eq!(
            ticks.recv().await,
            Some(due("b", None)),
            "nothing came between"
        );
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_fires_nothing_again() {
        let (timers, clock) = (Arc::new(Timers::default()), ManualClock::new(10_000_000));
        timers.set(10_001_000, "a", "t");
        let mut ticks = watched(&timers, &clock);
        tokio::task::yield_now().await;
        clock.advance(1_000);
        assert_eq!(ticks.recv().await, Some(due("a", None)));
        clock.jump(-3_600_000);
        clock.advance(1_000);
        assert_eq!(
            ticks.recv().await,
            Some(Tick::Jumped(Jump::SetBack { by_ms: 3_600_000 }))
        );
        timers.set(10_001_500, "b", "t");
        clock.advance(3_600_000);
        assert_eq!(ticks.recv().await, Some(due("b", None)));
    }
}
