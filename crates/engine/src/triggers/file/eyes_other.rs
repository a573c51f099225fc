//! The watcher of other systems than Linux.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use notify::event::{CreateKind, ModifyKind, RemoveKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::hints::Hints;

/// A watcher on one folder; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Eyes {
    _watcher: RecommendedWatcher,
}

impl Eyes {
    /// Watches `place`.
    ///
    /// # Errors
    ///
    /// Why the system does not watch it. Looking from time to time has to do then.
    pub(crate) fn open(
        place: &Path,
        is_recursive: bool,
        hints: &Arc<Hints>,
    ) -> Result<Self, String> {
        let hints = hints.clone();
        let start = || {
            let mut watcher = notify::recommended_watcher(move |event| take(&hints, event))?;
            let mode = if is_recursive {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            };
            watcher.watch(place, mode)?;
            Ok::<_, notify::Error>(Self { _watcher: watcher })
        };
        start().map_err(|error| error.to_string())
    }

    /// Folders below are watched by themselves here.
    ///
    /// # Errors
    ///
    /// None.
    pub(crate) fn cover(&self, _: &Path, _: &BTreeSet<String>) -> Result<bool, String> {
        Ok(false)
    }
}

fn take(hints: &Hints, event: notify::Result<notify::Event>) {
    let event = match event {
        Ok(event) if !event.need_rescan() => event,
        Ok(_) => return hints.all(),
        Err(error) => {
            tracing::debug!(%error, "the watcher lost its way");
            return hints.all();
        }
    };
    match event.kind {
        EventKind::Access(_) => {}
        EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder) => {
            hints.all()
        }
        EventKind::Modify(ModifyKind::Name(_)) if event.paths.iter().any(|path| path.is_dir()) => {
            hints.all()
        }
        EventKind::Modify(ModifyKind::Name(_)) => {
            event.paths.into_iter().for_each(|path| hints.done(path))
        }
        _ => event.paths.into_iter().for_each(|path| hints.touched(path)),
    }
}
