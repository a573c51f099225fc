//! Starting runs, watching them, and telling them what to do.

use std::path::PathBuf;
use std::sync::Arc;

use baton_core::document::{self, Workflow};
use baton_core::problem::Severity;
use baton_engine::NewRun;
use baton_store::{RunFilter, RunRow};

use crate::app::App;
use crate::caller::{Role, whom_to_ask};
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::events::BackendEvent;
use crate::runs::{
    EventLine, RunCancel, RunEventList, RunEvents, RunGet, RunId, RunList, RunListed, RunStart,
    RunStarted, RunStep, RunView,
};
use crate::{files, history, sentences, trust, views};

/// Starts a run of a document.
///
/// # Errors
///
/// [`Code::Invalid`] with the problems that forbid it, [`Code::Untrusted`] if it has to be asked about first.
pub async fn run_start(app: &App, request: RunStart) -> Result<RunStarted, ApiError> {
    app.engine()?;
    let path = request
        .path
        .as_deref()
        .map(|path| files::resolve(app, path))
        .transpose()?;
    require_kept(app, &request.document).await?;
    trust::require(app, &request.document, path.as_deref()).await?;
    // The history shows who started it.
    let by = app.caller().user().unwrap_or("manual");
    begin(app, request, by).await
}

/// Who may start but not change workflows starts what the server keeps, and no document of their own: a document can do
/// whatever the account of the server can.
pub(super) async fn require_kept(app: &App, document: &Workflow) -> Result<(), ApiError> {
    if app.caller().may(Role::Edit) {
        return Ok(());
    }
    let digest = document::digest(document);
    if app.store().definition(&digest).await?.is_some() {
        return Ok(());
    }
    let name = app.caller().user().unwrap_or_default();
    let message = format!(
        "`{name}` may not start a version of `{}` that this server does not keep: that needs the role `{}`",
        document.name,
        Role::Edit
    );
    let hint = format!(
        "start the version that was pushed here, or {}",
        whom_to_ask(app).await
    );
    Err(ApiError::new(Code::Forbidden, message).hint(hint))
}

/// Starts a run without asking whether the document is trusted.
pub(crate) async fn begin(app: &App, request: RunStart, by: &str) -> Result<RunStarted, ApiError> {
    let RunStart {
        document,
        path,
        input,
        work_dir,
    } = request;
    let engine = app.engine()?;
    require_valid(app, &document)?;
    let path = path
        .as_deref()
        .map(|path| files::resolve(app, path))
        .transpose()?;
    let work_dir = match work_dir {
        Some(folder) => files::resolve(app, &folder)?,
        None => work_dir_of(app, path.as_ref()),
    };
    let new = NewRun {
        workflow: Arc::new(document),
        path,
        work_dir,
        input,
        by: Some(by.to_owned()),
    };
    Ok(RunStarted {
        run: engine.run(new).await?,
    })
}

/// Refuses a document that cannot run, with all that is wrong with it.
pub(crate) fn require_valid(app: &App, document: &Workflow) -> Result<(), ApiError> {
    let problems: Vec<_> = baton_core::validate::validate(document, app.catalog(), Vec::new())
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error)
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(baton_engine::EngineError::Invalid(problems).into())
}

pub(crate) fn work_dir_of(app: &App, path: Option<&PathBuf>) -> PathBuf {
    let folder = path.and_then(|path| path.parent());
    let fallback = app
        .config()
        .default_work_dir
        .as_ref()
        .unwrap_or(&app.config().workspace_dir);
    folder.unwrap_or(fallback).to_path_buf()
}

/// Runs, newest first.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn run_list(app: &App, request: RunList) -> Result<RunListed, ApiError> {
    let filter = RunFilter {
        workflow: request.workflow,
        status: request
            .status
            .map(|status| views::status_word(status).to_owned()),
        search: request.search.filter(|words| !words.trim().is_empty()),
        limit: request.limit.unwrap_or(50).min(500),
        offset: request.offset.unwrap_or(0),
    };
    let (rows, total) = app.store().runs(filter).await?;
    let runs = rows
        .into_iter()
        .map(|row| views::summary(with_stall(app, row)))
        .collect();
    Ok(RunListed { runs, total })
}

/// The row of a run.
pub(crate) async fn row(app: &App, run: &str) -> Result<RunRow, ApiError> {
    let row = app.store().run(run).await?.ok_or_else(|| {
        ApiError::new(Code::NotFound, format!("there is no run `{run}`"))
            .hint("`baton runs list` and the history show the runs of this data folder")
    })?;
    Ok(with_stall(app, row))
}

/// A run that cannot be written stands still in memory only; its row does not know.
fn with_stall(app: &App, mut row: RunRow) -> RunRow {
    if row.ended_at.is_none()
        && let Some(engine) = app.running_engine()
    {
        if let Some(reason) = engine.stalled(&row.id) {
            row.waiting_for.insert(0, format!("stands still: {reason}"));
        }
        for reason in engine.waits_for(&row.id) {
            if !row.waiting_for.contains(&reason) {
                row.waiting_for.push(reason);
            }
        }
    }
    row
}

/// A run, as it is or as it was at one event.
///
/// # Errors
///
/// [`Code::NotFound`] if there is none.
pub async fn run_get(app: &App, request: RunGet) -> Result<RunView, ApiError> {
    let row = row(app, &request.run).await?;
    let seq = request.seq.unwrap_or(row.seq).min(row.seq);
    let wanted = request.bodies.unwrap_or_default();
    if seq == row.seq
        && row.ended_at.is_none()
        && let Some(engine) = app.running_engine()
    {
        // A live run is at hand; while a write is under way it is ahead of what may be shown.
        let live = engine
            .look(&row.id, |run, durable, at| {
                (run.seq() == durable && durable == row.seq)
                    .then(|| views::view(&row, run, at, &wanted))
            })
            .await;
        if let Some(mut view) = live.flatten() {
            for (step, reason) in engine.waits(&row.id) {
                if let Some(step) = view.steps.get_mut(&step) {
                    step.note = Some(format!("waits for {reason}"));
                }
            }
            return Ok(view);
        }
    }
    let run = history::at(app, &row, seq).await?;
    Ok(views::view(&row, &run, run.at(), &wanted))
}

/// Reads the log of a run.
///
/// # Errors
///
/// [`Code::NotFound`] if there is none.
pub async fn run_events(app: &App, request: RunEvents) -> Result<RunEventList, ApiError> {
    let row = row(app, &request.run).await?;
    let plan = history::plan(app, &row).await?;
    let limit = request.limit.unwrap_or(1_000).min(10_000);
    let workflow = plan.workflow();
    let page = app
        .store()
        .events(&row.id, request.after.unwrap_or(0), limit);
    let events = page
        .await?
        .into_iter()
        .filter(|logged| logged.seq <= row.seq)
        .map(|logged| EventLine {
            text: sentences::sentence(workflow, &logged),
            logged,
        })
        .collect();
    Ok(RunEventList {
        events,
        last: row.seq,
    })
}

/// Stops a run.
///
/// # Errors
///
/// [`Code::AlreadyEnded`] if it has ended.
pub async fn run_cancel(app: &App, request: RunCancel) -> Result<Nothing, ApiError> {
    let RunCancel { run, reason, undo } = request;
    let engine = app.engine()?;
    let row = row(app, &run).await?;
    if row.ended_at.is_none() {
        // A run that was set aside, or that safe mode keeps, is cancelled without going on before.
        engine.take_in_hand(&run).await?;
    }
    engine.cancel(&run, &app.person(), reason, undo).await?;
    if row.quarantined.is_some() {
        app.store().quarantine_release(&run).await?;
        app.tell(BackendEvent::SafeModeChanged);
    }
    Ok(Nothing {})
}

/// Starts no further step.
///
/// # Errors
///
/// [`Code::AlreadyEnded`] if it has ended.
pub async fn run_pause(app: &App, request: RunId) -> Result<Nothing, ApiError> {
    app.engine()?.pause(&request.run, &app.person()).await?;
    Ok(Nothing {})
}

/// Starts steps again.
///
/// # Errors
///
/// [`Code::AlreadyEnded`] if it has ended.
pub async fn run_resume(app: &App, request: RunId) -> Result<Nothing, ApiError> {
    app.engine()?.resume(&request.run, &app.person()).await?;
    Ok(Nothing {})
}

/// Does not wait for the next attempt.
///
/// # Errors
///
/// [`Code::AlreadyEnded`] if the run has ended or the step does not wait for an attempt.
pub async fn run_retry_now(app: &App, request: RunStep) -> Result<Nothing, ApiError> {
    app.engine()?
        .retry_now(&request.run, &request.step, &app.person())
        .await?;
    Ok(Nothing {})
}
