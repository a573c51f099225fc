//! The data folder: what happened, kept for ever, and a few things kept beside it.
//!
//! One SQLite database (`baton.db`) holds the append-only log of all runs, a projection of it for lists
//! (`runs`, `questions`), definitions by digest, drafts, recent files, settings and trusted digests. Large
//! values are files in `artifacts/`, which other crates write; this crate only says where that is.
//!
//! * [`Store::open`]: makes or opens a data folder.
//! * [`Store::append`]: writes events; they are durable when it returns.
//! * [`Store::verify`]: recomputes the hash chain of the log, and compares it with signed checkpoints.
//! * [`Store::backup`], [`Store::restore`], [`Store::salvage`]: copies that can be trusted, and the ways back.
//!
//! # Invariants
//!
//! * One process owns a data folder for writing (`baton.lock`, and on Unix the folder itself is locked), and in it one task owns the one connection
//!   that writes. Dropping the future of a write never takes back a write.
//! * What was acknowledged is on disk: the reply comes after `COMMIT` with `synchronous=FULL`.
//! * Events are never changed or removed: triggers refuse it, and the hash chain shows it.
//! * Nothing here deletes a database, not even a damaged one.
#![warn(missing_docs)]

mod backup;
mod chain;
mod checkpoints;
mod error;
mod events;
mod figures;
mod keeps;
mod kept_values;
mod lock;
mod migrate;
mod open;
mod place;
mod questions;
mod restore;
mod revisions;
mod rows;
mod runs;
mod salvage;
mod sealing;
mod sql;
mod starts;
mod store;
#[cfg(test)]
mod tests;
mod timers;
#[doc(hidden)]
pub mod trial;
mod triggers;
mod users;
mod verify;
mod writer;

pub use backup::{Backup, KeptArtifact, KeptFile, Manifest};
pub use checkpoints::Checkpoint;
pub use error::StoreError;
pub use figures::{COMMIT_BOUNDS, Figures};
pub use restore::Restored;
pub use revisions::{NewRevision, RevisionRow};
pub use rows::{
    Append, Appended, DraftRow, QuestionChanges, QuestionRow, RecentRow, RunFilter, RunRow,
    Verified, WaitChanges, WaitFor, WaitRow, Waits,
};
pub use salvage::{Salvaged, SalvagedRun};
pub use starts::{QuarantineRow, StartRow, TakingUp};
pub use store::{OpenOptions, Store};
pub use timers::{HostNote, TimerRow};
pub use triggers::{
    Activation, ActivationState, EndedRun, Firing, FiringFilter, FiringState, HookRequest,
    NewActivation, NewFiring, Recorded, SavedInput, WatchedFile,
};
pub use users::{NewToken, TokenRow, UserRow};
