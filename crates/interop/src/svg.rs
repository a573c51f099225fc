//! A picture of a workflow: vector, without script, style sheet or reference to anything outside.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use baton_core::document::{Edge, On, Step, Workflow};
use baton_core::layout::{HEADER, layout, sizes};
use baton_core::step_kind::{Catalog, Category, Port};

const MARGIN: f64 = 24.0;
const INK: &str = "#1f2733";
const MUTED: &str = "#5b6675";
const LINE: &str = "#8a94a3";
const BORDER: &str = "#cfd6df";
const ERROR: &str = "#b3261e";
const FONT: &str = "Inter, system-ui, 'DejaVu Sans', sans-serif";

/// The document as an SVG text, in light colours.
pub fn svg(workflow: &Workflow, catalog: &Catalog) -> String {
    let mut picture = Picture {
        catalog,
        places: layout(workflow, catalog),
        sizes: sizes(workflow, catalog),
        out: String::new(),
        corners: [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY],
    };
    for note in &workflow.notes {
        let [x, y] = picture.places.get(&note.id).copied().unwrap_or_default();
        let [width, height] = note.size.unwrap_or([200.0, 120.0]);
        picture.cover(x, y, width, height);
        picture.rectangle([x, y, width, height], "#fff7d6", "#e6d48a", 6.0);
        for (line, text) in note.text.iter().enumerate() {
            let y = y + 22.0 + line as f64 * 16.0;
            if y < picture.corners[3] {
                picture.text(x + 12.0, y, 12.0, MUTED, "normal", &fit(text, width - 24.0, 12.0));
            }
        }
    }
    picture.graph(&workflow.steps, &workflow.edges, [0.0, 0.0]);
    let [left, top, right, bottom] = picture.corners;
    let (left, top, right, bottom) =
        if left.is_finite() { (left, top, right, bottom) } else { (0.0, 0.0, 240.0, 80.0) };
    let (width, height) = (right - left + 2.0 * MARGIN, bottom - top + 2.0 * MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{} {} {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"{FONT}\" role=\"img\"><title>{}</title><rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>{}</svg>\n",
        left - MARGIN,
        top - MARGIN,
        escape(&workflow.name),
        left - MARGIN,
        top - MARGIN,
        picture.out,
    )
}

struct Picture<'a> {
    catalog: &'a Catalog,
    places: BTreeMap<String, [f64; 2]>,
    sizes: BTreeMap<String, [f64; 2]>,
    out: String,
    corners: [f64; 4],
}

impl Picture<'_> {
    fn cover(&mut self, x: f64, y: f64, width: f64, height: f64) {
        let [left, top, right, bottom] = &mut self.corners;
        *left = left.min(x);
        *top = top.min(y);
        *right = right.max(x + width);
        *bottom = bottom.max(y + height);
    }

    fn rectangle(&mut self, [x, y, width, height]: [f64; 4], fill: &str, stroke: &str, radius: f64) {
        let _ = write!(
            self.out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
        );
    }

    fn text(&mut self, x: f64, y: f64, size: f64, fill: &str, weight: &str, text: &str) {
        let _ = write!(
            self.out,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{fill}\">{}</text>",
            escape(text)
        );
    }

    fn graph(&mut self, steps: &[Step], edges: &[Edge], origin: [f64; 2]) {
        let boxes: BTreeMap<&str, ([f64; 4], Vec<Port>)> = steps
            .iter()
            .map(|step| {
                let [x, y] = self.places.get(&step.id).copied().unwrap_or_default();
                let [width, height] = self.sizes.get(&step.id).copied().unwrap_or([220.0, 72.0]);
                let ports = self.catalog.find(&step.kind).map(|kind| kind.ports_of(&step.with));
                let place = [x + origin[0], y + origin[1], width, height];
                (step.id.as_str(), (place, ports.unwrap_or_default()))
            })
            .collect();
        for step in steps {
            if let Some(&([x, y, width, height], _)) = boxes.get(step.id.as_str()) {
                self.cover(x, y, width, height);
                if let Some(body) = &step.body {
                    self.rectangle([x, y, width, height], "#f7f9fb", BORDER, 10.0);
                    self.head(step, x, y, width);
                    self.graph(&body.steps, &body.edges, [x, y]);
                }
            }
        }
        for edge in edges {
            if let (Some((from, ports)), Some((to, _))) =
                (boxes.get(edge.from_step()), boxes.get(edge.to.as_str()))
            {
                self.edge(edge, *from, ports, *to);
            }
        }
        for step in steps.iter().filter(|step| step.body.is_none()) {
            if let Some((place, ports)) = boxes.get(step.id.as_str()) {
                self.card(step, *place, ports);
            }
        }
    }

    fn card(&mut self, step: &Step, [x, y, width, height]: [f64; 4], ports: &[Port]) {
        self.rectangle([x, y, width, height], "#ffffff", BORDER, 8.0);
        self.head(step, x, y + 4.0, width);
        let kind = self.catalog.find(&step.kind).map_or(step.kind.as_str(), |kind| kind.title);
        let kind = if step.disabled { format!("{kind} (off)") } else { kind.to_owned() };
        self.text(x + 36.0, y + 48.0, 11.0, MUTED, "normal", &fit(&kind, width - 110.0, 11.0));
        for (at, port) in ports.iter().enumerate() {
            let y = port_height([x, y, width, height], at, ports.len());
            let _ = write!(
                self.out,
                "<circle cx=\"{}\" cy=\"{y}\" r=\"4\" fill=\"#ffffff\" stroke=\"{LINE}\"/><text x=\"{}\" y=\"{}\" font-size=\"10\" text-anchor=\"end\" fill=\"{MUTED}\">{}</text>",
                x + width,
                x + width - 9.0,
                y + 3.5,
                escape(&fit(&port.title, 80.0, 10.0)),
            );
        }
    }

    fn head(&mut self, step: &Step, x: f64, y: f64, width: f64) {
        let color = self.catalog.find(&step.kind).map_or("#98a2b3", |kind| color(kind.category));
        let _ = write!(self.out, "<circle cx=\"{}\" cy=\"{}\" r=\"7\" fill=\"{color}\"/>", x + 20.0, y + HEADER / 2.0);
        let title = fit(step.title(), width - 52.0, 14.0);
        self.text(x + 36.0, y + HEADER / 2.0 + 5.0, 14.0, INK, "600", &title);
    }

    fn edge(&mut self, edge: &Edge, from: [f64; 4], ports: &[Port], to: [f64; 4]) {
        let y1 = match edge.from_port().and_then(|name| ports.iter().position(|port| port.name == name)) {
            Some(at) => port_height(from, at, ports.len()),
            None => from[1] + from[3] / 2.0,
        };
        let (x1, x2, y2) = (from[0] + from[2], to[0], to[1] + to[3] / 2.0);
        let bend = ((x2 - x1).abs() / 2.0).clamp(30.0, 160.0);
        let (color, dash, word) = match edge.on {
            Some(On::Error) => (ERROR, " stroke-dasharray=\"6 4\"", Some("on error")),
            Some(On::Always) => (LINE, " stroke-dasharray=\"2 4\"", Some("always")),
            None => (LINE, "", None),
        };
        let _ = write!(
            self.out,
            "<path d=\"M{x1} {y1} C{} {y1} {} {y2} {} {y2}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"{dash}/><path d=\"M{x2} {y2} l-9 -4.5 v9 z\" fill=\"{color}\"/>",
            x1 + bend,
            x2 - bend,
            x2 - 8.0,
        );
        let label = edge.label.as_deref().or(edge.when.as_deref().map(baton_core::expression::condition_source)).or(word);
        if let Some(label) = label {
            let _ = write!(
                self.out,
                "<text x=\"{}\" y=\"{}\" font-size=\"10\" text-anchor=\"middle\" fill=\"{}\" stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\">{}</text>",
                f64::midpoint(x1, x2),
                f64::midpoint(y1, y2) - 4.0,
                if edge.on == Some(On::Error) { ERROR } else { MUTED },
                escape(&fit(label, 140.0, 10.0)),
            );
        }
    }
}

fn port_height([_, y, _, height]: [f64; 4], at: usize, count: usize) -> f64 {
    y + height * (at as f64 + 1.0) / (count as f64 + 1.0)
}

const fn color(category: Category) -> &'static str {
    match category {
        Category::Data => "#2f6fde",
        Category::Quality => "#0f8a6d",
        Category::Flow => "#6b5bd2",
        Category::People => "#b25b00",
        Category::Time => "#8a6d00",
        Category::Systems => "#a03a78",
        Category::Messages => "#3b7a94",
    }
}

/// `text`, cut to about `width` units at this size.
fn fit(text: &str, width: f64, size: f64) -> String {
    let room = (width / (size * 0.56)).max(1.0) as usize;
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(room.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML 1.0 has no other control characters.
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_holds_every_step_and_edge_and_nothing_that_runs() {
        let mut workflow = Workflow::new("w", "<script>alert(1)</script>");
        for id in ["a", "b"] {
            workflow.steps.push(Step {
                id: id.to_owned(),
                kind: "merge".to_owned(),
                name: Some(format!("Step \"{id}\" & co\u{1}")),
                ..Step::default()
            });
        }
        workflow.edges.push(Edge { on: Some(On::Error), ..Edge::new("a", "b") });
        let picture = svg(&workflow, &Catalog::new([]));
        assert!(picture.contains("Step &quot;a&quot; &amp; co\u{fffd}"), "{picture}");
        assert!(picture.contains("on error"));
        assert!(!picture.contains("<script") && !picture.contains("href"));
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    }

    #[test]
    fn an_empty_workflow_has_a_picture_too() {
        assert!(svg(&Workflow::new("w", "Empty"), &Catalog::new([])).contains("Empty"));
    }
}
