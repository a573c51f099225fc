//! How much one run of a workflow may use: the block `limits` of the file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

/// How much one run may use before it pauses and asks. What is not given here is as the settings say.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Limits {
    /// Steps started in all, those in loops counted each time; further attempts are not counted. Default 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Iterations of one loop. Default 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u32>,
    /// How many runs may wait for one another through sub-workflows. Default 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// Iterations that are carried out at the same time; the others wait for their turn. Default 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// One value that is not a table, as an amount of data. Default `"256 MB"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// All values and tables of the run together, as an amount of data. Default `"4 GB"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_payload: Option<String>,
    /// Values that are held in memory while the run lives, as an amount of data. Default `"128 MB"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Time from the start of the run, as a duration. Not limited by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_time: Option<String>,
    /// Fields that this build does not know, kept as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    #[ts(skip)]
    pub rest: Map<String, Value>,
}
