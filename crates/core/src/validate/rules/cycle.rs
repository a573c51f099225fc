//! Steps that wait for themselves.

use std::collections::{BTreeMap, VecDeque};

use petgraph::graph::NodeIndex;

use crate::problem::{Place, Problem, Severity};
use crate::validate::context::Graph;
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["cycle"],
    severity: Severity::Error,
    summary: "Steps that wait for each other in a circle never start.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for graph in &context.graphs {
        for group in graph.groups.iter().filter(|group| graph.is_cycle(group)) {
            let path = shortest(graph, group);
            let ids: Vec<&str> = path
                .iter()
                .map(|node| context.steps[graph.links[*node]].step.id.as_str())
                .collect();
            let Some(first) = ids.first() else { continue };
            // A path of thousands of steps says no more than its beginning.
            let shown = if ids.len() > 12 {
                format!("{} → … → {first}", ids[..11].join(" → "))
            } else {
                format!("{} → {first}", ids.join(" → "))
            };
            problems.push(
                Problem::new(
                    "cycle",
                    Severity::Error,
                    Place::step(*first),
                    format!("the steps wait for each other in a circle: `{shown}`"),
                )
                .hint("delete one of these edges; to do something again, put the steps into a `repeat`"),
            );
        }
    }
}

/// The shortest circle through the first step of the group.
fn shortest(graph: &Graph<'_>, group: &[NodeIndex]) -> Vec<NodeIndex> {
    let Some(start) = group.iter().copied().min() else {
        return Vec::new();
    };
    let members: std::collections::BTreeSet<NodeIndex> = group.iter().copied().collect();
    let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        let mut next: Vec<NodeIndex> = graph
            .links
            .neighbors(node)
            .filter(|next| members.contains(next))
            .collect();
        next.sort_unstable();
        for next in next {
            if next == start {
                let back = std::iter::successors(Some(node), |node| came_from.get(node).copied());
                let mut path: Vec<NodeIndex> = back.collect();
                path.reverse();
                return path;
            }
            if let std::collections::btree_map::Entry::Vacant(entry) = came_from.entry(next) {
                entry.insert(node);
                open.push_back(next);
            }
        }
    }
    vec![start]
}
