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

mod app;
mod bridge;
pub mod caller;
pub mod catalog;
mod commands;
mod convert;
pub mod error;
pub mod events;
mod evidence;
pub mod figures;
mod files;
mod handlers;
pub mod headless;
mod history;
pub mod host;
pub mod keeping;
pub mod limits;
pub mod owner;
pub mod places;
pub mod remote;
pub mod revisions;
pub mod runs;
mod safe_mode;
mod sentences;
pub mod targets;
pub mod triggers;
mod trust;
pub mod users;
mod views;
pub mod webhooks;
pub mod workflows;

pub use app::{App, AppConfig};
pub use baton_core;
pub use baton_interop;
pub use baton_steps::{catalog as kinds, guard};
pub use caller::{Caller, Role};
pub use commands::{COMMAND_ROLES, COMMANDS, dispatch, typescript};
pub use error::{ApiError, Code};
pub use events::BackendEvent;
pub use files::write as write_file;
pub use handlers::*;
pub use owner::Member;
pub use sentences::sentence;
pub use targets::cluster::program::{PROGRAM as CLUSTER_PROGRAM, cluster_program};

/// The instant by the clock of this machine.
pub fn now() -> baton_core::Millis {
    baton_engine::Clock::now(&baton_engine::SystemClock)
}
