//! Expressions that cannot be read.

use crate::problem::{Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["expression-syntax"],
    severity: Severity::Error,
    summary: "What stands in `{% … %}` is JSONata.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for used in &context.expressions.uses {
        if let Err(error) = context.expressions.of(used) {
            let hint = error.hint.clone();
            problems.push(
                Problem::new(
                    "expression-syntax",
                    Severity::Error,
                    used.place(context, error.offset),
                    error.message.clone(),
                )
                .hint(
                    hint.unwrap_or_else(|| "an example: `{% steps.load.rows > 100 %}`".to_owned()),
                ),
            );
        }
    }
}
