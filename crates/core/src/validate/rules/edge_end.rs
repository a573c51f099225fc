//! Edges from or to something that is not there.

use crate::document::On;
use crate::problem::{Place, Problem, Severity};
use crate::validate::context::EdgeEntry;
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &[
        "unknown-step",
        "crossing-edge",
        "unknown-port",
        "port-on-error",
    ],
    severity: Severity::Error,
    summary: "An edge connects two steps of one graph and leaves from a port that exists.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for graph in &context.graphs {
        for edge in &graph.edges {
            if edge.from.is_none() {
                problems.push(end(context, edge, "from", edge.edge.from_step()));
            }
            if edge.to.is_none() {
                problems.push(end(context, edge, "to", &edge.edge.to));
            }
            if let Some(from) = edge.from {
                port(context, edge, from, problems);
            }
        }
    }
}

fn end(context: &Context<'_>, edge: &EdgeEntry<'_>, field: &str, id: &str) -> Problem {
    let place = Place {
        field: Some(field.to_owned()),
        ..Place::edge(edge.edge.key())
    };
    if context.find(id).is_some() {
        return Problem::new(
            "crossing-edge",
            Severity::Error,
            place,
            format!(
                "`{id}` stands in another container, and an edge never crosses the border of one"
            ),
        )
        .hint("draw the edge from or to the container itself");
    }
    let problem = |hint: String| {
        Problem::new(
            "unknown-step",
            Severity::Error,
            place.clone(),
            format!("there is no step `{id}`"),
        )
        .hint(hint)
    };
    match context.suggest_step(id) {
        Some(near) => problem(format!("did you mean `{near}`?")),
        None => problem("draw the edge anew, or delete it".to_owned()),
    }
}

fn port(context: &Context<'_>, edge: &EdgeEntry<'_>, from: usize, problems: &mut Vec<Problem>) {
    let info = &context.steps[from];
    let (Some(kind), Some(port)) = (info.kind, edge.edge.from_port()) else {
        return;
    };
    let id = &info.step.id;
    let place = || Place {
        field: Some("from".to_owned()),
        ..Place::edge(edge.edge.key())
    };
    if info.outlets.len() == 0 {
        problems.push(
            Problem::new(
                "unknown-port",
                Severity::Error,
                place(),
                format!(
                    "`{id}` has no port `{port}`: a step of the kind `{}` has none at all",
                    kind.kind
                ),
            )
            .hint(format!("write `{id}` alone")),
        );
    } else if info.outlets.position(port).is_none() {
        let names = info.outlets.names();
        let hint = match context.suggest(port, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its ports are {}", list(names)),
        };
        problems.push(
            Problem::new(
                "unknown-port",
                Severity::Error,
                place(),
                format!("`{id}` has no port `{port}`"),
            )
            .hint(hint),
        );
    } else if edge.edge.on == Some(On::Error) {
        problems.push(
            Problem::new(
                "port-on-error",
                Severity::Warning,
                place(),
                format!("`{id}` chooses no port when it fails, so this edge is never taken"),
            )
            .hint(format!(
                "leave from `{id}` for the error path, or remove `on` for the port"
            )),
        );
    }
}

/// `` `a`, `b` ``
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
