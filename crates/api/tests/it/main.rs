//! Behaviour of the commands with a real data folder, as one test program.
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects with `unwrap`"
)]

mod limits;
mod long;
mod opening;
mod owner;
mod running;
mod saving;
mod support;
mod targets;
mod triggers;
