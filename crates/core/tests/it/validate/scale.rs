//! Validation of large documents.

use std::fmt::Write as _;

use baton_core::document::{Workflow, parse, print};
use baton_core::validate::validate;

use crate::support::catalog::catalog;

/// A realistic chain of blocks: read, query, gate, decision, and a join – each with expressions of its own.
pub(crate) fn large(steps: usize) -> Workflow {
    let mut all = String::new();
    let mut edges = String::new();
    for block in 0..steps / 5 {
        let b = block;
        write!(
            all,
            r#"{{ "id": "read{b}", "kind": "read_table", "with": {{ "path": "data/{b}.csv" }} }},
               {{ "id": "query{b}", "kind": "query", "with": {{ "table": "{{% steps.read{b} %}}", "sql": ["select * from t where n > {{% steps.read{b}.rows - {b} %}}"] }} }},
               {{ "id": "gate{b}", "kind": "quality_gate", "with": {{ "table": "{{% steps.query{b} %}}", "rules": [{{ "column": "a", "min": 1 }}] }} }},
               {{ "id": "choice{b}", "kind": "decision", "with": {{ "cases": [{{ "port": "big", "when": "steps.gate{b}.rows > {b} and input.on" }}] }} }},
               {{ "id": "join{b}", "kind": "merge", "join": "all" }},"#
        )
        .expect("a text takes it");
        write!(
            edges,
            r#"{{ "from": "read{b}", "to": "query{b}" }}, {{ "from": "query{b}", "to": "gate{b}" }},
               {{ "from": "gate{b}.pass", "to": "choice{b}" }}, {{ "from": "choice{b}.big", "to": "join{b}" }}, {{ "from": "gate{b}.pass", "to": "join{b}" }},"#
        )
        .expect("a text takes it");
        if b > 0 {
            let before = b - 1;
            write!(edges, r#"{{ "from": "join{before}", "to": "read{b}" }},"#)
                .expect("a text takes it");
        }
    }
    let text = format!(
        r#"{{ "id": "large", "name": "Large", "steps": [{}], "edges": [{}] }}"#,
        all.trim_end_matches(','),
        edges.trim_end_matches(',')
    );
    parse(&text).expect("the test is a workflow").workflow
}

#[test]
fn ten_thousand_steps_are_validated_at_once() {
    let catalog = catalog();
    let workflow = large(10_000);
    let problems = validate(&workflow, &catalog, Vec::new());
    assert!(
        problems
            .iter()
            .all(|problem| problem.code == "unhandled-port"),
        "{problems:?}"
    );
    assert_eq!(parse(&print(&workflow)).unwrap().workflow, workflow);
}

#[test]
fn thousands_of_mistakes_are_all_told() {
    let mut workflow = large(5_000);
    for edge in &mut workflow.edges {
        edge.to.push('x');
    }
    let problems = validate(&workflow, &catalog(), Vec::new());
    assert!(
        problems
            .iter()
            .filter(|problem| problem.code == "unknown-step")
            .count()
            >= 5_000
    );
}

#[test]
fn a_circle_of_thousands_of_steps_is_one_finding() {
    let mut workflow = large(5_000);
    let (first, last) = ("read0".to_owned(), "join999".to_owned());
    workflow
        .edges
        .push(baton_core::document::Edge::new(last, first));
    let problems = validate(&workflow, &catalog(), Vec::new());
    assert_eq!(
        problems
            .iter()
            .filter(|problem| problem.code == "cycle")
            .count(),
        1
    );
}
