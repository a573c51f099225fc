//! Keeping what happened: backups, and the ways back from one and out of a damaged folder.
//!
//! Making and listing backups are commands. Restoring and salvaging need a data folder that nobody uses, so they are
//! functions here, for the command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_core::Millis;
use baton_engine::{Clock, SystemClock};
use baton_store::{Backup, RunFilter, Salvaged, Store};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::handlers;

/// How often it is looked whether a daily backup is due.
const LOOK: Duration = Duration::from_secs(5 * 60);

/// A backup is due after so long, once nothing is being carried out …
const DAY_MS: Millis = 24 * 60 * 60 * 1_000;

/// … and after so long in any case.
const OVERDUE_MS: Millis = 2 * DAY_MS;

/// Where to put a backup.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct BackupMake {
    /// Folder that the backup becomes a folder in; absent: the one in the data folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
}

/// A complete backup.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct BackupRow {
    /// Its folder.
    pub path: String,
    /// When it was made.
    pub at: Millis,
    /// Why: `manual`, `daily`, `before-format-2`.
    pub reason: String,
    /// The Baton that made it.
    pub baton: String,
    /// Events in it.
    pub events: f64,
    /// Runs in it.
    pub runs: f64,
    /// Runs that had not ended.
    pub open_runs: f64,
    /// Artifacts in it.
    pub artifacts: f64,
    /// Artifacts that were damaged already and are not in it.
    pub damaged_artifacts: f64,
    /// Its size, in bytes.
    pub bytes: f64,
}

/// The backups in the data folder.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct BackupList {
    /// Newest first; only complete ones.
    pub backups: Vec<BackupRow>,
    /// The folder that they are in.
    pub folder: String,
    /// Whether one is made every day.
    pub is_daily: bool,
}

/// What a restore did.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoredBackup {
    /// The backup.
    pub backup: BackupRow,
    /// Runs that had not ended and are paused now, by their numbers.
    pub paused: Vec<u32>,
    /// Where the database that was there before is, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aside: Option<String>,
}

/// What could be saved of a damaged database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SalvagedLog {
    /// Events of the new log.
    pub events: u64,
    /// Runs of which all is there.
    pub whole_runs: u64,
    /// The first place in the old log that is missing or damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad: Option<u64>,
    /// The runs that lost something.
    pub runs: Vec<CutRun>,
    /// What else could not be read.
    pub lost: Vec<String>,
    /// Where the damaged database is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aside: Option<String>,
}

/// A run that lost something.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CutRun {
    /// Its number.
    pub number: u32,
    /// Its id, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How many of its events are there.
    pub kept: u32,
    /// How many it had, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub had: Option<u32>,
}

impl From<Backup> for BackupRow {
    fn from(backup: Backup) -> Self {
        let Backup { path, manifest } = backup;
        Self {
            path: path.display().to_string(),
            at: manifest.at,
            reason: manifest.reason,
            baton: manifest.baton,
            events: manifest.events as f64,
            runs: manifest.runs as f64,
            open_runs: manifest.open_runs as f64,
            artifacts: manifest.artifacts.len() as f64,
            damaged_artifacts: manifest.damaged_artifacts.len() as f64,
            bytes: manifest.bytes as f64,
        }
    }
}

impl From<Salvaged> for SalvagedLog {
    fn from(saved: Salvaged) -> Self {
        Self {
            events: saved.events,
            whole_runs: saved.whole_runs,
            first_bad: saved.first_bad,
            runs: saved
                .runs
                .into_iter()
                .map(|run| CutRun {
                    number: run.number,
                    id: run.id,
                    kept: run.kept,
                    had: run.had,
                })
                .collect(),
            lost: saved.lost,
            aside: saved.aside.map(|aside| aside.display().to_string()),
        }
    }
}

/// Puts the backup `from` in the place of what is in the data folder, which is put aside.
///
/// # Errors
///
/// If it is not a complete backup, somebody uses the data folder, or the disk refuses.
pub async fn restore(from: &Path, data_dir: &Path) -> Result<RestoredBackup, ApiError> {
    let restored = Store::restore(from, data_dir).await?;
    Ok(RestoredBackup {
        backup: restored.backup.into(),
        paused: restored.paused,
        aside: restored.aside.map(|aside| aside.display().to_string()),
    })
}

/// Makes a new database of what still reads in a damaged one, which is put aside.
///
/// # Errors
///
/// If there is none, somebody uses the data folder, or the disk refuses.
pub async fn salvage(data_dir: &Path) -> Result<SalvagedLog, ApiError> {
    Ok(Store::salvage(data_dir).await?.into())
}

/// The complete backups in a data folder, newest first; also in one that is used or damaged.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn backups(data_dir: &Path) -> Result<Vec<BackupRow>, ApiError> {
    let backups = Store::backups(data_dir)?;
    Ok(backups.into_iter().map(BackupRow::from).collect())
}

/// Whether others can read the key that signs the checkpoints; `None` if there is none.
pub fn is_key_open(data_dir: &Path) -> Option<bool> {
    Store::is_key_open(data_dir)
}

/// How many large values there are, and which are not what their names say.
///
/// # Errors
///
/// If they cannot be read.
pub fn damaged_values(data_dir: &Path) -> Result<(u64, Vec<String>), ApiError> {
    Ok(Store::damaged_artifacts(data_dir)?)
}

/// What the clock of this machine says.
pub fn now() -> Millis {
    SystemClock.now()
}

/// Makes daily backups for as long as the app lives.
pub(crate) fn start(app: &App) {
    let (weak, closing) = app.downgrade();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let Some(app) = weak.upgrade() else { return };
            match daily(&app).await {
                Ok(Some(made)) => tracing::info!(path = made.path, "made the daily backup"),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the daily backup could not be made"),
            }
        }
    });
}

/// Makes a backup if one is due and wanted, and nothing is being carried out.
pub(crate) async fn daily(app: &App) -> Result<Option<BackupRow>, ApiError> {
    if !is_daily(app).await? {
        return Ok(None);
    }
    let dir = app.config().data_dir.clone();
    let listed = tokio::task::spawn_blocking(move || Store::backups(&dir)).await;
    let listed = listed.map_err(|error| ApiError::new(Code::Internal, error.to_string()))??;
    let age = listed.first().map(|newest| app.now() - newest.manifest.at);
    let is_idle = count(app, Some("running")).await? == 0;
    let is_due = match age {
        None => is_idle && count(app, None).await? > 0,
        // A clock that was set back must not keep backups from being made.
        Some(age) => !(0..OVERDUE_MS).contains(&age) || (age >= DAY_MS && is_idle),
    };
    if !is_due {
        return Ok(None);
    }
    Ok(Some(app.store().backup(None, "daily").await?.into()))
}

/// How many runs there are, or how many stand there.
async fn count(app: &App, status: Option<&str>) -> Result<u32, ApiError> {
    let filter = RunFilter {
        status: status.map(str::to_owned),
        limit: 1,
        ..RunFilter::default()
    };
    Ok(app.store().runs(filter).await?.1)
}

pub(crate) async fn is_daily(app: &App) -> Result<bool, ApiError> {
    Ok(handlers::settings_of(app)
        .await?
        .daily_backup
        .unwrap_or(true))
}

/// The folder of backups.
pub(crate) fn folder(app: &App) -> PathBuf {
    app.config().data_dir.join("backups")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use baton_engine::ManualClock;
    use serde_json::json;

    use super::*;
    use crate::AppConfig;

    async fn made(app: &App) -> bool {
        match daily(app).await {
            Ok(made) => made.is_some(),
            Err(error) => panic!("{error}"),
        }
    }

    async fn run(app: &App, steps: &serde_json::Value) -> serde_json::Value {
        let document = json!({ "format": 1, "id": "w", "name": "W", "steps": steps, "edges": [] });
        let request = json!({ "document": document, "input": {} });
        app.call("run_start", request).await.expect("it starts")["run"].clone()
    }

    async fn until(app: &App, run: &serde_json::Value, status: &str) {
        let request = json!({ "run": run });
        while app.call("run_get", request.clone()).await.expect("a run")["status"] != status {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_backup_is_made_every_day_while_nothing_is_carried_out() {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::new(now());
        let mut config = AppConfig::new(dir.path().join("data"), dir.path());
        config.clock = Arc::new(clock.clone());
        let app = App::open(config).await.expect("it opens");
        assert!(!made(&app).await, "nothing has happened yet");

        let set = json!([{ "id": "a", "kind": "set_values", "with": { "values": { "x": 1 } } }]);
        let first = run(&app, &set).await;
        until(&app, &first, "succeeded").await;
        assert!(made(&app).await);
        clock.advance(3_600_000);
        assert!(!made(&app).await, "there is one of today");

        clock.advance(DAY_MS);
        let off = json!({ "panels": {}, "dailyBackup": false });
        app.call("settings_set", off).await.expect("it is kept");
        assert!(!made(&app).await, "nobody wants one");
        let on = json!({ "panels": {}, "dailyBackup": true });
        app.call("settings_set", on).await.expect("it is kept");
        assert!(made(&app).await);
        // The manifest has the instant of the machine: of one day only the newer stays.
        assert_eq!(backups(&dir.path().join("data")).expect("a list").len(), 1);
        app.shutdown().await;
    }
}
