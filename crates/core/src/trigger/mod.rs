//! The settings of triggers: what starts a run without a person, read from the document.
//!
//! [`TriggerSpec::read`] says everything that is wrong with a trigger; validation, activation and the engine use the same.

mod settings;
mod spec;
mod summary;

pub use settings::TriggerSettings;
pub use spec::{Finished, KINDS, Missed, Overlap, TriggerKind, TriggerSpec, TriggerTrouble};
pub use summary::summary;

#[cfg(test)]
mod tests;
