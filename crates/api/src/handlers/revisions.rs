//! The workflows that a server keeps by name.

use baton_core::compare::{WorkflowChanges, compare};
use baton_core::document::{self, Note, Workflow};
use baton_core::problem::Severity;
use baton_engine::EngineError;
use baton_store::{NewRevision, RevisionRow};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::events::BackendEvent;
use crate::revisions::{
    KeptLine, KeptListed, RevisionLine, RevisionPulled, RevisionsListed, WorkflowCompare,
    WorkflowCompared, WorkflowNamed, WorkflowPull, WorkflowPush, WorkflowPushed,
};

fn line(row: RevisionRow) -> RevisionLine {
    RevisionLine {
        workflow: row.workflow,
        name: row.name,
        revision: row.revision,
        digest: row.digest,
        pushed_by: row.pushed_by,
        pushed_at: row.pushed_at,
    }
}

/// The workflows that were pushed here, each with its last revision.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn workflow_kept(app: &App, _: Nothing) -> Result<KeptListed, ApiError> {
    let activations = app.store().activations().await?;
    let rows = app.store().revisions().await?;
    let workflows = rows.into_iter().map(|row| {
        let own = || {
            activations
                .iter()
                .filter(|activation| activation.workflow == row.workflow)
        };
        KeptLine {
            triggers: u32::try_from(own().count()).unwrap_or(u32::MAX),
            is_behind: own().any(|activation| activation.digest != row.digest),
            last: line(row),
        }
    });
    Ok(KeptListed {
        workflows: workflows.collect(),
    })
}

/// The revisions of a workflow, newest first.
///
/// # Errors
///
/// [`Code::NotFound`] if it was never pushed here.
pub async fn workflow_revisions(
    app: &App,
    request: WorkflowNamed,
) -> Result<RevisionsListed, ApiError> {
    let rows = app.store().revisions_of(&request.workflow).await?;
    if rows.is_empty() {
        return Err(nothing(&request.workflow, None));
    }
    Ok(RevisionsListed {
        revisions: rows.into_iter().map(line).collect(),
    })
}

fn nothing(workflow: &str, revision: Option<u32>) -> ApiError {
    let message = match revision {
        Some(revision) => format!("there is no revision {revision} of `{workflow}` here"),
        None => format!("there is no workflow `{workflow}` here"),
    };
    ApiError::new(Code::NotFound, message)
        .hint("`baton workflows` lists what was pushed, `baton push` pushes a file")
}

/// A workflow as it was pushed.
///
/// # Errors
///
/// [`Code::NotFound`] if there is no such revision.
pub async fn workflow_pull(app: &App, request: WorkflowPull) -> Result<RevisionPulled, ApiError> {
    let WorkflowPull { workflow, revision } = request;
    let row = app.store().revision(&workflow, revision).await?;
    let row = row.ok_or_else(|| nothing(&workflow, revision))?;
    Ok(RevisionPulled {
        document: read(app, &row).await?,
        line: line(row),
    })
}

/// What a digest leaves out.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Look {
    schema: Option<String>,
    layout: IndexMap<String, [f64; 2]>,
    notes: Vec<Note>,
}

/// The document of a revision. Definitions are kept once, whatever they look like: the look of the revision goes in.
async fn read(app: &App, row: &RevisionRow) -> Result<Workflow, ApiError> {
    let damaged = |why: String| {
        let RevisionRow {
            workflow, revision, ..
        } = row;
        let message = format!("revision {revision} of `{workflow}` cannot be read: {why}");
        ApiError::new(Code::Store, message).hint("check the data folder with `baton verify`")
    };
    let text = app.store().definition(&row.digest).await?;
    let text = text.ok_or_else(|| damaged("its definition is gone".to_owned()))?;
    let mut document = document::parse(&text)
        .map_err(|error| damaged(error.to_string()))?
        .workflow;
    let look: Look =
        serde_json::from_str(&row.layout).map_err(|error| damaged(error.to_string()))?;
    (document.schema, document.layout, document.notes) = (look.schema, look.layout, look.notes);
    Ok(document)
}

/// What is different from the last revision; from nothing, if there is none.
async fn changes(
    app: &App,
    last: Option<&RevisionRow>,
    document: &Workflow,
) -> Result<WorkflowChanges, ApiError> {
    let before = match last {
        Some(row) => read(app, row).await?,
        None => Workflow::new(&document.id, ""),
    };
    Ok(compare(&before, document))
}

/// What a push would change.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn workflow_compare(
    app: &App,
    request: WorkflowCompare,
) -> Result<WorkflowCompared, ApiError> {
    let document = request.document;
    let last = app.store().revision(&document.id, None).await?;
    Ok(WorkflowCompared {
        changes: changes(app, last.as_ref(), &document).await?,
        last: last.map(line),
    })
}

/// Keeps a revision of a workflow, if it follows the last one.
///
/// # Errors
///
/// [`Code::Invalid`] with the problems that would keep it from running here, [`Code::Conflict`] if the last revision is
/// another one than `base`: nothing was kept.
pub async fn workflow_push(app: &App, request: WorkflowPush) -> Result<WorkflowPushed, ApiError> {
    let WorkflowPush { document, base } = request;
    app.engine()?;
    let problems: Vec<_> = baton_core::validate::validate(&document, app.catalog(), Vec::new())
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error)
        .collect();
    if !problems.is_empty() {
        return Err(EngineError::Invalid(problems).into());
    }
    let last = app.store().revision(&document.id, None).await?;
    if last.as_ref().map_or(0, |row| row.revision) != base {
        return Err(moved(last.as_ref(), &document.id, base));
    }
    let changes = changes(app, last.as_ref(), &document).await?;
    if let Some(row) = last
        .clone()
        .filter(|_| changes.is_same() && !changes.layout)
    {
        return Ok(WorkflowPushed {
            line: line(row),
            changes,
            is_unchanged: true,
        });
    }
    let digest = document::digest(&document);
    let internal = |error: serde_json::Error| ApiError::new(Code::Internal, error.to_string());
    let row = RevisionRow {
        workflow: document.id.clone(),
        revision: base + 1,
        name: document.name.clone(),
        layout: serde_json::to_string(&Look {
            schema: document.schema.clone(),
            layout: document.layout.clone(),
            notes: document.notes.clone(),
        })
        .map_err(internal)?,
        digest: digest.clone(),
        pushed_by: app.person(),
        pushed_at: app.now(),
    };
    let new = NewRevision {
        base,
        text: document::print(&document),
        row: row.clone(),
    };
    if app.store().revision_put(new).await?.is_none() {
        let last = app.store().revision(&document.id, None).await?;
        return Err(moved(last.as_ref(), &document.id, base));
    }
    // Whoever may push may let the server do what the workflow does.
    app.store().trust_put(&digest, app.now()).await?;
    app.publish(BackendEvent::WorkflowsChanged);
    Ok(WorkflowPushed {
        line: line(row),
        changes,
        is_unchanged: false,
    })
}

fn moved(last: Option<&RevisionRow>, workflow: &str, base: u32) -> ApiError {
    let message = match last {
        Some(row) => format!(
            "`{workflow}` is at revision {} here since `{}` pushed it, not at {base}",
            row.revision, row.pushed_by
        ),
        None => format!("`{workflow}` was never pushed here, so there is no revision {base}"),
    };
    ApiError::new(Code::Conflict, message)
        .hint("nothing was kept: pull it, put the changes together, and push again")
}
