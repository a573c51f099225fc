//! What the designer needs to know once: kinds of step, samples, the program itself.

use baton_core::step_kind::{Category, Effect, Form, Port};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::users::UserIdentified;

/// A request without parameters.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Nothing {}

/// A kind of step, for palette and inspector.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct KindInfo {
    /// Name in the document.
    pub kind: String,
    /// Name that people see.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Place in the palette.
    pub category: Category,
    /// Name of a lucide icon.
    pub icon: String,
    /// Ports of a step with an empty configuration.
    pub ports: Vec<Port>,
    /// Effect of a step with an empty configuration.
    pub effect: Effect,
    /// Carried out by the machine itself.
    pub is_control: bool,
    /// Holds a graph of its own.
    pub is_container: bool,
    /// Its form.
    pub form: Form,
    /// JSON Schema of `with`.
    #[ts(type = "unknown")]
    pub schema: Value,
    /// Fields of its output: name and a few words.
    pub output: Vec<(String, String)>,
}

/// All kinds.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CatalogList {
    /// By name.
    pub kinds: Vec<KindInfo>,
}

/// What runs here.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct AppInfo {
    /// Version of Baton.
    pub version: String,
    /// Where database and artifacts are.
    pub data_dir: String,
    /// `linux`, `macos` or `windows`.
    pub platform: String,
    /// Who answers approvals here: the account name.
    pub person: String,
    /// Set when the data folder cannot be written: why. Everything can be looked at, nothing runs.
    pub read_only: Option<String>,
    /// The program that owns the data folder and carries runs out, if it is not the one that answers here.
    pub owner: Option<String>,
    /// The user of the server who asks; absent: whoever asks owns it and may do everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub user: Option<UserIdentified>,
}

/// A sample workflow.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SampleInfo {
    /// Id of the workflow.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it shows.
    pub purpose: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The file.
    pub path: String,
    /// Number of steps, bodies included.
    pub steps: u32,
    /// A small picture, as SVG text made by Baton (no script, no external reference).
    pub svg: String,
}

/// The samples.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SampleList {
    /// In the order in which they should be met.
    pub samples: Vec<SampleInfo>,
}
