//! Rules on real and on small tables: what they find, and the way on that follows.

use serde_json::{Value, json};

use super::*;
use crate::testing::{Bench, sample_data, task};

async fn gate(bench: &Bench, table: Value, rules: Value) -> TaskOutput {
    let task = task("quality_gate", json!({ "table": table, "rules": rules }));
    match bench.execute(&task).await {
        Ok(output) => output,
        Err(error) => panic!("{error:?}"),
    }
}

/// How many rows of a small table break one rule.
async fn failed(rows: Value, rule: Value) -> u64 {
    let output = gate(&Bench::new(), rows, json!([rule])).await.output;
    assert_eq!(output["checks"][0]["passed"], output["checks"][0]["failed"] == 0);
    output["checks"][0]["failed"].as_u64().unwrap()
}

#[tokio::test]
async fn airports_are_cleaned() {
    let bench = Bench::new();
    let table = bench.run("read_table", json!({ "path": sample_data().join("airports.csv") })).await;
    let output = gate(&bench, table, json!([
        { "check": "not_null", "column": "iata" },
        { "check": "unique", "column": "iata", "name": "Code is unique" },
        { "check": "pattern", "column": "iata", "pattern": "[A-Z]{3}", "severity": "warn" },
        { "check": "expression", "expression": "state <> 'NA'", "severity": "quarantine", "name": "State is known" },
        { "check": "allowed", "column": "country", "allowed": ["USA"], "severity": "quarantine" },
        { "check": "row_count", "min": 3000, "max": 4000 },
    ])).await;
    assert_eq!(output.port.as_deref(), Some("warn"));
    let report = output.output;
    assert_eq!((report["rows"].clone(), report["quarantined"].clone()), (json!(3_364), json!(12)));
    assert_eq!(report["table"]["rows"], 3_364);
    assert_eq!(report["table"]["columns"].as_array().unwrap().len(), 7);
    assert_eq!((report["blocked"].clone(), report["warnings"].clone()), (json!([]), json!(["iata pattern"])));
    assert_eq!(report["quarantine"]["columns"][7], json!({ "name": "_rule", "type": "text" }));
    let apart = bench
        .run("sql", json!({ "tables": { "q": report["quarantine"] }, "result": "rows",
            "query": "SELECT _rule, count(*) AS n FROM q GROUP BY ALL ORDER BY n" }))
        .await;
    assert_eq!(apart, json!([
        { "_rule": "State is known, country allowed", "n": 4 },
        { "_rule": "State is known", "n": 8 },
    ]));
    let pattern = &report["checks"][2];
    assert_eq!(pattern["examples"].as_array().unwrap().len(), 5);
    assert_eq!(pattern["examples"][0], json!({ "row": 1, "value": "00M" }));
    assert_eq!(pattern["severity"], "warn");
}

#[tokio::test]
async fn a_table_in_which_nothing_is_wrong_goes_on_as_it_came() {
    let bench = Bench::new();
    let table = bench.run("read_table", json!({ "path": sample_data().join("airports.csv") })).await;
    let output = gate(&bench, table.clone(), json!([{ "check": "not_null", "column": "iata", "severity": "quarantine" }])).await;
    assert_eq!(output.port.as_deref(), Some("pass"));
    assert_eq!(output.output["table"], table);
    assert_eq!(output.output["quarantine"]["rows"], 0);
    assert_eq!(gate(&bench, table, json!([])).await.port.as_deref(), Some("pass"));
}

#[tokio::test]
async fn a_broken_rule_that_blocks_fails_the_gate() {
    let bench = Bench::new();
    let output = gate(&bench, json!([{ "a": 1 }, { "a": null }]), json!([
        { "check": "not_null", "column": "a", "name": "A is there" },
        { "check": "range", "column": "a", "min": 5, "severity": "warn" },
    ])).await;
    assert_eq!(output.port.as_deref(), Some("fail"));
    assert_eq!(output.output["blocked"], json!(["A is there"]));
    assert_eq!(output.output["warnings"], json!(["a range"]));
    assert_eq!(output.output["checks"][0]["examples"], json!([{ "row": 2, "value": null }]));
}

#[tokio::test]
async fn each_check_finds_what_breaks_it() {
    let rows = json!([
        { "id": 1, "code": "AB", "n": "5", "day": "2024-01-01", "x": 1.5 },
        { "id": 1, "code": "ABC", "n": "abc", "day": "2024-03-01", "x": -1 },
        { "id": 2, "code": "ab", "n": "50", "day": null, "x": null },
        { "id": null, "code": null, "n": null, "day": null, "x": 3 },
    ]);
    for (rule, expected) in [
        (json!({ "check": "not_null", "column": "id" }), 1),
        (json!({ "check": "not_null", "columns": ["id", "x"] }), 2),
        (json!({ "check": "unique", "column": "id" }), 1),
        (json!({ "check": "unique", "column": "id", "columns": ["code"] }), 0),
        (json!({ "check": "range", "column": "x", "min": 0 }), 1),
        (json!({ "check": "range", "column": "x", "min": 0, "max": 2 }), 2),
        (json!({ "check": "range", "column": "n", "max": 10 }), 2),
        (json!({ "check": "range", "column": "day", "min": "2024-02-01" }), 1),
        (json!({ "check": "pattern", "column": "code", "pattern": "[A-Z]{2}" }), 2),
        (json!({ "check": "allowed", "column": "code", "allowed": ["AB", "ABC"] }), 1),
        (json!({ "check": "allowed", "column": "id", "allowed": [1] }), 1),
        (json!({ "check": "length", "column": "code", "max": 2 }), 1),
        (json!({ "check": "length", "column": "code", "min": 3 }), 2),
        (json!({ "check": "row_count", "min": 4, "max": 4 }), 0),
        (json!({ "check": "row_count", "min": 5 }), 1),
        (json!({ "check": "expression", "expression": "x > 0 -- positive" }), 1),
        (json!({ "check": "expression", "expression": ["x > 0", "AND code <> ';'"] }), 1),
        (json!({ "check": "freshness", "column": "day", "maxAge": "1d", "asOf": "2024-03-02T00:00:00Z" }), 0),
        (json!({ "check": "freshness", "column": "day", "maxAge": "1d", "asOf": "2024-03-02T00:00:01Z" }), 1),
    ] {
        assert_eq!(failed(rows.clone(), rule.clone()).await, expected, "{rule}");
    }
}

#[tokio::test]
async fn a_rule_that_cannot_be_applied_says_why() {
    let bench = Bench::new();
    for (rule, words) in [
        (json!({ "check": "not_null", "column": "stat" }), "`stat`"),
        (json!({ "check": "not_null" }), "lacks a column"),
        (json!({ "check": "range", "column": "state" }), "smallest or largest"),
        (json!({ "check": "pattern", "column": "state" }), "lacks a pattern"),
        (json!({ "check": "pattern", "column": "state", "pattern": "[" }), "missing ]"),
        (json!({ "check": "allowed", "column": "state" }), "lacks the allowed values"),
        (json!({ "check": "row_count", "min": 1, "severity": "quarantine" }), "whole table"),
        (json!({ "check": "freshness", "column": "state", "maxAge": "1d" }), "instant"),
        (json!({ "check": "freshness", "column": "state", "maxAge": "soon", "asOf": "2024-01-01" }), "`soon`"),
        (json!({ "check": "expression", "expression": "stat = 1" }), "`stat`"),
        (json!({ "check": "expression", "expression": "true; DROP TABLE input" }), "`;`"),
        (json!({ "check": "expression", "expression": "true) FROM input; --" }), "`;`"),
        (json!({ "check": "expression", "expression": "1 IN (FROM read_csv('/etc/passwd'))" }), "its own tables"),
        (json!({ "check": "guess" }), "guess"),
        (json!({ "check": "unique", "colum": "state" }), "colum"),
    ] {
        let error = bench
            .fail("quality_gate", json!({ "table": [{ "state": "TX" }], "rules": [rule] }))
            .await;
        assert!(error.permanent && error.message.contains(words), "{rule}: {error:?}");
    }
    let error = bench
        .fail("quality_gate", json!({ "table": [{ "state": "TX", "city": "x" }], "rules": [{ "check": "unique", "column": "stat" }] }))
        .await;
    assert!(error.hint.unwrap().starts_with("the table has `state`"));
}

#[tokio::test]
async fn a_column_of_the_table_is_never_hidden_by_ours() {
    let output = gate(&Bench::new(), json!([{ "_rule": "mine", "x": null }]), json!([
        { "check": "not_null", "column": "x", "severity": "quarantine" },
    ])).await.output;
    assert_eq!(output["quarantine"]["preview"], json!([{ "_rule": "mine", "x": null, "_rule_": "x not null" }]));
}
