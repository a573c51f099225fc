//! What takes a step back must be a task.

use super::configuration::settings;
use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["undo-kind"],
    severity: Severity::Error,
    summary: "An undo is a task of a known kind, with settings that fit.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for info in context.active() {
        let Some(undo) = &info.step.undo else {
            continue;
        };
        let id = &info.step.id;
        let mut report = |message: String, hint: String| {
            let place = Place::field(id, "undo.kind");
            problems.push(Problem::new("undo-kind", Severity::Error, place, message).hint(hint));
        };
        match context.catalog.find(&undo.kind) {
            None => {
                let tasks = context
                    .catalog
                    .all()
                    .filter(|kind| !kind.is_control)
                    .map(|kind| kind.kind);
                let hint = match context.suggest(&undo.kind, tasks) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "choose a task that takes back what the step did".to_owned(),
                };
                report(
                    format!("this version has no step of the kind `{}`", undo.kind),
                    hint,
                );
            }
            Some(kind) if kind.is_control => report(
                format!("`{}` cannot take anything back", undo.kind),
                "choose a task; to undo several steps, give each its own undo".to_owned(),
            ),
            Some(kind) => settings(context, kind, &undo.with, id, "undo.with", problems),
        }
    }
}
