//! What a workflow is and what a run of it means, and nothing else.
//!
//! This crate is pure: no clock, no files, no network, no randomness, no async. Time and identity enter only
//! inside inputs. Two runs that saw the same events are equal; crash recovery, replay, the time slider and
//! forks are that one sentence, used.
//!
//! * [`document`]: the workflow file – parse, canonical print, digest, JSON Schema.
//! * [`expression`]: JSONata in `{% … %}`, with limits, references and explained results.
//! * [`step_kind`]: what a kind of step is, and the [`step_kind::Catalog`] of all of them.
//! * [`machine`]: the deterministic state machine – `decide`, `apply`, `pending`.
//! * [`validate`]: all findings about a document at once.
//! * [`compare`]: what is different between two versions of a workflow.
//! * [`elsewhere`]: what a workflow does otherwise in another place.
//! * [`layout`]: places for steps that have none.
//! * [`schedule`]: when a schedule fires; [`trigger`]: the settings of triggers.
//!
//! # Invariants
//!
//! * Nothing here reads a clock, a file, the environment or a random source (clippy's `disallowed_methods`).
//! * Nothing here iterates a hash map (clippy's `disallowed_types`).
#![warn(missing_docs)]
#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod compare;
pub mod control;
pub mod document;
pub mod duration;
pub mod elsewhere;
pub mod error;
pub mod expression;
pub mod kind_version;
pub mod layout;
pub mod machine;
pub mod problem;
pub mod schedule;
pub mod size;
pub mod step_kind;
pub mod table;
pub mod trial;
pub mod trigger;
pub mod validate;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;
