//! Steps that nothing connects with the others.

use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["dangling-step"],
    severity: Severity::Warning,
    summary: "A step without edges among others starts at once and nobody waits for it.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for graph in context.graphs.iter().filter(|graph| graph.steps.len() > 1) {
        let mut has_edge = vec![false; context.steps.len()];
        for edge in &graph.edges {
            for end in [edge.from, edge.to].into_iter().flatten() {
                has_edge[end] = true;
            }
        }
        for info in graph.steps.iter().map(|step| &context.steps[*step]) {
            let is_connected = context.find(&info.step.id).is_some_and(|step| has_edge[step])
                || has_edge[graph.steps[info.node.index()]];
            if !is_connected && !info.is_off {
                let id = &info.step.id;
                problems.push(
                    Problem::new(
                        "dangling-step",
                        Severity::Warning,
                        Place::step(id),
                        format!("no edge leads to or from `{id}`: it starts at once, and nothing waits for it"),
                    )
                    .hint("connect it, disable it or delete it"),
                );
            }
        }
    }
}
