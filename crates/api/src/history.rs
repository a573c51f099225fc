//! Runs as they were: logs that were read, with the states at some of their events kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_core::document;
use baton_core::machine::{self, Logged, Plan, Run};
use baton_store::RunRow;

use crate::app::App;
use crate::error::{ApiError, Code};

/// How many runs are kept ready to be looked at.
const MAX_RUNS: usize = 4;
/// How many events are read at a time.
const PAGE: u32 = 5_000;
/// Events between two kept states, at least.
const MIN_STRIDE: u32 = 1_000;
/// Kept states of one run, about.
const STATES: u32 = 32;

/// The runs that were looked at last.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    recent: Mutex<VecDeque<(String, Arc<History>)>>,
}

/// A run with its log.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) plan: Arc<Plan>,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    events: Vec<Logged>,
    states: BTreeMap<u32, Run>,
}

impl Histories {
    fn find(&self, run: &str) -> Option<Arc<History>> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let at = recent.iter().position(|(id, _)| id == run)?;
        let found = recent.remove(at)?;
        let history = found.1.clone();
        recent.push_front(found);
        Some(history)
    }

    fn put(&self, run: &str, history: Arc<History>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(id, _)| id != run);
        recent.push_front((run.to_owned(), history));
        recent.truncate(MAX_RUNS);
    }
}

/// The run with its whole log up to `row.seq`.
pub(crate) async fn load(app: &App, row: &RunRow) -> Result<Arc<History>, ApiError> {
    let history = match app.histories().find(&row.id) {
        Some(history) => history,
        None => {
            let plan = plan(app, row).await?;
            let history = Arc::new(History {
                plan,
                log: Mutex::default(),
            });
            app.histories().put(&row.id, history.clone());
            history
        }
    };
    loop {
        let after = history.last();
        if after >= row.seq {
            return Ok(history);
        }
        let page = app.store().events(&row.id, after, PAGE).await?;
        if page.is_empty() {
            let message = format!(
                "run `{}` should have {} events and has {after}",
                row.id, row.seq
            );
            return Err(ApiError::new(Code::Store, message)
                .hint("check the data folder with `baton verify`"));
        }
        history.extend(page);
    }
}

/// The definition that the run is pinned to.
async fn plan(app: &App, row: &RunRow) -> Result<Arc<Plan>, ApiError> {
    let text = app.store().definition(&row.digest).await?.ok_or_else(|| {
        ApiError::new(
            Code::Store,
            format!(
                "the definition `{}` of run `{}` is missing",
                row.digest, row.id
            ),
        )
        .hint("check the data folder with `baton verify`")
    })?;
    let parsed = document::parse(&text)?;
    Plan::compile(&parsed.workflow, app.catalog()).map_err(|problems| ApiError {
        problems,
        ..ApiError::new(
            Code::Invalid,
            format!(
                "run `{}` was made by another version of Baton and cannot be shown",
                row.id
            ),
        )
        .hint("open it with the version that made it")
    })
}

impl History {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self) -> u32 {
        self.log().events.last().map_or(0, |logged| logged.seq)
    }

    fn extend(&self, page: Vec<Logged>) {
        let mut log = self.log();
        let last = log.events.last().map_or(0, |logged| logged.seq);
        // Two readers may have read the same page.
        log.events
            .extend(page.into_iter().filter(|logged| logged.seq > last));
    }

    /// The instant of event `seq`, if there is one.
    pub(crate) fn instant(&self, seq: u32) -> Option<baton_core::Millis> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.log().events.get(at).map(|logged| logged.at)
    }

    /// At most `limit` events after `after`.
    pub(crate) fn events(&self, after: u32, limit: usize) -> Vec<Logged> {
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        self.log()
            .events
            .iter()
            .skip(skip)
            .take(limit)
            .cloned()
            .collect()
    }

    /// The run as it was after event `seq`.
    pub(crate) fn at(&self, seq: u32) -> Result<Run, ApiError> {
        let mut log = self.log();
        let log = &mut *log;
        let total = log.events.last().map_or(0, |logged| logged.seq);
        let seq = seq.min(total);
        let stride = (total / STATES).max(MIN_STRIDE);
        let near = log
            .states
            .range(..=seq)
            .next_back()
            .map(|(_, run)| run.clone());
        let mut run = near.unwrap_or_else(|| Run::new(self.plan.clone()));
        let from = usize::try_from(run.seq()).unwrap_or(usize::MAX);
        for logged in log.events.iter().skip(from) {
            if logged.seq > seq {
                break;
            }
            machine::apply(&mut run, logged).map_err(|error| {
                let message = format!(
                    "event {} cannot follow the ones before it: {error}",
                    logged.seq
                );
                ApiError::new(Code::Store, message)
                    .hint("check the data folder with `baton verify`")
            })?;
            if logged.seq % stride == 0 {
                log.states.insert(logged.seq, run.clone());
            }
        }
        Ok(run)
    }
}
