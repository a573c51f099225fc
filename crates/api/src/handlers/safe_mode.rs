//! Safe mode, and the runs that were set aside.

use std::collections::BTreeMap;

use baton_store::{RunRow, StartRow, TakingUp};

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::events::BackendEvent;
use crate::limits::{QuarantinedRun, SafeModeView, StartView};
use crate::runs::RunId;

/// How many starts are shown.
const STARTS: usize = 10;

/// Whether Baton is in safe mode, what is set aside, and the last starts.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn safe_mode_get(app: &App, _: Nothing) -> Result<SafeModeView, ApiError> {
    let reason = app.safe_mode();
    let open = app.store().open_runs().await?;
    let numbers: BTreeMap<&str, &RunRow> = open.iter().map(|row| (row.id.as_str(), row)).collect();
    let set_aside = app.store().quarantine().await?;
    let quarantined: Vec<QuarantinedRun> = set_aside
        .into_iter()
        .filter_map(|row| {
            // A run that ended meanwhile is of no concern.
            let run = numbers.get(row.run.as_str())?;
            Some(QuarantinedRun {
                number: run.number,
                workflow_name: run.workflow_name.clone(),
                run: row.run,
                at: row.at,
                reason: row.reason,
            })
        })
        .collect();
    let waiting = match (&reason, app.running_engine()) {
        (Some(_), Some(engine)) => open
            .iter()
            .filter(|row| row.quarantined.is_none() && engine.left_out(&row.id).is_some())
            .count(),
        _ => 0,
    };
    let starts = app.store().starts().await?;
    Ok(SafeModeView {
        is_active: reason.is_some(),
        reason,
        quarantined,
        waiting_runs: u32::try_from(waiting).unwrap_or(u32::MAX),
        starts: starts
            .into_iter()
            .take(STARTS)
            .map(|start| start_view(app, start))
            .collect(),
    })
}

fn start_view(app: &App, start: StartRow) -> StartView {
    StartView {
        is_current: app.start() == Some(start.id),
        at: start.at,
        version: start.version,
        ended_at: start.ended_at,
        taking_up: start.taking_up.map(|what| match what {
            TakingUp::All => "all".to_owned(),
            TakingUp::One(run) => run,
        }),
        is_safe: start.is_safe,
    }
}

/// Leaves safe mode: runs go on, one after the other, except those that are set aside; triggers act again.
///
/// # Errors
///
/// If the store does not take it.
pub async fn safe_mode_leave(app: &App, _: Nothing) -> Result<SafeModeView, ApiError> {
    let engine = app.engine()?;
    if app.safe_mode().is_some() {
        app.store().starts_forgive().await?;
        app.leave_safe_mode();
        engine.take_up_rest().await?;
        app.act_on_held_triggers();
        app.tell(BackendEvent::SafeModeChanged);
    }
    safe_mode_get(app, Nothing {}).await
}

/// Lets a run go on that was set aside, or that waits for safe mode to be left.
///
/// # Errors
///
/// [`Code::NotFound`] if there is no such run, [`Code::AlreadyEnded`] if it has ended.
pub async fn run_release(app: &App, request: RunId) -> Result<Nothing, ApiError> {
    let engine = app.engine()?;
    let row = super::run_row(app, &request.run).await?;
    if row.ended_at.is_some() {
        return Err(ApiError::new(
            Code::AlreadyEnded,
            format!("run `{}` has already ended", row.id),
        ));
    }
    app.store().quarantine_release(&row.id).await?;
    engine.take_up(&row.id).await?;
    app.tell(BackendEvent::SafeModeChanged);
    Ok(Nothing {})
}
