//! The workflow file.

mod digest;
mod laws;
mod parse;
mod print;
mod schema;
