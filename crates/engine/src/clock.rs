//! The clock of the engine: real in the program, turned by hand in tests and simulations.
//!
//! Two times matter. The *wall clock* says when a timer is due; it may jump, and goes on while the computer sleeps.
//! The *time at work* says how long something took; it never goes back, and stands still while this process cannot do
//! anything: while the computer sleeps (`CLOCK_MONOTONIC` stands still then, unlike `CLOCK_BOOTTIME`; where the
//! platform's clock does not, the gap is taken out here) and while the process is stopped. A wall clock that moved on
//! by much more than the time at work is how a sleep is noticed.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use baton_core::Millis;
use tokio::sync::watch;

/// How often a sleeper looks at the clocks again: a suspended or corrected clock is noticed within this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The same in milliseconds.
pub(crate) const TICK_MS: i64 = 1_000;
/// A difference between the clocks that is more than lateness.
pub(crate) const JUMP_MS: i64 = 5_000;

/// Where the engine reads the time from.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The instant by the wall clock.
    fn now(&self) -> Millis;

    /// How many milliseconds this process has been able to work: never goes back, and stands still while it sleeps.
    fn at_work(&self) -> Millis;

    /// Returns once the wall clock shows `at` or later.
    async fn sleep_until(&self, at: Millis);

    /// Returns after so many milliseconds at work, whatever happens to the wall clock.
    async fn sleep_for(&self, ms: i64);
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// The time at work of this process, from readings that are at most a tick apart while it works.
static WORK: LazyLock<Mutex<Work>> = LazyLock::new(|| Mutex::new(Work::default()));

#[derive(Debug, Default)]
struct Work {
    last: Option<Instant>,
    ms: i64,
    /// Parts of a millisecond that are not counted yet.
    rest: Duration,
}

impl Work {
    fn read(&mut self, now: Instant) -> i64 {
        let passed = match self.last.replace(now) {
            Some(last) => now.saturating_duration_since(last) + self.rest,
            None => Duration::ZERO,
        };
        // Whoever works looks every second. What is longer than that by much was no work.
        let away = Duration::from_millis(JUMP_MS.unsigned_abs()) + LOOK_AGAIN;
        let passed = if passed > away { LOOK_AGAIN } else { passed };
        let ms = i64::try_from(passed.as_millis()).unwrap_or(0);
        self.rest = passed - Duration::from_millis(ms.unsigned_abs());
        self.ms += ms;
        self.ms
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Millis {
        jiff::Timestamp::now().as_millisecond()
    }

    fn at_work(&self) -> Millis {
        let mut work = WORK.lock().unwrap_or_else(PoisonError::into_inner);
        work.read(Instant::now())
    }

    async fn sleep_until(&self, at: Millis) {
        loop {
            let rest = at - self.now();
            if rest <= 0 {
                return;
            }
            let rest = Duration::from_millis(rest.unsigned_abs());
            tokio::time::sleep(rest.min(LOOK_AGAIN)).await;
        }
    }

    async fn sleep_for(&self, ms: i64) {
        let until = self.at_work().saturating_add(ms);
        loop {
            let rest = until - self.at_work();
            if rest <= 0 {
                return;
            }
            let rest = Duration::from_millis(rest.unsigned_abs());
            tokio::time::sleep(rest.min(LOOK_AGAIN)).await;
        }
    }
}

/// A clock that stands still until it is turned.
#[derive(Debug, Clone)]
pub struct ManualClock {
    shows: Arc<watch::Sender<Shows>>,
}

#[derive(Debug, Clone, Copy)]
struct Shows {
    now: Millis,
    at_work: Millis,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Millis) -> Self {
        Self {
            shows: Arc::new(watch::Sender::new(Shows { now, at_work: 0 })),
        }
    }

    /// Lets `ms` pass; whoever sleeps until then wakes.
    pub fn advance(&self, ms: i64) {
        self.shows.send_modify(|shows| {
            shows.now += ms;
            shows.at_work += ms.max(0);
        });
    }

    /// Lets the computer sleep for `ms`: the wall clock goes on, work does not.
    pub fn suspend(&self, ms: i64) {
        self.jump(ms.max(0));
    }

    /// Sets the wall clock on by `ms`, or back if it is negative; no time passes.
    pub fn jump(&self, ms: i64) {
        self.shows.send_modify(|shows| shows.now += ms);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Millis {
        self.shows.borrow().now
    }

    fn at_work(&self) -> Millis {
        self.shows.borrow().at_work
    }

    async fn sleep_until(&self, at: Millis) {
        let mut seen = self.shows.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = seen.wait_for(|shows| shows.now >= at).await;
    }

    async fn sleep_for(&self, ms: i64) {
        let until = self.at_work() + ms;
        let mut seen = self.shows.subscribe();
        let _ = seen.wait_for(|shows| shows.at_work >= until).await;
    }
}

/// That the wall clock and the time at work went apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jump {
    /// On: the computer slept, the process was stopped, or the clock was set on.
    Resumed {
        /// By how much.
        gap_ms: i64,
    },
    /// Back: the clock was set back.
    SetBack {
        /// By how much.
        by_ms: i64,
    },
}

/// Compares the wall clock with the time at work.
#[derive(Debug)]
pub(crate) struct Watch {
    now: Millis,
    at_work: Millis,
}

impl Watch {
    pub(crate) fn new(clock: &dyn Clock) -> Self {
        Self {
            now: clock.now(),
            at_work: clock.at_work(),
        }
    }

    /// What happened since it was asked last.
    pub(crate) fn look(&mut self, clock: &dyn Clock) -> Option<Jump> {
        let (now, at_work) = (clock.now(), clock.at_work());
        let apart = (now - self.now) - (at_work - self.at_work);
        if apart.abs() <= JUMP_MS {
            // A clock is corrected by milliseconds all the time: that is no jump, however long it adds up.
            if (at_work - self.at_work) >= TICK_MS * 60 {
                *self = Self { now, at_work };
            }
            return None;
        }
        *self = Self { now, at_work };
        Some(if apart > 0 {
            Jump::Resumed { gap_ms: apart }
        } else {
            Jump::SetBack { by_ms: -apart }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_only_when_turned() {
        let clock = ManualClock::new(1_000);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(1_500).await }
        });
        clock.advance(499);
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(1);
        sleeper.await.expect("the sleeper wakes");
        assert_eq!(clock.now(), 1_500);
    }

    #[tokio::test]
    async fn the_system_clock_does_not_sleep_for_the_past() {
        let clock = SystemClock;
        clock.sleep_until(clock.now() - 10).await;
        clock.sleep_for(-5).await;
    }

    #[tokio::test]
    async fn a_suspended_computer_does_not_work() {
        let clock = ManualClock::new(0);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_for(1_000).await }
        });
        tokio::task::yield_now().await;
        clock.suspend(3_600_000);
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished(), "an hour of sleep is no work");
        clock.advance(1_000);
        sleeper.await.expect("the sleeper wakes");
        assert_eq!((clock.now(), clock.at_work()), (3_601_000, 1_000));
    }

    #[test]
    fn a_stopped_process_does_not_work() {
        let mut work = Work::default();
        let start = Instant::now();
        assert_eq!(work.read(start), 0);
        assert_eq!(work.read(start + Duration::from_millis(700)), 700);
        assert_eq!(work.read(start + Duration::from_millis(1_900)), 1_900);
        // Stopped for an hour: a second of it is counted.
        let resumed = start + Duration::from_secs(3_600);
        assert_eq!(work.read(resumed), 2_900);
        assert_eq!(work.read(resumed + Duration::from_millis(100)), 3_000);
        assert_eq!(work.read(start), 3_000, "never back");
    }

    #[test]
    fn jumps_are_told_from_drift() {
        let clock = ManualClock::new(1_000_000);
        let mut watch = Watch::new(&clock);
        clock.advance(3_600_000);
        assert_eq!(watch.look(&clock), None, "time passed");
        clock.jump(4_000);
        assert_eq!(watch.look(&clock), None, "a correction");
        clock.suspend(60_000);
        assert_eq!(watch.look(&clock), Some(Jump::Resumed { gap_ms: 64_000 }));
        clock.jump(-7_200_000);
        assert_eq!(watch.look(&clock), Some(Jump::SetBack { by_ms: 7_200_000 }));
        assert_eq!(watch.look(&clock), None);
    }
}
