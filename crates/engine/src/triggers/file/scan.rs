//! Looks at the disk: what is in a folder, what a file holds, who still writes to it. Follows no links.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use tokio_util::sync::CancellationToken;

use super::board::Stat;

/// Files that a watched folder may hold; more are a mistake, such as a whole disk.
pub(crate) const MOST_FILES: usize = 500_000;
/// How deep folders may lie in folders.
const DEPTH: usize = 64;
const BUFFER: usize = 256 << 10;

/// What there is in a folder.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Files that count, by their path below the folder.
    pub(crate) files: BTreeMap<String, Stat>,
    /// Folders below that count.
    pub(crate) folders: BTreeSet<String>,
    /// Folders that could not be looked into, and why. What they hold is unknown, not gone.
    pub(crate) unreadable: BTreeMap<String, String>,
    /// How many names are not Unicode and cannot be given to a workflow.
    pub(crate) unnamed: u32,
}

/// Why a folder cannot be watched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FolderTrouble {
    /// It is not there.
    #[error("the folder `{0}` is not there; create it or mount it, and watching goes on by itself")]
    Missing(String),
    /// It is a file.
    #[error("`{0}` is not a folder; move the file away, or name another folder")]
    NotAFolder(String),
    /// It leads out of the work folder.
    #[error(
        "the folder `{0}` leads out of the work folder by a link; name a folder below the work folder"
    )]
    Outside(String),
    /// It cannot be looked into.
    #[error(
        "the folder `{folder}` cannot be looked into: {reason}; give this account the right to read it"
    )]
    Unreadable {
        /// The folder.
        folder: String,
        /// Why.
        reason: String,
    },
    /// It holds too much.
    #[error(
        "the folder `{0}` holds more than {MOST_FILES} files that count; move old ones away, or narrow the pattern"
    )]
    TooMany(String),
}

impl FolderTrouble {
    /// Stable name.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "folder-missing",
            Self::NotAFolder(_) => "folder-is-file",
            Self::Outside(_) => "folder-outside",
            Self::Unreadable { .. } => "folder-denied",
            Self::TooMany(_) => "folder-too-large",
        }
    }

    fn of(folder: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(folder.to_owned()),
            io::ErrorKind::NotADirectory => Self::NotAFolder(folder.to_owned()),
            _ => Self::Unreadable {
                folder: folder.to_owned(),
                reason: reason(error),
            },
        }
    }
}

/// The reason of an error of the file system.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "not found".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

/// Where the folder really is, and its number on the disk.
pub(crate) fn locate(
    work_dir: &Path,
    folder: &str,
) -> Result<(PathBuf, Option<String>), FolderTrouble> {
    let failed = |error: io::Error| FolderTrouble::of(folder, &error);
    let root = work_dir.canonicalize().map_err(failed)?;
    let place = root.join(folder).canonicalize().map_err(failed)?;
    if !place.starts_with(&root) {
        return Err(FolderTrouble::Outside(folder.to_owned()));
    }
    let metadata = place.metadata().map_err(failed)?;
    if !metadata.is_dir() {
        return Err(FolderTrouble::NotAFolder(folder.to_owned()));
    }
    Ok((place, file_id(&metadata)))
}

/// Everything in `place` that counts.
pub(crate) fn scan(
    place: &Path,
    folder: &str,
    is_recursive: bool,
    counts: &dyn Fn(&str) -> bool,
) -> Result<Found, FolderTrouble> {
    let mut found = Found::default();
    let mut open = vec![(place.to_path_buf(), String::new(), 0)];
    while let Some((path, below, depth)) = open.pop() {
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if below.is_empty() => return Err(FolderTrouble::of(folder, &error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                found.unreadable.insert(below, reason(&error));
                continue;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    found.unreadable.insert(below.clone(), reason(&error));
                    break;
                }
            };
            let Ok(name) = entry.file_name().into_string() else {
                found.unnamed += 1;
                continue;
            };
            let relative = if below.is_empty() {
                name
            } else {
                format!("{below}/{name}")
            };
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                if is_recursive && depth < DEPTH {
                    found.folders.insert(relative.clone());
                    open.push((entry.path(), relative, depth + 1));
                }
            } else if kind.is_file()
                && counts(&relative)
                && let Some(stat) = stat(&entry.path())
            {
                if found.files.len() >= MOST_FILES {
                    return Err(FolderTrouble::TooMany(folder.to_owned()));
                }
                found.files.insert(relative, stat);
            }
        }
    }
    Ok(found)
}

/// What the file system says about a file; `None` if there is none, or something else of that name.
pub(crate) fn stat(path: &Path) -> Option<Stat> {
    let metadata = path
        .symlink_metadata()
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    stat_of(&metadata)
}

fn stat_of(metadata: &std::fs::Metadata) -> Option<Stat> {
    let modified = metadata.modified().ok()?;
    let nanos = match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    };
    Some(Stat {
        size: metadata.len(),
        modified: nanos,
        id: file_id(metadata),
    })
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none")]
fn file_id(metadata: &std::fs::Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    Some(format!("{:x}:{:x}", metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn file_id(_: &std::fs::Metadata) -> Option<String> {
    None
}

/// The hash of a file, and what it looked like before and after it was read.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) hash: io::Result<String>,
    pub(crate) after: Option<Stat>,
}

/// Reads a file that must not have been replaced by a link.
pub(crate) fn read(path: &Path, stop: &CancellationToken) -> Content {
    let hash = hash(path, stop);
    Content {
        hash,
        after: stat(path),
    }
}

fn hash(path: &Path, stop: &CancellationToken) -> io::Result<String> {
    let mut file = open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![
        0;
        BUFFER.min(
            usize::try_from(file.metadata()?.len())
                .unwrap_or(BUFFER)
                .max(1)
        )
    ];
    loop {
        if stop.is_cancelled() {
            return Err(io::Error::other("it is no longer wanted"));
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().to_hex().to_string()),
            Ok(read) => {
                hasher.update(&buffer[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Opens for reading; on Windows this fails while somebody has the file open for writing.
fn open(path: &Path) -> io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        const SHARE_READ: u32 = 1;
        options.share_mode(SHARE_READ);
    }
    options.open(path)
}

/// Those of `paths` that a process has open for writing, as far as this account may know.
#[cfg(target_os = "linux")]
pub(crate) fn written(paths: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let mut written = BTreeSet::new();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return written;
    };
    let is_number = |name: &std::ffi::OsStr| {
        name.to_str()
            .is_some_and(|name| name.parse::<u32>().is_ok())
    };
    for process in processes
        .flatten()
        .filter(|process| is_number(&process.file_name()))
    {
        let Ok(open) = std::fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        for entry in open.flatten() {
            let Ok(target) = std::fs::read_link(entry.path()) else {
                continue;
            };
            if paths.contains(&target) {
                let about = process.path().join("fdinfo").join(entry.file_name());
                if std::fs::read_to_string(about).is_ok_and(|about| is_for_writing(&about)) {
                    written.insert(target);
                }
            }
        }
    }
    written
}

/// The flags of an open file, in octal digits: the last two bits say whether it is for writing.
#[cfg(target_os = "linux")]
fn is_for_writing(about: &str) -> bool {
    about
        .lines()
        .find_map(|line| line.strip_prefix("flags:"))
        .and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok())
        .is_some_and(|flags| flags & 3 != 0)
}

/// Nobody knows here; opening for reading tells on Windows.
#[cfg(not(target_os = "linux"))]
pub(crate) fn written(_: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    BTreeSet::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything(_: &str) -> bool {
        true
    }

    #[test]
    fn files_are_found_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("in");
        std::fs::create_dir_all(root.join("deep/er")).unwrap();
        std::fs::write(root.join("a.csv"), "x").unwrap();
        std::fs::write(root.join("deep/er/b.csv"), "xy").unwrap();
        #[cfg(unix)]
        {
            std::fs::write(dir.path().join("secret"), "x").unwrap();
            std::os::unix::fs::symlink(dir.path().join("secret"), root.join("link.csv")).unwrap();
            std::os::unix::fs::symlink(dir.path(), root.join("folder")).unwrap();
        }
        let (place, _) = locate(dir.path(), "in").unwrap();
        let flat = scan(&place, "in", false, &everything).unwrap();
        assert_eq!(flat.files.keys().collect::<Vec<_>>(), ["a.csv"]);
        let deep = scan(&place, "in", true, &everything).unwrap();
        assert_eq!(
            deep.files.keys().collect::<Vec<_>>(),
            ["a.csv", "deep/er/b.csv"]
        );
        assert_eq!(deep.files["deep/er/b.csv"].size, 2);
    }

    #[test]
    fn a_folder_that_cannot_be_watched_says_why_and_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "x").unwrap();
        let missing = locate(dir.path(), "none").unwrap_err();
        assert_eq!(missing.code(), "folder-missing");
        assert!(
            missing.to_string().contains("`none`") && missing.to_string().contains("create it")
        );
        assert_eq!(
            locate(dir.path(), "file").unwrap_err().code(),
            "folder-is-file"
        );
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/", dir.path().join("out")).unwrap();
            assert_eq!(
                locate(dir.path(), "out").unwrap_err().code(),
                "folder-outside"
            );
        }
    }

    #[test]
    fn the_hash_is_that_of_the_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "content").unwrap();
        let content = read(&path, &CancellationToken::new());
        assert_eq!(
            content.hash.unwrap(),
            blake3::hash(b"content").to_hex().to_string()
        );
        assert_eq!(content.after, stat(&path));
        let none = read(&dir.path().join("none"), &CancellationToken::new());
        assert!(none.hash.is_err() && none.after.is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_is_open_for_writing_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (written_one, read_one) = (root.join("w"), root.join("r"));
        std::fs::write(&read_one, "x").unwrap();
        let writer = std::fs::File::create(&written_one).unwrap();
        let reader = std::fs::File::open(&read_one).unwrap();
        let both: BTreeSet<PathBuf> = [written_one.clone(), read_one].into();
        assert_eq!(written(&both), [written_one].into());
        drop((writer, reader));
        assert_eq!(written(&both), BTreeSet::new());
    }
}
