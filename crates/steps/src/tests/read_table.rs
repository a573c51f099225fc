//! Reading files as they come: clean, dirty and broken.

use serde_json::{Value, json};

use super::*;
use crate::testing::{Bench, sample_data, task};

fn types(table: &Value) -> Vec<(&str, &str)> {
    let columns = table["columns"].as_array().unwrap();
    columns.iter().map(|c| (c["name"].as_str().unwrap(), c["type"].as_str().unwrap())).collect()
}

async fn rows(bench: &Bench, table: Value) -> Value {
    bench.run("sql", json!({ "tables": { "t": table }, "query": "FROM t", "result": "rows" })).await
}

/// What `read_table` makes of a CSV with this content and these settings.
async fn read(content: impl AsRef<[u8]>, settings: Value) -> Value {
    let bench = Bench::new();
    bench.file("a.csv", content);
    let table = bench.run("read_table", with(settings)).await;
    rows(&bench, table).await
}

async fn refuse(content: impl AsRef<[u8]>, settings: Value) -> StepError {
    let bench = Bench::new();
    bench.file("a.csv", content);
    bench.fail("read_table", with(settings)).await
}

fn with(mut settings: Value) -> Value {
    settings["path"] = json!("a.csv");
    settings
}

#[tokio::test]
async fn airports_keep_what_only_looks_like_nothing_or_a_number() {
    let bench = Bench::new();
    let table = bench.run("read_table", json!({ "path": sample_data().join("airports.csv") })).await;
    assert_eq!(table["rows"], 3_376);
    assert_eq!(
        types(&table),
        [
            ("iata", "text"), ("name", "text"), ("city", "text"), ("state", "text"),
            ("country", "text"), ("latitude", "number"), ("longitude", "number"),
        ]
    );
    assert_eq!(table["preview"].as_array().unwrap().len(), 20);
    assert_eq!(table["preview"][0]["iata"], "00M");
    let hash = table["artifact"].as_str().unwrap();
    assert!(bench.cx.artifacts.verify(hash).unwrap());
    let count = bench
        .run("sql", json!({ "tables": { "t": table }, "result": "rows",
            "query": "SELECT count(*) FILTER (city = 'NA') AS city, count(*) FILTER (state = 'NA') AS state, \
                count(*) FILTER (city IS NULL OR state IS NULL) AS nothing FROM t" }))
        .await;
    assert_eq!(count, json!([{ "city": 12, "state": 12, "nothing": 0 }]));
}

#[tokio::test]
async fn dates_and_numbers_are_found() {
    let bench = Bench::new();
    let weather = bench.run("read_table", json!({ "path": sample_data().join("seattle-weather.csv") })).await;
    assert_eq!(weather["rows"], 1_461);
    assert_eq!(types(&weather)[0], ("date", "date"));
    assert_eq!(weather["preview"][0]["date"], "2012-01-01");
    let jobs = bench.run("read_table", json!({ "path": sample_data().join("us-employment.csv") })).await;
    assert_eq!((jobs["rows"].clone(), types(&jobs)[1]), (json!(120), ("nonfarm", "integer")));
}

#[tokio::test]
async fn the_same_file_is_the_same_artifact() {
    let bench = Bench::new();
    let path = sample_data().join("airports.csv");
    let first = bench.run("read_table", json!({ "path": path })).await;
    assert_eq!(first, bench.run("read_table", json!({ "path": path })).await);
}

#[tokio::test]
async fn separators_are_found_or_given() {
    let expected = json!([{ "a": 1, "b": "x" }]);
    for (content, settings) in [
        ("a,b\n1,x\n", json!({})),
        ("a;b\n1;x\n", json!({})),
        ("a\tb\r\n1\tx\r\n", json!({})),
        ("a|b\n1|x\n", json!({ "delimiter": "|" })),
        ("a\tb\n1\tx\n", json!({ "delimiter": "tab" })),
        ("a:b\n1:x", json!({ "delimiter": ":" })),
        ("\u{feff}a,b\n1,x\n", json!({})),
        ("'a','b'\n'1','x'\n", json!({ "quote": "'" })),
    ] {
        assert_eq!(read(content, settings).await, expected, "{content:?}");
    }
    assert_eq!(refuse("a\n1\n", json!({ "delimiter": "::" })).await.code, "config");
}

#[tokio::test]
async fn quoted_separators_lines_and_quotes_belong_to_the_value() {
    let content = "a,b\n\"1, 2\",\"line\nbreak\"\n\"say \"\"hi\"\"\",x\n";
    assert_eq!(
        read(content, json!({})).await,
        json!([{ "a": "1, 2", "b": "line\nbreak" }, { "a": "say \"hi\"", "b": "x" }])
    );
}

#[tokio::test]
async fn codes_keep_their_zeros_and_numbers_stay_numbers() {
    let rows = read("zip,n,id\n00501,0,10\n90210,-5,0\n", json!({})).await;
    assert_eq!(rows[0], json!({ "zip": "00501", "n": 0, "id": 10 }));
}

#[tokio::test]
async fn nothing_is_what_the_settings_say() {
    let content = "a,b\nNA,1\n,2\nn/a,3\n";
    assert_eq!(read(content, json!({})).await[0]["a"], "NA");
    assert_eq!(
        read(content, json!({ "nullValues": ["NA", "n/a"] })).await,
        json!([{ "a": null, "b": 1 }, { "a": null, "b": 2 }, { "a": null, "b": 3 }])
    );
}

#[tokio::test]
async fn all_columns_may_stay_text_and_names_may_be_absent() {
    assert_eq!(read("a,b\n1,2024-01-01\n", json!({ "allText": true })).await[0], json!({ "a": "1", "b": "2024-01-01" }));
    let bench = Bench::new();
    bench.file("a.csv", "1,x\n2,y\n");
    let table = bench.run("read_table", json!({ "path": "a.csv", "header": false })).await;
    assert_eq!(table["rows"], 2);
}

#[tokio::test]
async fn a_ragged_row_is_named_or_left_out_or_filled() {
    let content = "a,b,c\n1,2,3\n4,5\n7,8,9\n";
    let error = refuse(content, json!({})).await;
    assert_eq!(error.code, "bad-row");
    assert!(error.message.contains("line 3") && error.message.contains("2 values instead of 3"), "{error}");
    assert!(error.hint.unwrap().contains("skip"));
    let error = refuse("a,b\n1,2\n\"x\ny\",2\n1,2,3\n", json!({})).await;
    assert!(error.message.contains("line 5") && error.message.contains("3 values instead of 2"), "{error}");

    let bench = Bench::new();
    bench.file("a.csv", content);
    let skipped = bench.execute(&task("read_table", json!({ "path": "a.csv", "onBadRow": "skip" }))).await.unwrap();
    assert_eq!(skipped.output["rows"], 2);
    assert_eq!(skipped.logs, [("warn".to_owned(), "left out 1 bad row: lines 3".to_owned())]);
    let filled = read(content, json!({ "onBadRow": "fill" })).await;
    assert_eq!(filled[1], json!({ "a": 4, "b": 5, "c": null }));
}

#[tokio::test]
async fn a_value_that_does_not_fit_names_line_and_column() {
    let mut content = "id,n\n".to_owned();
    for id in 0..120_000 {
        content.push_str(&format!("{id},1\n"));
    }
    content.push_str("120000,oops\n");
    let error = refuse(&content, json!({})).await;
    assert_eq!(error.code, "bad-row", "{error:?}");
    for part in ["line 120002", "`oops`", "`n`", "whole number"] {
        assert!(error.message.contains(part), "{error}");
    }
    let bench = Bench::new();
    bench.file("a.csv", &content);
    let skipped = bench.run("read_table", json!({ "path": "a.csv", "onBadRow": "skip" })).await;
    assert_eq!(skipped["rows"], 120_000);
}

#[tokio::test]
async fn encodings_are_read_as_said_and_never_guessed() {
    let expected = json!([{ "name": "Zürich", "n": 1 }]);
    let text = "name,n\nZürich,1\n";
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let utf16 = |little: bool| -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    assert_eq!(read(text, json!({})).await, expected);
    assert_eq!(read(&latin, json!({ "encoding": "latin-1" })).await, expected);
    assert_eq!(read(utf16(true), json!({})).await, expected);
    assert_eq!(read(utf16(false), json!({ "encoding": "utf-16" })).await, expected);
    let error = refuse(&latin, json!({})).await;
    assert_eq!(error.code, "encoding");
    assert!(error.message.contains("line 2") && error.message.contains("0xFC"), "{error}");
    assert!(error.hint.unwrap().contains("`Zürich,1`"));
    let error = refuse(b"a\0b\xff\n", json!({})).await;
    assert!(error.hint.unwrap().contains("utf-16"));
}

#[tokio::test]
async fn wrong_bytes_are_found_across_the_borders_of_a_buffer() {
    let mut content = "a\n".to_owned();
    while content.len() < 1024 * 1024 - 1 {
        content.push_str("x\n");
    }
    content.truncate(1024 * 1024 - 1);
    let lines = content.matches('\n').count();
    content.push('ü');
    assert!(refuse_or_read(content.as_bytes()).await.is_ok());
    let mut broken = content.into_bytes();
    broken.pop();
    let error = refuse_or_read(&broken).await.unwrap_err();
    assert!(error.message.contains(&format!("line {}", lines + 1)), "{error}");
}

async fn refuse_or_read(content: &[u8]) -> Result<TaskOutput, StepError> {
    let bench = Bench::new();
    bench.file("a.csv", content);
    bench.execute(&task("read_table", json!({ "path": "a.csv" }))).await
}

#[tokio::test]
async fn json_and_parquet_are_read() {
    let bench = Bench::new();
    bench.file("a.json", r#"[{"id":1,"tags":["x"]},{"id":2,"when":"2024-01-01"}]"#);
    bench.file("a.jsonl", "{\"id\":1,\"tags\":[\"x\"]}\n{\"id\":2,\"when\":\"2024-01-01\"}\n");
    let expected = json!([{ "id": 1, "tags": ["x"], "when": null }, { "id": 2, "tags": null, "when": "2024-01-01" }]);
    for path in ["a.json", "a.jsonl"] {
        let table = bench.run("read_table", json!({ "path": path })).await;
        assert_eq!(rows(&bench, table.clone()).await, expected, "{path}");
        bench.run("write_table", json!({ "table": table, "path": "b.parquet" })).await;
        let table = bench.run("read_table", json!({ "path": "b.parquet" })).await;
        assert_eq!(rows(&bench, table).await, expected, "{path}");
    }
}

#[tokio::test]
async fn a_file_of_another_kind_is_an_error_with_a_way_out() {
    let bench = Bench::new();
    bench.file("a.json", "{ not json");
    bench.file("a.parquet", "not parquet");
    bench.file("a.xlsx", "not excel");
    bench.file("a.what", "x");
    bench.file("empty.csv", "");
    for path in ["a.json", "a.parquet", "a.xlsx", "a.what"] {
        let error = bench.fail("read_table", json!({ "path": path })).await;
        assert!(error.code == "file-format" && error.permanent && error.hint.is_some(), "{path}: {error:?}");
    }
    assert_eq!(bench.fail("read_table", json!({ "path": "empty.csv" })).await.code, "empty-file");
    let error = bench.fail("read_table", json!({ "path": "emty.csv" })).await;
    assert!(error.code == "file-not-found" && error.hint.unwrap().contains("`empty.csv`"));
    assert_eq!(bench.fail("read_table", json!({ "path": "../a.csv" })).await.code, "path-outside");
}

#[tokio::test]
async fn a_table_without_rows_keeps_its_columns() {
    let bench = Bench::new();
    bench.file("a.csv", "a,b\n");
    let table = bench.run("read_table", json!({ "path": "a.csv" })).await;
    assert_eq!((table["rows"].clone(), table["columns"].as_array().unwrap().len()), (json!(0), 2));
}

#[tokio::test]
async fn names_with_quotes_and_brackets_are_names() {
    let bench = Bench::new();
    bench.file("it's [1]*.csv", "\"a \"\"b\"\"\",select\n1,2\n");
    let table = bench.run("read_table", json!({ "path": "it's [1]*.csv" })).await;
    assert_eq!(types(&table), [("a \"b\"", "integer"), ("select", "integer")]);
}

#[tokio::test]
async fn excel_is_read_as_it_was_written() {
    let bench = Bench::new();
    bench.file("a.csv", "id,name,price,day,at,yes\n1,\"=x\",1.5,2024-02-29,2024-02-29 12:30:00,true\n2,,2,2024-03-01,2024-03-01 00:00:00,false\n");
    let table = bench.run("read_table", json!({ "path": "a.csv" })).await;
    bench.run("write_table", json!({ "table": table, "path": "a.xlsx", "sheet": "Prices" })).await;
    let back = bench.run("read_table", json!({ "path": "a.xlsx" })).await;
    assert_eq!(
        types(&back),
        [("id", "integer"), ("name", "text"), ("price", "number"), ("day", "date"), ("at", "timestamp"), ("yes", "boolean")]
    );
    assert_eq!(rows(&bench, back).await, rows(&bench, table).await);
    let text = bench.run("read_table", json!({ "path": "a.xlsx", "allText": true, "headerRow": 0 })).await;
    assert_eq!((text["rows"].clone(), text["preview"][0]["column1"].clone()), (json!(3), json!("id")));
    let error = bench.fail("read_table", json!({ "path": "a.xlsx", "sheet": "Prizes" })).await;
    assert!(error.code == "sheet-not-found" && error.hint.unwrap().contains("`Prices`"));
    let error = bench.fail("read_table", json!({ "path": "a.xlsx", "headerRow": 9 })).await;
    assert_eq!(error.code, "empty-sheet");
}
