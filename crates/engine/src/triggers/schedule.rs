//! The source `schedule`: watches the clock of the engine for all schedules at once.
//!
//! `cursor` of an activation is the instant up to which its schedule was looked at. Whatever the clock does in between
//! (a machine that slept, a corrected clock, a process that was off), the instants after the cursor are judged once and
//! recorded with the new cursor in one transaction. A clock that goes back meets keys that are taken.

use std::sync::Arc;
use std::time::Duration;

use baton_core::Millis;
use baton_core::schedule::Schedule;
use baton_core::trigger::{Missed, TriggerKind};
use baton_store::{Activation, FiringState, NewFiring, Recorded};
use serde_json::json;

use super::missed::{self, NotFired};
use super::registry::{self, Registered};
use super::{dispatch, new_run};
use crate::error::EngineError;
use crate::notice::EngineNotice;
use crate::shared::Shared;

/// How often the clock is looked at although nothing is due: a clock that was put back is noticed within this time.
const LOOK_AGAIN_MS: i64 = 30_000;
/// How long what the store did not take is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// Fires schedules until the engine closes.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut changes = shared.triggers.changes.subscribe();
    loop {
        changes.mark_unchanged();
        let now = shared.clock.now();
        let next = match look(&shared).await {
            Ok(next) => {
                shared.triggers.looked.send_replace(now);
                next
            }
            Err(error) => {
                tracing::warn!(%error, "schedules wait: the data folder cannot be used");
                tokio::select! {
                    () = shared.closing.cancelled() => return,
                    () = tokio::time::sleep(RETRY) => continue,
                }
            }
        };
        let clock = &shared.clock;
        tokio::select! {
            () = shared.closing.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
            () = async { match next {
                Some(next) => clock.sleep_until(next).await,
                None => std::future::pending().await,
            } } => {}
            () = clock.sleep_for(LOOK_AGAIN_MS) => {}
        }
    }
}

/// Fires what is due, and says when to look again.
async fn look(shared: &Arc<Shared>) -> Result<Option<Millis>, EngineError> {
    let mut next: Option<Millis> = None;
    for registered in registry::of_kind(shared, "schedule").await? {
        let at = tick(shared, &registered).await?;
        next = next.into_iter().chain(at).min();
    }
    Ok(next)
}

/// Fires what is due for one trigger, and says when it is due next.
pub(super) async fn tick(
    shared: &Arc<Shared>,
    registered: &Registered,
) -> Result<Option<Millis>, EngineError> {
    let TriggerKind::Schedule { schedule, missed } = &registered.spec.kind else {
        return Ok(None);
    };
    let activation = &registered.activation;
    let now = shared.clock.now();
    if activation.cursor > now {
        // The clock was put back. What fired already has its key, so nothing fires twice; what comes now is not lost.
        let back = Some((activation, now));
        shared.store.record(Vec::new(), back).await?;
        return Ok(schedule.after(now).next());
    }
    let from = activation.cursor;
    let firings = due(activation, schedule, *missed, from, now);
    if !firings.is_empty() {
        let pending = firings
            .iter()
            .filter(|firing| firing.state == FiringState::Pending)
            .count();
        let said = shared
            .store
            .record(firings, Some((activation, now)))
            .await?;
        if pending > 0 {
            dispatch::kick(shared, &activation.workflow, &activation.trigger);
        }
        if said.contains(&Recorded::Accepted) {
            shared.tell(EngineNotice::TriggersChanged);
        }
    }
    Ok(schedule.after(now).next())
}

/// The records of the instants after `from`, up to and with `now`.
fn due(
    activation: &Activation,
    schedule: &Schedule,
    policy: Missed,
    from: Millis,
    now: Millis,
) -> Vec<NewFiring> {
    let verdict = missed::judge(schedule, policy, from, now);
    let left = verdict
        .not
        .into_iter()
        .map(|not| not_fired(activation, not, FiringState::Missed, now));
    let fired = verdict.fire.iter().map(|(at, is_missed)| NewFiring {
        run: new_run(),
        due: Some(*at),
        payload: json!({ "due": schedule.due(*at).iso(), "missed": is_missed }),
        ..firing(activation, &key(*at), now)
    });
    left.chain(fired).collect()
}

/// The records of the instants that passed while the trigger was paused.
pub(super) fn while_paused(registered: &Registered, now: Millis) -> Vec<NewFiring> {
    let TriggerKind::Schedule { schedule, .. } = &registered.spec.kind else {
        return Vec::new();
    };
    let activation = &registered.activation;
    missed::paused(schedule, activation.cursor, now)
        .into_iter()
        .map(|not| not_fired(activation, not, FiringState::Skipped, now))
        .collect()
}

fn not_fired(activation: &Activation, not: NotFired, state: FiringState, now: Millis) -> NewFiring {
    let NotFired {
        first,
        until,
        count,
        reason,
    } = not;
    let name = match until {
        Some(until) => format!("{}/{}", key(first), instant(until)),
        None => key(first),
    };
    NewFiring {
        state,
        reason: Some(reason),
        due: Some(first),
        until,
        count,
        ..firing(activation, &name, now)
    }
}

fn firing(activation: &Activation, key: &str, now: Millis) -> NewFiring {
    let Activation {
        workflow,
        trigger,
        revision,
        ..
    } = activation;
    NewFiring::new(workflow, trigger, *revision, key, now)
}

fn key(at: Millis) -> String {
    format!("schedule:{}", instant(at))
}

fn instant(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}
