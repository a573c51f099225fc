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
        // An edge with a wrong end is reported as such.
        let mut has_edge = vec![false; graph.steps.len()];
        for end in graph
            .edges
            .iter()
            .flat_map(|edge| [edge.from, edge.to])
            .flatten()
        {
            has_edge[context.steps[end].node.index()] = true;
        }
        for info in graph.steps.iter().map(|step| &context.steps[*step]) {
            if !has_edge[info.node.index()] && !info.is_off {
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
