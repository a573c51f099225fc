//! One attempt of a task, for every host: time limit, cancellation with a grace, lines on the way, and a defect in a
//! step ends that step alone.

use std::time::Duration;

use baton_core::duration;
use baton_core::error::StepError;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::context::TaskOutput;

/// How long a task that was told to stop may take before it is dropped.
pub const GRACE: Duration = Duration::from_secs(10);

/// What holds for one attempt.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The longest it may take, in milliseconds.
    pub timeout_ms: Option<i64>,
    /// Tells it to stop; cancelled here as well, once its time is over.
    pub cancel: CancellationToken,
    /// How long it may take to stop before it is dropped.
    pub grace: Duration,
}

impl Terms {
    /// The usual grace.
    pub fn new(timeout_ms: Option<i64>, cancel: CancellationToken) -> Self {
        Self {
            timeout_ms,
            cancel,
            grace: GRACE,
        }
    }
}

/// How an attempt ended.
#[derive(Debug, PartialEq)]
pub enum Attempted {
    /// With an output, however late.
    Succeeded(TaskOutput),
    /// With an error; `timeout` if its time was over.
    Failed(StepError),
    /// Because it was told to stop.
    Cancelled,
}

/// Carries `work` out until it ends, or does not stop in time after it was told to. `sleep` waits for the time limit by
/// the clock of the host; `tell` gets every line that comes while it works.
///
/// Dropped with the future: nothing goes on behind a host that is gone.
pub async fn attempt<W, S>(
    work: W,
    terms: Terms,
    sleep: impl FnOnce(i64) -> S,
    mut lines: UnboundedReceiver<(String, String)>,
    mut tell: impl FnMut(String, String),
) -> Attempted
where
    W: Future<Output = Result<TaskOutput, StepError>> + Send + 'static,
    S: Future<Output = ()>,
{
    let Terms {
        timeout_ms,
        cancel,
        grace,
    } = terms;
    // On a task of its own, so that a defect in a step ends that step and not the run.
    let mut work = AbortOnDropHandle::new(tokio::spawn(work));
    let limit = async {
        match timeout_ms {
            Some(ms) => sleep(ms).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(limit);
    let grace = async {
        cancel.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::pin!(grace);
    let mut is_late = false;
    let ended = loop {
        tokio::select! {
            biased;
            Some((level, message)) = lines.recv() => tell(level, message),
            ended = &mut work => break Some(ended),
            () = &mut limit, if !is_late => {
                is_late = true;
                cancel.cancel();
            }
            () = &mut grace => {
                work.abort();
                break None;
            }
        }
    };
    while let Ok((level, message)) = lines.try_recv() {
        tell(level, message);
    }
    let ended = match ended {
        Some(Ok(ended)) => Some(ended),
        Some(Err(error)) if error.is_panic() => return Attempted::Failed(defect()),
        Some(Err(_)) | None => None,
    };
    match (ended, timeout_ms.filter(|_| is_late)) {
        (Some(Ok(output)), _) => Attempted::Succeeded(output),
        (_, Some(ms)) => Attempted::Failed(out_of_time(ms)),
        (Some(Err(error)), None) if cancel.is_cancelled() && error.code == "cancelled" => {
            Attempted::Cancelled
        }
        (Some(Err(error)), None) => Attempted::Failed(error),
        (None, None) => Attempted::Cancelled,
    }
}

fn defect() -> StepError {
    StepError::permanent("defect", "the step stopped because of a defect in Baton")
        .hint("please report it, with the log of the run")
}

fn out_of_time(ms: i64) -> StepError {
    StepError::new(
        "timeout",
        format!("it did not end within {}", duration::format_ms(ms)),
    )
    .hint("give it a longer `timeout`, or let it retry")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::sync::mpsc;

    async fn tried<W>(
        work: W,
        timeout_ms: Option<i64>,
        cancel: &CancellationToken,
    ) -> (Attempted, Vec<String>)
    where
        W: Future<Output = Result<TaskOutput, StepError>> + Send + 'static,
    {
        let (log, lines) = mpsc::unbounded_channel();
        log.send(("info".to_owned(), "begun".to_owned()))
            .expect("somebody listens");
        let terms = Terms {
            grace: Duration::from_millis(20),
            ..Terms::new(timeout_ms, cancel.clone())
        };
        let sleep = |ms: i64| tokio::time::sleep(Duration::from_millis(ms.unsigned_abs()));
        let mut told = Vec::new();
        let ended = attempt(work, terms, sleep, lines, |_, line| told.push(line)).await;
        (ended, told)
    }

    fn code(ended: Attempted) -> String {
        match ended {
            Attempted::Failed(error) => error.code,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_output_counts_and_lines_are_handed_on() {
        let cancel = CancellationToken::new();
        let work = async { Ok(TaskOutput::new(json!(1))) };
        let (ended, told) = tried(work, Some(60_000), &cancel).await;
        assert_eq!(ended, Attempted::Succeeded(TaskOutput::new(json!(1))));
        assert_eq!(told, ["begun"]);
        assert!(!cancel.is_cancelled());
    }

    #[tokio::test]
    async fn a_defect_ends_the_attempt_alone() {
        let cancel = CancellationToken::new();
        let work = async { panic!("a defect in a step") };
        let (ended, _) = tried(work, None, &cancel).await;
        assert_eq!(code(ended), "defect");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_told_to_stop_and_is_a_timeout() {
        let cancel = CancellationToken::new();
        let told = cancel.clone();
        let work = async move {
            told.cancelled().await;
            Err(StepError::new("cancelled", "it was told to stop"))
        };
        let (ended, _) = tried(work, Some(5), &cancel).await;
        assert_eq!(code(ended), "timeout");
    }

    #[tokio::test]
    async fn an_output_that_comes_late_still_counts() {
        let cancel = CancellationToken::new();
        let told = cancel.clone();
        let work = async move {
            told.cancelled().await;
            Ok(TaskOutput::new(json!("late")))
        };
        let (ended, _) = tried(work, Some(5), &cancel).await;
        assert_eq!(ended, Attempted::Succeeded(TaskOutput::new(json!("late"))));
    }

    #[tokio::test]
    async fn what_does_not_stop_is_dropped_after_the_grace() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let (ended, _) = tried(std::future::pending(), None, &cancel).await;
        assert_eq!(ended, Attempted::Cancelled);
        let cancel = CancellationToken::new();
        let (ended, _) = tried(std::future::pending(), Some(5), &cancel).await;
        assert_eq!(code(ended), "timeout");
    }
}
