//! The parts of a data folder that keep it: key, large values, backups, and what was left behind.

use std::path::Path;

use baton_api::keeping;

use super::{Finding, State};
use crate::words::{grouped, instant};

/// A backup older than this is worth a word.
const OLD_MS: i64 = 3 * 24 * 60 * 60 * 1_000;

/// Whether the key that signs the log is for this account only.
pub(super) fn key(folder: &Path) -> Option<Finding> {
    keeping::is_key_open(folder)?.then(|| {
        let key = folder.join("checkpoints.key");
        Finding::new(
            "signing key",
            State::Problem,
            "other accounts can read the key that signs the log",
        )
        .hint(format!(
            "run `chmod 600 '{}'`; what was signed until now may have been signed by somebody else",
            key.display()
        ))
    })
}

/// Whether every large value still is what its name says.
pub(super) fn values(folder: &Path) -> Option<Finding> {
    let (all, damaged) = match keeping::damaged_values(folder) {
        Ok(found) => found,
        Err(error) => {
            return Some(
                Finding::new("large values", State::Problem, error.message)
                    .hint("check the disk and the rights on the `artifacts` folder"),
            );
        }
    };
    if all == 0 {
        return None;
    }
    Some(match damaged.first() {
        None => Finding::new("large values", State::Ok, format!("{} are whole", grouped(all))),
        Some(first) => Finding::new(
            "large values",
            State::Problem,
            format!("{} of {} are damaged, the first is `{first}`", damaged.len(), grouped(all)),
        )
        .hint("`baton restore` brings them back from a backup on another disk; or run the steps that made them again"),
    })
}

/// When the last backup was made.
pub(super) fn backups(folder: &Path) -> Option<Finding> {
    if !folder.join("baton.db").exists() {
        return None;
    }
    let backups = match keeping::backups(folder) {
        Ok(backups) => backups,
        Err(error) => return Some(Finding::new("backups", State::Problem, error.message)),
    };
    let hint = "`baton backup --to FOLDER` makes one, best on another disk";
    Some(match backups.first() {
        None => Finding::new("backups", State::Note, "there is none yet").hint(hint),
        Some(newest) => {
            let message = format!("{}, the newest of {}", backups.len(), instant(newest.at));
            if keeping::now() - newest.at > OLD_MS {
                Finding::new("backups", State::Note, message).hint(hint)
            } else {
                Finding::new("backups", State::Ok, message)
            }
        }
    })
}

/// What interrupted work left.
pub(super) fn leftovers(folder: &Path) -> Option<Finding> {
    let mut found: Vec<String> = Vec::new();
    for place in ["", "tmp", "artifacts/tmp", "backups"] {
        let here = folder.join(place);
        let is_temporary = place.ends_with("tmp");
        for entry in std::fs::read_dir(&here).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_temporary || name.ends_with(".part") || name == "restoring" {
                found.push(Path::new(place).join(name).display().to_string());
            }
        }
    }
    let first = found.first()?;
    Some(
        Finding::new("left behind", State::Note, format!("{} files, such as `{first}`", found.len()))
            .hint("an interrupted Baton left them; the next start takes them away, or finishes what they are for"),
    )
}
