//! What Baton and the program for Temporal clusters say to each other: lines of JSON, one value each.
//!
//! ```text
//!   baton-temporal rpc ──► {"ready": {"version", "format"}}        or {"error": {"code", "message", "hint"}}, and it ends
//!   Baton ──► {"id": 7, "ask": {"type": "start", …}}
//!         ◄── {"id": 7, "done": …}                                 or {"id": 7, "failed": {"code", "message", "hint"}}
//!         ◄── {"told": {"run", "part", "from", "events", …}}       of every run that is followed, as it goes on
//! ```
//!
//! The program lives as long as its standard input. Answers come in any order, each with the id of its question; what is
//! told of a run comes in order. Only forms are here: no process, no cluster.
#![warn(missing_docs)]

mod command;

use baton_core::document::Workflow;
use baton_core::machine::Logged;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use command::Command;

/// Raised when a line means something else than before. Both sides must say the same.
pub const FORMAT: u32 = 1;

/// The environment variable that hands over the key of a cluster.
pub const API_KEY: &str = "BATON_TEMPORAL_API_KEY";

/// A line to the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Comes back with the answer.
    pub id: u64,
    /// What.
    pub ask: Ask,
}

/// A line from the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time is read and written"
)]
pub enum Line {
    /// It is connected, and takes questions.
    Ready {
        /// What it is.
        ready: Ready,
    },
    /// It cannot begin, and ends.
    Error {
        /// Why.
        error: Failure,
    },
    /// A question was answered.
    Done {
        /// That of the question.
        id: u64,
        /// The answer.
        done: Value,
    },
    /// A question could not be answered. Without an id, a line was no question.
    Failed {
        /// That of the question.
        id: Option<u64>,
        /// Why.
        failed: Failure,
    },
    /// A run that is followed went on.
    Told {
        /// How.
        told: Told,
    },
}

/// What the program is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Its version.
    pub version: String,
    /// The form of its lines, as [`FORMAT`].
    pub format: u32,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable name, kebab-case.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// The way out.
    pub hint: String,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time is read and written"
)]
pub enum Ask {
    /// Start a run: [`Started`]. The same id twice starts one run.
    Start {
        /// The document.
        document: Workflow,
        /// Where its sub-workflows are.
        folder: Option<String>,
        /// The input.
        #[serde(default)]
        input: Value,
        /// What starts it.
        by: Option<String>,
        /// Id of the run; without it, one is made.
        run: Option<String>,
    },
    /// Runs, newest first: [`Listed`].
    List(List),
    /// A run, all of it: [`Looked`].
    Log {
        /// Its id.
        run: String,
        /// What is known of it.
        #[serde(default)]
        known: Option<Mark>,
    },
    /// A run, all of it: [`Told`]. From then on, whatever happens in it is told.
    Follow {
        /// Its id.
        run: String,
    },
    /// Answers once everything was told that is there now.
    CatchUp {
        /// The run.
        run: String,
    },
    /// Nothing more is told of it.
    Unfollow {
        /// The run.
        run: String,
    },
    /// Tell a run something: [`Sent`].
    Tell {
        /// The run.
        run: String,
        /// What.
        command: Command,
    },
    /// Go back to a step; what was finished before it is not repeated: [`Started`].
    Reset {
        /// The run.
        run: String,
        /// The step.
        step: String,
        /// Why.
        reason: String,
    },
    /// Look at the cluster: a list of [`Finding`].
    Check,
    /// A large value: the value.
    Blob {
        /// Its hash.
        artifact: String,
    },
    /// A page of a table: [`Page`].
    Table {
        /// Its hash.
        artifact: String,
        /// Skip so many rows.
        offset: u64,
        /// At most so many.
        limit: u32,
        /// Column to sort by.
        sort: Option<String>,
        /// Sort the other way.
        #[serde(default)]
        descending: bool,
        /// Only rows that contain this.
        search: Option<String>,
    },
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct List {
    /// Only of this workflow.
    pub workflow: Option<String>,
    /// Only with this status.
    pub status: Option<String>,
    /// Only if the id, the name of the workflow or its id contains this.
    pub search: Option<String>,
    /// Only those that have not ended.
    pub open: bool,
    /// At most so many.
    pub limit: u32,
    /// Skip so many.
    pub offset: u32,
}

/// Runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Newest first.
    pub runs: Vec<RunRow>,
    /// How many there are in all.
    pub total: u64,
    /// How many workers poll the task queue.
    pub listening: Listening,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRow {
    /// Its id.
    pub run: String,
    /// The id of its last part.
    pub run_id: String,
    /// A word: `running`, `waiting`, `succeeded` …; without search attributes, as the cluster knows it.
    pub status: String,
    /// Id of its workflow, if search attributes are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Name of its workflow, if it was started by Baton.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Digest of its definition, if search attributes are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Steps that ask people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asking: Vec<String>,
    /// When it began, in milliseconds.
    pub started_at: i64,
    /// When it ended, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// The task queue.
    pub task_queue: String,
    /// The run that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// A run that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// Its id.
    pub run: String,
    /// The id of its first part.
    pub run_id: String,
    /// Digest of the definition; empty where it goes on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

/// How far a history was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The part of the run.
    pub part: String,
    /// How many events the history of that part has.
    pub length: i64,
}

/// A run as its history shows it, or what is new in it: `events` replace everything after `from`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Its id.
    pub run: String,
    /// How far the history was read.
    pub mark: Mark,
    /// The definition, where all of the run is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Workflow>,
    /// Position of the last event that stays.
    pub from: u32,
    /// The events after it.
    pub events: Vec<Logged>,
    /// Where it stands; absent: it has not begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// When the cluster took it, in milliseconds.
    pub started_at: i64,
    /// How many workers poll the task queue.
    pub listening: Listening,
    /// What there is to do was not taken up by any worker for a while.
    #[serde(default)]
    pub is_untaken: bool,
    /// Why nobody can go on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// How the cluster closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

/// A run that was looked at again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time is read and written"
)]
pub enum Looked {
    /// It is another than the one that is known: all of it.
    Other(Told),
    /// Its history is as it was.
    #[serde(rename_all = "camelCase")]
    Same {
        /// How many workers poll the task queue.
        listening: Listening,
        /// What there is to do was not taken up by any worker for a while.
        is_untaken: bool,
    },
}

/// How and when a cluster closed a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// A word, and a reason after a colon: `succeeded`, `terminated: by hand`, `timed-out`, `failed: …`.
    pub how: String,
    /// When, in milliseconds.
    pub at: i64,
}

/// Where a run stands, as its worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Position of its last event.
    pub seq: u32,
    /// A word: `running`, `waiting`, `paused`, `succeeded`, `failed`, `cancelled`.
    pub status: String,
    /// What it waits for.
    pub waiting_for: Vec<String>,
    /// A digest of every event so far: two hosts that say the same saw the same.
    pub log_digest: String,
}

/// How many workers poll a task queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening {
    /// For runs.
    pub runs: usize,
    /// For steps.
    pub steps: usize,
}

/// How a command reached a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// The run took it.
    Taken,
    /// It is kept by the cluster; no worker has looked at it yet.
    Kept,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable name, kebab-case.
    pub code: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, for people.
    pub message: String,
    /// The way out, where something is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// Rows of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// One list of cells for each row.
    pub rows: Vec<Vec<Value>>,
    /// How many rows there are.
    pub total: u64,
    /// Names and types of the columns.
    pub columns: Vec<baton_core::table::Column>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_line_is_read_as_what_it_was_written_as() {
        let failure = Failure {
            code: "refused".to_owned(),
            message: "m".to_owned(),
            hint: "h".to_owned(),
        };
        let told = Told {
            run: "r".to_owned(),
            mark: Mark {
                part: "p".to_owned(),
                length: 3,
            },
            definition: None,
            from: 0,
            events: Vec::new(),
            standing: None,
            started_at: 1,
            listening: Listening::default(),
            is_untaken: false,
            trouble: None,
            closed: None,
        };
        for line in [
            Line::Ready {
                ready: Ready {
                    version: "1".to_owned(),
                    format: FORMAT,
                },
            },
            Line::Error {
                error: failure.clone(),
            },
            Line::Done {
                id: 1,
                done: Value::Null,
            },
            Line::Failed {
                id: None,
                failed: failure.clone(),
            },
            Line::Failed {
                id: Some(2),
                failed: failure,
            },
            Line::Told { told },
        ] {
            let text = serde_json::to_string(&line).expect("it is JSON");
            assert!(!text.contains('\n'));
            let read: Line = serde_json::from_str(&text).expect("it is a line");
            assert_eq!(read, line, "{text}");
        }
    }

    #[test]
    fn a_question_is_written_in_few_words() {
        let question: Question =
            serde_json::from_value(json!({ "id": 7, "ask": { "type": "catch-up", "run": "r" } }))
                .expect("it is a question");
        let run = "r".to_owned();
        assert_eq!(
            question,
            Question {
                id: 7,
                ask: Ask::CatchUp { run }
            }
        );
        let list: Question =
            serde_json::from_value(json!({ "id": 8, "ask": { "type": "list", "limit": 5 } }))
                .expect("it is a question");
        assert!(matches!(list.ask, Ask::List(List { limit: 5, .. })));
        let tell: Question = serde_json::from_value(json!({ "id": 9, "ask": {
            "type": "tell", "run": "r", "command": { "type": "pause", "by": "ada" } } }))
        .expect("it is a question");
        assert!(matches!(tell.ask, Ask::Tell { .. }));
    }
}
