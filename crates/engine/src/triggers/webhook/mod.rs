//! Requests from outside that start runs.
//!
//! ```text
//!   socket ─► head ─► hook? ─► proof ─► body ─► rate, room ─► durable firing ─► 202
//! ```
//!
//! * `listener`: sockets of its own, on a port of its own. It knows hooks and nothing else of Baton.
//! * `hooks`: which hooks there are, and what they took and refused. `serve`: both while they are wanted.
//!
//! # Invariants
//!
//! * A 202 is sent after the firing is durable, never before.
//! * What a request holds is data: it goes whole into one value, and is never merged into anything else.
//! * Every request that is refused is told why, with a code, and is counted.

mod hooks;
mod limits;
mod listener;
mod payload;
mod post;
mod proof;
mod refusal;
mod routes;
mod serve;

pub use hooks::{HookCounts, HookRefusals};
pub use serve::{HookState, WebhookAddress, WebhookState};
pub(super) use serve::{Webhooks, watch};

#[cfg(test)]
mod tests;
