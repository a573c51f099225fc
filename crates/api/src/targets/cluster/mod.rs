//! A Temporal cluster as a target: the program for clusters is asked, and what it tells becomes runs as they are here.
//!
//! * [`sidecar`]: the program while it runs; [`program`]: where it is. * [`shown`]: a run put together from its log.
//! * [`follow`]: runs that somebody looks at; [`lists`]: all of them. * [`acts`]: what is asked, command by command.
//!
//! # Invariants
//!
//! * A run is read through the same machine and the same views as one of this computer; no worker is needed for it.
//! * What may do harm twice is asked once.

mod acts;
mod follow;
mod lists;
pub(crate) mod program;
mod shown;
mod sidecar;
mod trouble;

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_core::document::Workflow;
use baton_core::elsewhere::{self, Around};
use baton_core::problem::Problem;
use baton_sidecar::{Ask, Finding};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::events::BackendEvent;
use follow::Runs;
use lists::Lists;
use sidecar::{Launch, Sidecar, Unanswered};

use super::kept::Kept;
use super::{TargetAbilities, TargetChecked, TargetFinding, TargetPlace};

/// A connection to a cluster.
#[derive(Debug)]
pub(crate) struct ClusterLine(Arc<Cluster>);

#[derive(Debug)]
struct Cluster {
    id: String,
    name: String,
    queue: String,
    arguments: Vec<OsString>,
    key: Option<String>,
    /// The program, while it runs.
    side: tokio::sync::Mutex<Option<Arc<Sidecar>>>,
    /// One run is begun to be followed at a time.
    following: tokio::sync::Mutex<()>,
    runs: Mutex<Runs>,
    lists: Mutex<Lists>,
    closed: CancellationToken,
}

impl ClusterLine {
    #[expect(clippy::unnecessary_wraps, reason = "as lines to servers")]
    pub(crate) fn open(_: &App, target: &Kept, secret: Option<String>) -> Result<Self, ApiError> {
        let queue = match &target.place {
            TargetPlace::Temporal { task_queue, .. } => task_queue.clone(),
            TargetPlace::Server { .. } => String::new(),
        };
        Ok(Self(Arc::new(Cluster {
            id: target.id.clone(),
            name: target.name.clone(),
            queue,
            arguments: target.place.cluster_arguments(),
            key: secret,
            side: tokio::sync::Mutex::default(),
            following: tokio::sync::Mutex::default(),
            runs: Mutex::default(),
            lists: Mutex::default(),
            closed: CancellationToken::new(),
        })))
    }

    pub(crate) async fn call(
        &self,
        app: &App,
        command: &str,
        request: Value,
    ) -> Result<Value, ApiError> {
        Box::pin(acts::call(&self.0, app, command, request)).await
    }

    /// Looks whether runs can go there.
    pub(crate) async fn check(&self, app: &App) -> TargetChecked {
        let can = TargetAbilities {
            reset: true,
            pause: true,
            person: Some(app.person()),
        };
        let asked = self.0.try_ask(app, &Ask::Check).await;
        let found = asked.and_then(|done| {
            let found: Result<Vec<Finding>, _> = serde_json::from_value(done);
            found.map_err(|error| Unanswered::NotStarted(error.to_string()))
        });
        let findings: Vec<TargetFinding> = match found {
            Ok(found) => found.into_iter().map(finding).collect(),
            Err(why) => {
                let code = match &why {
                    Unanswered::Failed(failure) => failure.code.clone(),
                    Unanswered::Missing(_) => "no-temporal-program".to_owned(),
                    _ => "temporal-program".to_owned(),
                };
                let error = self.0.error(why, true);
                vec![TargetFinding {
                    code,
                    ok: false,
                    message: error.message,
                    hint: error.hint,
                }]
            }
        };
        // Without a worker runs wait, and without search attributes lists know less.
        let is_optional = |code: &str| matches!(code, "no-worker" | "search-attributes");
        TargetChecked {
            ok: findings.iter().all(|one| one.ok || is_optional(&one.code)),
            findings,
            can,
        }
    }

    /// Ends the program; what runs on the cluster goes on.
    pub(crate) async fn close(&self) {
        self.0.closed.cancel();
        self.0.side.lock().await.take();
        *self.0.runs() = Runs::default();
        *self.0.lists() = Lists::default();
    }
}

impl Drop for ClusterLine {
    fn drop(&mut self) {
        self.0.closed.cancel();
    }
}

fn finding(one: Finding) -> TargetFinding {
    TargetFinding {
        code: one.code,
        ok: one.ok,
        message: one.message,
        hint: (!one.hint.is_empty()).then(|| trouble::for_targets(&one.hint)),
    }
}

/// What a workflow in `folder` does otherwise on a cluster.
pub(crate) fn problems(document: &Workflow, folder: &Path) -> Vec<Problem> {
    let is_beside = |name: &str| folder.join(elsewhere::file_of(name)).is_file();
    let around = Around {
        is_beside: Some(&is_beside),
        input: None,
    };
    elsewhere::on_cluster(document, around)
}

impl Cluster {
    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells front ends what changed there.
    fn publish(&self, app: &App, event: BackendEvent) {
        app.publish(BackendEvent::Target {
            target: self.id.clone(),
            event: Box::new(event),
        });
    }

    /// The program; started if it does not run.
    async fn side(self: &Arc<Self>, app: &App) -> Result<Arc<Sidecar>, Unanswered> {
        if self.closed.is_cancelled() {
            return Err(Unanswered::NotStarted("the target was changed".to_owned()));
        }
        let mut side = self.side.lock().await;
        if let Some(there) = side.as_ref().filter(|there| there.is_there()) {
            return Ok(there.clone());
        }
        let program = program::cluster_program().map_err(Unanswered::Missing)?;
        let launch = Launch {
            program,
            arguments: self.arguments.clone(),
            key: self.key.clone(),
        };
        let cluster = Arc::downgrade(self);
        let (weak, _) = app.downgrade();
        let started = Sidecar::start(&launch, move |heard| {
            if let (Some(cluster), Some(app)) = (cluster.upgrade(), weak.upgrade()) {
                cluster.hear(&app, heard);
            }
        });
        let started = Arc::new(started.await?);
        *side = Some(started.clone());
        Ok(started)
    }

    async fn try_ask(self: &Arc<Self>, app: &App, ask: &Ask) -> Result<Value, Unanswered> {
        let first = self.side(app).await?.ask(ask).await;
        if !matches!(first, Err(Unanswered::Gone(_))) || !may_repeat(ask) {
            return first;
        }
        let again = self.side(app).await?.ask(ask).await;
        match (&again, ask) {
            // It was started the first time.
            (Err(Unanswered::Failed(failure)), Ask::Start { run: Some(run), .. })
                if failure.code == "run-exists" =>
            {
                Ok(serde_json::json!({ "run": run, "runId": "" }))
            }
            _ => again,
        }
    }

    async fn ask<T: DeserializeOwned>(
        self: &Arc<Self>,
        app: &App,
        ask: Ask,
    ) -> Result<T, ApiError> {
        let done = self.try_ask(app, &ask).await;
        let done = done.map_err(|why| self.error(why, may_repeat(&ask)))?;
        serde_json::from_value(done).map_err(|error| {
            let message = format!(
                "target `{}`: the program for clusters answers in another form: {error}",
                self.name
            );
            ApiError::new(Code::TargetDiffers, message)
                .hint("use `baton` and `baton-temporal` of one build")
        })
    }

    /// Why nothing came of a question, for callers. `is_harmless`: it may be asked again, whatever became of it.
    fn error(&self, why: Unanswered, is_harmless: bool) -> ApiError {
        let name = &self.name;
        match why {
            Unanswered::Failed(failure) => trouble::of_failure(name, failure),
            Unanswered::Missing(error) => ApiError {
                message: format!("target `{name}`: {}", error.message),
                ..error
            },
            Unanswered::NotStarted(why) => trouble::gone(name, &why),
            Unanswered::Silent if is_harmless => trouble::gone(name, "it does not answer"),
            Unanswered::Silent => trouble::lost(name, "it does not answer"),
            Unanswered::Gone(why) if is_harmless => trouble::gone(name, &why),
            Unanswered::Gone(why) => trouble::lost(name, &why),
        }
    }
}

/// Whether asking twice does nothing more than asking once.
fn may_repeat(ask: &Ask) -> bool {
    match ask {
        // It has an id of its own: nothing of this name is started twice, no event is heard twice.
        Ask::Start { run, .. } => run.is_some(),
        Ask::Tell { command, .. } => matches!(command, baton_sidecar::Command::Signal { .. }),
        Ask::Reset { .. } => false,
        Ask::List(_)
        | Ask::Log { .. }
        | Ask::Follow { .. }
        | Ask::CatchUp { .. }
        | Ask::Unfollow { .. }
        | Ask::Check
        | Ask::Blob { .. }
        | Ask::Table { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_asked_once() {
        let run = "r".to_owned();
        let reset = Ask::Reset {
            run: run.clone(),
            step: "s".to_owned(),
            reason: String::new(),
        };
        assert!(!may_repeat(&reset));
        let command = baton_sidecar::Command::Pause {
            by: "kim".to_owned(),
        };
        assert!(!may_repeat(&Ask::Tell { run, command }));
        assert!(may_repeat(&Ask::Check));
    }
}
