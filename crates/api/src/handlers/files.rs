//! Folders, recent files and texts.

use std::path::Path;

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::ApiError;
use crate::files;
use crate::workflows::{FilePath, FolderList, FolderListed, RecentFile, RecentList, TextFileSave};

/// Looks into a folder.
///
/// # Errors
///
/// If it cannot be read.
pub async fn folder_list(app: &App, request: FolderList) -> Result<FolderListed, ApiError> {
    let FolderList { path, endings } = request;
    let folder = match path {
        Some(path) => files::resolve(app, &path)?,
        None => app.config().workspace_dir.clone(),
    };
    files::blocking(move || files::list(&folder, &endings)).await
}

/// Files that were opened before.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn recent_list(app: &App, _: Nothing) -> Result<RecentList, ApiError> {
    let rows = app.store().recent_list().await?;
    files::blocking(move || {
        let files = rows
            .into_iter()
            .map(|row| RecentFile {
                exists: Path::new(&row.path).is_file(),
                path: row.path,
                name: row.name,
                at: row.at,
            })
            .collect();
        Ok(RecentList { files })
    })
    .await
}

/// Takes a file off the list of recent ones.
///
/// # Errors
///
/// If the store does not take it.
pub async fn recent_forget(app: &App, request: FilePath) -> Result<Nothing, ApiError> {
    let path = files::resolve(app, &request.path)?;
    app.store()
        .recent_forget(&path.display().to_string())
        .await?;
    Ok(Nothing {})
}

/// Writes a text file, atomically.
///
/// # Errors
///
/// If it cannot be written; what was there is then unharmed.
pub async fn text_save(app: &App, request: TextFileSave) -> Result<Nothing, ApiError> {
    let path = files::resolve(app, &request.path)?;
    files::blocking(move || files::write(&path, request.text.as_bytes())).await?;
    Ok(Nothing {})
}
