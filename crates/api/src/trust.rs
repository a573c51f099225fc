//! Whether a document may run without asking, and what it could do.

use std::path::{Path, PathBuf};

use baton_core::document::{self, Workflow};

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::files;
use crate::workflows::{EffectLine, Trust};

/// The setting that holds the paths that Baton saved.
const SAVED: &str = "saved_paths";
/// How many of them are remembered.
const MAX_SAVED: usize = 500;

/// What a run of `workflow` could do outside.
pub(crate) fn effects(workflow: &Workflow) -> Vec<EffectLine> {
    let mut lines: Vec<EffectLine> = baton_steps::effects(workflow)
        .into_iter()
        .map(|touch| EffectLine {
            kind: touch.kind.to_owned(),
            target: touch.target,
            step: touch.step,
        })
        .collect();
    workflow.each_step(|step, _| {
        if step.kind == "workflow" {
            let target = step
                .with
                .get("workflow")
                .and_then(|name| name.as_str())
                .unwrap_or_default();
            lines.push(EffectLine {
                kind: "workflow".to_owned(),
                target: target.to_owned(),
                step: step.id.clone(),
            });
        }
    });
    lines
}

/// Made here, a sample as it was delivered, trusted in exactly this version, or without any effect outside.
pub(crate) async fn trust(
    app: &App,
    workflow: &Workflow,
    path: Option<&Path>,
) -> Result<Trust, ApiError> {
    let effects = effects(workflow);
    let digest = document::digest(workflow);
    let trusted = effects.is_empty()
        || match path {
            None => true,
            Some(path) => {
                app.store().is_trusted(&digest).await?
                    || saved(app)
                        .await?
                        .iter()
                        .any(|known| Path::new(known) == path)
                    || is_sample(app, path, &digest).await
            }
        };
    Ok(Trust { trusted, effects })
}

/// Refuses what would have to be asked about.
pub(crate) async fn require(
    app: &App,
    workflow: &Workflow,
    path: Option<&Path>,
) -> Result<(), ApiError> {
    let trust = trust(app, workflow, path).await?;
    if trust.trusted {
        return Ok(());
    }
    let count = trust.effects.len();
    let things = if count == 1 {
        "1 thing".to_owned()
    } else {
        format!("{count} things")
    };
    let message = format!(
        "`{}` was not made here and could do {things} outside Baton",
        workflow.name
    );
    Err(ApiError::new(Code::Untrusted, message)
        .hint("look at what it could do, then trust this version"))
}

/// Remembers that Baton wrote this file.
pub(crate) async fn remember(app: &App, path: &Path) -> Result<(), ApiError> {
    let path = path.display().to_string();
    let mut all = saved(app).await?;
    if all.first() == Some(&path) {
        return Ok(());
    }
    all.retain(|known| *known != path);
    all.insert(0, path);
    all.truncate(MAX_SAVED);
    app.store()
        .setting_put(SAVED, &serde_json::Value::from(all))
        .await?;
    Ok(())
}

async fn saved(app: &App) -> Result<Vec<String>, ApiError> {
    let kept = app.store().setting(SAVED).await?;
    Ok(kept
        .and_then(|paths| serde_json::from_value(paths).ok())
        .unwrap_or_default())
}

async fn is_sample(app: &App, path: &Path, digest: &str) -> bool {
    if !path.starts_with(&app.config().samples_dir) {
        return false;
    }
    let (path, digest): (PathBuf, String) = (path.to_path_buf(), digest.to_owned());
    let is_unchanged = files::blocking(move || {
        let content = files::read(&path, document::MAX_BYTES as u64)?;
        let parsed = document::parse_bytes(&content)?;
        Ok(document::digest(&parsed.workflow) == digest)
    });
    is_unchanged.await.unwrap_or(false)
}
