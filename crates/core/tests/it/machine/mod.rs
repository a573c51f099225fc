//! What a run means.

mod behaviour;
mod budgets;
mod driver;
mod histories;
mod laws;
mod recorded;
