//! Taking the open runs of a data folder into the hands of an engine that was just started.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use baton_core::document;
use baton_core::machine::{self, Input, Logged};
use baton_store::{QuestionChanges, RunRow};

use crate::engine::Shared;
use crate::entry::{Entry, Origin, State};
use crate::error::EngineError;
use crate::projection::Projection;

/// How many events are read at a time.
const PAGE: u32 = 5_000;

/// Replays every open run and lets it go on. A run that cannot be replayed is left as it is, and said so.
pub(crate) async fn open_runs(shared: &Arc<Shared>) -> Result<(), EngineError> {
    let rows = shared.store.open_runs().await?;
    let parents: BTreeMap<String, String> = rows
        .iter()
        .filter_map(|row| Some((row.id.clone(), row.parent.as_ref()?.run.clone())))
        .collect();
    let mut entries = Vec::new();
    for row in rows {
        let (id, number) = (row.id.clone(), row.number);
        let depth = depth_of(&id, &parents);
        match replay(shared, row, depth).await {
            Ok(entry) => entries.push(entry),
            Err(reason) => {
                tracing::error!(run = id, number, reason, "the run cannot be taken up again");
                shared.lose(id, reason);
            }
        }
    }
    // All of them are known before the first one goes on: a child that ends finds the run that waits for it.
    for entry in &entries {
        shared.add(entry.clone());
    }
    baton_store::trial::point("engine-replayed");
    for entry in entries {
        shared.send(&entry, Input::Recover);
    }
    Ok(())
}

fn depth_of(run: &str, parents: &BTreeMap<String, String>) -> u32 {
    let mut depth = 0;
    let mut at = run;
    while let Some(parent) = parents.get(at) {
        depth += 1;
        if depth as usize > parents.len() {
            break;
        }
        at = parent;
    }
    depth
}

async fn replay(shared: &Shared, row: RunRow, depth: u32) -> Result<Arc<Entry>, String> {
    let text = shared
        .store
        .definition(&row.digest)
        .await
        .map_err(|error| error.to_string())?;
    let text = text.ok_or_else(|| format!("its definition `{}` is missing", row.digest))?;
    let parsed = document::parse(&text).map_err(|error| error.to_string())?;
    let plan = shared
        .plan(&parsed.workflow)
        .map_err(|error| error.to_string())?;
    let events = all_events(shared, &row.id).await?;
    let mut projection = Projection::default();
    for logged in &events {
        let mut changes = QuestionChanges::default();
        projection.apply(&row.id, plan.workflow(), logged, &mut changes);
    }
    let run = machine::replay(plan.clone(), &events).map_err(|error| error.to_string())?;
    let origin = Origin {
        path: row.path.map(PathBuf::from),
        work_dir: row.work_dir.map(PathBuf::from).unwrap_or_default(),
        parent: row.parent,
        depth,
    };
    let state = State::new(
        run,
        row.number,
        projection,
        events.last().map_or(0, |logged| logged.at),
    );
    Ok(Arc::new(Entry::new(row.id, plan, origin, state)))
}

async fn all_events(shared: &Shared, run: &str) -> Result<Vec<Logged>, String> {
    let mut events: Vec<Logged> = Vec::new();
    loop {
        let after = events.last().map_or(0, |logged| logged.seq);
        let page = shared
            .store
            .events(run, after, PAGE)
            .await
            .map_err(|error| error.to_string())?;
        let is_last = page.len() < PAGE as usize;
        events.extend(page);
        if is_last {
            return Ok(events);
        }
    }
}
