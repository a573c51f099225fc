//! Runs as they were: the state behind any event, from the nearest state that is kept.
//!
//! States are kept in memory for the runs that were looked at last, and on disk as snapshots for long ones. The log
//! itself is read page by page and not kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_core::document::{self, Workflow};
use baton_core::machine::{self, Logged, Plan, Run};
use baton_engine::Snapshots;
use baton_store::RunRow;

use crate::app::App;
use crate::error::{ApiError, Code};

/// How many runs are kept ready to be looked at.
const MAX_RUNS: usize = 4;
/// How many states of one run are kept, about.
const MAX_STATES: usize = 16;
/// How many events are read at a time.
const PAGE: u32 = 5_000;
/// A snapshot is looked for if that saves so many events.
const WORTH_A_SNAPSHOT: u32 = 5_000;
/// A run with more graphs than this is not copied on the way.
const MAX_COPIED: usize = 2_000;
/// While a log is replayed, a state is kept this often at least.
const MIN_STRIDE: u32 = 1_000;

/// The runs that were looked at last.
#[derive(Debug, Default)]
pub(crate) struct Histories {
    recent: Mutex<VecDeque<(String, Arc<History>)>>,
}

/// A run with some of its states.
#[derive(Debug)]
pub(crate) struct History {
    plan: Arc<Plan>,
    /// Those that were used last come first.
    states: Mutex<VecDeque<Arc<Run>>>,
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

/// The definition that the run is pinned to.
///
/// # Errors
///
/// If it is missing, or of another version of Baton.
pub(crate) async fn plan(app: &App, row: &RunRow) -> Result<Arc<Plan>, ApiError> {
    Ok(history(app, row).await?.plan.clone())
}

/// The run as it was after event `seq`.
///
/// # Errors
///
/// If the store cannot be read, or the log is damaged.
pub(crate) async fn at(app: &App, row: &RunRow, seq: u32) -> Result<Arc<Run>, ApiError> {
    let history = history(app, row).await?;
    let mut run = history
        .near(seq)
        .unwrap_or_else(|| Arc::new(Run::new(history.plan.clone())));
    let snapshots = Snapshots::new(app.store());
    if seq - run.seq() >= WORTH_A_SNAPSHOT
        && let Some(kept) = snapshots.load(&row.id, &history.plan, seq).await
        && kept.seq() > run.seq()
    {
        run = Arc::new(kept);
    }
    if run.seq() == seq {
        history.keep(run.clone());
        return Ok(run);
    }
    let mut run = Arc::unwrap_or_clone(run);
    let mut way = Way::new(&run, seq);
    while run.seq() < seq {
        let page = app
            .store()
            .events(&row.id, run.seq(), PAGE.min(seq - run.seq()))
            .await?;
        if page.is_empty() {
            let message = format!(
                "run `{}` should have {} events and has {}",
                row.id,
                row.seq,
                run.seq()
            );
            return Err(ApiError::new(Code::Store, message)
                .hint("check the data folder with `baton verify`"));
        }
        way.go(&history, &mut run, &page)
            .map_err(|error| error.hint("check the data folder with `baton verify`"))?;
    }
    Ok(way.arrive(&history, run))
}

/// The way to a position of a log, on which states are kept.
struct Way {
    stride: u32,
    kept: u32,
}

impl Way {
    fn new(run: &Run, seq: u32) -> Self {
        Self {
            // Whoever looks at one position often looks at those around it next.
            stride: MIN_STRIDE.max((seq - run.seq()) / 8),
            kept: run.seq(),
        }
    }

    fn go(&mut self, history: &History, run: &mut Run, page: &[Logged]) -> Result<(), ApiError> {
        for logged in page {
            machine::apply(run, logged).map_err(|error| {
                let message = format!(
                    "event {} cannot follow the ones before it: {error}",
                    logged.seq
                );
                ApiError::new(Code::Store, message)
            })?;
            // A copy of a run with many graphs costs more than it saves.
            if run.seq() - self.kept >= self.stride && run.graphs() <= MAX_COPIED {
                self.kept = run.seq();
                history.keep(Arc::new(run.clone()));
            }
        }
        Ok(())
    }

    fn arrive(&self, history: &History, mut run: Run) -> Arc<Run> {
        // Graphs that ended are shared by all copies then.
        machine::compact(&mut run);
        let run = Arc::new(run);
        history.keep(run.clone());
        run
    }
}

async fn history(app: &App, row: &RunRow) -> Result<Arc<History>, ApiError> {
    if let Some(history) = app.histories().find(&row.id) {
        return Ok(history);
    }
    let history = Arc::new(History::new(compile(app, row).await?));
    app.histories().put(&row.id, history.clone());
    Ok(history)
}

async fn compile(app: &App, row: &RunRow) -> Result<Arc<Plan>, ApiError> {
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
    plan_of(app, &row.id, &document::parse(&text)?.workflow)
}

/// The plan of the workflow that a run is pinned to.
///
/// # Errors
///
/// If this build cannot run it.
pub(crate) fn plan_of(app: &App, run: &str, workflow: &Workflow) -> Result<Arc<Plan>, ApiError> {
    Plan::compile(workflow, app.catalog()).map_err(|problems| ApiError {
        problems,
        ..ApiError::new(
            Code::Invalid,
            format!("run `{run}` was made by another version of Baton and cannot be shown"),
        )
        .hint("open it with the version that made it")
    })
}

impl History {
    /// No state is known.
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        Self {
            plan,
            states: Mutex::default(),
        }
    }

    /// The definition.
    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The run as it was after event `seq` of `log`, which is all of it.
    ///
    /// # Errors
    ///
    /// If an event cannot follow the ones before it.
    pub(crate) fn in_log(&self, log: &[Logged], seq: u32) -> Result<Arc<Run>, ApiError> {
        let near = self.near(seq);
        let run = near.unwrap_or_else(|| Arc::new(Run::new(self.plan.clone())));
        if run.seq() == seq {
            return Ok(run);
        }
        let mut run = Arc::unwrap_or_clone(run);
        let mut way = Way::new(&run, seq);
        let begin = log.partition_point(|logged| logged.seq <= run.seq());
        let end = log.partition_point(|logged| logged.seq <= seq);
        way.go(self, &mut run, &log[begin..end])?;
        Ok(way.arrive(self, run))
    }

    /// Forgets what came after event `seq`: the log is another one from there on.
    pub(crate) fn forget_after(&self, seq: u32) {
        self.states().retain(|run| run.seq() <= seq);
    }

    fn states(&self) -> MutexGuard<'_, VecDeque<Arc<Run>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last kept state at or before event `seq`.
    fn near(&self, seq: u32) -> Option<Arc<Run>> {
        let mut states = self.states();
        let (at, _) = states
            .iter()
            .enumerate()
            .filter(|(_, run)| run.seq() <= seq)
            .max_by_key(|(_, run)| run.seq())?;
        let found = states.remove(at)?;
        states.push_front(found.clone());
        Some(found)
    }

    fn keep(&self, run: Arc<Run>) {
        let mut states = self.states();
        states.retain(|kept| kept.seq() != run.seq());
        states.push_front(run);
        states.truncate(MAX_STATES);
    }
}
