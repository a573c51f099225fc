//! What SQLite says, in the words of this crate, and the transaction statements.

use std::path::Path;

use sqlx::SqliteConnection;

use crate::error::StoreError;
use crate::trial;

/// `IMMEDIATE`: a transaction that begins by reading cannot always become one that writes, and would then fail
/// at once, without the busy time-out.
const BEGIN: &str = "BEGIN IMMEDIATE";
pub(crate) const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// What begins a transaction.
pub(crate) fn begin() -> &'static str {
    if trial::has_bug("deferred-transaction") {
        "BEGIN"
    } else {
        BEGIN
    }
}

/// Name of the database in the data folder.
pub(crate) const DATABASE: &str = "baton.db";

/// What an error of the driver means for the data folder `dir`.
pub(crate) fn error(error: &sqlx::Error, dir: &Path) -> StoreError {
    match error {
        sqlx::Error::Database(said) => {
            let code = said
                .code()
                .and_then(|code| code.parse::<i32>().ok())
                .unwrap_or(1);
            from_code(code, said.message(), dir)
        }
        sqlx::Error::Io(said) => StoreError::from_io(said, dir),
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => StoreError::Closed,
        sqlx::Error::PoolTimedOut => StoreError::Busy,
        other => StoreError::Database {
            detail: other.to_string(),
        },
    }
}

/// What an extended result code of SQLite means. The primary code is its lowest byte.
fn from_code(code: i32, message: &str, dir: &Path) -> StoreError {
    /// The shared memory beside the database could not grow: there is no space for it.
    const IOERR_SHMSIZE: i32 = 10 | (19 << 8);
    let path = dir.to_path_buf();
    let detail = message.to_owned();
    match (code & 0xff, code) {
        (13, _) | (_, IOERR_SHMSIZE) => StoreError::DiskFull { path },
        (5 | 6, _) => StoreError::Busy,
        (3 | 8, _) => StoreError::ReadOnlyFolder { path, detail },
        (10 | 14, _) => StoreError::Io { path, detail },
        (11 | 26, _) => StoreError::Damaged {
            path: dir.join(DATABASE),
            detail,
        },
        _ => StoreError::Database { detail },
    }
}

/// Whether SQLite could not even open the file, which in a folder without write access means that the shared memory
/// of the log could not be made.
pub(crate) fn is_cannot_open(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(said) = error else {
        return false;
    };
    let code = said
        .code()
        .and_then(|code| code.parse::<i32>().ok())
        .unwrap_or(0);
    matches!(code & 0xff, 8 | 14)
}

/// Takes back what the open transaction did. `false` means that the state of the connection is unknown.
pub(crate) async fn rollback(conn: &mut SqliteConnection) -> bool {
    match sqlx::query(ROLLBACK).execute(conn).await {
        Ok(_) => true,
        // SQLite itself takes a transaction back on most errors of the disk.
        Err(sqlx::Error::Database(said)) => said.message().contains("no transaction is active"),
        Err(_) => false,
    }
}

/// Cuts rows into chunks of the given sizes, largest first, of which the last must be 1; each comes with the index of
/// its size. Any number of rows so takes few statements, and few statements are kept prepared.
pub(crate) fn chunks<'a, T>(
    mut rows: &'a [T],
    sizes: &'a [usize],
) -> impl Iterator<Item = (usize, &'a [T])> {
    std::iter::from_fn(move || {
        let index = sizes.iter().position(|size| *size <= rows.len())?;
        let (chunk, rest) = rows.split_at(sizes[index]);
        rows = rest;
        (!chunk.is_empty()).then_some((index, chunk))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_chunks_without_loss() {
        for count in 0..300 {
            let rows: Vec<usize> = (0..count).collect();
            let mut again = Vec::new();
            for (index, chunk) in chunks(&rows, &[128, 16, 4, 1]) {
                assert_eq!(chunk.len(), [128, 16, 4, 1][index]);
                again.extend_from_slice(chunk);
            }
            assert_eq!(again, rows);
        }
    }

    #[test]
    fn codes_become_errors_with_a_way_out() {
        let dir = Path::new("data");
        for (code, expected) in [
            (13, "store-disk-full"),
            (4874, "store-disk-full"),
            (10, "store-io"),
            (778, "store-io"),
            (14, "store-io"),
            (5, "store-busy"),
            (517, "store-busy"),
            (8, "store-read-only-folder"),
            (11, "store-damaged"),
            (267, "store-damaged"),
            (26, "store-damaged"),
            (1, "store-database"),
        ] {
            assert_eq!(from_code(code, "said so", dir).code(), expected, "{code}");
        }
    }
}
