//! Taking runs of the data folder into the hands of an engine: those that have something to do when it starts, the
//! others when something is there for them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use baton_core::document;
use baton_core::machine::{self, Input, Plan, Run};
use baton_store::{RunRow, TakingUp};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::entry::{Entry, Origin, State};
use crate::error::EngineError;
use crate::projection::Projection;
use crate::shared::Shared;

/// How many events are read at a time.
const PAGE: u32 = 5_000;
/// How many runs are read at a time.
const AT_A_TIME: usize = 8;

/// Which open runs go on by themselves when the engine starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeUp {
    /// All, together.
    All,
    /// All, one after the other, so that one that ends the program is known.
    OneByOne,
    /// None: a person decides.
    None,
}

/// What becomes of a run that is taken in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It goes on.
    GoOn,
    /// It stands, and only does what it is told.
    Stand,
}

/// How long a run that was taken up is watched before it counts as harmless.
const WATCHED: Duration = Duration::from_secs(10);
/// The same, while others wait for their turn.
const WATCHED_ALONE: Duration = Duration::from_secs(3);
/// How long runs are given to wake that slept until a time that has come.
const WAKING: Duration = Duration::from_millis(500);
/// How often they are looked at meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub(crate) const IN_LINE: &str = "it waits for its turn: after an unexpected end of Baton, runs are taken up one after the other";
const NOT_ASKED: &str =
    "Baton is in safe mode and takes nothing up by itself; leave safe mode, or release this run";

/// Takes up every open run that was interrupted, or for which what it waits for is there; the others sleep on, with
/// their timers set. A run that cannot be replayed is left as it is, and said so.
pub(crate) async fn open_runs(shared: &Arc<Shared>, take_up: TakeUp) -> Result<(), EngineError> {
    if take_up == TakeUp::None {
        for row in shared.store.open_runs().await? {
            let aside = row.quarantined.as_deref().map(set_aside);
            shared.lose(row.id, aside.unwrap_or_else(|| NOT_ASKED.to_owned()));
        }
        return Ok(());
    }
    let aside = shared.store.quarantine().await?;
    let is_aside = |run: &str| aside.iter().any(|row| row.run == run);
    for row in &aside {
        shared.lose(row.run.clone(), set_aside(&row.reason));
    }
    let mut rows = shared.store.interrupted_runs().await?;
    rows.retain(|row| !is_aside(&row.id));
    let now = shared.clock.now();
    let mut timers = shared.store.timers().await?;
    timers
        .retain(|timer| !is_aside(&timer.run) && !baton_store::trial::has_bug("timers-forgotten"));
    let due: BTreeSet<String> = timers
        .iter()
        .filter(|timer| timer.at <= now)
        .map(|timer| timer.run.clone())
        .collect();
    match take_up {
        TakeUp::All | TakeUp::None => {
            if !rows.is_empty() || !due.is_empty() {
                note(shared, Some(TakingUp::All)).await?;
            }
            for timer in timers {
                shared.timers.set(timer.at, &timer.run, &timer.name);
            }
            let is_any_due = !due.is_empty();
            let entries = all(shared, rows).await;
            let shared = shared.clone();
            tokio::spawn(async move {
                if is_any_due {
                    pause(&shared, WAKING).await;
                    let woken = due.iter().filter_map(|run| shared.find(run));
                    let entries: Vec<_> = entries.into_iter().chain(woken).collect();
                    watch(&shared, &entries, WATCHED).await;
                } else {
                    watch(&shared, &entries, WATCHED).await;
                }
                note_quietly(&shared, None).await;
                shared.resume_sleeping().await;
            });
        }
        TakeUp::OneByOne => {
            let mut line: Vec<String> = rows.into_iter().map(|row| row.id).collect();
            let others = due.into_iter().filter(|run| !line.contains(run));
            let others: Vec<String> = others.collect();
            line.extend(others);
            line.retain(|run| shared.find(run).is_none());
            for timer in timers.iter().filter(|timer| !line.contains(&timer.run)) {
                shared.timers.set(timer.at, &timer.run, &timer.name);
            }
            for run in &line {
                shared.lose(run.clone(), IN_LINE.to_owned());
            }
            let shared = shared.clone();
            tokio::spawn(async move {
                let closing = shared.closing.clone();
                tokio::select! {
                    () = closing.cancelled() => {}
                    () = in_turn(&shared, line) => {}
                }
            });
        }
    }
    Ok(())
}

fn set_aside(reason: &str) -> String {
    format!("it was set aside: {reason}")
}

async fn all(shared: &Arc<Shared>, rows: Vec<RunRow>) -> Vec<Arc<Entry>> {
    let mut rows = rows.into_iter();
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
    let entries: Vec<_> = entries.into_iter().map(|(_, entry)| entry).collect();
    for entry in &entries {
        shared.send(entry, Input::Recover);
        shared.resume_for_disk(entry);
    }
    entries
}

/// After safe mode is left: what was kept back goes on, one run after the other.
pub(crate) async fn rest(shared: &Arc<Shared>) -> Result<(), EngineError> {
    for row in shared.store.open_runs().await? {
        if shared.lost(&row.id).as_deref() == Some(NOT_ASKED) {
            shared.regain(&row.id);
        }
    }
    open_runs(shared, TakeUp::OneByOne).await
}

async fn in_turn(shared: &Arc<Shared>, line: Vec<String>) {
    for run in line {
        if shared.lost(&run).as_deref() != Some(IN_LINE) {
            continue;
        }
        if let Err(error) = one(shared, &run, Then::GoOn).await {
            tracing::error!(run, %error, "the run cannot be taken up again");
        }
        if let Some(entry) = shared.find(&run) {
            watch(shared, &[entry], WATCHED_ALONE).await;
        }
    }
    note_quietly(shared, None).await;
    shared.resume_sleeping().await;
}

/// Takes one run up. What it is doing is noted first: if it ends the program, the next start knows.
pub(crate) async fn one(shared: &Arc<Shared>, run: &str, then: Then) -> Result<(), EngineError> {
    if shared.find(run).is_some() {
        return Ok(());
    }
    match shared.store.run(run).await? {
        None => return Err(EngineError::NotFound(run.to_owned())),
        Some(row) if row.ended_at.is_some() => {
            return Err(EngineError::AlreadyEnded(run.to_owned()));
        }
        Some(row) if then == Then::Stand => {
            let entry = load(shared, row).await?;
            shared.add(entry);
            shared.regain(run);
            return Ok(());
        }
        Some(_) => {}
    }
    note(shared, Some(TakingUp::One(run.to_owned()))).await?;
    shared.regain(run);
    match shared.wake(run).await {
        Ok(entry) => {
            shared.resume_for_disk(&entry);
            Ok(())
        }
        Err(error) => {
            let reason = reason(&error);
            shared.lose(run.to_owned(), reason.clone());
            Err(not_taken_up(run, &reason))
        }
    }
}

async fn pause(shared: &Shared, length: Duration) {
    tokio::select! {
        () = shared.closing.cancelled() => {}
        () = tokio::time::sleep(length) => {}
    }
}

/// Waits until the runs have begun what they wanted to do, or for `longest`.
async fn watch(shared: &Shared, entries: &[Arc<Entry>], longest: Duration) {
    let until = Instant::now() + longest;
    while Instant::now() < until
        && !shared.closing.is_cancelled()
        && !entries.iter().all(|entry| entry.is_still())
    {
        pause(shared, LOOK_AGAIN).await;
    }
}

async fn note(shared: &Shared, what: Option<TakingUp>) -> Result<(), EngineError> {
    if let Some(start) = shared.start {
        shared.store.start_takes_up(start, what).await?;
    }
    Ok(())
}

async fn note_quietly(shared: &Shared, what: Option<TakingUp>) {
    if shared.closing.is_cancelled() {
        return;
    }
    if let Err(error) = note(shared, what).await {
        tracing::warn!(%error, "it could not be noted that the open runs were taken up");
    }
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
    if let Some(why) = run.changed_kind() {
        return Err(unusable(why));
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
