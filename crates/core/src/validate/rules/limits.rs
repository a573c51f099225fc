//! Budgets that are no amounts, and names of resources that are none.

use super::duration;
use crate::document::is_slug;
use crate::problem::{Place, Problem, Severity};
use crate::size::parse_bytes;
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["limit-number", "limit-size", "resource-name"],
    severity: Severity::Error,
    summary: "Budgets of a run are at least 1 or an amount of data (`256 MB`); a resource is named like a step.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    if let Some(limits) = &context.workflow.limits {
        let place = |field: &str| Place {
            field: Some(format!("limits.{field}")),
            ..Place::default()
        };
        for (field, number) in [
            ("steps", limits.steps),
            ("iterations", limits.iterations),
            ("depth", limits.depth),
            ("inFlight", limits.in_flight),
        ] {
            if number == Some(0) {
                let message = "with 0 a run would stand still at once";
                problems.push(
                    Problem::new("limit-number", Severity::Error, place(field), message)
                        .hint("write at least 1, or leave it out to go by the settings"),
                );
            }
        }
        for (field, text) in [
            ("payload", &limits.payload),
            ("runPayload", &limits.run_payload),
            ("memory", &limits.memory),
        ] {
            let Some(message) = text.as_deref().and_then(|text| parse_bytes(text).err()) else {
                continue;
            };
            let (what, hint) = message
                .split_once(": ")
                .unwrap_or((&message, "write `256 MB`"));
            problems
                .push(Problem::new("limit-size", Severity::Error, place(field), what).hint(hint));
        }
        if let Some(text) = &limits.wall_time {
            problems.extend(duration::wrong(|| place("wallTime"), text));
        }
    }
    for step in context.active().map(|info| info.step) {
        if let Some(resource) = &step.resource
            && !is_slug(resource)
        {
            problems.push(
                Problem::new(
                    "resource-name",
                    Severity::Error,
                    Place::field(&step.id, "resource"),
                    format!("`{resource}` cannot be the name of a resource"),
                )
                .hint("start with a small letter; then small letters, digits and `_`"),
            );
        }
    }
}
