//! What the watcher of the system says: paths to look at, or that everything has to be looked at. Never the truth.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Paths that are remembered; with more of them the whole folder is looked at.
const MOST_PATHS: usize = 4_096;

/// What was hinted at since it was last taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Hint {
    /// Paths where something happened, and whether a writer closed the file there or it got its name.
    pub(crate) paths: BTreeMap<PathBuf, bool>,
    /// Hints were lost, or a folder changed: everything has to be looked at.
    pub(crate) is_all: bool,
}

/// Hints, from the watcher to the source.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    hint: Mutex<Hint>,
    arrived: Notify,
}

impl Hints {
    /// Something happened to the file at `path`.
    pub(crate) fn touched(&self, path: PathBuf) {
        self.note(path, false);
    }

    /// A writer closed the file at `path`, or it got this name.
    pub(crate) fn done(&self, path: PathBuf) {
        self.note(path, true);
    }

    fn note(&self, path: PathBuf, is_done: bool) {
        let mut hint = self.hint.lock().unwrap_or_else(PoisonError::into_inner);
        if !hint.is_all {
            *hint.paths.entry(path).or_default() |= is_done;
            if hint.paths.len() > MOST_PATHS {
                hint.is_all = true;
                hint.paths.clear();
            }
        }
        drop(hint);
        self.arrived.notify_one();
    }

    /// Has everything looked at.
    pub(crate) fn all(&self) {
        let mut hint = self.hint.lock().unwrap_or_else(PoisonError::into_inner);
        hint.is_all = true;
        hint.paths.clear();
        drop(hint);
        self.arrived.notify_one();
    }

    /// What was hinted at so far.
    pub(crate) fn take(&self) -> Hint {
        std::mem::take(&mut *self.hint.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns once something was hinted at.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_gathered_and_taken_once() {
        let hints = Hints::default();
        hints.touched("a".into());
        hints.done("a".into());
        hints.touched("a".into());
        hints.touched("b".into());
        let hint = hints.take();
        assert_eq!(hint.paths, [("a".into(), true), ("b".into(), false)].into());
        assert_eq!(hints.take(), Hint::default());
    }

    #[test]
    fn too_many_hints_and_lost_ones_mean_everything() {
        let hints = Hints::default();
        for index in 0..=MOST_PATHS {
            hints.touched(format!("f{index}").into());
        }
        let hint = hints.take();
        assert!(hint.is_all && hint.paths.is_empty());
        hints.all();
        hints.done("a".into());
        let hint = hints.take();
        assert!(hint.is_all && hint.paths.is_empty());
    }
}
