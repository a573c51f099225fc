//! The rules of a quality gate.

mod rule;

pub(crate) use rule::{Rule, Severity};
