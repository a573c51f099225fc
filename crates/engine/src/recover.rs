//! Taking runs of the data folder into the hands of an engine: those that have something to do when it starts, the
//! others when something is there for them.

use std::path::PathBuf;
use std::sync::Arc;

use baton_core::document;
use baton_core::machine::{self, Input, Plan, Run};
use baton_store::RunRow;
use tokio::task::JoinSet;

use crate::engine::Shared;
use crate::entry::{Entry, Origin, State};
use crate::error::EngineError;
use crate::projection::Projection;

/// How many events are read at a time.
const PAGE: u32 = 5_000;
/// How many runs are read at a time.
const AT_A_TIME: usize = 8;

/// Takes up every open run that was interrupted, or for which what it waits for is there; the others sleep on, with
/// their timers set. A run that cannot be replayed is left as it is, and said so.
pub(crate) async fn open_runs(shared: &Arc<Shared>) -> Result<(), EngineError> {
    for timer in shared.store.timers().await? {
        shared.timers.set(timer.at, &timer.run, &timer.name);
    }
    let mut rows = shared.store.interrupted_runs().await?.into_iter();
    let mut entries = Vec::with_capacity(rows.len());
    let mut loading = JoinSet::new();
    loop {
        while loading.len() < AT_A_TIME
            && let Some(row) = rows.next()
        {
            let shared = shared.clone();
            loading.spawn(async move {
                let (id, number) = (row.id.clone(), row.number);
                let loaded = load(&shared, row).await;
                if let Err(error) = &loaded {
                    let reason = reason(error);
                    tracing::error!(run = id, number, reason, "the run cannot be taken up again");
                    shared.lose(id, reason);
                }
                loaded.ok().map(|entry| (number, entry))
            });
        }
        match loading.join_next().await {
            Some(Ok(loaded)) => entries.extend(loaded),
            Some(Err(error)) => tracing::error!(%error, "a run cannot be taken up again"),
            None => break,
        }
    }
    entries.sort_by_key(|(number, _)| *number);
    for (_, entry) in &entries {
        shared.add(entry.clone());
    }
    baton_store::trial::point("engine-replayed");
    for (_, entry) in entries {
        shared.send(&entry, Input::Recover);
    }
    Ok(())
}

fn reason(error: &EngineError) -> String {
    match error {
        EngineError::Refused { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

/// That a run could not be taken up again.
pub(crate) fn not_taken_up(run: &str, reason: &str) -> EngineError {
    EngineError::Refused {
        code: "not-taken-up".to_owned(),
        message: format!("run `{run}` could not be taken up again: {reason}"),
    }
}

/// Reads a run that has not ended. It is as it was when its last event became durable.
pub(crate) async fn load(shared: &Arc<Shared>, row: RunRow) -> Result<Arc<Entry>, EngineError> {
    let unusable = |message: String| EngineError::Refused {
        code: "not-taken-up".to_owned(),
        message,
    };
    let plan = plan(shared, &row.digest).await?;
    let (run, snapshot_at) = replay(shared, &row, plan.clone()).await?;
    if run.seq() != row.seq {
        let (last, known) = (run.seq(), row.seq);
        return Err(unusable(format!(
            "it should have {known} events and has {last}"
        )));
    }
    let questions = shared.store.questions_of(&row.id).await?;
    let waits = shared.store.waits_of(row.number).await?;
    let depth = match &row.parent {
        Some(_) => shared.store.depth(&row.id).await?,
        None => 0,
    };
    let projection = Projection::kept(&row, questions);
    let at = run.at();
    let mut state = State::new(run, row.number, projection, at);
    state.waits = waits;
    state.snapshot_at = snapshot_at;
    let origin = Origin {
        path: row.path.map(PathBuf::from),
        work_dir: row.work_dir.map(PathBuf::from).unwrap_or_default(),
        parent: row.parent,
        depth,
    };
    Ok(Arc::new(Entry::new(row.id, plan, origin, state)))
}

/// The compiled definition with this digest.
pub(crate) async fn plan(shared: &Shared, digest: &str) -> Result<Arc<Plan>, EngineError> {
    let unusable = |message: String| EngineError::Refused {
        code: "not-taken-up".to_owned(),
        message,
    };
    if let Some(plan) = shared.recent_plan(|plan| plan.digest() == digest) {
        return Ok(plan);
    }
    let text = shared.store.definition(digest).await?;
    let text = text.ok_or_else(|| unusable(format!("its definition `{digest}` is missing")))?;
    let parsed = document::parse(&text).map_err(|error| unusable(error.to_string()))?;
    shared.plan(&parsed.workflow)
}

/// The run, and the position of the snapshot that it was read from.
async fn replay(shared: &Shared, row: &RunRow, plan: Arc<Plan>) -> Result<(Run, u32), EngineError> {
    let kept = shared.snapshots.load(&row.id, &plan, row.seq).await;
    let mut run = kept.unwrap_or_else(|| Run::new(plan));
    let snapshot_at = run.seq();
    loop {
        let page = shared.store.events(&row.id, run.seq(), PAGE).await?;
        for logged in &page {
            machine::apply(&mut run, logged).map_err(|error| EngineError::Refused {
                code: "not-taken-up".to_owned(),
                message: format!("event {} cannot follow: {error}", logged.seq),
            })?;
        }
        if page.len() < PAGE as usize {
            return Ok((run, snapshot_at));
        }
    }
}
