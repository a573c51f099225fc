//! The settings of all kinds of trigger as one type, for the JSON Schema of the file.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The settings of a trigger. Which of them belong to which kind is told with each.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerSettings {
    /// `schedule`: five fields (minute, hour, day, month, weekday), or six with seconds before them.
    /// `0 6 * * 1-5` is 6:00 on workdays.
    pub cron: Option<String>,
    /// `schedule`: an interval of elapsed time, such as `15m` or `7d`.
    pub every: Option<String>,
    /// `schedule`: the first instant of `every`, as date and time there. Without it, steps are counted from a Monday at
    /// midnight, so that `15m` means the quarters of the hour.
    pub anchor: Option<String>,
    /// `schedule`: dates and times there, such as `2026-12-24T18:00`.
    pub dates: Option<Vec<String>>,
    /// `schedule`: the zone that `cron`, `anchor` and `dates` are meant in, such as `Europe/Berlin`. Without it, UTC.
    pub time_zone: Option<String>,
    /// `schedule`: what becomes of instants at which Baton was not there. `skip` none, `last` (default) the last one, `all`
    /// the last `atMost` within `within`.
    pub missed: Option<MissedWord>,
    /// `schedule`, with `missed: all`: how many at most. Without it, 1.
    pub at_most: Option<u32>,
    /// `schedule`, with `missed`: how long ago at most, as a duration. Without it, 24 hours with `all`, and any time with `last`.
    pub within: Option<String>,
    /// All kinds: what happens when it fires while a run that it started is not over. `skip` (default of `schedule`) does
    /// not start, `queue` (default of `file` and `workflow_finished`) starts afterwards, `allow` (default of `webhook` and
    /// `manual`) starts at once, `cancel` stops the run before and starts.
    pub overlap: Option<OverlapWord>,
    /// All kinds: the input of the run. A text holding `{% … %}` is a template over `trigger`: `trigger.id`,
    /// `trigger.kind`, `trigger.due` and `trigger.at` (instants), `trigger.payload` (what the source brought).
    pub input: Option<Value>,
    /// `file`: the folder that is watched, from the folder of the workflow.
    pub folder: Option<String>,
    /// `file`: names of files, such as `*.csv`.
    pub pattern: Option<String>,
    /// `workflow_finished`: the id of the workflow whose runs are meant.
    pub workflow: Option<String>,
    /// `workflow_finished`: the ends that count: `succeeded`, `failed`, `cancelled`, or the name of an outcome. Without it, all.
    pub outcome: Option<Words>,
}

/// A word, or a list of words.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Words {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// `missed`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MissedWord {
    /// None of them.
    Skip,
    /// The last one.
    Last,
    /// The last ones.
    All,
}

/// `overlap`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OverlapWord {
    /// Does not start.
    Skip,
    /// Starts afterwards.
    Queue,
    /// Starts at once.
    Allow,
    /// Stops the run before.
    Cancel,
}
