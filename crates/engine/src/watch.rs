//! Watching the disk, and what follows when there is little room or room again.

use std::sync::Arc;
use std::time::Duration;

use baton_core::machine::{self, Input, Status};
use baton_store::RunFilter;

use crate::disk::DiskLevel;
use crate::entry::Entry;
use crate::notice::EngineNotice;
use crate::shared::Shared;

/// How often the disk is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Looks before the ballast is taken on, so that a short command does not pay for it.
const LOOKS_BEFORE_BALLAST: u32 = 3;

impl Shared {
    /// Looks at the disk now, and acts on what it finds.
    pub(crate) fn look_at_disk(self: &Arc<Self>) {
        let Some(before) = self.disk.look() else {
            return;
        };
        let state = self.disk.state();
        tracing::info!(?before, now = ?state.level, "the room on the disk changed");
        if state.level == DiskLevel::ReadOnly {
            self.disk.drop_ballast();
        }
        let (stopped, stops) = (
            before >= DiskLevel::Paused,
            state.level >= DiskLevel::Paused,
        );
        if stops && !stopped {
            for entry in self.entries() {
                if entry.state().run.status() == Status::Running {
                    self.pause_for_disk(&entry);
                }
            }
        } else if stopped && !stops {
            for entry in self.entries() {
                self.resume_for_disk(&entry);
            }
            let shared = self.clone();
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move { shared.resume_sleeping().await });
            }
        }
        self.tell(EngineNotice::DiskChanged);
    }

    /// Starts no further step of a run while there is too little room.
    pub(crate) fn pause_for_disk(self: &Arc<Self>, entry: &Arc<Entry>) {
        let by = machine::DISK.to_owned();
        self.send(entry, Input::Pause { by });
    }

    /// Lets a run go on that was paused for want of room, or because Baton was stopped.
    pub(crate) fn resume_for_disk(self: &Arc<Self>, entry: &Arc<Entry>) {
        if !self.disk.may_work() || self.is_winding_down() {
            return;
        }
        let by = match entry.state().run.paused_by() {
            Some(by @ (machine::DISK | machine::STOPPING)) => Some(by.to_owned()),
            Some(_) | None => None,
        };
        // Tasks may have been held back all the same.
        let input = by.map_or(Input::Advance, |by| Input::Resume { by });
        self.send(entry, input);
    }

    /// Wakes the runs that were paused for want of room, or because Baton was stopped, and then left memory.
    pub(crate) async fn resume_sleeping(self: &Arc<Self>) {
        if !self.disk.may_work() || self.is_winding_down() {
            return;
        }
        let filter = RunFilter {
            status: Some("paused".to_owned()),
            limit: u32::MAX,
            ..RunFilter::default()
        };
        let rows = match self.store.runs(filter).await {
            Ok((rows, _)) => rows,
            Err(error) => {
                tracing::warn!(%error, "the paused runs cannot be read");
                return;
            }
        };
        for row in rows {
            let by = row
                .waiting_for
                .iter()
                .find_map(|reason| match reason.as_str() {
                    machine::NO_ROOM => Some(machine::DISK),
                    machine::NEXT_START => Some(machine::STOPPING),
                    _ => None,
                });
            if let Some(by) = by
                && self.lost(&row.id).is_none()
            {
                let by = by.to_owned();
                self.tell_run(row.id, vec![Input::Resume { by }]);
            }
        }
    }

    /// A write failed for want of room, or of a working disk. `true`: there is more room now, try at once.
    pub(crate) fn make_room(self: &Arc<Self>) -> bool {
        let gave_up = self.disk.drop_ballast();
        self.look_at_disk();
        gave_up
    }

    pub(crate) fn watch_disk(self: &Arc<Self>) {
        let shared = self.clone();
        tokio::spawn(async move {
            let closing = shared.closing.clone();
            let mut looks = 0_u32;
            loop {
                let looker = shared.clone();
                looks = looks.saturating_add(1);
                let may_load = looks > LOOKS_BEFORE_BALLAST;
                // A file system may take its time to answer.
                let looked = tokio::task::spawn_blocking(move || {
                    looker.look_at_disk();
                    if may_load {
                        looker.disk.take_ballast();
                    }
                });
                if looked.await.is_err() {
                    tracing::warn!("the disk could not be looked at");
                }
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
            }
        });
    }
}
