//! Baton on a real Temporal server: the same end as on one computer, through kills, limits and restarts.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod behaviour;
mod chaos;
mod cluster;
mod commands;
mod conformance;
#[path = "../../../core/tests/it/machine/generate.rs"]
mod generate;
mod local;
mod replays;
mod rpc;
mod script;
mod scripted;
