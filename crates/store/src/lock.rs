//! One owner for a data folder: a lock that the system takes back when the owner is gone.
//!
//! On Unix the folder itself is locked as well as the file in it: whoever deletes or replaces the file does not let a
//! second owner in. The number in the file is for people; nobody concludes from it that the owner lives.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::trial;

/// Name of the lock file in the data folder.
const FILE: &str = "baton.lock";

/// The lock, held. The file names the owner while there is one, and is empty after a proper end.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
    /// Held for as long as the file.
    _folder: Option<File>,
}

impl Lock {
    /// Takes the folder into possession, and says whether its last owner left it properly.
    pub(crate) fn take(dir: &Path) -> Result<(Self, LeftBy), StoreError> {
        let path = dir.join(FILE);
        let folder = if trial::has_bug("no-lock") {
            None
        } else {
            lock_folder(dir)?
        };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| StoreError::from_io(&error, dir))?;
        if let Err(error) = file.try_lock()
            && !trial::has_bug("no-lock")
        {
            return Err(match error {
                TryLockError::WouldBlock => StoreError::Locked {
                    path: dir.to_path_buf(),
                    pid: owner(&path),
                },
                TryLockError::Error(error) => StoreError::from_io(&error, dir),
            });
        }
        let mut content = String::new();
        // A file that is not text was not left by us, and says as much as one that is not empty.
        let left = match file.read_to_string(&mut content) {
            Ok(0) => LeftBy::Closing,
            Ok(_) | Err(_) => LeftBy::Dying,
        };
        let lock = Self {
            file,
            path,
            _folder: folder,
        };
        lock.write(&format!("{}\n", std::process::id()))
            .map_err(|error| StoreError::from_io(&error, dir))?;
        Ok((lock, left))
    }

    /// Whether nobody owns the folder; makes nothing.
    pub(crate) fn look(dir: &Path) -> Result<(), StoreError> {
        let path = dir.join(FILE);
        let Ok(file) = File::open(&path) else {
            return Ok(());
        };
        let locked = || StoreError::Locked {
            path: dir.to_path_buf(),
            pid: owner(&path),
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Err(locked()),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        }
    }

    /// Gives the folder back after everything in it was finished.
    pub(crate) fn give_back(self) {
        if let Err(error) = self.write("") {
            // The next start takes this for a crash and checks the database, nothing worse.
            tracing::warn!(path = %self.path.display(), %error, "the lock file could not be emptied");
        }
    }

    fn write(&self, content: &str) -> std::io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        trial::point("lock-emptied");
        file.seek(SeekFrom::Start(0))?;
        file.write_all(content.as_bytes())
    }
}

/// How the last owner left the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftBy {
    /// It closed the store, or there never was one.
    Closing,
    /// It was killed, or the power went.
    Dying,
}

/// The folder cannot be replaced while it is in use without moving everything that is in it.
#[cfg(unix)]
fn lock_folder(dir: &Path) -> Result<Option<File>, StoreError> {
    let folder = File::open(dir).map_err(|error| StoreError::from_io(&error, dir))?;
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
            path: dir.to_path_buf(),
            pid: owner(&dir.join(FILE)),
        }),
        Err(TryLockError::Error(error)) => {
            // Not every file system can: the file in it has to do.
            tracing::debug!(%error, "the data folder itself cannot be locked");
            Ok(None)
        }
    }
}

#[cfg(not(unix))]
fn lock_folder(_dir: &Path) -> Result<Option<File>, StoreError> {
    Ok(None)
}

fn owner(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
