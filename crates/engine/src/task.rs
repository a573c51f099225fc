//! Carrying out one task: large values put back, logs handed on, time limit, cancellation.

use std::sync::Arc;

use baton_core::error::StepError;
use baton_core::machine::{Input, Task, TaskResult};
use baton_steps::{Attempted, TaskContext, TaskOutput, Terms, values};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::drive::{FIRST_RETRY, LAST_RETRY};
use crate::entry::{Entry, TaskId};
use crate::notice::EngineNotice;
use crate::shared::Shared;
use baton_store::trial;

/// How many lines one attempt may write into the log of the run.
const MAX_LINES: usize = 10_000;

/// Whether the task carries out a step or takes one back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Do,
    Undo,
}

impl Purpose {
    /// The input that tells the machine how the task ended.
    pub(crate) fn ended(self, step: String, epoch: u32, result: TaskResult) -> Input {
        match self {
            Self::Do => Input::TaskEnded {
                step,
                epoch,
                result,
            },
            Self::Undo => Input::UndoEnded {
                step,
                epoch,
                result,
            },
        }
    }
}

/// Carries out `task` and puts its result into the inbox of the run.
pub(crate) async fn carry_out(
    shared: Arc<Shared>,
    entry: Arc<Entry>,
    task: Task,
    purpose: Purpose,
    cancel: CancellationToken,
) {
    let id = (task.step.clone(), task.epoch, purpose == Purpose::Undo);
    let resource = entry.plan.resource(&task.step);
    let place = tokio::select! {
        () = cancel.cancelled() => None,
        place = shared.places.take(&shared.clock, &task.kind, resource, |reason| {
            wait(&shared, &entry, &id, Some(reason));
        }) => Some(place),
    };
    let (step, epoch) = (task.step.clone(), task.epoch);
    wait(&shared, &entry, &id, None);
    let result = match place {
        None => TaskResult::Cancelled,
        Some(_place) => attempt(&shared, &entry, task, cancel).await,
    };
    shared.send(&entry, purpose.ended(step, epoch, result));
}

/// Notes what a task waits for, and tells it if that is news about its run.
fn wait(shared: &Shared, entry: &Entry, id: &TaskId, reason: Option<&str>) {
    let row = {
        let mut state = entry.state();
        let is_known = |reason: &str| state.queued.values().any(|known| known == reason);
        let is_news = match reason {
            Some(reason) => {
                let is_news = !is_known(reason);
                state.queued.insert(id.clone(), reason.to_owned());
                is_news
            }
            None => match state.queued.remove(id) {
                Some(reason) => !state.queued.values().any(|known| *known == reason),
                None => false,
            },
        };
        (is_news && shared.has_listeners()).then(|| entry.row(&state))
    };
    if let Some(row) = row {
        let row = Arc::new(row);
        shared.tell(EngineNotice::Waits { row });
    }
}

async fn attempt(
    shared: &Arc<Shared>,
    entry: &Arc<Entry>,
    mut task: Task,
    cancel: CancellationToken,
) -> TaskResult {
    if values::has_blobs(&task.with) {
        let artifacts = shared.artifacts.clone();
        let filled = tokio::task::spawn_blocking(move || {
            values::restore(&artifacts, Arc::make_mut(&mut task.with)).map(|()| task)
        });
        task = match filled.await {
            Ok(Ok(filled)) => filled,
            Ok(Err(error)) => return TaskResult::Failed(lost_value(&error.to_string())),
            Err(error) => return TaskResult::Failed(lost_value(&error.to_string())),
        };
    }
    let (log, lines) = mpsc::unbounded_channel();
    let cx = TaskContext {
        work_dir: entry.origin.work_dir.clone(),
        artifacts: shared.artifacts.clone(),
        cancel: cancel.clone(),
        key: if trial::has_bug("new-key-for-each-attempt") {
            uuid::Uuid::now_v7().to_string()
        } else {
            task.key.clone()
        },
        run: entry.id.clone(),
        limits: shared.limits.clone(),
        log,
        temp_dir: shared.temp_dir.clone(),
        secrets: shared.secrets.clone(),
    };
    let timeout_ms = task.timeout_ms;
    // Noted before it acts: whoever watches the folder knows who writes there.
    let writing = shared.begin_writing(entry, &task).await;
    let mut diary = Diary {
        shared,
        entry,
        step: task.step.clone(),
        written: 0,
    };
    trial::point("task-begun");
    let tasks = shared.tasks.clone();
    let work = async move { tasks.execute(&task, &cx).await };
    let sleep = async |ms: i64| {
        if trial::has_bug("limit-by-wall-clock") {
            shared.clock.sleep_until(shared.clock.now() + ms).await;
        } else {
            shared.clock.sleep_for(ms).await;
        }
    };
    let ended = baton_steps::attempt(
        work,
        Terms::new(timeout_ms, cancel),
        sleep,
        lines,
        |level, message| diary.write(level, message),
    )
    .await;
    trial::point("task-acted");
    match ended {
        Attempted::Succeeded(output) => {
            writing.end(&output.output);
            let TaskOutput {
                output,
                port,
                logs,
                notify,
            } = output;
            for (level, message) in logs {
                diary.write(level, message);
            }
            if let Some((title, body)) = notify {
                shared.tell(EngineNotice::Notification {
                    title,
                    body,
                    run: entry.id.clone(),
                });
            }
            match succeeded(shared, output, port).await {
                Some(result) => result,
                // The engine closes and drops this; the step is recovered at the next start.
                None => std::future::pending().await,
            }
        }
        Attempted::Failed(error) => TaskResult::Failed(error),
        Attempted::Cancelled => TaskResult::Cancelled,
    }
}

/// A success, with a large output kept as an artifact. What was done is not given up because the disk is full: it
/// waits for room, as the events do. `None` if the engine closes meanwhile.
pub(crate) async fn succeeded(
    shared: &Shared,
    output: Value,
    port: Option<String>,
) -> Option<TaskResult> {
    if !values::is_large(&output) {
        return Some(TaskResult::Succeeded { output, port });
    }
    let output = Arc::new(output);
    let mut wait = FIRST_RETRY;
    let reason = loop {
        let (artifacts, value) = (shared.artifacts.clone(), output.clone());
        let kept = tokio::task::spawn_blocking(move || values::keep(&artifacts, &value)).await;
        match kept {
            Ok(Ok(output)) => return Some(TaskResult::Succeeded { output, port }),
            Ok(Err(error)) if is_full(&error) => {
                tracing::warn!(%error, "an output waits for room on the disk");
            }
            Ok(Err(error)) => break error.to_string(),
            Err(error) => break error.to_string(),
        }
        tokio::select! {
            () = shared.closing.cancelled() => return None,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(LAST_RETRY);
    };
    Some(TaskResult::Failed(
        StepError::new(
            "output-not-kept",
            format!("its output could not be kept: {reason}"),
        )
        .hint("check the space and the rights of the data folder"),
    ))
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    )
}

fn lost_value(reason: &str) -> StepError {
    StepError::permanent(
        "value-lost",
        format!("a large value of an earlier step could not be read: {reason}"),
    )
    .hint("check the `artifacts` folder of the data folder, then run the earlier step again")
}

/// Hands the lines of a task on to its run, up to a limit.
struct Diary<'a> {
    shared: &'a Arc<Shared>,
    entry: &'a Arc<Entry>,
    step: String,
    written: usize,
}

impl Diary<'_> {
    fn write(&mut self, level: String, message: String) {
        self.written += 1;
        let (level, message) = match self.written {
            ..=MAX_LINES => (level, message),
            n if n == MAX_LINES + 1 => (
                "warn".to_owned(),
                format!("more than {MAX_LINES} lines; the rest is left out"),
            ),
            _ => return,
        };
        self.shared.send(
            self.entry,
            Input::TaskLogged {
                step: self.step.clone(),
                level,
                message,
            },
        );
    }
}
