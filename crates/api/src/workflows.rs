//! Opening, checking, saving and drafting workflows.

use std::collections::BTreeMap;

use baton_core::Millis;
use baton_core::document::Workflow;
use baton_core::problem::Problem;
use baton_core::step_kind::{Effect, Port};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Open a file.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct WorkflowOpen {
    /// The file, absolute or relative to the workspace folder.
    pub path: String,
}

/// An opened workflow.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct WorkflowOpened {
    /// The document as it stands in the file.
    pub document: Workflow,
    /// Where it was read from, absolute. `null` for an unsaved one.
    pub path: Option<String>,
    /// blake3 of the bytes of the file: goes back with [`WorkflowSave`].
    pub revision: Option<String>,
    /// Why it cannot be changed: a newer format, a read-only file.
    pub read_only: Option<String>,
    /// What the check says.
    pub check: WorkflowChecked,
    /// Edits that were not saved when Baton last stopped.
    pub draft: Option<Draft>,
    /// Whether it may run without asking.
    pub trust: Trust,
}

/// Edits that were journalled and not saved.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Draft {
    /// Names the draft: the path, or `untitled:<n>`.
    pub key: String,
    /// The edited document.
    pub document: Workflow,
    /// When it was last edited.
    pub at: Millis,
    /// Revision of the file that the edits began from.
    pub base: Option<String>,
}

/// Whether a workflow may run without asking, and what it could do.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Trust {
    /// Made here, a sample, or trusted by a person in exactly this version.
    pub trusted: bool,
    /// What a run could do, in plain sentences: programs, files, hosts, secrets.
    pub effects: Vec<EffectLine>,
}

/// One thing that a run could do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct EffectLine {
    /// `program`, `read`, `write`, `delete`, `host`, `secret`, `message`.
    pub kind: String,
    /// What: the program, path, host or name.
    pub target: String,
    /// Id of the step.
    pub step: String,
}

/// Trust this version of a workflow.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkflowTrust {
    /// Digest of the document.
    pub digest: String,
}

/// Check a document.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkflowCheck {
    /// The document, saved or not.
    pub document: Workflow,
    /// File that it belongs to, so that relative paths can be looked at.
    pub path: Option<String>,
}

/// What the check says.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct WorkflowChecked {
    /// All findings, worst first, then in document order.
    pub problems: Vec<Problem>,
    /// Digest of the document.
    pub digest: String,
    /// Facts about each step, by id.
    pub steps: BTreeMap<String, StepFacts>,
    /// A place for every step and note, with those of the document kept. Steps in a body are relative to it.
    pub layout: BTreeMap<String, [f64; 2]>,
}

/// Facts about a step that follow from its kind and configuration.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct StepFacts {
    /// Its ports now.
    pub ports: Vec<Port>,
    /// What repeating it would do.
    pub effect: Effect,
    /// A few words about its configuration, for the card: `airports.csv`, `3 rules`.
    pub summary: String,
    /// `false` for a kind that this build does not know.
    pub is_known: bool,
    /// Width and height of the card in canvas units (of the whole body for a container).
    pub size: [f64; 2],
}

/// Lay out a document anew.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkflowLayout {
    /// The document.
    pub document: Workflow,
}

/// Places for all steps.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkflowLaidOut {
    /// By id.
    pub layout: BTreeMap<String, [f64; 2]>,
}

/// Save a document as a named revision.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct WorkflowSave {
    /// The document.
    pub document: Workflow,
    /// Where to.
    pub path: String,
    /// Revision of the file that the edits began from; `null` for a new file, or to overwrite knowingly.
    pub base: Option<String>,
    /// Overwrite whatever is there.
    pub force: bool,
    /// Key of the draft that is now done with.
    pub draft_key: Option<String>,
}

/// A saved document.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct WorkflowSaved {
    /// Where it is, absolute.
    pub path: String,
    /// Revision to save from next time.
    pub revision: String,
    /// Digest of the document.
    pub digest: String,
}

/// Keep an edit before the UI calls it done.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DraftPut {
    /// Path of the file, or `untitled:<n>`.
    pub key: String,
    /// The edited document.
    pub document: Workflow,
    /// Revision of the file that the edits began from.
    pub base: Option<String>,
}

/// Names a draft.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DraftKey {
    /// Path of the file, or `untitled:<n>`.
    pub key: String,
}

/// All drafts, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DraftList {
    /// With their documents.
    pub drafts: Vec<Draft>,
}

/// A file that was opened before.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RecentFile {
    /// Absolute.
    pub path: String,
    /// Name of the workflow.
    pub name: String,
    /// When it was last opened or saved.
    pub at: Millis,
    /// Whether it is still there.
    pub exists: bool,
}

/// Files that were opened before, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RecentList {
    /// At most 20.
    pub files: Vec<RecentFile>,
}

/// Names a file.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FilePath {
    /// Absolute, or relative to the workspace folder.
    pub path: String,
}

/// Look into a folder, for the open and save dialogs of the browser.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FolderList {
    /// Absolute; `null` for the workspace folder.
    pub path: Option<String>,
    /// Endings to show (`.baton.json`, `.csv`); empty for all.
    pub endings: Vec<String>,
}

/// What is in a folder.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FolderListed {
    /// Absolute.
    pub path: String,
    /// The folder above.
    pub parent: Option<String>,
    /// Folders first, then files, by name.
    pub entries: Vec<FolderEntry>,
}

/// One entry of a folder.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct FolderEntry {
    /// Name.
    pub name: String,
    /// Absolute.
    pub path: String,
    /// A folder.
    pub is_folder: bool,
    /// Size in bytes.
    pub bytes: f64,
    /// When it was last changed.
    pub modified: Millis,
}

/// Draw a document.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkflowSvg {
    /// The document.
    pub document: Workflow,
}

/// A text made by an exporter.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TextFile {
    /// Suggested name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Write a text (a picture, an export) to a file.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TextFileSave {
    /// Where to.
    pub path: String,
    /// The text.
    pub text: String,
}
