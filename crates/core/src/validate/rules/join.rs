//! Joins that cannot be satisfied, or say nothing.

use crate::document::Join;
use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &[
        "join-at-least",
        "join-without-edges",
        "join-of-one",
        "cancel-rest",
    ],
    severity: Severity::Error,
    summary: "A join waits for edges that are there.",
    check,
};

/// How many edges a join with `incoming` edges needs at once, if more than one.
pub(super) fn needed(join: Option<Join>, incoming: usize) -> Option<usize> {
    match join.unwrap_or_default() {
        Join::All => Some(incoming),
        Join::AtLeast(n) => usize::try_from(n).ok(),
        Join::Live | Join::First => None,
    }
    .filter(|count| *count > 1 && incoming > 1)
}

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for info in context.active() {
        let (id, join) = (&info.step.id, info.step.join);
        let mut report = |code, severity, message: String, hint: &str| {
            problems
                .push(Problem::new(code, severity, Place::field(id, "join"), message).hint(hint));
        };
        if info.step.cancel_rest && join != Some(Join::First) {
            report(
                "cancel-rest",
                Severity::Warning,
                format!("`cancelRest` of `{id}` has no effect without the join `first`"),
                "set the join to `first`, or switch it off",
            );
        }
        let Some(join) = join.filter(|join| *join != Join::Live) else {
            continue;
        };
        let incoming = context.graphs[info.graph]
            .links
            .edges_directed(info.node, petgraph::Direction::Incoming)
            .count();
        match join {
            Join::AtLeast(0) => report(
                "join-at-least",
                Severity::Error,
                format!("`{id}` waits for at least 0 edges, which is no condition"),
                "write how many must arrive, from 1",
            ),
            _ if incoming == 0 => report(
                "join-without-edges",
                Severity::Warning,
                format!("`{id}` has a join, but no edge leads to it"),
                "draw the edges it should wait for, or remove the join",
            ),
            Join::AtLeast(n) if usize::try_from(n).is_ok_and(|n| n > incoming) => report(
                "join-at-least",
                Severity::Error,
                format!(
                    "`{id}` waits for at least {n} edges, but the number of edges that lead to it is {incoming}"
                ),
                "lower the number, or draw the missing edges",
            ),
            Join::First if incoming == 1 => report(
                "join-of-one",
                Severity::Info,
                format!("`{id}` starts at the first of its edges, but there is only one"),
                "draw the other edges, or remove the join",
            ),
            Join::Live | Join::All | Join::First | Join::AtLeast(_) => {}
        }
    }
}
