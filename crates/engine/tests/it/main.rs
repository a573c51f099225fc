//! Behaviour of the engine with a real store, as one test program.
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects with `unwrap`"
)]

mod carrying_out;
mod host;
mod interruption;
mod people;
mod sleeping;
mod sub_workflows;
mod support;
mod triggers;
mod trouble;
