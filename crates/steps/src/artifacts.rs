//! Large values, kept once by the hash of their content.
//!
//! An artifact is on disk before anyone hears its hash: written aside, synced, renamed, and the folder synced. The
//! same content is kept once, whoever writes it and however often.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::trial;

/// The folder of artifacts: `<dir>/ab/cdef…`, named by the blake3 of the content.
#[derive(Debug, Clone)]
pub struct Artifacts {
    dir: PathBuf,
}

/// An artifact that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// blake3 of the content, 64 hex digits.
    pub hash: String,
    /// Size in bytes.
    pub bytes: u64,
}

impl Artifacts {
    /// The artifacts in `dir`. The folder is made when the first one is put.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A file to write into, on the same file system; it is deleted when it is dropped.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written.
    pub fn temp_file(&self) -> io::Result<NamedTempFile> {
        let dir = self.dir.join("tmp");
        fs::create_dir_all(&dir)?;
        NamedTempFile::new_in(dir)
    }

    /// Takes in the file at `path`, which must be on the same file system ([`Artifacts::temp_file`]) and is gone
    /// afterwards.
    ///
    /// # Errors
    ///
    /// If it cannot be read, synced or moved.
    pub fn put_file(&self, path: &Path) -> io::Result<Put> {
        let mut file = File::open(path)?;
        let mut hasher = blake3::Hasher::new();
        let bytes = io::copy(&mut file, &mut hasher)?;
        let hash = hasher.finalize().to_hex().to_string();
        let target = self.path(&hash)?;
        if self.is_whole(&hash, bytes) {
            fs::remove_file(path)?;
            return Ok(Put { hash, bytes });
        }
        trial::point("artifact-written");
        if !trial::has_bug("artifact-not-synced") {
            file.sync_all()?;
        }
        trial::point("artifact-synced");
        let folder = target.parent().unwrap_or(&self.dir);
        if !folder.is_dir() {
            fs::create_dir_all(folder)?;
            sync_dir(&self.dir)?;
        }
        fs::rename(path, &target)?;
        trial::point("artifact-renamed");
        if !trial::has_bug("artifact-folder-not-synced") {
            sync_dir(folder)?;
        }
        Ok(Put { hash, bytes })
    }

    /// Takes in `content`.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn put_bytes(&self, content: &[u8]) -> io::Result<Put> {
        let hash = blake3::hash(content).to_hex().to_string();
        let bytes = content.len() as u64;
        if self.is_whole(&hash, bytes) {
            return Ok(Put { hash, bytes });
        }
        let mut file = self.temp_file()?;
        file.write_all(content)?;
        self.put_file(&file.into_temp_path())
    }

    /// Where the artifact `hash` is or would be.
    ///
    /// # Errors
    ///
    /// If `hash` is not 64 lower case hex digits: a hash comes from outside and must not become a path.
    pub fn path(&self, hash: &str) -> io::Result<PathBuf> {
        let is_hash = hash.len() == 64
            && hash
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !is_hash {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("`{hash}` is not the hash of an artifact"),
            ));
        }
        Ok(self.dir.join(&hash[..2]).join(&hash[2..]))
    }

    /// The artifact `hash`, for reading.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be read.
    pub fn open(&self, hash: &str) -> io::Result<File> {
        File::open(self.path(hash)?)
    }

    /// The content of the artifact `hash`.
    ///
    /// # Errors
    ///
    /// If there is none, it cannot be read, or it is no longer what was put.
    pub fn read(&self, hash: &str) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.open(hash)?.read_to_end(&mut content)?;
        let is_same = blake3::hash(&content).to_hex().as_str() == hash;
        if !is_same && !trial::has_bug("artifact-not-checked") {
            return Err(damaged(hash));
        }
        Ok(content)
    }

    /// Where the artifact `hash` is, for those who read it by themselves.
    ///
    /// # Errors
    ///
    /// If there is none, it cannot be read, or it is no longer what was put.
    pub fn checked_path(&self, hash: &str) -> io::Result<PathBuf> {
        if !self.verify(hash)? && !trial::has_bug("artifact-not-checked") {
            return Err(damaged(hash));
        }
        self.path(hash)
    }

    /// Whether the artifact `hash` is there.
    pub fn contains(&self, hash: &str) -> bool {
        self.path(hash).is_ok_and(|path| path.is_file())
    }

    /// Whether the artifact `hash` still has the content that its name promises.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be read.
    pub fn verify(&self, hash: &str) -> io::Result<bool> {
        let mut hasher = blake3::Hasher::new();
        io::copy(&mut self.open(hash)?, &mut hasher)?;
        Ok(hasher.finalize().to_hex().as_str() == hash)
    }

    /// Whether it need not be written again. A damaged one is replaced.
    fn is_whole(&self, hash: &str, bytes: u64) -> bool {
        let is_there = self.path(hash).is_ok_and(|path| {
            fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == bytes)
        });
        is_there && self.verify(hash).unwrap_or(false)
    }
}

fn damaged(hash: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the artifact `{hash}` is damaged: it is not what was kept"),
    )
}

/// Makes the names in `dir` survive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(dir)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_is_kept_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(dir.path());
        let first = artifacts.put_bytes(b"hello").unwrap();
        let mut file = artifacts.temp_file().unwrap();
        file.write_all(b"hello").unwrap();
        let second = artifacts.put_file(&file.into_temp_path()).unwrap();
        assert_eq!(first, second);
        assert_eq!(first.bytes, 5);
        assert_eq!(artifacts.read(&first.hash).unwrap(), b"hello");
        assert!(artifacts.verify(&first.hash).unwrap());
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_changed_artifact_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(dir.path());
        let put = artifacts.put_bytes(b"hello").unwrap();
        fs::write(artifacts.path(&put.hash).unwrap(), b"jello").unwrap();
        assert!(!artifacts.verify(&put.hash).unwrap());
    }

    #[test]
    fn a_damaged_artifact_is_never_handed_out_and_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(dir.path());
        let put = artifacts.put_bytes(b"hello").unwrap();
        fs::write(artifacts.path(&put.hash).unwrap(), b"jello").unwrap();
        for error in [
            artifacts.read(&put.hash).unwrap_err(),
            artifacts.checked_path(&put.hash).unwrap_err(),
        ] {
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        }
        artifacts.put_bytes(b"hello").unwrap();
        assert_eq!(artifacts.read(&put.hash).unwrap(), b"hello");
    }

    #[test]
    fn a_truncated_artifact_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::new(dir.path());
        let put = artifacts.put_bytes(b"hello").unwrap();
        fs::write(artifacts.path(&put.hash).unwrap(), b"he").unwrap();
        artifacts.put_bytes(b"hello").unwrap();
        assert!(artifacts.verify(&put.hash).unwrap());
    }

    #[test]
    fn a_hash_never_becomes_a_path() {
        let artifacts = Artifacts::new("/nowhere");
        for hash in [
            "",
            "../../etc/passwd",
            &"A".repeat(64),
            &format!("../{}", "a".repeat(61)),
        ] {
            assert!(artifacts.path(hash).is_err(), "{hash}");
        }
    }
}
