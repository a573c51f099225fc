//! Why the data folder could not do what was asked.

use std::path::{Path, PathBuf};

/// Why the data folder could not do what was asked.
///
/// [`code`](Self::code) is for programs; the message and [`hint`](Self::hint) are for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process owns the folder.
    #[error("the data folder `{}` is in use{}", .path.display(), .pid.map(|pid| format!(" by process {pid}")).unwrap_or_default())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The process that owns it, if that is known.
        pid: Option<u32>,
    },
    /// A database is not safe where the folder is. Nothing was made there.
    #[error("the data folder `{}` cannot be used: {why}", .path.display())]
    UnsafeFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with the place.
        why: String,
    },
    /// The folder was moved or deleted under the hands of its owner.
    #[error("the data folder `{}` was moved, deleted or replaced while Baton was using it", .path.display())]
    TakenAway {
        /// Where it was.
        path: PathBuf,
    },
    /// The folder, or a file in it, does not allow writing.
    #[error("the data folder `{}` cannot be written to: {detail}", .path.display())]
    ReadOnlyFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The store was opened for looking only.
    #[error("the data folder was opened for reading only")]
    ReadOnly,
    /// A newer Baton made this folder. It was not touched.
    #[error("the data folder `{}` has format {found}; this Baton knows formats up to {known}", .path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this build knows.
        known: u32,
    },
    /// The database is not what was written. It was not changed.
    #[error("the database `{}` is damaged: {detail}", .path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// This is not a complete backup. Nothing was done with it.
    #[error("`{}` is not a backup that can be used: {detail}", .path.display())]
    NoBackup {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// No space is left. Nothing of the request was kept; the same request works once there is space again.
    #[error("no space is left for the data folder `{}`", .path.display())]
    DiskFull {
        /// The folder.
        path: PathBuf,
    },
    /// The system could not read or write. Nothing of the request was kept.
    #[error("the data folder `{}` could not be read or written: {detail}", .path.display())]
    Io {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// Another connection held the database for longer than the busy time-out.
    #[error("the database is busy")]
    Busy,
    /// The run has other events by now: whoever asked is not its current owner. Nothing was kept.
    #[error("run `{run}` is at event {found}, not {expected}")]
    Conflict {
        /// The run.
        run: String,
        /// What the caller took for its last event.
        expected: u32,
        /// Its last event.
        found: u32,
    },
    /// The run has ended, and nothing follows an end. Nothing was kept.
    #[error("run `{run}` has ended")]
    Ended {
        /// The run.
        run: String,
    },
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// `run`, `definition` …
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The request contradicts itself, or holds something too large. Nothing was kept.
    #[error("{detail}")]
    Invalid {
        /// What is wrong.
        detail: String,
    },
    /// A row was read that this build does not understand.
    #[error("event {seq} of run `{run}` cannot be read: {detail}")]
    Unreadable {
        /// The run.
        run: String,
        /// The position of the event.
        seq: u32,
        /// What is wrong with it.
        detail: String,
    },
    /// The store was closed.
    #[error("the data folder is closed")]
    Closed,
    /// This build carries an SQLite with a known defect.
    #[error("SQLite {found} cannot be trusted with a log; 3.51.3 or newer is needed")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// Anything else that the database said.
    #[error("the database refused: {detail}")]
    Database {
        /// What it said.
        detail: String,
    },
}

impl StoreError {
    /// Stable name, kebab-case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "store-locked",
            Self::UnsafeFolder { .. } => "store-unsafe-folder",
            Self::TakenAway { .. } => "store-taken-away",
            Self::ReadOnlyFolder { .. } => "store-read-only-folder",
            Self::ReadOnly => "store-read-only",
            Self::Newer { .. } => "store-newer",
            Self::Damaged { .. } => "store-damaged",
            Self::NoBackup { .. } => "store-no-backup",
            Self::DiskFull { .. } => "store-disk-full",
            Self::Io { .. } => "store-io",
            Self::Busy => "store-busy",
            Self::Conflict { .. } => "store-conflict",
            Self::Ended { .. } => "store-ended",
            Self::NotFound { .. } => "store-not-found",
            Self::Invalid { .. } => "store-invalid",
            Self::Unreadable { .. } => "store-unreadable",
            Self::Closed => "store-closed",
            Self::OldSqlite { .. } => "store-old-sqlite",
            Self::Database { .. } => "store-database",
        }
    }

    /// The way out, if there is one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Locked { .. } => Some(
                "the other Baton does not answer: end it (`baton doctor` says which it is), or choose another folder with `--data`",
            ),
            Self::UnsafeFolder { .. } => Some(
                "choose a folder on a disk of this machine with `--data` or `BATON_DATA_DIR`; whoever knows that only this machine uses it sets `BATON_ALLOW_ANY_FOLDER=1`",
            ),
            Self::TakenAway { .. } => {
                Some("put it back where it was, and Baton goes on with what is in it")
            }
            Self::ReadOnlyFolder { .. } => Some(
                "allow writing to the folder, choose another one with `--data`, or open this one for reading only",
            ),
            Self::ReadOnly => Some("open the folder again for writing"),
            Self::Newer { .. } => Some(
                "install the newer Baton, or choose another folder with `--data`; nothing was changed",
            ),
            Self::Damaged { .. } => Some(
                "put a backup in its place with `baton restore`, or keep what still reads with `baton restore --salvage`; nothing was deleted, and the folder can be looked into",
            ),
            Self::NoBackup { .. } => {
                Some("choose another one: `baton backup --list` shows those that are complete")
            }
            Self::DiskFull { .. } => {
                Some("free some space and try again; nothing that was kept is lost")
            }
            Self::Io { .. } => Some("check the disk and the rights on the folder, then try again"),
            Self::Busy => Some("try again in a moment"),
            Self::Conflict { .. } => Some("read the run again: someone else continued it"),
            Self::Ended { .. } => Some("start the run again, or fork it"),
            Self::Unreadable { .. } => {
                Some("check the log with `baton verify`, or install a newer Baton")
            }
            Self::OldSqlite { .. } => Some("build with the bundled SQLite"),
            Self::NotFound { .. } | Self::Invalid { .. } | Self::Closed | Self::Database { .. } => {
                None
            }
        }
    }

    /// What went wrong with a file or folder, by what the system said.
    pub(crate) fn from_io(error: &std::io::Error, path: &Path) -> Self {
        use std::io::ErrorKind;
        let path = path.to_path_buf();
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnlyFolder {
                path,
                detail: error.to_string(),
            },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io {
                path,
                detail: error.to_string(),
            },
        }
    }
}
