//! What can go wrong between this program and a cluster: code, words, way out.

use serde::Serialize;
use temporalio_client::errors::{
    ClientConnectError, WorkflowInteractionError, WorkflowStartError, WorkflowUpdateError,
};
use temporalio_client::tonic::{Code, Status};

use crate::fold::FoldError;

/// Something that went wrong, as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct ClusterError {
    /// Stable name, kebab-case.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// The way out.
    pub hint: String,
}

impl ClusterError {
    /// An error with a way out.
    pub fn new(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The cluster at `address` did not let this program in.
    pub(crate) fn connect(address: &str, error: &ClientConnectError) -> Self {
        match error {
            ClientConnectError::SystemInfoCallError(status) => {
                let words = innermost(status);
                if words.to_lowercase().contains("certificate") {
                    return Self::certificate(address, &words);
                }
                if matches!(status.code(), Code::Unknown | Code::Cancelled) {
                    return Self::new(
                        "cluster-unreachable",
                        format!("`{address}` hung up: {words}"),
                        "check whether a Temporal server runs there; one that wants a certificate of this program \
                         is given it with `--tls-cert` and `--tls-key`",
                    );
                }
                Self::status("", status)
            }
            ClientConnectError::InvalidUri(_)
            | ClientConnectError::InvalidHeaders(_)
            | ClientConnectError::InvalidConfig(_) => Self::new(
                "target-unusable",
                format!("`{address}` is not an address: {error}"),
                "write it as HOST:PORT",
            ),
            other => {
                let words = innermost(other);
                if words.to_lowercase().contains("certificate") {
                    return Self::certificate(address, &words);
                }
                Self::new(
                    "cluster-unreachable",
                    format!("no Temporal server answers at `{address}`: {words}"),
                    "check the address, and whether the server runs and can be reached from here",
                )
            }
        }
    }

    /// One of the two certificates does not do.
    fn certificate(address: &str, words: &str) -> Self {
        let lower = words.to_lowercase();
        let (what, hint) = if lower.contains("expired") {
            (
                "has expired",
                "whoever runs the server renews it; look at the clock of this computer as well",
            )
        } else if lower.contains("not valid yet") {
            (
                "is not valid yet",
                "look at the clock of this computer, and at that of the one who made it",
            )
        } else if lower.contains("not valid for name") {
            (
                "is for another name",
                "use the name that it is for as the address",
            )
        } else if lower.contains("required") {
            return Self::new(
                "certificate-refused",
                format!("`{address}` wants a certificate of this program: {words}"),
                "give one with `--tls-cert` and `--tls-key`",
            );
        } else {
            (
                "is not accepted",
                "name the authority that signed it with `--tls-ca`",
            )
        };
        Self::new(
            "certificate-refused",
            format!("the certificate of `{address}` {what}: {words}"),
            hint,
        )
    }

    /// The cluster refused a call about `run`.
    pub(crate) fn status(run: &str, status: &Status) -> Self {
        let words = status.message();
        match status.code() {
            Code::NotFound if words.to_lowercase().contains("namespace") => Self::new(
                "namespace-unknown",
                format!("the cluster has no such namespace: {words}"),
                "create it with `temporal operator namespace create`, or name another one",
            ),
            Code::NotFound if words.contains("already completed") => Self::ended(run),
            Code::NotFound => Self::new(
                "run-unknown",
                format!("the cluster knows no run `{run}`: {words}"),
                "`baton-temporal list` shows the runs that it knows",
            ),
            Code::Unauthenticated | Code::PermissionDenied => Self::new(
                "access-refused",
                format!("the cluster refuses access: {words}"),
                "check the key in `BATON_TEMPORAL_API_KEY`, and what it may do",
            ),
            Code::Unimplemented => Self::new(
                "server-too-old",
                format!("the server does not know this call: {words}"),
                "Baton needs a Temporal server of version 1.28 or later",
            ),
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Self::new(
                "cluster-unreachable",
                format!("the cluster does not answer: {words}"),
                "check whether the server runs; then try again",
            ),
            Code::InvalidArgument if words.contains("exceeds") => Self::new(
                "payload-limit",
                format!("the cluster does not carry so much: {words}"),
                "give a folder for large values with `--blobs`",
            ),
            Code::ResourceExhausted => Self::new(
                "payload-limit",
                format!("the cluster does not carry so much: {words}"),
                "give a folder for large values with `--blobs`, or try again later",
            ),
            code => Self::new(
                "cluster",
                format!("the cluster refused: {words} ({code:?})"),
                "look at the log of the server",
            ),
        }
    }

    fn ended(run: &str) -> Self {
        Self::new(
            "already-ended",
            format!("the run `{run}` has already ended"),
            "start it again if it should go on",
        )
    }

    pub(crate) fn interaction(run: &str, error: &WorkflowInteractionError) -> Self {
        match error {
            WorkflowInteractionError::NotFound(status) | WorkflowInteractionError::Rpc(status) => {
                Self::status(run, status)
            }
            other => Self::unreadable(&other.to_string()),
        }
    }

    pub(crate) fn start(run: &str, error: &WorkflowStartError) -> Self {
        match error {
            WorkflowStartError::AlreadyStarted { .. } => Self::new(
                "run-exists",
                format!("there is a run `{run}` already"),
                "give another name with `--id`",
            ),
            WorkflowStartError::Rpc(status) => Self::status(run, status),
            other => Self::unreadable(&other.to_string()),
        }
    }

    pub(crate) fn update(run: &str, error: &WorkflowUpdateError) -> Self {
        match error {
            WorkflowUpdateError::Failed(failure) => {
                let mut words = failure.message.as_str();
                let mut link = failure.cause.as_deref();
                while let Some(cause) = link {
                    words = &cause.message;
                    link = cause.cause.as_deref();
                }
                Self::new(
                    "refused",
                    format!("the run did not take it: {words}"),
                    "look at the run: it may have gone on meanwhile",
                )
            }
            WorkflowUpdateError::NotFound(status) | WorkflowUpdateError::Rpc(status) => {
                Self::status(run, status)
            }
            other => Self::unreadable(&other.to_string()),
        }
    }

    fn unreadable(words: &str) -> Self {
        Self::new(
            "payload-unreadable",
            format!("a value of the cluster cannot be read: {words}"),
            "give the file of keys that the worker uses with `--keys`",
        )
    }
}

impl From<FoldError> for ClusterError {
    fn from(error: FoldError) -> Self {
        match &error {
            FoldError::Foreign(_) => Self::new(
                "run-foreign",
                error.to_string(),
                "look at it with Temporal's own tools",
            ),
            FoldError::Unreadable { .. } => Self::unreadable(&error.to_string()),
            FoldError::Unusable(why) => {
                let hint = why.hint.clone();
                let hint = hint.unwrap_or_else(|| "use the build that started it".to_owned());
                Self::new(&why.code, error.to_string(), hint)
            }
        }
    }
}

/// The last cause of an error: the layers above say nothing that a person could use.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

impl From<ClusterError> for baton_sidecar::Failure {
    fn from(error: ClusterError) -> Self {
        Self {
            code: error.code,
            message: error.message,
            hint: error.hint,
        }
    }
}
