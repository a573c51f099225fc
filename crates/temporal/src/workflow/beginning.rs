//! What the host wants begun, as the cluster knows it: activities, timers, child workflows.

use std::future::{Future, poll_fn};
use std::time::Duration;

use baton_core::Millis;
use baton_core::machine::Task;
use temporalio_common::{ActivityCloseTimeouts, RetryPolicy};
use temporalio_sdk::{
    ActivityCancellationType, ActivityOptions, ChildWorkflowCancellationType, ChildWorkflowOptions,
    ParentClosePolicy, TimerOptions, TimerResult, WorkflowCancellationToken,
};
use temporalio_workflow::{ChildWorkflowStartError, StartChildWorkflowExecutionFailedCause};

use super::BatonRun;
use super::driver::{Driver, Ended, UnderWay};
use crate::answers;
use crate::host::{Answer, Op, library_name};
use crate::runner::StepRunner;
use crate::wire::{OpKey, StartInput, StepIn, Waiting};

/// How long a lost step waits before another worker carries it out.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How much longer than its own time limit a step may stay silent before the cluster calls it lost.
const MARGIN_MS: u64 = 20_000;

impl Driver {
    pub(super) fn begin(&self, op: Op, at: Millis) -> UnderWay {
        let key = op.key();
        let cancel = WorkflowCancellationToken::new();
        let ended = match op {
            Op::Step(task) | Op::Undo(task) => self.begin_task(&key, task, cancel.clone()),
            Op::Timer { timer: _, at: due } => {
                let left = u64::try_from(due.saturating_sub(at)).unwrap_or(0).max(1);
                let options = TimerOptions::builder(Duration::from_millis(left))
                    .cancellation_token(cancel.clone())
                    .summary(key.activity_id())
                    .build();
                let ctx = self.ctx.clone();
                Box::pin(async move {
                    let ended = ctx.timer(options).await;
                    (ended == TimerResult::Fired).then_some(Answer::Fired)
                })
            }
            Op::Child {
                step,
                run,
                workflow,
                version,
                input,
            } => {
                let name = library_name(&workflow, &version);
                let definition = self.input.library.get(&name).cloned();
                let definition = definition.expect("the host begins only what is in the library");
                let input = StartInput {
                    definition,
                    input,
                    seed: None,
                    by: Some("workflow".to_owned()),
                    parent: Some(Waiting {
                        run: self.run.clone(),
                        step,
                        name: self.name.clone(),
                    }),
                    depth: self.input.depth + 1,
                    log: Vec::new(),
                    is_listed: false,
                    ..self.input.clone()
                };
                self.begin_child(run, input, cancel.clone())
            }
        };
        UnderWay { key, cancel, ended }
    }

    fn begin_task(&self, key: &OpKey, task: Task, cancel: WorkflowCancellationToken) -> Ended {
        let settings = self.settings();
        let effect = task.effect;
        let kept = match self.home.keep_with(&task.with) {
            Ok(kept) => kept,
            Err(error) => panic!("{}: {}", error.code, error.message),
        };
        let limit = task
            .timeout_ms
            .map_or(settings.attempt_ms, i64::unsigned_abs);
        let start_to_close = Duration::from_millis(limit.saturating_add(MARGIN_MS));
        let schedule_to_close =
            Duration::from_millis(settings.deadline_ms.max(1)).max(Duration::from_millis(1));
        let may_repeat = effect.may_repeat();
        // What a step says goes to the machine, which retries. The cluster repeats only what was lost on the way.
        let retry = RetryPolicy::builder()
            .initial_interval(AGAIN_AFTER)
            .backoff_coefficient(2.0)
            .maximum_interval(Duration::from_secs(10))
            .maximum_attempts(u32::from(!may_repeat))
            .build();
        let options =
            ActivityOptions::with_close_timeouts(ActivityCloseTimeouts::ScheduleAndStartToClose {
                schedule_to_close,
                start_to_close: start_to_close.min(schedule_to_close),
            })
            .activity_id(key.activity_id())
            .heartbeat_timeout(Duration::from_millis(settings.heartbeat_ms))
            .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
            .cancellation_token(cancel)
            .retry_policy(retry)
            // A worker that is told to stop may be handed such a step and never begin it: then a person would be asked.
            .do_not_eagerly_execute(!may_repeat)
            .summary(format!("{}: {}", task.kind, task.step))
            .build();
        let step = StepIn {
            run: self.run.clone(),
            step: task.step,
            kind: task.kind,
            attempt: task.attempt,
            epoch: task.epoch,
            key: task.key,
            effect,
            with: if kept.is_some() {
                serde_json::Map::new()
            } else {
                (*task.with).clone()
            },
            with_kept: kept,
            timeout_ms: task.timeout_ms,
            beat_ms: settings.heartbeat_ms / 3,
        };
        let ctx = self.ctx.clone();
        Box::pin(async move {
            let work = ctx.execute_activity(StepRunner::step, step, options);
            Some(match work.await {
                Ok(out) => answers::completed(out),
                Err(error) => match error.failure() {
                    Some(failure) => answers::step_failed(failure, effect),
                    None => answers::step_failed(&Default::default(), effect),
                },
            })
        })
    }

    fn begin_child(
        &self,
        run: String,
        input: StartInput,
        cancel: WorkflowCancellationToken,
    ) -> Ended {
        let options = ChildWorkflowOptions::builder()
            .workflow_id(run)
            .task_queue(self.ctx.task_queue().to_owned())
            .cancel_type(ChildWorkflowCancellationType::WaitCancellationCompleted)
            .parent_close_policy(ParentClosePolicy::RequestCancel)
            // Never cancelled: one that has begun is asked to stop, and answers.
            .cancellation_token(WorkflowCancellationToken::new())
            .build();
        let (ctx, home) = (self.ctx.clone(), self.home.clone());
        Box::pin(async move {
            let start = ctx.start_child_workflow(BatonRun::run, input, options);
            let started = match start.await {
                Ok(started) => started,
                Err(ChildWorkflowStartError::StartFailed { cause, .. }) => {
                    let known = StartChildWorkflowExecutionFailedCause::WorkflowAlreadyExists;
                    return Some(answers::child_not_started(cause == known));
                }
                Err(_) => return Some(answers::child_not_started(false)),
            };
            let mut result = Box::pin(started.result());
            let mut is_told = false;
            let ended = poll_fn(|cx| {
                if !is_told {
                    let mut told = std::pin::pin!(cancel.cancelled());
                    if told.as_mut().poll(cx).is_ready() {
                        is_told = true;
                        temporalio_workflow::CancellableFutureWithReason::cancel_with_reason(
                            &*result,
                            "the run that waits for it was stopped".to_owned(),
                        );
                    }
                }
                result.as_mut().poll(cx)
            })
            .await;
            Some(match ended {
                Ok(end) => match home.whole_end(end) {
                    Ok(end) => Answer::Child(end),
                    // Another worker may have the folder: the workflow task fails, and is tried again.
                    Err(error) => panic!("{}: {}", error.code, error.message),
                },
                Err(error) => answers::child_failed(error.failure()),
            })
        })
    }
}

/// About how many bytes a command takes.
pub(super) fn size(op: &Op, library_bytes: usize) -> usize {
    const FIXED: usize = 1_024;
    let text = |value: &serde_json::Value| value.to_string().len();
    FIXED
        + match op {
            Op::Step(task) | Op::Undo(task) => task
                .with
                .values()
                .map(text)
                .sum::<usize>()
                .min(baton_core::table::INLINE_LIMIT),
            Op::Timer { .. } => 0,
            Op::Child { input, .. } => text(input) + library_bytes,
        }
}
