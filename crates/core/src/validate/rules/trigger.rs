//! Triggers that can never fire, or do not do what is meant.

use crate::problem::{Place, Problem, Severity};
use crate::trigger::TriggerSpec;
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["unknown-trigger", "cron", "time-zone", "trigger-setting"],
    severity: Severity::Error,
    summary: "A trigger says when it fires, and what happens when that was missed or comes too soon.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for trigger in &context.workflow.triggers {
        let (_, troubles) = TriggerSpec::read(trigger);
        for trouble in troubles {
            let severity = if trouble.is_warning {
                Severity::Warning
            } else {
                Severity::Error
            };
            let place = Place {
                field: Some(trouble.field),
                ..Place::trigger(&trigger.id)
            };
            let problem = Problem::new(trouble.code, severity, place, trouble.message);
            problems.push(problem.hint(trouble.hint));
        }
    }
}
