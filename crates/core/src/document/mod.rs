//! The workflow file: one UTF-8 JSON text, fixed key order, LF, trailing newline.
//!
//! [`parse`] never refuses a file over a detail: what does not fit is kept in `rest` and reported, so that a
//! half-drawn, newer or hand-edited file opens, shows its problems and is written back unharmed.
//!
//! # Invariants
//!
//! * `parse(print(doc)) == doc`, and printing is stable.
//! * Unknown fields and unknown kinds survive untouched.
//! * `layout` is not part of the digest.

mod digest;
mod limits;
mod parse;
mod print;
mod schema;
mod workflow;

pub use digest::digest;
pub use limits::Limits;
pub use parse::{MAX_BYTES, MAX_STEPS, ParseError, Parsed, misfits, parse, parse_bytes};
pub use print::print;
pub use schema::json_schema;
pub use workflow::{
    About, Body, Edge, FORMAT, Join, Note, On, OnFailure, Retry, SCHEMA_URL, Step, Trigger, Undo,
    Workflow, is_slug,
};
