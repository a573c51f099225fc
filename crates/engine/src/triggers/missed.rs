//! What becomes of the instants of a schedule that have passed: which fire, and what is said of the others.

use baton_core::Millis;
use baton_core::duration::format_ms;
use baton_core::schedule::Schedule;
use baton_core::trigger::Missed;

/// An instant that passed so long ago was missed; before that, it is late.
pub(super) const GRACE_MS: i64 = 10_000;

/// Missed instants that get a record each; more become one.
const MOST_RECORDS: usize = 100;

/// Instants that fire because they have just come are looked at one by one up to here.
const MOST_JUST_DUE: usize = 64;

/// What becomes of a span of instants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Verdict {
    /// Instants that fire, in order, and whether they were missed.
    pub(super) fire: Vec<(Millis, bool)>,
    /// Instants that do not.
    pub(super) not: Vec<NotFired>,
}

/// Instants that do not fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotFired {
    pub(super) first: Millis,
    /// The last one, if it stands for more than one.
    pub(super) until: Option<Millis>,
    pub(super) count: u64,
    pub(super) reason: String,
}

/// What becomes of the instants after `after`, up to and with `now`.
pub(super) fn judge(schedule: &Schedule, policy: Missed, after: Millis, now: Millis) -> Verdict {
    let at_most = match policy {
        Missed::Skip | Missed::Last { .. } => 1,
        Missed::All { at_most, .. } => at_most as usize,
    };
    let span = schedule.span(after, now, MOST_RECORDS + MOST_JUST_DUE + at_most);
    let split = span.last.partition_point(|at| now - at > GRACE_MS);
    let (missed, just_due) = span.last.split_at(split);
    let is_recent = |at: &Millis| match policy {
        Missed::Skip | Missed::Last { within_ms: None } => true,
        Missed::Last {
            within_ms: Some(within),
        }
        | Missed::All {
            within_ms: within, ..
        } => now.saturating_sub(*at) <= within,
    };
    let recent = missed.partition_point(|at| !is_recent(at));
    let made_up = match policy {
        Missed::Skip => 0,
        // What comes now takes the place of what was missed.
        Missed::Last { .. } if !just_due.is_empty() => 0,
        Missed::Last { .. } | Missed::All { .. } => at_most.min(missed.len() - recent),
    };
    let (left, fire) = missed.split_at(missed.len() - made_up);
    let left_in_all = span.count - (fire.len() + just_due.len()) as u64;
    let mut verdict = Verdict {
        fire: fire
            .iter()
            .map(|at| (*at, true))
            .chain(just_due.iter().map(|at| (*at, false)))
            .collect(),
        not: Vec::new(),
    };
    let reason = |at: &Millis| {
        let why = match policy {
            Missed::Skip => "`missed` is `skip`".to_owned(),
            Missed::Last {
                within_ms: Some(within),
            }
            | Missed::All {
                within_ms: within, ..
            } if !is_recent(at) => {
                format!("it is longer ago than {}", format_ms(within))
            }
            Missed::Last { .. } => "only the last one is made up for".to_owned(),
            Missed::All { at_most, .. } => format!("only the last {at_most} are made up for"),
        };
        format!("Baton was off or asleep, and {why}")
    };
    if left_in_all <= MOST_RECORDS as u64 {
        verdict.not = left
            .iter()
            .map(|at| NotFired {
                first: *at,
                until: None,
                count: 1,
                reason: reason(at),
            })
            .collect();
    } else if let (Some(first), Some(last)) = (span.first, left.last()) {
        let more = if span.is_more {
            " (there were more than could be counted)"
        } else {
            ""
        };
        verdict.not.push(NotFired {
            first,
            until: Some(*last),
            count: left_in_all,
            reason: format!("{}{more}", reason(last)),
        });
    }
    verdict
}

/// The instants that passed while a trigger was paused.
pub(super) fn paused(schedule: &Schedule, after: Millis, now: Millis) -> Vec<NotFired> {
    let span = schedule.span(after, now, MOST_RECORDS);
    let reason = "the trigger was paused".to_owned();
    if span.count <= MOST_RECORDS as u64 {
        let one = |at: Millis| NotFired {
            first: at,
            until: None,
            count: 1,
            reason: reason.clone(),
        };
        return span.last.into_iter().map(one).collect();
    }
    let many = span
        .first
        .zip(span.last.last().copied())
        .map(|(first, last)| NotFired {
            first,
            until: Some(last),
            count: span.count,
            reason,
        });
    many.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const HOUR: i64 = 3_600_000;
    /// A full hour.
    const T: i64 = 1_800_000_000_000;

    fn schedule(settings: &Value) -> Schedule {
        Schedule::read(settings.as_object().unwrap()).unwrap()
    }

    fn hourly() -> Schedule {
        schedule(&json!({ "cron": "0 * * * *" }))
    }

    #[test]
    fn what_has_just_come_fires_under_every_policy() {
        for policy in [
            Missed::Skip,
            Missed::Last { within_ms: Some(0) },
            Missed::All {
                at_most: 1,
                within_ms: 0,
            },
        ] {
            let verdict = judge(&hourly(), policy, T, T + HOUR + GRACE_MS);
            assert_eq!(verdict.fire, [(T + HOUR, false)]);
            assert_eq!(verdict.not, []);
        }
    }

    #[test]
    fn every_policy_says_what_becomes_of_each() {
        let now = T + 5 * HOUR + HOUR / 2;
        let fire = |policy| {
            let verdict = judge(&hourly(), policy, T, now);
            let fired: Vec<i64> = verdict.fire.iter().map(|(at, _)| (at - T) / HOUR).collect();
            assert!(verdict.fire.iter().all(|(_, missed)| *missed));
            assert_eq!(fired.len() + verdict.not.len(), 5);
            (fired, verdict.not)
        };
        let (fired, not) = fire(Missed::Skip);
        assert!(fired.is_empty() && not[0].reason.contains("`skip`"));
        let (fired, not) = fire(Missed::Last { within_ms: None });
        assert_eq!(fired, [5]);
        assert!(not[3].reason.contains("only the last one"));
        let (fired, not) = fire(Missed::Last {
            within_ms: Some(60_000),
        });
        assert!(fired.is_empty() && not[4].reason.contains("longer ago than 1m"));
        let (fired, not) = fire(Missed::All {
            at_most: 3,
            within_ms: 24 * HOUR,
        });
        assert_eq!(fired, [3, 4, 5]);
        assert!(not[1].reason.contains("only the last 3"));
        let (fired, not) = fire(Missed::All {
            at_most: 10,
            within_ms: 2 * HOUR,
        });
        assert_eq!(fired, [4, 5]);
        assert!(not[2].reason.contains("longer ago than 2h"));
    }

    #[test]
    fn what_comes_now_takes_the_place_of_the_last_missed_one() {
        let now = T + 3 * HOUR;
        let verdict = judge(&hourly(), Missed::Last { within_ms: None }, T, now);
        assert_eq!(verdict.fire, [(now, false)]);
        assert_eq!(verdict.not.len(), 2);
    }

    #[test]
    fn a_long_time_is_one_record() {
        let now = T + 400 * 24 * HOUR + 1_000_000;
        let minutes = schedule(&json!({ "cron": "* * * * *" }));
        let verdict = judge(
            &minutes,
            Missed::All {
                at_most: 2,
                within_ms: HOUR,
            },
            T,
            now,
        );
        assert_eq!(verdict.fire.len(), 2);
        assert_eq!(verdict.not.len(), 1);
        let all = (now - T) / 60_000;
        assert_eq!(verdict.not[0].count, all.unsigned_abs() - 2);
        assert_eq!(verdict.not[0].first, T + 60_000);
        assert_eq!(verdict.not[0].until, Some(verdict.fire[0].0 - 60_000));
        let paused = paused(&minutes, T, now);
        assert_eq!((paused.len(), paused[0].count), (1, all.unsigned_abs()));
    }
}
