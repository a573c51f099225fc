//! Places where runs go besides this computer: Baton servers and Temporal clusters.
//!
//! A target is a connection that was kept. Commands about runs reach it through `target_call`, in the words that this
//! computer understands, so a front end shows a run the same way wherever it is.
//!
//! * [`kept`]: which targets there are. * [`secrets`]: their tokens and keys, in a file of their own.
//! * [`line`]: a connection to one of them, whatever it is. * [`server`] and [`cluster`]: what a connection is made of.
//!
//! # Invariants
//!
//! * A secret is in no database, no backup, no answer and no log, and goes to the host alone that it was given for.
//! * Whoever asks a target needs the role for the command that is passed on, as if this computer were asked.

pub(crate) mod cluster;
pub(crate) mod kept;
pub(crate) mod line;
mod reach;
pub(crate) mod secrets;
pub(crate) mod server;

pub use reach::{Reached, reach};

use std::ffi::OsString;

use baton_core::document::Workflow;
use baton_core::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

/// Where a target is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum TargetPlace {
    /// Another Baton that serves.
    Server {
        /// Its address: `https://baton.example.com:8443`.
        url: String,
        /// File with the authority that signed its certificate, PEM, if the system does not know it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        ca: Option<String>,
    },
    /// A Temporal cluster.
    Temporal {
        /// `HOST:PORT`.
        address: String,
        /// The namespace.
        namespace: String,
        /// The task queue that workers listen on.
        task_queue: String,
        /// Folder for large values, the same for every worker and client.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        blobs: Option<String>,
        /// File of keys that values are encrypted with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        keys: Option<String>,
        /// Encrypted on the way.
        #[serde(default)]
        tls: bool,
        /// File with the authority that signed its certificate, PEM.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        tls_ca: Option<String>,
        /// File with the certificate of this computer, PEM.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        tls_cert: Option<String>,
        /// File with the key of that certificate, PEM.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        tls_key: Option<String>,
    },
}

impl TargetPlace {
    /// How the program for clusters is told where this cluster is, without the key; nothing for a server.
    pub fn cluster_arguments(&self) -> Vec<OsString> {
        let Self::Temporal {
            address,
            namespace,
            task_queue,
            blobs,
            keys,
            tls,
            tls_ca,
            tls_cert,
            tls_key,
        } = self
        else {
            return Vec::new();
        };
        let mut all: Vec<OsString> = vec![
            "--target".into(),
            format!("temporal://{address}/{namespace}/{task_queue}").into(),
        ];
        for (name, value) in [
            ("--blobs", blobs),
            ("--keys", keys),
            ("--tls-ca", tls_ca),
            ("--tls-cert", tls_cert),
            ("--tls-key", tls_key),
        ] {
            if let Some(value) = value {
                all.extend([name.into(), value.into()]);
            }
        }
        if *tls {
            all.push("--tls".into());
        }
        all
    }
}

/// Keep a target, or change one.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct TargetAdd {
    /// The one to change; absent: a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub place: TargetPlace,
    /// Token of a user of the server, or key of the cluster. Absent on a change: as before. Empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Not derived: a secret is not for logs.
impl std::fmt::Debug for TargetAdd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TargetAdd")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// A target that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct TargetLine {
    /// Made of the name it was first given; stays.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub place: TargetPlace,
    /// Whether a token or key is kept for it here.
    pub has_secret: bool,
}

/// The targets.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetListed {
    /// By name.
    pub targets: Vec<TargetLine>,
}

impl TargetListed {
    /// The one with this name, however it is written, or this id.
    pub fn named(&self, name: &str) -> Option<&TargetLine> {
        let is_named = |line: &&TargetLine| line.name.to_lowercase() == name.trim().to_lowercase();
        let mut lines = self.targets.iter();
        lines
            .clone()
            .find(is_named)
            .or_else(|| lines.find(|line| line.id == name.trim()))
    }
}

/// Names a target.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetId {
    /// Its id.
    pub target: String,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct TargetFinding {
    /// Stable name: `reachable`, `certificate`, `other-build`, `token` …
    pub code: String,
    /// Nothing is to be done about it.
    pub ok: bool,
    /// What was found.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl TargetFinding {
    /// All is well.
    pub(crate) fn good(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            ok: true,
            message: message.into(),
            hint: None,
        }
    }

    /// Something is to be done about it.
    pub(crate) fn bad(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            ok: false,
            message: message.into(),
            hint: Some(hint.into()),
        }
    }
}

/// What can be done with runs there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct TargetAbilities {
    /// Go back to a step (`run_reset`).
    pub reset: bool,
    /// Pause and go on.
    pub pause: bool,
    /// In whose name questions are answered there, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// What was found about a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetChecked {
    /// Work can be taken there. Findings that are not `ok` may be there all the same.
    pub ok: bool,
    /// What was looked at, in order.
    pub findings: Vec<TargetFinding>,
    /// What can be done there.
    pub can: TargetAbilities,
}

/// A command for a target, as it would be asked of this computer.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetCall {
    /// Id of the target.
    pub target: String,
    /// Name of the command.
    pub command: String,
    /// What is asked.
    #[serde(default)]
    #[ts(type = "unknown")]
    pub request: Value,
}

/// Ask what a workflow does otherwise on a target.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct TargetProblems {
    /// Id of the target.
    pub target: String,
    /// The workflow.
    pub document: Workflow,
    /// File that it belongs to: its sub-workflows are beside it.
    #[serde(default)]
    pub path: Option<String>,
}

/// What a workflow does otherwise there.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TargetProblemList {
    /// In document order.
    pub problems: Vec<Problem>,
}

/// Go back to a step of a run; what was finished before it is not repeated.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct RunReset {
    /// Id of the run.
    pub run: String,
    /// Path of the step.
    pub step: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_for_clusters_is_told_where_and_how() {
        let place: TargetPlace = serde_json::from_value(serde_json::json!({
            "kind": "temporal", "address": "localhost:7233", "namespace": "sales", "taskQueue": "gpu",
            "blobs": "/blobs", "tls": true, "tlsCa": "/ca.pem",
        }))
        .unwrap();
        let expected = [
            "--target",
            "temporal://localhost:7233/sales/gpu",
            "--blobs",
            "/blobs",
            "--tls-ca",
            "/ca.pem",
            "--tls",
        ];
        assert_eq!(place.cluster_arguments(), expected.map(OsString::from));
    }
}
