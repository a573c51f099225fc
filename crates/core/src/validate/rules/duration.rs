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
    let mut look = |place: Place, field: &str, text: Option<&str>| {
        if let Some(text) = text
            && let Some(problem) = wrong(Place { field: Some(field.to_owned()), ..place }, text)
        {
            problems.push(problem);
        }
    };
    look(Place::default(), "timeout", context.workflow.timeout.as_deref());
    for info in context.active() {
        let step = info.step;
        let place = || Place::step(&step.id);
        let mut of_retry = |retry: Option<&Retry>, path: &str| {
            if let Some(retry) = retry {
                look(place(), &format!("{path}.first"), retry.first.as_deref());
                look(place(), &format!("{path}.max"), retry.max.as_deref());
            }
        };
        of_retry(step.retry.as_ref(), "retry");
        of_retry(step.undo.as_ref().and_then(|undo| undo.retry.as_ref()), "undo.retry");
        look(place(), "timeout", step.timeout.as_deref());
        look(place(), "undo.timeout", step.undo.as_ref().and_then(|undo| undo.timeout.as_deref()));
    }
}

/// The finding about a text that should be a duration, if it is none.
pub(super) fn wrong(place: Place, text: &str) -> Option<Problem> {
    let message = parse_ms(text).err()?;
    let (what, hint) = message.split_once(": ").unwrap_or((&message, "write `5m`"));
    Some(Problem::new("duration", Severity::Error, place, what).hint(hint))
}
