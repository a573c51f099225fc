//! What a run means.

mod behaviour;
mod budgets;
mod driver;
mod generate;
mod histories;
mod laws;
mod recorded;
