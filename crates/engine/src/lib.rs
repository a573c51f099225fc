//! Carries out runs: performs what the machine orders, feeds results back, keeps timers, limits and cancellation.
//!
//! ```text
//!   inbox ──► machine::step ──► events ──► store.append (durable) ──► pending actions ──► tasks, timers, children
//!     ▲                                                                                        │
//!     └────────────────────────────────────── results ─────────────────────────────────────────┘
//! ```
//!
//! * [`Engine::start`] takes the open runs of a data folder into its hands; [`Engine::run`] begins another one.
//! * [`Clock`]: where the time comes from; [`ManualClock`] for tests.
//! * [`triggers`]: what starts runs without a person.
//! * [`EngineNotice`]: what happened, for whoever listens.
//!
//! # Invariants
//!
//! * Nothing acts before the events that order it are durable. What cannot be written stops the run, not the fact.
//! * Only light pure tasks run between two writes; they touch nothing outside.
//! * A run is driven by at most one task at a time; a run that waits is driven by none, and need not be in memory.
#![warn(missing_docs)]

mod children;
mod clock;
mod config;
mod disk;
mod drive;
mod ears;
mod engine;
mod entry;
mod error;
mod host;
mod notice;
mod outside;
mod perform;
mod places;
mod projection;
mod recover;
mod shared;
mod sleep;
mod snapshots;
mod task;
mod timers;
pub mod triggers;
mod watch;
mod wind_down;

pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{EngineConfig, NewRun, Signal};
pub use disk::{
    DiskLevel, DiskState, FileSystem, Room, Space, Watermarks, disk_of, give_up_ballast,
};
pub use engine::Engine;
pub use error::EngineError;
pub use notice::EngineNotice;
pub use outside::{Journal, StandardTasks, Tasks};
pub use places::{Rate, ResourceLimit, WorkLimits};
pub use projection::Projection;
pub use recover::TakeUp;
pub use snapshots::Snapshots;
pub use triggers::Triggers;
