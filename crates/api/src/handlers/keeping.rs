//! Backups, and the check of the log.

use std::path::{Path, PathBuf};

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::keeping::{self, BackupList, BackupMake, BackupRow};
use crate::runs::{SignedAt, Verified, VerifyLog};

/// Makes a backup.
///
/// # Errors
///
/// If the log is damaged, or the disk refuses.
pub async fn backup_make(app: &App, request: BackupMake) -> Result<BackupRow, ApiError> {
    let into = request.into.map(PathBuf::from);
    if let Some(into) = &into
        && !into.is_absolute()
    {
        let message = format!("`{}` is no absolute path", into.display());
        return Err(ApiError::new(Code::BadRequest, message)
            .hint("name the folder that the backup is put into in full"));
    }
    let made = app.store().backup(into.as_deref(), "manual").await?;
    Ok(made.into())
}

/// The complete backups in the data folder.
///
/// # Errors
///
/// If the folder cannot be read.
pub async fn backup_list(app: &App, _: Nothing) -> Result<BackupList, ApiError> {
    let dir = app.config().data_dir.clone();
    let listed = tokio::task::spawn_blocking(move || keeping::backups(&dir)).await;
    Ok(BackupList {
        backups: listed.map_err(|error| ApiError::new(Code::Internal, error.to_string()))??,
        folder: folder_of(&keeping::folder(app)),
        is_daily: keeping::is_daily(app).await?,
    })
}

fn folder_of(path: &Path) -> String {
    path.display().to_string()
}

/// Checks the chain of the log, and compares it with its checkpoints and with anchors from elsewhere.
///
/// # Errors
///
/// If the store or the anchors cannot be read.
pub async fn verify(app: &App, request: VerifyLog) -> Result<Verified, ApiError> {
    let anchors = request.anchors.unwrap_or_default();
    let verified = app.store().verify_against(&anchors).await?;
    let anchor = app.store().anchor(&verified)?;
    let signed = |checkpoint: baton_store::Checkpoint| SignedAt {
        events: checkpoint.events as f64,
        at: checkpoint.at,
        key: checkpoint.key,
    };
    Ok(Verified {
        events: verified.events as f64,
        head: verified.head,
        damage: verified.damage,
        checkpoint: verified.checkpoint.map(signed),
        anchor: verified.anchor.map(signed),
        clock: verified.clock,
        keys: verified.keys,
        new_anchor: anchor.map(|anchor| anchor.line()),
    })
}
