//! Saving, drafts and settings: no one's work is lost.

use baton_api::Code;
use serde_json::{Value, json};

use crate::support::{Bench, asking};

fn save(document: &Value, base: &Value, force: bool) -> Value {
    json!({ "document": document, "path": "a.baton.json", "base": base, "force": force, "draftKey": null })
}

#[tokio::test]
async fn a_save_never_overwrites_what_someone_else_wrote() {
    let bench = Bench::new().await;
    let mut document = serde_json::to_value(asking()).unwrap();
    let first = bench
        .call("workflow_save", save(&document, &Value::Null, false))
        .await;
    assert_eq!(
        bench
            .refused("workflow_save", save(&document, &Value::Null, false))
            .await
            .code,
        Code::Conflict
    );
    document["name"] = json!("Mine");
    let second = bench
        .call("workflow_save", save(&document, &first["revision"], false))
        .await;
    assert_ne!(first["revision"], second["revision"]);
    document["name"] = json!("Late");
    let late = bench
        .refused("workflow_save", save(&document, &first["revision"], false))
        .await;
    assert_eq!(late.code, Code::Conflict);
    bench
        .call("workflow_save", save(&document, &first["revision"], true))
        .await;
    let opened = bench
        .call("workflow_open", json!({ "path": "a.baton.json" }))
        .await;
    assert_eq!(opened["document"]["name"], "Late");
    let versions = bench.path("data/versions");
    let folder = std::fs::read_dir(versions)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let kept = std::fs::read_dir(folder).unwrap().count();
    assert!(kept >= 2, "what was replaced is kept");
}

#[tokio::test]
async fn a_draft_survives_a_restart_and_ends_with_its_save() {
    let bench = Bench::new().await;
    let mut document = serde_json::to_value(asking()).unwrap();
    let saved = bench
        .call("workflow_save", save(&document, &Value::Null, false))
        .await;
    document["name"] = json!("Edited");
    let key = saved["path"].clone();
    bench
        .call(
            "draft_put",
            json!({ "key": key, "document": document, "base": saved["revision"] }),
        )
        .await;
    let bench = bench.again().await;
    let opened = bench
        .call("workflow_open", json!({ "path": "a.baton.json" }))
        .await;
    assert_eq!(opened["document"]["name"], "Test");
    assert_eq!(opened["draft"]["document"]["name"], "Edited");
    assert_eq!(opened["draft"]["base"], saved["revision"]);
    let mut done = save(&document, &saved["revision"], false);
    done["draftKey"] = key;
    bench.call("workflow_save", done).await;
    assert_eq!(
        bench.call("draft_list", Value::Null).await["drafts"],
        json!([])
    );
}

#[tokio::test]
async fn a_saved_workflow_is_trusted_from_then_on() {
    let bench = Bench::new().await;
    let document = json!({
        "format": 1, "id": "test", "name": "Test", "edges": [],
        "steps": [{ "id": "say", "kind": "notify", "with": { "title": "Hello", "message": "There" } }]
    });
    bench
        .call("workflow_save", save(&document, &Value::Null, false))
        .await;
    let opened = bench
        .call("workflow_open", json!({ "path": "a.baton.json" }))
        .await;
    assert_eq!(opened["trust"]["trusted"], true);
}

#[tokio::test]
async fn only_the_settings_that_are_given_change() {
    let bench = Bench::new().await;
    bench
        .call(
            "settings_set",
            json!({ "theme": "dark", "wheel": "trackpad" }),
        )
        .await;
    bench
        .call("settings_set", json!({ "theme": "light" }))
        .await;
    let bench = bench.again().await;
    let settings = bench.call("settings_get", Value::Null).await;
    assert_eq!(
        (&settings["theme"], &settings["wheel"]),
        (&json!("light"), &json!("trackpad"))
    );
}

#[tokio::test]
async fn a_text_is_written_whole_or_not_at_all() {
    let bench = Bench::new().await;
    bench
        .call(
            "text_save",
            json!({ "path": "out/a.svg", "text": "<svg/>" }),
        )
        .await;
    assert_eq!(
        std::fs::read_to_string(bench.path("out/a.svg")).unwrap(),
        "<svg/>"
    );
    std::fs::create_dir(bench.path("folder.svg")).unwrap();
    let error = bench
        .refused("text_save", json!({ "path": "folder.svg", "text": "x" }))
        .await;
    assert_eq!(error.code, Code::Io);
}
