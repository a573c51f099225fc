//! Paths that a workflow names, held inside the work folder.
//!
//! Reading may reach any file that the document names in full (the trust dialog lists it). Everything else stays
//! below the work folder: no `..`, no link that leads out, no reserved name.

use std::io;
use std::path::{Component, Path, PathBuf};

use baton_core::error::StepError;

use crate::TaskContext;
use crate::artifacts::sync_dir;

/// A path that was checked. Only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SafePath {
    full: PathBuf,
    shown: String,
}

impl SafePath {
    /// A file to read: below the work folder, or anywhere if it is named in full.
    pub(crate) fn to_read(cx: &TaskContext, text: &str) -> Result<Self, StepError> {
        let path = checked(text)?;
        let full = if path.is_absolute() {
            path
        } else {
            inside(&cx.work_dir, &path, text)?
        };
        // What is compared later is the file itself, whatever links lead to it.
        let full = full.canonicalize().unwrap_or(full);
        let found = Self {
            full,
            shown: text.trim().to_owned(),
        };
        if found.full.is_dir() {
            return Err(
                StepError::permanent("file-is-folder", format!("`{text}` is a folder"))
                    .hint("name a file in it"),
            );
        }
        if found.full.exists() {
            Ok(found)
        } else {
            Err(found.missing())
        }
    }

    /// A file to write or delete: always below the work folder.
    pub(crate) fn to_write(cx: &TaskContext, text: &str) -> Result<Self, StepError> {
        let path = checked(text)?;
        let full = inside(&cx.work_dir, &path, text)?;
        if full.file_name().is_none() || text.trim_end().ends_with(['/', '\\']) {
            return Err(StepError::permanent(
                "path",
                format!("`{text}` names no file"),
            ));
        }
        Ok(Self {
            full,
            shown: text.trim().to_owned(),
        })
    }

    /// A folder below the work folder that exists.
    pub(crate) fn to_folder(cx: &TaskContext, text: &str) -> Result<Self, StepError> {
        let full = inside(&cx.work_dir, &checked(text)?, text)?;
        if full.is_dir() {
            return Ok(Self {
                full,
                shown: text.trim().to_owned(),
            });
        }
        Err(
            StepError::permanent("folder-not-found", format!("there is no folder `{text}`"))
                .hint(format!("looked for `{}`", full.display())),
        )
    }

    /// Where it is.
    pub(crate) fn full(&self) -> &Path {
        &self.full
    }

    /// As the workflow names it.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The ending of the name in lower case, without `.gz` or `.zst`.
    pub(crate) fn ending(&self) -> String {
        let name = self
            .full
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        name.rsplit_once('.')
            .map(|(_, ending)| ending.to_owned())
            .unwrap_or_default()
    }

    /// The folder of the file, made if it is not there.
    pub(crate) fn make_folder(&self) -> io::Result<&Path> {
        let folder = self.full.parent().unwrap_or(&self.full);
        std::fs::create_dir_all(folder)?;
        Ok(folder)
    }

    /// Makes a change of the file's name survive a power cut.
    pub(crate) fn sync_folder(&self) -> io::Result<()> {
        self.full.parent().map_or(Ok(()), sync_dir)
    }

    /// An error of the file system at this file.
    pub(crate) fn failed(&self, what: &str, error: &io::Error) -> StepError {
        let message = format!("could not {what} `{}`: {}", self.shown, reason(error));
        let error = match error.kind() {
            io::ErrorKind::PermissionDenied => StepError::permanent("file-denied", message),
            io::ErrorKind::StorageFull => StepError::new("disk-full", message),
            _ => StepError::new("file", message),
        };
        error.hint(format!("the file is `{}`", self.full.display()))
    }

    fn missing(&self) -> StepError {
        let similar = similar_names(&self.full);
        let place = format!("looked for `{}`", self.full.display());
        let hint = match similar.as_slice() {
            [] => place,
            names => format!("{place}; the folder has {}", quoted(names)),
        };
        StepError::permanent(
            "file-not-found",
            format!("there is no file `{}`", self.shown),
        )
        .hint(hint)
        .details(serde_json::json!({ "path": self.full, "similar": similar }))
    }
}

/// The reason of an error of the file system, in the style of our messages.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "not found".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is a file".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}

fn outside(text: &str, why: &str) -> StepError {
    StepError::permanent("path-outside", format!("`{text}` {why}"))
        .hint("name a path below the work folder, such as `out/result.csv`")
}

fn checked(text: &str) -> Result<PathBuf, StepError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(StepError::permanent("path", "the path is empty"));
    }
    if trimmed.contains('\0') {
        return Err(StepError::permanent("path", "the path holds a zero byte"));
    }
    let path = Path::new(trimmed);
    if trimmed.split(['/', '\\']).any(|part| part == "..") {
        return Err(outside(text, "leaves the work folder by `..`"));
    }
    if let Some(part) = trimmed.split(['/', '\\']).find(|part| is_reserved(part)) {
        return Err(
            StepError::permanent("path", format!("`{part}` cannot be the name of a file"))
                .hint("it is reserved on Windows; choose another name"),
        );
    }
    Ok(path.to_path_buf())
}

/// Names that mean a device or another stream of a file on Windows. Refused everywhere, so that a workflow works on
/// every system.
fn is_reserved(part: &str) -> bool {
    let stem = part
        .split('.')
        .next()
        .unwrap_or(part)
        .trim_end()
        .to_ascii_uppercase();
    let is_numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || is_numbered("COM")
        || is_numbered("LPT")
}

/// `path` below `root`, with no link on the way that leads out.
fn inside(root: &Path, path: &Path, text: &str) -> Result<PathBuf, StepError> {
    let root = root.canonicalize().map_err(|error| {
        let place = root.display();
        StepError::permanent(
            "work-folder",
            format!("the work folder `{place}`: {}", reason(&error)),
        )
    })?;
    let mut full = root.clone();
    if path.is_absolute() {
        full = path.to_path_buf();
    } else {
        full.extend(
            path.components()
                .filter(|part| matches!(part, Component::Normal(_))),
        );
    }
    // The part that exists decides where the rest would be; a link that leads nowhere is followed as well.
    let mut existing = full.as_path();
    while existing.symlink_metadata().is_err() {
        match existing.parent() {
            Some(parent) => existing = parent,
            None => break,
        }
    }
    let real = existing
        .canonicalize()
        .map_err(|error| outside(text, &format!("leads nowhere: {}", reason(&error))))?;
    if !real.starts_with(&root) {
        return Err(outside(text, "leads out of the work folder"));
    }
    let rest = full.strip_prefix(existing).unwrap_or(Path::new(""));
    Ok(if rest.as_os_str().is_empty() {
        real
    } else {
        real.join(rest)
    })
}

fn similar_names(path: &Path) -> Vec<String> {
    let wanted = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let Some(entries) = path
        .parent()
        .and_then(|folder| std::fs::read_dir(folder).ok())
    else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .take(2_000)
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut scored: Vec<(usize, String)> = names
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|(score, _)| *score <= wanted.chars().count().div_ceil(3).max(2))
        .collect();
    scored.sort();
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// How many characters differ (Levenshtein).
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// `a`, `b` and `c`, in backticks.
pub(crate) fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn a_relative_path_is_below_the_work_folder() {
        let bench = Bench::new();
        bench.file("data/a.csv", "x");
        let path = SafePath::to_read(&bench.cx, "data/./a.csv").unwrap();
        assert!(path.full().ends_with("work/data/a.csv"));
        assert_eq!(path.ending(), "csv");
        assert!(
            SafePath::to_write(&bench.cx, "new/folder/b.csv.gz")
                .unwrap()
                .ending()
                == "csv"
        );
    }

    #[test]
    fn nothing_is_written_outside() {
        let bench = Bench::new();
        for path in ["../a", "a/../../b", "/etc/passwd", "..\\a", "/"] {
            let error = SafePath::to_write(&bench.cx, path).unwrap_err();
            assert!(
                error.code == "path-outside" && error.permanent,
                "{path}: {error:?}"
            );
            assert!(error.hint.is_some());
        }
        for path in [
            "",
            " ",
            "a\0b",
            "con",
            "data/NUL.csv",
            "com1.txt",
            "folder/",
        ] {
            assert_eq!(
                SafePath::to_write(&bench.cx, path).unwrap_err().code,
                "path",
                "{path:?}"
            );
        }
    }

    #[test]
    fn a_path_in_full_below_the_work_folder_may_be_written() {
        let bench = Bench::new();
        let path = bench.cx.work_dir.join("out.csv");
        assert!(SafePath::to_write(&bench.cx, path.to_str().unwrap()).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out() {
        use std::os::unix::fs::symlink;
        let bench = Bench::new();
        let elsewhere = bench.dir.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, bench.cx.work_dir.join("link")).unwrap();
        symlink("/nowhere/at/all", bench.cx.work_dir.join("broken")).unwrap();
        bench.file("inside/a.csv", "x");
        symlink(
            bench.cx.work_dir.join("inside"),
            bench.cx.work_dir.join("fine"),
        )
        .unwrap();
        for path in ["link/a.csv", "link", "broken", "broken/a"] {
            let error = SafePath::to_write(&bench.cx, path).unwrap_err();
            assert_eq!(error.code, "path-outside", "{path}");
        }
        assert!(SafePath::to_read(&bench.cx, "fine/a.csv").is_ok());
    }

    #[test]
    fn a_missing_file_says_where_it_was_looked_for_and_what_is_there() {
        let bench = Bench::new();
        bench.file("data/airports.csv", "x");
        bench.file("data/other.txt", "x");
        let error = SafePath::to_read(&bench.cx, "data/airport.csv").unwrap_err();
        let hint = error.hint.unwrap();
        assert_eq!(error.code, "file-not-found");
        assert!(
            hint.contains("work/data/airport.csv") && hint.contains("`airports.csv`"),
            "{hint}"
        );
        assert!(!hint.contains("other.txt"), "{hint}");
    }

    #[test]
    fn a_folder_is_no_file() {
        let bench = Bench::new();
        bench.file("data/a.csv", "x");
        assert_eq!(
            SafePath::to_read(&bench.cx, "data").unwrap_err().code,
            "file-is-folder"
        );
        assert!(SafePath::to_folder(&bench.cx, "data").is_ok());
        assert_eq!(
            SafePath::to_folder(&bench.cx, "dada").unwrap_err().code,
            "folder-not-found"
        );
    }
}
