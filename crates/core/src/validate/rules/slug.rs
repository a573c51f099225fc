//! Ids that are no slugs.

use crate::document::is_slug;
use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["bad-id"],
    severity: Severity::Error,
    summary: "Ids start with a lower case letter and hold only those, digits and `_`.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let workflow = context.workflow;
    let whole = |_: &str| Place::default();
    let steps = context
        .steps
        .iter()
        .map(|info| (&info.step.id, (|id| Place::step(id)) as fn(&str) -> Place));
    let triggers = workflow
        .triggers
        .iter()
        .map(|trigger| (&trigger.id, (|id| Place::trigger(id)) as fn(&str) -> Place));
    for (id, owner) in std::iter::once((&workflow.id, whole as fn(&str) -> Place))
        .chain(triggers)
        .chain(steps)
    {
        if !is_slug(id) {
            let place = Place {
                field: Some("id".to_owned()),
                ..owner(id)
            };
            let hint = match proposal(id) {
                Some(better) => format!("write `{better}`"),
                None => "an example: `load_customers`".to_owned(),
            };
            problems.push(
                Problem::new(
                    "bad-id",
                    Severity::Error,
                    place,
                    format!(
                        "`{id}` cannot be an id: ids start with a lower case letter and hold only those, digits and `_`, at most 64"
                    ),
                )
                .hint(hint),
            );
        }
    }
}

/// The slug nearest to `text`.
pub(super) fn proposal(text: &str) -> Option<String> {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('_') {
            slug.push('_');
        }
    }
    let slug: String = slug
        .trim_start_matches(|c: char| !c.is_ascii_lowercase())
        .chars()
        .take(64)
        .collect();
    let slug = slug.trim_end_matches('_').to_owned();
    is_slug(&slug).then_some(slug)
}
