//! Before an end that can wait: steps that act end, and no further ones begin.
//!
//! A run that has a step under way is paused, in the name of [`machine::STOPPING`]: what comes after that step is then
//! not begun, and so not interrupted. At the next start such runs go on by themselves, like those that were paused for
//! want of room.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use baton_core::machine::{self, Input};

use crate::engine::Engine;
use crate::entry::Entry;
use crate::shared::Shared;

/// Between two looks whether something still acts.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Engine {
    /// Begins no run and no further step, and returns once no step acts any more. Dropping the future changes nothing
    /// about that; what still acts at [`Engine::close`] is interrupted, and taken up again at the next start.
    pub async fn wind_down(&self) {
        self.shared.winding_down.store(true, Ordering::SeqCst);
        while self.shared.pause_what_acts() > 0 {
            tokio::select! {
                () = self.shared.closing.cancelled() => return,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// Whether no run and no further step begins.
    pub fn is_winding_down(&self) -> bool {
        self.shared.is_winding_down()
    }
}

impl Shared {
    pub(crate) fn is_winding_down(&self) -> bool {
        self.winding_down.load(Ordering::SeqCst)
    }

    /// How many runs have a step under way, or something to write; those that were not paused are.
    fn pause_what_acts(self: &Arc<Self>) -> usize {
        let acting: Vec<Arc<Entry>> = self
            .entries()
            .into_iter()
            .filter(|entry| {
                let state = entry.state();
                // What a step that ended came to is still to be written.
                !state.active.is_empty() || state.durable != state.run.seq()
            })
            .collect();
        for entry in &acting {
            let is_paused = entry.state().run.paused_by().is_some();
            if !is_paused {
                let by = machine::STOPPING.to_owned();
                self.send(entry, Input::Pause { by });
            }
        }
        acting.len()
    }
}
