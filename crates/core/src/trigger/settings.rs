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
    /// `file`: the folder that is watched, below the work folder.
    pub folder: Option<String>,
    /// `file`: names of files, such as `*.csv`; with a `/`, paths below the folder. Without it, all.
    pub pattern: Option<String>,
    /// `file`: whether folders in the folder count.
    pub recursive: Option<bool>,
    /// `file`: how long size and time of a file must not have changed. Without it, `2s`.
    pub stable_for: Option<String>,
    /// `file`: `new`, `changed`, or both (default).
    pub events: Option<Words>,
    /// `file`: how often the whole folder is looked at, whatever the watcher says. Without it, `10s`.
    pub poll: Option<String>,
    /// `file`: what becomes of files that are there when the trigger is activated: `skip` (default) or `fire`.
    pub existing: Option<String>,
    /// `webhook`: the end of its address, `/hooks/<path>`. Without it, the id of the trigger.
    pub path: Option<String>,
    /// `webhook`: the name of the secret that the sender knows.
    pub secret: Option<String>,
    /// `webhook`: `hmac` (default: a signature over time and body) or `header` (the secret itself).
    pub auth: Option<String>,
    /// `webhook`: the header with the signature or the secret. Without it, `X-Baton-Signature` or `X-Baton-Secret`.
    pub header: Option<String>,
    /// `webhook`: the header with the time. Without it, `X-Baton-Timestamp`.
    pub timestamp_header: Option<String>,
    /// `webhook`: the header with the id that a sender repeats when it sends again. Without it, `Idempotency-Key`.
    pub id_header: Option<String>,
    /// `webhook`: the largest body in bytes, at most 1048576 (default).
    pub max_bytes: Option<u64>,
    /// `webhook`: how many requests a minute start something. Without it, 600.
    pub per_minute: Option<u32>,
    /// `webhook`: how many firings may wait for their run, at most 1000 (default).
    pub max_waiting: Option<u32>,
    /// `webhook`: names of headers that become part of the data.
    pub headers: Option<Vec<String>>,
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
