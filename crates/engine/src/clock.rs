//! The clock of the engine: real in the program, turned by hand in tests and simulations.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use baton_core::Millis;
use tokio::sync::watch;

/// How often a sleeper looks at the wall clock again: a suspended or corrected clock is noticed within this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Where the engine reads the time from.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The instant by the wall clock.
    fn now(&self) -> Millis;

    /// Returns once the wall clock shows `at` or later.
    async fn sleep_until(&self, at: Millis);

    /// Returns after so many milliseconds, whatever happens to the wall clock.
    async fn sleep_for(&self, ms: i64);
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Millis {
        jiff::Timestamp::now().as_millisecond()
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
        tokio::time::sleep(Duration::from_millis(ms.max(0).unsigned_abs())).await;
    }
}

/// A clock that stands still until it is turned.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<watch::Sender<Millis>>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Millis) -> Self {
        Self {
            now: Arc::new(watch::Sender::new(now)),
        }
    }

    /// Turns the clock on by `ms`; whoever sleeps until then wakes.
    pub fn advance(&self, ms: i64) {
        self.now.send_modify(|now| *now += ms);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Millis {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Millis) {
        let mut seen = self.now.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = seen.wait_for(|now| *now >= at).await;
    }

    async fn sleep_for(&self, ms: i64) {
        self.sleep_until(self.now() + ms).await;
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
}
