//! Copies of a data folder that can be trusted.
//!
//! A backup is a folder: the database, the artifacts that its log refers to, the checkpoints of the log, and last a
//! manifest with the digest of each. It is made under a name that is never listed (`….part`), flushed, opened and
//! checked as a whole, and only then gets its own name: what is listed is complete.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_core::Millis;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::checkpoints::{self, Lines, Signer};
use crate::error::StoreError;
use crate::kept_values::{self, Take};
use crate::migrate::FORMAT;
use crate::sealing::now;
use crate::sql::{self, DATABASE};
use crate::store::ARTIFACTS;
use crate::verify::{self, Against};

/// Folder of backups in the data folder.
pub(crate) const FOLDER: &str = "backups";

const MANIFEST: &str = "manifest.json";

/// Ending of what is not complete.
const PART: &str = ".part";

const COPY: &str = "VACUUM INTO ?1";
const RUNS: &str = "SELECT count(*), count(*) - count(ended_at) FROM runs";
const VERSION: &str = "PRAGMA user_version";

pub(crate) const QUICK_CHECK: &str = "PRAGMA quick_check(1)";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[RUNS, VERSION];

/// What is in a backup, as its manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Format of the manifest.
    pub format: u32,
    /// The Baton that made it.
    pub baton: String,
    /// When.
    pub at: Millis,
    /// Why: `manual`, `daily`, `before-format-2`.
    pub reason: String,
    /// Format of the database.
    pub database_format: u32,
    /// Events in the log.
    pub events: u64,
    /// Hash of the last one, in hex.
    pub head: Option<String>,
    /// Runs.
    pub runs: u64,
    /// Runs that had not ended.
    pub open_runs: u64,
    /// Size of everything, in bytes.
    pub bytes: u64,
    /// Digests of database and checkpoints, by name.
    pub files: Vec<KeptFile>,
    /// The artifacts; each is named by its digest.
    pub artifacts: Vec<KeptArtifact>,
    /// Artifacts that were damaged already and are not in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged_artifacts: Vec<String>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its blake3, in hex.
    pub digest: String,
}

/// An artifact in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptArtifact {
    /// Its hash.
    pub hash: String,
    /// Its size.
    pub bytes: u64,
}

/// A complete backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its folder.
    pub path: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
}

/// Copies the data folder `dir`, also while it is in use, into a new folder in `into`.
pub(crate) async fn make(dir: &Path, into: &Path, reason: &str) -> Result<Backup, StoreError> {
    make_folder(into)?;
    let at = now();
    let instant = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    let name = format!("baton-{}-{reason}", instant.strftime("%Y%m%dT%H%M%S%3fZ"));
    let part = into.join(format!("{name}{PART}"));
    let made = fill(dir, &part, at, reason).await;
    let path = into.join(name);
    let finished = made.and_then(|manifest| {
        std::fs::rename(&part, &path)
            .and_then(|()| sync_folder(into))
            .map_err(|error| StoreError::from_io(&error, into))?;
        Ok(Backup { path, manifest })
    });
    if finished.is_err() {
        // What is left under this name is never taken for a backup, so it is only in the way.
        drop(std::fs::remove_dir_all(&part));
    }
    finished
}

async fn fill(dir: &Path, part: &Path, at: Millis, reason: &str) -> Result<Manifest, StoreError> {
    let as_io = |error: std::io::Error| StoreError::from_io(&error, part);
    make_folder(part)?;
    let copy = part.join(DATABASE);
    let mut source = SqliteConnectOptions::new()
        .filename(dir.join(DATABASE))
        .read_only(true)
        .busy_timeout(Duration::from_secs(5))
        .connect()
        .await
        .map_err(|error| sql::error(&error, dir))?;
    let copied = sqlx::query(COPY)
        .bind(copy.to_string_lossy())
        .execute(&mut source)
        .await
        .map_err(|error| sql::error(&error, dir));
    source
        .close()
        .await
        .map_err(|error| sql::error(&error, dir))?;
    copied?;
    // SQLite does not flush the copy. Flushing needs a handle that may write, on Windows at least.
    File::options()
        .write(true)
        .open(&copy)
        .and_then(|file| file.sync_all())
        .map_err(as_io)?;
    let mut conn = connect(&copy).await?;
    let looked = look(&mut conn, part).await;
    conn.close()
        .await
        .map_err(|error| sql::error(&error, part))?;
    let looked = looked?;
    if let Some(damage) = looked.verified.damage.first() {
        return Err(StoreError::Damaged {
            path: dir.join(DATABASE),
            detail: damage.clone(),
        });
    }
    // Within the folder a second copy of the same bytes would help against nothing that the first does not.
    let take = if part.starts_with(dir) {
        Take::Link
    } else {
        Take::Copy
    };
    let kept = copy_values(dir, part, looked.named, take).await?;
    let lines = sign(dir, &looked.verified, at)?;
    write(&part.join(checkpoints::FILE), lines.as_bytes()).map_err(as_io)?;
    let mut manifest = Manifest {
        format: 1,
        baton: env!("CARGO_PKG_VERSION").to_owned(),
        at,
        reason: reason.to_owned(),
        database_format: looked.format,
        events: looked.verified.events,
        head: looked.verified.head,
        runs: looked.runs,
        open_runs: looked.open_runs,
        bytes: 0,
        files: Vec::new(),
        artifacts: kept
            .sizes
            .into_iter()
            .map(|(hash, bytes)| KeptArtifact { hash, bytes })
            .collect(),
        damaged_artifacts: kept.changed,
    };
    for name in [DATABASE, checkpoints::FILE] {
        manifest.files.push(digest(part, name).map_err(as_io)?);
    }
    let files = manifest.files.iter().map(|file| file.bytes);
    let artifacts = manifest.artifacts.iter().map(|artifact| artifact.bytes);
    manifest.bytes = files.chain(artifacts).sum();
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| StoreError::Invalid {
        detail: format!("the manifest cannot be written: {error}"),
    })?;
    write(&part.join(MANIFEST), text.as_bytes()).map_err(as_io)?;
    sync_folder(part).map_err(as_io)?;
    Ok(manifest)
}

/// The checkpoints up to the copy, and one for the copy itself.
fn sign(dir: &Path, verified: &crate::Verified, at: Millis) -> Result<String, StoreError> {
    let Lines { checkpoints, .. } = checkpoints::read(dir)?;
    let mut lines: Vec<String> = checkpoints
        .iter()
        .filter(|checkpoint| checkpoint.events <= verified.events)
        .map(|checkpoint| format!("{}\n", checkpoint.line()))
        .collect();
    if let Some(head) = &verified.head {
        match Signer::open(dir) {
            Ok(signer) => lines.push(format!(
                "{}\n",
                signer.sign(verified.events, head, at).line()
            )),
            // A folder that cannot be written can still be backed up.
            Err(error) => tracing::warn!(%error, "the backup is not signed"),
        }
    }
    Ok(lines.concat())
}

async fn copy_values(
    dir: &Path,
    part: &Path,
    named: BTreeSet<String>,
    take: Take,
) -> Result<kept_values::Copied, StoreError> {
    let (from, to) = (dir.join(ARTIFACTS), part.join(ARTIFACTS));
    let copying = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&to)?;
        kept_values::copy(&from, &to, named, take)
    });
    match copying.await {
        Ok(copied) => copied.map_err(|error| StoreError::from_io(&error, part)),
        Err(error) => Err(StoreError::Io {
            path: part.to_path_buf(),
            detail: error.to_string(),
        }),
    }
}

/// What a look into a copy gave.
pub(crate) struct Looked {
    pub(crate) verified: crate::Verified,
    pub(crate) format: u32,
    pub(crate) runs: u64,
    pub(crate) open_runs: u64,
    pub(crate) named: BTreeSet<String>,
}

/// A connection that reads a database nobody else uses.
pub(crate) async fn connect(database: &Path) -> Result<SqliteConnection, StoreError> {
    SqliteConnectOptions::new()
        .filename(database)
        .read_only(true)
        .immutable(true)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .connect()
        .await
        .map_err(|error| sql::error(&error, database.parent().unwrap_or(database)))
}

/// Checks a database as a whole.
pub(crate) async fn look(conn: &mut SqliteConnection, dir: &Path) -> Result<Looked, StoreError> {
    let as_store = |error: sqlx::Error| sql::error(&error, dir);
    let format: u32 = sqlx::query_scalar(VERSION)
        .fetch_one(&mut *conn)
        .await
        .map_err(as_store)?;
    let verified = verify::on(conn, dir, &Against::default()).await?;
    let (runs, open_runs): (i64, i64) = sqlx::query_as(RUNS)
        .fetch_one(&mut *conn)
        .await
        .map_err(as_store)?;
    Ok(Looked {
        format,
        runs: runs.unsigned_abs(),
        open_runs: open_runs.unsigned_abs(),
        named: if verified.damage.is_empty() {
            kept_values::named(conn).await.map_err(as_store)?
        } else {
            BTreeSet::new()
        },
        verified,
    })
}

/// The complete backups in a folder, newest first. What cannot be read is none.
pub(crate) fn list(folder: &Path) -> Result<Vec<Backup>, StoreError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::from_io(&error, folder)),
    };
    let mut backups: Vec<Backup> = entries
        .flatten()
        .filter_map(|entry| read(&entry.path()).ok())
        .collect();
    backups.sort_by(|a, b| (b.manifest.at, &b.path).cmp(&(a.manifest.at, &a.path)));
    Ok(backups)
}

/// The manifest of a backup.
pub(crate) fn read(path: &Path) -> Result<Backup, StoreError> {
    let refuse = |detail: String| StoreError::NoBackup {
        path: path.to_path_buf(),
        detail,
    };
    if path.to_string_lossy().ends_with(PART) {
        return Err(refuse("it was not finished".to_owned()));
    }
    let text = std::fs::read(path.join(MANIFEST)).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            refuse(format!("it has no `{MANIFEST}`"))
        }
        _ => StoreError::from_io(&error, path),
    })?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| refuse(format!("its `{MANIFEST}` cannot be read: {error}")))?;
    if manifest.format != 1 || manifest.database_format > FORMAT {
        return Err(StoreError::Newer {
            path: path.to_path_buf(),
            found: manifest.database_format,
            known: FORMAT,
        });
    }
    Ok(Backup {
        path: path.to_path_buf(),
        manifest,
    })
}

/// Reads a backup as a whole and compares it with its manifest.
pub(crate) async fn check(path: &Path) -> Result<Backup, StoreError> {
    let backup = read(path)?;
    let manifest = &backup.manifest;
    let refuse = |detail: String| StoreError::NoBackup {
        path: path.to_path_buf(),
        detail,
    };
    let (folder, files) = (path.to_path_buf(), manifest.clone());
    let read = tokio::task::spawn_blocking(move || differences(&folder, &files)).await;
    let read = read.map_err(|error| refuse(error.to_string()))?;
    if let Some(difference) = read.map_err(|error| StoreError::from_io(&error, path))? {
        return Err(refuse(difference));
    }
    let mut conn = connect(&path.join(DATABASE)).await?;
    let looked = look(&mut conn, path).await;
    conn.close()
        .await
        .map_err(|error| sql::error(&error, path))?;
    let looked = looked?;
    if let Some(damage) = looked.verified.damage.first() {
        return Err(refuse(damage.clone()));
    }
    if looked.verified.events != manifest.events || looked.verified.head != manifest.head {
        return Err(refuse(
            "its log is not the one that its manifest names".to_owned(),
        ));
    }
    Ok(backup)
}

/// The first thing in a backup that is not what its manifest says.
fn differences(path: &Path, manifest: &Manifest) -> std::io::Result<Option<String>> {
    if !manifest.files.iter().any(|file| file.name == DATABASE) {
        return Ok(Some("its manifest names no database".to_owned()));
    }
    for file in &manifest.files {
        let is_plain = [DATABASE, checkpoints::FILE].contains(&file.name.as_str());
        if !is_plain || !path.join(&file.name).is_file() {
            return Ok(Some(format!("`{}` is missing", file.name)));
        }
        if digest(path, &file.name)? != *file {
            return Ok(Some(format!("`{}` was changed", file.name)));
        }
    }
    for KeptArtifact { hash, .. } in &manifest.artifacts {
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash
            || !kept_values::is_whole(&kept_values::path(&path.join(ARTIFACTS), hash), hash)?
        {
            return Ok(Some(format!(
                "the artifact `{hash}` is missing or was changed"
            )));
        }
    }
    Ok(None)
}

fn digest(folder: &Path, name: &str) -> std::io::Result<KeptFile> {
    let mut hasher = blake3::Hasher::new();
    let bytes = std::io::copy(&mut File::open(folder.join(name))?, &mut hasher)?;
    Ok(KeptFile {
        name: name.to_owned(),
        bytes,
        digest: hasher.finalize().to_hex().to_string(),
    })
}

/// Takes away old backups of the kind that Baton makes by itself: of those called `daily`, one of each of the last
/// seven days that have one stays, and one of each of the four weeks that have one. Others are never taken away, nor is
/// anything in another folder. Remains of unfinished ones go.
pub(crate) fn prune(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let as_io = |error: std::io::Error| StoreError::from_io(&error, folder);
    let all = list(folder)?;
    let daily: Vec<&Backup> = all
        .iter()
        .filter(|backup| backup.manifest.reason == "daily")
        .collect();
    let keep = kept(
        &daily
            .iter()
            .map(|backup| backup.manifest.at)
            .collect::<Vec<_>>(),
    );
    let mut gone = Vec::new();
    for (backup, keep) in daily.into_iter().zip(keep) {
        if !keep {
            // Out of the list first: half of it must never be taken for a backup.
            let part = PathBuf::from(format!("{}{PART}", backup.path.display()));
            std::fs::rename(&backup.path, &part).map_err(as_io)?;
            std::fs::remove_dir_all(&part).map_err(as_io)?;
            gone.push(backup.path.clone());
        }
    }
    Ok(gone)
}

/// Takes away what an interrupted backup left. Only the owner of the data folder may: another one may be at work.
pub(crate) fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_ours = entry.file_name().to_string_lossy().starts_with("baton-");
        if is_ours
            && path.is_dir()
            && path.to_string_lossy().ends_with(PART)
            && let Err(error) = std::fs::remove_dir_all(&path)
        {
            tracing::warn!(path = %path.display(), %error, "the remains of a backup are in the way");
        }
    }
}

/// Days and weeks whose newest backup is kept.
const DAYS: usize = 7;
const WEEKS: usize = 4;

const DAY_MS: Millis = 24 * 60 * 60 * 1_000;

/// Which of the backups of these instants, newest first, are kept.
fn kept(instants: &[Millis]) -> Vec<bool> {
    let newest_of = |length: Millis, most: usize| {
        let mut periods: Vec<Millis> = Vec::new();
        instants
            .iter()
            .map(|at| {
                let period = at.div_euclid(length);
                let is_new = periods.last() != Some(&period);
                if is_new {
                    periods.push(period);
                }
                is_new && periods.len() <= most
            })
            .collect::<Vec<bool>>()
    };
    let days = newest_of(DAY_MS, DAYS);
    let weeks = newest_of(7 * DAY_MS, WEEKS);
    days.into_iter()
        .zip(weeks)
        .map(|(day, week)| day || week)
        .collect()
}

/// What SQLite finds wrong with the structure of a database, if anything.
pub(crate) async fn quick_check(
    conn: &mut SqliteConnection,
) -> Result<Option<String>, sqlx::Error> {
    let said: String = sqlx::query_scalar(QUICK_CHECK).fetch_one(conn).await?;
    Ok((said != "ok").then_some(said))
}

/// Writes a file and flushes it.
pub(crate) fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes a folder for this account only; it may be there already.
pub(crate) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder
        .create(folder)
        .map_err(|error| StoreError::from_io(&error, folder))
}

/// Makes a new name in a folder survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_days_and_four_weeks_are_kept() {
        // Two a day for sixty days, newest first.
        let instants: Vec<Millis> = (0..120).rev().map(|half| half * DAY_MS / 2).collect();
        let keep = kept(&instants);
        let days: Vec<Millis> = instants
            .iter()
            .zip(&keep)
            .filter(|(_, keep)| **keep)
            .map(|(at, _)| at / DAY_MS)
            .collect();
        assert_eq!(&days[..7], [59, 58, 57, 56, 55, 54, 53]);
        assert!(days.len() <= 7 + 4, "{days:?}");
        assert!(days.len() >= 7 + 2, "{days:?}");
        assert!(kept(&[]).is_empty());
    }
}
