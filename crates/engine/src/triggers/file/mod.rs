//! Files that land in a folder.
//!
//! ```text
//!   hints (watcher of the system) ─┐
//!   every so often ────────────────┴─► look ─► board ─► rested ─► read ─► fire, with the ledger in one write
//! ```
//!
//! * `source`: one watched folder; `watch`: a source for every trigger that acts; `keeper`: their ledger in the store.
//!
//! # Invariants
//!
//! * The disk and the ledger are the truth; a hint only makes a look come earlier. Losing hints loses no file.
//! * A firing and its row of the ledger are one write: neither is there without the other.

mod board;
mod desk;
#[cfg_attr(target_os = "linux", path = "eyes_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "eyes_other.rs")]
mod eyes;
mod hints;
mod keeper;
mod scan;
mod source;
mod verdicts;
mod watch;

pub(super) use watch::watch;

#[cfg(test)]
mod tests;
