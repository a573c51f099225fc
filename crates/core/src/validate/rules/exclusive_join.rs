//! Branches of which only one is ever taken, meeting where several are waited for.
//!
//! For every edge the rule knows what must have happened if it is taken: which step chose which port, succeeded or
//! failed. A step chooses one port. So of the edges into a join, those that need different ports of the same step
//! can never be taken together.

use std::collections::BTreeMap;
use std::rc::Rc;

use petgraph::graph::NodeIndex;

use super::join::needed;
use crate::document::{Edge, Join, On};
use crate::problem::{Place, Problem, Severity};
use crate::validate::context::{EdgeEntry, Graph};
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
    let told = graph
        .steps
        .iter()
        .map(|step| Told::new(context, graph, *step))
        .collect::<Vec<_>>();
    let nothing = Rc::new(Facts::new());
    let mut known: Vec<Rc<Facts>> = vec![Rc::clone(&nothing); order.len()];
    let mut edges = Vec::new();
    let mut incoming: Vec<(usize, Rc<Facts>)> = Vec::new();
    for node in &order {
        let info = &context.steps[graph.links[*node]];
        graph.incoming(*node, &mut edges);
        incoming.clear();
        incoming.extend(edges.iter().map(|(edge, from)| {
            let told = &told[from.index()];
            (
                *edge,
                with_edge(
                    context,
                    &graph.edges[*edge],
                    rank[from.index()],
                    told,
                    &known[from.index()],
                ),
            )
        }));
        if let Some(count) = needed(info.step.join, incoming.len())
            && !info.is_off
            && let Some((step, first, second)) = conflict(graph, &incoming, count)
        {
            let other = &context.steps[graph.links[order[step]]].step.id;
            problems.push(report(&info.step.id, info.step.join, other, first, second));
        }
        known[node.index()] = match (info.step.join, incoming.as_slice()) {
            (_, []) => Rc::clone(&nothing),
            (_, [(_, only)]) => Rc::clone(only),
            (Some(Join::All), _) => Rc::new(union(&incoming)),
            (_, [(_, first), rest @ ..]) => intersection(first, rest),
        };
    }
}

/// Which facts about a step can ever contradict each other. Where all edges leave in the same way there are none,
/// and nothing has to be remembered.
struct Told {
    failure: bool,
    ports: bool,
}

impl Told {
    fn new(context: &Context<'_>, graph: &Graph<'_>, step: usize) -> Self {
        let info = &context.steps[step];
        let mut first = None;
        let mut told = Self {
            failure: false,
            ports: false,
        };
        for edge in graph.outgoing(info.node).filter(|_| !info.step.disabled) {
            told.failure |= edge.edge.on == Some(On::Error);
            let port = edge.edge.from_port();
            told.ports |= port.is_some() && first.is_some_and(|first| port != first);
            first = first.or(port.map(Some));
        }
        told
    }
}

fn with_edge(
    context: &Context<'_>,
    edge: &EdgeEntry<'_>,
    rank: usize,
    told: &Told,
    known: &Rc<Facts>,
) -> Rc<Facts> {
    let Some(info) = edge.from.map(|from| &context.steps[from]) else {
        return Rc::clone(known);
    };
    let mut new = Vec::new();
    match edge.edge.on {
        Some(On::Error) if told.failure => new.push(End::Failed),
        Some(On::Error | On::Always) => {}
        None => {
            if told.failure || told.ports {
                new.push(End::Succeeded);
            }
            if let (true, Some(port)) = (told.ports, edge.edge.from_port())
                && let Some(port) = info.outlets.position(port)
            {
                new.push(End::Chose(port));
            }
        }
    }
    if new.is_empty() {
        return Rc::clone(known);
    }
    // A step has a higher rank than all before it, so what is new belongs at the end.
    let old = &known[(known.len() + new.len()).saturating_sub(MOST)..];
    Rc::new(
        old.iter()
            .copied()
            .chain(new.into_iter().map(|end| (rank, end)))
            .collect(),
    )
}

fn union(incoming: &[(usize, Rc<Facts>)]) -> Facts {
    let mut all: Facts = incoming
        .iter()
        .flat_map(|(_, facts)| facts.iter().copied())
        .collect();
    all.sort_unstable();
    all.dedup();
    all.drain(..all.len().saturating_sub(MOST));
    all
}

fn intersection(first: &Rc<Facts>, rest: &[(usize, Rc<Facts>)]) -> Rc<Facts> {
    if rest.iter().all(|(_, facts)| Rc::ptr_eq(facts, first)) {
        return Rc::clone(first);
    }
    let is_common = |fact: &&(usize, End)| {
        rest.iter()
            .all(|(_, facts)| facts.binary_search(fact).is_ok())
    };
    Rc::new(first.iter().filter(is_common).copied().collect())
}

/// The rank of a step whose ends keep `count` edges from being taken together, and two edges that show it.
fn conflict<'g>(
    graph: &'g Graph<'_>,
    incoming: &[(usize, Rc<Facts>)],
    count: usize,
) -> Option<(usize, &'g Edge, &'g Edge)> {
    let mut by_step: BTreeMap<usize, BTreeMap<End, Vec<usize>>> = BTreeMap::new();
    for (edge, facts) in incoming {
        for (rank, end) in facts.iter() {
            by_step
                .entry(*rank)
                .or_default()
                .entry(*end)
                .or_default()
                .push(*edge);
        }
    }
    // Near decisions explain best.
    by_step.into_iter().rev().find_map(|(rank, ends)| {
        let edges = |end: &End| ends.get(end).map_or(&[][..], Vec::as_slice);
        let (succeeded, failed) = (edges(&End::Succeeded), edges(&End::Failed));
        let ports: Vec<(&End, &Vec<usize>)> = ends
            .iter()
            .filter(|(end, _)| matches!(end, End::Chose(_)))
            .collect();
        let of_ports: usize = ports.iter().map(|(_, edges)| edges.len()).sum();
        let largest = ports
            .iter()
            .map(|(_, edges)| edges.len())
            .max()
            .unwrap_or(0);
        let together = (succeeded.len().saturating_sub(of_ports) + largest).max(failed.len());
        let free = incoming
            .len()
            .saturating_sub(succeeded.len() + failed.len());
        if free + together >= count {
            return None;
        }
        let (first, second) = match (ports.as_slice(), succeeded, failed) {
            ([(_, first), (_, second), ..], _, _) => (first.first()?, second.first()?),
            (_, [first, ..], [second, ..]) => (first, second),
            _ => return None,
        };
        Some((rank, graph.edges[*first].edge, graph.edges[*second].edge))
    })
}

fn report(id: &str, join: Option<Join>, decision: &str, first: &Edge, second: &Edge) -> Problem {
    let what = match join {
        Some(Join::AtLeast(n)) => format!("{n} of its edges"),
        _ => "all its edges".to_owned(),
    };
    let (first, second) = (first.key(), second.key());
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
