//! Ids and edges that exist twice.

use std::collections::BTreeSet;

use indexmap::IndexSet;

use crate::document::On;
use crate::problem::{Place, Problem, Severity};
use crate::validate::context::EdgeEntry;
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["duplicate-id", "duplicate-edge"],
    severity: Severity::Error,
    summary: "Ids are unique among steps and notes, and among triggers; an edge exists once.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for info in context.duplicates.iter().map(|step| &context.steps[*step]) {
        problems.push(duplicate(
            "step",
            &info.step.id,
            Place::field(&info.step.id, "id"),
        ));
    }
    let mut ids = BTreeSet::new();
    for note in &context.workflow.notes {
        if context.find(&note.id).is_some() || !ids.insert(&note.id) {
            let place = Place {
                field: Some("notes".to_owned()),
                ..Place::default()
            };
            problems.push(duplicate("step or note", &note.id, place));
        }
    }
    let mut ids = BTreeSet::new();
    for trigger in &context.workflow.triggers {
        if !ids.insert(&trigger.id) {
            problems.push(duplicate(
                "trigger",
                &trigger.id,
                Place::trigger(&trigger.id),
            ));
        }
    }
    for graph in &context.graphs {
        let mut known = IndexSet::with_capacity(graph.edges.len());
        for edge in graph.edges.iter().filter(|edge| !known.insert(ends(edge))) {
            let key = edge.edge.key();
            problems.push(
                Problem::new(
                    "duplicate-edge",
                    Severity::Error,
                    Place::edge(&key),
                    format!("there is more than one edge `{key}`"),
                )
                .hint("delete one; join their conditions with `or` if both are meant"),
            );
        }
    }
}

/// What the key of an edge is made of.
fn ends<'e>(edge: &EdgeEntry<'e>) -> (&'e str, &'e str, u8) {
    let on = match edge.edge.on {
        None => 0,
        Some(On::Error) => 1,
        Some(On::Always) => 2,
    };
    (&edge.edge.to, &edge.edge.from, on)
}

fn duplicate(what: &str, id: &str, place: Place) -> Problem {
    Problem::new(
        "duplicate-id",
        Severity::Error,
        place,
        format!("another {what} already has the id `{id}`"),
    )
    .hint("give one of them another id; edges and expressions find it by that")
}
