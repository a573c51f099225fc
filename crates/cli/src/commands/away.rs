//! Going along with a run of a server: what happened by now, and what happens from then on.

use std::collections::{BTreeMap, BTreeSet};
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
        family: BTreeSet::new(),
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
    /// Sub-workflows that it waits for.
    family: BTreeSet<String>,
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
            let view = self.look(self.run).await?;
            if view.seq == self.seen {
                if view.summary.ended_at.is_some() {
                    // It had ended before: its end is told once more.
                    return self.ended_before().await;
                }
                if let Some(waits) = self.left_to_others(&view).await? {
                    return Ok(Some(waiting(view, waits)));
                }
                if !self.moves_on(&mut events).await {
                    return Ok(None);
                }
            }
        }
    }

    async fn look(&self, run: &str) -> Result<RunView, RemoteError> {
        let get = RunGet {
            run: run.to_owned(),
            seq: None,
            bodies: None,
        };
        self.remote.call("run_get", &get).await
    }

    async fn page(&self, run: &str, after: u32, limit: u32) -> Result<RunEventList, RemoteError> {
        let request = RunEvents {
            run: run.to_owned(),
            after: Some(after),
            limit: Some(limit),
        };
        self.remote.call("run_events", &request).await
    }

    /// Tells what is durable by now, and gives the result if the run ended.
    async fn catch_up(
        &mut self,
        on_event: &mut impl FnMut(&Logged),
    ) -> Result<Option<RunResult>, RemoteError> {
        loop {
            let page = self.page(self.run, self.seen, PAGE).await?;
            if page.events.is_empty() {
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

    /// What the run waits for, if everything that is left of it and of the sub-workflows that it waits for is left to
    /// people and events.
    async fn left_to_others(&mut self, view: &RunView) -> Result<Option<Vec<String>>, RemoteError> {
        self.family.clear();
        let mut waits = Vec::new();
        let mut open = match left(view) {
            Some(steps) => self.children(self.run, &steps).await?,
            None => return Ok(None),
        };
        while let Some(run) = open.pop() {
            self.family.insert(run.clone());
            let child = match self.look(&run).await {
                // It was asked for, and has not begun yet.
                Err(error) if error.error.code == Code::NotFound => return Ok(None),
                child => child?,
            };
            // What follows from the end of a child is under way.
            let steps = left(&child).filter(|_| child.summary.ended_at.is_none());
            let Some(steps) = steps else {
                return Ok(None);
            };
            open.extend(self.children(&run, &steps).await?);
            waits.extend(child.summary.waiting_for);
        }
        Ok(Some(waits))
    }

    /// The runs that these steps wait for.
    async fn children(&self, run: &str, steps: &[String]) -> Result<Vec<String>, RemoteError> {
        let mut found = BTreeMap::new();
        let mut after = 0;
        while !steps.is_empty() {
            let page = self.page(run, after, PAGE).await?;
            let Some(last) = page.events.last() else {
                break;
            };
            after = last.logged.seq;
            for line in page.events {
                if let Event::ChildRequested { step, run, .. } = line.logged.event
                    && steps.contains(&step)
                {
                    // The last attempt counts.
                    found.insert(step, run);
                }
            }
        }
        Ok(found.into_values().collect())
    }

    async fn ended_before(&self) -> Result<Option<RunResult>, RemoteError> {
        let page = self.page(self.run, self.seen.saturating_sub(1), 1).await?;
        let mut events = page.events.iter();
        Ok(events.find_map(|line| ended(self.run, &line.logged)))
    }

    /// Waits until something may have happened to the run; `false`: nothing more is told.
    async fn moves_on(&self, events: &mut Events) -> bool {
        while let Some(event) = events.next().await {
            match event {
                BackendEvent::RunAdvanced { summary, .. }
                    if summary.id == self.run || self.family.contains(&summary.id) =>
                {
                    return true;
                }
                BackendEvent::Lagged => return true,
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

fn waiting(view: RunView, of_children: Vec<String>) -> RunResult {
    let mut waiting_for = view.summary.waiting_for;
    waiting_for.extend(of_children);
    RunResult {
        run: view.summary.id,
        outcome: None,
        name: None,
        outputs: Value::Null,
        error: None,
        waiting_for,
    }
}

/// The steps that wait for sub-workflows, if everything that is left waits for those, a person or an event; `None` if
/// the run goes on by itself.
fn left(view: &RunView) -> Option<Vec<String>> {
    if view.status == RunStatus::Paused {
        // With room on the disk again, or at the next start, it goes on by itself.
        let is_for_now = |reason: &String| reason.starts_with("room on the disk");
        let goes_on = view.summary.waiting_for.iter().any(is_for_now);
        return (!goes_on).then(Vec::new);
    }
    let mut children = Vec::new();
    let mut is_waiting = false;
    for (path, step) in &view.steps {
        match step.status {
            StepStatus::Succeeded
            | StepStatus::Failed
            | StepStatus::Skipped
            | StepStatus::Cancelled
            | StepStatus::Undone
            | StepStatus::UndoFailed => continue,
            StepStatus::Running if is_container(&view.document, path) => continue,
            StepStatus::Running
            | StepStatus::Retrying
            | StepStatus::Cancelling
            | StepStatus::Undoing => return None,
            StepStatus::OutcomeUnknown => {}
            StepStatus::Waiting if step.question.is_some() => {}
            StepStatus::Waiting => match kind(&view.document, path) {
                Some("wait_for") => {}
                Some("workflow") => children.push(path.clone()),
                _ => return None,
            },
        }
        is_waiting = true;
    }
    is_waiting.then_some(children)
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
