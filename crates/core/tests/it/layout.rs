//! Places: no overlap, the same every time, and what stands somewhere stays there.

use std::collections::BTreeMap;

use baton_core::document::{Edge, Step, Workflow, parse};
use baton_core::layout::{layout, sizes};
use proptest::prelude::*;

use crate::support::catalog::catalog;
use crate::support::generate;

fn sample() -> Workflow {
    parse(
        r#"{ "id": "s", "name": "S", "steps": [
            { "id": "load", "kind": "read_table" },
            { "id": "size", "kind": "decision", "with": { "cases": [{ "port": "a" }, { "port": "b" }, { "port": "c" }] } },
            { "id": "each", "kind": "for_each", "body": { "steps": [
                { "id": "one", "kind": "merge" }, { "id": "two", "kind": "merge" } ], "edges": [{ "from": "one", "to": "two" }] } },
            { "id": "other", "kind": "merge" },
            { "id": "empty", "kind": "scope" },
            { "id": "alone", "kind": "merge" }
        ], "edges": [{ "from": "load", "to": "size" }, { "from": "size.a", "to": "each" }, { "from": "size.b", "to": "other" },
            { "from": "other", "to": "empty" }, { "from": "other", "to": "other" }, { "from": "empty", "to": "load" }],
        "notes": [{ "id": "note", "text": ["x"] }] }"#,
    )
    .expect("the test is a workflow")
    .workflow
}

/// The steps of one graph whose cards touch.
fn overlaps(
    steps: &[Step],
    places: &BTreeMap<String, [f64; 2]>,
    sizes: &BTreeMap<String, [f64; 2]>,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, a) in steps.iter().enumerate() {
        for b in &steps[at + 1..] {
            let apart = (0..2).any(|axis| {
                places[&a.id][axis] + sizes[&a.id][axis] <= places[&b.id][axis]
                    || places[&b.id][axis] + sizes[&b.id][axis] <= places[&a.id][axis]
            });
            if !apart {
                found.push((a.id.clone(), b.id.clone()));
            }
        }
        if let Some(body) = &a.body {
            found.extend(overlaps(&body.steps, places, sizes));
        }
    }
    found
}

#[test]
fn steps_stand_from_left_to_right_and_bodies_inside_their_container() {
    let workflow = sample();
    let (places, sizes) = (
        layout(&workflow, &catalog(), false),
        sizes(&workflow, &catalog()),
    );
    assert!(places["load"][0] + 220.0 < places["size"][0]);
    assert!(places["size"][0] + 220.0 < places["each"][0]);
    assert_eq!(sizes["size"], [220.0, 108.0], "four ports");
    assert_eq!(sizes["empty"], [260.0, 140.0]);
    assert_eq!(places["one"], [24.0, 68.0]);
    assert_eq!(places["two"], [324.0, 68.0]);
    assert_eq!(sizes["each"], [568.0, 164.0]);
    assert!(places["note"][1] < places["load"][1]);
    assert_eq!(places.len(), 9);
}

#[test]
fn it_is_the_same_every_time() {
    let workflow = sample();
    let first = layout(&workflow, &catalog(), false);
    for _ in 0..20 {
        assert_eq!(layout(&workflow, &catalog(), false), first);
    }
}

#[test]
fn what_has_a_place_keeps_it_and_the_others_come_near() {
    let mut workflow = sample();
    workflow.layout = [
        ("load", [1000.0, 500.5]),
        ("other", [1300.0, 500.0]),
        ("one", [50.0, 90.0]),
    ]
    .map(|(id, place)| (id.to_owned(), place))
    .into_iter()
    .collect();
    let (places, sizes) = (
        layout(&workflow, &catalog(), true),
        sizes(&workflow, &catalog()),
    );
    assert_eq!(places["load"], [1000.0, 500.5]);
    assert_eq!(places["one"], [50.0, 90.0]);
    assert_eq!(places["size"][0], 1300.0, "right of `load`");
    assert!(
        places["size"][1] > 572.0,
        "below `other`, which stands there"
    );
    assert_eq!(overlaps(&workflow.steps, &places, &sizes), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_two_cards_of_a_graph_touch(mut workflow in generate::workflow(), keep in any::<bool>()) {
        let catalog = catalog();
        if keep {
            // Some have a place, well apart.
            let ids: Vec<String> = workflow.steps.iter().map(|step| step.id.clone()).collect();
            workflow.layout = ids.into_iter().step_by(2).zip(0..).map(|(id, at)| (id, [f64::from(at) * 1500.0, 0.0])).collect();
        } else {
            workflow.layout.clear();
        }
        let places = layout(&workflow, &catalog, keep);
        prop_assert_eq!(&layout(&workflow, &catalog, keep), &places);
        let sizes = sizes(&workflow, &catalog);
        prop_assert_eq!(overlaps(&workflow.steps, &places, &sizes), vec![]);
        let mut count = 0;
        workflow.each_step(|step, _| { count += 1; assert!(places.contains_key(&step.id)); });
        prop_assert!(places.len() >= count);
    }
}

/// A ladder: two chains with rungs between them.
fn ladder(rungs: usize) -> Workflow {
    let step = |id: String| Step {
        id,
        kind: "merge".to_owned(),
        ..Step::default()
    };
    let mut workflow = Workflow::new("ladder", "Ladder");
    workflow.steps = (0..rungs)
        .flat_map(|n| [step(format!("a{n}")), step(format!("b{n}"))])
        .collect();
    workflow.edges = (1..rungs)
        .flat_map(|n| {
            let m = n - 1;
            [
                Edge::new(format!("a{m}"), format!("a{n}")),
                Edge::new(format!("b{m}"), format!("b{n}")),
                Edge::new(format!("a{m}"), format!("b{n}")),
            ]
        })
        .collect();
    workflow
}

#[test]
fn large_workflows_are_laid_out_without_overlap() {
    for rungs in [100, 500, 2_000] {
        let workflow = ladder(rungs);
        let places = layout(&workflow, &catalog(), false);
        assert_eq!(places.len(), rungs * 2);
        if rungs <= 500 {
            assert_eq!(
                overlaps(&workflow.steps, &places, &sizes(&workflow, &catalog())),
                []
            );
        }
    }
}
