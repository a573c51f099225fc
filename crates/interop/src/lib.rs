//! Workflows in other formats: pictures, schemas, and later the formats of other engines.
//!
//! # Invariants
//!
//! * An exporter is a pure function of the document and the catalog.
//! * [`EXPORTERS`] is the only list: what is not in it does not exist, what is in it works in window and CLI.

mod schema;
mod svg;

use baton_core::document::Workflow;
use baton_core::step_kind::Catalog;

pub use schema::input_schema;
pub use svg::svg;

/// A way to write a workflow.
#[derive(Debug, Clone, Copy)]
pub struct Exporter {
    /// Name on the command line.
    pub id: &'static str,
    /// Name that people see.
    pub title: &'static str,
    /// Ending of the file, with the dot.
    pub ending: &'static str,
    /// Writes it.
    pub write: fn(&Workflow, &Catalog) -> String,
}

/// All exporters, by id.
pub const EXPORTERS: &[Exporter] = &[
    Exporter {
        id: "json-schema",
        title: "JSON Schema of the input",
        ending: ".schema.json",
        write: |workflow, _| input_schema(workflow),
    },
    Exporter { id: "svg", title: "Picture (SVG)", ending: ".svg", write: svg },
];
