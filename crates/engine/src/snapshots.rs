//! States of long runs on disk, so that taking one up or looking at one need not replay all of its log.
//!
//! A cache beside the database: `snapshots/<run>/<position>`. Each file names the hash of the event that it stands
//! behind; a file that does not fit that event, this build or the definition is thrown away. Nothing is lost with the
//! whole folder but time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_core::machine::{Plan, Run, compact, restore, snapshot};
use baton_store::{Store, StoreError};

use crate::entry::Entry;
use crate::shared::Shared;

/// Folder in the data folder.
const FOLDER: &str = "snapshots";
/// Events between two snapshots of a run, at least. Replaying so many takes some ten milliseconds.
const MIN_STRIDE: u32 = 5_000;
/// Snapshots of a run, about: twice this many at most.
const STRIDES: u32 = 8;

/// The snapshots of all runs of a data folder.
#[derive(Debug, Clone)]
pub struct Snapshots {
    store: Store,
    dir: PathBuf,
}

/// Whether a run at `seq` is due for a snapshot, the last one being at `last`.
fn is_due(seq: u32, last: u32) -> bool {
    seq.saturating_sub(last) >= MIN_STRIDE.max(seq / (2 * STRIDES))
}

/// Whether it is worth one although none is due: the run ends or leaves memory.
fn is_worth(seq: u32, last: u32) -> bool {
    seq >= MIN_STRIDE && seq.saturating_sub(last) >= MIN_STRIDE / 4
}

/// Whether a run in memory has to keep its state now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// It goes on.
    Going,
    /// It ends, or rests.
    Standing,
}

/// Whether a run that goes on is due for a snapshot, once its events are durable.
pub(crate) fn is_time(entry: &Entry) -> bool {
    let state = entry.state();
    is_due(state.run.seq(), state.snapshot_at)
}

/// Keeps the state of a run, if it is time to. Its events are durable.
pub(crate) async fn keep(shared: &Shared, entry: &Entry, occasion: Occasion) {
    let run = {
        let mut state = entry.state();
        let (seq, last) = (state.run.seq(), state.snapshot_at);
        let is_time = match occasion {
            Occasion::Going => is_due(seq, last),
            Occasion::Standing => is_due(seq, last) || is_worth(seq, last),
        };
        if !is_time || state.durable != seq {
            return;
        }
        state.snapshot_at = seq;
        compact(&mut state.run);
        state.run.clone()
    };
    shared.snapshots.save(&entry.id, run).await;
}

impl Snapshots {
    /// The snapshots beside this database.
    pub fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            dir: store.dir().join(FOLDER),
        }
    }

    /// Keeps the state of `run` behind its last event, which must be durable. That it cannot is only noted: nothing
    /// depends on it.
    pub async fn save(&self, id: &str, run: Run) {
        let seq = run.seq();
        if let Err(error) = self.try_save(id, run).await {
            tracing::debug!(run = id, seq, %error, "the state of the run is not kept as a snapshot");
        }
    }

    async fn try_save(&self, id: &str, mut run: Run) -> Result<(), Error> {
        let seq = run.seq();
        let hash = self.store.event_hash(id, seq).await?;
        let hash = hash.ok_or(Error::NoEvent)?;
        let dir = self.dir.join(id);
        tokio::task::spawn_blocking(move || {
            let mut bytes = hash.into_bytes();
            bytes.push(b'\n');
            bytes.extend(snapshot(&mut run));
            drop(run);
            std::fs::create_dir_all(&dir)?;
            let (new, name) = (dir.join(format!("{seq}.new")), dir.join(seq.to_string()));
            std::fs::write(&new, bytes)?;
            std::fs::rename(&new, &name)?;
            thin_out(&dir, seq)
        })
        .await??;
        Ok(())
    }

    /// The last kept state of a run at or before event `seq`. `None`: replay from the start.
    pub async fn load(&self, id: &str, plan: &Arc<Plan>, seq: u32) -> Option<Run> {
        if seq < MIN_STRIDE {
            return None;
        }
        let dir = self.dir.join(id);
        let listed = tokio::task::spawn_blocking(move || positions(&dir)).await;
        let mut known = listed.ok()?.ok()?;
        known.retain(|at| *at <= seq);
        while let Some(at) = known.pop() {
            match self.try_load(id, plan, at).await {
                Ok(run) => return Some(run),
                Err(error) => {
                    tracing::debug!(run = id, at, %error, "a snapshot does not fit and is thrown away");
                    let file = self.dir.join(id).join(at.to_string());
                    if let Err(error) = std::fs::remove_file(&file) {
                        tracing::debug!(file = %file.display(), %error, "it stays");
                    }
                }
            }
        }
        None
    }

    async fn try_load(&self, id: &str, plan: &Arc<Plan>, seq: u32) -> Result<Run, Error> {
        let expected = self.store.event_hash(id, seq).await?;
        let file = self.dir.join(id).join(seq.to_string());
        let plan = plan.clone();
        tokio::task::spawn_blocking(move || {
            let mut bytes = std::fs::read(file)?;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let end = end.ok_or(Error::NoEvent)?;
            if expected.as_deref().map(str::as_bytes) != Some(&bytes[..end]) {
                return Err(Error::OtherLog);
            }
            bytes.drain(..=end);
            let run = restore(&plan, bytes)?;
            if run.seq() == seq {
                Ok(run)
            } else {
                Err(Error::OtherLog)
            }
        })
        .await?
    }
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Unfit(#[from] baton_core::machine::SnapshotError),
    #[error(transparent)]
    Defect(#[from] tokio::task::JoinError),
    #[error("its event is not in the log")]
    NoEvent,
    #[error("it stands behind another event")]
    OtherLog,
}

/// The positions of the snapshots in a folder, in order.
fn positions(dir: &Path) -> std::io::Result<Vec<u32>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        // A file with another name is one that was not finished.
        all.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u32>().ok()),
        );
    }
    all.sort_unstable();
    Ok(all)
}

/// Removes snapshots that stand too close together for a run of this length.
fn thin_out(dir: &Path, seq: u32) -> Result<(), Error> {
    let stride = MIN_STRIDE.max(seq / (2 * STRIDES));
    let all = positions(dir)?;
    let mut last = 0;
    for (index, at) in all.iter().enumerate() {
        if at - last >= stride || index + 1 == all.len() {
            last = *at;
        } else {
            std::fs::remove_file(dir.join(at.to_string()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_a_million_events_keeps_a_score_of_snapshots() {
        let dir = tempfile::tempdir().unwrap();
        let mut last = 0;
        for seq in (0..=1_000_000).step_by(1_000) {
            if is_due(seq, last) {
                std::fs::write(dir.path().join(seq.to_string()), []).unwrap();
                thin_out(dir.path(), seq).unwrap();
                last = seq;
            }
        }
        let kept = positions(dir.path()).unwrap();
        assert!((8..=20).contains(&kept.len()), "{kept:?}");
        let widest = kept.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(widest <= Some(130_000), "{kept:?}");
        assert_eq!(kept.last(), Some(&last));
    }
}
