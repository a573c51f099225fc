//! The judgement over a data folder: everything acknowledged is there, once and to the letter; what was not is there
//! as a whole or not at all; the chain holds and the database is sound.

use std::path::Path;
use std::time::{Duration, Instant};

use baton_core::machine::{Event, Logged};
use baton_steps::Artifacts;
use baton_store::{OpenOptions, RunFilter, Store, StoreError};

use crate::child::Said;
use crate::load;

/// The longest a start may take.
const START: Duration = Duration::from_secs(2);

/// The longest a look may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a look found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) start_ms: u64,
    pub(crate) events: u64,
    /// Batches that are there although nobody was told.
    pub(crate) untold: u64,
}

/// Whether the folder is written to after the look, which a repaired one must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Leave,
    GoOn,
}

/// Looks at the data folder `dir` after everything in `said` was acknowledged.
pub(crate) async fn check(dir: &Path, said: &Said, then: Then) -> Result<Found, String> {
    match tokio::time::timeout(PATIENCE, look(dir, said, then)).await {
        Ok(found) => found,
        Err(_) => Err("the look at the folder hangs".to_owned()),
    }
}

/// Opens a folder that this process may have closed a moment ago: a process that is just being started by the other
/// case still holds what was open here.
pub(crate) async fn open(dir: &Path) -> Result<Store, StoreError> {
    for _ in 0..200 {
        match Store::open(dir, OpenOptions::default()).await {
            Err(StoreError::Locked { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
            opened => return opened,
        }
    }
    Store::open(dir, OpenOptions::default()).await
}

async fn look(dir: &Path, said: &Said, then: Then) -> Result<Found, String> {
    let start = Instant::now();
    let store = open(dir)
        .await
        .map_err(|error| format!("it does not open: {} {error}", error.code()))?;
    let took = start.elapsed();
    if took > START {
        return Err(format!("it took {took:?} to open"));
    }
    let judged = judge(&store, said).await;
    let gone_on = match (&judged, then) {
        (Ok(_), Then::GoOn) => go_on(&store).await,
        _ => Ok(()),
    };
    store.close().await;
    gone_on?;
    let mut found = judged?;
    found.start_ms = took.as_millis() as u64;
    Ok(found)
}

async fn judge(store: &Store, said: &Said) -> Result<Found, String> {
    let text = |error: StoreError| format!("{} {error}", error.code());
    let verified = store.verify().await.map_err(text)?;
    if !verified.damage.is_empty() {
        return Err(format!("the check finds: {}", verified.damage.join("; ")));
    }
    let filter = RunFilter {
        limit: 100_000,
        ..RunFilter::default()
    };
    let (rows, _) = store.runs(filter).await.map_err(text)?;
    let questions = store.open_questions().await.map_err(text)?;
    let artifacts = Artifacts::new(store.artifacts_dir());
    let mut found = Found::default();
    for row in &rows {
        let events = store.events(&row.id, 0, u32::MAX).await.map_err(text)?;
        compare(&row.id, &events, &artifacts)?;
        let count = events.len() as u32;
        if row.seq != count {
            return Err(format!(
                "`{}` is listed at {} and has {count} events",
                row.id, row.seq
            ));
        }
        let is_last = load::borders(&row.id).last() == Some(&count);
        if row.ended_at.is_some() != is_last {
            return Err(format!(
                "`{}` has {count} events and is listed as {}",
                row.id, row.status
            ));
        }
        let is_asking = questions.iter().any(|question| question.run == row.id);
        if is_asking != asks(&row.id, count) {
            return Err(format!(
                "the question of `{}` does not go with its {count} events",
                row.id
            ));
        }
        found.events += u64::from(count);
        found.untold += u64::from(said.runs.get(&row.id).copied().unwrap_or(0) < count);
    }
    if verified.events != found.events {
        return Err(format!(
            "the log has {} events, the runs {}",
            verified.events, found.events
        ));
    }
    for (run, acknowledged) in &said.runs {
        let has = rows
            .iter()
            .find(|row| row.id == *run)
            .map_or(0, |row| row.seq);
        if has < *acknowledged {
            return Err(format!(
                "`{run}` was acknowledged up to {acknowledged} and has {has}: acknowledged events are lost"
            ));
        }
    }
    let drafts = store.draft_list().await.map_err(text)?;
    let draft = drafts.iter().find(|draft| draft.key == load::DRAFT);
    let version = draft.map_or(0, |draft| draft.at as u32);
    if version < said.draft {
        return Err(format!(
            "draft {} was acknowledged and {version} is there",
            said.draft
        ));
    }
    if draft.is_some_and(|draft| draft.document != load::draft(version)) {
        return Err(format!("draft {version} is not what was written"));
    }
    Ok(found)
}

/// Whether a question of the run is open after `seq` events.
fn asks(run: &str, seq: u32) -> bool {
    let borders = load::borders(run);
    seq >= borders[2] && seq < borders[5]
}

/// Whether these are the events of the run, whole batches, and what they name is there.
fn compare(run: &str, events: &[Logged], artifacts: &Artifacts) -> Result<(), String> {
    let count = events.len() as u32;
    if !load::borders(run).contains(&count) {
        return Err(format!("`{run}` has {count} events: half a batch"));
    }
    for (index, logged) in events.iter().enumerate() {
        let seq = index as u32 + 1;
        let content = load::artifact(run, seq);
        let hash = content.as_ref().and_then(|_| named(logged));
        if *logged != load::event(run, seq, hash) {
            return Err(format!(
                "event {seq} of `{run}` is not what was written: {logged:?}"
            ));
        }
        if let (Some(hash), Some(content)) = (hash, content) {
            let kept = artifacts.read(hash);
            let kept = kept.map_err(|error| {
                format!("the artifact of event {seq} of `{run}` is lost: {error}")
            })?;
            if kept != content {
                return Err(format!(
                    "the artifact of event {seq} of `{run}` is another one"
                ));
            }
        }
    }
    Ok(())
}

/// The hash that an event names.
fn named(logged: &Logged) -> Option<&str> {
    match &logged.event {
        Event::StepLogged { message, .. } => message.strip_prefix("kept ")?.split(' ').next(),
        _ => None,
    }
}

/// Writes the next batch of every lane, as a process that goes on would.
async fn go_on(store: &Store) -> Result<(), String> {
    let rows = store.open_runs().await.map_err(|error| error.to_string())?;
    for row in rows {
        if let Some(batch) = load::batch(&row.id, row.seq, None)
            && load::artifact(&row.id, row.seq + 1).is_none()
        {
            let last = batch.summary.seq;
            let appended = store.append(batch).await;
            let appended =
                appended.map_err(|error| format!("it does not go on: {} {error}", error.code()))?;
            if appended.seq != last {
                return Err(format!(
                    "`{}` went on to {} instead of {last}",
                    row.id, appended.seq
                ));
            }
        }
    }
    Ok(())
}
