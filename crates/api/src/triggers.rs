//! What starts runs without a person: activating it, looking at it, firing it by hand.

use baton_core::Millis;
use baton_core::document::Workflow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// Whether a trigger acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum TriggerStatus {
    /// It fires.
    Active,
    /// It was told to wait.
    Paused,
}

/// What became of a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum FiringStatus {
    /// It is recorded, and its run will be started.
    Pending,
    /// It waits for the run before.
    Queued,
    /// Its run was started.
    Started,
    /// It starts nothing, for a reason.
    Skipped,
    /// Baton was not there.
    Missed,
    /// Its run could not be started, for a reason.
    Failed,
}

/// An instant of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DueInstant {
    /// The instant.
    pub at: Millis,
    /// Date and time in the zone of the schedule: `2026-11-27T07:00:00`.
    pub local: String,
    /// What the clock there differs from UTC: `+01:00`.
    pub offset: String,
}

/// A trigger that was activated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct TriggerLine {
    /// Id of the workflow.
    pub workflow: String,
    /// Name of the workflow.
    pub workflow_name: String,
    /// Id of the trigger.
    pub trigger: String,
    /// Its kind.
    pub kind: String,
    /// When it fires, in a few words: `every weekday at 06:00 in Europe/Berlin`.
    pub summary: String,
    /// Whether it acts.
    pub status: TriggerStatus,
    /// Rises with every activation of the workflow.
    pub revision: u32,
    /// Digest of the definition that it runs.
    pub digest: String,
    /// File that it was activated from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The file says something else by now: the triggers still run what was activated.
    pub is_outdated: bool,
    /// What happens when it fires while a run that it started is not over.
    pub overlap: String,
    /// When it fires next, for a schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<DueInstant>,
    /// What it recorded last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<FiringLine>,
    /// How many of its firings wait (at most 1000 are counted).
    pub waiting: u32,
    /// What keeps it from firing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Who activated it.
    pub activated_by: String,
    /// When.
    pub activated_at: Millis,
    /// Who last activated, paused or resumed it.
    pub changed_by: String,
    /// When.
    pub changed_at: Millis,
}

/// All triggers.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct TriggerListed {
    /// By workflow and id.
    pub triggers: Vec<TriggerLine>,
    /// Whether they fire as long as this process runs.
    pub is_acting: bool,
}

/// Activate the triggers of a workflow, in place of all that it had.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export, optional_fields)]
pub struct TriggerActivate {
    /// The file. With `document` it only says where relative paths start.
    pub path: Option<String>,
    /// The definition, exactly as it is to act; absent: what the file holds.
    pub document: Option<Workflow>,
    /// Only these; absent: all that it has.
    pub triggers: Option<Vec<String>>,
    /// Input that every run gets, before what a trigger says.
    #[ts(type = "unknown", optional)]
    pub input: Option<Value>,
    /// Folder that relative paths start from, if not that of the file.
    pub work_dir: Option<String>,
}

/// What was activated.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TriggerActivated {
    /// Id of the workflow.
    pub workflow: String,
    /// Rises with every activation of the workflow.
    pub revision: u32,
    /// Its triggers.
    pub triggers: Vec<TriggerLine>,
}

/// Names a trigger that is active, or all of a workflow.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct TriggerName {
    /// Id of the workflow.
    pub workflow: String,
    /// Id of the trigger; absent: all of the workflow.
    #[serde(default)]
    pub trigger: Option<String>,
}

/// Fire a trigger by hand.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct TriggerFire {
    /// Id of the workflow.
    pub workflow: String,
    /// Id of the trigger.
    pub trigger: String,
    /// Name of a saved input.
    #[serde(default)]
    pub saved: Option<String>,
    /// The input; goes before `saved`.
    #[serde(default)]
    #[ts(type = "unknown", optional)]
    pub input: Option<Value>,
    /// What makes the request unique: the same one fires once.
    #[serde(default)]
    pub key: Option<String>,
}

/// A recorded firing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct FiringLine {
    /// Rises with every record.
    #[ts(type = "number")]
    pub id: i64,
    /// Id of the workflow.
    pub workflow: String,
    /// Id of the trigger.
    pub trigger: String,
    /// What it is, unique for the trigger.
    pub key: String,
    /// The revision that fired.
    pub revision: u32,
    /// What became of it.
    pub status: FiringStatus,
    /// Why it started nothing, or waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Id of the run that it started or will start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// When it was due, for a schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Millis>,
    /// The last of many instants that are one record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// How many instants it stands for.
    #[ts(type = "number")]
    pub count: u64,
    /// When it was recorded.
    pub recorded_at: Millis,
    /// When it was decided what becomes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Millis>,
    /// The person who fired it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What the source brought.
    #[ts(type = "unknown")]
    pub payload: Value,
}

/// List firings, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export, optional_fields)]
pub struct TriggerFirings {
    /// Only of this workflow.
    pub workflow: Option<String>,
    /// Only of the trigger with this id.
    pub trigger: Option<String>,
    /// Only with this status.
    pub status: Option<FiringStatus>,
    /// At most so many (default 50, at most 500).
    pub limit: Option<u32>,
    /// Skip so many.
    pub offset: Option<u32>,
}

/// Firings.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FiringsListed {
    /// Newest first.
    pub firings: Vec<FiringLine>,
    /// How many there are in all.
    pub total: u32,
}

/// Ask when a schedule fires.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct SchedulePreview {
    /// The settings of the trigger: `cron`, `every` with `anchor`, or `dates`; and `timeZone`.
    #[ts(type = "Record<string, unknown>")]
    pub settings: serde_json::Map<String, Value>,
    /// After this instant; absent: now.
    #[serde(default)]
    pub after: Option<Millis>,
    /// So many (default 10, at most 100).
    #[serde(default)]
    pub count: Option<u32>,
}

/// When a schedule fires.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScheduleShown {
    /// What it says, in a few words; empty while something is wrong.
    pub summary: String,
    /// The next instants. None, and no problem: it is over.
    pub next: Vec<DueInstant>,
    /// What is wrong with the settings.
    pub problems: Vec<ScheduleProblem>,
}

/// Something that is wrong with the settings of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ScheduleProblem {
    /// Stable name: `cron`, `time-zone` or `trigger-setting`.
    pub code: String,
    /// The setting.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub hint: String,
}

/// Keep an input to start a workflow with.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InputSave {
    /// Id of the workflow.
    pub workflow: String,
    /// Its name, unique in the workflow. One of the same name is replaced.
    pub name: String,
    /// The input.
    #[ts(type = "unknown")]
    pub value: Value,
}

/// Names a saved input.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InputName {
    /// Id of the workflow.
    pub workflow: String,
    /// Its name.
    pub name: String,
}

/// List the saved inputs of a workflow.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InputList {
    /// Id of the workflow.
    pub workflow: String,
}

/// Saved inputs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InputListed {
    /// By name.
    pub inputs: Vec<InputKept>,
}

/// A saved input.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InputKept {
    /// Its name.
    pub name: String,
    /// The input.
    #[ts(type = "unknown")]
    pub value: Value,
    /// Who kept it.
    pub by: String,
    /// When.
    pub at: Millis,
}
