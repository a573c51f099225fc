//! Baton on Temporal: the same machine, driven by a cluster.
//!
//! ```text
//!   workflow task ──► commands, answers, cancel ──► Host (the machine) ──► activities, timers, children
//!                                                     ▲
//!   history ──► the same inputs in the same order ────┘   fold: what the worker knows, without the worker
//! ```
//!
//! * [`host`]: the machine in the hands of a host that is replayed; it knows nothing of Temporal.
//! * [`workflow`]: the one workflow that runs every definition; [`runner`]: the one activity that carries out every step.
//! * [`fold`], [`history`]: a history read through the same machine, and watched as it grows.
//! * [`client`], [`list`], [`check`], [`target`]: what a program asks of a cluster; [`rpc`], [`news`]: what Baton asks, line by line.
//! * [`wire`]: what travels; [`codec`]: encrypted; [`home`]: what is too large to travel.
//!
//! # Invariants
//!
//! * Nothing is decided here that the machine could decide.
//! * What a worker tells the machine is in the history, in the order that [`host`] writes down: so a history alone gives
//!   the same run.
//! * No workflow task carries more than its budget of bytes, and no run more than its window of things under way.
#![warn(missing_docs)]

pub mod answers;
pub mod capability;
pub mod check;
pub mod client;
pub mod codec;
pub mod error;
pub mod fold;
pub mod history;
pub mod home;
pub mod host;
pub mod list;
pub mod news;
pub mod rpc;
pub mod runner;
pub mod target;
pub mod tasks;
pub mod view;
pub mod wire;
pub mod worker;
pub mod workflow;

pub use baton_steps::guard;
