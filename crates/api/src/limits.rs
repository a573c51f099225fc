//! Limits and breakers: how much a run may use, how much is carried out at a time, room on the disk, safe mode.

use std::collections::BTreeMap;

use baton_core::Millis;
use baton_core::machine::{Allowance, Budget};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The limits of this data folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export)]
pub struct EngineLimits {
    /// Budgets of a run whose definition says nothing else. What is absent is as built in.
    pub run: Allowance,
    /// Steps carried out at the same time, of all runs together.
    pub concurrency: u32,
    /// The same for steps of one kind: `http_request` → 4.
    pub kinds: BTreeMap<String, u32>,
    /// What steps may use of the things that they name as their `resource`.
    pub resources: BTreeMap<String, ResourceLimits>,
    /// From how little room on the disk of the data folder on something is done about it.
    pub disk: DiskLimits,
}

/// How much steps may use of a resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export, optional_fields)]
pub struct ResourceLimits {
    /// At most so many steps at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// At most so many starts in a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateLimit>,
}

/// So many starts in so much time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RateLimit {
    /// Starts.
    pub count: u32,
    /// In so many milliseconds.
    pub per_ms: u32,
}

/// Marks of the room on the disk, in bytes. On a small disk it is less: a tenth of the disk for `pause`, a fiftieth for
/// `readOnly`, a twentieth for `ballast`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export)]
pub struct DiskLimits {
    /// Below this, people are warned.
    pub warn: u64,
    /// They are warned as well below so many percent of the disk.
    pub warn_percent: u32,
    /// Below this, no step begins.
    pub pause: u64,
    /// Below this, no run begins, and the ballast is given up.
    pub read_only: u64,
    /// Size of a file that only keeps room for the last words; 0 for none.
    pub ballast: u64,
}

/// The limits, with what is built in.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct LimitsView {
    /// The limits.
    pub limits: EngineLimits,
    /// The limits of a new data folder.
    pub built_in: EngineLimits,
}

/// Allow a run more of a budget.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RunRaise {
    /// Id of the run.
    pub run: String,
    /// Of what.
    pub budget: Budget,
    /// How much from now on: a number, bytes, or milliseconds.
    pub limit: u64,
}

/// What is done about the room on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum DiskLevel {
    /// Nothing: there is enough.
    Ample,
    /// People are warned.
    Low,
    /// No step begins.
    Paused,
    /// No run begins either.
    ReadOnly,
}

/// The room on the disk of the data folder.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct DiskView {
    /// What is done about it.
    pub level: DiskLevel,
    /// The data folder.
    pub dir: String,
    /// Bytes that are free; absent if the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free: Option<u64>,
    /// Bytes in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Whether the ballast is there.
    pub has_ballast: bool,
    /// The marks.
    pub limits: DiskLimits,
}

/// A start of Baton on this data folder.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct StartView {
    /// When.
    pub at: Millis,
    /// Version of Baton.
    pub version: String,
    /// When it ended properly. Absent: it is this one, or it ended unexpectedly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Millis>,
    /// It is this one.
    pub is_current: bool,
    /// What it was taking up when it ended unexpectedly: `all`, or the id of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taking_up: Option<String>,
    /// It was in safe mode.
    pub is_safe: bool,
}

/// A run that is not taken up again until a person says so.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct QuarantinedRun {
    /// Id of the run.
    pub run: String,
    /// Its short number.
    pub number: u32,
    /// Name of its workflow.
    pub workflow_name: String,
    /// Since when.
    pub at: Millis,
    /// Why.
    pub reason: String,
}

/// Safe mode: nothing goes on by itself after Baton ended unexpectedly again and again.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct SafeModeView {
    /// Whether Baton is in safe mode.
    pub is_active: bool,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Runs that are set aside, in safe mode or not.
    pub quarantined: Vec<QuarantinedRun>,
    /// Open runs that wait for safe mode to be left.
    pub waiting_runs: u32,
    /// The last starts, newest first.
    pub starts: Vec<StartView>,
}
