//! What the backend tells its front ends without being asked: one stream.

use baton_core::machine::Logged;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::runs::RunSummary;

/// Something changed. A front end that misses one (a reload, a slow reader) gets [`BackendEvent::Lagged`] and
/// reads again.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum BackendEvent {
    /// Events were appended to a run; they are durable.
    RunAdvanced {
        /// The run as it is now.
        summary: Box<RunSummary>,
        /// The new events, at most 200; `truncated` says that there were more.
        events: Vec<Logged>,
        /// Read the log to see the rest.
        truncated: bool,
    },
    /// The list of open questions changed.
    InboxChanged,
    /// A step wants to tell people something.
    Notification {
        /// Title.
        title: String,
        /// Text.
        body: String,
        /// Run that it comes from.
        run: Option<String>,
    },
    /// A workflow file changed on disk.
    FileChanged {
        /// Absolute.
        path: String,
    },
    /// The room on the disk changed so much that something is done about it, or no longer.
    DiskChanged,
    /// Safe mode was left, or a run that was set aside was released or cancelled.
    SafeModeChanged,
    /// A revision of a workflow was pushed.
    WorkflowsChanged,
    /// A trigger or a saved input was changed, or something became of a firing.
    TriggersChanged,
    /// A target was kept, changed or forgotten.
    TargetsChanged,
    /// Something changed at a target that somebody uses. `lagged`: read again what is shown of it.
    Target {
        /// Id of the target.
        target: String,
        /// What: of runs, questions, workflows or triggers there.
        event: Box<Self>,
    },
    /// The reader was too slow: read everything again.
    Lagged,
}
