//! Ids and edges that exist twice.

use std::collections::BTreeSet;

use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["duplicate-id", "duplicate-edge"],
    severity: Severity::Error,
    summary: "Ids are unique among steps and notes, and among triggers; an edge exists once.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let mut ids = BTreeSet::new();
    let steps = context.steps.iter().map(|info| (&info.step.id, Place::field(&info.step.id, "id")));
    let notes = context.workflow.notes.iter().map(|note| {
        (&note.id, Place { field: Some("notes".to_owned()), ..Place::default() })
    });
    for (id, place) in steps.chain(notes) {
        if !ids.insert(id) {
            problems.push(duplicate("step or note", id, place));
        }
    }
    let mut ids = BTreeSet::new();
    for trigger in &context.workflow.triggers {
        if !ids.insert(&trigger.id) {
            problems.push(duplicate("trigger", &trigger.id, Place::trigger(&trigger.id)));
        }
    }
    for graph in &context.graphs {
        let mut keys = BTreeSet::new();
        for edge in &graph.edges {
            if !keys.insert(&edge.key) {
                problems.push(
                    Problem::new(
                        "duplicate-edge",
                        Severity::Error,
                        Place::edge(&edge.key),
                        format!("there is more than one edge `{}`", edge.key),
                    )
                    .hint("delete one; join their conditions with `or` if both are meant"),
                );
            }
        }
    }
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
