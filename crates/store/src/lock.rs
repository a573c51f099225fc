//! One owner for a data folder: a lock that the system takes back when the owner is gone.

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
}

impl Lock {
    /// Takes the folder into possession, and says whether its last owner left it properly.
    pub(crate) fn take(dir: &Path) -> Result<(Self, LeftBy), StoreError> {
        let path = dir.join(FILE);
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
        let lock = Self { file, path };
        lock.write(&format!("{}\n", std::process::id()))
            .map_err(|error| StoreError::from_io(&error, dir))?;
        Ok((lock, left))
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

fn owner(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
