//! What goes to and comes from the cluster: the input of a run, commands, steps and their answers.
//!
//! These forms are read from histories of every age: a field is added with a default, never renamed or removed.

use std::collections::BTreeMap;

use baton_core::error::StepError;
use baton_core::machine::{Logged, Outcome, Task};
use baton_core::step_kind::Effect;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use baton_core::elsewhere::INPUT_LIMIT;
pub use baton_sidecar::{Command, Standing};

/// Type of the workflow that runs every definition.
pub const WORKFLOW_TYPE: &str = "baton.run";
/// Type of the activity that carries out every step.
pub const ACTIVITY_TYPE: &str = "baton.step";
/// Name of the update and of the signal that take a [`Command`].
pub const COMMAND: &str = "baton.command";
/// Name of the query for [`Standing`].
pub const STANDING: &str = "baton.standing";
/// Name of the query for a part of the log.
pub const LOG: &str = "baton.log";
/// The timer that only asks for another workflow task.
pub const TICK: &str = "baton:tick";

/// The largest definition that travels in the input itself, in bytes.
pub const DEFINITION_LIMIT: usize = 256 * 1024;
/// The largest outputs of a run that travel in its end, in bytes.
pub const OUTPUTS_LIMIT: usize = 256 * 1024;
/// The largest answer of a step, in bytes: a cluster carries 2 MB, and encryption needs a little of it.
pub const ANSWER_LIMIT: usize = 2_000_000;
/// The largest part of a log that travels in the input itself, in bytes.
pub const CHUNK_LIMIT: usize = 64 * 1024;

/// A text that may be too large to travel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// The text itself.
    Inline(String),
    /// Where it is kept.
    Kept(Kept),
    /// A document, as other clients write it.
    Document(Value),
}

/// A text in the folder of artifacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Its hash.
    pub artifact: String,
    /// Its size.
    pub bytes: u64,
}

/// The run and step that wait for a sub-workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Id of the waiting run.
    pub run: String,
    /// The waiting step.
    pub step: String,
    /// Name of its workflow.
    pub name: String,
}

/// How a run on the cluster begins, and how it goes on as a new one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StartInput {
    /// The workflow.
    pub definition: Text,
    /// The input of the run.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// Values for `env.<name>`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Where chance comes from; without it, from the id of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// What started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Who waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Waiting>,
    /// How many runs are above it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub depth: u32,
    /// Sub-workflows, by the name that steps give them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub library: BTreeMap<String, Text>,
    /// Whether the search attributes are there and kept up to date.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub search: bool,
    /// Whether the run was started with search attributes that say what it is and that it is running.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_listed: bool,
    /// How the host goes about it.
    #[serde(default, skip_serializing_if = "Settings::is_default")]
    pub settings: Settings,
    /// What happened in earlier parts of this run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<Text>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How the host goes about a run. Part of the input, because the same history must give the same commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// The longest silence of a step before it is taken for lost, in milliseconds.
    pub heartbeat_ms: u64,
    /// The longest a step without a time limit of its own may be carried out, in milliseconds.
    pub attempt_ms: u64,
    /// The longest a step may wait for a worker and be carried out, all repetitions of a lost one included.
    pub deadline_ms: u64,
    /// How many steps and sub-workflows may be under way at the same time.
    pub window: u32,
    /// How many bytes of commands one workflow task may give.
    pub task_bytes: u32,
    /// After how many events of the history the run goes on as a new one; 0: when the server advises it.
    pub continue_after: u32,
}

impl Default for Settings {
    fn default() -> Self {
        const HOUR: u64 = 3_600_000;
        Self {
            heartbeat_ms: 10_000,
            attempt_ms: 24 * HOUR,
            deadline_ms: 7 * 24 * HOUR,
            window: 500,
            task_bytes: 1024 * 1024,
            continue_after: 0,
        }
    }
}

impl Settings {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A step to carry out: the input of the activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepIn {
    /// Id of the run.
    pub run: String,
    /// The step.
    pub step: String,
    /// Kind of the task.
    pub kind: String,
    /// From 1.
    pub attempt: u32,
    /// Goes back with the result.
    pub epoch: u32,
    /// Idempotency key.
    pub key: String,
    /// What repeating it would do.
    pub effect: Effect,
    /// The configuration with its expressions evaluated.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub with: Map<String, Value>,
    /// Where the configuration is kept, if it is too large to travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_kept: Option<Kept>,
    /// The longest this attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<i64>,
    /// How often to give a sign of life, in milliseconds.
    pub beat_ms: u64,
}

impl StepIn {
    /// The task, with `with` as its configuration.
    pub fn into_task(self, with: Map<String, Value>) -> Task {
        Task {
            step: self.step,
            kind: self.kind,
            attempt: self.attempt,
            epoch: self.epoch,
            key: self.key,
            effect: self.effect,
            with: with.into(),
            timeout_ms: self.timeout_ms,
        }
    }
}

/// How a step ended, if it did not fail: the result of the activity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepOut {
    /// The output.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub output: Value,
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// It stopped because it was told to.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// Lines that it wrote: level and text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<(String, String)>,
}

/// Why a step failed: the details of the failure of the activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepFailure {
    /// Why.
    pub error: StepError,
    /// Lines that it wrote: level and text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<(String, String)>,
}

/// How a run ended: the result of the workflow, and the details of its failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEnd {
    /// In one word.
    pub outcome: Outcome,
    /// Name that an `end` step gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its outputs.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub outputs: Value,
    /// Its outputs, where they are too large to travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs_kept: Option<Kept>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
}

/// A part of the log: the answer to the query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Events after the position that was asked for, as many as fit.
    pub events: Vec<Logged>,
}

/// The place of an activity, timer or child in a run, as the history names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum OpKey {
    /// A step: its path and epoch.
    Step(String, u32),
    /// Taking a step back: its path and epoch.
    Undo(String, u32),
    /// A timer: its name and instant.
    Timer(String, i64),
    /// A sub-workflow: its run.
    Child(String),
}

impl OpKey {
    /// The timer that only asks for another workflow task.
    pub fn tick() -> Self {
        Self::Timer(TICK.to_owned(), 0)
    }

    /// As an activity id.
    pub fn activity_id(&self) -> String {
        match self {
            Self::Step(path, epoch) => format!("{path}#{epoch}"),
            Self::Undo(path, epoch) => format!("{path}!undo#{epoch}"),
            Self::Timer(name, at) => format!("{name}@{at}"),
            Self::Child(run) => run.clone(),
        }
    }

    /// Reads an activity id.
    pub fn from_activity_id(id: &str) -> Option<Self> {
        let (path, epoch) = id.rsplit_once('#')?;
        let epoch = epoch.parse().ok()?;
        Some(match path.strip_suffix("!undo") {
            Some(path) => Self::Undo(path.to_owned(), epoch),
            None => Self::Step(path.to_owned(), epoch),
        })
    }

    /// Reads the summary of a timer.
    pub fn from_timer(summary: &str) -> Option<Self> {
        let (name, at) = summary.rsplit_once('@')?;
        Some(Self::Timer(name.to_owned(), at.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_the_history_is_read_back() {
        for key in [
            OpKey::Step("each[3]/score".into(), 2),
            OpKey::Undo("book".into(), 1),
        ] {
            assert_eq!(OpKey::from_activity_id(&key.activity_id()), Some(key));
        }
        let timer = OpKey::Timer("wait:each[0]/pause".into(), 1_700_000_000_000);
        assert_eq!(OpKey::from_timer(&timer.activity_id()), Some(timer));
        assert_eq!(OpKey::from_activity_id("score"), None);
        assert_eq!(OpKey::from_timer(TICK), None);
    }

    #[test]
    fn a_document_of_another_client_is_a_definition() {
        let given: StartInput =
            serde_json::from_value(serde_json::json!({ "definition": { "format": 1, "id": "a" } }))
                .unwrap();
        assert!(matches!(given.definition, Text::Document(_)));
        let kept: Text =
            serde_json::from_value(serde_json::json!({ "artifact": "ab", "bytes": 1 })).unwrap();
        assert!(matches!(kept, Text::Kept(_)));
        let text: Text = serde_json::from_value(serde_json::json!("{}")).unwrap();
        assert!(matches!(text, Text::Inline(_)));
    }
}
