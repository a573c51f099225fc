//! Signed checkpoints of the log, in a file beside the database.
//!
//! The chain shows a change in its middle, not that its end was cut off or that all of it was written anew. A
//! checkpoint says, signed with the key of this folder: at this instant the log had so many events, and the last of
//! them had this hash. They stand in a file of their own, so that they stay when the database is replaced. Whoever may
//! write the folder may also use its key: against that helps only a line of this file kept somewhere else, an anchor.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use baton_core::Millis;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::backup::sync_folder;
use crate::error::StoreError;

/// The checkpoints in the data folder, one per line, oldest first.
pub(crate) const FILE: &str = "checkpoints.jsonl";

/// The key that signs them. It never leaves the folder, not even into a backup.
const KEY: &str = "checkpoints.key";

/// A signed statement about the log. As a line of JSON in a file elsewhere, it is an anchor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// How many events the log had.
    pub events: u64,
    /// Hash of the last of them, in hex.
    pub head: String,
    /// When, by the clock of this machine.
    pub at: Millis,
    /// Hash of the line before, in hex; nothing for the first.
    pub before: String,
    /// The public key, in hex.
    pub key: String,
    /// The signature, in hex.
    pub signature: String,
}

impl Checkpoint {
    /// What is signed: every part on a line of its own, so that no two checkpoints have the same bytes.
    fn statement(&self) -> String {
        let Self {
            events,
            head,
            at,
            before,
            ..
        } = self;
        format!("baton checkpoint 1\n{events}\n{head}\n{at}\n{before}\n")
    }

    /// Whether the key named in it signed it.
    pub(crate) fn is_signed(&self) -> bool {
        let (Some(key), Some(signature)) = (bytes(&self.key), bytes(&self.signature)) else {
            return false;
        };
        UnparsedPublicKey::new(&ED25519, key)
            .verify(self.statement().as_bytes(), &signature)
            .is_ok()
    }

    /// As one line of JSON, without its end.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers can be written as JSON")
    }
}

/// What stands in a file of checkpoints.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Numbers of lines that are none: torn by a power cut, or written by somebody else.
    pub(crate) torn: Vec<usize>,
}

impl Lines {
    pub(crate) fn parse(text: &str) -> Self {
        let mut lines = Self::default();
        for (index, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
        {
            match serde_json::from_str(line) {
                Ok(checkpoint) => lines.checkpoints.push(checkpoint),
                Err(_) => lines.torn.push(index + 1),
            }
        }
        lines
    }
}

/// The checkpoints beside the database; none is no error.
pub(crate) fn read(dir: &Path) -> Result<Lines, StoreError> {
    let path = dir.join(FILE);
    match std::fs::read(&path) {
        Ok(text) => Ok(Lines::parse(&String::from_utf8_lossy(&text))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Lines::default()),
        Err(error) => Err(StoreError::from_io(&error, &path)),
    }
}

/// Hash of a line, for the next one.
fn hash(line: &str) -> String {
    blake3::hash(line.as_bytes()).to_hex().to_string()
}

/// Who signs the checkpoints of a folder.
pub(crate) struct Signer {
    path: PathBuf,
    pair: Ed25519KeyPair,
    key: String,
    /// The last line of the file.
    last: Option<Checkpoint>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// With the key of the folder, which is made if there is none.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        match Self::find(dir)? {
            Some(signer) => Ok(signer),
            None => {
                make_key(&dir.join(KEY)).map_err(|error| StoreError::from_io(&error, dir))?;
                Self::find(dir)?.ok_or_else(|| StoreError::NotFound {
                    what: "key",
                    id: KEY.to_owned(),
                })
            }
        }
    }

    /// With the key of the folder, if it has one.
    pub(crate) fn find(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(KEY);
        let secret = match std::fs::read(&path) {
            Ok(secret) => secret,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::from_io(&error, &path)),
        };
        let pair = Ed25519KeyPair::from_pkcs8(&secret).map_err(|error| StoreError::Invalid {
            detail: format!("`{}` is not the key of a log: {error}", path.display()),
        })?;
        let last = read(dir)?.checkpoints.pop();
        Ok(Some(Self {
            path: dir.join(FILE),
            key: hex(pair.public_key().as_ref()),
            pair,
            last,
        }))
    }

    /// Signs that the log has `events` events, the last of which has the hash `head`. Nothing is written.
    pub(crate) fn sign(&self, events: u64, head: &str, at: Millis) -> Checkpoint {
        let before = self.last.as_ref().map(|last| hash(&last.line()));
        let mut checkpoint = Checkpoint {
            events,
            head: head.to_owned(),
            at,
            before: before.unwrap_or_default(),
            key: self.key.clone(),
            signature: String::new(),
        };
        let signature = self.pair.sign(checkpoint.statement().as_bytes());
        checkpoint.signature = hex(signature.as_ref());
        checkpoint
    }

    /// Signs, and writes it to the file unless the last line says the same.
    pub(crate) fn write(&mut self, events: u64, head: &str, at: Millis) -> std::io::Result<()> {
        if self
            .last
            .as_ref()
            .is_some_and(|last| last.events == events && last.head == head)
        {
            return Ok(());
        }
        let checkpoint = self.sign(events, head, at);
        let is_new = !self.path.exists();
        let mut file = File::options().create(true).append(true).open(&self.path)?;
        // The line before may have been torn by a power cut: an empty line is none.
        let line = format!(
            "{}{}\n",
            if self.last.is_some() { "\n" } else { "" },
            checkpoint.line()
        );
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        if is_new && let Some(folder) = self.path.parent() {
            sync_folder(folder)?;
        }
        self.last = Some(checkpoint);
        Ok(())
    }
}

/// Makes a key that only this account can read; whole, or not at all. One that another process made in the meantime
/// stays.
fn make_key(path: &Path) -> std::io::Result<()> {
    let secret = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map_err(|_| std::io::Error::other("the system gave no random numbers"))?;
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&part)?;
    file.write_all(secret.as_ref())?;
    file.sync_all()?;
    drop(file);
    let named = match std::fs::hard_link(&part, path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        // Not every file system knows second names.
        Err(_) if !path.exists() => return std::fs::rename(&part, path),
        named => named,
    };
    std::fs::remove_file(&part)?;
    named?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Whether anyone but this account can read the key; `None`: there is none, or the system cannot tell.
#[cfg(unix)]
pub(crate) fn is_key_open(dir: &Path) -> Option<bool> {
    use std::os::unix::fs::PermissionsExt;
    let rights = std::fs::metadata(dir.join(KEY)).ok()?.permissions().mode();
    Some(rights & 0o077 != 0)
}

/// Whether anyone but this account can read the key; `None`: there is none, or the system cannot tell.
#[cfg(not(unix))]
pub(crate) fn is_key_open(_: &Path) -> Option<bool> {
    None
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_checkpoint_is_not_signed() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::open(dir.path()).unwrap();
        let whole = signer.sign(7, &"ab".repeat(32), 1_000);
        assert!(whole.is_signed());
        let changes: [fn(&mut Checkpoint); 6] = [
            |checkpoint| checkpoint.events = 8,
            |checkpoint| checkpoint.head = "cd".repeat(32),
            |checkpoint| checkpoint.at = 999,
            |checkpoint| checkpoint.before = "ef".to_owned(),
            |checkpoint| checkpoint.key = "00".repeat(32),
            |checkpoint| checkpoint.signature = "no hex".to_owned(),
        ];
        for change in changes {
            let mut changed = whole.clone();
            change(&mut changed);
            assert!(!changed.is_signed(), "{changed:?}");
        }
    }

    #[test]
    fn the_key_is_kept_and_each_line_names_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        Signer::open(dir.path())
            .unwrap()
            .write(1, "aa", 10)
            .unwrap();
        Signer::open(dir.path())
            .unwrap()
            .write(1, "aa", 20)
            .unwrap();
        let path = dir.path().join(FILE);
        // A power cut in the middle of a line.
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"events\":2,")
            .unwrap();
        Signer::open(dir.path())
            .unwrap()
            .write(3, "bb", 30)
            .unwrap();

        let lines = read(dir.path()).unwrap();
        let [first, second] = lines.checkpoints.as_slice() else {
            panic!("{lines:?}")
        };
        assert_eq!((first.events, second.events), (1, 3));
        assert_eq!(first.key, second.key);
        assert_eq!(second.before, hash(&first.line()));
        assert_eq!(lines.torn.len(), 1);
        #[cfg(unix)]
        assert_eq!(is_key_open(dir.path()), Some(false));
    }
}
