//! Places for steps that have none: left to right, in layers, the same every time.
//!
//! Bodies are laid out first, then their containers with the size that follows. A place is the top left corner of
//! a card; steps in a body count from the corner of their container.

mod layers;

use std::collections::BTreeMap;

use crate::document::{Edge, Note, Step, Workflow};
use crate::step_kind::Catalog;

/// Places lie on this grid, in bodies counted from the first free corner.
pub const GRID: f64 = 20.0;
/// Width and height of a card with at most two ports.
pub const CARD: [f64; 2] = [220.0, 72.0];
/// What each port above two adds to the height of a card.
pub const PORT_HEIGHT: f64 = 18.0;
/// Height of the title of a container.
pub const HEADER: f64 = 44.0;
/// Space between the border of a container and its steps.
pub const PADDING: f64 = 24.0;
/// The smallest container.
pub const CONTAINER: [f64; 2] = [260.0, 140.0];
/// Width and height of a note that does not say.
pub const NOTE: [f64; 2] = [240.0, 120.0];

/// Space between two layers.
const GAP_X: f64 = 80.0;
/// Space between two cards of a layer.
const GAP_Y: f64 = 40.0;
/// Beyond this many steps, missing ones are put below the others instead of near their neighbours.
const NEAR_LIMIT: usize = 3_000;

/// A place for every step and note. With `keep_existing`, those of the document stay where they are and only what
/// has no place gets one, near its neighbours.
pub fn layout(
    workflow: &Workflow,
    catalog: &Catalog,
    keep_existing: bool,
) -> BTreeMap<String, [f64; 2]> {
    let mut planner = Planner::new(workflow, catalog, keep_existing);
    planner.graph(&workflow.steps, &workflow.edges, [0.0, 0.0]);
    planner.notes(&workflow.notes, &workflow.steps);
    planner.places
}

/// The size of every card, of the whole body for a container, with the places that the document and
/// [`layout`] give.
pub fn sizes(workflow: &Workflow, catalog: &Catalog) -> BTreeMap<String, [f64; 2]> {
    let mut planner = Planner::new(workflow, catalog, true);
    planner.graph(&workflow.steps, &workflow.edges, [0.0, 0.0]);
    planner.sizes
}

struct Planner<'a> {
    catalog: &'a Catalog,
    /// Places to keep.
    kept: BTreeMap<&'a str, [f64; 2]>,
    places: BTreeMap<String, [f64; 2]>,
    sizes: BTreeMap<String, [f64; 2]>,
}

impl<'a> Planner<'a> {
    fn new(workflow: &'a Workflow, catalog: &'a Catalog, keep: bool) -> Self {
        let is_sound = |place: &[f64; 2]| place.iter().all(|n| n.is_finite() && n.abs() < 1e7);
        let kept = workflow
            .layout
            .iter()
            .filter(|(_, place)| keep && is_sound(place));
        Self {
            catalog,
            kept: kept.map(|(id, place)| (id.as_str(), *place)).collect(),
            places: BTreeMap::new(),
            sizes: BTreeMap::new(),
        }
    }

    /// Places the steps of one graph, the first corner at `origin`.
    fn graph(&mut self, steps: &'a [Step], edges: &[Edge], origin: [f64; 2]) {
        let sizes: Vec<[f64; 2]> = steps.iter().map(|step| self.size(step)).collect();
        let index: BTreeMap<&str, usize> = steps
            .iter()
            .enumerate()
            .rev()
            .map(|(at, step)| (step.id.as_str(), at))
            .collect();
        let mut links: Vec<(usize, usize)> = edges
            .iter()
            .filter_map(|edge| Some((*index.get(edge.from_step())?, *index.get(edge.to.as_str())?)))
            .filter(|(from, to)| from != to)
            .collect();
        links.sort_unstable();
        links.dedup();
        let kept: Vec<Option<[f64; 2]>> = steps
            .iter()
            .map(|step| self.kept.get(step.id.as_str()).copied())
            .collect();
        let places = if kept.iter().all(Option::is_some) {
            kept.into_iter().flatten().collect()
        } else {
            let fresh = layers::place(&sizes, &links, [GAP_X, GAP_Y]);
            let fresh: Vec<[f64; 2]> = fresh
                .into_iter()
                .map(|[x, y]| [snap(x) + origin[0], snap(y) + origin[1]])
                .collect();
            if kept.iter().all(Option::is_none) {
                fresh
            } else {
                fill(&kept, &fresh, &sizes, &links)
            }
        };
        for ((step, place), size) in steps.iter().zip(places).zip(sizes) {
            self.places.entry(step.id.clone()).or_insert(place);
            self.sizes.entry(step.id.clone()).or_insert(size);
        }
    }

    /// The size of a step; places what is inside it.
    fn size(&mut self, step: &'a Step) -> [f64; 2] {
        let kind = self.catalog.find(&step.kind);
        let Some(body) = &step.body else {
            if kind.is_some_and(|kind| kind.is_container) {
                return CONTAINER;
            }
            let ports = kind.map_or(0, |kind| kind.ports_of(&step.with).len());
            return [
                CARD[0],
                CARD[1] + PORT_HEIGHT * ports.saturating_sub(2) as f64,
            ];
        };
        self.graph(&body.steps, &body.edges, [PADDING, HEADER + PADDING]);
        let mut size = CONTAINER;
        for inner in &body.steps {
            if let (Some(place), Some(own)) =
                (self.places.get(&inner.id), self.sizes.get(&inner.id))
            {
                size = [
                    size[0].max(place[0] + own[0] + PADDING),
                    size[1].max(place[1] + own[1] + PADDING),
                ];
            }
        }
        size
    }

    /// Notes without a place stand in a row above the steps.
    fn notes(&mut self, notes: &[Note], steps: &[Step]) {
        let corner = |axis: usize| {
            steps
                .iter()
                .filter_map(|step| Some(self.places.get(&step.id)?[axis]))
                .fold(f64::INFINITY, f64::min)
        };
        let corner = [corner(0), corner(1)].map(|n| if n.is_finite() { n } else { 0.0 });
        let mut x = corner[0];
        for note in notes {
            let size = note.size.unwrap_or(NOTE);
            let place = self.kept.get(note.id.as_str()).copied().unwrap_or_else(|| {
                let place = [snap(x), snap(corner[1] - size[1] - 2.0 * GAP_Y)];
                x += size[0] + GAP_Y;
                place
            });
            self.places.entry(note.id.clone()).or_insert(place);
        }
    }
}

fn snap(n: f64) -> f64 {
    (n / GRID).round() * GRID
}

/// Places for those that have none: right of the step before them or left of the one behind, and below whatever
/// stands there.
fn fill(
    kept: &[Option<[f64; 2]>],
    fresh: &[[f64; 2]],
    sizes: &[[f64; 2]],
    links: &[(usize, usize)],
) -> Vec<[f64; 2]> {
    let mut places = kept.to_vec();
    let mut missing: Vec<usize> = (0..kept.len()).filter(|at| kept[*at].is_none()).collect();
    // From left to right, so that the neighbour before is there already.
    missing.sort_by(|a, b| {
        fresh[*a][0]
            .total_cmp(&fresh[*b][0])
            .then(fresh[*a][1].total_cmp(&fresh[*b][1]))
    });
    let below = kept
        .iter()
        .zip(sizes)
        .filter_map(|(place, size)| Some((*place)?[1] + size[1] + 2.0 * GAP_Y))
        .fold(f64::NEG_INFINITY, f64::max);
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); kept.len()];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); kept.len()];
    for (from, to) in links {
        before[*to].push(*from);
        after[*from].push(*to);
    }
    for at in missing {
        let beyond = [fresh[at][0], fresh[at][1] + snap(below)];
        if kept.len() > NEAR_LIMIT {
            places[at] = Some(beyond);
            continue;
        }
        let right_of = before[at]
            .iter()
            .rev()
            .find_map(|from| Some((places[*from]?, sizes[*from])));
        let left_of = after[at].iter().find_map(|to| places[*to]);
        let mut place = match (right_of, left_of) {
            (Some((place, size)), _) => [place[0] + size[0] + GAP_X, place[1]],
            (None, Some(place)) => [place[0] - sizes[at][0] - GAP_X, place[1]],
            (None, None) => beyond,
        }
        .map(snap);
        while let Some(bottom) = lowest_hit(place, sizes[at], &places, sizes) {
            place[1] = ((bottom + GAP_Y) / GRID).ceil() * GRID;
        }
        places[at] = Some(place);
    }
    places
        .into_iter()
        .zip(fresh)
        .map(|(place, fresh)| place.unwrap_or(*fresh))
        .collect()
}

/// The lower border of the lowest card that a card at `place` would touch.
fn lowest_hit(
    place: [f64; 2],
    size: [f64; 2],
    places: &[Option<[f64; 2]>],
    sizes: &[[f64; 2]],
) -> Option<f64> {
    let hits = |other: [f64; 2], other_size: [f64; 2]| {
        (0..2).all(|axis| {
            place[axis] < other[axis] + other_size[axis] && other[axis] < place[axis] + size[axis]
        })
    };
    places
        .iter()
        .zip(sizes)
        .filter_map(|(other, other_size)| {
            other
                .filter(|other| hits(*other, *other_size))
                .map(|other| other[1] + other_size[1])
        })
        .max_by(f64::total_cmp)
}
