//! What the rules look at, built once.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use indexmap::IndexMap;

use super::expressions::{self, Expressions};
use super::suggest;
use crate::document::{Edge, On, Step, Workflow};
use crate::step_kind::{Catalog, Port, Ports, StepKind};

/// A document, looked at from all sides.
pub struct Context<'a> {
    /// The document.
    pub workflow: &'a Workflow,
    /// The kinds that this build knows.
    pub catalog: &'a Catalog,
    /// All steps, outer before inner, in document order.
    pub(super) steps: Vec<StepEntry<'a>>,
    /// The graphs: 0 is the workflow itself, the others are bodies.
    pub(super) graphs: Vec<Graph<'a>>,
    /// Every text with an expression, parsed.
    pub(super) expressions: Expressions<'a>,
    /// Steps whose id another one had before.
    pub(super) duplicates: Vec<usize>,
    by_id: IndexMap<&'a str, usize>,
    by_key: OnceCell<BTreeMap<String, usize>>,
    suggestions: Cell<u32>,
}

/// A step and where it stands.
pub(super) struct StepEntry<'a> {
    pub(super) step: &'a Step,
    /// `None` for a kind that this build does not know.
    pub(super) kind: Option<&'a StepKind>,
    /// The graph it stands in.
    pub(super) graph: usize,
    /// Its node in that graph.
    pub(super) node: NodeIndex,
    /// The graph inside it.
    pub(super) inner: Option<usize>,
    /// Its ports now; none for an unknown kind.
    pub(super) outlets: Outlets,
    /// It, or a container around it, is disabled.
    pub(super) is_off: bool,
}

/// The names of the ports of a step.
pub(super) enum Outlets {
    Fixed(&'static [(&'static str, &'static str)]),
    Configured(Vec<Port>),
}

impl Outlets {
    fn of(step: &Step, kind: Option<&StepKind>) -> Self {
        match kind.map(|kind| kind.ports) {
            None | Some(Ports::Plain) => Self::Fixed(&[]),
            Some(Ports::Fixed(ports)) => Self::Fixed(ports),
            Some(Ports::Configured(read)) => Self::Configured(read(&step.with)),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Fixed(ports) => ports.len(),
            Self::Configured(ports) => ports.len(),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        let (fixed, configured) = match self {
            Self::Fixed(ports) => (*ports, &[][..]),
            Self::Configured(ports) => (&[][..], ports.as_slice()),
        };
        fixed
            .iter()
            .map(|(name, _)| *name)
            .chain(configured.iter().map(|port| port.name.as_str()))
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.names().position(|known| known == name)
    }
}

/// One graph: the workflow's or that of a body.
pub(super) struct Graph<'a> {
    /// The container that it is the body of.
    pub(super) owner: Option<usize>,
    /// Its steps, by node.
    pub(super) steps: Vec<usize>,
    /// Its edges, in document order.
    pub(super) edges: Vec<EdgeEntry<'a>>,
    /// Steps and the edges whose ends both exist in this graph; weights are positions in `steps` of the context
    /// and in `edges`.
    pub(super) links: DiGraph<usize, usize>,
    /// Groups of steps that reach one another, sources first. Groups of one are the normal case.
    pub(super) groups: Vec<Vec<NodeIndex>>,
    /// Whether a step reaches itself.
    pub(super) is_cyclic: bool,
    /// For each node: an `error` or `always` edge leads to it, directly or further up.
    pub(super) after_error: Vec<bool>,
}

/// An edge and the steps at its ends, where they exist in the same graph.
pub(super) struct EdgeEntry<'a> {
    pub(super) edge: &'a Edge,
    pub(super) from: Option<usize>,
    pub(super) to: Option<usize>,
}

impl<'a> Context<'a> {
    /// Looks at a document.
    pub fn new(workflow: &'a Workflow, catalog: &'a Catalog) -> Self {
        let mut context = Self {
            workflow,
            catalog,
            steps: Vec::with_capacity(workflow.steps.len()),
            graphs: Vec::new(),
            expressions: Expressions::default(),
            duplicates: Vec::new(),
            by_id: IndexMap::with_capacity(workflow.steps.len()),
            by_key: OnceCell::new(),
            suggestions: Cell::new(0),
        };
        context.add_graph(&workflow.steps, &workflow.edges, None, false);
        context.expressions = expressions::collect(&context);
        context
    }

    fn add_graph(
        &mut self,
        steps: &'a [Step],
        edges: &'a [Edge],
        owner: Option<usize>,
        is_off: bool,
    ) -> usize {
        let graph = self.graphs.len();
        self.graphs.push(Graph {
            owner,
            steps: Vec::with_capacity(steps.len()),
            edges: Vec::with_capacity(edges.len()),
            links: DiGraph::with_capacity(steps.len(), edges.len()),
            groups: Vec::new(),
            is_cyclic: false,
            after_error: Vec::new(),
        });
        for step in steps {
            let index = self.steps.len();
            let kind = self.catalog.find(&step.kind);
            let is_off = is_off || step.disabled;
            if *self.by_id.entry(&step.id).or_insert(index) != index {
                self.duplicates.push(index);
            }
            let node = self.graphs[graph].links.add_node(index);
            self.graphs[graph].steps.push(index);
            self.steps.push(StepEntry {
                step,
                kind,
                graph,
                node,
                inner: None,
                outlets: Outlets::of(step, kind),
                is_off,
            });
            if let Some(body) = &step.body {
                let inner = self.add_graph(&body.steps, &body.edges, Some(index), is_off);
                self.steps[index].inner = Some(inner);
            }
        }
        for edge in edges {
            let from = self.find_in(graph, edge.from_step());
            let to = self.find_in(graph, &edge.to);
            let position = self.graphs[graph].edges.len();
            if let (Some(from), Some(to)) = (from, to) {
                let (from, to) = (self.steps[from].node, self.steps[to].node);
                self.graphs[graph].links.add_edge(from, to, position);
            }
            self.graphs[graph].edges.push(EdgeEntry { edge, from, to });
        }
        self.graphs[graph].finish();
        graph
    }

    /// The place of the (first) step with this id in the document.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The step with this id in this graph.
    fn find_in(&self, graph: usize, id: &str) -> Option<usize> {
        let found = self.find(id)?;
        if self.steps[found].graph == graph {
            return Some(found);
        }
        // Rare: the id is taken twice, and the first one stands elsewhere.
        self.duplicates
            .iter()
            .copied()
            .find(|step| self.steps[*step].graph == graph && self.steps[*step].step.id == id)
    }

    /// The place of an edge in the document.
    pub(super) fn edge_position(&self, key: &str) -> Option<usize> {
        let index = self.by_key.get_or_init(|| {
            let mut index = BTreeMap::new();
            for (position, edge) in self
                .graphs
                .iter()
                .flat_map(|graph| &graph.edges)
                .enumerate()
            {
                index.entry(edge.edge.key()).or_insert(position);
            }
            index
        });
        index.get(key).copied()
    }

    /// The steps that are not disabled.
    pub(super) fn active(&self) -> impl Iterator<Item = &StepEntry<'a>> {
        self.steps.iter().filter(|info| !info.is_off)
    }

    /// The containers around a step, innermost first.
    pub(super) fn containers(&self, step: usize) -> impl Iterator<Item = &StepEntry<'a>> {
        let owner = move |step: usize| self.graphs[self.steps[step].graph].owner;
        std::iter::successors(owner(step), move |step| owner(*step)).map(|step| &self.steps[step])
    }

    /// The candidate that `wrong` was probably meant to be. After many suggestions there are no more: a document
    /// with thousands of mistakes has another cause, and looking is not free.
    pub(super) fn suggest<'c>(
        &self,
        wrong: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> Option<&'c str> {
        self.suggestions.set(self.suggestions.get() + 1);
        (self.suggestions.get() <= 100)
            .then(|| suggest::nearest(wrong, candidates))
            .flatten()
    }

    /// The id of a step of the whole document that `wrong` was probably meant to be.
    pub(super) fn suggest_step(&self, wrong: &str) -> Option<&str> {
        self.suggest(wrong, self.by_id.keys().copied())
    }
}

impl Graph<'_> {
    fn finish(&mut self) {
        self.groups = kosaraju_scc(&self.links);
        self.groups.reverse();
        self.is_cyclic = self.groups.iter().any(|group| self.is_cycle(group));
        self.after_error = vec![false; self.steps.len()];
        let mut open: Vec<NodeIndex> = Vec::new();
        for link in self.links.edge_indices() {
            if self.edges[self.links[link]].edge.on.is_some()
                && let Some((_, to)) = self.links.edge_endpoints(link)
            {
                open.push(to);
            }
        }
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut self.after_error[node.index()], true) {
                open.extend(self.links.neighbors(node));
            }
        }
    }

    /// Whether the steps of a group form a cycle.
    pub(super) fn is_cycle(&self, group: &[NodeIndex]) -> bool {
        match group {
            [only] => self.links.contains_edge(*only, *only),
            _ => group.len() > 1,
        }
    }

    /// Puts the edges that lead to a node into `edges`, in document order, with the nodes they come from.
    pub(super) fn incoming(&self, node: NodeIndex, edges: &mut Vec<(usize, NodeIndex)>) {
        let links = self.links.edges_directed(node, Direction::Incoming);
        edges.clear();
        edges.extend(links.map(|link| (*link.weight(), link.source())));
        edges.sort_unstable();
    }

    /// The edges that leave a node.
    pub(super) fn outgoing(&self, node: NodeIndex) -> impl Iterator<Item = &EdgeEntry<'_>> {
        self.links
            .edges(node)
            .map(|link| &self.edges[*link.weight()])
    }

    /// Whether a short walk back from `after` meets `before`.
    fn is_just_before(&self, before: NodeIndex, after: NodeIndex) -> bool {
        const STEPS: usize = 16;
        let mut seen = [after; STEPS];
        let mut count = 1;
        let mut next = 0;
        while next < count {
            for node in self
                .links
                .neighbors_directed(seen[next], Direction::Incoming)
            {
                if node == before {
                    return true;
                }
                if count < STEPS && !seen[..count].contains(&node) {
                    seen[count] = node;
                    count += 1;
                }
            }
            next += 1;
        }
        false
    }

    /// Whether something happens when the step fails.
    pub(super) fn handles_errors(&self, node: NodeIndex) -> bool {
        self.outgoing(node)
            .any(|edge| matches!(edge.edge.on, Some(On::Error | On::Always)))
    }

    /// For each pair: whether the first node always comes before the second. In a graph with a cycle, which is
    /// reported anyway, nothing comes before anything, and the answer is always yes.
    pub(super) fn come_before(&self, pairs: &[(NodeIndex, NodeIndex)]) -> Vec<bool> {
        const WORDS: usize = 16;
        if self.is_cyclic {
            return vec![true; pairs.len()];
        }
        // Nearly always the answer is near.
        let mut answers: Vec<bool> = pairs
            .iter()
            .map(|(before, after)| self.is_just_before(*before, *after))
            .collect();
        let open = || {
            pairs
                .iter()
                .enumerate()
                .filter(|(query, _)| !answers[*query])
        };
        let sources: Vec<NodeIndex> = open()
            .map(|(_, (before, _))| *before)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let mut queries: Vec<(usize, usize)> = open()
            .filter_map(|(query, (before, _))| Some((sources.binary_search(before).ok()?, query)))
            .collect();
        queries.sort_unstable();
        let mut queries = queries.into_iter().peekable();
        // Sources are followed 1,024 at a time: for each node one bit per source that leads to it.
        let mut reached = vec![
            [0u64; WORDS];
            if sources.is_empty() {
                0
            } else {
                self.steps.len()
            }
        ];
        for (chunk, members) in sources.chunks(WORDS * 64).enumerate() {
            reached.fill([0; WORDS]);
            let mut is_source = BTreeMap::new();
            for (bit, node) in members.iter().enumerate() {
                is_source.insert(*node, bit);
            }
            for node in self.groups.iter().flatten() {
                let mut own = reached[node.index()];
                if let Some(bit) = is_source.get(node) {
                    own[bit / 64] |= 1 << (bit % 64);
                }
                if own == [0; WORDS] {
                    continue;
                }
                for next in self.links.neighbors(*node) {
                    for (word, bits) in reached[next.index()].iter_mut().zip(own) {
                        *word |= bits;
                    }
                }
            }
            let end = (chunk + 1) * WORDS * 64;
            while let Some((source, query)) = queries.next_if(|(source, _)| *source < end) {
                let bit = source % (WORDS * 64);
                let target = pairs[query].1;
                answers[query] = reached[target.index()][bit / 64] >> (bit % 64) & 1 == 1;
            }
        }
        answers
    }
}
