//! Copies of the database that can be trusted.

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::error::StoreError;
use crate::sql;

/// Folder of copies in the data folder.
const FOLDER: &str = "backups";

const COPY: &str = "VACUUM INTO ?1";

pub(crate) const QUICK_CHECK: &str = "PRAGMA quick_check(1)";

/// Puts a copy aside before the format changes.
///
/// SQLite does not flush the copy, and an interrupted one may be torn: so it is flushed, opened and checked under
/// another name, and only then gets its own.
pub(crate) async fn before_migration(
    conn: &mut SqliteConnection,
    dir: &Path,
    format: u32,
) -> Result<PathBuf, StoreError> {
    let folder = dir.join(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|error| StoreError::from_io(&error, &folder))?;
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
    let copy = folder.join(format!("baton-format{format}-{now}.db"));
    let unchecked = copy.with_extension("db.part");
    sqlx::query(COPY)
        .bind(unchecked.to_string_lossy())
        .execute(&mut *conn)
        .await
        .map_err(|error| sql::error(&error, dir))?;
    let as_io = |error: std::io::Error| StoreError::from_io(&error, &folder);
    // Flushing needs a handle that may write, on Windows at least.
    File::options()
        .write(true)
        .open(&unchecked)
        .and_then(|file| file.sync_all())
        .map_err(as_io)?;
    check(&unchecked).await?;
    std::fs::rename(&unchecked, &copy).map_err(as_io)?;
    sync_folder(&folder).map_err(as_io)?;
    Ok(copy)
}

async fn check(copy: &Path) -> Result<(), StoreError> {
    let as_store = |error: sqlx::Error| sql::error(&error, copy);
    let options = SqliteConnectOptions::new().filename(copy).read_only(true);
    let mut conn = options.connect().await.map_err(as_store)?;
    let said = quick_check(&mut conn).await.map_err(as_store);
    conn.close().await.map_err(as_store)?;
    match said? {
        None => Ok(()),
        Some(detail) => Err(StoreError::Damaged {
            path: copy.to_path_buf(),
            detail,
        }),
    }
}

/// What SQLite finds wrong with the structure of a database, if anything.
pub(crate) async fn quick_check(
    conn: &mut SqliteConnection,
) -> Result<Option<String>, sqlx::Error> {
    let said: String = sqlx::query_scalar(QUICK_CHECK).fetch_one(conn).await?;
    Ok((said != "ok").then_some(said))
}

/// Makes a new name in a folder survive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
