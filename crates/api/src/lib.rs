//! What can be asked of Baton: plain async functions on [`App`], and the one list of commands.
//!
//! From the list come dispatch, the TypeScript types, the HTTP routes and the CLI's `rpc`. Nothing can be
//! callable in one place and missing in another.
//!
//! # Invariants
//!
//! * Request and response are typed on both sides; what crosses is JSON.
//! * No path of the caller reaches the file system except through [`files`].
//! * Opening, checking and drawing a workflow carries nothing out.

pub mod catalog;
mod commands;
pub mod error;
pub mod events;
pub mod runs;
pub mod workflows;

pub use commands::typescript;
pub use error::{ApiError, Code};
pub use events::BackendEvent;
