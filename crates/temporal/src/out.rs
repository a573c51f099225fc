//! Lines for people and for programs.

use std::io::Write;

use baton_temporal::error::ClusterError;
use serde::Serialize;

/// One line on standard output. A reader that goes away ends the printing and nothing else.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    if let Err(error) = written {
        tracing::debug!(%error, "standard output is closed");
    }
}

/// One line of JSON on standard output.
pub(crate) fn json(value: &impl Serialize) {
    line(&serde_json::to_string(value).expect("it is JSON"));
}

/// What went wrong, on standard error.
pub(crate) fn trouble(is_json: bool, error: &ClusterError) {
    let text = if is_json {
        serde_json::to_string(&serde_json::json!({ "error": error })).expect("it is JSON")
    } else {
        format!("error: {}\nhint:  {}", error.message, error.hint)
    };
    let written = writeln!(std::io::stderr(), "{text}");
    if let Err(error) = written {
        tracing::debug!(%error, "standard error is closed");
    }
}
