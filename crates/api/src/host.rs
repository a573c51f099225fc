//! What happened to the computer while Baton was at work.

use baton_core::Millis;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Notes about the computer.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct HostLog {
    /// Newest first, at most a hundred.
    pub notes: Vec<HostNote>,
}

/// Something that happened to the computer.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct HostNote {
    /// When it was noticed.
    pub at: Millis,
    /// `resumed` (it slept, or Baton was stopped) or `clock-set-back`.
    pub what: String,
    /// By how many milliseconds.
    pub ms: i64,
    /// The same as a sentence.
    pub text: String,
}
