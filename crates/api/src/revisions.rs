//! The workflows that a server keeps by name: pushed to it revision by revision, and pulled from it.

use baton_core::Millis;
use baton_core::compare::WorkflowChanges;
use baton_core::document::Workflow;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A revision of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RevisionLine {
    /// Id of the workflow.
    pub workflow: String,
    /// Its name.
    pub name: String,
    /// Rises by one with every revision of the workflow.
    pub revision: u32,
    /// Digest of the definition.
    pub digest: String,
    /// Who pushed it.
    pub pushed_by: String,
    /// When.
    pub pushed_at: Millis,
}

/// A workflow that was pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct KeptLine {
    /// Its last revision.
    pub last: RevisionLine,
    /// How many of its triggers are active or paused.
    pub triggers: u32,
    /// The active triggers run another version than the last revision.
    pub is_behind: bool,
}

/// The workflows that were pushed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeptListed {
    /// By name.
    pub workflows: Vec<KeptLine>,
}

/// Names a workflow that was pushed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkflowNamed {
    /// Its id.
    pub workflow: String,
}

/// Revisions of a workflow.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RevisionsListed {
    /// Newest first, at most 500.
    pub revisions: Vec<RevisionLine>,
}

/// Read a workflow that was pushed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct WorkflowPull {
    /// Its id.
    pub workflow: String,
    /// Which revision; absent: the last one.
    #[serde(default)]
    pub revision: Option<u32>,
}

/// A workflow that was pushed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RevisionPulled {
    /// The revision.
    pub line: RevisionLine,
    /// The workflow, as it was pushed.
    pub document: Workflow,
}

/// Ask what a push would change.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkflowCompare {
    /// What would be pushed.
    pub document: Workflow,
}

/// What a push would change.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct WorkflowCompared {
    /// The last revision; absent: the workflow is not here yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<RevisionLine>,
    /// What is different from it.
    pub changes: WorkflowChanges,
}

/// Keep a revision.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkflowPush {
    /// The workflow.
    pub document: Workflow,
    /// The revision that it was made from, which must still be the last one; 0: the workflow is new.
    pub base: u32,
}

/// What was kept.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct WorkflowPushed {
    /// The revision that is the last one now.
    pub line: RevisionLine,
    /// What it changed.
    pub changes: WorkflowChanges,
    /// The last revision said the same already, and nothing was kept.
    pub is_unchanged: bool,
}
