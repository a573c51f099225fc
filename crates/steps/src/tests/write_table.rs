//! Writing files whole or not at all.

use serde_json::{Value, json};

use crate::testing::Bench;

fn text(bench: &Bench, name: &str) -> String {
    std::fs::read_to_string(bench.cx.work_dir.join(name)).unwrap()
}

fn left_over(bench: &Bench, folder: &str) -> usize {
    let names = std::fs::read_dir(bench.cx.work_dir.join(folder)).unwrap();
    names.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().contains(".tmp")).count()
}

#[tokio::test]
async fn a_file_is_made_with_its_folders_and_replaced_whole() {
    let bench = Bench::new();
    let with = |n: u32| json!({ "table": [{ "n": n, "t": "x, y" }], "path": "out/new/a.csv" });
    let first = bench.run("write_table", with(1)).await;
    assert_eq!(text(&bench, "out/new/a.csv"), "n,t\n1,\"x, y\"\n");
    assert_eq!((first["replaced"].clone(), first["rows"].clone(), first["bytes"].clone()), (json!(false), json!(1), json!(13)));
    assert_eq!(first["path"], "out/new/a.csv");
    let second = bench.run("write_table", with(2)).await;
    assert_eq!(second["replaced"], true);
    assert_eq!(text(&bench, "out/new/a.csv"), "n,t\n2,\"x, y\"\n");
    assert_eq!(second["blake3"], blake3::hash(b"n,t\n2,\"x, y\"\n").to_hex().as_str());
    assert_eq!(left_over(&bench, "out/new"), 0);
}

#[tokio::test]
async fn every_format_is_written() {
    let bench = Bench::new();
    let table = json!([{ "id": 1, "when": "2024-01-01", "list": [1, 2] }, { "id": 2, "when": null, "list": [] }]);
    for (path, expected) in [
        ("a.csv", "id,when,list\n1,2024-01-01,\"[1,2]\"\n2,,[]\n"),
        ("a.json", "[\n\t{\"id\":1,\"when\":\"2024-01-01\",\"list\":[1,2]},\n\t{\"id\":2,\"when\":null,\"list\":[]}\n]\n"),
        ("a.jsonl", "{\"id\":1,\"when\":\"2024-01-01\",\"list\":[1,2]}\n{\"id\":2,\"when\":null,\"list\":[]}\n"),
    ] {
        bench.run("write_table", json!({ "table": table, "path": path })).await;
        assert_eq!(text(&bench, path), expected, "{path}");
    }
    bench.run("write_table", json!({ "table": table, "path": "b.csv", "delimiter": "tab", "header": false })).await;
    assert!(text(&bench, "b.csv").starts_with("1\t2024-01-01\t"));
    let output = bench.run("write_table", json!({ "table": table, "path": "a.txt", "format": "parquet" })).await;
    assert_eq!(output["rows"], 2);
    assert!(std::fs::read(bench.cx.work_dir.join("a.txt")).unwrap().starts_with(b"PAR1"));
}

#[tokio::test]
async fn formulas_are_made_harmless_unless_told_otherwise() {
    let bench = Bench::new();
    let cells = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x"];
    let harmless = ["plain", "-5", "+49.5", "1=1", "a@b.c", ""];
    let rows: Vec<Value> = cells.iter().chain(&harmless).map(|cell| json!({ "=cell": cell })).collect();
    bench.run("write_table", json!({ "table": rows, "path": "a.csv" })).await;
    let back = bench.run("read_table", json!({ "path": "a.csv", "allText": true })).await;
    assert_eq!(back["columns"][0]["name"], "'=cell");
    let back: Vec<&str> = back["preview"].as_array().unwrap().iter().map(|row| row["'=cell"].as_str().unwrap_or("")).collect();
    let expected: Vec<String> =
        cells.iter().map(|cell| format!("'{cell}")).chain(harmless.iter().map(|cell| (*cell).to_owned())).collect();
    assert_eq!(back, expected);
    bench.run("write_table", json!({ "table": rows, "path": "b.csv", "neutralizeFormulas": false })).await;
    assert!(text(&bench, "b.csv").starts_with("=cell\n=1+1\n"));
}

#[tokio::test]
async fn a_file_that_is_there_is_kept_if_told_so() {
    let bench = Bench::new();
    let with = |n: u32| json!({ "table": [{ "n": n }], "path": "a.csv", "overwrite": false });
    bench.run("write_table", with(1)).await;
    // The step runs again after an interruption: its own file is no obstacle.
    assert_eq!(bench.run("write_table", with(1)).await["replaced"], false);
    let error = bench.fail("write_table", with(2)).await;
    assert!(error.code == "file-exists" && error.permanent && error.hint.is_some());
    assert_eq!(text(&bench, "a.csv"), "n\n1\n");
    assert_eq!(left_over(&bench, "."), 0);
}

#[tokio::test]
async fn nothing_is_written_elsewhere_or_by_halves() {
    let bench = Bench::new();
    let table = json!([{ "n": 1 }]);
    for path in ["../a.csv", "/tmp/baton-outside.csv"] {
        assert_eq!(bench.fail("write_table", json!({ "table": table, "path": path })).await.code, "path-outside");
    }
    std::fs::create_dir(bench.cx.work_dir.join("folder.csv")).unwrap();
    assert_eq!(bench.fail("write_table", json!({ "table": table, "path": "folder.csv" })).await.code, "file-is-folder");
    assert_eq!(bench.fail("write_table", json!({ "table": table, "path": "a.what" })).await.code, "file-format");
    assert_eq!(bench.fail("write_table", json!({ "table": table, "path": "a.xls" })).await.code, "file-format");
    assert_eq!(bench.fail("write_table", json!({ "table": 3, "path": "a.csv" })).await.code, "not-a-table");
    bench.file("file", "x");
    let error = bench.fail("write_table", json!({ "table": table, "path": "file/a.csv" })).await;
    assert!(!error.message.is_empty());
    assert_eq!(left_over(&bench, "."), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_written_file_can_be_read_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    bench.run("write_table", json!({ "table": [{ "n": 1 }], "path": "a.csv" })).await;
    let mode = std::fs::metadata(bench.cx.work_dir.join("a.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
    bench.file("plain", "x");
    let plain = std::fs::metadata(bench.cx.work_dir.join("plain")).unwrap().permissions().mode();
    assert_eq!(mode, plain);
}
