//! Carrying out one run from beginning to end, for the command line and for tests.

use std::collections::BTreeMap;
use std::path::PathBuf;

use baton_core::document::Workflow;
use baton_core::error::StepError;
use baton_core::machine::{self, Decision, Event, Logged, Outcome, Phase, Run, Wait};
use baton_engine::{EngineError, EngineNotice};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::handlers;
use crate::runs::RunStart;

/// Events that are handed on at once.
const PAGE: u32 = 1_000;

/// A run to carry out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// The document, exactly as it is.
    pub document: Workflow,
    /// File that it belongs to.
    pub path: Option<PathBuf>,
    /// Folder that relative paths start from, if not that of the file.
    pub work_dir: Option<PathBuf>,
    /// The input.
    pub input: Value,
    /// Answers to questions, by id or path of the step that asks.
    pub approvals: BTreeMap<String, Decision>,
    /// What starts it.
    pub by: String,
}

/// How far it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Id of the run.
    pub run: String,
    /// How it ended; `None` if all that is left waits for a person or an event.
    pub outcome: Option<Outcome>,
    /// Name of the outcome, if an `end` step gave one.
    pub name: Option<String>,
    /// Its outputs.
    pub outputs: Value,
    /// Why it failed.
    pub error: Option<StepError>,
    /// What it waits for, if it has not ended.
    pub waiting_for: Vec<String>,
}

/// Carries out a run until it ends, or until everything that is left waits for a person or an event that
/// `request.approvals` does not answer. Every event of the run is handed to `on_event` once it is durable, in
/// order. Whoever asks for this trusts the document.
///
/// # Errors
///
/// If the run cannot be started, or the store fails for good.
pub async fn run(
    app: &App,
    request: Request,
    on_event: impl FnMut(&Logged),
) -> Result<RunResult, ApiError> {
    to_the_end(Watch::begin(app, request).await?, on_event).await
}

/// Goes along with a run that was begun before, as [`run`] does, from the event after `after` on.
///
/// # Errors
///
/// [`Code::NotFound`] if there is no such run, and those of [`run`].
pub async fn follow(
    app: &App,
    run: &str,
    approvals: BTreeMap<String, Decision>,
    after: u32,
    on_event: impl FnMut(&Logged),
) -> Result<RunResult, ApiError> {
    to_the_end(Watch::join(app, run, approvals, after).await?, on_event).await
}

pub(crate) async fn to_the_end(
    mut watch: Watch,
    mut on_event: impl FnMut(&Logged),
) -> Result<RunResult, ApiError> {
    loop {
        match watch.next().await? {
            Seen::Events(events) => events.iter().for_each(&mut on_event),
            Seen::Result(result) => return Ok(*result),
        }
    }
}

/// A run as it goes on, for whoever goes along with it.
#[derive(Debug)]
pub(crate) struct Watch {
    app: App,
    run: String,
    notices: broadcast::Receiver<EngineNotice>,
    approvals: BTreeMap<String, Decision>,
    seen: u32,
    ended: Option<RunResult>,
}

/// What came next.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Events that are durable, in order.
    Events(Vec<Logged>),
    /// Nothing more comes.
    Result(Box<RunResult>),
}

impl Watch {
    /// Begins a run.
    pub(crate) async fn begin(app: &App, request: Request) -> Result<Self, ApiError> {
        let notices = app.engine()?.subscribe();
        let Request {
            document,
            path,
            work_dir,
            input,
            approvals,
            by,
        } = request;
        let shown = |path: PathBuf| path.display().to_string();
        let start = RunStart {
            document,
            path: path.map(shown),
            input,
            work_dir: work_dir.map(shown),
        };
        let run = handlers::begin(app, start, &by).await?.run;
        Ok(Self {
            app: app.clone(),
            run,
            notices,
            approvals,
            seen: 0,
            ended: None,
        })
    }

    /// Goes along with a run that was begun before.
    pub(crate) async fn join(
        app: &App,
        run: &str,
        approvals: BTreeMap<String, Decision>,
        after: u32,
    ) -> Result<Self, ApiError> {
        let notices = app.engine()?.subscribe();
        let row = handlers::run_row(app, run).await?;
        // The end of a run that has ended is told once more: it holds the result.
        let seen = if row.ended_at.is_some() {
            after.min(row.seq.saturating_sub(1))
        } else {
            after
        };
        Ok(Self {
            app: app.clone(),
            run: row.id,
            notices,
            approvals,
            seen,
            ended: None,
        })
    }

    /// Its id.
    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// Waits for what comes next. Nothing is lost if the future is dropped before it is done.
    pub(crate) async fn next(&mut self) -> Result<Seen, ApiError> {
        loop {
            let events = self.catch_up().await?;
            if !events.is_empty() {
                return Ok(Seen::Events(events));
            }
            if let Some(result) = self.result().await? {
                return Ok(Seen::Result(Box::new(result)));
            }
            match self.notices.recv().await {
                Ok(EngineNotice::Stalled { row }) if row.id == self.run => {
                    tracing::warn!(
                        run = row.id,
                        "the run stands still: {}",
                        row.waiting_for.join(", ")
                    );
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => {
                    return Err(ApiError::new(
                        Code::Store,
                        "Baton is closing and takes no new work",
                    ));
                }
            }
        }
    }

    /// The events that are durable by now.
    async fn catch_up(&mut self) -> Result<Vec<Logged>, ApiError> {
        let page = self.app.store().events(&self.run, self.seen, PAGE).await?;
        if let Some(last) = page.last() {
            self.seen = last.seq;
        }
        for logged in &page {
            if let Event::RunEnded {
                outcome,
                name,
                outputs,
                error,
            } = &logged.event
            {
                self.ended = Some(RunResult {
                    run: self.run.clone(),
                    outcome: Some(*outcome),
                    name: name.clone(),
                    outputs: outputs.clone(),
                    error: error.clone(),
                    waiting_for: Vec::new(),
                });
            }
        }
        Ok(page)
    }

    /// The result, if the run ended or nothing here makes it go on.
    async fn result(&mut self) -> Result<Option<RunResult>, ApiError> {
        if self.ended.is_some() {
            return Ok(self.ended.take());
        }
        let engine = self.app.engine()?;
        let mut waits_for_others = true;
        let mut waiting_for = Vec::new();
        // The run, and the sub-workflows that it waits for.
        let mut family = vec![self.run.clone()];
        while let Some(run) = family.pop() {
            let look = engine
                .look(&run, |state, durable, _| {
                    let is_left = state.seq() == durable && is_left_to_others(state);
                    (is_left, asks(state), children(state), state.waiting_for())
                })
                .await;
            let Some((is_left, questions, children, waits)) = look else {
                if let Some(reason) = engine.left_out(&run) {
                    let message = format!("run `{run}` does not go on by itself: {reason}");
                    return Err(ApiError::new(Code::Store, message)
                        .hint("`baton release` lets it go on, `baton cancel` ends it"));
                }
                // It has not begun yet, or has just ended: what follows from that is under way.
                waits_for_others = false;
                continue;
            };
            waits_for_others &= is_left;
            for (step, id) in questions {
                let answer = self
                    .approvals
                    .get(&step)
                    .or_else(|| self.approvals.get(&id));
                let Some(decision) = answer.copied() else {
                    continue;
                };
                waits_for_others = false;
                let by = self.app.person();
                match engine.decide(&run, &step, &by, decision, None, None).await {
                    // Someone else may have been faster.
                    Ok(()) | Err(EngineError::AlreadyEnded(_) | EngineError::Refused { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            waiting_for.extend(waits);
            family.extend(children);
        }
        Ok(waits_for_others.then(|| RunResult {
            run: self.run.clone(),
            outcome: None,
            name: None,
            outputs: Value::Null,
            error: None,
            waiting_for,
        }))
    }
}

/// Whether everything that is left of the run waits for a person, an event or another run.
fn is_left_to_others(run: &Run) -> bool {
    // With room on the disk again, or at the next start, it goes on by itself.
    if matches!(run.paused_by(), Some(machine::DISK | machine::STOPPING)) {
        return false;
    }
    let mut is_waiting = false;
    for (_, step) in run.open_steps() {
        let is_left = match step.state.phase {
            Phase::Idle | Phase::Succeeded | Phase::Failed | Phase::Skipped | Phase::Cancelled => {
                continue;
            }
            // A container only waits for what is in it, unless it waits for its next round.
            Phase::Running if step.is_container() => {
                let next = step
                    .more()
                    .and_then(|more| more.iterations.as_ref()?.next_at);
                if next.is_none() {
                    continue;
                }
                false
            }
            Phase::Running | Phase::Retrying | Phase::Cancelling => false,
            Phase::Unknown => true,
            Phase::Waiting => !matches!(
                step.more().and_then(|more| more.wait.as_ref()),
                Some(Wait::Time { .. }) | None
            ),
        };
        if !is_left {
            return false;
        }
        is_waiting = true;
    }
    is_waiting || run.status() == baton_core::machine::Status::Paused
}

/// Path and id of each step that asks people.
fn asks(run: &Run) -> Vec<(String, String)> {
    let waiting = waits(run).filter(|(_, _, wait)| matches!(wait, Wait::People { .. }));
    waiting.map(|(path, id, _)| (path, id)).collect()
}

/// The runs that a step of this one waits for.
fn children(run: &Run) -> Vec<String> {
    waits(run)
        .filter_map(|(_, _, wait)| match wait {
            Wait::Child { run, .. } => Some(run),
            Wait::Time { .. } | Wait::Event { .. } | Wait::People { .. } => None,
        })
        .collect()
}

fn waits(run: &Run) -> impl Iterator<Item = (String, String, Wait)> {
    run.open_steps().filter_map(|(path, step)| {
        let wait = step
            .more()?
            .wait
            .clone()
            .filter(|_| step.state.phase == Phase::Waiting)?;
        Some((path, step.id().to_owned(), wait))
    })
}
