//! Baton on a real Temporal server: the same end as on one computer, through kills, limits and restarts.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod access;
mod behaviour;
mod bench;
mod chaos;
mod cluster;
mod commands;
mod conformance;
#[path = "../../../core/tests/it/machine/generate.rs"]
mod generate;
mod limits;
mod local;
mod replays;
mod rpc;
mod script;
mod scripted;
