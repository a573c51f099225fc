//! How much the listener takes: connections, time, and requests a minute.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use baton_core::Millis;

/// Limits of the whole listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at the same time; more are told to come back.
    pub(crate) connections: usize,
    /// Requests whose body is in memory at the same time; more are told to come back.
    pub(crate) requests: usize,
    /// How long the head of a request may take.
    pub(crate) head: Duration,
    /// How long the body may take.
    pub(crate) body: Duration,
    /// How long requests may go on after a stop.
    pub(crate) stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            requests: 64,
            head: Duration::from_secs(10),
            body: Duration::from_secs(20),
            stop: Duration::from_secs(5),
        }
    }
}

/// Largest head of a request, and how many headers it may have.
pub(crate) const MAX_HEAD: usize = 16 << 10;
pub(crate) const MAX_HEADERS: usize = 64;

const MINUTE_MS: u64 = 60_000;

/// Lets through so many a minute, all of them at once if need be.
#[derive(Debug)]
pub(crate) struct Rate {
    per_minute: u64,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    /// Milliseconds of a minute that are saved up, times the rate.
    tokens: u64,
    at: Millis,
}

impl Rate {
    /// A full bucket.
    pub(crate) fn new(per_minute: u32, now: Millis) -> Self {
        let per_minute = u64::from(per_minute.max(1));
        Self {
            per_minute,
            held: Mutex::new(Held {
                tokens: per_minute * MINUTE_MS,
                at: now,
            }),
        }
    }

    /// Lets one through.
    ///
    /// # Errors
    ///
    /// After how many seconds the next one may come.
    pub(crate) fn pass(&self, now: Millis) -> Result<(), u64> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that went back gives nothing and takes nothing.
        let elapsed = u64::try_from(now - held.at).unwrap_or(0).min(MINUTE_MS);
        held.at = now;
        held.tokens = (held.tokens + elapsed * self.per_minute).min(self.per_minute * MINUTE_MS);
        match held.tokens.checked_sub(MINUTE_MS) {
            Some(rest) => {
                held.tokens = rest;
                Ok(())
            }
            None => Err((MINUTE_MS - held.tokens)
                .div_ceil(self.per_minute * 1_000)
                .max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_pass_a_minute_and_the_rest_is_told_when() {
        let rate = Rate::new(60, 0);
        for _ in 0..60 {
            assert_eq!(rate.pass(0), Ok(()));
        }
        assert_eq!(rate.pass(0), Err(1));
        assert_eq!(rate.pass(999), Err(1));
        assert_eq!(rate.pass(1_000), Ok(()));
        // A clock that goes back and forth gives nothing away.
        assert_eq!(rate.pass(500), Err(1));
        assert_eq!(rate.pass(1_400), Err(1));
        assert_eq!(Rate::new(1, 0).pass(0), Ok(()));
        let slow = Rate::new(1, 0);
        slow.pass(0).unwrap();
        assert_eq!(slow.pass(0), Err(60));
        // After a long silence as many as in a minute, not more.
        let passed = (0..1_000).filter(|_| rate.pass(9_000_000).is_ok()).count();
        assert_eq!(passed, 60);
    }
}
