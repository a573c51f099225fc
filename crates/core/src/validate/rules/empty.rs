//! Nothing there yet.

use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["empty-workflow"],
    severity: Severity::Info,
    summary: "A workflow without steps does nothing.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    if context.workflow.steps.is_empty() {
        problems.push(
            Problem::new(
                "empty-workflow",
                Severity::Info,
                Place::default(),
                "the workflow has no steps yet",
            )
            .hint("drag a step from the palette onto the canvas"),
        );
    }
}
