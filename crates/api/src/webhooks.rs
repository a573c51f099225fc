//! Where hooks listen, and what they took and refused.

use baton_core::Millis;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where hooks are to listen. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct WebhookSet {
    /// Whether hooks listen while Baton acts on triggers.
    pub is_on: Option<bool>,
    /// The port; 0 for another one with every start.
    pub port: Option<u16>,
    /// The address of this machine to listen on: `127.0.0.1` unless others have to reach it.
    pub ip: Option<String>,
}

/// How hooks stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct WebhookView {
    /// Whether they are switched on.
    pub is_on: bool,
    /// The port that was chosen.
    pub port: u16,
    /// The address that was chosen.
    pub ip: String,
    /// The port of this process, if it was started with one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_of_this_start: Option<u16>,
    /// Where they listen now: `http://127.0.0.1:8787`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listening: Option<String>,
    /// Why they do not, though they should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// All hooks that act, by their address.
    pub hooks: Vec<HookView>,
    /// Requests that reached no hook, since this start.
    pub strays: Vec<HookRefused>,
}

/// A hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct HookView {
    /// Id of the workflow.
    pub workflow: String,
    /// Id of the trigger.
    pub trigger: String,
    /// The path of its address: `/hooks/orders`.
    pub path: String,
    /// Its whole address, while it listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How a sender proves that it knows the secret: `hmac` or `header`.
    pub auth: String,
    /// The header with the signature or the secret.
    pub header: String,
    /// The header with the seconds since 1970, where a signature covers them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// The environment variable that holds the secret.
    pub variable: String,
    /// Whether that variable holds enough to be a secret.
    pub has_secret: bool,
    /// How many requests a minute start something.
    pub per_minute: u32,
    /// How many firings may wait for their run.
    pub most_waiting: u32,
    /// Requests that started something, since this start.
    pub accepted: u32,
    /// Requests that had been taken before.
    pub duplicates: u32,
    /// Requests that were refused.
    pub refused: Vec<HookRefused>,
}

/// Requests that were refused for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct HookRefused {
    /// Why: `webhook-signature`.
    pub code: String,
    /// How many.
    pub count: u32,
    /// When the last one came.
    pub last_at: Millis,
    /// What it was told.
    pub message: String,
}
