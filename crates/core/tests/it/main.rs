//! Behaviour of the core, as one test program.

mod document;
mod layout;
mod machine;
mod support;
mod validate;
