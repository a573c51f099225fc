//! What the engine tells whoever listens.

use std::sync::Arc;

use baton_core::machine::Logged;
use baton_store::RunRow;

/// Something happened. Every event that is told here is durable.
#[derive(Debug, Clone)]
pub enum EngineNotice {
    /// Events were appended to a run.
    Advanced {
        /// The run after them.
        row: Arc<RunRow>,
        /// The events.
        events: Arc<Vec<Logged>>,
    },
    /// A run stands still because its events cannot be written; the engine keeps trying.
    Stalled {
        /// The run as it is on disk, with the reason under what it waits for.
        row: Arc<RunRow>,
    },
    /// Steps of a run began to wait for a place, or for something else, or no longer do.
    Waits {
        /// The run, with the reasons under what it waits for.
        row: Arc<RunRow>,
    },
    /// The room on the disk changed so much that something is done about it, or no longer.
    DiskChanged,
    /// The list of open questions changed.
    QuestionsChanged,
    /// A trigger was activated, paused, taken back, or something became of a firing.
    TriggersChanged,
    /// A step wants to tell people something.
    Notification {
        /// Title.
        title: String,
        /// Text.
        body: String,
        /// Id of the run.
        run: String,
    },
}
