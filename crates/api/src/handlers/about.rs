//! The program, its kinds of step and its samples.

use std::path::{Path, PathBuf};

use baton_core::document;
use baton_core::step_kind::StepKind;
use serde_json::Map;

use crate::app::App;
use crate::catalog::{AppInfo, CatalogList, KindInfo, Nothing, SampleInfo, SampleList};
use crate::error::ApiError;
use crate::files;

/// What runs here.
///
/// # Errors
///
/// None.
pub async fn app_info(app: &App, _: Nothing) -> Result<AppInfo, ApiError> {
    Ok(AppInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_dir: app.config().data_dir.display().to_string(),
        platform: std::env::consts::OS.to_owned(),
        person: app.person(),
        read_only: app.read_only().map(ToString::to_string),
        owner: app.owner(),
        user: app.caller().shown(),
    })
}

/// All kinds of step.
///
/// # Errors
///
/// None.
pub async fn catalog_list(app: &App, _: Nothing) -> Result<CatalogList, ApiError> {
    Ok(CatalogList {
        kinds: app.catalog().all().map(kind_info).collect(),
    })
}

fn kind_info(kind: &StepKind) -> KindInfo {
    let empty = Map::new();
    KindInfo {
        kind: kind.kind.to_owned(),
        title: kind.title.to_owned(),
        summary: kind.summary.to_owned(),
        category: kind.category,
        icon: kind.icon.to_owned(),
        ports: kind.ports_of(&empty),
        effect: (kind.effect)(&empty),
        is_control: kind.is_control,
        is_container: kind.is_container,
        form: kind.form.clone(),
        schema: kind.schema.clone(),
        output: kind
            .output
            .iter()
            .map(|(name, words)| ((*name).to_owned(), (*words).to_owned()))
            .collect(),
    }
}

/// The sample workflows. A file that is no workflow is left out.
///
/// # Errors
///
/// If the folder of samples cannot be read; a missing one is empty.
pub async fn sample_list(app: &App, _: Nothing) -> Result<SampleList, ApiError> {
    if let Some(samples) = app.cached_samples() {
        return Ok(samples);
    }
    let (folder, catalog) = (app.config().samples_dir.clone(), app.catalog().clone());
    let samples = files::blocking(move || {
        let mut samples = Vec::new();
        for path in sample_files(&folder)? {
            let content = files::read(&path, document::MAX_BYTES as u64)?;
            let Ok(parsed) = document::parse_bytes(&content) else {
                tracing::warn!(path = %path.display(), "the sample is not a workflow");
                continue;
            };
            let workflow = parsed.workflow;
            let mut steps = 0;
            workflow.each_step(|_, _| steps += 1);
            let about = workflow.about.clone().unwrap_or_default();
            samples.push(SampleInfo {
                id: workflow.id.clone(),
                name: workflow.name.clone(),
                purpose: about.purpose.unwrap_or_default(),
                tags: about.tags.unwrap_or_default(),
                path: path.display().to_string(),
                steps,
                svg: baton_interop::svg(&workflow, &catalog),
            });
        }
        Ok(SampleList { samples })
    })
    .await?;
    app.cache_samples(samples.clone());
    Ok(samples)
}

fn sample_files(folder: &Path) -> Result<Vec<PathBuf>, ApiError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let listed = files::list(folder, &[".baton.json".to_owned()])?;
    Ok(listed
        .entries
        .into_iter()
        .filter(|entry| !entry.is_folder)
        .map(|entry| PathBuf::from(entry.path))
        .collect())
}
