//! Behaviour of the engine with a real store, as one test program.
#![expect(
    clippy::unwrap_used,
    reason = "a test says what it expects with `unwrap`"
)]

mod carrying_out;
mod disk;
mod host;
mod interruption;
mod limits;
mod people;
mod sleeping;
mod slow_disk;
mod sources;
mod sub_workflows;
mod support;
mod taking_up;
mod triggers;
mod trouble;
mod winding_down;
