//! Work whose result nobody looks at.

use crate::problem::{Place, Problem, Severity};
use crate::step_kind::{Category, Effect};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["unused-output"],
    severity: Severity::Info,
    summary: "A step that only makes data should be read by another.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let mut is_read = vec![false; context.steps.len()];
    for (_, read) in context
        .expressions
        .reads()
        .filter(|(_, read)| read.root == "steps")
    {
        match &read.name {
            Some(id) => {
                if let Some(step) = context.find(id) {
                    is_read[step] = true;
                }
            }
            // All steps at once.
            None => return,
        }
    }
    for (index, info) in context
        .steps
        .iter()
        .enumerate()
        .filter(|(_, info)| !info.is_off)
    {
        let makes_data = info.kind.is_some_and(|kind| {
            !kind.is_control
                && kind.category == Category::Data
                && (kind.effect)(&info.step.with) == Effect::Pure
        });
        let graph = &context.graphs[info.graph];
        // The last step of a body gives the body its result.
        let is_result = graph
            .owner
            .is_some_and(|owner| !context.steps[owner].step.with.contains_key("result"));
        if makes_data
            && !is_read[index]
            && !is_result
            && graph.steps.len() > 1
            && graph.outgoing(info.node).next().is_none()
        {
            let id = &info.step.id;
            problems.push(
                Problem::new(
                    "unused-output",
                    Severity::Info,
                    Place::step(id),
                    format!("nothing reads the output of `{id}`, and no step follows it"),
                )
                .hint("save it, hand it on with an `end`, or delete the step"),
            );
        }
    }
}
