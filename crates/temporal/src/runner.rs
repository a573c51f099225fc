//! Carrying out one step: the activity. Signs of life, time limit, cancellation, large values.

#![expect(missing_docs, reason = "the macros make constants without words")]

use std::sync::Arc;
use std::time::Duration;

use baton_core::error::StepError;
use baton_steps::{Attempted, TaskContext, TaskOutput, Terms, values};
use temporalio_macros::activities;
use temporalio_sdk::ApplicationFailure;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::home::Home;
use crate::wire::{ANSWER_LIMIT, StepFailure, StepIn, StepOut};

/// How many lines one attempt may hand on.
const MAX_LINES: usize = 1_000;
/// How many bytes they may have together.
const MAX_LINE_BYTES: usize = 256 * 1024;
/// The largest details of an error that travel.
const MAX_DETAILS: usize = 32 * 1024;

/// Carries out steps for runs of a cluster.
#[derive(Debug)]
pub struct StepRunner {
    home: Arc<Home>,
}

impl StepRunner {
    /// A runner at `home`.
    pub fn new(home: Arc<Home>) -> Self {
        Self { home }
    }
}

#[activities]
impl StepRunner {
    /// Carries out one step.
    #[activity(name = "baton.step")]
    pub async fn step(
        self: Arc<Self>,
        ctx: ActivityContext,
        step: StepIn,
    ) -> Result<StepOut, ActivityError> {
        let beat = Duration::from_millis(step.beat_ms.max(50));
        let cancel = CancellationToken::new();
        let work = attempt(self.home.clone(), step, cancel.clone());
        tokio::pin!(work);
        // Not at once: most steps are done before anybody would miss them.
        let mut beats = tokio::time::interval_at(Instant::now() + beat, beat);
        let mut is_told = false;
        let ended = loop {
            tokio::select! {
                ended = &mut work => break ended,
                _ = beats.tick() => ctx.record_heartbeat(()).await?,
                () = ctx.cancelled(), if !is_told => {
                    is_told = true;
                    cancel.cancel();
                }
            }
        };
        ended.map_err(|failure| {
            let message = anyhow::anyhow!("{}", failure.error.message);
            let failure = ApplicationFailure::builder(message)
                .type_name(failure.error.code.clone())
                .non_retryable(true)
                .details(failure)
                .build();
            ActivityError::from(failure)
        })
    }
}

/// Lines of a step, as many as fit.
struct Limited {
    logs: Vec<(String, String)>,
    bytes: usize,
    dropped: usize,
}

impl Limited {
    fn push(&mut self, line: (String, String)) {
        let bytes = self.bytes + line.1.len();
        if self.logs.len() < MAX_LINES && bytes <= MAX_LINE_BYTES {
            self.bytes = bytes;
            self.logs.push(line);
        } else {
            self.dropped += 1;
        }
    }

    fn take(mut self) -> Vec<(String, String)> {
        if self.dropped > 0 {
            let rest = format!("{} more lines are left out", self.dropped);
            self.logs.push(("warn".to_owned(), rest));
        }
        self.logs
    }
}

/// One attempt of a step, until it ends, its time is over or it was told to stop and took too long about it.
///
/// # Errors
///
/// Why it failed.
pub async fn attempt(
    home: Arc<Home>,
    step: StepIn,
    cancel: CancellationToken,
) -> Result<StepOut, StepFailure> {
    let (log, lines) = mpsc::unbounded_channel();
    let cx = TaskContext {
        work_dir: home.work_dir.clone(),
        artifacts: home.artifacts.clone(),
        cancel: cancel.clone(),
        key: step.key.clone(),
        run: step.run.clone(),
        limits: home.limits.clone(),
        log,
        temp_dir: home.temp_dir.clone(),
        secrets: home.secrets.clone(),
    };
    let terms = Terms::new(step.timeout_ms, cancel);
    let work = {
        let home = home.clone();
        async move {
            let is_here = step.with_kept.is_none() && !values::has_blobs(&step.with);
            let task = if is_here {
                let with = step.with.clone();
                step.into_task(with)
            } else {
                let home = home.clone();
                let filled = tokio::task::spawn_blocking(move || {
                    let (with, kept) = (step.with.clone(), step.with_kept.clone());
                    home.fill(with, kept.as_ref())
                        .map(|with| step.into_task(with))
                });
                match filled.await {
                    Ok(Ok(task)) => task,
                    Ok(Err(error)) => return Err(lost_value(&error.to_string())),
                    Err(error) => return Err(lost_value(&error.to_string())),
                }
            };
            home.tasks.execute(&task, &cx).await
        }
    };
    let sleep = |ms: i64| tokio::time::sleep(Duration::from_millis(ms.unsigned_abs()));
    let mut told = Limited {
        logs: Vec::new(),
        bytes: 0,
        dropped: 0,
    };
    let ended = baton_steps::attempt(work, terms, sleep, lines, |level, message| {
        told.push((level, message));
    })
    .await;
    let error = match ended {
        Attempted::Succeeded(output) => {
            let TaskOutput {
                output, port, logs, ..
            } = output;
            logs.into_iter().for_each(|line| told.push(line));
            match keep(&home, output).await {
                Ok(output) => {
                    let out = StepOut {
                        output,
                        port,
                        cancelled: false,
                        logs: told.take(),
                    };
                    let bytes = serde_json::to_vec(&out).map_or(0, |text| text.len());
                    if bytes <= ANSWER_LIMIT {
                        return Ok(out);
                    }
                    return Err(StepFailure {
                        error: too_large(bytes),
                        logs: out.logs,
                    });
                }
                Err(error) => error,
            }
        }
        Attempted::Failed(error) => error,
        Attempted::Cancelled => return Ok(stopped(told)),
    };
    Err(StepFailure {
        error: shorten(error),
        logs: told.take(),
    })
}

fn stopped(told: Limited) -> StepOut {
    StepOut {
        cancelled: true,
        logs: told.take(),
        ..StepOut::default()
    }
}

async fn keep(home: &Arc<Home>, output: serde_json::Value) -> Result<serde_json::Value, StepError> {
    if !values::is_large(&output) {
        return Ok(output);
    }
    let home = home.clone();
    let kept = tokio::task::spawn_blocking(move || values::keep(&home.artifacts, &output)).await;
    let reason = match kept {
        Ok(Ok(output)) => return Ok(output),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(StepError::new(
        "output-not-kept",
        format!("its output could not be kept: {reason}"),
    )
    .hint("check the space and the rights of the folder given with `--blobs`"))
}

/// The cluster would refuse it, and a step that may be repeated would be carried out again and again.
fn too_large(bytes: usize) -> StepError {
    StepError::permanent(
        "payload-limit",
        format!("its answer has {bytes} bytes, and a cluster carries {ANSWER_LIMIT} (2 MB)"),
    )
    .hint("let the step give less, or write it into a file or table")
}

/// An error that can travel.
pub(crate) fn shorten(mut error: StepError) -> StepError {
    let is_long = |details: &serde_json::Value| details.to_string().len() > MAX_DETAILS;
    if error.details.as_ref().is_some_and(is_long) {
        error.details =
            Some(serde_json::json!({ "leftOut": "the details are too large for the cluster" }));
    }
    if error.message.len() > MAX_DETAILS {
        let end = error.message.floor_char_boundary(MAX_DETAILS);
        error.message.truncate(end);
    }
    error
}

fn lost_value(reason: &str) -> StepError {
    StepError::permanent(
        "value-lost",
        format!("a large value of an earlier step could not be read: {reason}"),
    )
    .hint("give every worker the same folder with `--blobs`, then run the earlier step again")
}
