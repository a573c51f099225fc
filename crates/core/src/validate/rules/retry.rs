//! Retries that cannot work as written.

use crate::document::Retry;
use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["retry-without-effect", "retry-number"],
    severity: Severity::Error,
    summary: "Tasks, sub-workflows and scopes are retried; the numbers of a retry have bounds.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for info in context.active() {
        let id = &info.step.id;
        if let Some(retry) = &info.step.retry {
            numbers(retry, id, "retry", problems);
            if let Some(kind) = info.kind
                && kind.is_control
                && !matches!(kind.kind, "scope" | "workflow")
            {
                problems.push(
                    Problem::new(
                        "retry-without-effect",
                        Severity::Warning,
                        Place::field(id, "retry"),
                        format!("`{id}` is a `{}`, which is not retried", kind.kind),
                    )
                    .hint("set the retry at the steps inside or before it, or put it into a `scope` that retries"),
                );
            }
        }
        if let Some(retry) = info.step.undo.as_ref().and_then(|undo| undo.retry.as_ref()) {
            numbers(retry, id, "undo.retry", problems);
        }
    }
}

fn numbers(retry: &Retry, id: &str, path: &str, problems: &mut Vec<Problem>) {
    let mut report = |field: &str, message: &str, hint: &str| {
        let place = Place::field(id, format!("{path}.{field}"));
        problems.push(Problem::new("retry-number", Severity::Error, place, message).hint(hint));
    };
    if retry.attempts == Some(0) {
        report(
            "attempts",
            "with 0 attempts the step would never run",
            "write 1 for no repetition",
        );
    }
    if retry
        .factor
        .is_some_and(|factor| !(factor.is_finite() && factor > 0.0))
    {
        report(
            "factor",
            "the factor must be greater than 0",
            "write 1 for equal waits, 2 to double them",
        );
    }
    if retry
        .jitter
        .is_some_and(|jitter| !(0.0..=1.0).contains(&jitter))
    {
        report(
            "jitter",
            "jitter is a share of the wait, from 0 to 1",
            "write 0.2 for up to a fifth",
        );
    }
}
