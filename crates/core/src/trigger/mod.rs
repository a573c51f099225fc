//! The settings of triggers: what starts a run without a person, read from the document.
//!
//! [`TriggerSpec::read`] says everything that is wrong with a trigger; validation, activation and the engine use the same.

mod cron_words;
mod file;
mod pattern;
mod settings;
mod spec;
mod summary;
mod webhook;

pub use file::FileSettings;
pub use pattern::FilePattern;
pub use settings::TriggerSettings;
pub use spec::{Finished, KINDS, Missed, Overlap, TriggerKind, TriggerSpec, TriggerTrouble};
pub use summary::summary;
pub use webhook::{MOST_BODY_BYTES, Proof, WebhookSettings};

#[cfg(test)]
mod tests;
