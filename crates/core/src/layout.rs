//! Places for steps that have none: layered, left to right, the same for the same document.
//!
//! Bodies are laid out first, so that a container has a size when its own graph is laid out. Steps in a body
//! are placed relative to the top left corner of the container.

use std::collections::{BTreeMap, BTreeSet};

use rust_sugiyama::configure::{Config, RankingType};

use crate::document::{Edge, Step, Workflow};
use crate::step_kind::Catalog;

/// Distance of the grid that places are on, in canvas units.
pub const GRID: f64 = 20.0;
/// Width of a step's card.
pub const CARD_WIDTH: f64 = 220.0;
/// Height of a step's card with up to two ports.
pub const CARD_HEIGHT: f64 = 72.0;
/// Height that every further port adds.
pub const PORT_HEIGHT: f64 = 18.0;
/// Height of the head of a container.
pub const HEADER: f64 = 40.0;
/// Space around the steps of a body.
pub const PADDING: f64 = 20.0;
/// The smallest container.
pub const CONTAINER: [f64; 2] = [260.0, 140.0];

const COLUMN_GAP: f64 = 80.0;
const ROW_GAP: f64 = 40.0;

/// A place for every step and note: those of the document are kept, the others are put near their neighbours.
pub fn layout(workflow: &Workflow, catalog: &Catalog) -> BTreeMap<String, [f64; 2]> {
    Layouter::new(workflow, catalog, true).run()
}

/// A place for every step, as if none had one; notes stay where they are.
pub fn tidy(workflow: &Workflow, catalog: &Catalog) -> BTreeMap<String, [f64; 2]> {
    Layouter::new(workflow, catalog, false).run()
}

/// Width and height of every step: of the card, or of the whole body for a container.
pub fn sizes(workflow: &Workflow, catalog: &Catalog) -> BTreeMap<String, [f64; 2]> {
    let mut layouter = Layouter::new(workflow, catalog, true);
    layouter.graph(&workflow.steps, &workflow.edges);
    layouter.sizes
}

struct Layouter<'a> {
    workflow: &'a Workflow,
    catalog: &'a Catalog,
    keep: bool,
    places: BTreeMap<String, [f64; 2]>,
    sizes: BTreeMap<String, [f64; 2]>,
}

impl<'a> Layouter<'a> {
    const fn new(workflow: &'a Workflow, catalog: &'a Catalog, keep: bool) -> Self {
        Self { workflow, catalog, keep, places: BTreeMap::new(), sizes: BTreeMap::new() }
    }

    fn run(mut self) -> BTreeMap<String, [f64; 2]> {
        self.graph(&self.workflow.steps, &self.workflow.edges);
        let bottom = self.workflow.steps.iter().filter_map(|step| {
            Some(self.places.get(&step.id)?[1] + self.sizes.get(&step.id)?[1])
        });
        let mut below = bottom.fold(0.0, f64::max) + COLUMN_GAP;
        for note in &self.workflow.notes {
            let place = self.known(&note.id).unwrap_or([0.0, below]);
            if place[1] >= below {
                below = place[1] + note.size.map_or(120.0, |size| size[1]) + ROW_GAP;
            }
            self.places.insert(note.id.clone(), place);
        }
        self.places
    }

    fn known(&self, id: &str) -> Option<[f64; 2]> {
        self.workflow.layout.get(id).copied().filter(|[x, y]| x.is_finite() && y.is_finite())
    }

    /// Lays out one graph; gives the bottom right corner of what it holds.
    fn graph(&mut self, steps: &[Step], edges: &[Edge]) -> [f64; 2] {
        for step in steps {
            let size = self.size(step);
            self.sizes.insert(step.id.clone(), size);
        }
        let kept: Vec<bool> =
            steps.iter().map(|step| self.keep && self.known(&step.id).is_some()).collect();
        if kept.iter().any(|&kept| kept) {
            self.fill(steps, edges, &kept);
        } else {
            self.layered(steps, edges);
        }
        steps.iter().fold([0.0, 0.0], |[right, bottom]: [f64; 2], step| {
            let ([x, y], [width, height]) = (self.places[&step.id], self.sizes[&step.id]);
            [right.max(x + width), bottom.max(y + height)]
        })
    }

    fn size(&mut self, step: &Step) -> [f64; 2] {
        let kind = self.catalog.find(&step.kind);
        let ports = kind.map_or(0, |kind| kind.ports_of(&step.with).len());
        let height = CARD_HEIGHT + PORT_HEIGHT * ports.saturating_sub(2) as f64;
        let is_container = kind.is_some_and(|kind| kind.is_container) || step.body.is_some();
        if !is_container {
            return [CARD_WIDTH, height];
        }
        let Some(body) = &step.body else { return CONTAINER };
        let corner = self.graph(&body.steps, &body.edges);
        [
            (corner[0] + PADDING).max(CONTAINER[0]),
            (corner[1] + PADDING).max(CONTAINER[1]).max(height),
        ]
    }

    fn origin(&self, steps: &[Step]) -> [f64; 2] {
        let at_top = steps.first().is_none_or(|step| self.workflow.steps.iter().any(|one| one.id == step.id));
        if at_top { [0.0, 0.0] } else { [PADDING, HEADER + PADDING] }
    }

    /// The whole graph anew.
    fn layered(&mut self, steps: &[Step], edges: &[Edge]) {
        let origin = self.origin(steps);
        let arcs = arcs(steps, edges);
        let vertices: Vec<(u32, (f64, f64))> = steps
            .iter()
            .enumerate()
            .map(|(at, step)| {
                let [width, height] = self.sizes[&step.id];
                // The crate layers from top to bottom: turn it by a quarter.
                (at as u32, (height, width))
            })
            .collect();
        let config = Config {
            vertex_spacing: ROW_GAP,
            ranking_type: RankingType::Up,
            ..Config::default()
        };
        let mut top = origin[1];
        let mut parts = rust_sugiyama::from_vertices_and_edges(&vertices, &arcs, &config);
        parts.sort_by_key(|(part, ..)| part.iter().map(|(at, _)| *at).min());
        let ranks = ranks(steps.len(), &arcs);
        for (part, ..) in parts {
            let mut columns: BTreeMap<usize, Vec<(f64, usize)>> = BTreeMap::new();
            for (at, (across, _)) in part {
                let middle = across - self.sizes[&steps[at].id][1] / 2.0;
                columns.entry(ranks[at]).or_default().push((middle, at));
            }
            let highest = columns.values().flatten().map(|(y, _)| *y).fold(f64::INFINITY, f64::min);
            let (mut x, mut bottom) = (origin[0], top);
            for column in columns.values_mut() {
                column.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let mut free = top;
                let mut widest = 0.0f64;
                for (y, at) in column {
                    let id = &steps[*at].id;
                    let [width, height] = self.sizes[id];
                    let y = snap((*y - highest + top).max(free));
                    self.places.insert(id.clone(), [x, y]);
                    free = y + height + ROW_GAP;
                    bottom = bottom.max(free);
                    widest = widest.max(width);
                }
                x = snap_up(x + widest + COLUMN_GAP);
            }
            top = snap_up(bottom + ROW_GAP / 2.0);
        }
    }

    /// Only those without a place, near what they are wired to, never on top of another.
    fn fill(&mut self, steps: &[Step], edges: &[Edge], kept: &[bool]) {
        for (step, _) in steps.iter().zip(kept).filter(|(_, kept)| **kept) {
            if let Some(place) = self.known(&step.id) {
                self.places.insert(step.id.clone(), place);
            }
        }
        let arcs = arcs(steps, edges);
        let ranks = ranks(steps.len(), &arcs);
        let mut missing: Vec<usize> = (0..steps.len()).filter(|&at| !kept[at]).collect();
        missing.sort_by_key(|&at| (ranks[at], at));
        for at in missing {
            let before = arcs.iter().find(|&&(_, to)| to as usize == at).map(|&(from, _)| from as usize);
            let after = arcs
                .iter()
                .find(|&&(from, to)| from as usize == at && self.places.contains_key(&steps[to as usize].id))
                .map(|&(_, to)| to as usize);
            let [width, _] = self.sizes[&steps[at].id];
            let wanted = before
                .and_then(|from| {
                    let [x, y] = *self.places.get(&steps[from].id)?;
                    Some([x + self.sizes[&steps[from].id][0] + COLUMN_GAP, y])
                })
                .or_else(|| {
                    let [x, y] = *self.places.get(&steps[after?].id)?;
                    Some([x - width - COLUMN_GAP, y])
                })
                .unwrap_or_else(|| self.origin(steps));
            let place = self.free_place(steps, at, [snap_up(wanted[0]), snap_up(wanted[1])]);
            self.places.insert(steps[at].id.clone(), place);
        }
    }

    fn free_place(&self, steps: &[Step], at: usize, wanted: [f64; 2]) -> [f64; 2] {
        let [width, height] = self.sizes[&steps[at].id];
        let mut place = wanted;
        loop {
            let hit = steps.iter().find_map(|other| {
                let [x, y] = *self.places.get(&other.id)?;
                let [other_width, other_height] = self.sizes[&other.id];
                let overlaps = place[0] < x + other_width + GRID
                    && x < place[0] + width + GRID
                    && place[1] < y + other_height + GRID
                    && y < place[1] + height + GRID;
                overlaps.then_some(y + other_height)
            });
            match hit {
                Some(bottom) => place[1] = snap_up(bottom + ROW_GAP / 2.0),
                None => return place,
            }
        }
    }
}

/// Edges between steps that exist, each once, without loops and without those that close a cycle.
fn arcs(steps: &[Step], edges: &[Edge]) -> Vec<(u32, u32)> {
    let index: BTreeMap<&str, usize> =
        steps.iter().enumerate().map(|(at, step)| (step.id.as_str(), at)).collect();
    let mut wanted: BTreeSet<(usize, usize)> = BTreeSet::new();
    for edge in edges {
        if let (Some(&from), Some(&to)) = (index.get(edge.from_step()), index.get(edge.to.as_str()))
            && from != to
        {
            wanted.insert((from, to));
        }
    }
    let mut following: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for &(from, to) in &wanted {
        following[from].push(to);
    }
    // Depth first, without recursion: an edge back to a step that is still open closes a cycle.
    let mut state = vec![0u8; steps.len()];
    let mut kept = Vec::new();
    for start in 0..steps.len() {
        let mut stack = vec![(start, 0)];
        while let Some((at, next)) = stack.pop() {
            if next == 0 {
                if state[at] != 0 {
                    continue;
                }
                state[at] = 1;
            }
            if let Some(&to) = following[at].get(next) {
                stack.push((at, next + 1));
                if state[to] != 1 {
                    kept.push((at as u32, to as u32));
                    stack.push((to, 0));
                }
            } else {
                state[at] = 2;
            }
        }
    }
    kept.sort_unstable();
    kept
}

/// Column of each step: one more than the furthest of those before it.
fn ranks(count: usize, arcs: &[(u32, u32)]) -> Vec<usize> {
    let mut incoming = vec![0usize; count];
    let mut following: Vec<Vec<usize>> = vec![Vec::new(); count];
    for &(from, to) in arcs {
        incoming[to as usize] += 1;
        following[from as usize].push(to as usize);
    }
    let mut ready: Vec<usize> = (0..count).filter(|&at| incoming[at] == 0).collect();
    let mut ranks = vec![0usize; count];
    while let Some(at) = ready.pop() {
        for &to in &following[at] {
            ranks[to] = ranks[to].max(ranks[at] + 1);
            incoming[to] -= 1;
            if incoming[to] == 0 {
                ready.push(to);
            }
        }
    }
    ranks
}

fn snap(value: f64) -> f64 {
    (value / GRID).round() * GRID
}

fn snap_up(value: f64) -> f64 {
    (value / GRID).ceil() * GRID
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Body;

    fn chain(edges: &[(usize, usize)], count: usize) -> Workflow {
        let mut workflow = Workflow::new("w", "W");
        for at in 0..count {
            workflow.steps.push(Step { id: format!("s{at}"), kind: "merge".to_owned(), ..Step::default() });
        }
        workflow.edges =
            edges.iter().map(|(from, to)| Edge::new(format!("s{from}"), format!("s{to}"))).collect();
        workflow
    }

    fn overlaps(workflow: &Workflow, places: &BTreeMap<String, [f64; 2]>) -> Option<(String, String)> {
        let sizes = sizes(workflow, &Catalog::new([]));
        for (at, a) in workflow.steps.iter().enumerate() {
            for b in &workflow.steps[at + 1..] {
                let ([ax, ay], [bx, by]) = (places[&a.id], places[&b.id]);
                let ([aw, ah], [bw, bh]) = (sizes[&a.id], sizes[&b.id]);
                if ax < bx + bw && bx < ax + aw && ay < by + bh && by < ay + ah {
                    return Some((a.id.clone(), b.id.clone()));
                }
            }
        }
        None
    }

    #[test]
    fn steps_stand_to_the_right_of_what_they_wait_for_and_never_overlap() {
        let workflow = chain(&[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (0, 4), (5, 6)], 8);
        let places = layout(&workflow, &Catalog::new([]));
        for edge in &workflow.edges {
            assert!(places[edge.from_step()][0] + CARD_WIDTH < places[&edge.to][0], "{}", edge.key());
        }
        assert_eq!(overlaps(&workflow, &places), None);
        assert_eq!(layout(&workflow, &Catalog::new([])), places, "the same document, the same picture");
    }

    #[test]
    fn cycles_and_loops_are_drawn_too() {
        let workflow = chain(&[(0, 1), (1, 2), (2, 0), (1, 1), (2, 9)], 3);
        let places = layout(&workflow, &Catalog::new([]));
        assert_eq!((places.len(), overlaps(&workflow, &places)), (3, None));
    }

    #[test]
    fn what_a_person_placed_stays_and_new_steps_find_room() {
        let mut workflow = chain(&[(0, 1), (0, 2)], 4);
        workflow.layout.insert("s0".to_owned(), [100.0, 100.0]);
        workflow.layout.insert("s1".to_owned(), [400.0, 100.0]);
        let places = layout(&workflow, &Catalog::new([]));
        assert_eq!((places["s0"], places["s1"]), ([100.0, 100.0], [400.0, 100.0]));
        assert!(places["s2"][0] >= 400.0, "to the right of `s0`: {:?}", places["s2"]);
        assert_eq!(overlaps(&workflow, &places), None);
        assert_ne!(tidy(&workflow, &Catalog::new([]))["s0"], [100.0, 100.0]);
    }

    #[test]
    fn a_container_holds_its_body() {
        let mut workflow = chain(&[(0, 1)], 2);
        let inner = chain(&[], 0);
        workflow.steps[0].kind = "scope".to_owned();
        workflow.steps[0].body = Some(Body {
            steps: ["a", "b"]
                .map(|id| Step { id: id.to_owned(), kind: "merge".to_owned(), ..Step::default() })
                .to_vec(),
            edges: vec![Edge::new("a", "b")],
            rest: inner.rest,
        });
        let catalog = Catalog::new([]);
        let (places, sizes) = (layout(&workflow, &catalog), sizes(&workflow, &catalog));
        for id in ["a", "b"] {
            assert!(places[id][0] >= PADDING && places[id][1] >= HEADER);
            assert!(places[id][0] + CARD_WIDTH + PADDING <= sizes["s0"][0]);
            assert!(places[id][1] + CARD_HEIGHT + PADDING <= sizes["s0"][1]);
        }
        assert!(places["s1"][0] > sizes["s0"][0]);
    }

    proptest::proptest! {
        #[test]
        fn any_graph_can_be_laid_out(
            edges in proptest::collection::vec((0usize..24, 0usize..24), 0..60),
            count in 0usize..24,
        ) {
            let workflow = chain(&edges, count);
            let places = layout(&workflow, &Catalog::new([]));
            proptest::prop_assert_eq!(places.len(), count);
            proptest::prop_assert_eq!(overlaps(&workflow, &places), None);
            proptest::prop_assert_eq!(layout(&workflow, &Catalog::new([])), places);
        }
    }
}
