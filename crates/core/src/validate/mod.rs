//! All findings about a document at once.
//!
//! [`validate`] builds a [`Context`] – graphs, expressions, an index of steps, each made once – and shows it to
//! every rule in [`RULES`]. A rule is one file; it reports everything it finds, and no rule depends on another.
//!
//! # Invariants
//!
//! * Every finding has a code, a severity, a place and a way out.
//! * The time is about linear in the size of the document; 10,000 steps take less than 50 ms.
//! * A step that is disabled is looked at only for what would keep the document from being read.

mod context;
mod expressions;
mod plain;
mod rules;
mod suggest;

use crate::document::{Workflow, misfits};
use crate::problem::{Place, Problem, Severity};
use crate::step_kind::Catalog;

pub use context::Context;
pub use rules::RULES;
pub(crate) use suggest::nearest;

/// One rule: what it looks for, and how.
pub struct Rule {
    /// The codes of its findings, kebab-case.
    pub codes: &'static [&'static str],
    /// How bad its worst finding is.
    pub severity: Severity,
    /// One sentence: what it finds.
    pub summary: &'static str,
    /// Reports all findings.
    pub check: fn(&Context<'_>, &mut Vec<Problem>),
}

/// All findings about `workflow`, worst first, then in document order. `parsed` is what
/// [`crate::document::parse`] reported, if the document comes from a text.
pub fn validate(workflow: &Workflow, catalog: &Catalog, parsed: Vec<Problem>) -> Vec<Problem> {
    let context = Context::new(workflow, catalog);
    let mut problems = parsed;
    for problem in misfits(workflow) {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    for rule in RULES {
        (rule.check)(&context, &mut problems);
    }
    problems.sort_by_cached_key(|problem| (problem.severity, position(&context, &problem.place)));
    problems
}

/// Where in the document a place is: the file, then triggers, steps and edges in their order.
fn position(context: &Context<'_>, place: &Place) -> (u8, usize) {
    if let Some(step) = &place.step {
        (2, context.find(step).unwrap_or(usize::MAX))
    } else if let Some(edge) = &place.edge {
        (3, context.edge_position(edge).unwrap_or(usize::MAX))
    } else if let Some(trigger) = &place.trigger {
        let triggers = &context.workflow.triggers;
        (
            1,
            triggers
                .iter()
                .position(|known| known.id == *trigger)
                .unwrap_or(usize::MAX),
        )
    } else {
        (0, 0)
    }
}
