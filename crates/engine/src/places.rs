//! Places for tasks: how many are carried out at a time, in all, of a kind, and on a resource.
//!
//! A task waits until it fits everywhere. Those that want the same wait in line; a line that is blocked holds up no
//! other. Nothing waits without a reason that can be shown.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_core::Millis;
use baton_core::duration;
use tokio::sync::oneshot;

use crate::clock::Clock;

/// How much is carried out at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkLimits {
    /// Tasks in all.
    pub concurrency: u32,
    /// Tasks of a kind, for kinds that have a limit.
    pub kinds: BTreeMap<String, u32>,
    /// What steps may use of the things that they name as their `resource`.
    pub resources: BTreeMap<String, ResourceLimit>,
}

/// How much steps may use of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceLimit {
    /// At most so many steps at a time.
    pub parallel: Option<u32>,
    /// At most so many starts in so many milliseconds.
    pub rate: Option<Rate>,
}

/// So many starts in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Starts.
    pub count: u32,
    /// Milliseconds.
    pub per_ms: i64,
}

impl Default for WorkLimits {
    fn default() -> Self {
        Self {
            concurrency: 8,
            kinds: BTreeMap::new(),
            resources: BTreeMap::new(),
        }
    }
}

/// What a task wants: its kind and its resource.
type Want = (String, Option<String>);

#[derive(Debug, Default)]
pub(crate) struct Places {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    limits: WorkLimits,
    running: u32,
    kinds: BTreeMap<String, u32>,
    resources: BTreeMap<String, Used>,
    lines: BTreeMap<Want, VecDeque<Waiting>>,
    next: u64,
}

#[derive(Debug, Default)]
struct Used {
    running: u32,
    /// When the starts so far would have come at an even pace, in microseconds.
    even: i64,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    grant: oneshot::Sender<()>,
}

/// Why a task does not fit now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Blocked {
    reason: String,
    /// When it will fit, if only time is missing.
    until: Option<Millis>,
}

impl State {
    fn blocked(&self, want: &Want, now: Millis) -> Option<Blocked> {
        let full = |reason: String| {
            Some(Blocked {
                reason,
                until: None,
            })
        };
        let (kind, resource) = want;
        if let Some((name, limit)) = resource
            .as_ref()
            .and_then(|name| Some((name, self.limits.resources.get(name)?)))
        {
            let used = self.resources.get(name);
            if let Some(parallel) = limit.parallel
                && used.map_or(0, |used| used.running) >= parallel.max(1)
            {
                return full(format!("a place: resource `{name}`, {parallel} at a time"));
            }
            if let Some(rate) = limit.rate
                && let Some(until) = rate.opens(used.map_or(i64::MIN, |used| used.even), now)
            {
                let per = duration::format_ms(rate.per_ms);
                return Some(Blocked {
                    reason: format!("its turn: resource `{name}`, {} per {per}", rate.count),
                    until: Some(until),
                });
            }
        }
        if let Some(&limit) = self.limits.kinds.get(kind)
            && self.kinds.get(kind).copied().unwrap_or(0) >= limit.max(1)
        {
            return full(format!("a place: {kind}, {limit} at a time"));
        }
        let limit = self.limits.concurrency.max(1);
        if self.running >= limit {
            return full(format!("a place: {limit} steps at a time"));
        }
        None
    }

    fn take(&mut self, want: &Want, now: Millis) {
        self.running += 1;
        *self.kinds.entry(want.0.clone()).or_default() += 1;
        if let Some(name) = &want.1 {
            let rate = self.limits.resources.get(name).and_then(|limit| limit.rate);
            let used = self.resources.entry(name.clone()).or_default();
            used.running += 1;
            if let Some(rate) = rate {
                used.even = used.even.max(now * 1_000) + rate.step();
            }
        }
    }

    fn give_back(&mut self, want: &Want) {
        self.running -= 1;
        if let Some(running) = self.kinds.get_mut(&want.0) {
            *running -= 1;
        }
        if let Some(used) = want
            .1
            .as_ref()
            .and_then(|name| self.resources.get_mut(name))
        {
            used.running -= 1;
        }
    }

    /// Lets in who fits now, the longest waiting first.
    fn grant(&mut self, now: Millis) {
        loop {
            // Those who left must not use up what a rate allows.
            for line in self.lines.values_mut() {
                while line.front().is_some_and(|first| first.grant.is_closed()) {
                    line.pop_front();
                }
            }
            self.lines.retain(|_, line| !line.is_empty());
            let first = self
                .lines
                .iter()
                .filter(|(want, _)| self.blocked(want, now).is_none())
                .filter_map(|(want, line)| Some((line.front()?.number, want.clone())))
                .min();
            let Some((_, want)) = first else { return };
            let Some(waiting) = self.lines.get_mut(&want).and_then(VecDeque::pop_front) else {
                return;
            };
            // Counted before the other side wakes; one that has gone gives its place back.
            self.take(&want, now);
            if waiting.grant.send(()).is_err() {
                self.give_back(&want);
            }
        }
    }
}

impl Rate {
    /// Microseconds between two starts at an even pace.
    fn step(self) -> i64 {
        (self.per_ms.max(1) * 1_000) / i64::from(self.count.max(1))
    }

    /// When the next start may come, if not now: as many as `count` may come at once, then one per step.
    fn opens(self, even: i64, now: Millis) -> Option<Millis> {
        let burst = self.per_ms.max(1) * 1_000;
        let earliest = even.saturating_add(self.step()).saturating_sub(burst);
        let now_us = now * 1_000;
        (earliest > now_us).then(|| now + (earliest - now_us + 999) / 1_000)
    }
}

/// A place, held. Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    clock: Arc<dyn Clock>,
    want: Want,
    is_held: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let mut state = self.places.state();
        state.give_back(&self.want);
        state.grant(self.clock.now());
    }
}

impl Places {
    pub(crate) fn new(limits: WorkLimits) -> Self {
        Self {
            state: Mutex::new(State {
                limits,
                ..State::default()
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn limits(&self) -> WorkLimits {
        self.state().limits.clone()
    }

    /// Changes the limits; who fits now is let in, who runs goes on.
    pub(crate) fn set(&self, limits: WorkLimits, now: Millis) {
        let mut state = self.state();
        state.limits = limits;
        state.grant(now);
    }

    /// Waits for a place; `tell` hears what it waits for, if it has to.
    ///
    /// Dropping the future leaves the line.
    pub(crate) async fn take(
        self: &Arc<Self>,
        clock: &Arc<dyn Clock>,
        kind: &str,
        resource: Option<&str>,
        mut tell: impl FnMut(&str) + Send,
    ) -> Place {
        let want = (kind.to_owned(), resource.map(str::to_owned));
        let mut line = {
            let mut state = self.state();
            let now = clock.now();
            let (grant, granted) = oneshot::channel();
            if !state.lines.contains_key(&want) && state.blocked(&want, now).is_none() {
                state.take(&want, now);
                // Its receiver is here.
                let _ = grant.send(());
            } else {
                let number = state.next;
                state.next += 1;
                let line = state.lines.entry(want.clone()).or_default();
                line.push_back(Waiting { number, grant });
                // Those before it may have left.
                state.grant(now);
            }
            InLine {
                place: Place {
                    places: self.clone(),
                    clock: clock.clone(),
                    want,
                    is_held: false,
                },
                granted,
            }
        };
        loop {
            if line.granted.try_recv().is_ok() {
                return line.into_place();
            }
            let blocked = self.state().blocked(&line.place.want, clock.now());
            let until = blocked.as_ref().and_then(|blocked| blocked.until);
            tell(
                blocked
                    .as_ref()
                    .map_or("its turn", |blocked| &blocked.reason),
            );
            let time = async {
                match until {
                    Some(until) => clock.sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender is only dropped with the line, which lives as long as `self`.
                _ = &mut line.granted => return line.into_place(),
                () = time => self.state().grant(clock.now()),
            }
        }
    }
}

/// A task in line. One that leaves gives back what it may have been granted in that moment.
struct InLine {
    place: Place,
    granted: oneshot::Receiver<()>,
}

impl InLine {
    fn into_place(mut self) -> Place {
        let held = Place {
            places: self.place.places.clone(),
            clock: self.place.clock.clone(),
            want: self.place.want.clone(),
            is_held: true,
        };
        self.granted.close();
        held
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        self.granted.close();
        self.place.is_held = self.granted.try_recv().is_ok();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;

    fn limits(concurrency: u32, kind: u32, resource: ResourceLimit) -> WorkLimits {
        WorkLimits {
            concurrency,
            kinds: BTreeMap::from([("slow".to_owned(), kind)]),
            resources: BTreeMap::from([("erp".to_owned(), resource)]),
        }
    }

    struct Room {
        places: Arc<Places>,
        clock: Arc<dyn Clock>,
        hand: ManualClock,
    }

    fn room(limits: WorkLimits) -> Room {
        let hand = ManualClock::new(1_000_000);
        Room {
            places: Arc::new(Places::new(limits)),
            clock: Arc::new(hand.clone()),
            hand,
        }
    }

    impl Room {
        async fn take(&self, kind: &str, resource: Option<&str>) -> Result<Place, String> {
            let mut reason = String::new();
            let place = self
                .places
                .take(&self.clock, kind, resource, |said| reason = said.to_owned());
            tokio::time::timeout(Duration::from_millis(20), place)
                .await
                .map_err(|_| reason)
        }
    }

    #[tokio::test]
    async fn a_task_waits_until_it_fits_everywhere_and_says_for_what() {
        let two = ResourceLimit {
            parallel: Some(2),
            rate: None,
        };
        let room = room(limits(4, 1, two));
        let slow = room.take("slow", None).await.expect("a place");
        assert_eq!(
            room.take("slow", None).await.expect_err("full"),
            "a place: slow, 1 at a time"
        );
        let _first = room.take("act", Some("erp")).await.expect("a place");
        let _second = room.take("act", Some("erp")).await.expect("a place");
        assert_eq!(
            room.take("act", Some("erp")).await.expect_err("full"),
            "a place: resource `erp`, 2 at a time"
        );
        let _fourth = room.take("act", Some("unknown")).await.expect("a place");
        assert_eq!(
            room.take("act", None).await.expect_err("full"),
            "a place: 4 steps at a time"
        );
        drop(slow);
        room.take("slow", None)
            .await
            .expect("those who left hold nothing up");
    }

    #[tokio::test]
    async fn a_rate_lets_a_few_in_at_once_and_then_one_at_a_time() {
        let rate = ResourceLimit {
            parallel: None,
            rate: Some(Rate {
                count: 3,
                per_ms: 60_000,
            }),
        };
        let room = room(limits(99, 99, rate));
        for _ in 0..3 {
            drop(room.take("act", Some("erp")).await.expect("a burst"));
        }
        let reason = room.take("act", Some("erp")).await.expect_err("too fast");
        assert_eq!(reason, "its turn: resource `erp`, 3 per 1m");
        let waits = tokio::spawn({
            let (places, clock) = (room.places.clone(), room.clock.clone());
            async move { drop(places.take(&clock, "act", Some("erp"), |_| {}).await) }
        });
        tokio::task::yield_now().await;
        room.hand.advance(19_999);
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        room.hand.advance(1);
        waits.await.expect("a third of a minute later");
    }

    #[tokio::test]
    async fn more_room_lets_in_who_waits() {
        let room = room(limits(1, 9, ResourceLimit::default()));
        let _held = room.take("act", None).await.expect("a place");
        let waits = tokio::spawn({
            let (places, clock) = (room.places.clone(), room.clock.clone());
            async move { drop(places.take(&clock, "act", None, |_| {}).await) }
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        room.places.set(WorkLimits::default(), 0);
        waits.await.expect("it is let in");
    }
}
