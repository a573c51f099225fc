//! Going along with a run of a server: what happened by now, and what happens from then on.

use std::time::Duration;

use baton_api::baton_core::document::Workflow;
use baton_api::baton_core::machine::{Event, Logged};
use baton_api::headless::RunResult;
use baton_api::remote::{Events, Remote, RemoteError};
use baton_api::runs::{RunEventList, RunEvents, RunGet, RunStatus, RunView, StepStatus};
use baton_api::{ApiError, BackendEvent, Code};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::trouble::{Trouble, note};

/// Events that are read at once.
const PAGE: u32 = 1_000;
/// How long a server may be gone before nobody waits for it any more.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two attempts to reach it again.
const PAUSE: Duration = Duration::from_millis(500);

/// Goes along with a run from the event after `after` on, until it ends or everything that is left waits for a person
/// or an event.
pub(crate) async fn go_along(
    remote: &Remote,
    run: &str,
    after: u32,
    mut on_event: impl FnMut(&Logged),
) -> Result<RunResult, Trouble> {
    let mut walk = Walk {
        remote,
        run,
        seen: after,
        lost: None,
    };
    loop {
        match walk.until_broken(&mut on_event).await {
            Ok(Some(result)) => return Ok(result),
            // The stream broke: the server may be starting again.
            Ok(None) => walk.lost(None)?,
            Err(error) => walk.lost(Some(error))?,
        }
        sleep(PAUSE).await;
    }
}

struct Walk<'a> {
    remote: &'a Remote,
    run: &'a str,
    seen: u32,
    /// Since when the server is gone.
    lost: Option<Instant>,
}

impl Walk<'_> {
    /// `None`: nothing more is told, and the run goes on.
    async fn until_broken(
        &mut self,
        on_event: &mut impl FnMut(&Logged),
    ) -> Result<Option<RunResult>, RemoteError> {
        // Before anything is read, so that nothing is missed in between.
        let mut events = self.remote.events().await?;
        self.lost = None;
        loop {
            if let Some(result) = self.catch_up(on_event).await? {
                return Ok(Some(result));
            }
            let get = RunGet {
                run: self.run.to_owned(),
                seq: None,
                bodies: None,
            };
            let view: RunView = self.remote.call("run_get", &get).await?;
            if view.summary.ended_at.is_none() && view.seq == self.seen && is_left_to_others(&view)
            {
                return Ok(Some(waiting(view)));
            }
            if view.seq == self.seen && !self.moves_on(&mut events).await {
                return Ok(None);
            }
        }
    }

    /// Tells what is durable by now, and gives the result if the run ended.
    async fn catch_up(
        &mut self,
        on_event: &mut impl FnMut(&Logged),
    ) -> Result<Option<RunResult>, RemoteError> {
        loop {
            let request = RunEvents {
                run: self.run.to_owned(),
                after: Some(self.seen),
                limit: Some(PAGE),
            };
            let page: RunEventList = self.remote.call("run_events", &request).await?;
            if page.events.is_empty() {
                // A run that had ended before: its end is told once more.
                if self.seen > 0 && page.last == self.seen {
                    return self.ended_before().await;
                }
                return Ok(None);
            }
            for line in &page.events {
                self.seen = line.logged.seq;
                on_event(&line.logged);
                if let Some(result) = ended(self.run, &line.logged) {
                    return Ok(Some(result));
                }
            }
        }
    }

    async fn ended_before(&self) -> Result<Option<RunResult>, RemoteError> {
        let request = RunEvents {
            run: self.run.to_owned(),
            after: Some(self.seen.saturating_sub(1)),
            limit: Some(1),
        };
        let page: RunEventList = self.remote.call("run_events", &request).await?;
        let mut events = page.events.iter();
        Ok(events.find_map(|line| ended(self.run, &line.logged)))
    }

    /// Waits until something may have happened to the run; `false`: nothing more is told.
    async fn moves_on(&self, events: &mut Events) -> bool {
        while let Some(event) = events.next().await {
            match event {
                BackendEvent::RunAdvanced { summary, .. } if summary.id == self.run => return true,
                // Of a run that this one waits for, or missed.
                BackendEvent::InboxChanged | BackendEvent::Lagged => return true,
                _ => {}
            }
        }
        false
    }

    /// Waits for a server that is gone, up to a limit; refusals of the server end it at once.
    fn lost(&mut self, error: Option<RemoteError>) -> Result<(), Trouble> {
        let is_refusal = |error: &RemoteError| {
            error.name.is_none() || error.error.code != Code::TargetUnreachable
        };
        if let Some(error) = error.as_ref().filter(|error| is_refusal(error)) {
            return Err(error.clone().into());
        }
        let since = match self.lost {
            Some(since) => since,
            None => {
                note(
                    "the server does not answer; the run goes on there, and is shown as soon as it does",
                );
                *self.lost.insert(Instant::now())
            }
        };
        if since.elapsed() < PATIENCE {
            return Ok(());
        }
        Err(error.map_or_else(
            || {
                let message = format!("`{}` ends every stream of events", self.remote.url());
                ApiError::new(Code::TargetUnreachable, message)
                    .hint("look at the run with `baton runs show`, and at what stands between here and the server")
                    .into()
            },
            Trouble::from,
        ))
    }
}

fn ended(run: &str, logged: &Logged) -> Option<RunResult> {
    let Event::RunEnded {
        outcome,
        name,
        outputs,
        error,
    } = &logged.event
    else {
        return None;
    };
    Some(RunResult {
        run: run.to_owned(),
        outcome: Some(*outcome),
        name: name.clone(),
        outputs: outputs.clone(),
        error: error.clone(),
        waiting_for: Vec::new(),
    })
}

fn waiting(view: RunView) -> RunResult {
    RunResult {
        run: view.summary.id,
        outcome: None,
        name: None,
        outputs: Value::Null,
        error: None,
        waiting_for: view.summary.waiting_for,
    }
}

/// Whether everything that is left waits for a person or an event, as far as it can be seen from here. A run that waits
/// for another one is gone along with.
fn is_left_to_others(view: &RunView) -> bool {
    if view.status == RunStatus::Paused {
        // With room on the disk again it goes on by itself.
        let is_for_disk = |reason: &String| reason.starts_with("room on the disk");
        return !view.summary.waiting_for.iter().any(is_for_disk);
    }
    view.status == RunStatus::Waiting
        && view.steps.iter().all(|(path, step)| match step.status {
            StepStatus::Running => is_container(&view.document, path),
            StepStatus::Retrying | StepStatus::Cancelling | StepStatus::Undoing => false,
            StepStatus::Waiting => {
                step.question.is_some() || kind(&view.document, path) == Some("wait_for")
            }
            StepStatus::OutcomeUnknown
            | StepStatus::Succeeded
            | StepStatus::Failed
            | StepStatus::Skipped
            | StepStatus::Cancelled
            | StepStatus::Undone
            | StepStatus::UndoFailed => true,
        })
}

fn kind<'a>(document: &'a Workflow, path: &str) -> Option<&'a str> {
    let id = path.rsplit('/').next().unwrap_or(path);
    Some(document.find_step(id)?.kind.as_str())
}

fn is_container(document: &Workflow, path: &str) -> bool {
    let id = path.rsplit('/').next().unwrap_or(path);
    document
        .find_step(id)
        .is_some_and(|step| step.body.is_some())
}
