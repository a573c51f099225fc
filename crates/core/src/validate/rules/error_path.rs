//! Steps that act on the outside world, with nothing said about their failure.

use serde_json::Value;

use crate::problem::{Place, Problem, Severity};
use crate::step_kind::{Category, Effect};
use crate::validate::context::StepEntry;
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["no-error-path"],
    severity: Severity::Warning,
    summary: "A step that acts on the outside world needs a retry, an error path, or a container with one.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for (index, info) in context
        .steps
        .iter()
        .enumerate()
        .filter(|(_, info)| !info.is_off)
    {
        if !acts_outside(info)
            || retries(info)
            || context.graphs[info.graph].handles_errors(info.node)
            || context
                .containers(index)
                .any(|container| catches(context, container))
        {
            continue;
        }
        let id = &info.step.id;
        problems.push(
            Problem::new(
                "no-error-path",
                Severity::Warning,
                Place::step(id),
                format!("`{id}` acts on the outside world, and a failure of it ends the run"),
            )
            .hint("draw an error edge from it, let it retry, or put it into a scope with an error edge"),
        );
    }
}

fn acts_outside(info: &StepEntry<'_>) -> bool {
    info.kind.is_some_and(|kind| {
        !kind.is_control
            && (matches!(
                (kind.effect)(&info.step.with),
                Effect::Keyed | Effect::Unsafe
            ) || kind.category == Category::Systems)
    })
}

fn retries(info: &StepEntry<'_>) -> bool {
    info.step
        .retry
        .as_ref()
        .is_some_and(|retry| retry.attempts.is_none_or(|attempts| attempts > 1))
}

/// Whether a failure inside the container does not end the run.
fn catches(context: &Context<'_>, container: &StepEntry<'_>) -> bool {
    let goes_on = container.step.kind == "for_each"
        && matches!(container.step.with.get("onItemFailure"), Some(Value::String(policy)) if policy != "stop");
    goes_on || retries(container) || context.graphs[container.graph].handles_errors(container.node)
}
