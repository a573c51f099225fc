//! Sub-workflows: finding the definition, beginning the child run, and handing back how it ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_core::document::{self, Workflow};
use baton_core::error::StepError;
use baton_core::machine::{Event, Input, Outcome, Parent};
use baton_store::RunFilter;
use serde_json::Value;

use crate::entry::{Entry, Origin};
use crate::error::EngineError;
use crate::shared::Shared;
use crate::sleep;

/// Version of a sub-workflow that is looked up by file or id.
const LATEST: &str = "latest";
/// The largest workflow file that is read.
const MAX_FILE_BYTES: u64 = document::MAX_BYTES as u64;

/// A sub-workflow that a step asks for.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) step: String,
    pub(crate) run: String,
    pub(crate) workflow: String,
    pub(crate) version: String,
    pub(crate) input: Value,
}

/// Begins `child`, or picks it up where it stands.
pub(crate) async fn begin(shared: Arc<Shared>, parent: Arc<Entry>, child: Child) {
    let (step, run) = (child.step.clone(), child.run.clone());
    let ended = match attach(&shared, &parent, child).await {
        Ok(ended) => ended,
        Err(error) => Some(Input::ChildEnded {
            step,
            run,
            outcome: Outcome::Failed,
            name: None,
            outputs: Value::Null,
            error: Some(error),
        }),
    };
    done(&shared, &parent, ended).await;
}

/// An errand for `parent` is done; from now on it may sleep.
async fn done(shared: &Arc<Shared>, parent: &Arc<Entry>, answer: Option<Input>) {
    parent.state().errands -= 1;
    match answer {
        Some(answer) => shared.send(parent, answer),
        None => sleep::rest(shared, parent).await,
    }
}

/// Stops a child of `parent`; if it is not there any more, says so in its place.
pub(crate) async fn stop(shared: Arc<Shared>, parent: Arc<Entry>, step: String, run: String) {
    let child = match shared.wake(&run).await {
        Ok(child) => Some(child),
        Err(EngineError::AlreadyEnded(_) | EngineError::NotFound(_)) => None,
        Err(error) => {
            tracing::error!(run, %error, "a sub-workflow that is to stop could not be woken");
            None
        }
    };
    let answer = match child {
        Some(child) => {
            let input = Input::Cancel {
                by: parent.plan.workflow().name.clone(),
                reason: Some("the run that waits for it was stopped".to_owned()),
                undo: false,
            };
            shared.send(&child, input);
            None
        }
        // It has not begun, or has ended; an end that is under way comes first and this one is late.
        None => Some(Input::ChildEnded {
            step,
            run,
            outcome: Outcome::Cancelled,
            name: None,
            outputs: Value::Null,
            error: None,
        }),
    };
    done(&shared, &parent, answer).await;
}

async fn attach(
    shared: &Arc<Shared>,
    parent: &Arc<Entry>,
    child: Child,
) -> Result<Option<Input>, StepError> {
    if shared.find(&child.run).is_some() {
        return Ok(None);
    }
    let known = shared
        .store
        .run(&child.run)
        .await
        .map_err(EngineError::from);
    if let Some(row) = known.map_err(EngineError::into_step_error)? {
        if row.ended_at.is_none() {
            // It is open and will be recovered, and says so itself when it ends.
            return Ok(None);
        }
        let last = shared
            .store
            .events(&child.run, row.seq.saturating_sub(1), 1)
            .await;
        let last = last.map_err(|error| EngineError::from(error).into_step_error())?;
        return Ok(last
            .into_iter()
            .next()
            .and_then(|logged| match logged.event {
                Event::RunEnded {
                    outcome,
                    name,
                    outputs,
                    error,
                } => Some(Input::ChildEnded {
                    step: child.step,
                    run: child.run,
                    outcome,
                    name,
                    outputs,
                    error,
                }),
                _ => None,
            }));
    }
    let (workflow, path) = resolve(shared, parent, &child.workflow, &child.version).await?;
    let plan = shared
        .plan(&workflow)
        .map_err(EngineError::into_step_error)?;
    let origin = Origin {
        path,
        work_dir: parent.origin.work_dir.clone(),
        parent: Some(Parent {
            run: parent.id.clone(),
            step: child.step,
        }),
        depth: parent.origin.depth + 1,
    };
    let by = Some("workflow".to_owned());
    shared
        .begin(child.run, plan, origin, child.input, by)
        .await
        .map_err(EngineError::into_step_error)?;
    Ok(None)
}

/// The definition that `name` and `version` mean, and the file it is in.
async fn resolve(
    shared: &Shared,
    parent: &Entry,
    name: &str,
    version: &str,
) -> Result<(Workflow, Option<PathBuf>), StepError> {
    if !version.is_empty() && version != LATEST {
        let text = definition(shared, version).await?;
        let text = text.ok_or_else(|| {
            StepError::permanent(
                "workflow-not-found",
                format!("version `{version}` of `{name}` was never run or saved here"),
            )
            .hint("use `latest`, or run that version once so that it is kept")
        })?;
        return Ok((parse(name, text.as_bytes())?, None));
    }
    let folder = parent.origin.path.as_deref().and_then(Path::parent);
    let folder = folder.unwrap_or(&parent.origin.work_dir).to_path_buf();
    let is_id = document::is_slug(name);
    let file = if is_id {
        folder.join(format!("{name}.baton.json"))
    } else {
        folder.join(name)
    };
    match read(file.clone()).await {
        Ok(content) => return Ok((parse(name, &content)?, Some(file))),
        Err(error) if is_id && error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(StepError::permanent(
                "workflow-not-found",
                format!("the workflow `{name}` could not be read: {error}"),
            )
            .hint("give a path that starts from the folder of this workflow"));
        }
    }
    if let Some((digest, path)) = kept(shared, name).await?
        && let Some(text) = definition(shared, &digest).await?
    {
        return Ok((parse(name, text.as_bytes())?, path));
    }
    Err(StepError::permanent(
        "workflow-not-found",
        format!("there is no workflow `{name}`"),
    )
    .hint(format!(
        "put `{name}.baton.json` beside this workflow, or give the path of a file"
    )))
}

/// The digest of the workflow with this id that was pushed here last, else of the one that ran last, and its file.
async fn kept(shared: &Shared, id: &str) -> Result<Option<(String, Option<PathBuf>)>, StepError> {
    let trouble = |error| EngineError::from(error).into_step_error();
    let pushed = shared.store.revision(id, None).await.map_err(trouble)?;
    if let Some(pushed) = pushed {
        return Ok(Some((pushed.digest, None)));
    }
    let filter = RunFilter {
        workflow: Some(id.to_owned()),
        limit: 1,
        ..RunFilter::default()
    };
    let (rows, _) = shared.store.runs(filter).await.map_err(trouble)?;
    let last = rows.into_iter().next();
    Ok(last.map(|row| (row.digest, row.path.map(PathBuf::from))))
}

async fn definition(shared: &Shared, digest: &str) -> Result<Option<String>, StepError> {
    let found = shared.store.definition(digest).await;
    found.map_err(|error| EngineError::from(error).into_step_error())
}

async fn read(file: PathBuf) -> std::io::Result<Vec<u8>> {
    let read = tokio::task::spawn_blocking(move || {
        let bytes = std::fs::metadata(&file)?.len();
        if bytes > MAX_FILE_BYTES {
            return Err(std::io::Error::other(format!(
                "it has {bytes} bytes, too many for a workflow"
            )));
        }
        std::fs::read(&file)
    });
    read.await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn parse(name: &str, content: &[u8]) -> Result<Workflow, StepError> {
    let parsed = document::parse_bytes(content).map_err(|error| {
        StepError::permanent(
            "workflow-unusable",
            format!("`{name}` is not a workflow: {error}"),
        )
        .hint("open the file in Baton to see what is wrong")
    })?;
    Ok(parsed.workflow)
}
