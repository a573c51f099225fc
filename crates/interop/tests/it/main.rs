//! What others get to see of a workflow.

mod exporters;
mod svg;
