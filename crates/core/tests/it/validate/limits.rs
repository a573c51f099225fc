//! Findings about budgets and resources.

use expect_test::expect;

use super::check;

#[test]
fn budgets_that_are_no_amounts_are_told() {
    check(
        r#"{ "limits": { "steps": 0, "inFlight": 0, "payload": "many", "runPayload": "2 GB", "memory": "64", "wallTime": "soon" },
             "steps": [{ "id": "a", "kind": "merge", "resource": "the ERP" }] }"#,
        &expect![[r#"
            error limit-number workflow.limits.steps
                with 0 a run would stand still at once
                → write at least 1, or leave it out to go by the settings
            error limit-number workflow.limits.inFlight
                with 0 a run would stand still at once
                → write at least 1, or leave it out to go by the settings
            error limit-size workflow.limits.payload
                `many` is not an amount of data
                → write a number with a unit, such as `500 KB`, `256 MB` or `4 GB`
            error limit-size workflow.limits.memory
                `64` is not an amount of data
                → write a number with a unit, such as `500 KB`, `256 MB` or `4 GB`
            error duration workflow.limits.wallTime
                `soon` is not a duration
                → write a number with a unit, such as `500ms`, `2s`, `5m`, `1h30m`, `2d` or `1w`
            error resource-name step a.resource
                `the ERP` cannot be the name of a resource
                → start with a small letter; then small letters, digits and `_`
        "#]],
    );
}

#[test]
fn budgets_that_fit_are_not() {
    check(
        r#"{ "limits": { "steps": 10, "iterations": 5, "depth": 1, "inFlight": 1, "payload": "1 KB", "memory": "1GiB", "wallTime": "2h" },
             "steps": [{ "id": "a", "kind": "merge", "resource": "erp" }] }"#,
        &expect![[r#""#]],
    );
}
