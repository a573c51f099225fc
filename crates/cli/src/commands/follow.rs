//! Going along with a run: progress while it goes on, Ctrl-C, and how it ended.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::pin;

use baton_api::baton_core::document::Workflow;
use baton_api::baton_core::machine::{Decision, Event, Logged, Outcome};
use baton_api::catalog::Nothing;
use baton_api::headless::RunResult;
use baton_api::remote::Remote;
use baton_api::runs::{RunCancel, RunGet, RunSummary, RunView};
use baton_api::{BackendEvent, Code, Member};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::args::Answer;
use crate::commands::away;
use crate::exit::Exit;
use crate::out::Out;
use crate::progress::Progress;
use crate::session::Session;
use crate::trouble::Trouble;

/// How reasons begin for which a run stands still until they are gone by themselves.
const STANDS: [&str; 2] = ["stands still:", "room on the disk"];

/// Answers by step.
pub(crate) fn answers(given: &[(String, Answer)]) -> BTreeMap<String, Decision> {
    given
        .iter()
        .map(|(step, answer)| (step.clone(), decision(*answer)))
        .collect()
}

pub(crate) fn decision(answer: Answer) -> Decision {
    match answer {
        Answer::Approved => Decision::Approved,
        Answer::Rejected => Decision::Rejected,
    }
}

/// Who carries the run out.
#[derive(Clone, Copy)]
pub(crate) enum Along<'a> {
    /// Whoever owns the data folder.
    Here(&'a Member),
    /// A server.
    Away(&'a Remote),
}

impl<'a> From<&'a Member> for Along<'a> {
    fn from(member: &'a Member) -> Self {
        Self::Here(member)
    }
}

impl Along<'_> {
    async fn ask<Q: Serialize, A: DeserializeOwned>(
        self,
        name: &str,
        request: &Q,
    ) -> Result<A, Trouble> {
        Ok(match self {
            Self::Here(member) => member.ask(name, request).await?,
            Self::Away(remote) => remote.call(name, request).await?,
        })
    }

    fn changes(self) -> Option<broadcast::Receiver<BackendEvent>> {
        match self {
            Self::Here(member) => Some(member.subscribe()),
            Self::Away(_) => None,
        }
    }

    /// How a run is left that is interrupted twice.
    fn left(self) -> &'static str {
        match self {
            Self::Here(member) if member.owner().is_some() => {
                "Interrupted: the run goes on where the data folder is open; `baton resume` goes along with it"
            }
            Self::Here(_) => {
                "Interrupted: the run is left as it is; `baton resume` goes on with it"
            }
            Self::Away(_) => {
                "Interrupted: the run goes on at the server; `baton runs show` says where it stands"
            }
        }
    }
}

/// Goes along with a run that is carried out here or elsewhere, from the event after `after` on.
pub(crate) async fn go_along(
    session: &Session,
    run: &str,
    after: u32,
    follow: &Follow,
) -> Result<Exit, Trouble> {
    if let Session::Away(remote) = session {
        let carried_out = away::go_along(remote, run, after, |logged| follow.see(logged));
        return follow.until(Along::Away(remote), carried_out).await;
    }
    let member = session.member()?;
    let carried_out = member.follow(run, BTreeMap::new(), after, |logged| follow.see(logged));
    follow.until(member, carried_out).await
}

/// Shows a run while it is carried out.
pub(crate) struct Follow {
    view: RefCell<View>,
}

struct View {
    out: Out,
    is_json: bool,
    progress: Progress,
    run: Option<String>,
}

impl Follow {
    pub(crate) fn new(out: Out, is_json: bool, workflow: Workflow) -> Self {
        let progress = Progress::new(workflow);
        Self {
            view: RefCell::new(View {
                out,
                is_json,
                progress,
                run: None,
            }),
        }
    }

    /// Of a run that was begun before.
    pub(crate) fn of(out: Out, is_json: bool, view: &RunView) -> Self {
        let follow = Self::new(out, is_json, view.document.clone());
        let mut inner = follow.view.borrow_mut();
        inner.run = Some(view.summary.id.clone());
        inner.progress.goes_on(view);
        drop(inner);
        follow
    }

    /// Shows an event.
    pub(crate) fn see(&self, logged: &Logged) {
        let mut view = self.view.borrow_mut();
        let View {
            out,
            is_json,
            progress,
            run,
        } = &mut *view;
        if let Event::RunStarted { run: id, .. } = &logged.event {
            *run = Some(id.clone());
        }
        if *is_json {
            out.json(logged);
        } else {
            progress.show(logged, out);
        }
        out.flush();
    }

    /// Waits for `work` (which calls [`see`](Self::see)) and says how the run ended. The first Ctrl-C cancels the run
    /// and takes back what was completed; the second leaves it as it is.
    pub(crate) async fn until<E: Into<Trouble>>(
        &self,
        along: impl Into<Along<'_>>,
        work: impl Future<Output = Result<RunResult, E>>,
    ) -> Result<Exit, Trouble> {
        let along = along.into();
        let mut work = pin!(work);
        let mut interrupts =
            Interrupts::listen().map_err(Trouble::io("Ctrl-C cannot be noticed"))?;
        let mut is_first = true;
        let mut changes = along.changes();
        let mut told = Vec::new();
        loop {
            tokio::select! {
                ended = work.as_mut() => return self.finish(along, ended.map_err(Into::into)?).await,
                change = next(&mut changes) => {
                    if let Some(BackendEvent::RunAdvanced { summary, .. }) = change {
                        self.say_why(&summary, &mut told);
                    }
                    continue;
                }
                () = interrupts.next() => {}
            }
            let run = self.view.borrow().run.clone();
            let Some(run) = run.filter(|_| is_first) else {
                self.say(along.left());
                return Ok(Exit::Interrupted);
            };
            is_first = false;
            self.say(
                "Cancelling: completed steps are taken back (Ctrl-C again leaves the run as it is)",
            );
            let cancel = RunCancel {
                run,
                reason: Some("interrupted".to_owned()),
                undo: true,
            };
            let cancelling = along.ask::<_, Nothing>("run_cancel", &cancel);
            // The run is shown on while the owner is asked: it may be another process, which waits to be read.
            let cancelled = tokio::select! {
                ended = work.as_mut() => return self.finish(along, ended.map_err(Into::into)?).await,
                cancelled = cancelling => cancelled,
            };
            match cancelled {
                Ok(_) => {}
                // It ended by itself in this moment.
                Err(trouble) if trouble.error().code == Code::AlreadyEnded => {}
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// Says on standard error that the run stands still and goes on by itself; each reason once.
    fn say_why(&self, summary: &RunSummary, told: &mut Vec<String>) {
        let is_ours = self.view.borrow().run.as_deref() == Some(summary.id.as_str());
        let reasons = summary.waiting_for.iter();
        for reason in reasons.filter(|reason| STANDS.iter().any(|what| reason.starts_with(what))) {
            if is_ours && !told.contains(reason) {
                told.push(reason.clone());
                crate::trouble::note(&format!("run {}: {reason}", summary.number));
            }
        }
    }

    fn say(&self, words: &str) {
        let mut view = self.view.borrow_mut();
        if !view.is_json {
            let View { out, progress, .. } = &mut *view;
            progress.note(words, out);
            out.flush();
        }
    }

    async fn finish(&self, along: Along<'_>, result: RunResult) -> Result<Exit, Trouble> {
        let exit = match result.outcome {
            Some(Outcome::Succeeded) => Exit::Success,
            Some(Outcome::Failed) => Exit::Failure,
            Some(Outcome::Cancelled) => Exit::Cancelled,
            None => Exit::Waiting,
        };
        if self.view.borrow().is_json {
            self.view.borrow_mut().out.json(&as_json(&result));
            return Ok(exit);
        }
        let get = RunGet {
            run: result.run.clone(),
            seq: None,
            bodies: None,
        };
        let now: RunView = along.ask("run_get", &get).await?;
        let mut view = self.view.borrow_mut();
        let View { out, progress, .. } = &mut *view;
        progress.end(&result, &now, out);
        Ok(exit)
    }
}

/// The next change; of a server, none comes this way.
async fn next(changes: &mut Option<broadcast::Receiver<BackendEvent>>) -> Option<BackendEvent> {
    match changes {
        Some(changes) => changes.recv().await.ok(),
        None => std::future::pending().await,
    }
}

/// The last line of `--json`.
fn as_json(result: &RunResult) -> Value {
    let outcome = match result.outcome {
        Some(Outcome::Succeeded) => "succeeded",
        Some(Outcome::Failed) => "failed",
        Some(Outcome::Cancelled) => "cancelled",
        None => "waiting",
    };
    let mut last = json!({ "run": result.run, "outcome": outcome, "outputs": result.outputs });
    if let Some(name) = &result.name {
        last["name"] = json!(name);
    }
    if let Some(error) = &result.error {
        last["error"] = json!(error);
    }
    if result.outcome.is_none() {
        last["waitingFor"] = json!(result.waiting_for);
    }
    last
}

/// Ctrl-C, and the request to end that a system sends.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Interrupts {
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
