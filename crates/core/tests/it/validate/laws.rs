//! Laws of validation, over arbitrary documents.

use std::collections::BTreeSet;

use baton_core::document::Workflow;
use baton_core::validate::{RULES, validate};
use proptest::prelude::*;

use crate::support::catalog::catalog;
use crate::support::generate;

proptest! {
    /// Whatever a document holds: no panic, always the same, sorted, known codes, and a way out for each finding.
    #[test]
    fn any_document_can_be_validated(workflow in generate::workflow()) {
        let problems = validate(&workflow, &catalog(), Vec::new());
        prop_assert_eq!(&validate(&workflow, &catalog(), Vec::new()), &problems);
        prop_assert!(problems.is_sorted_by_key(|problem| problem.severity));
        for problem in &problems {
            let is_known = RULES.iter().any(|rule| rule.codes.contains(&problem.code.as_str()));
            prop_assert!(is_known, "{problem:?}");
            prop_assert!(problem.hint.as_ref().is_some_and(|hint| !hint.is_empty()), "{problem:?}");
            prop_assert!(!problem.message.ends_with('.'), "{problem:?}");
            prop_assert!(problem.code != "cycle", "generated graphs are acyclic: {problem:?}");
        }
    }
}

#[test]
fn codes_are_stable_names_and_belong_to_one_rule() {
    let mut seen = BTreeSet::new();
    for code in RULES.iter().flat_map(|rule| rule.codes) {
        assert!(
            code.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
            "{code}"
        );
        assert!(seen.insert(code), "{code} belongs to two rules");
    }
    assert!(RULES.iter().all(|rule| rule.summary.ends_with('.')));
}

#[test]
fn an_empty_document_of_this_format_is_fine() {
    let problems = validate(&Workflow::new("new", "New"), &catalog(), Vec::new());
    assert_eq!(
        problems
            .iter()
            .map(|problem| problem.code.as_str())
            .collect::<Vec<_>>(),
        ["empty-workflow"]
    );
}
