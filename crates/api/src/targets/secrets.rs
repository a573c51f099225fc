//! Tokens and keys of targets: a file of its own in the data folder, for this account alone. It is in no backup.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{ApiError, Code};

/// The file in the data folder.
const NAME: &str = "target-secrets.json";

/// All secrets, by id of the target.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secrets(BTreeMap<String, Secret>);

/// A secret, and whom it may be shown to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Secret {
    /// The host that it was given for.
    host: String,
    secret: String,
}

/// What is known about the secret of a target.
pub(crate) enum Known {
    /// This is it.
    Secret(String),
    /// There is one, for this other host.
    Elsewhere(String),
    /// There is none.
    None,
}

impl Secrets {
    /// Reads the file.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, ApiError> {
        let path = path(data_dir);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(trouble(&path, "cannot be read", &error)),
        };
        serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("`{}` cannot be understood: {error}", path.display());
            ApiError::new(Code::Store, message).hint(
                "take the file away and give the tokens of the targets again: nothing else is in it",
            )
        })
    }

    /// The secret of the target `id`, for `host`.
    pub(crate) fn of(&self, id: &str, host: &str) -> Known {
        match self.0.get(id) {
            Some(kept) if kept.host == host => Known::Secret(kept.secret.clone()),
            Some(kept) => Known::Elsewhere(kept.host.clone()),
            None => Known::None,
        }
    }

    /// Whether there is one.
    pub(crate) fn has(&self, id: &str, host: &str) -> bool {
        self.0.get(id).is_some_and(|kept| kept.host == host)
    }

    /// Keeps a secret, or forgets it. `true`: something changed.
    pub(crate) fn put(&mut self, id: &str, host: &str, secret: Option<String>) -> bool {
        let next = secret.map(|secret| Secret {
            host: host.to_owned(),
            secret,
        });
        if self.0.get(id) == next.as_ref() {
            return false;
        }
        match next {
            Some(next) => drop(self.0.insert(id.to_owned(), next)),
            None => drop(self.0.remove(id)),
        }
        true
    }

    /// Forgets those of targets that are not there any more.
    pub(crate) fn keep_only(&mut self, is_there: impl Fn(&str) -> bool) {
        self.0.retain(|id, _| is_there(id));
    }

    /// Writes the file: beside it, for this account alone, flushed, renamed. It is never half written.
    pub(crate) fn write(&self, data_dir: &Path) -> Result<(), ApiError> {
        let path = path(data_dir);
        let text = serde_json::to_string_pretty(&self.0)
            .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
        let attempt = || -> io::Result<()> {
            // Made so that nobody else reads it, from the first byte on.
            let mut file = tempfile::Builder::new()
                .prefix(".baton-")
                .tempfile_in(data_dir)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            sync_folder(data_dir)
        };
        attempt().map_err(|error| trouble(&path, "cannot be written", &error))
    }
}

fn trouble(path: &Path, what: &str, error: &io::Error) -> ApiError {
    let message = format!("`{}` {what}: {error}", path.display());
    ApiError::new(Code::Store, message)
        .hint("look at the rights of the data folder, and at the room on its disk")
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Where the file is.
fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_for_one_host_and_one_account() {
        let folder = tempfile::tempdir().unwrap();
        let mut secrets = Secrets::open(folder.path()).unwrap();
        assert!(secrets.put("a", "https://a:1", Some("one".to_owned())));
        assert!(!secrets.put("a", "https://a:1", Some("one".to_owned())));
        assert!(secrets.put("b", "https://b:1", Some("two".to_owned())));
        secrets.write(folder.path()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let about = std::fs::metadata(path(folder.path())).unwrap();
            assert_eq!(about.permissions().mode() & 0o777, 0o600);
        }
        let mut again = Secrets::open(folder.path()).unwrap();
        assert!(matches!(again.of("a", "https://a:1"), Known::Secret(secret) if secret == "one"));
        assert!(
            matches!(again.of("a", "https://c:1"), Known::Elsewhere(host) if host == "https://a:1")
        );
        assert!(matches!(again.of("c", "https://a:1"), Known::None));
        assert!(again.has("b", "https://b:1") && !again.has("b", "http://b:1"));
        again.keep_only(|id| id == "b");
        assert!(!again.has("a", "https://a:1") && again.put("b", "https://b:1", None));
        again.write(folder.path()).unwrap();
        let text = std::fs::read_to_string(path(folder.path())).unwrap();
        assert_eq!(text, "{}\n");
    }

    #[test]
    fn a_file_that_is_no_good_is_said_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(path(folder.path()), "no").unwrap();
        let error = Secrets::open(folder.path()).err().unwrap();
        assert_eq!(error.code, Code::Store);
        assert!(error.hint.is_some());
        assert_eq!(std::fs::read_to_string(path(folder.path())).unwrap(), "no");
    }
}
