//! Branches of which only one is ever taken, meeting where several are waited for.
//!
//! For every edge the rule knows what must have happened if it is taken: which step chose which port, succeeded or
//! failed. A step chooses one port. So of the edges into a join, those that need different ports of the same step
//! can never be taken together.

use std::collections::BTreeMap;

use petgraph::graph::NodeIndex;

use super::join::needed;
use crate::document::{Join, On};
use crate::problem::{Place, Problem, Severity};
use crate::validate::context::{EdgeInfo, Graph};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["exclusive-join"],
    severity: Severity::Error,
    summary: "A join cannot wait for two branches of one decision.",
    check,
};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Succeeded,
    Failed,
    /// It chose its port with this number.
    Chose(usize),
}

/// What must have happened, sorted: the rank of a step in the order of the graph, and how it ended.
type Facts = Vec<(usize, End)>;

/// Facts are remembered for so many steps back. Forgetting the oldest can only lose a finding.
const MOST: usize = 64;

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for graph in &context.graphs {
        let waits = |step: &usize| needed(context.steps[*step].step.join, 2).is_some();
        if !graph.is_cyclic && graph.steps.iter().any(waits) {
            look(context, graph, problems);
        }
    }
}

fn look(context: &Context<'_>, graph: &Graph<'_>, problems: &mut Vec<Problem>) {
    let order: Vec<NodeIndex> = graph.groups.iter().flatten().copied().collect();
    let mut rank = vec![0; order.len()];
    for (position, node) in order.iter().enumerate() {
        rank[node.index()] = position;
    }
    let mut known: Vec<Facts> = vec![Facts::new(); order.len()];
    for node in &order {
        let info = &context.steps[graph.links[*node]];
        let incoming: Vec<(usize, Facts)> = graph
            .incoming(*node)
            .into_iter()
            .map(|(edge, from)| {
                let facts = known[from.index()].clone();
                (edge, with_edge(context, &graph.edges[edge], rank[from.index()], facts))
            })
            .collect();
        if let Some(count) = needed(info.step.join, incoming.len())
            && !info.is_off
            && let Some((step, first, second)) = conflict(graph, &incoming, count)
        {
            let other = &context.steps[graph.links[order[step]]].step.id;
            problems.push(report(&info.step.id, info.step.join, other, first, second));
        }
        known[node.index()] = match info.step.join {
            Some(Join::All) => union(incoming),
            _ => intersection(incoming),
        };
    }
}

fn with_edge(context: &Context<'_>, edge: &EdgeInfo<'_>, rank: usize, mut facts: Facts) -> Facts {
    let Some(info) = edge.from.map(|from| &context.steps[from]) else { return facts };
    if info.step.disabled {
        return facts;
    }
    match edge.edge.on {
        Some(On::Error) => facts.push((rank, End::Failed)),
        Some(On::Always) => {}
        None => {
            facts.push((rank, End::Succeeded));
            if let Some(port) = edge.edge.from_port()
                && let Some(port) = info.ports.iter().position(|known| known.name == port)
            {
                facts.push((rank, End::Chose(port)));
            }
        }
    }
    facts.sort_unstable();
    facts.dedup();
    facts.drain(..facts.len().saturating_sub(MOST));
    facts
}

fn union(incoming: Vec<(usize, Facts)>) -> Facts {
    let mut all: Facts = incoming.into_iter().flat_map(|(_, facts)| facts).collect();
    all.sort_unstable();
    all.dedup();
    all.drain(..all.len().saturating_sub(MOST));
    all
}

fn intersection(incoming: Vec<(usize, Facts)>) -> Facts {
    let mut incoming = incoming.into_iter().map(|(_, facts)| facts);
    let mut common = incoming.next().unwrap_or_default();
    for facts in incoming {
        common.retain(|fact| facts.binary_search(fact).is_ok());
    }
    common
}

/// The rank of a step whose ends keep `count` edges from being taken together, and two edges that show it.
fn conflict<'g>(
    graph: &'g Graph<'_>,
    incoming: &[(usize, Facts)],
    count: usize,
) -> Option<(usize, &'g str, &'g str)> {
    let mut by_step: BTreeMap<usize, BTreeMap<End, Vec<usize>>> = BTreeMap::new();
    for (edge, facts) in incoming {
        for (rank, end) in facts {
            by_step.entry(*rank).or_default().entry(*end).or_default().push(*edge);
        }
    }
    // Near decisions explain best.
    by_step.into_iter().rev().find_map(|(rank, ends)| {
        let edges = |end: &End| ends.get(end).map_or(&[][..], Vec::as_slice);
        let (succeeded, failed) = (edges(&End::Succeeded), edges(&End::Failed));
        let ports: Vec<(&End, &Vec<usize>)> =
            ends.iter().filter(|(end, _)| matches!(end, End::Chose(_))).collect();
        let of_ports: usize = ports.iter().map(|(_, edges)| edges.len()).sum();
        let largest = ports.iter().map(|(_, edges)| edges.len()).max().unwrap_or(0);
        let together = (succeeded.len().saturating_sub(of_ports) + largest).max(failed.len());
        let free = incoming.len().saturating_sub(succeeded.len() + failed.len());
        if free + together >= count {
            return None;
        }
        let (first, second) = match (ports.as_slice(), succeeded, failed) {
            ([(_, first), (_, second), ..], _, _) => (first.first()?, second.first()?),
            (_, [first, ..], [second, ..]) => (first, second),
            _ => return None,
        };
        Some((rank, graph.edges[*first].key.as_str(), graph.edges[*second].key.as_str()))
    })
}

fn report(id: &str, join: Option<Join>, decision: &str, first: &str, second: &str) -> Problem {
    let what = match join {
        Some(Join::AtLeast(n)) => format!("{n} of its edges"),
        _ => "all its edges".to_owned(),
    };
    Problem::new(
        "exclusive-join",
        Severity::Error,
        Place::field(id, "join"),
        format!(
            "`{id}` waits for {what}, but `{first}` and `{second}` never come together: `{decision}` takes only one of these ways"
        ),
    )
    .hint("use the join `live`: it starts as soon as the branch that was taken arrives")
}
