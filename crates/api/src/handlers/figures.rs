//! Baton in numbers, and whether it can take work.

use std::time::Duration;

use baton_engine::DiskLevel;
use baton_store::COMMIT_BOUNDS;

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::ApiError;
use crate::figures::{Distribution, FiguresView, Obstacle, ReadyView};

/// How long the writer may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What this Baton did since it started, in numbers.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn figures_get(app: &App, _: Nothing) -> Result<FiguresView, ApiError> {
    let store = app.store();
    let figures = store.figures();
    let bounds = COMMIT_BOUNDS.iter().copied().map(Some).chain([None]);
    let engine = app.running_engine();
    let disk = engine.map(baton_engine::Engine::disk);
    let steps_waiting = engine.map_or(0, |engine| {
        let runs = engine.live();
        runs.iter().map(|run| engine.waits(run).len()).sum()
    });
    Ok(FiguresView {
        runs_begun: figures.begun,
        runs_ended: figures.ended,
        events: figures.events,
        commits: Distribution {
            sum: figures.commit_seconds,
            classes: bounds.zip(figures.commits).collect(),
        },
        writes_failed: figures.failed,
        write_queue: figures.queue,
        open_runs: store.open_count().await?,
        open_questions: store.question_count().await?,
        steps_waiting: steps_waiting as u64,
        disk_free: disk
            .as_ref()
            .and_then(|disk| disk.room)
            .map(|room| room.free),
        disk_total: disk
            .as_ref()
            .and_then(|disk| disk.room)
            .map(|room| room.total),
        is_safe: app.safe_mode().is_some(),
    })
}

/// Whether work can be taken, and what stands in the way.
///
/// # Errors
///
/// None.
pub async fn ready_get(app: &App, _: Nothing) -> Result<ReadyView, ApiError> {
    let mut obstacles = Vec::new();
    let mut note = |code: &str, message: String| {
        obstacles.push(Obstacle {
            code: code.to_owned(),
            message,
        });
    };
    if let Some(reason) = app.read_only() {
        note("read-only", reason.to_string());
    } else {
        match tokio::time::timeout(PATIENCE, app.store().writer_answers()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => note("writer", error.to_string()),
            Err(_) => note(
                "writer",
                format!("nothing was written for {} s", PATIENCE.as_secs()),
            ),
        }
    }
    if let Some(engine) = app.running_engine() {
        let level = engine.disk().level;
        if level >= DiskLevel::Paused {
            note(
                "disk",
                "the disk of the data folder has too little room to start steps".to_owned(),
            );
        }
        if engine.is_winding_down() {
            note("stopping", "Baton is about to stop".to_owned());
        }
    }
    if let Some(reason) = app.safe_mode() {
        note("safe-mode", format!("nothing goes on by itself: {reason}"));
    }
    Ok(ReadyView {
        is_ready: obstacles.is_empty(),
        obstacles,
    })
}
