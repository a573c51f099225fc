//! What a run means.

mod behaviour;
mod driver;
mod histories;
mod laws;
mod recorded;
