//! Behaviour of the core, as one test program.

mod document;
mod layout;
mod machine;
mod schedule;
mod support;
mod validate;
