//! Wrong tokens, counted by address: whoever tries many is kept waiting.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Wrong tokens of an address that are answered at once.
pub(crate) const FREE: u32 = 10;
/// How long one of them is remembered.
const FORGET: Duration = Duration::from_secs(6);
/// How long the answer to any further one is held back.
pub(crate) const HOLD_BACK: Duration = Duration::from_secs(1);
/// Addresses that are remembered at the same time.
const MOST: usize = 10_000;

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<BTreeMap<IpAddr, Tried>>);

#[derive(Debug, Clone, Copy)]
struct Tried {
    count: u32,
    at: Instant,
}

impl Tried {
    /// What is left of it at `now`.
    fn at(self, now: Instant) -> u32 {
        let forgotten = now.duration_since(self.at).as_millis() / FORGET.as_millis();
        self.count
            .saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}

impl Attempts {
    /// Notes a wrong token; `true` if the address has tried too many.
    pub(crate) fn failed(&self, from: IpAddr) -> bool {
        let from = place(from);
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, tried| tried.at(now) > 0);
            if all.len() >= MOST {
                // So many at once are one attack: nobody of them is answered at once.
                return true;
            }
        }
        let before = all.get(&from).map_or(0, |tried| tried.at(now));
        let count = before.saturating_add(1).min(FREE * 2);
        all.insert(from, Tried { count, at: now });
        count > FREE
    }
}

/// Whoever has an IPv6 address has the whole network around it.
fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mut parts = address.segments();
            parts[4..].fill(0);
            IpAddr::V6(parts.into())
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_wrong_tokens_are_noticed_by_address_and_forgotten() {
        let attempts = Attempts::default();
        let (one, other) = ([203, 0, 113, 7].into(), [203, 0, 113, 8].into());
        for _ in 0..FREE {
            assert!(!attempts.failed(one));
        }
        assert!(attempts.failed(one));
        assert!(!attempts.failed(other));
        tokio::time::advance(FORGET * FREE * 2).await;
        assert!(!attempts.failed(one));
    }

    #[tokio::test]
    async fn neighbours_in_an_ipv6_network_are_one() {
        let attempts = Attempts::default();
        for host in 0..=FREE {
            let address: IpAddr = format!("2001:db8::{host:x}").parse().unwrap();
            assert_eq!(attempts.failed(address), host == FREE);
        }
    }
}
