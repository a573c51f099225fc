//! DuckDB, locked down: every table operation is a session of its own that reaches exactly the files it was given.

mod error;
mod query;
mod session;
mod source;
mod value;

pub(crate) use error::explain;
pub(crate) use query::{Query, quote_name, quote_text};
pub(crate) use session::{Session, names, objects, quote_path, run, table_file};
pub(crate) use source::{Source, import};
pub(crate) use value::{column_kind, shown_type};
