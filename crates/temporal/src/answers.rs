//! What the cluster says of something that ended, as an answer for the machine. The worker and the reader of a history
//! use these same functions, so both see the same.

use baton_core::error::StepError;
use baton_core::machine::{Outcome, TaskResult};
use baton_core::step_kind::Effect;
use serde::de::DeserializeOwned;
use serde_json::Value;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::enums::v1::TimeoutType;
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;

use crate::host::Answer;
use crate::wire::{RunEnd, StepFailure, StepOut};

/// The value in a payload that was decoded.
pub fn read<T: DeserializeOwned>(payload: &Payload) -> Option<T> {
    serde_json::from_slice(&payload.data).ok()
}

/// A step that ended without a failure.
pub fn completed(out: StepOut) -> Answer {
    let StepOut {
        output,
        port,
        cancelled,
        logs,
    } = out;
    let result = if cancelled {
        TaskResult::Cancelled
    } else {
        TaskResult::Succeeded { output, port }
    };
    Answer::Task { result, logs }
}

/// A step that the cluster cancelled before anybody began it.
pub fn cancelled() -> Answer {
    Answer::Task {
        result: TaskResult::Cancelled,
        logs: Vec::new(),
    }
}

fn failed(error: StepError, logs: Vec<(String, String)>) -> Answer {
    Answer::Task {
        result: TaskResult::Failed(error),
        logs,
    }
}

/// A step that failed, in its own words or in those of the cluster.
pub fn step_failed(failure: &Failure, effect: Effect) -> Answer {
    let mut link = Some(failure);
    while let Some(one) = link {
        match &one.failure_info {
            Some(FailureInfo::ApplicationFailureInfo(info)) => {
                let details = info.details.as_ref().and_then(|one| one.payloads.first());
                if let Some(StepFailure { error, logs }) = details.and_then(read) {
                    return failed(error, logs);
                }
                return failed(foreign(&info.r#type, &one.message), Vec::new());
            }
            Some(FailureInfo::TimeoutFailureInfo(info)) => {
                return timed_out(info.timeout_type(), effect);
            }
            Some(FailureInfo::CanceledFailureInfo(_)) => return cancelled(),
            _ => link = one.cause.as_deref(),
        }
    }
    failed(foreign("", &failure.message), Vec::new())
}

/// An error that does not come from a step: of the connection, the limits of the cluster, another program.
fn foreign(kind: &str, message: &str) -> StepError {
    if message.contains("TMPRL1103") || message.contains("exceeded the error limit") {
        return StepError::permanent(
            "payload-limit",
            "its output is larger than the 2 MB that the cluster carries",
        )
        .hint("give the worker a folder with `--blobs`, or let the step give less");
    }
    let kind = if kind.is_empty() { "an error" } else { kind };
    StepError::new("cluster", format!("the cluster reports {kind}"))
        .hint("look at the history of the run in Temporal")
}

fn timed_out(kind: TimeoutType, effect: Effect) -> Answer {
    let error = match kind {
        TimeoutType::ScheduleToStart | TimeoutType::ScheduleToClose => StepError::new(
            "no-worker",
            "no worker carried it out before its deadline on the cluster",
        )
        .hint("start a worker for the task queue, or allow more time"),
        TimeoutType::StartToClose | TimeoutType::Heartbeat | TimeoutType::Unspecified => {
            if !effect.may_repeat() {
                return Answer::Lost;
            }
            StepError::new("worker-lost", "the worker that carried it out is gone")
                .hint("look at the log of the worker")
        }
    };
    failed(error, Vec::new())
}

/// A sub-workflow that failed, was cancelled or was ended from outside.
pub fn child_failed(failure: Option<&Failure>) -> Answer {
    let mut link = failure;
    while let Some(one) = link {
        match &one.failure_info {
            Some(FailureInfo::ApplicationFailureInfo(info)) => {
                let details = info.details.as_ref().and_then(|one| one.payloads.first());
                if let Some(end) = details.and_then(read::<RunEnd>) {
                    return Answer::Child(end);
                }
                break;
            }
            Some(FailureInfo::CanceledFailureInfo(info)) => {
                let details = info.details.as_ref().and_then(|one| one.payloads.first());
                return child_cancelled(details);
            }
            Some(FailureInfo::TerminatedFailureInfo(_) | FailureInfo::TimeoutFailureInfo(_)) => {
                break;
            }
            _ => link = one.cause.as_deref(),
        }
    }
    Answer::Child(ended(
        Outcome::Failed,
        StepError::new("sub-workflow-ended", "it was ended on the cluster")
            .hint("look at its history in Temporal"),
    ))
}

/// A sub-workflow that was cancelled.
pub fn child_cancelled(details: Option<&Payload>) -> Answer {
    Answer::Child(details.and_then(read).unwrap_or(RunEnd {
        outcome: Outcome::Cancelled,
        name: None,
        outputs: Value::Null,
        outputs_kept: None,
        error: None,
    }))
}

/// A sub-workflow that could not begin.
pub fn child_not_started(is_known: bool) -> Answer {
    let error = if is_known {
        StepError::permanent("sub-workflow", "a run with its id is there already")
    } else {
        StepError::new("sub-workflow", "the cluster did not start it")
    };
    Answer::Child(ended(Outcome::Failed, error))
}

/// A sub-workflow that is not in the library of the run.
pub fn child_unknown(name: &str, version: &str) -> Answer {
    let error = if version.is_empty() || version == "latest" {
        StepError::permanent(
            "workflow-not-found",
            format!("there is no workflow `{name}`"),
        )
        .hint(format!(
            "put `{name}.baton.json` beside this workflow, or give the path of a file"
        ))
    } else {
        StepError::permanent(
            "workflow-not-found",
            format!("version `{version}` of `{name}` was not sent along"),
        )
        .hint("use `latest`, and start the run from the folder that holds the file")
    };
    Answer::Child(ended(Outcome::Failed, error))
}

/// A sub-workflow whose input the cluster does not carry.
pub fn child_too_large() -> Answer {
    let limit = crate::wire::INPUT_LIMIT;
    let error = StepError::permanent(
        "payload-limit",
        format!("its input is larger than the {limit} bytes that a cluster carries"),
    )
    .hint("hand the data over in a table or a file, and name that in the input");
    Answer::Child(ended(Outcome::Failed, error))
}

fn ended(outcome: Outcome, error: StepError) -> RunEnd {
    RunEnd {
        outcome,
        name: None,
        outputs: Value::Null,
        outputs_kept: None,
        error: Some(error),
    }
}
