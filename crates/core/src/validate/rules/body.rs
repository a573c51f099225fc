//! Containers without steps, and steps inside something that is no container.

use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["empty-body", "body-not-allowed"],
    severity: Severity::Error,
    summary: "A container needs steps inside, and nothing else may have them.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for info in context.active() {
        let Some(kind) = info.kind else { continue };
        let inside = info.step.body.as_ref().map_or(0, |body| body.steps.len());
        let id = &info.step.id;
        if kind.is_container && inside == 0 {
            problems.push(
                Problem::new(
                    "empty-body",
                    Severity::Error,
                    Place::field(id, "body"),
                    format!("`{id}` has no steps inside"),
                )
                .hint("drag the steps it should carry out into it"),
            );
        }
        if !kind.is_container && info.step.body.is_some() {
            problems.push(
                Problem::new(
                    "body-not-allowed",
                    Severity::Error,
                    Place::field(id, "body"),
                    format!(
                        "`{id}` is a `{}` and cannot hold steps; they would never run",
                        info.step.kind
                    ),
                )
                .hint("move the steps out, or use a `scope`, `for_each` or `repeat`"),
            );
        }
    }
}
