//! What a kind of step is: its name, ports, effect, form and configuration schema.
//!
//! Task kinds are open: `baton-steps` holds one Rust file and one form file each. Control kinds are closed and
//! live in [`crate::control`]. Both meet in one [`Catalog`], from which palette, inspector, validation, engine
//! and documentation come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

use crate::kind_version::Versions;

/// What repeating a step would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Effect {
    /// Nothing outside the run is touched: the same input gives the same output.
    Pure,
    /// The outside is touched, and doing it twice leaves the same as doing it once.
    Idempotent,
    /// The receiver recognises the idempotency key and does it once.
    Keyed,
    /// Doing it twice does it twice: after a crash a person is asked.
    Unsafe,
}

impl Effect {
    /// Whether the step may run again after a crash without asking.
    pub const fn may_repeat(self) -> bool {
        !matches!(self, Self::Unsafe)
    }
}

/// Where a kind stands in the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Category {
    /// Reading, writing and reshaping tables and values.
    Data,
    /// Checks of data.
    Quality,
    /// Order, branches, loops, scopes, ends.
    Flow,
    /// Questions to people.
    People,
    /// Time and events from outside.
    Time,
    /// Other systems and programs.
    Systems,
    /// Telling people something.
    Messages,
}

/// A named outlet that an edge leaves from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Port {
    /// Name, as written after the dot in `from`.
    pub name: String,
    /// What people see.
    pub title: String,
}

impl Port {
    /// A port.
    pub fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
        }
    }
}

/// The ports of a kind.
#[derive(Clone, Copy)]
pub enum Ports {
    /// No named port: edges leave from the step itself.
    Plain,
    /// Always the same, `(name, title)`.
    Fixed(&'static [(&'static str, &'static str)]),
    /// Read off the configuration.
    Configured(fn(&Map<String, Value>) -> Vec<Port>),
}

/// How a field is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Widget {
    /// One line of text.
    Text,
    /// Several lines of text; kept in the document as an array of lines.
    Lines,
    /// Several lines of code in `language`; kept as an array of lines.
    Code,
    /// A number.
    Number,
    /// True or false.
    Switch,
    /// One of `options`.
    Select,
    /// A duration such as `5m`.
    Duration,
    /// A file below the work folder, to read.
    File,
    /// A file below the work folder, to write.
    SaveFile,
    /// A table of an earlier step, as an expression.
    Table,
    /// Any value by expression.
    Expression,
    /// A plain condition by expression.
    Condition,
    /// A list of texts.
    Strings,
    /// Names with values: an object with any keys.
    Mapping,
    /// A list of objects with the fields in `fields`.
    List,
    /// Any JSON value.
    Json,
    /// A JSON Schema, drawn as a list of questions.
    Schema,
    /// A workflow file or id.
    Workflow,
}

/// A choice of a `select`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Choice {
    /// What is written into the document.
    #[ts(type = "string | number | boolean")]
    pub value: Value,
    /// What people see.
    pub label: String,
}

/// A field is shown (and checked) only while another field has one of these values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct VisibleWhen {
    /// Name of the other field, in the same object.
    pub field: String,
    /// The values. `null` stands for an absent field.
    #[ts(type = "unknown[]")]
    pub is: Vec<Value>,
}

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct Field {
    /// Key in `with` (or in the object of a list).
    pub name: String,
    /// How it is edited.
    pub widget: Widget,
    /// What people see before it.
    pub label: String,
    /// One sentence of help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Greyed example text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// The step cannot run without it.
    #[serde(default)]
    pub required: bool,
    /// May hold `{% … %}`: the inspector shows a plain/expression switch.
    #[serde(default)]
    pub expression: bool,
    /// The value is the name of a secret.
    #[serde(default)]
    pub secret: bool,
    /// Language of a `code` field: `sql`, `jsonata`, `json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Choices of a `select`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<Choice>>,
    /// The value that an absent field stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "unknown")]
    pub default: Option<Value>,
    /// Fields of the objects of a `list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<Self>>,
    /// Show only while another field has one of these values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_when: Option<VisibleWhen>,
    /// Heading that collects several fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// In scope of this field's expressions besides the usual: `output`, `error`, `value`, `row`, `iteration`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<String>,
}

impl Field {
    /// Whether the document keeps this field as an array of lines.
    pub const fn is_multi_line(&self) -> bool {
        matches!(self.widget, Widget::Lines | Widget::Code)
    }
}

/// The form of a kind: its fields in order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Form {
    /// The fields.
    pub fields: Vec<Field>,
}

impl Form {
    /// The form written in `json`.
    ///
    /// # Panics
    ///
    /// If the text is not a form. Forms are part of the build; a test loads each.
    pub fn parse(kind: &str, json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("form of `{kind}`: {error}"))
    }
}

/// What a kind of step is.
#[derive(Clone)]
pub struct StepKind {
    /// Name in the document.
    pub kind: &'static str,
    /// Name that people see.
    pub title: &'static str,
    /// One sentence: what it does.
    pub summary: &'static str,
    /// Where it stands in the palette.
    pub category: Category,
    /// Name of a lucide icon.
    pub icon: &'static str,
    /// Its outlets.
    pub ports: Ports,
    /// What repeating it would do, given its configuration.
    pub effect: fn(&Map<String, Value>) -> Effect,
    /// Carried out by the machine itself, not by the engine.
    pub is_control: bool,
    /// Holds a graph of its own.
    pub is_container: bool,
    /// Its form.
    pub form: Form,
    /// JSON Schema of `with`.
    pub schema: Value,
    /// Top-level fields of its output with a few words each, for completion and documentation.
    pub output: &'static [(&'static str, &'static str)],
}

impl StepKind {
    /// The ports of a step of this kind with this configuration; empty if edges leave from the step itself.
    pub fn ports_of(&self, with: &Map<String, Value>) -> Vec<Port> {
        match self.ports {
            Ports::Plain => Vec::new(),
            Ports::Fixed(ports) => ports
                .iter()
                .map(|(name, title)| Port::new(*name, *title))
                .collect(),
            Ports::Configured(read) => read(with),
        }
    }
}

impl std::fmt::Debug for StepKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepKind")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// All kinds that this build knows.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    kinds: BTreeMap<&'static str, StepKind>,
    /// Of kinds that have changed their meaning.
    versions: BTreeMap<&'static str, Versions>,
}

impl Catalog {
    /// The control kinds and `tasks`.
    pub fn new(tasks: impl IntoIterator<Item = StepKind>) -> Self {
        let kinds = crate::control::kinds().into_iter().chain(tasks);
        Self {
            kinds: kinds.map(|kind| (kind.kind, kind)).collect(),
            versions: BTreeMap::new(),
        }
    }

    /// With the versions of kinds; one that is not named has its first.
    #[must_use]
    pub fn with_versions(
        mut self,
        versions: impl IntoIterator<Item = (&'static str, Versions)>,
    ) -> Self {
        self.versions.extend(versions);
        self
    }

    /// The versions of a kind.
    pub fn versions(&self, kind: &str) -> Versions {
        self.versions.get(kind).copied().unwrap_or(Versions::FIRST)
    }

    /// The kind with this name.
    pub fn find(&self, kind: &str) -> Option<&StepKind> {
        self.kinds.get(kind)
    }

    /// All kinds, by name.
    pub fn all(&self) -> impl Iterator<Item = &StepKind> {
        self.kinds.values()
    }
}
