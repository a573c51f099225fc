//! Opening, checking and trusting.

use baton_api::{App, AppConfig, BackendEvent, Code};
use serde_json::{Value, json};

use crate::support::{Bench, asking, workflow};

#[tokio::test]
async fn an_opened_file_brings_its_facts_and_becomes_recent() {
    let bench = Bench::new().await;
    bench.put("a.baton.json", &asking());
    let opened = bench
        .call("workflow_open", json!({ "path": "a.baton.json" }))
        .await;
    assert_eq!(opened["document"]["steps"].as_array().unwrap().len(), 4);
    assert_eq!(
        opened["check"]["steps"]["ask"]["ports"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(opened["check"]["steps"]["ask"]["isKnown"], true);
    assert_eq!(opened["trust"]["trusted"], true, "it has no effect outside");
    assert_eq!(opened["readOnly"], Value::Null);
    let recent = bench.call("recent_list", Value::Null).await;
    assert_eq!(
        (&recent["files"][0]["name"], &recent["files"][0]["exists"]),
        (&json!("Test"), &json!(true))
    );
    bench
        .call("recent_forget", json!({ "path": "a.baton.json" }))
        .await;
    assert_eq!(
        bench.call("recent_list", Value::Null).await["files"],
        json!([])
    );
}

#[tokio::test]
async fn what_is_no_workflow_is_refused_with_its_place() {
    let bench = Bench::new().await;
    std::fs::write(bench.path("bad.baton.json"), "{\n  \"steps\": [,]\n}").unwrap();
    let error = bench
        .refused("workflow_open", json!({ "path": "bad.baton.json" }))
        .await;
    assert_eq!(error.code, Code::Unusable);
    assert_eq!(error.place.unwrap().line, Some(2));
    let error = bench
        .refused("workflow_open", json!({ "path": "none.baton.json" }))
        .await;
    assert_eq!(error.code, Code::NotFound);
    let error = bench.refused("workflow_open", json!({ "path": "." })).await;
    assert_eq!(error.code, Code::Io);
}

#[tokio::test]
async fn a_file_of_a_newer_format_opens_read_only() {
    let bench = Bench::new().await;
    bench.put(
        "new.baton.json",
        &baton_core::document::Workflow {
            format: 99,
            ..asking()
        },
    );
    let opened = bench
        .call("workflow_open", json!({ "path": "new.baton.json" }))
        .await;
    assert!(opened["readOnly"].as_str().unwrap().contains("99"));
}

fn acting() -> baton_core::document::Workflow {
    workflow(json!({
        "steps": [{ "id": "say", "kind": "notify", "with": { "title": "Hello", "message": "There" } }]
    }))
}

#[tokio::test]
async fn a_foreign_workflow_runs_only_once_it_is_trusted_in_this_version() {
    let bench = Bench::new().await;
    bench.put("foreign.baton.json", &acting());
    let opened = bench
        .call("workflow_open", json!({ "path": "foreign.baton.json" }))
        .await;
    assert_eq!(opened["trust"]["trusted"], false);
    assert_eq!(opened["trust"]["effects"][0]["step"], "say");
    let start = json!({ "document": opened["document"], "path": opened["path"], "input": null });
    let refused = bench.refused("run_start", start.clone()).await;
    assert_eq!(refused.code, Code::Untrusted);
    bench
        .call(
            "workflow_trust",
            json!({ "digest": opened["check"]["digest"] }),
        )
        .await;
    let run = bench.call("run_start", start).await["run"].clone();
    bench.status(&run, "succeeded").await;
    let mut other = acting();
    other.steps[0]
        .with
        .insert("title".to_owned(), json!("Something else"));
    let start = json!({ "document": other, "path": opened["path"], "input": null });
    assert_eq!(
        bench.refused("run_start", start).await.code,
        Code::Untrusted
    );
}

#[tokio::test]
async fn samples_run_as_they_are() {
    let bench = Bench::new().await;
    bench.put("workflows/hello.baton.json", &acting());
    std::fs::write(bench.path("workflows/broken.baton.json"), "{").unwrap();
    let samples = bench.call("sample_list", Value::Null).await;
    assert_eq!(samples["samples"].as_array().unwrap().len(), 1);
    let opened = bench
        .call(
            "workflow_open",
            json!({ "path": samples["samples"][0]["path"] }),
        )
        .await;
    assert_eq!(opened["trust"]["trusted"], true);
}

#[tokio::test]
async fn a_change_on_disk_is_told() {
    let bench = Bench::new().await;
    let mut events = bench.app.subscribe();
    bench.put("a.baton.json", &asking());
    bench
        .call("workflow_open", json!({ "path": "a.baton.json" }))
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    bench.put("a.baton.json", &acting());
    let told = tokio::time::timeout(std::time::Duration::from_secs(10), events.recv());
    let BackendEvent::FileChanged { path } = told.await.unwrap().unwrap() else {
        panic!("the file changed")
    };
    assert_eq!(path, bench.path("a.baton.json").display().to_string());
}

#[tokio::test]
async fn a_folder_for_looking_only_says_so_and_runs_nothing() {
    let bench = Bench::new().await;
    bench.app.shutdown().await;
    let mut config = AppConfig::new(bench.path("data"), bench.dir.path());
    config.read_only = true;
    let app = App::open(config).await.unwrap();
    let info = app.call("app_info", Value::Null).await.unwrap();
    assert!(info["readOnly"].is_string());
    let start = json!({ "document": asking(), "input": null });
    assert_eq!(
        app.call("run_start", start).await.unwrap_err().code,
        Code::Store
    );
    assert_eq!(app.call("run_list", Value::Null).await.unwrap()["total"], 0);
}

#[tokio::test]
async fn the_catalog_and_the_folders_can_be_looked_at() {
    let bench = Bench::new().await;
    let kinds = bench.call("catalog_list", Value::Null).await;
    let kinds = kinds["kinds"].as_array().unwrap();
    assert!(
        kinds
            .iter()
            .any(|kind| kind["kind"] == "set_values" && kind["isControl"] == false)
    );
    assert!(
        kinds
            .iter()
            .any(|kind| kind["kind"] == "approval" && kind["isControl"] == true)
    );
    bench.put("b/x.baton.json", &asking());
    std::fs::write(bench.path("note.txt"), "x").unwrap();
    let listed = bench
        .call(
            "folder_list",
            json!({ "path": null, "endings": [".baton.json"] }),
        )
        .await;
    let names: Vec<&Value> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["name"])
        .collect();
    assert_eq!(names, ["b", "data"]);
    let svg = bench
        .call("workflow_svg", json!({ "document": asking() }))
        .await;
    assert_eq!(svg["name"], "test.svg");
}
