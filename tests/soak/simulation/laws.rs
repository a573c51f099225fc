//! What must hold of every life, read off the logs alone wherever that can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use baton_core::Millis;
use baton_core::machine::{
    Action, Event, Logged, Outcome, Plan, Run, Settlement, Wait, apply, pending,
};
use baton_core::step_kind::Effect;

use super::world::{Act, World};

/// The time limit of the scopes that are drawn.
const SCOPE_MS: i64 = 3_600_000;

/// A sleep that is so short is none.
const UNNOTICED_MS: i64 = 6_000;

pub(crate) fn judge(world: &World) -> Result<(), String> {
    let mut logs: BTreeMap<&str, &[Logged]> = BTreeMap::new();
    for (id, kept) in world.disk() {
        if !has_ended(&kept.log) {
            return Err(format!("{id} has not ended"));
        }
        holds(id, world.plan_of(kept)?, &kept.log)?;
        slept(&kept.log, &world.sleeps).map_err(|why| format!("{id}: {why}"))?;
        logs.insert(id, &kept.log);
    }
    effects(&world.acts, &logs)
}

/// Whether the last event is the end.
pub(crate) fn has_ended(log: &[Logged]) -> bool {
    matches!(
        log.last().map(|last| &last.event),
        Some(Event::RunEnded { .. })
    )
}

/// Whether the log of one run is one that may be; gives the run that it is of.
pub(crate) fn holds(id: &str, plan: Arc<Plan>, log: &[Logged]) -> Result<Run, String> {
    let judged = folded(plan, id, log).and_then(|run| {
        once(log)?;
        if has_ended(log) {
            resolved(&run, log)?;
        }
        Ok(run)
    });
    judged.map_err(|why| format!("{id}: {why}"))
}

/// Walks along a log: every event may follow the ones before it, and comes when it may.
fn folded(plan: Arc<Plan>, id: &str, log: &[Logged]) -> Result<Run, String> {
    let mut run = Run::new(plan);
    let mut last = Millis::MIN;
    let mut halted: Option<&Event> = None;
    let mut clocks = Clocks::default();
    for (index, logged) in log.iter().enumerate() {
        let Logged { seq, at, event } = logged;
        if *seq as usize != index + 1 || *at < last {
            return Err(format!("event {} is {seq} at {at}", index + 1));
        }
        last = *at;
        match event {
            Event::RunPaused { .. } | Event::BudgetExceeded(_) => halted = Some(event),
            Event::RunResumed { .. }
            | Event::BudgetRaised { .. }
            | Event::CancelRequested { .. } => halted = None,
            Event::StepStarted { step, .. } => {
                if let Some(halted) = halted {
                    return Err(format!("`{step}` starts after {halted:?}"));
                }
            }
            Event::RunStarted { run, .. } if run != id => {
                return Err(format!("it begins as `{run}`"));
            }
            _ => {}
        }
        due(&run, event, *at).map_err(|why| format!("event {seq}: {why}"))?;
        clocks
            .see(event, *at)
            .map_err(|why| format!("event {seq}: {why}"))?;
        apply(&mut run, logged).map_err(|error| format!("event {seq} cannot follow: {error}"))?;
    }
    Ok(run)
}

/// What a time brings about comes when the time has come, and not before.
fn due(run: &Run, event: &Event, at: Millis) -> Result<(), String> {
    let set = |name: &str| {
        let timers = pending(run).into_iter().find_map(|action| match action {
            Action::SetTimer { timer, at } if timer == name => Some(at),
            _ => None,
        });
        match timers {
            Some(due) if due <= at => Ok(()),
            other => Err(format!("`{name}` fires at {at}, and is set to {other:?}")),
        }
    };
    match event {
        Event::TimerFired { timer } => set(timer),
        Event::ApprovalReminded { step } => set(&format!("remind:{step}")),
        Event::ApprovalEscalated { step, .. } => set(&format!("escalate:{step}")),
        Event::StepSucceeded { step, port, .. } => {
            let is_expired = port.as_deref() == Some("expired");
            let wait = run.step(step).and_then(|view| view.state.more.as_deref());
            match wait.and_then(|more| more.wait.as_ref()) {
                Some(Wait::Time { .. }) => set(&format!("wait:{step}")),
                Some(Wait::Event { .. }) if is_expired => set(&format!("event:{step}")),
                Some(Wait::People { .. }) if is_expired => set(&format!("expire:{step}")),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// What a log alone says about time: when attempts may begin, and how long the computer slept since a scope began.
#[derive(Default)]
struct Clocks {
    retry_at: BTreeMap<String, Millis>,
    begun: BTreeMap<String, Millis>,
}

impl Clocks {
    fn see(&mut self, event: &Event, at: Millis) -> Result<(), String> {
        match event {
            Event::StepStarted { step, .. } => {
                self.begun.insert(step.clone(), at);
                match self.retry_at.remove(step) {
                    Some(due) if at < due => Err(format!(
                        "the next attempt of `{step}` begins {} ms early",
                        due - at
                    )),
                    _ => Ok(()),
                }
            }
            Event::StepAttemptFailed { step, retry_at, .. } => {
                self.retry_at
                    .insert(step.clone(), retry_at.unwrap_or(Millis::MIN));
                Ok(())
            }
            Event::RetryHurried { step, .. } => {
                self.retry_at.remove(step);
                Ok(())
            }
            Event::HostResumed { gap_ms } => {
                for begun in self.begun.values_mut() {
                    *begun += gap_ms;
                }
                Ok(())
            }
            Event::TimerFired { timer } => {
                let Some(step) = timer.strip_prefix("timeout:") else {
                    return Ok(());
                };
                let begun = self.begun.get(step).copied().unwrap_or(Millis::MAX);
                let worked = at.saturating_sub(begun);
                if worked >= SCOPE_MS {
                    return Ok(());
                }
                Err(format!(
                    "the limit of `{step}` is reached after {worked} ms, sleep aside"
                ))
            }
            _ => Ok(()),
        }
    }
}

/// How long the computer slept, and whether a clock that was set back makes instants incomparable.
#[derive(Debug, Default)]
pub(crate) struct Sleeps {
    /// What the wall clock showed before and after; only while a process was up.
    pub(crate) all: Vec<(Millis, Millis)>,
    /// So many of them were noticed and are in the logs. What is noticed in the moment of a crash is lost with it.
    pub(crate) kept: usize,
    pub(crate) was_set_back: bool,
}

impl Sleeps {
    pub(crate) fn crash(&mut self) {
        self.all.truncate(self.kept);
    }
}

/// No scope runs out of time because the computer slept, whether its run was told or not.
pub(crate) fn slept(log: &[Logged], sleeps: &Sleeps) -> Result<(), String> {
    if sleeps.was_set_back {
        return Ok(());
    }
    let mut begun: BTreeMap<&str, Millis> = BTreeMap::new();
    for logged in log {
        match &logged.event {
            Event::StepStarted { step, .. } => {
                begun.insert(step, logged.at);
            }
            Event::TimerFired { timer } => {
                let step = timer.strip_prefix("timeout:").unwrap_or_default();
                let Some(begun) = begun.get(step) else {
                    continue;
                };
                let within = sleeps.all.iter().filter(|(from, to)| {
                    from >= begun && *to <= logged.at && to - from > UNNOTICED_MS
                });
                let slept: i64 = within.map(|(from, to)| to - from).sum();
                let worked = logged.at - begun - slept;
                if worked < SCOPE_MS {
                    return Err(format!(
                        "the limit of `{step}` is reached after {worked} ms of work and {slept} ms of sleep"
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Ends are final, and an attempt ends by its own result.
fn once(log: &[Logged]) -> Result<(), String> {
    let mut ended: BTreeSet<&str> = BTreeSet::new();
    let mut epochs: BTreeMap<&str, u32> = BTreeMap::new();
    let mut signals: BTreeSet<&str> = BTreeSet::new();
    let mut answers: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut children: BTreeSet<&str> = BTreeSet::new();
    for logged in log {
        match &logged.event {
            Event::StepStarted { step, epoch, .. } | Event::StepResumed { step, epoch, .. } => {
                if ended.contains(step.as_str()) {
                    return Err(format!("`{step}` had ended and begins again"));
                }
                let before = epochs.insert(step, *epoch).unwrap_or(0);
                if *epoch <= before {
                    return Err(format!("`{step}` begins with epoch {epoch} after {before}"));
                }
            }
            Event::StepSucceeded {
                step,
                epoch,
                output,
                ..
            } => {
                if !ended.insert(step) {
                    return Err(format!("`{step}` ends twice"));
                }
                let of = output.get("epoch").and_then(serde_json::Value::as_u64);
                let current = epochs.get(step.as_str()).copied().unwrap_or(0);
                if let Some(of) = of
                    && (of != u64::from(*epoch) || *epoch != current)
                {
                    return Err(format!(
                        "attempt {current} of `{step}` ends with the answer of attempt {of}"
                    ));
                }
            }
            Event::StepFailed { step, .. }
            | Event::StepSkipped { step, .. }
            | Event::StepCancelled { step, .. }
                if !ended.insert(step) =>
            {
                return Err(format!("`{step}` ends twice"));
            }
            Event::EventReceived { id, .. } if !signals.insert(id) => {
                return Err(format!("the event `{id}` is taken twice"));
            }
            Event::ApprovalDecided { step, by, .. }
                if !answers.insert((step.as_str(), by.as_str())) =>
            {
                return Err(format!("`{by}` answers `{step}` twice"));
            }
            Event::ChildRequested { run, .. } if !children.insert(run) => {
                return Err(format!("the child `{run}` is asked for twice"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// When a run has ended, so has everything in it, and every edge was resolved once.
fn resolved(run: &Run, log: &[Logged]) -> Result<(), String> {
    for (path, view) in run.steps() {
        if !view.state.phase.is_ended() {
            return Err(format!("`{path}` is {:?} after the end", view.state.phase));
        }
    }
    let mut resolved: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for logged in log {
        let (step, edges) = match &logged.event {
            Event::StepSucceeded { step, edges, .. }
            | Event::StepFailed { step, edges, .. }
            | Event::StepSkipped { step, edges, .. }
            | Event::StepCancelled { step, edges, .. } => (step, edges),
            _ => continue,
        };
        let frame = step.rsplit_once('/').map_or("", |(frame, _)| frame);
        for edge in edges {
            *resolved.entry((frame, edge.edge.as_str())).or_default() += 1;
        }
    }
    if let Some((edge, times)) = resolved.iter().find(|(_, times)| **times != 1) {
        return Err(format!("the edge {edge:?} was resolved {times} times"));
    }
    match (resolved.len(), run.edges().count()) {
        (some, all) if some == all => Ok(()),
        (some, all) => Err(format!("{some} of {all} edges were resolved")),
    }
}

/// What was done to the outside: the same key for all attempts of a step and for no other, and what must not be
/// repeated only where an attempt is known to have failed or a person allowed it.
pub(crate) fn effects(acts: &[Act], logs: &BTreeMap<&str, &[Logged]>) -> Result<(), String> {
    let mut keys: BTreeMap<(&str, &str, bool), &str> = BTreeMap::new();
    let mut owners: BTreeMap<&str, (&str, &str, bool)> = BTreeMap::new();
    let mut repeats: BTreeMap<(&str, &str, bool), u32> = BTreeMap::new();
    for act in acts {
        let what = (act.run.as_str(), act.step.as_str(), act.is_undo);
        let key = *keys.entry(what).or_insert(&act.key);
        if key != act.key {
            return Err(format!(
                "{what:?} acts with the keys `{key}` and `{}`",
                act.key
            ));
        }
        let owner = *owners.entry(&act.key).or_insert(what);
        if owner != what {
            return Err(format!("{what:?} and {owner:?} act with the same key"));
        }
        if act.effect == Effect::Unsafe {
            *repeats.entry(what).or_default() += 1;
        }
    }
    for ((id, step, is_undo), times) in repeats {
        let log = logs.get(id).copied().unwrap_or_default();
        let allowed = log.iter().filter(|logged| match &logged.event {
            Event::StepAttemptFailed { step: of, .. } => !is_undo && of == step,
            Event::StepOutcomeSettled {
                step: of,
                answer: Settlement::RunAgain,
                ..
            } => !is_undo && of == step,
            Event::UndoFailed { step: of, .. } => is_undo && of == step,
            _ => false,
        });
        let allowed = 1 + allowed.count();
        if times as usize > allowed {
            return Err(format!(
                "`{step}` of {id} (undo: {is_undo}) acted {times} times and may {allowed}"
            ));
        }
    }
    for (id, log) in logs {
        let steps = log.iter().filter_map(|logged| match &logged.event {
            Event::UndoSucceeded { step, .. } => Some(step.as_str()),
            _ => None,
        });
        let mut undone = BTreeSet::new();
        for step in steps {
            if !undone.insert(step) {
                return Err(format!("`{step}` of {id} is taken back twice"));
            }
        }
        let outcome = log.last().map(|last| &last.event);
        if let Some(Event::RunEnded {
            outcome: Outcome::Succeeded,
            error: Some(error),
            ..
        }) = outcome
        {
            return Err(format!("{id} succeeded with an error: {error}"));
        }
    }
    Ok(())
}
