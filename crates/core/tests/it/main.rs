//! Behaviour of the core, as one test program.

mod document;
mod machine;
mod support;
mod validate;
