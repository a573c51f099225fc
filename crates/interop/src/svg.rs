//! A picture of a workflow: cards, ports, edges, containers and notes, as one SVG without script, style sheet or
//! reference to anything outside.

mod parts;

use std::collections::BTreeMap;

use baton_core::document::{Edge, On, Step, Workflow};
use baton_core::layout::{NOTE, layout, sizes};
use baton_core::step_kind::{Catalog, Port};

use parts::{Canvas, Rect};

/// Space around the picture.
const MARGIN: f64 = 32.0;

/// The picture of `workflow`. Steps without a place are laid out.
pub fn svg(workflow: &Workflow, catalog: &Catalog) -> String {
    let painter = Painter {
        catalog,
        places: layout(workflow, catalog, true),
        sizes: sizes(workflow, catalog),
    };
    let mut canvas = Canvas::default();
    painter.graph(&mut canvas, &workflow.steps, &workflow.edges, [0.0, 0.0]);
    for note in &workflow.notes {
        if let Some([x, y]) = painter.places.get(&note.id).copied() {
            let [width, height] = note.size.unwrap_or(NOTE);
            canvas.note(
                Rect {
                    x,
                    y,
                    width,
                    height,
                },
                &note.text,
            );
        }
    }
    canvas.finish(&workflow.name, MARGIN)
}

struct Painter<'a> {
    catalog: &'a Catalog,
    places: BTreeMap<String, [f64; 2]>,
    sizes: BTreeMap<String, [f64; 2]>,
}

impl Painter<'_> {
    fn graph(&self, canvas: &mut Canvas, steps: &[Step], edges: &[Edge], origin: [f64; 2]) {
        let mut rects: BTreeMap<&str, (Rect, Vec<Port>)> = BTreeMap::new();
        for step in steps {
            let (Some(place), Some(size)) = (self.places.get(&step.id), self.sizes.get(&step.id))
            else {
                continue;
            };
            let rect = Rect {
                x: origin[0] + place[0],
                y: origin[1] + place[1],
                width: size[0],
                height: size[1],
            };
            let ports = self
                .catalog
                .find(&step.kind)
                .map(|kind| kind.ports_of(&step.with))
                .unwrap_or_default();
            rects.insert(&step.id, (rect, ports));
        }
        // Containers lie below edges, and edges below cards.
        for step in steps.iter().filter(|step| self.is_container(step)) {
            if let Some((rect, _)) = rects.get(step.id.as_str()) {
                canvas.container(*rect, step.title(), self.kind_title(step), step.disabled);
            }
        }
        for edge in edges {
            if let (Some((from, ports)), Some((to, _))) =
                (rects.get(edge.from_step()), rects.get(edge.to.as_str()))
            {
                let start = outlet(*from, ports, edge);
                let words = edge
                    .label
                    .as_deref()
                    .or(edge.when.as_deref())
                    .unwrap_or_default();
                canvas.edge(start, to.inlet(), edge.on, words);
            }
        }
        for step in steps {
            let Some((rect, ports)) = rects.get(step.id.as_str()) else {
                continue;
            };
            if self.is_container(step) {
                if let Some(body) = &step.body {
                    self.graph(canvas, &body.steps, &body.edges, [rect.x, rect.y]);
                }
            } else {
                let kind = self.catalog.find(&step.kind);
                canvas.card(
                    *rect,
                    step.title(),
                    self.kind_title(step),
                    kind.map(|kind| kind.category),
                    step.disabled,
                );
            }
            for (index, port) in ports.iter().enumerate() {
                canvas.port(
                    port_place(*rect, index, ports.len()),
                    &port.title,
                    self.is_container(step),
                );
            }
        }
    }

    fn is_container(&self, step: &Step) -> bool {
        step.body.is_some()
            || self
                .catalog
                .find(&step.kind)
                .is_some_and(|kind| kind.is_container)
    }

    fn kind_title<'s>(&self, step: &'s Step) -> &'s str {
        self.catalog
            .find(&step.kind)
            .map_or(step.kind.as_str(), |kind| kind.title)
    }
}

/// Where an edge leaves a step.
fn outlet(rect: Rect, ports: &[Port], edge: &Edge) -> [f64; 2] {
    if edge.on == Some(On::Error) {
        return [rect.x + rect.width / 2.0, rect.y + rect.height];
    }
    let port = edge
        .from_port()
        .and_then(|name| ports.iter().position(|port| port.name == name));
    port.map_or([rect.x + rect.width, rect.y + rect.height / 2.0], |index| {
        port_place(rect, index, ports.len())
    })
}

/// Where a port sits on the right border.
fn port_place(rect: Rect, index: usize, count: usize) -> [f64; 2] {
    let share = (index as f64 + 1.0) / (count as f64 + 1.0);
    [rect.x + rect.width, rect.y + rect.height * share]
}
