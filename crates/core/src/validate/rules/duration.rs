//! Time limits and waits outside the forms.

use crate::document::Retry;
use crate::duration::parse_ms;
use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["duration"],
    severity: Severity::Error,
    summary: "Durations are numbers with units: `5m`, `1h30m`, `2d`.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    look(
        problems,
        None,
        "timeout",
        context.workflow.timeout.as_deref(),
    );
    for step in context.active().map(|info| info.step) {
        let id = Some(step.id.as_str());
        retry(problems, id, step.retry.as_ref(), "retry");
        look(problems, id, "timeout", step.timeout.as_deref());
        if let Some(undo) = &step.undo {
            retry(problems, id, undo.retry.as_ref(), "undo.retry");
            look(problems, id, "undo.timeout", undo.timeout.as_deref());
        }
    }
}

fn retry(problems: &mut Vec<Problem>, step: Option<&str>, retry: Option<&Retry>, path: &str) {
    if let Some(retry) = retry {
        look(
            problems,
            step,
            &format!("{path}.first"),
            retry.first.as_deref(),
        );
        look(problems, step, &format!("{path}.max"), retry.max.as_deref());
    }
}

fn look(problems: &mut Vec<Problem>, step: Option<&str>, field: &str, text: Option<&str>) {
    if let Some(text) = text {
        let place = || step.map(Place::step).unwrap_or_default();
        problems.extend(wrong(
            || Place {
                field: Some(field.to_owned()),
                ..place()
            },
            text,
        ));
    }
}

/// The finding about a text that should be a duration, if it is none.
pub(super) fn wrong(place: impl FnOnce() -> Place, text: &str) -> Option<Problem> {
    let message = parse_ms(text).err()?;
    let (what, hint) = message.split_once(": ").unwrap_or((&message, "write `5m`"));
    Some(Problem::new("duration", Severity::Error, place(), what).hint(hint))
}
