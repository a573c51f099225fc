//! Steps of a kind that this build does not know.

use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["unknown-kind"],
    severity: Severity::Error,
    summary: "A step of an unknown kind is kept as it is, but cannot run.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for info in context.steps.iter().filter(|info| info.kind.is_none()) {
        let kind = &info.step.kind;
        let severity = if info.is_off {
            Severity::Warning
        } else {
            Severity::Error
        };
        let hint = match context.suggest(kind, context.catalog.all().map(|kind| kind.kind)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "a newer version may know it; until then replace the step or disable it".to_owned()
            }
        };
        problems.push(
            Problem::new(
                "unknown-kind",
                severity,
                Place::field(&info.step.id, "kind"),
                format!("this version has no step of the kind `{kind}`"),
            )
            .hint(hint),
        );
    }
}
