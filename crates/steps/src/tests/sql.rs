//! Queries on real tables: results, parameters, limits, and that they reach nothing else.

use serde_json::{Value, json};

use crate::testing::{Bench, sample_data, task};

async fn airports(bench: &Bench) -> Value {
    bench.run("read_table", json!({ "path": sample_data().join("airports.csv") })).await
}

fn rows(query: &str) -> Value {
    json!({ "query": query, "result": "rows" })
}

#[tokio::test]
async fn a_query_gives_a_table_that_the_next_step_can_use() {
    let bench = Bench::new();
    let table = airports(&bench).await;
    let states = bench
        .run("sql", json!({
            "tables": { "airports": table },
            "query": ["SELECT state, count(*) AS airports, sum(1) AS total", "FROM airports GROUP BY ALL ORDER BY 2 DESC;"],
        }))
        .await;
    assert_eq!(states["$type"], "table");
    assert_eq!(states["preview"][0], json!({ "state": "AK", "airports": 263, "total": 263 }));
    let kinds: Vec<&str> =
        states["columns"].as_array().unwrap().iter().map(|column| column["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["text", "integer", "integer"]);
    let value = bench
        .run("sql", json!({ "tables": { "s": states }, "query": "SELECT airports FROM s WHERE state = 'TX'", "result": "value" }))
        .await;
    assert_eq!(value, 209);
}

#[tokio::test]
async fn parameters_are_bound_by_name_and_never_read_as_sql() {
    let bench = Bench::new();
    let table = airports(&bench).await;
    let with = |state: &str| json!({
        "tables": { "airports": table }, "result": "value",
        "query": "SELECT count(*) FROM airports WHERE state = $state AND latitude > $north",
        "params": { "state": state, "north": 30.5 },
    });
    assert_eq!(bench.run("sql", with("AK")).await, 263);
    assert_eq!(bench.run("sql", with("AK' OR '1' = '1")).await, 0);
    let error = bench.fail("sql", json!({ "query": "SELECT $limit", "params": { "limt": 1 } })).await;
    assert!(error.message.contains("`$limit`") && error.hint.unwrap().contains("`limt`"));
}

#[tokio::test]
async fn lists_of_objects_are_tables_as_well() {
    let bench = Bench::new();
    let list = json!([{ "id": 1, "tags": ["a"] }, { "id": 2, "extra": "x" }]);
    let output = bench
        .run("sql", json!({ "tables": { "t": list, "plain": [1, 2], "none": [] }, "result": "rows",
            "query": "SELECT id, tags, extra, (SELECT sum(value) FROM plain) AS s, (SELECT count(*) FROM none) AS n FROM t ORDER BY id" }))
        .await;
    assert_eq!(output, json!([
        { "id": 1, "tags": ["a"], "extra": null, "s": 3, "n": 0 },
        { "id": 2, "tags": null, "extra": "x", "s": 3, "n": 0 },
    ]));
}

#[tokio::test]
async fn all_kinds_of_questions_work() {
    let bench = Bench::new();
    let table = airports(&bench).await;
    for (query, rows) in [
        ("SUMMARIZE airports", 7),
        ("DESCRIBE airports;", 7),
        ("PIVOT (SELECT state, country FROM airports) ON country USING count(*) -- by country", 57),
        ("WITH a AS (FROM airports) SELECT * FROM a LIMIT 3", 3),
        ("FROM airports LIMIT 2", 2),
        ("(SELECT 1) UNION ALL (SELECT 2)", 2),
        ("/* ; */ VALUES (1), (2)", 2),
        ("SELECT ';' AS a, $$;$$ AS b", 1),
    ] {
        for shape in ["table", "rows", "value"] {
            let output = bench
                .run("sql", json!({ "tables": { "airports": table }, "query": query, "result": shape }))
                .await;
            match shape {
                "table" => assert_eq!(output["rows"], rows, "{query}"),
                "rows" => assert_eq!(output.as_array().unwrap().len(), rows, "{query}"),
                _ => assert!(!output.is_null(), "{query}"),
            }
        }
    }
}

#[tokio::test]
async fn values_arrive_as_people_mean_them() {
    let output = Bench::new()
        .run("sql", rows("SELECT DATE '2024-02-29' AS d, TIMESTAMP '2024-02-29 12:30:00' AS t, \
            TIME '08:15:00' AS clock, 12.50::DECIMAL(8,2) AS price, 170141183460469231731687303715884105727::HUGEINT AS huge, \
            sum(2) AS whole, 'NaN'::DOUBLE AS nan, 0.1::FLOAT AS small, true AS yes, NULL AS nothing, \
            [1, 2] AS list, {'a': 1} AS object, '{\"b\": 2}'::JSON AS json, INTERVAL '1 month 2 days' AS span, \
            '\\xAB'::BLOB AS bytes, '2024-02-29 12:00:00+02'::TIMESTAMPTZ AS zoned"))
        .await;
    assert_eq!(output, json!([{
        "d": "2024-02-29", "t": "2024-02-29T12:30:00", "clock": "08:15:00", "price": 12.5,
        "huge": "170141183460469231731687303715884105727", "whole": 2, "nan": "NaN", "small": 0.1,
        "yes": true, "nothing": null, "list": [1, 2], "object": { "a": 1 }, "json": { "b": 2 },
        "span": "1 months 2 days", "bytes": "0xab", "zoned": "2024-02-29T10:00:00",
    }]));
}

#[tokio::test]
async fn too_many_rows_for_a_list_is_an_error_with_a_way_out() {
    let error = Bench::new().fail("sql", rows("FROM range(1001)")).await;
    assert_eq!(error.code, "too-many-rows");
    assert!(error.message.contains("1001") && error.hint.unwrap().contains("table"));
}

#[tokio::test]
async fn errors_say_where_and_what_was_meant() {
    let bench = Bench::new();
    let table = airports(&bench).await;
    let with = |query: &str| json!({ "tables": { "airports": table }, "query": query });
    let error = bench.fail("sql", with("SELECT name,\n  sate FROM airports")).await;
    assert!(error.permanent && error.message.contains("line 2, column 3"), "{error:?}");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("`state`")), "{error:?}");
    let error = bench.fail("sql", with("SELECT * FROM airport")).await;
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("airports")), "{error:?}");
    let error = bench.fail("sql", with("SELECT (1")).await;
    assert!(error.message.starts_with("syntax error"), "{error:?}");
    let error = bench.fail("sql", with("SELECT CAST(name AS INTEGER) FROM airports")).await;
    assert!(error.message.contains("Thigpen"), "{error:?}");
}

#[tokio::test]
async fn only_one_question_is_asked() {
    let bench = Bench::new();
    for query in ["", "-- nothing", "SELECT 1; DROP TABLE x", "SELECT 1; SELECT 2"] {
        assert_eq!(bench.fail("sql", json!({ "query": query })).await.code, "sql", "{query}");
    }
    for query in ["DROP TABLE a", "COPY (SELECT 1) TO '/tmp/x'", "ATTACH '/tmp/x.db'", "SET threads = 1",
        "INSTALL httpfs", "CREATE TABLE a AS SELECT 1", "PRAGMA database_list", "CALL x()", "EXPORT DATABASE 'x'"] {
        let error = bench.fail("sql", json!({ "query": query })).await;
        assert!(error.message.contains("cannot begin with"), "{query}: {error:?}");
    }
}

#[tokio::test]
async fn a_query_reaches_no_file_and_no_network() {
    let bench = Bench::new();
    bench.file("secret.csv", "a\n1\n");
    let secret = bench.cx.work_dir.join("secret.csv");
    for query in [
        format!("FROM read_csv('{}')", secret.display()),
        format!("FROM '{}'", secret.display()),
        "FROM read_text('/etc/passwd')".to_owned(),
        "FROM glob('/etc/*')".to_owned(),
        "FROM read_parquet('http://127.0.0.1:1/x.parquet')".to_owned(),
        "FROM duckdb_secrets()".to_owned(),
        "SELECT 1) TO '/tmp/baton-escape.csv' (FORMAT csv); COPY (SELECT 1".to_owned(),
        "WITH a AS (SELECT 1) INSERT INTO b FROM a".to_owned(),
    ] {
        let error = bench.fail("sql", json!({ "query": query })).await;
        assert!(error.permanent, "{query}: {error:?}");
    }
    assert!(!std::path::Path::new("/tmp/baton-escape.csv").exists());
}

#[tokio::test]
async fn a_value_that_is_no_table_is_explained() {
    let bench = Bench::new();
    let table = airports(&bench).await;
    for (value, words) in [
        (json!(3), "`3`"),
        (json!({ "a": 1 }), "an object"),
        (Value::Null, "nothing"),
    ] {
        let error = bench.fail("sql", json!({ "tables": { "t": value }, "query": "FROM t" })).await;
        assert!(error.code == "not-a-table" && error.message.contains(words), "{error:?}");
    }
    let error =
        bench.fail("sql", json!({ "tables": { "t": { "table": table } }, "query": "FROM t" })).await;
    assert!(error.hint.unwrap().contains("`.table`"));
    let gone = json!({ "$type": "table", "artifact": "0".repeat(64), "rows": 1, "bytes": 1, "columns": [], "preview": [] });
    let error = bench.fail("sql", json!({ "tables": { "t": gone }, "query": "FROM t" })).await;
    assert_eq!(error.code, "artifact-missing");
}

const ENDLESS: &str = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 7";

#[tokio::test]
async fn a_cancelled_query_stops() {
    let bench = Bench::new();
    let cancel = bench.cx.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        cancel.cancel();
    });
    let error = bench.fail("sql", json!({ "query": ENDLESS })).await;
    assert_eq!(error.code, "cancelled");
}

#[tokio::test]
async fn a_dropped_query_stops_and_leaves_nothing() {
    let bench = Bench::new();
    let task = task("sql", json!({ "query": ENDLESS }));
    let waited = tokio::time::timeout(std::time::Duration::from_millis(200), bench.execute(&task)).await;
    assert!(waited.is_err());
    // The thread ends by itself; its temporary folder goes with it.
    for _ in 0..500 {
        let left = std::fs::read_dir(&bench.cx.temp_dir).map_or(0, Iterator::count);
        if left == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the query still runs");
}

#[tokio::test]
async fn memory_is_limited_and_the_error_says_so() {
    let mut bench = Bench::new();
    bench.cx.limits.memory_mb = 24;
    bench.cx.limits.spill_mb = 1;
    let error = bench
        .fail("sql", json!({ "query": "SELECT list(range) AS l, list(hash(range)) AS h FROM range(20000000)" }))
        .await;
    assert_eq!(error.code, "out-of-memory", "{error:?}");
}
