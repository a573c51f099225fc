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
use baton_api::runs::{RunCancel, RunGet, RunSummary, RunView};
use baton_api::{ApiError, BackendEvent, Code, Member};
use serde_json::{Value, json};

use crate::args::Answer;
use crate::exit::Exit;
use crate::out::Out;
use crate::progress::Progress;
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
    pub(crate) async fn until(
        &self,
        member: &Member,
        work: impl Future<Output = Result<RunResult, ApiError>>,
    ) -> Result<Exit, Trouble> {
        let mut work = pin!(work);
        let mut interrupts =
            Interrupts::listen().map_err(Trouble::io("Ctrl-C cannot be noticed"))?;
        let mut is_first = true;
        let mut changes = member.subscribe();
        let mut told = Vec::new();
        loop {
            tokio::select! {
                ended = work.as_mut() => return self.finish(member, ended?).await,
                change = changes.recv() => {
                    if let Ok(BackendEvent::RunAdvanced { summary, .. }) = change {
                        self.say_why(&summary, &mut told);
                    }
                    continue;
                }
                () = interrupts.next() => {}
            }
            let run = self.view.borrow().run.clone();
            let Some(run) = run.filter(|_| is_first) else {
                self.say(if member.owner().is_some() {
                    "Interrupted: the run goes on where the data folder is open; `baton resume` goes along with it"
                } else {
                    "Interrupted: the run is left as it is; `baton resume` goes on with it"
                });
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
            let cancelling = member.ask::<_, Nothing>("run_cancel", &cancel);
            // The run is shown on while the owner is asked: it may be another process, which waits to be read.
            let cancelled = tokio::select! {
                ended = work.as_mut() => return self.finish(member, ended?).await,
                cancelled = cancelling => cancelled,
            };
            match cancelled {
                Ok(_) => {}
                // It ended by itself in this moment.
                Err(error) if error.code == Code::AlreadyEnded => {}
                Err(error) => return Err(error.into()),
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

    async fn finish(&self, member: &Member, result: RunResult) -> Result<Exit, Trouble> {
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
        let now: RunView = member.ask("run_get", &get).await?;
        let mut view = self.view.borrow_mut();
        let View { out, progress, .. } = &mut *view;
        progress.end(&result, &now, out);
        Ok(exit)
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
