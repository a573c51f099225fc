//! The artifacts that a log refers to: which they are, and copies of them.
//!
//! An artifact is named by the hash of its content and never changes, so a copy can be checked by its name alone. A
//! reference is 64 hex digits anywhere in an event, or in an artifact that is itself JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sqlx::{Row, SqliteConnection};

use crate::backup::sync_folder;

const PAYLOADS: &str = "SELECT gseq, payload FROM events WHERE gseq > ?1 ORDER BY gseq LIMIT 1000";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[PAYLOADS];

/// How an artifact gets its second name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// By its bytes.
    Copy,
    /// By another name for the same bytes, where the file system can: nobody changes an artifact.
    Link,
}

/// What became of copying.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    /// Size of each artifact by its hash.
    pub(crate) sizes: BTreeMap<String, u64>,
    /// Artifacts whose content is not what their name says. They were not copied.
    pub(crate) changed: Vec<String>,
}

/// Where the artifact with this hash is below `folder`.
pub(crate) fn path(folder: &Path, hash: &str) -> PathBuf {
    folder.join(&hash[..2]).join(&hash[2..])
}

/// All texts in the events that could name an artifact.
pub(crate) async fn named(conn: &mut SqliteConnection) -> Result<BTreeSet<String>, sqlx::Error> {
    let mut found = BTreeSet::new();
    let mut after = 0_i64;
    loop {
        let rows = sqlx::query(PAYLOADS)
            .bind(after)
            .fetch_all(&mut *conn)
            .await?;
        for row in &rows {
            after = after.max(row.try_get(0)?);
            hashes(row.try_get::<&str, _>(1)?.as_bytes(), &mut found);
        }
        if rows.is_empty() {
            return Ok(found);
        }
    }
}

/// Adds every run of exactly 64 hex digits.
fn hashes(text: &[u8], found: &mut BTreeSet<String>) {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    for word in text.split(|byte| !is_digit(byte)) {
        if word.len() == 64
            && let Ok(word) = std::str::from_utf8(word)
        {
            found.insert(word.to_owned());
        }
    }
}

/// Copies the named artifacts, and those that they name, from one folder of artifacts into another; flushed, but the
/// name of the target folder itself. What is in the target already, whole, stays as it is. A name that no artifact has
/// is none: definitions and keys look the same.
pub(crate) fn copy(
    from: &Path,
    to: &Path,
    named: BTreeSet<String>,
    take: Take,
) -> io::Result<Copied> {
    let mut copied = Copied::default();
    let mut folders = BTreeSet::new();
    let mut open: Vec<String> = named.into_iter().collect();
    let mut seen: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(hash) = open.pop() {
        let (source, target) = (path(from, &hash), path(to, &hash));
        if !source.is_file() {
            continue;
        }
        let folder = target.parent().unwrap_or(to).to_path_buf();
        std::fs::create_dir_all(&folder)?;
        let Some((bytes, more)) = copy_one(&source, &target, &hash, take)? else {
            copied.changed.push(hash);
            continue;
        };
        folders.insert(folder);
        copied.sizes.insert(hash, bytes);
        open.extend(more.into_iter().filter(|hash| seen.insert(hash.clone())));
    }
    for folder in &folders {
        sync_folder(folder)?;
    }
    if to.is_dir() {
        sync_folder(to)?;
    }
    Ok(copied)
}

/// Copies one artifact, and gives its size and what it names. `None`: its content is not what its name says.
fn copy_one(
    source: &Path,
    target: &Path,
    hash: &str,
    take: Take,
) -> io::Result<Option<(u64, BTreeSet<String>)>> {
    let part = target.with_extension("part");
    let is_there = is_whole(target, hash)?;
    let mut out = match take {
        Take::Copy if !is_there => Some(File::create(&part)?),
        Take::Copy | Take::Link => None,
    };
    let mut hasher = blake3::Hasher::new();
    let mut input = File::open(source)?;
    let mut buffer = vec![0; 256 * 1024];
    let (mut bytes, mut text, mut is_json) = (0_u64, Vec::new(), true);
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        let piece = &buffer[..read];
        hasher.update(piece);
        if let Some(out) = &mut out {
            out.write_all(piece)?;
        }
        if bytes == 0 {
            is_json = matches!(piece[0], b'{' | b'[' | b'"');
        }
        if is_json {
            text.extend_from_slice(piece);
        }
        bytes += read as u64;
    }
    let is_right = hasher.finalize().to_hex().as_str() == hash;
    if let Some(out) = out {
        if is_right {
            out.sync_all()?;
            std::fs::rename(&part, target)?;
        } else {
            std::fs::remove_file(&part)?;
        }
    }
    if take == Take::Link && is_right && !is_there && std::fs::hard_link(source, target).is_err() {
        return copy_one(source, target, hash, Take::Copy);
    }
    let mut more = BTreeSet::new();
    hashes(&text, &mut more);
    Ok(is_right.then_some((bytes, more)))
}

/// Whether the artifact is there, with the content that its name says.
pub(crate) fn is_whole(file: &Path, hash: &str) -> io::Result<bool> {
    let mut hasher = blake3::Hasher::new();
    match File::open(file) {
        Ok(mut file) => io::copy(&mut file, &mut hasher)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(hasher.finalize().to_hex().as_str() == hash)
}

/// How many artifacts there are, and those that were changed.
pub(crate) fn damaged(folder: &Path) -> io::Result<(u64, Vec<String>)> {
    let (mut all, mut changed) = (0, Vec::new());
    for (hash, path) in artifacts(folder)? {
        all += 1;
        if !is_whole(&path, &hash)? {
            changed.push(hash);
        }
    }
    Ok((all, changed))
}

/// All artifacts in a folder, by hash.
fn artifacts(folder: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let entries = |folder: &Path| match std::fs::read_dir(folder) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let mut found = BTreeMap::new();
    for group in entries(folder)? {
        let start = group.file_name().to_string_lossy().into_owned();
        if start.len() != 2 || !group.path().is_dir() {
            continue;
        }
        for file in entries(&group.path())? {
            let hash = format!("{start}{}", file.file_name().to_string_lossy());
            if hash.len() == 64 {
                found.insert(hash, file.path());
            }
        }
    }
    Ok(found)
}

/// Takes away what steps left in the folders for temporary files. Only the owner of the data folder may.
pub(crate) fn sweep(dir: &Path) {
    for folder in [
        dir.join("tmp"),
        dir.join(crate::store::ARTIFACTS).join("tmp"),
    ] {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let gone = if is_folder {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            if let Err(error) = gone {
                tracing::warn!(path = %path.display(), %error, "a temporary file is in the way");
            }
        }
    }
}
