//! Putting another database in the place of the present one: from a backup, or what a damaged one still says.
//!
//! The new one is made ready in a folder of its own. From the moment that folder has its final name, the change is
//! decided: whoever opens the data folder next finishes it. What was there before is put aside, never removed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_core::machine::{Event, Logged};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use crate::backup::{self, Backup, sync_folder};
use crate::checkpoints;
use crate::error::StoreError;
use crate::events::{self, Head, OfRun};
use crate::kept_values::{self, Take};
use crate::lock::Lock;
use crate::sealing::now;
use crate::sql::{self, DATABASE};
use crate::store::ARTIFACTS;
use crate::{migrate, open};

/// Folder of a database that is ready to take the place of the present one.
const READY: &str = "restoring";

/// In it: the name of the folder that the present one is put into.
const ASIDE: &str = "aside";

const OPEN_RUNS: &str = "SELECT number, id, seq FROM runs WHERE ended_at IS NULL AND status <> 'paused' ORDER BY number";
const PAUSE: &str = "UPDATE runs SET seq = ?2, status = 'paused' WHERE number = ?1";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[OPEN_RUNS, PAUSE];

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub backup: Backup,
    /// Runs that had not ended and are paused now, by their numbers.
    pub paused: Vec<u32>,
    /// Where the database that was there before is, if there was one.
    pub aside: Option<PathBuf>,
}

/// Puts the backup `from` in the place of what is in `dir`.
pub(crate) async fn restore(from: &Path, dir: &Path) -> Result<Restored, StoreError> {
    let backup = backup::check(from).await?;
    backup::make_folder(&dir.join(ARTIFACTS))?;
    let (lock, _) = Lock::take(dir)?;
    let done = replace(from, dir, &backup).await;
    lock.give_back();
    let (paused, aside) = done?;
    Ok(Restored {
        backup,
        paused,
        aside,
    })
}

async fn replace(
    from: &Path,
    dir: &Path,
    backup: &Backup,
) -> Result<(Vec<u32>, Option<PathBuf>), StoreError> {
    let as_io = |error: std::io::Error| StoreError::from_io(&error, dir);
    let part = begin(dir)?;
    let hashes = backup.manifest.artifacts.iter();
    let hashes = hashes.map(|artifact| artifact.hash.clone()).collect();
    let (source, target) = (from.join(ARTIFACTS), dir.join(ARTIFACTS));
    let copied = tokio::task::spawn_blocking(move || {
        kept_values::copy(&source, &target, hashes, Take::Copy)
    });
    copied
        .await
        .map_err(std::io::Error::other)
        .and_then(|copied| copied)
        .map_err(as_io)?;
    for file in &backup.manifest.files {
        let content = std::fs::read(from.join(&file.name)).map_err(as_io)?;
        // Compared again: what was checked before is not what is written if the medium fails in between.
        if blake3::hash(&content).to_hex().as_str() != file.digest {
            return Err(StoreError::NoBackup {
                path: from.to_path_buf(),
                detail: format!(
                    "`{}` reads differently from one time to the next",
                    file.name
                ),
            });
        }
        backup::write(&part.join(&file.name), &content).map_err(as_io)?;
    }
    let mut conn = open::writer_options(&part, Duration::from_secs(5))
        .connect()
        .await
        .map_err(|error| sql::error(&error, &part))?;
    let paused = pause(&mut conn, &part, "restore").await;
    conn.close()
        .await
        .map_err(|error| sql::error(&error, &part))?;
    let paused = paused?;
    decide(dir, &part, "before-restore")?;
    let aside = finish(dir)?;
    Ok((paused, aside))
}

/// An empty folder to make a database ready in.
pub(crate) fn begin(dir: &Path) -> Result<PathBuf, StoreError> {
    let part = dir.join(format!("{READY}.part"));
    if part.exists() {
        std::fs::remove_dir_all(&part).map_err(|error| StoreError::from_io(&error, dir))?;
    }
    backup::make_folder(&part)?;
    Ok(part)
}

/// What is ready in `part` takes the place of the present database, now or at the next start.
pub(crate) fn decide(dir: &Path, part: &Path, why: &str) -> Result<(), StoreError> {
    let as_io = |error: std::io::Error| StoreError::from_io(&error, dir);
    let instant = jiff::Timestamp::from_millisecond(now()).unwrap_or_default();
    let name = format!("{why}-{}", instant.strftime("%Y%m%dT%H%M%S%3fZ"));
    backup::write(&part.join(ASIDE), name.as_bytes()).map_err(as_io)?;
    std::fs::File::options()
        .write(true)
        .open(part.join(DATABASE))
        .and_then(|file| file.sync_all())
        .and_then(|()| sync_folder(part))
        .and_then(|()| std::fs::rename(part, dir.join(READY)))
        .and_then(|()| sync_folder(dir))
        .map_err(as_io)
}

/// Finishes a change that was decided, if there is one, and says where the former database is. Only the owner of the
/// folder may. Each step may have been done already.
pub(crate) fn finish(dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    let ready = dir.join(READY);
    if !ready.is_dir() {
        return Ok(None);
    }
    move_in(dir, &ready).map_err(|error| StoreError::from_io(&error, dir))
}

fn move_in(dir: &Path, ready: &Path) -> std::io::Result<Option<PathBuf>> {
    let name = std::fs::read_to_string(ready.join(ASIDE))?;
    let aside = dir.join(backup::FOLDER).join(name.trim());
    if ready.join(DATABASE).exists() {
        // The log beside the database belongs to it, so it must never stand beside the new one.
        for file in [
            format!("{DATABASE}-wal"),
            format!("{DATABASE}-shm"),
            checkpoints::FILE.to_owned(),
            DATABASE.to_owned(),
        ] {
            let present = dir.join(&file);
            if present.exists() {
                std::fs::create_dir_all(&aside)?;
                std::fs::rename(&present, aside.join(&file))?;
            }
        }
        if aside.is_dir() {
            sync_folder(&aside)?;
            sync_folder(&dir.join(backup::FOLDER))?;
        }
        sync_folder(dir)?;
        let kept = ready.join(checkpoints::FILE);
        if kept.exists() {
            std::fs::rename(kept, dir.join(checkpoints::FILE))?;
        }
        std::fs::rename(ready.join(DATABASE), dir.join(DATABASE))?;
        sync_folder(dir)?;
    }
    std::fs::remove_dir_all(ready)?;
    sync_folder(dir)?;
    Ok(aside.is_dir().then_some(aside))
}

/// Pauses the runs that have not ended: what they did after this state was kept is not in it, so a person has to say
/// whether they go on.
pub(crate) async fn pause(
    conn: &mut SqliteConnection,
    dir: &Path,
    by: &str,
) -> Result<Vec<u32>, StoreError> {
    let as_store = |error: sqlx::Error| sql::error(&error, dir);
    sqlx::query(sql::begin())
        .execute(&mut *conn)
        .await
        .map_err(as_store)?;
    let mut head = Head::read(conn).await.map_err(as_store)?;
    let rows = sqlx::query(OPEN_RUNS)
        .fetch_all(&mut *conn)
        .await
        .map_err(as_store)?;
    let mut paused = Vec::new();
    for row in &rows {
        let number: u32 = row.try_get(0).map_err(as_store)?;
        let id: &str = row.try_get(1).map_err(as_store)?;
        let seq = row.try_get::<u32, _>(2).map_err(as_store)? + 1;
        let event = Event::RunPaused { by: by.to_owned() };
        let at = now();
        let encoded = events::encode(&[Logged { seq, at, event }])?;
        let of_run = OfRun {
            id,
            number,
            events: &encoded,
        };
        head = events::insert(conn, head, &[of_run])
            .await
            .map_err(as_store)?;
        sqlx::query(PAUSE)
            .bind(i64::from(number))
            .bind(i64::from(seq))
            .execute(&mut *conn)
            .await
            .map_err(as_store)?;
        paused.push(number);
    }
    sqlx::query(sql::COMMIT)
        .execute(&mut *conn)
        .await
        .map_err(as_store)?;
    Ok(paused)
}

/// A new database of the present format in `part`.
pub(crate) async fn new_database(part: &Path) -> Result<SqliteConnection, StoreError> {
    let mut conn = open::writer_options(part, Duration::from_secs(5))
        .connect()
        .await
        .map_err(|error| sql::error(&error, part))?;
    migrate::migrate(&mut conn, part, 0, migrate::MIGRATIONS).await?;
    Ok(conn)
}
