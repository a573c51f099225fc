//! Outcomes of which nothing follows.

use std::collections::BTreeSet;

use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["unhandled-port"],
    severity: Severity::Info,
    summary: "Where some outcomes of a step lead on, the others deserve a thought.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for info in context.active().filter(|info| info.outlets.len() > 1) {
        let mut taken = BTreeSet::new();
        let mut goes_on_anyway = false;
        for edge in context.graphs[info.graph].outgoing(info.node) {
            match edge.edge.from_port() {
                Some(port) => {
                    taken.insert(port);
                }
                None => goes_on_anyway |= edge.edge.on.is_none(),
            }
        }
        if taken.is_empty() || goes_on_anyway {
            continue;
        }
        for port in info.outlets.names().filter(|port| !taken.contains(port)) {
            // Without a deadline nothing expires.
            let has_deadline = ["expires", "timeout"]
                .iter()
                .any(|name| info.step.with.contains_key(*name));
            if port == "expired" && !has_deadline {
                continue;
            }
            let id = &info.step.id;
            problems.push(
                Problem::new(
                    "unhandled-port",
                    Severity::Info,
                    Place::step(id),
                    format!("nothing follows when `{id}` takes `{port}`"),
                )
                .hint("draw an edge from this port if something should happen then"),
            );
        }
    }
}
