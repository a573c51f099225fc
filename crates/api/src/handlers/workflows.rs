//! Opening, checking, drawing and saving workflows. Nothing here carries anything out.

use std::collections::BTreeMap;
use std::path::Path;

use baton_core::document::{self, FORMAT, Workflow};
use baton_core::problem::Problem;

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::handlers::drafts;
use crate::workflows::{
    StepFacts, TextFile, WorkflowCheck, WorkflowChecked, WorkflowLaidOut, WorkflowLayout,
    WorkflowOpen, WorkflowOpened, WorkflowSave, WorkflowSaved, WorkflowSvg, WorkflowTrust,
};
use crate::{files, trust};

/// The revision of a file with this content.
fn revision(content: &[u8]) -> String {
    blake3::hash(content).to_hex().to_string()
}

/// Opens a file; carries nothing out.
///
/// # Errors
///
/// If it cannot be read, or is no workflow at all.
pub async fn workflow_open(app: &App, request: WorkflowOpen) -> Result<WorkflowOpened, ApiError> {
    let path = files::resolve(app, &request.path)?;
    let read = path.clone();
    let (content, is_locked, modified) = files::blocking(move || {
        let content = files::read(&read, document::MAX_BYTES as u64)?;
        let is_locked = std::fs::metadata(&read).is_ok_and(|file| file.permissions().readonly());
        Ok((content, is_locked, files::modified(&read)))
    })
    .await?;
    let parsed = document::parse_bytes(&content)?;
    let key = path.display().to_string();
    let read_only = match parsed.newer {
        Some(format) => Some(format!(
            "the file has format {format} and this Baton knows {FORMAT}: install the newer Baton to change it"
        )),
        None if is_locked => Some("the file is read-only: save it under another name".to_owned()),
        None => None,
    };
    let check = check(app, &parsed.workflow, Some(&path), parsed.problems);
    let trust = trust::trust(app, &parsed.workflow, Some(&path)).await?;
    let draft = drafts::find(app, &key).await?;
    if app.read_only().is_none() {
        app.store()
            .recent_put(&key, &parsed.workflow.name, app.now())
            .await?;
    }
    app.watch_file(&path, modified);
    Ok(WorkflowOpened {
        document: parsed.workflow,
        path: Some(key),
        revision: Some(revision(&content)),
        read_only,
        check,
        draft,
        trust,
    })
}

/// All findings about a document.
///
/// # Errors
///
/// If its path cannot be meant.
pub async fn workflow_check(
    app: &App,
    request: WorkflowCheck,
) -> Result<WorkflowChecked, ApiError> {
    let path = request
        .path
        .as_deref()
        .map(|path| files::resolve(app, path))
        .transpose()?;
    Ok(check(app, &request.document, path.as_deref(), Vec::new()))
}

pub(crate) fn check(
    app: &App,
    workflow: &Workflow,
    _path: Option<&Path>,
    parsed: Vec<Problem>,
) -> WorkflowChecked {
    let catalog = app.catalog();
    let problems = baton_core::validate::validate(workflow, catalog, parsed);
    let sizes = baton_core::layout::sizes(workflow, catalog);
    let mut steps = BTreeMap::new();
    workflow.each_step(|step, _| {
        let kind = catalog.find(&step.kind);
        steps.insert(
            step.id.clone(),
            StepFacts {
                ports: kind
                    .map(|kind| kind.ports_of(&step.with))
                    .unwrap_or_default(),
                effect: kind.map_or(baton_core::step_kind::Effect::Unsafe, |kind| {
                    (kind.effect)(&step.with)
                }),
                summary: baton_steps::summary(step),
                is_known: kind.is_some(),
                size: sizes.get(&step.id).copied().unwrap_or_default(),
            },
        );
    });
    WorkflowChecked {
        problems,
        digest: document::digest(workflow),
        steps,
        layout: baton_core::layout::layout(workflow, catalog, true),
    }
}

/// Places for all steps, anew.
///
/// # Errors
///
/// None.
pub async fn workflow_layout(
    app: &App,
    request: WorkflowLayout,
) -> Result<WorkflowLaidOut, ApiError> {
    Ok(WorkflowLaidOut {
        layout: baton_core::layout::layout(&request.document, app.catalog(), false),
    })
}

/// A picture of a document.
///
/// # Errors
///
/// None.
pub async fn workflow_svg(app: &App, request: WorkflowSvg) -> Result<TextFile, ApiError> {
    let WorkflowSvg { document } = request;
    Ok(TextFile {
        name: format!("{}.svg", document.id),
        text: baton_interop::svg(&document, app.catalog()),
    })
}

/// Lets this version run without asking.
///
/// # Errors
///
/// If the store does not take it.
pub async fn workflow_trust(app: &App, request: WorkflowTrust) -> Result<Nothing, ApiError> {
    app.store().trust_put(&request.digest, app.now()).await?;
    Ok(Nothing {})
}

/// Saves a document, atomically. What it replaces is kept among the last versions.
///
/// # Errors
///
/// [`Code::Conflict`] if the file is not the one that the edits began from.
pub async fn workflow_save(app: &App, request: WorkflowSave) -> Result<WorkflowSaved, ApiError> {
    let WorkflowSave {
        document,
        path,
        base,
        force,
        draft_key,
    } = request;
    let path = files::resolve(app, &path)?;
    if path.extension().is_none_or(|ending| ending != "json") {
        let message = format!("`{}` is not the name of a workflow file", path.display());
        return Err(
            ApiError::new(Code::BadRequest, message).hint("let the name end in `.baton.json`")
        );
    }
    if document.format > FORMAT {
        let message = format!("format {} is newer than this Baton", document.format);
        return Err(
            ApiError::new(Code::Invalid, message).hint("install the newer Baton to change it")
        );
    }
    let text = document::print(&document);
    let (data_dir, now) = (app.config().data_dir.clone(), app.now());
    let is_kept = app.read_only().is_none();
    let (written, target) = (text.clone(), path.clone());
    files::blocking(move || {
        let old = match files::read(&target, u64::MAX) {
            Ok(old) => Some(old),
            Err(error) if error.code == Code::NotFound => None,
            Err(error) => return Err(error),
        };
        let Some(old) = old else {
            return files::write(&target, written.as_bytes());
        };
        if !force && base.as_deref() != Some(revision(&old).as_str()) {
            return Err(conflict(&target, base.is_some()));
        }
        if old != written.as_bytes() {
            if is_kept {
                files::keep_version(&data_dir, &target, &old, now)?;
            }
            files::write(&target, written.as_bytes())?;
        }
        Ok(())
    })
    .await?;
    let key = path.display().to_string();
    app.watch_file(&path, files::modified(&path));
    if is_kept {
        trust::remember(app, &path).await?;
        app.store().recent_put(&key, &document.name, now).await?;
        if let Some(draft) = draft_key {
            app.store()
                .draft_discard(&drafts::kept_under(app, &draft))
                .await?;
        }
    }
    Ok(WorkflowSaved {
        path: key,
        revision: revision(text.as_bytes()),
        digest: document::digest(&document),
    })
}

fn conflict(path: &Path, has_base: bool) -> ApiError {
    let shown = path.display();
    if has_base {
        ApiError::new(Code::Conflict, format!("`{shown}` was changed by someone else since it was opened"))
            .hint("open it again to see the other version, save under another name, or overwrite it knowingly")
    } else {
        ApiError::new(Code::Conflict, format!("there is a file `{shown}` already"))
            .hint("choose another name, or overwrite it knowingly")
    }
}
