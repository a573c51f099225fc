//! What a run means.

mod behaviour;
mod driver;
mod laws;
