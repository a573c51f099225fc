//! The canonical form, to the letter.

use baton_core::document::{parse, print};
use expect_test::expect;

#[test]
fn the_canonical_form_gives_each_step_edge_and_place_lines_of_its_own() {
    let text = r#"{"name":"Churn","id":"churn","$schema":"s","format":1,"about":{"purpose":"Keep customers.","tags":["crm","nightly"]},
      "layout":{"load":[0,0],"gate":[240.0,12.5]},
      "notes":[{"id":"n","size":[200.0,80],"text":["one","two"]}],
      "edges":[{"to":"gate","from":"load"},{"from":"gate.fail","to":"each","label":"the checks that were not passed by the table, in words"}],
      "steps":[{"kind":"read_table","id":"load","with":{"path":"data/customers.csv"},"retry":{"factor":2.0,"attempts":3}},
        {"id":"gate","kind":"quality_gate","name":"Quality gate","with":{"table":"{% steps.load %}","rules":[{"column":"email","check":"not_null"},{"column":"age","check":"between","min":0,"max":120}]}},
        {"id":"each","kind":"for_each","with":{},"body":{"edges":[],"steps":[{"id":"inner","kind":"wait"}]}}]}"#;
    expect![[r#"
        {
          "$schema": "s",
          "format": 1,
          "id": "churn",
          "name": "Churn",
          "about": { "purpose": "Keep customers.", "tags": ["crm", "nightly"] },
          "steps": [
            {
              "id": "load",
              "kind": "read_table",
              "with": { "path": "data/customers.csv" },
              "retry": { "attempts": 3, "factor": 2 }
            },
            {
              "id": "gate",
              "kind": "quality_gate",
              "name": "Quality gate",
              "with": {
                "table": "{% steps.load %}",
                "rules": [
                  { "column": "email", "check": "not_null" },
                  { "column": "age", "check": "between", "min": 0, "max": 120 }
                ]
              }
            },
            {
              "id": "each",
              "kind": "for_each",
              "body": {
                "steps": [
                  { "id": "inner", "kind": "wait" }
                ],
                "edges": []
              }
            }
          ],
          "edges": [
            { "from": "load", "to": "gate" },
            {
              "from": "gate.fail",
              "to": "each",
              "label": "the checks that were not passed by the table, in words"
            }
          ],
          "notes": [{ "id": "n", "text": ["one", "two"], "size": [200, 80] }],
          "layout": {
            "load": [0, 0],
            "gate": [240, 12.5]
          }
        }
    "#]]
    .assert_eq(&print(&parse(text).unwrap().workflow));
}
