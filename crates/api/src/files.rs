//! The one way from the paths of callers to the file system.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use baton_core::Millis;

use baton_store::trial;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::workflows::{FolderEntry, FolderListed};

/// How many versions of a file are kept.
const VERSIONS: usize = 10;

/// The absolute path that a caller means: relative ones start from the workspace folder, `..` is resolved. A user of a
/// server gets no further than that folder, by no link either.
pub(crate) fn resolve(app: &App, path: &str) -> Result<PathBuf, ApiError> {
    if path.trim().is_empty() || path.contains('\0') {
        return Err(ApiError::new(Code::BadRequest, "a path is needed"));
    }
    let joined = app.config().workspace_dir.join(path);
    let mut whole = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => whole.push(part),
        }
    }
    if app.caller().user().is_some() {
        confine(app, &whole)?;
    }
    Ok(whole)
}

/// Refuses what is neither in the workspace folder nor a sample, or is in the data folder.
fn confine(app: &App, path: &Path) -> Result<(), ApiError> {
    let real = real(path);
    let config = app.config();
    let is_in = |folder: &Path| real.starts_with(self::real(folder));
    if (is_in(&config.workspace_dir) || is_in(&config.samples_dir)) && !is_in(&config.data_dir) {
        return Ok(());
    }
    let message = format!(
        "`{}` is not in the folder that this server works in",
        path.display()
    );
    let hint = format!(
        "name a file in `{}`: whoever runs the server chose it with `--workspace`",
        config.workspace_dir.display()
    );
    Err(ApiError::new(Code::Forbidden, message).hint(hint))
}

/// Where a path leads: links are followed as far as it exists.
fn real(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let mut there = path;
    loop {
        if let Ok(real) = there.canonicalize() {
            return rest.iter().rev().fold(real, |path, part| path.join(part));
        }
        match (there.parent(), there.file_name()) {
            (Some(above), Some(name)) => {
                rest.push(name);
                there = above;
            }
            _ => return path.to_path_buf(),
        }
    }
}

/// What went wrong with a file, in words that help.
pub(crate) fn io_error(error: &io::Error, path: &Path) -> ApiError {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            ApiError::new(Code::NotFound, format!("there is no file `{shown}`"))
                .hint("it may have been moved or renamed: open it from where it is now")
        }
        io::ErrorKind::PermissionDenied => {
            ApiError::new(Code::Io, format!("`{shown}` does not allow that: {error}"))
                .hint("change the rights of the file or folder, or choose another one")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ApiError::new(Code::Io, format!("no space is left for `{shown}`"))
                .hint("free some space and try again; the old file is unharmed")
        }
        io::ErrorKind::IsADirectory => {
            ApiError::new(Code::Io, format!("`{shown}` is a folder")).hint("choose a file in it")
        }
        _ => ApiError::new(Code::Io, format!("`{shown}` could not be used: {error}")),
    }
}

/// The content of a file, if it has at most `max` bytes.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>, ApiError> {
    let about = fs::metadata(path).map_err(|error| io_error(&error, path))?;
    if about.is_dir() {
        return Err(io_error(&io::ErrorKind::IsADirectory.into(), path));
    }
    if about.len() > max {
        let message = format!(
            "`{}` has {} bytes, too many for a workflow",
            path.display(),
            about.len()
        );
        return Err(ApiError::new(Code::Unusable, message).hint(format!(
            "a workflow has at most {max} bytes; large data belongs into files of its own"
        )));
    }
    fs::read(path).map_err(|error| io_error(&error, path))
}

/// When the file was last changed, if it is there.
pub(crate) fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

/// Replaces or makes a file: beside it, synced, renamed, the folder synced. It is never half written.
pub fn write(path: &Path, content: &[u8]) -> Result<(), ApiError> {
    let attempt = || -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        make_folder(folder)?;
        if trial::has_bug("file-written-in-place") {
            let mut file = File::create(path)?;
            trial::point("file-in-place");
            file.write_all(content)?;
            file.sync_all()?;
            return sync_folder(folder);
        }
        let mut file = tempfile::Builder::new()
            .prefix(".baton-")
            .tempfile_in(folder)?;
        file.write_all(content)?;
        if let Ok(old) = fs::metadata(path) {
            if old.permissions().readonly() {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            fs::set_permissions(file.path(), old.permissions())?;
        } else {
            share(file.path())?;
        }
        trial::point("file-written");
        if !trial::has_bug("file-not-synced") {
            file.as_file().sync_all()?;
        }
        trial::point("file-synced");
        file.persist(path).map_err(|error| error.error)?;
        trial::point("file-renamed");
        if trial::has_bug("file-folder-not-synced") {
            return Ok(());
        }
        sync_folder(folder)
    };
    attempt().map_err(|error| io_error(&error, path))
}

/// Makes a folder and those above it, each of which is there after a power cut as well.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder
        .parent()
        .filter(|above| !above.as_os_str().is_empty())
    {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    match folder.parent() {
        Some(above) if !trial::has_bug("file-folder-not-synced") => sync_folder(above),
        Some(_) | None => Ok(()),
    }
}

/// A temporary file is for its owner only; a document is not.
#[cfg(unix)]
fn share(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn share(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Keeps `content`, which is about to be replaced in `path`, among the last versions of that file.
pub(crate) fn keep_version(
    data_dir: &Path,
    path: &Path,
    content: &[u8],
    now: Millis,
) -> Result<(), ApiError> {
    let name = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
    let folder = data_dir.join("versions").join(&name[..16]);
    write(
        &folder.join("path.txt"),
        path.display().to_string().as_bytes(),
    )?;
    write(&folder.join(format!("{now:015}.baton.json")), content)?;
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut versions = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                versions.push(path);
            }
        }
        versions.sort();
        Ok(versions)
    };
    let versions = list().map_err(|error| io_error(&error, &folder))?;
    for old in versions.iter().rev().skip(VERSIONS) {
        fs::remove_file(old).map_err(|error| io_error(&error, old))?;
    }
    Ok(())
}

/// What is in a folder: folders first, then files with one of `endings`, by name; hidden ones are left out.
pub(crate) fn list(folder: &Path, endings: &[String]) -> Result<FolderListed, ApiError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| io_error(&error, folder))? {
        let entry = entry.map_err(|error| io_error(&error, folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Follows links; what a dead link points to cannot be opened and is not shown.
        let Ok(about) = fs::metadata(entry.path()) else {
            continue;
        };
        let is_wanted = about.is_dir()
            || endings.is_empty()
            || endings
                .iter()
                .any(|ending| name.to_lowercase().ends_with(&ending.to_lowercase()));
        if name.starts_with('.') || !is_wanted {
            continue;
        }
        entries.push(FolderEntry {
            name,
            path: entry.path().display().to_string(),
            is_folder: about.is_dir(),
            bytes: if about.is_dir() {
                0.0
            } else {
                about.len() as f64
            },
            modified: about.modified().map_or(0, millis),
        });
    }
    entries.sort_by_cached_key(|entry| (!entry.is_folder, entry.name.to_lowercase()));
    Ok(FolderListed {
        path: folder.display().to_string(),
        parent: folder.parent().map(|parent| parent.display().to_string()),
        entries,
    })
}

fn millis(time: SystemTime) -> Millis {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// Runs file work where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(ApiError::new(Code::Internal, error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_versions_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = Path::new("/flows/a.baton.json");
        for now in 0..15 {
            keep_version(dir.path(), path, format!("{now}").as_bytes(), now).unwrap();
        }
        let folder = fs::read_dir(dir.path().join("versions"))
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        let listed = list(&folder.path(), &[".json".to_owned()]).unwrap();
        assert_eq!(listed.entries.len(), VERSIONS);
        assert_eq!(fs::read_to_string(&listed.entries[0].path).unwrap(), "5");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        write(&path, b"old").unwrap();
        let mut rights = fs::metadata(&path).unwrap().permissions();
        rights.set_readonly(true);
        fs::set_permissions(&path, rights).unwrap();
        let error = write(&path, b"new").unwrap_err();
        assert_eq!(error.code, Code::Io);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
