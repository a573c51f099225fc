//! What is kept beside the log.

use baton_store::{DraftRow, RecentRow};
use serde_json::json;

use crate::common::{open, store};

#[tokio::test]
async fn definitions_are_kept_once() {
    let (_dir, store) = store().await;
    assert_eq!(store.definition("d1").await, Ok(None));
    store.put_definition("d1", "{ }").await.expect("kept");
    store
        .put_definition("d1", "something else")
        .await
        .expect("left alone");
    assert_eq!(store.definition("d1").await, Ok(Some("{ }".to_owned())));
}

#[tokio::test]
async fn drafts_survive_and_are_discarded() {
    let (dir, store) = store().await;
    store
        .draft_put("a", Some("rev"), "{1}", 10)
        .await
        .expect("kept");
    store
        .draft_put("untitled:1", None, "{2}", 20)
        .await
        .expect("kept");
    store
        .draft_put("a", Some("rev"), "{3}", 30)
        .await
        .expect("kept");
    store.close().await;

    let store = open(dir.path()).await;
    let draft = |key: &str, base: Option<&str>, document: &str, at| DraftRow {
        key: key.to_owned(),
        base: base.map(str::to_owned),
        document: document.to_owned(),
        at,
    };
    let newest_first = vec![
        draft("a", Some("rev"), "{3}", 30),
        draft("untitled:1", None, "{2}", 20),
    ];
    assert_eq!(store.draft_list().await, Ok(newest_first.clone()));
    store.draft_discard("a").await.expect("gone");
    store.draft_discard("a").await.expect("gone already");
    assert_eq!(store.draft_list().await, Ok(newest_first[1..].to_vec()));
}

#[tokio::test]
async fn the_newest_twenty_files_are_recent() {
    let (_dir, store) = store().await;
    for n in 0..25 {
        store
            .recent_put(&format!("/f{n}"), "F", n)
            .await
            .expect("kept");
    }
    store
        .recent_put("/f7", "Seven", 100)
        .await
        .expect("kept again");
    let recents = store.recent_list().await.expect("a list");
    assert_eq!(recents.len(), 20);
    let seven = RecentRow {
        path: "/f7".to_owned(),
        name: "Seven".to_owned(),
        at: 100,
    };
    assert_eq!(recents[0], seven);
    store.recent_forget("/f7").await.expect("forgotten");
    assert_eq!(store.recent_list().await.expect("a list")[0].path, "/f24");
}

#[tokio::test]
async fn settings_and_trust_are_kept() {
    let (dir, store) = store().await;
    assert_eq!(store.setting("settings").await, Ok(None));
    store
        .setting_put("settings", &json!({ "theme": "dark" }))
        .await
        .expect("kept");
    store
        .setting_put("settings", &json!({ "theme": "light" }))
        .await
        .expect("kept");
    assert_eq!(store.is_trusted("d").await, Ok(false));
    store.trust_put("d", 5).await.expect("kept");
    store.trust_put("d", 6).await.expect("kept already");
    store.close().await;

    let store = open(dir.path()).await;
    assert_eq!(
        store.setting("settings").await,
        Ok(Some(json!({ "theme": "light" })))
    );
    assert_eq!(store.is_trusted("d").await, Ok(true));
    assert_eq!(store.is_trusted("e").await, Ok(false));
}
