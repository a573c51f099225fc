//! What goes into the tables of triggers and what comes out of them.

use baton_core::Millis;
use serde_json::Value;

/// Whether a trigger acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationState {
    /// It fires.
    Active,
    /// It was told to wait.
    Paused,
    /// It was taken back.
    Off,
}

/// A trigger that was activated.
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// Id of the workflow.
    pub workflow: String,
    /// Id of the trigger.
    pub trigger: String,
    /// Its kind, in the word of the document.
    pub kind: String,
    /// Rises with every activation of the workflow. What was set up for an older one may not fire any more.
    pub revision: u32,
    /// Whether it acts.
    pub state: ActivationState,
    /// Name of the workflow.
    pub workflow_name: String,
    /// Digest of the definition that runs, which is kept.
    pub digest: String,
    /// File that it came from.
    pub path: Option<String>,
    /// Folder that relative paths start from.
    pub work_dir: String,
    /// Input that every run gets, before what the trigger says.
    pub input: Option<Value>,
    /// Up to where its source has looked: an instant for a schedule, a position in the log for ends of runs.
    pub cursor: i64,
    /// Who activated it.
    pub activated_by: String,
    /// When.
    pub activated_at: Millis,
    /// Who last activated, paused or resumed it, or took it back.
    pub changed_by: String,
    /// When.
    pub changed_at: Millis,
    /// What keeps it from firing, if something does.
    pub trouble: Option<String>,
}

/// Triggers of one workflow to activate, in place of all that it had.
#[derive(Debug, Clone, PartialEq)]
pub struct NewActivation {
    /// Id of the workflow.
    pub workflow: String,
    /// Its name.
    pub workflow_name: String,
    /// Digest of the definition, which must be kept already.
    pub digest: String,
    /// File that it comes from.
    pub path: Option<String>,
    /// Folder that relative paths start from.
    pub work_dir: String,
    /// Input that every run gets.
    pub input: Option<Value>,
    /// Id, kind and first cursor of each. A trigger of the same kind that was not off keeps its cursor, a schedule excepted.
    pub triggers: Vec<(String, String, i64)>,
    /// Who.
    pub by: String,
    /// When.
    pub at: Millis,
}

/// What became of a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FiringState {
    /// It is recorded, and its run will be started.
    Pending,
    /// It waits for the run before.
    Queued,
    /// Its run was started.
    Started,
    /// It starts nothing, for a reason.
    Skipped,
    /// Nobody was there.
    Missed,
    /// Its run could not be started, for a reason.
    Failed,
}

/// A firing to record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFiring {
    /// Id of the workflow.
    pub workflow: String,
    /// Id of the trigger.
    pub trigger: String,
    /// The revision that it was set up for; another one refuses it.
    pub revision: u32,
    /// What it is, unique for the trigger for ever: `schedule:2026-11-27T06:00:00Z`.
    pub key: String,
    /// [`FiringState::Pending`], or one that starts nothing.
    pub state: FiringState,
    /// Why it starts nothing.
    pub reason: Option<String>,
    /// Id of the run that it will start.
    pub run: String,
    /// When it was due, for a schedule.
    pub due: Option<Millis>,
    /// The last of many instants that are one record.
    pub until: Option<Millis>,
    /// How many instants it stands for.
    pub count: u64,
    /// When it is recorded.
    pub at: Millis,
    /// How many firings of ends of runs lead to it.
    pub depth: u32,
    /// The person who fired it; a paused trigger takes it nevertheless.
    pub by: Option<String>,
    /// Input that goes before what the trigger says.
    pub input: Option<Value>,
    /// What the source brings.
    pub payload: Value,
    /// The file of the ledger that it is about: written in the same moment.
    pub file: Option<WatchedFile>,
    /// The request that it is: taken only once.
    pub request: Option<HookRequest>,
}

impl NewFiring {
    /// A firing that starts a run.
    pub fn new(workflow: &str, trigger: &str, revision: u32, key: &str, at: Millis) -> Self {
        Self {
            workflow: workflow.to_owned(),
            trigger: trigger.to_owned(),
            revision,
            key: key.to_owned(),
            state: FiringState::Pending,
            reason: None,
            run: String::new(),
            due: None,
            until: None,
            count: 1,
            at,
            depth: 0,
            by: None,
            input: None,
            payload: Value::Null,
            file: None,
            request: None,
        }
    }
}

/// What became of a request to record a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is on disk.
    Accepted,
    /// It was recorded before.
    Duplicate,
    /// The trigger was told to wait. Nothing was recorded.
    Paused,
    /// The trigger was taken back, or activated anew. Nothing was recorded.
    Revoked,
}

/// A recorded firing.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// Rises with every record.
    pub id: i64,
    /// Id of the workflow.
    pub workflow: String,
    /// Id of the trigger.
    pub trigger: String,
    /// What it is.
    pub key: String,
    /// The revision that fired.
    pub revision: u32,
    /// What became of it.
    pub state: FiringState,
    /// Why it started nothing, or waits.
    pub reason: Option<String>,
    /// Id of its run, which is there if it started one.
    pub run: String,
    /// When it was due, for a schedule.
    pub due: Option<Millis>,
    /// The last of many instants that are one record.
    pub until: Option<Millis>,
    /// How many instants it stands for.
    pub count: u64,
    /// When it was recorded.
    pub recorded_at: Millis,
    /// When it was decided what becomes of it.
    pub settled_at: Option<Millis>,
    /// How many firings of ends of runs led to it.
    pub depth: u32,
    /// The person who fired it.
    pub by: Option<String>,
    /// Input that goes before what the trigger says.
    pub input: Option<Value>,
    /// What the source brought.
    pub payload: Value,
}

/// Which firings to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FiringFilter {
    /// Only of this workflow.
    pub workflow: Option<String>,
    /// Only of the trigger with this id.
    pub trigger: Option<String>,
    /// Only with this state.
    pub state: Option<FiringState>,
    /// At most so many.
    pub limit: u32,
    /// Skip so many.
    pub offset: u32,
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedRun {
    /// Position of its end in the whole log.
    pub position: i64,
    /// Id of the run.
    pub run: String,
    /// Its number.
    pub number: u32,
    /// Id of the workflow.
    pub workflow: String,
    /// `succeeded`, `failed` or `cancelled`.
    pub status: String,
    /// Name of the outcome.
    pub outcome: Option<String>,
    /// When.
    pub ended_at: Millis,
    /// The run that waits for it.
    pub parent: Option<String>,
}

/// A file in a watched folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedFile {
    /// Id of the workflow.
    pub workflow: String,
    /// Id of the trigger.
    pub trigger: String,
    /// The file.
    pub path: String,
    /// Its bytes.
    pub size: u64,
    /// When it was changed, in the unit of whoever writes.
    pub modified: i64,
    /// What the file system knows it as.
    pub file_id: Option<String>,
    /// Hash of its content.
    pub hash: Option<String>,
    /// A word of whoever writes: what became of it.
    pub state: String,
    /// When it was last looked at.
    pub seen_at: Millis,
}

/// A request to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookRequest {
    /// The hook.
    pub hook: String,
    /// What makes the request unique: its nonce or signature.
    pub nonce: String,
    /// When it came.
    pub at: Millis,
}

/// An input that a person keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedInput {
    /// Id of the workflow.
    pub workflow: String,
    /// Its name, unique in the workflow.
    pub name: String,
    /// The input.
    pub value: Value,
    /// Who kept it.
    pub by: String,
    /// When.
    pub at: Millis,
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $type {
            /// The word for it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            pub(super) fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

words!(ActivationState { Active = "active", Paused = "paused", Off = "off" });
words!(FiringState {
    Pending = "pending",
    Queued = "queued",
    Started = "started",
    Skipped = "skipped",
    Missed = "missed",
    Failed = "failed",
});
