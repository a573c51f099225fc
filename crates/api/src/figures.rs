//! Baton in numbers, and whether it can take work: for programs that watch a server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What this Baton did since it opened the data folder, and what is the case now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct FiguresView {
    /// Runs that began.
    pub runs_begun: u64,
    /// Runs that ended, by status: `succeeded`, `failed`, `cancelled` …
    pub runs_ended: BTreeMap<String, u64>,
    /// Events that were written, by their type.
    pub events: BTreeMap<String, u64>,
    /// How long commits took.
    pub commits: Distribution,
    /// Writes that were refused or failed.
    pub writes_failed: u64,
    /// Writes that wait at this moment.
    pub write_queue: u64,
    /// Runs that have not ended.
    pub open_runs: u64,
    /// Questions to people that wait for an answer.
    pub open_questions: u64,
    /// Steps that wait for a place or for their turn.
    pub steps_waiting: u64,
    /// Bytes that are free on the disk; absent if the system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_free: Option<u64>,
    /// Bytes of the disk in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_total: Option<u64>,
    /// It is in safe mode.
    pub is_safe: bool,
}

/// How often something took how long.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Distribution {
    /// All of them together, in seconds.
    pub sum: f64,
    /// Classes: an upper bound in seconds, and how many were at most as long and longer than the bound before. The last
    /// has no bound.
    pub classes: Vec<(Option<f64>, u64)>,
}

/// Whether work can be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct ReadyView {
    /// Whether it can.
    pub is_ready: bool,
    /// What stands in the way; empty if nothing does.
    pub obstacles: Vec<Obstacle>,
}

/// Something that stands in the way of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Obstacle {
    /// Stable name: `read-only`, `writer`, `disk`, `safe-mode` or `stopping`.
    pub code: String,
    /// What it is.
    pub message: String,
}
