//! Where the owner of a data folder is, and who may talk to it.
//!
//! The socket is in a folder that only this account can enter: `owner/` in the data folder, or, where that path is
//! longer than a socket may have, in the runtime folder of the account under a hash of the path. `owner.json` in the
//! data folder says which; a file that a dead owner left behind leads nowhere and is replaced by the next.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

#[cfg(not(unix))]
pub(crate) use tokio::net::{TcpListener as Listener, TcpStream as Stream};
#[cfg(unix)]
pub(crate) use tokio::net::{UnixListener as Listener, UnixStream as Stream};

/// The file in the data folder that says where the owner is.
const FILE: &str = "owner.json";
/// Folder of the socket in the data folder.
#[cfg(unix)]
const FOLDER: &str = "owner";
/// Linux takes 107 bytes, macOS 103.
#[cfg(unix)]
const LONGEST: usize = 100;
/// Far more than such a file has.
const MAX_BYTES: u64 = 16 << 10;

/// The program that owns a data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process.
    pub pid: u32,
    /// What it calls itself: `baton serve`, `the window` …
    pub program: String,
    /// What it was built from.
    pub build: String,
    /// Where it listens.
    pub socket: PathBuf,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (process {})", self.program, self.pid)
    }
}

/// Why there is no way to an owner.
#[derive(Debug)]
pub(crate) enum NoWay {
    /// Nobody is there.
    Nobody,
    /// Whoever is there has another account.
    Foreign,
}

/// Says in the data folder where its owner is.
pub(crate) fn publish(data_dir: &Path, owner: &Owner) -> io::Result<()> {
    // Made for this account only, and renamed: a reader never sees half of it.
    let mut file = tempfile::Builder::new()
        .prefix(".owner-")
        .tempfile_in(data_dir)?;
    file.write_all(&serde_json::to_vec(owner)?)?;
    file.persist(data_dir.join(FILE))
        .map_err(|error| error.error)?;
    Ok(())
}

/// Whether the data folder still says that `owner` is its owner, and the socket is there.
pub(crate) fn is_published(data_dir: &Path, owner: &Owner) -> bool {
    known(data_dir).is_some_and(|known| known == *owner) && owner.socket.exists()
}

/// Takes the words of [`publish`] back.
pub(crate) fn withdraw(data_dir: &Path, owner: &Owner) {
    if known(data_dir).is_none_or(|known| known != *owner) {
        return;
    }
    for path in [&data_dir.join(FILE), &owner.socket] {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::debug!(path = %path.display(), %error, "it stays behind, and misleads nobody");
        }
    }
}

/// What the last owner said about itself.
pub(crate) fn known(data_dir: &Path) -> Option<Owner> {
    let path = data_dir.join(FILE);
    let about = std::fs::metadata(&path).ok()?;
    if !about.is_file() || about.len() > MAX_BYTES {
        return None;
    }
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// A connection to whoever listens for this data folder, if it has the same account.
#[cfg(unix)]
pub(crate) async fn connect(data_dir: &Path) -> Result<Stream, NoWay> {
    let Some(owner) = known(data_dir) else {
        return Err(NoWay::Nobody);
    };
    match Stream::connect(&owner.socket).await {
        Ok(stream) if is_own_account(&stream) => Ok(stream),
        Ok(_) => Err(NoWay::Foreign),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(NoWay::Foreign),
        Err(error) => {
            tracing::debug!(socket = %owner.socket.display(), %error, "nobody listens there");
            Err(NoWay::Nobody)
        }
    }
}

/// Whether the process at the other end has the account of this one.
#[cfg(unix)]
pub(crate) fn is_own_account(stream: &Stream) -> bool {
    match stream.peer_cred() {
        Ok(peer) => peer.uid() == rustix::process::geteuid().as_raw(),
        Err(error) => {
            tracing::warn!(%error, "the account at the other end cannot be known");
            false
        }
    }
}

/// Listens for clients of this data folder. Only its owner may call this: what stands in the way is a leftover.
#[cfg(unix)]
pub(crate) fn listen(data_dir: &Path) -> io::Result<(Listener, PathBuf)> {
    let mut last = None;
    for (folder, name) in candidates(data_dir)? {
        let socket = folder.join(name);
        if socket.as_os_str().len() > LONGEST {
            continue;
        }
        match private_folder(&folder).and_then(|()| bind(&socket)) {
            Ok(listener) => return Ok((listener, socket)),
            Err(error) => {
                tracing::debug!(socket = %socket.display(), %error, "no socket can be made there");
                last = Some(error);
            }
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::InvalidFilename.into()))
}

#[cfg(unix)]
fn candidates(data_dir: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let whole = data_dir.canonicalize()?;
    let hash = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
    let name = format!("{}.sock", &hash[..16]);
    let account = rustix::process::geteuid().as_raw();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute() && folder.is_dir());
    let mut all = vec![(whole.join(FOLDER), "socket".to_owned())];
    all.extend(runtime.map(|folder| (folder.join("baton"), name.clone())));
    let temporary = format!("baton-{account}");
    all.push((std::env::temp_dir().join(&temporary), name.clone()));
    all.push((Path::new("/tmp").join(temporary), name));
    Ok(all)
}

/// A folder of this account that nobody else can enter. One that somebody else made first is refused.
#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let about = std::fs::symlink_metadata(folder)?;
    if !about.is_dir() || about.uid() != rustix::process::geteuid().as_raw() {
        let words = format!("`{}` is not a folder of this account", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, words));
    }
    if about.mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(unix)]
fn bind(socket: &Path) -> io::Result<Listener> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    match std::fs::symlink_metadata(socket) {
        Ok(found) if found.file_type().is_socket() || found.is_symlink() => {
            std::fs::remove_file(socket)?;
        }
        Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => {}
    }
    let listener = Listener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

#[cfg(not(unix))]
pub(crate) async fn connect(_data_dir: &Path) -> Result<Stream, NoWay> {
    Err(NoWay::Nobody)
}

#[cfg(not(unix))]
pub(crate) fn is_own_account(_stream: &Stream) -> bool {
    false
}

#[cfg(not(unix))]
pub(crate) fn listen(_data_dir: &Path) -> io::Result<(Listener, PathBuf)> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "on this system, one program at a time uses a data folder",
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[tokio::test]
    async fn a_socket_is_for_this_account_and_replaces_what_a_dead_owner_left() {
        let dir = tempfile::tempdir().unwrap();
        let (listener, socket) = listen(dir.path()).unwrap();
        drop(listener);
        assert!(socket.exists(), "a dead owner leaves its socket behind");
        let (_listener, again) = listen(dir.path()).unwrap();
        assert_eq!(socket, again);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&socket), 0o600);
        assert_eq!(mode(socket.parent().unwrap()), 0o700);
    }

    #[tokio::test]
    async fn a_long_path_has_a_short_socket_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let long = dir.path().join(name.repeat(120)).join("data");
            std::fs::create_dir_all(&long).unwrap();
            long
        };
        let (one, other) = (make("a"), make("b"));
        let (_a, first) = listen(&one).unwrap();
        let (_b, second) = listen(&other).unwrap();
        assert_ne!(first, second);
        for socket in [&first, &second] {
            assert!(socket.as_os_str().len() <= LONGEST);
            assert!(!socket.starts_with(dir.path()));
            std::fs::remove_file(socket).unwrap();
        }
    }

    #[tokio::test]
    async fn a_folder_that_others_may_enter_is_closed_and_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("open");
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        private_folder(&folder).unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(private_folder(&link).is_err());
    }

    #[tokio::test]
    async fn an_address_that_is_damaged_or_out_of_date_leads_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(connect(dir.path()).await, Err(NoWay::Nobody)));
        for text in ["", "{", "{\"pid\":1}"] {
            std::fs::write(dir.path().join(FILE), text).unwrap();
            assert!(matches!(connect(dir.path()).await, Err(NoWay::Nobody)));
        }
        let (listener, socket) = listen(dir.path()).unwrap();
        let owner = Owner {
            pid: 1,
            program: "a test".to_owned(),
            build: "0".to_owned(),
            socket,
        };
        publish(dir.path(), &owner).unwrap();
        assert!(is_published(dir.path(), &owner));
        connect(dir.path()).await.unwrap();
        drop(listener);
        assert!(matches!(connect(dir.path()).await, Err(NoWay::Nobody)));
        withdraw(dir.path(), &owner);
        assert!(!is_published(dir.path(), &owner) && !owner.socket.exists());
    }
}
