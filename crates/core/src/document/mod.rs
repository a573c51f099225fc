//! The workflow file: one UTF-8 JSON text, fixed key order, LF, trailing newline.
//!
//! `parse` never refuses a file over a detail: what does not fit is kept in `rest` and reported, so that a
//! half-drawn, newer or hand-edited file opens, shows its problems and is written back unharmed.
//!
//! # Invariants
//!
//! * `parse(print(doc)) == doc`, and printing is stable.
//! * Unknown fields and unknown kinds survive untouched.
//! * `layout` is not part of the digest.

mod workflow;

pub use workflow::{
    About, Body, Edge, Join, Note, OnFailure, On, Retry, Step, Trigger, Undo, Workflow, FORMAT,
    SCHEMA_URL, is_slug,
};
