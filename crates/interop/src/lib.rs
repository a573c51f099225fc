//! Workflows in the formats of others.
//!
//! An exporter is one file here and one line in [`EXPORTERS`]; the command line, the window and the documentation
//! take them from there.

mod schema;
mod svg;

use baton_core::document::Workflow;
use baton_core::step_kind::Catalog;

pub use schema::schema_text;
pub use svg::svg;

/// A format that a workflow can be written in.
pub struct Exporter {
    /// Name on the command line, kebab-case.
    pub id: &'static str,
    /// Name that people see.
    pub title: &'static str,
    /// Ending of the file, without the dot.
    pub extension: &'static str,
    /// The text of the file.
    pub export: fn(&Workflow, &Catalog) -> String,
}

/// All exporters.
pub const EXPORTERS: &[Exporter] = &[
    Exporter {
        id: "json-schema",
        title: "JSON Schema of the format",
        extension: "schema.json",
        export: |_, _| schema_text(),
    },
    Exporter {
        id: "svg",
        title: "Picture (SVG)",
        extension: "svg",
        export: svg,
    },
];

/// The exporter with this id.
pub fn find(id: &str) -> Option<&'static Exporter> {
    EXPORTERS.iter().find(|exporter| exporter.id == id)
}
