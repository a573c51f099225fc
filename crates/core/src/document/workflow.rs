//! The types of the workflow file.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

use super::limits::Limits;

/// The format this build writes. A file with a higher number opens read-only.
pub const FORMAT: u32 = 1;

/// Where editors find the JSON Schema of the format (`baton schema` prints the same text).
pub const SCHEMA_URL: &str = "https://baton.invalid/schema/1/workflow.schema.json";

fn is_false(value: &bool) -> bool {
    !*value
}

/// A workflow: steps, edges, triggers, layout. One text file, `*.baton.json`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Workflow {
    /// Where an editor finds the schema of this file.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Version of the file format.
    pub format: u32,
    /// Short human slug, never regenerated: lower case letters, digits and `_`.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// What it is for, and whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    /// JSON Schema of the input that a run is started with. The start form is made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "Record<string, unknown>")]
    pub input: Option<Value>,
    /// What starts a run without a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// The longest a run may take, as a duration (`"2h"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// What happens to the rest of the run when a step fails and nothing handles it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// How much one run may use before it pauses and asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// The steps, in the order in which they were drawn.
    pub steps: Vec<Step>,
    /// Who waits for whom.
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// Notes on the canvas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// Where each step (and note) stands: `[x, y]` in canvas units, the top left corner. Not part of the digest.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(with = "std::collections::BTreeMap<String, [f64; 2]>")]
    #[ts(type = "Record<string, [number, number]>")]
    pub layout: IndexMap<String, [f64; 2]>,
    /// Fields that this build does not know, kept as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    #[ts(skip)]
    pub rest: Map<String, Value>,
}

/// What a workflow is for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct About {
    /// One or two sentences: what it achieves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The person or team that answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Fields that this build does not know, kept as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    #[ts(skip)]
    pub rest: Map<String, Value>,
}

/// What starts a run without a person: a schedule, a file, a webhook, another workflow.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Trigger {
    /// Slug, unique among the triggers.
    pub id: String,
    /// `schedule`, `file`, `webhook`, `workflow_finished` or `manual`.
    pub kind: String,
    /// The settings of the kind (`cron`, `timeZone`, `missed` …).
    #[serde(flatten)]
    #[schemars(with = "crate::trigger::TriggerSettings")]
    pub with: Map<String, Value>,
}

/// What happens to the other branches when a failure is not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum OnFailure {
    /// Running steps are cancelled at once.
    #[default]
    Cancel,
    /// Branches that do not depend on the failure finish first.
    Finish,
}

/// A node of the graph.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Step {
    /// Slug, unique in the whole workflow, bodies included.
    pub id: String,
    /// What the step is: `read_table`, `approval` …
    pub kind: String,
    /// The name that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the step is there for, for the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The settings of the kind. A string holding `{% … %}` is a template.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[ts(type = "Record<string, unknown>")]
    pub with: Map<String, Value>,
    /// When the step starts, given its incoming edges. Absent means `live`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<Join>,
    /// With `join: first`: cancel the branches that lost.
    #[serde(default, skip_serializing_if = "is_false")]
    #[ts(as = "Option<bool>", optional)]
    pub cancel_rest: bool,
    /// How often and when a failed attempt is repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// The longest one attempt may take, as a duration (`"5m"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Name of something that only so many steps may use at a time; the settings say how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What takes back this step when its scope fails after it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// The step is passed over: its plain edges are taken, nothing is done.
    #[serde(default, skip_serializing_if = "is_false")]
    #[ts(as = "Option<bool>", optional)]
    pub disabled: bool,
    /// An output to use instead of running the step, while designing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "unknown")]
    pub pin: Option<Value>,
    /// The graph inside a container (`for_each`, `repeat`, `scope`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// Fields that this build does not know, kept as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    #[ts(skip)]
    pub rest: Map<String, Value>,
}

/// The graph inside a container step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Body {
    /// The steps of the body.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The edges of the body. They never leave it.
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// Fields that this build does not know, kept as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    #[ts(skip)]
    pub rest: Map<String, Value>,
}

/// When a step starts, given its incoming edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum Join {
    /// All incoming edges are resolved and at least one is taken.
    #[default]
    Live,
    /// All incoming edges are taken; otherwise the step is skipped.
    All,
    /// The first taken edge starts it.
    First,
    /// So many taken edges start it.
    AtLeast(u32),
}

/// How often and when a failed attempt is repeated.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Retry {
    /// Attempts in all, the first included. There is no cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Wait before the second attempt. Default `"1s"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Each wait is the one before times this. Default 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// The longest wait. Default `"5m"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// Share of the wait, 0 to 1, that is drawn by chance (from the run's recorded seed). Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
    /// Repeat only if this is true. In scope: `error` (after a failure) or `output` (after a success that may
    /// still be repeated), `attempt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Fields that this build does not know, kept as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    #[ts(skip)]
    pub rest: Map<String, Value>,
}

/// What takes back a completed step: a task of its own. In scope: `output` (of the step) and `error`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Undo {
    /// Kind of the task that takes the step back.
    pub kind: String,
    /// Its settings.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[ts(type = "Record<string, unknown>")]
    pub with: Map<String, Value>,
    /// How its failed attempts are repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// The longest one attempt may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Fields that this build does not know, kept as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    #[ts(skip)]
    pub rest: Map<String, Value>,
}

/// A dependency between two steps of one graph.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Edge {
    /// `step` or `step.port`.
    pub from: String,
    /// The step that waits.
    pub to: String,
    /// Taken on `error` or `always` instead of on success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<On>,
    /// A plain condition, `{% … %}`: the edge is taken only if it is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Words on the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Fields that this build does not know, kept as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    #[ts(skip)]
    pub rest: Map<String, Value>,
}

/// Which end of a step takes an edge, if not its success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum On {
    /// The step failed for good.
    Error,
    /// The step succeeded or failed for good.
    Always,
}

impl Edge {
    /// A plain edge.
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            ..Self::default()
        }
    }

    /// The step the edge leaves from, without the port.
    pub fn from_step(&self) -> &str {
        self.from
            .split_once('.')
            .map_or(self.from.as_str(), |(step, _)| step)
    }

    /// The port the edge leaves from, if it names one.
    pub fn from_port(&self) -> Option<&str> {
        self.from.split_once('.').map(|(_, port)| port)
    }

    /// How events, problems and the canvas name this edge: `gate.fail->alert`, `load->alert!error`.
    /// Unique in a valid workflow.
    pub fn key(&self) -> String {
        let suffix = match self.on {
            None => "",
            Some(On::Error) => "!error",
            Some(On::Always) => "!always",
        };
        format!("{}->{}{suffix}", self.from, self.to)
    }
}

/// A note on the canvas, in plain text. Its place is in `layout` under its id.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Note {
    /// Slug, unique among steps and notes.
    pub id: String,
    /// The text, as an array of lines.
    pub text: Vec<String>,
    /// Width and height in canvas units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[f64; 2]>,
    /// Name of a colour of the theme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Fields that this build does not know, kept as they are.
    #[serde(flatten)]
    #[schemars(skip)]
    #[ts(skip)]
    pub rest: Map<String, Value>,
}

impl Workflow {
    /// An empty workflow of the current format.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            schema: Some(SCHEMA_URL.to_owned()),
            format: FORMAT,
            id: id.into(),
            name: name.into(),
            ..Self::default()
        }
    }

    /// Calls `visit` with every step, outer before inner, in document order, with the ids of its containers.
    pub fn each_step<'a>(&'a self, mut visit: impl FnMut(&'a Step, &[&'a str])) {
        fn walk<'a>(
            steps: &'a [Step],
            path: &mut Vec<&'a str>,
            visit: &mut impl FnMut(&'a Step, &[&'a str]),
        ) {
            for step in steps {
                visit(step, path);
                if let Some(body) = &step.body {
                    path.push(&step.id);
                    walk(&body.steps, path, visit);
                    path.pop();
                }
            }
        }
        walk(&self.steps, &mut Vec::new(), &mut visit);
    }

    /// The step with this id, wherever it stands.
    pub fn find_step(&self, id: &str) -> Option<&Step> {
        fn search<'a>(steps: &'a [Step], id: &str) -> Option<&'a Step> {
            steps.iter().find_map(|step| {
                if step.id == id {
                    Some(step)
                } else {
                    step.body.as_ref().and_then(|body| search(&body.steps, id))
                }
            })
        }
        search(&self.steps, id)
    }
}

impl Step {
    /// What people call the step: its name, else its id.
    pub fn title(&self) -> &str {
        self.name
            .as_deref()
            .filter(|name| !name.is_empty())
            .unwrap_or(&self.id)
    }
}

/// Whether `text` may be an id: it starts with a lower case letter and holds only those, digits and `_`.
pub fn is_slug(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && text.len() <= 64
}
