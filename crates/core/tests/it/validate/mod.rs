//! What validation finds, rule by rule: a small workflow in, the findings out.

mod configuration;
mod expressions;
mod graph;
mod laws;
mod limits;
mod scale;
mod steps;
mod triggers;

use baton_core::document::parse;
use baton_core::validate::validate;
use expect_test::Expect;
use serde_json::Value;

use crate::support::catalog::catalog;

/// Validates a document, of which only what matters has to be written.
fn check(json: &str, expected: &Expect) {
    expected.assert_eq(&findings(json));
}

/// The findings, one per line: severity, code, place, message, way out.
fn findings(json: &str) -> String {
    let mut value: Value = serde_json::from_str(json).expect("the test is JSON");
    for (key, default) in [("id", "test"), ("name", "Test")] {
        if value.get(key).is_none() {
            value[key] = default.into();
        }
    }
    let parsed = parse(&value.to_string()).expect("the test is a workflow");
    let mut out = String::new();
    for problem in validate(&parsed.workflow, &catalog(), parsed.problems) {
        let severity = format!("{:?}", problem.severity).to_lowercase();
        let place = &problem.place;
        let owner = [
            ("step", &place.step),
            ("edge", &place.edge),
            ("trigger", &place.trigger),
        ]
        .into_iter()
        .find_map(|(what, id)| Some(format!("{what} {}", id.as_ref()?)));
        let field = place.field.as_ref().map(|field| format!(".{field}"));
        let offset = place.offset.map(|offset| format!("@{offset}"));
        out.push_str(&format!(
            "{severity} {} {}{}{}\n    {}\n    → {}\n",
            problem.code,
            owner.unwrap_or_else(|| "workflow".to_owned()),
            field.unwrap_or_default(),
            offset.unwrap_or_default(),
            problem.message,
            problem.hint.expect("every finding has a way out"),
        ));
    }
    out
}
