//! Steps that can never start.

use petgraph::graph::NodeIndex;

use super::join::needed;
use crate::document::{Join, On};
use crate::problem::{Place, Problem, Severity};
use crate::validate::context::{EdgeEntry, Graph};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["unreachable-step"],
    severity: Severity::Warning,
    summary: "A step all of whose edges are never taken never starts.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let mut incoming = Vec::new();
    for graph in &context.graphs {
        let mut ways = Ways {
            starts: vec![false; graph.steps.len()],
            in_cycle: vec![false; graph.steps.len()],
        };
        for group in &graph.groups {
            if graph.is_cycle(group) {
                group
                    .iter()
                    .for_each(|node| ways.in_cycle[node.index()] = true);
                continue;
            }
            for node in group {
                let (can_start, cause) = {
                    graph.incoming(*node, &mut incoming);
                    look(context, graph, *node, &incoming, &ways)
                };
                ways.starts[node.index()] = can_start;
                let info = &context.steps[graph.links[*node]];
                if let Some(cause) = cause.filter(|_| !can_start && !info.is_off) {
                    let id = &info.step.id;
                    problems.push(
                        Problem::new(
                            "unreachable-step",
                            Severity::Warning,
                            Place::step(id),
                            format!("`{id}` can never start: {cause}"),
                        )
                        .hint("correct the edges that lead to it, or delete it"),
                    );
                }
            }
        }
    }
}

/// What is known about the steps before.
struct Ways {
    starts: Vec<bool>,
    in_cycle: Vec<bool>,
}

/// Whether the step can start, and the first cause why not – unless that is reported further up.
fn look(
    context: &Context<'_>,
    graph: &Graph<'_>,
    node: NodeIndex,
    incoming: &[(usize, NodeIndex)],
    ways: &Ways,
) -> (bool, Option<String>) {
    if incoming.is_empty() {
        return (true, None);
    }
    let mut live = 0;
    let mut cause = None;
    for (edge, from) in incoming {
        let edge = &graph.edges[*edge];
        let source = &context.steps[graph.links[*from]];
        if ways.starts[from.index()] {
            match never_taken(context, edge) {
                None => live += 1,
                Some(why) => cause = cause.or(Some(why)),
            }
        } else if ways.in_cycle[from.index()] {
            cause = cause.or(Some(format!("`{}` is part of a circle", source.step.id)));
        }
    }
    let info = &context.steps[graph.links[node]];
    let least = match info.step.join {
        Some(Join::All) => incoming.len(),
        join => needed(join, incoming.len()).unwrap_or(1),
    };
    (live >= least, cause)
}

/// Why an edge is never taken though the step it leaves from may run.
fn never_taken(context: &Context<'_>, edge: &EdgeEntry<'_>) -> Option<String> {
    let info = &context.steps[edge.from?];
    let id = &info.step.id;
    let kind = info.kind?;
    match edge.edge.from_port() {
        Some(port) if info.step.disabled => Some(format!(
            "`{id}` is disabled and chooses no port, so not `{port}`"
        )),
        Some(port) if info.outlets.position(port).is_none() => {
            Some(format!("`{id}` has no port `{port}`"))
        }
        Some(port) if edge.edge.on == Some(On::Error) => Some(format!(
            "`{id}` chooses no port when it fails, so not `{port}`"
        )),
        _ if kind.kind == "fail" && edge.edge.on.is_none() && !info.step.disabled => {
            Some(format!("`{id}` always fails"))
        }
        _ => None,
    }
}
