//! Opening a data folder: who owns it, what format it has, whether it is whole.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use crate::error::StoreError;
use crate::lock::{LeftBy, Lock};
use crate::migrate::{self, APPLICATION_ID, FORMAT};
use crate::sql::DATABASE;
use crate::{backup, kept_values, restore, sql, trial};

/// Everything that decides whether a database may be used, in one round trip.
const LOOK: &str = "SELECT (SELECT user_version FROM pragma_user_version), \
     (SELECT application_id FROM pragma_application_id), \
     (SELECT journal_mode FROM pragma_journal_mode), sqlite_version(), \
     (SELECT count(*) FROM sqlite_schema)";

const USE_WAL: &str = "PRAGMA journal_mode = WAL";

/// Versions from 3.7.0 to 3.51.2 can damage a database in WAL mode when its log starts over.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[LOOK, USE_WAL, backup::QUICK_CHECK];

/// What a look at a database gave.
struct Look {
    format: u32,
    is_wal: bool,
}

/// Settings of the connection that writes.
pub(crate) fn writer_options(dir: &Path, busy_timeout: Duration) -> SqliteConnectOptions {
    let (synchronous, checkpoint) = safety();
    let options = common(dir, busy_timeout)
        .create_if_missing(true)
        .statement_cache_capacity(128)
        // Otherwise the thread of SQLite waits in the middle of a group for its rows to be taken.
        .row_buffer_size(256)
        .synchronous(synchronous)
        .pragma("wal_autocheckpoint", checkpoint)
        .pragma("journal_size_limit", "67108864");
    if cfg!(target_os = "macos") {
        // A plain fsync does not reach the disk there.
        options
            .pragma("fullfsync", "ON")
            .pragma("checkpoint_fullfsync", "ON")
    } else {
        options
    }
}

/// When to flush, and after how many pages the log is moved into the database.
fn safety() -> (SqliteSynchronous, &'static str) {
    if trial::has_bug("synchronous-off") {
        (SqliteSynchronous::Off, "1000")
    } else if trial::has_bug("synchronous-normal") {
        (SqliteSynchronous::Normal, "1000")
    } else if trial::has_bug("no-checkpoint") {
        (SqliteSynchronous::Full, "0")
    } else {
        // NORMAL loses the last commits in a power cut.
        (SqliteSynchronous::Full, "1000")
    }
}

/// Settings of connections that read.
pub(crate) fn reader_options(dir: &Path, busy_timeout: Duration) -> SqliteConnectOptions {
    common(dir, busy_timeout)
        .read_only(true)
        .pragma("query_only", "ON")
}

fn common(dir: &Path, busy_timeout: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(dir.join(DATABASE))
        .busy_timeout(busy_timeout)
        // A page that was changed through a map can be torn into the file.
        .pragma("mmap_size", "0")
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .disable_statement_logging()
}

/// Connections that read, none of which is opened before it is needed.
pub(crate) fn reader_pool(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(4)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// Takes a folder into possession and gives the connection that writes.
pub(crate) async fn for_writing(
    dir: &Path,
    options: &SqliteConnectOptions,
    busy_timeout: Duration,
) -> Result<(Lock, SqliteConnection), StoreError> {
    make_folder(dir)?;
    let (lock, left) = Lock::take(dir)?;
    trial::point("open-locked");
    if let Err(error) = restore::finish(dir) {
        return Err(give_back(lock, left, error));
    }
    backup::sweep(&dir.join(backup::FOLDER));
    kept_values::sweep(dir);
    let was_killed = left == LeftBy::Dying || has_log(dir);
    if was_killed && dir.join(DATABASE).exists() {
        // Merely closing a connection that may write would move the log of a newer build into its database.
        let looked = look_only(dir, busy_timeout).await;
        if let Err(error @ StoreError::Newer { .. }) = looked {
            return Err(give_back(lock, left, error));
        }
    }
    let mut conn = match options.connect().await {
        Ok(conn) => conn,
        Err(error) => return Err(give_back(lock, left, sql::error(&error, dir))),
    };
    match prepare(&mut conn, dir, was_killed).await {
        Ok(()) => Ok((lock, conn)),
        Err(error) => {
            if let Err(closing) = conn.close().await {
                tracing::warn!(%closing, "the database could not be closed after `{error}`");
            }
            Err(give_back(lock, left, error))
        }
    }
}

/// Nothing was done to the folder, so the next start must see it as this one did.
fn give_back(lock: Lock, left: LeftBy, error: StoreError) -> StoreError {
    if left == LeftBy::Closing {
        lock.give_back();
    }
    error
}

async fn prepare(
    conn: &mut SqliteConnection,
    dir: &Path,
    was_killed: bool,
) -> Result<(), StoreError> {
    let look = look(conn, dir).await?;
    if was_killed && look.format > 0 {
        let found = backup::quick_check(conn)
            .await
            .map_err(|error| sql::error(&error, dir))?;
        if let Some(detail) = found {
            return Err(StoreError::Damaged {
                path: dir.join(DATABASE),
                detail,
            });
        }
    }
    if !look.is_wal {
        sqlx::query(USE_WAL)
            .execute(&mut *conn)
            .await
            .map_err(|error| sql::error(&error, dir))?;
        trial::point("open-logged");
    }
    if look.format < FORMAT {
        migrate::migrate(conn, dir, look.format, migrate::MIGRATIONS).await?;
        trial::point("open-migrated");
        if look.format == 0 {
            backup::sync_folder(dir).map_err(|error| StoreError::from_io(&error, dir))?;
        }
    }
    Ok(())
}

/// Looks whether a folder can be read, and gives connections that read it.
pub(crate) async fn for_reading(
    dir: &Path,
    busy_timeout: Duration,
) -> Result<SqlitePool, StoreError> {
    if !dir.join(DATABASE).exists() {
        return Err(StoreError::NotFound {
            what: "data folder",
            id: dir.to_string_lossy().into_owned(),
        });
    }
    let options = look_only(dir, busy_timeout).await?;
    Ok(reader_pool(options))
}

async fn look_only(dir: &Path, busy_timeout: Duration) -> Result<SqliteConnectOptions, StoreError> {
    let options = reader_options(dir, busy_timeout);
    match look_with(&options, dir).await {
        Ok(()) => Ok(options),
        // In a folder without write access, the memory that a log needs cannot be made. Without a log it need not.
        Err(Unusable::CannotOpen(_)) if !has_log(dir) => {
            let options = options.immutable(true);
            match look_with(&options, dir).await {
                Ok(()) => Ok(options),
                Err(Unusable::CannotOpen(error) | Unusable::Other(error)) => Err(error),
            }
        }
        Err(Unusable::CannotOpen(error) | Unusable::Other(error)) => Err(error),
    }
}

enum Unusable {
    CannotOpen(StoreError),
    Other(StoreError),
}

async fn look_with(options: &SqliteConnectOptions, dir: &Path) -> Result<(), Unusable> {
    let classify = |error: &sqlx::Error| {
        let store = sql::error(error, dir);
        if sql::is_cannot_open(error) {
            Unusable::CannotOpen(store)
        } else {
            Unusable::Other(store)
        }
    };
    let mut conn = options.connect().await.map_err(|error| classify(&error))?;
    let row = sqlx::query(LOOK).fetch_one(&mut conn).await;
    let looked = match &row {
        Ok(row) => judge(row, dir).map_err(Unusable::Other),
        Err(error) => Err(classify(error)),
    };
    drop(row);
    conn.close().await.map_err(|error| classify(&error))?;
    match looked? {
        Look { format: 0, .. } => Err(Unusable::Other(StoreError::NotFound {
            what: "data folder",
            id: dir.to_string_lossy().into_owned(),
        })),
        Look { format, .. } if format < FORMAT => Err(Unusable::Other(StoreError::Database {
            detail: format!(
                "format {format} is older; open the folder for writing once to bring it up to date"
            ),
        })),
        Look { .. } => Ok(()),
    }
}

async fn look(conn: &mut SqliteConnection, dir: &Path) -> Result<Look, StoreError> {
    let row = sqlx::query(LOOK)
        .fetch_one(conn)
        .await
        .map_err(|error| sql::error(&error, dir))?;
    judge(&row, dir)
}

fn judge(row: &sqlx::sqlite::SqliteRow, dir: &Path) -> Result<Look, StoreError> {
    let as_store = |error: sqlx::Error| sql::error(&error, dir);
    let format: u32 = row.try_get(0).map_err(as_store)?;
    let application: i64 = row.try_get(1).map_err(as_store)?;
    let journal: String = row.try_get(2).map_err(as_store)?;
    let sqlite: String = row.try_get(3).map_err(as_store)?;
    let tables: i64 = row.try_get(4).map_err(as_store)?;
    if !is_sound(&sqlite) {
        return Err(StoreError::OldSqlite { found: sqlite });
    }
    let is_empty = format == 0 && application == 0 && tables == 0;
    if !is_empty && application != APPLICATION_ID {
        return Err(StoreError::Damaged {
            path: dir.join(DATABASE),
            detail: "this is not a database of Baton".to_owned(),
        });
    }
    if format > FORMAT {
        return Err(StoreError::Newer {
            path: dir.to_path_buf(),
            found: format,
            known: FORMAT,
        });
    }
    Ok(Look {
        format,
        is_wal: journal == "wal",
    })
}

fn is_sound(sqlite: &str) -> bool {
    let mut parts = sqlite
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let found = [(); 3].map(|()| parts.next().unwrap_or(0));
    found >= OLDEST_SQLITE
}

/// A log beside the database means that its last owner did not close it.
fn has_log(dir: &Path) -> bool {
    std::fs::metadata(dir.join(format!("{DATABASE}-wal"))).is_ok_and(|log| log.len() > 0)
}

fn make_folder(dir: &Path) -> Result<(), StoreError> {
    let artifacts = dir.join(crate::store::ARTIFACTS);
    if artifacts.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        // What runs read and write is nobody else's business.
        builder.mode(0o700);
    }
    builder
        .create(&artifacts)
        .map_err(|error| StoreError::from_io(&error, dir))?;
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        backup::sync_folder(parent).map_err(|error| StoreError::from_io(&error, dir))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_sound;

    #[test]
    fn an_sqlite_with_the_defect_is_refused() {
        for (version, sound) in [
            ("3.51.3", true),
            ("3.52.0", true),
            ("4.0.0", true),
            ("3.51.2", false),
            ("3.9.9", false),
            ("?", false),
        ] {
            assert_eq!(is_sound(version), sound, "{version}");
        }
    }
}
