//! The source `workflow_finished`: follows the log for ends of runs.
//!
//! `cursor` of an activation is a position in the whole log, which only rises; so no end is overlooked, whatever the
//! clock does and however often the process ends in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use baton_core::machine::Event;
use baton_core::trigger::{Finished, TriggerKind};
use baton_store::{EndedRun, FiringState, NewFiring, Recorded};
use serde_json::{Value, json};

use super::registry::{self, Registered};
use super::{Name, dispatch, new_run};
use crate::error::EngineError;
use crate::notice::EngineNotice;
use crate::shared::Shared;

/// How many firings of ends of runs may lead to one another.
pub(crate) const MOST_DEPTH: u32 = 16;
/// How many ends are read at a time.
const PAGE: u32 = 500;
/// The cursor is written although nothing fired once it is so far behind.
const MOST_BEHIND: i64 = 10_000;
/// The largest outputs that are handed on, as text.
const MOST_OUTPUT_BYTES: usize = 64 * 1024;
/// How many runs may wait for one another.
const MOST_PARENTS: u32 = 32;
/// How long what the store did not take is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// Fires triggers of this kind until the engine closes.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut changes = shared.triggers.changes.subscribe();
    // How far each was looked at, where the store does not have to know.
    let mut seen: BTreeMap<(Name, u32), i64> = BTreeMap::new();
    loop {
        changes.mark_unchanged();
        if let Err(error) = look(&shared, &mut seen).await {
            tracing::warn!(%error, "ends of runs wait: the data folder cannot be used");
            tokio::select! {
                () = shared.closing.cancelled() => return,
                () = tokio::time::sleep(RETRY) => continue,
            }
        }
        tokio::select! {
            () = shared.closing.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
            () = shared.triggers.ended.notified() => {}
        }
    }
}

async fn look(
    shared: &Arc<Shared>,
    seen: &mut BTreeMap<(Name, u32), i64>,
) -> Result<(), EngineError> {
    for registered in registry::of_kind(shared, "workflow_finished").await? {
        let TriggerKind::WorkflowFinished(wanted) = &registered.spec.kind else {
            continue;
        };
        let activation = &registered.activation;
        let name = (activation.workflow.clone(), activation.trigger.clone());
        let seen = seen
            .entry((name, activation.revision))
            .or_insert(activation.cursor);
        let mut written = activation.cursor;
        loop {
            let ended = shared.store.ended_runs(*seen, PAGE).await?;
            let Some(last) = ended.last() else {
                break;
            };
            let position = last.position;
            let is_last = ended.len() < PAGE as usize;
            let mut firings = Vec::new();
            for run in ended.iter().filter(|run| is_meant(wanted, run)) {
                firings.push(firing(shared, &registered, run).await?);
            }
            if !firings.is_empty() || position - written > MOST_BEHIND {
                let said = shared
                    .store
                    .record(firings, Some((activation, position)))
                    .await?;
                written = position;
                if said.contains(&Recorded::Accepted) {
                    dispatch::kick(shared, &activation.workflow, &activation.trigger);
                    shared.tell(EngineNotice::TriggersChanged);
                }
            }
            *seen = position;
            if is_last {
                break;
            }
        }
    }
    Ok(())
}

fn is_meant(wanted: &Finished, run: &EndedRun) -> bool {
    run.workflow == wanted.workflow
        && (wanted.outcomes.is_empty()
            || wanted
                .outcomes
                .iter()
                .any(|word| *word == run.status || Some(word) == run.outcome.as_ref()))
}

async fn firing(
    shared: &Shared,
    registered: &Registered,
    run: &EndedRun,
) -> Result<NewFiring, EngineError> {
    let activation = &registered.activation;
    let depth = depth_of(shared, run).await?;
    let key = format!("finished:{}", run.run);
    let firing = NewFiring {
        run: new_run(),
        depth,
        payload: json!({
            "run": run.run,
            "number": run.number,
            "workflow": run.workflow,
            "outcome": run.status,
            "name": run.outcome,
            "endedAt": baton_core::expression::iso_instant(run.ended_at),
            "outputs": outputs_of(shared, run).await?,
        }),
        ..NewFiring::new(
            &activation.workflow,
            &activation.trigger,
            activation.revision,
            &key,
            shared.clock.now(),
        )
    };
    if depth <= MOST_DEPTH {
        return Ok(firing);
    }
    Ok(NewFiring {
        state: FiringState::Skipped,
        reason: Some(format!(
            "{MOST_DEPTH} runs have started one another already: the chain ends here"
        )),
        ..firing
    })
}

/// One more than that of the firing behind the run, or behind the run that waits for it.
async fn depth_of(shared: &Shared, run: &EndedRun) -> Result<u32, EngineError> {
    let mut id = run.run.clone();
    let mut parent = run.parent.clone();
    for _ in 0..MOST_PARENTS {
        let Some(above) = parent else {
            break;
        };
        let row = shared.store.run(&above).await?;
        parent = row.and_then(|row| row.parent).map(|parent| parent.run);
        id = above;
    }
    let firing = shared.store.firing_of_run(&id).await?;
    Ok(firing.map_or(0, |firing| firing.depth) + 1)
}

async fn outputs_of(shared: &Shared, run: &EndedRun) -> Result<Value, EngineError> {
    let Some(row) = shared.store.run(&run.run).await? else {
        return Ok(Value::Null);
    };
    let last = shared
        .store
        .events(&run.run, row.seq.saturating_sub(1), 1)
        .await?;
    Ok(match last.into_iter().next().map(|logged| logged.event) {
        Some(Event::RunEnded { outputs, .. }) if outputs.to_string().len() <= MOST_OUTPUT_BYTES => {
            outputs
        }
        _ => Value::Null,
    })
}
