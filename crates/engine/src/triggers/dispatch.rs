//! Carrying out what was recorded: one trigger at a time, in order, each firing once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use baton_core::trigger::Overlap;
use baton_store::{Activation, ActivationState, Firing, FiringState, StoreError};
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use super::registry::{self, Registered};
use super::{Name, lock};
use crate::entry::Origin;
use crate::error::EngineError;
use crate::notice::EngineNotice;
use crate::shared::Shared;

mod scope;

/// How many firings are read at a time.
const PAGE: u32 = 64;
/// How many runs of one trigger are begun at the same time, where they may overlap.
const TOGETHER: usize = 16;
/// The first and the longest wait before what the store did not take is tried again.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(15);

/// Carries out what a former process recorded and did not start.
pub(super) async fn leftovers(shared: Arc<Shared>) {
    let mut wait = FIRST_RETRY;
    loop {
        match shared.store.triggers_with_open_firings().await {
            Ok(names) => {
                for (workflow, trigger) in names {
                    kick(&shared, &workflow, &trigger);
                }
                return;
            }
            Err(error) => tracing::warn!(%error, "recorded firings cannot be read"),
        }
        if !pause(&shared, &mut wait).await {
            return;
        }
    }
}

/// Waits a little longer than the last time; `false`: the engine closes.
async fn pause(shared: &Shared, wait: &mut Duration) -> bool {
    tokio::select! {
        () = shared.closing.cancelled() => return false,
        () = tokio::time::sleep(*wait) => {}
    }
    *wait = (*wait * 2).min(LAST_RETRY);
    true
}

/// Sees to it that the firings of a trigger are carried out.
pub(super) fn kick(shared: &Arc<Shared>, workflow: &str, trigger: &str) {
    if shared.closing.is_cancelled() {
        return;
    }
    let name = (workflow.to_owned(), trigger.to_owned());
    match lock(&shared.triggers.busy).entry(name.clone()) {
        std::collections::btree_map::Entry::Occupied(mut busy) => {
            busy.insert(true);
            return;
        }
        std::collections::btree_map::Entry::Vacant(idle) => idle.insert(false),
    };
    shared.drivers.spawn(drive(shared.clone(), name));
}

/// A run of a trigger ended: what waited for it may start.
pub(crate) fn run_ended(shared: &Arc<Shared>, workflow: &str, by: Option<&str>) {
    shared.triggers.ended.notify_one();
    let Some(trigger) = by else {
        return;
    };
    let name = (workflow.to_owned(), trigger.to_owned());
    if lock(&shared.triggers.waiting).remove(&name) {
        kick(shared, workflow, trigger);
    }
}

async fn drive(shared: Arc<Shared>, name: Name) {
    let mut wait = FIRST_RETRY;
    loop {
        match carry_out(&shared, &name).await {
            Ok(()) => {
                wait = FIRST_RETRY;
                let mut busy = lock(&shared.triggers.busy);
                match busy.get_mut(&name) {
                    Some(again) if *again => *again = false,
                    _ => {
                        busy.remove(&name);
                        break;
                    }
                }
            }
            Err(EngineError::Closing) => break,
            Err(error) => {
                tracing::warn!(workflow = name.0, trigger = name.1, %error, "a firing waits: it cannot be carried out now");
                if !pause(&shared, &mut wait).await {
                    break;
                }
            }
        }
    }
}

/// Carries out everything that is open for a trigger. An error means that it has to be tried again.
async fn carry_out(shared: &Arc<Shared>, name: &Name) -> Result<(), EngineError> {
    let (workflow, trigger) = name;
    loop {
        if shared.closing.is_cancelled() {
            return Err(EngineError::Closing);
        }
        let open = shared.store.open_firings(workflow, trigger, PAGE).await?;
        if open.is_empty() {
            return Ok(());
        }
        let Some(activation) = shared.store.activation(workflow, trigger).await? else {
            for firing in &open {
                let reason = "the trigger was taken back before its run could start";
                settle(shared, firing, FiringState::Skipped, Some(reason)).await?;
            }
            continue;
        };
        let registered = match registry::load(shared, &activation).await? {
            Ok(registered) => registered,
            Err(reason) => {
                for firing in &open {
                    settle(shared, firing, FiringState::Failed, Some(&reason)).await?;
                }
                continue;
            }
        };
        let is_held = activation.state == ActivationState::Paused;
        let ready: Vec<Firing> = open
            .into_iter()
            .filter(|firing| !is_held || firing.by.is_some())
            .collect();
        if ready.is_empty() || !in_order(shared, &registered, ready).await? {
            return Ok(());
        }
    }
}

/// Carries out firings as the trigger says about overlapping runs; `false` if what is left waits for a run.
async fn in_order(
    shared: &Arc<Shared>,
    registered: &Arc<Registered>,
    ready: Vec<Firing>,
) -> Result<bool, EngineError> {
    let Activation {
        workflow, trigger, ..
    } = &registered.activation;
    let overlap = registered.spec.overlap;
    if overlap == Overlap::Allow {
        return together(shared, registered, ready).await;
    }
    // A later firing takes the place of those before it.
    let newest = ready.last().map(|firing| firing.id);
    for firing in &ready {
        if overlap == Overlap::Cancel && Some(firing.id) != newest {
            let reason = "a later firing took its place";
            settle(shared, firing, FiringState::Skipped, Some(reason)).await?;
            continue;
        }
        // Noted before looking: a run that ends in between finds it.
        let name = (workflow.clone(), trigger.clone());
        lock(&shared.triggers.waiting).insert(name.clone());
        let before = shared.store.runs_of_trigger(workflow, trigger).await?;
        let before: Vec<String> = before
            .into_iter()
            .filter(|run| *run != firing.run)
            .collect();
        if before.is_empty() {
            lock(&shared.triggers.waiting).remove(&name);
            begin(shared, registered, firing).await?;
            continue;
        }
        let number = shared
            .store
            .run(&before[0])
            .await?
            .map_or(0, |row| row.number);
        if overlap == Overlap::Skip {
            lock(&shared.triggers.waiting).remove(&name);
            let reason = format!("run {number} of this trigger is not over");
            settle(shared, firing, FiringState::Skipped, Some(&reason)).await?;
            continue;
        }
        let reason = if overlap == Overlap::Cancel {
            cancel(shared, registered, &before).await?;
            format!("run {number} of this trigger is being cancelled for it")
        } else {
            format!("run {number} of this trigger has to end first")
        };
        if firing.state == FiringState::Pending {
            settle(shared, firing, FiringState::Queued, Some(&reason)).await?;
        }
        // It may have ended before it was noted.
        let still = shared.store.runs_of_trigger(workflow, trigger).await?;
        if still.is_empty() && lock(&shared.triggers.waiting).remove(&name) {
            return Ok(true);
        }
        return Ok(false);
    }
    Ok(true)
}

async fn cancel(
    shared: &Arc<Shared>,
    registered: &Registered,
    runs: &[String],
) -> Result<(), EngineError> {
    let trigger = &registered.activation.trigger;
    for run in runs {
        let reason = format!("the trigger `{trigger}` fired again");
        let input = baton_core::machine::Input::Cancel {
            by: trigger.clone(),
            reason: Some(reason),
            undo: true,
        };
        match shared.ask(run, input).await {
            // It ended by itself, or is being cancelled already.
            Ok(()) | Err(EngineError::AlreadyEnded(_) | EngineError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn together(
    shared: &Arc<Shared>,
    registered: &Arc<Registered>,
    ready: Vec<Firing>,
) -> Result<bool, EngineError> {
    let mut ready = ready.into_iter();
    let mut running = JoinSet::new();
    let mut first_error = None;
    loop {
        while running.len() < TOGETHER
            && first_error.is_none()
            && let Some(firing) = ready.next()
        {
            let (shared, registered) = (shared.clone(), registered.clone());
            running.spawn(async move { begin(&shared, &registered, &firing).await });
        }
        match running.join_next().await {
            None => return first_error.map_or(Ok(true), Err),
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => first_error = Some(error),
            Some(Err(error)) => {
                tracing::error!(%error, "a firing was not carried out");
                first_error = Some(EngineError::Closing);
            }
        }
    }
}

/// Starts the run of a firing, unless it is there already. An error means that it has to be tried again.
async fn begin(
    shared: &Arc<Shared>,
    registered: &Registered,
    firing: &Firing,
) -> Result<(), EngineError> {
    if shared.store.run(&firing.run).await?.is_some() {
        // It was started, and then the process ended.
        return settle(shared, firing, FiringState::Started, None).await;
    }
    let Activation {
        path,
        work_dir,
        trigger,
        ..
    } = &registered.activation;
    let input = match input_of(registered, firing) {
        Ok(input) => input,
        Err(reason) => return fail(shared, registered, firing, &reason).await,
    };
    let plan = match shared.plan(&registered.workflow) {
        Ok(plan) => plan,
        Err(error) => return fail(shared, registered, firing, &error.to_string()).await,
    };
    let origin = Origin {
        path: path.as_ref().map(PathBuf::from),
        work_dir: PathBuf::from(work_dir),
        parent: None,
        depth: 0,
    };
    let begun = shared
        .begin(
            firing.run.clone(),
            plan,
            origin,
            input,
            Some(trigger.clone()),
        )
        .await;
    match begun {
        Ok(())
        | Err(EngineError::Store(StoreError::Conflict { .. } | StoreError::Ended { .. })) => {
            settle(shared, firing, FiringState::Started, None).await
        }
        Err(
            error @ (EngineError::Store(_) | EngineError::Stalled { .. } | EngineError::Closing),
        ) => Err(error),
        Err(error) => fail(shared, registered, firing, &error.to_string()).await,
    }
}

/// What was given by hand goes before what the trigger says, and that before what was given with the activation.
fn input_of(registered: &Registered, firing: &Firing) -> Result<Value, String> {
    let scope = scope::of(registered, firing);
    let said = registered
        .spec
        .input(&scope)
        .map_err(|(path, error)| format!("its `input{path}` cannot be evaluated: {error}"))?;
    let layers = [
        registered.activation.input.clone(),
        said,
        firing.input.clone(),
    ];
    let mut input = Value::Object(Map::new());
    for layer in layers.into_iter().flatten() {
        match (&mut input, layer) {
            (_, Value::Null) => {}
            (Value::Object(below), Value::Object(above)) => below.extend(above),
            (_, other) => input = other,
        }
    }
    Ok(input)
}

async fn fail(
    shared: &Arc<Shared>,
    registered: &Registered,
    firing: &Firing,
    reason: &str,
) -> Result<(), EngineError> {
    tracing::error!(
        workflow = firing.workflow,
        trigger = firing.trigger,
        key = firing.key,
        reason,
        "a firing started nothing"
    );
    shared
        .store
        .activation_trouble(&registered.activation, Some(reason))
        .await?;
    settle(shared, firing, FiringState::Failed, Some(reason)).await
}

async fn settle(
    shared: &Arc<Shared>,
    firing: &Firing,
    state: FiringState,
    reason: Option<&str>,
) -> Result<(), EngineError> {
    shared
        .store
        .firing_settle(firing.id, state, reason, shared.clock.now())
        .await?;
    shared.triggers.settles.send_modify(|count| *count += 1);
    shared.tell(EngineNotice::TriggersChanged);
    Ok(())
}
