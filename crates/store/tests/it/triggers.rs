//! Triggers: a firing is recorded once, by the revision that acts, and what was decided about it is final.

use baton_core::machine::Outcome;
use baton_store::{
    Activation, ActivationState, FiringFilter, FiringState, HookRequest, NewActivation, NewFiring,
    Recorded, SavedInput, Store, WatchedFile,
};
use serde_json::json;

use crate::common::{batch, open, store};

fn activation(triggers: &[(&str, &str, i64)], at: i64) -> NewActivation {
    NewActivation {
        workflow: "w".to_owned(),
        workflow_name: "Workflow".to_owned(),
        digest: "d".to_owned(),
        path: Some("w.baton.json".to_owned()),
        work_dir: "folder".to_owned(),
        input: Some(json!({ "a": 1 })),
        triggers: triggers
            .iter()
            .map(|(id, kind, cursor)| ((*id).to_owned(), (*kind).to_owned(), *cursor))
            .collect(),
        by: "kim".to_owned(),
        at,
    }
}

fn firing(revision: u32, key: &str) -> NewFiring {
    NewFiring {
        run: format!("run-{key}"),
        payload: json!({ "key": key }),
        ..NewFiring::new("w", "t", revision, key, 50)
    }
}

async fn one(store: &Store, firing: NewFiring) -> Recorded {
    let said = store.record(vec![firing], None).await;
    said.expect("it is taken")[0]
}

async fn of(store: &Store, trigger: &str) -> Activation {
    store
        .activation("w", trigger)
        .await
        .expect("it can be read")
        .expect("it is active")
}

#[tokio::test]
async fn a_firing_is_recorded_once_and_is_there_after_a_restart() {
    let (dir, store) = store().await;
    assert_eq!(
        store
            .activate(activation(&[("t", "webhook", 0)], 10))
            .await
            .unwrap(),
        1
    );
    assert_eq!(one(&store, firing(1, "a")).await, Recorded::Accepted);
    assert_eq!(one(&store, firing(1, "a")).await, Recorded::Duplicate);
    store.close().await;
    let store = open(dir.path()).await;
    assert_eq!(one(&store, firing(1, "a")).await, Recorded::Duplicate);
    let open = store.open_firings("w", "t", 10).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].run, "run-a");
    assert_eq!(open[0].payload, json!({ "key": "a" }));
    assert_eq!(
        store.triggers_with_open_firings().await.unwrap(),
        [("w".to_owned(), "t".to_owned())]
    );
}

#[tokio::test]
async fn only_the_revision_that_acts_records() {
    let (_dir, store) = store().await;
    assert_eq!(one(&store, firing(1, "early")).await, Recorded::Revoked);
    store
        .activate(activation(
            &[("t", "webhook", 7), ("gone", "manual", 0)],
            10,
        ))
        .await
        .unwrap();
    assert_eq!(
        store
            .activate(activation(&[("t", "webhook", 9)], 20))
            .await
            .unwrap(),
        2
    );
    assert_eq!(one(&store, firing(1, "old")).await, Recorded::Revoked);
    assert_eq!(one(&store, firing(2, "new")).await, Recorded::Accepted);
    // What the workflow has no more is off; a source that is not a schedule goes on where it was.
    assert_eq!(store.activation("w", "gone").await.unwrap(), None);
    assert_eq!(of(&store, "t").await.cursor, 7);

    let put = |state, at| store.activation_put("w", None, state, "eva", at, None);
    assert_eq!(put(ActivationState::Paused, 30).await.unwrap(), 1);
    assert_eq!(put(ActivationState::Paused, 31).await.unwrap(), 0);
    assert_eq!(one(&store, firing(2, "paused")).await, Recorded::Paused);
    let by_hand = NewFiring {
        by: Some("eva".to_owned()),
        ..firing(2, "hand")
    };
    assert_eq!(one(&store, by_hand).await, Recorded::Accepted);
    let noted = NewFiring {
        state: FiringState::Skipped,
        reason: Some("paused".to_owned()),
        ..firing(2, "noted")
    };
    assert_eq!(one(&store, noted).await, Recorded::Accepted);
    assert_eq!(put(ActivationState::Off, 40).await.unwrap(), 1);
    assert_eq!(one(&store, firing(2, "off")).await, Recorded::Revoked);
    assert!(store.activations().await.unwrap().is_empty());
    // Revisions go on rising, and a schedule begins anew.
    assert_eq!(
        store
            .activate(activation(&[("t", "schedule", 99)], 50))
            .await
            .unwrap(),
        3
    );
    assert_eq!(of(&store, "t").await.cursor, 99);
}

#[tokio::test]
async fn what_was_decided_about_a_firing_is_final() {
    let (_dir, store) = store().await;
    store
        .activate(activation(&[("t", "webhook", 0)], 10))
        .await
        .unwrap();
    one(&store, firing(1, "a")).await;
    let id = store.open_firings("w", "t", 10).await.unwrap()[0].id;
    let settle = |state, at| store.firing_settle(id, state, Some("why"), at);
    assert!(settle(FiringState::Queued, 60).await.unwrap());
    let queued = store.firing("w", "t", "a").await.unwrap().unwrap();
    assert_eq!(
        (queued.state, queued.settled_at),
        (FiringState::Queued, None)
    );
    assert!(settle(FiringState::Started, 70).await.unwrap());
    assert!(!settle(FiringState::Skipped, 80).await.unwrap());
    let settled = store.firing("w", "t", "a").await.unwrap().unwrap();
    assert_eq!(
        (settled.state, settled.settled_at),
        (FiringState::Started, Some(70))
    );
    assert!(store.open_firings("w", "t", 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn firings_and_the_cursor_are_one() {
    let (_dir, store) = store().await;
    store
        .activate(activation(&[("t", "schedule", 5)], 10))
        .await
        .unwrap();
    let known = of(&store, "t").await;
    let said = store
        .record(
            vec![firing(1, "a"), firing(1, "b"), firing(1, "a")],
            Some((&known, 500)),
        )
        .await
        .unwrap();
    assert_eq!(
        said,
        [Recorded::Accepted, Recorded::Accepted, Recorded::Duplicate]
    );
    assert_eq!(of(&store, "t").await.cursor, 500);
    // A source of an older revision moves nothing.
    store
        .activate(activation(&[("t", "schedule", 600)], 20))
        .await
        .unwrap();
    store.record(Vec::new(), Some((&known, 700))).await.unwrap();
    assert_eq!(of(&store, "t").await.cursor, 600);
}

#[tokio::test]
async fn many_at_once_are_each_recorded_once() {
    let (_dir, store) = store().await;
    store
        .activate(activation(&[("t", "webhook", 0)], 10))
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let store = store.clone();
        tasks.spawn(async move { one(&store, firing(1, &format!("key-{}", number % 50))).await });
    }
    let said = tasks.join_all().await;
    let accepted = said
        .iter()
        .filter(|said| **said == Recorded::Accepted)
        .count();
    assert_eq!(accepted, 50);
    let (page, total) = store
        .firings(&FiringFilter {
            workflow: Some("w".to_owned()),
            limit: 7,
            offset: 45,
            ..FiringFilter::default()
        })
        .await
        .unwrap();
    assert_eq!((page.len(), total), (5, 50));
    assert_eq!(store.count_open_firings("w", "t", 30).await.unwrap(), 30);
}

#[tokio::test]
async fn the_ends_of_runs_are_found_by_their_place_in_the_log() {
    let (_dir, store) = store().await;
    let mut end = batch("one", 0, 3);
    end.summary.ended_at = Some(30);
    end.summary.status = "failed".to_owned();
    end.events[2].event = baton_core::machine::Event::RunEnded {
        outcome: Outcome::Failed,
        name: Some("empty".to_owned()),
        outputs: json!(null),
        error: None,
    };
    end.summary.outcome = Some("empty".to_owned());
    store.append(batch("open", 0, 2)).await.unwrap();
    store.append(end).await.unwrap();
    let ended = store.ended_runs(0, 10).await.unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (ended[0].run.as_str(), ended[0].status.as_str()),
        ("one", "failed")
    );
    assert_eq!(ended[0].outcome.as_deref(), Some("empty"));
    assert_eq!(ended[0].position, store.log_position().await.unwrap());
    assert!(
        store
            .ended_runs(ended[0].position, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn runs_of_a_trigger_are_those_that_it_started_and_that_go_on() {
    let (_dir, store) = store().await;
    store
        .activate(activation(&[("t", "webhook", 0)], 10))
        .await
        .unwrap();
    for key in ["a", "b"] {
        one(&store, firing(1, key)).await;
    }
    store.append(batch("run-a", 0, 1)).await.unwrap();
    assert!(store.runs_of_trigger("w", "t").await.unwrap().is_empty());
    let id = store.firing("w", "t", "a").await.unwrap().unwrap().id;
    store
        .firing_settle(id, FiringState::Started, None, 60)
        .await
        .unwrap();
    assert_eq!(store.runs_of_trigger("w", "t").await.unwrap(), ["run-a"]);
    assert_eq!(
        store.firing_of_run("run-a").await.unwrap().unwrap().key,
        "a"
    );
}

#[tokio::test]
async fn a_request_is_taken_once_while_it_is_remembered() {
    let (_dir, store) = store().await;
    store
        .activate(activation(&[("t", "webhook", 0)], 10))
        .await
        .unwrap();
    let request = HookRequest {
        hook: "orders".to_owned(),
        nonce: "n1".to_owned(),
        at: 100,
    };
    let with = |key: &str| NewFiring {
        request: Some(request.clone()),
        ..firing(1, key)
    };
    assert_eq!(one(&store, with("a")).await, Recorded::Accepted);
    assert_eq!(one(&store, with("b")).await, Recorded::Duplicate);
    assert!(!store.hook_request_take(request.clone()).await.unwrap());
    // A refused firing does not use its request up.
    let other = HookRequest {
        nonce: "n2".to_owned(),
        ..request.clone()
    };
    let refused = NewFiring {
        request: Some(other.clone()),
        ..firing(9, "c")
    };
    assert_eq!(one(&store, refused).await, Recorded::Revoked);
    assert!(store.hook_request_take(other).await.unwrap());
    assert_eq!(store.hook_requests_forget(101).await.unwrap(), 2);
    assert!(store.hook_request_take(request).await.unwrap());
}

#[tokio::test]
async fn the_ledger_of_files_is_written_with_the_firing() {
    let (_dir, store) = store().await;
    store
        .activate(activation(&[("t", "file", 0)], 10))
        .await
        .unwrap();
    let file = WatchedFile {
        workflow: "w".to_owned(),
        trigger: "t".to_owned(),
        path: "in/a.csv".to_owned(),
        size: 12,
        modified: 1_000,
        file_id: Some("7:9".to_owned()),
        hash: Some("abc".to_owned()),
        state: "fired".to_owned(),
        seen_at: 50,
    };
    let with = NewFiring {
        file: Some(file.clone()),
        ..firing(1, "file:a")
    };
    assert_eq!(one(&store, with.clone()).await, Recorded::Accepted);
    let kept = store.watched_files("w", "t").await.unwrap();
    assert_eq!(kept, std::slice::from_ref(&file));
    let seen = WatchedFile {
        path: "in/b.csv".to_owned(),
        state: "growing".to_owned(),
        ..file.clone()
    };
    store.watched_files_put(vec![seen.clone()]).await.unwrap();
    // A duplicate changes nothing.
    let again = NewFiring {
        file: Some(WatchedFile {
            size: 99,
            ..file.clone()
        }),
        ..with
    };
    assert_eq!(one(&store, again).await, Recorded::Duplicate);
    assert_eq!(store.watched_files("w", "t").await.unwrap(), [file, seen]);
    store
        .watched_files_forget("w", "t", vec!["in/a.csv".to_owned()])
        .await
        .unwrap();
    assert_eq!(store.watched_files("w", "t").await.unwrap().len(), 1);
}

#[tokio::test]
async fn inputs_are_kept_by_name() {
    let (_dir, store) = store().await;
    let input = |name: &str, value| SavedInput {
        workflow: "w".to_owned(),
        name: name.to_owned(),
        value,
        by: "kim".to_owned(),
        at: 5,
    };
    store
        .input_put(input("b", json!({ "n": 1 })))
        .await
        .unwrap();
    store.input_put(input("a", json!([]))).await.unwrap();
    store
        .input_put(input("b", json!({ "n": 2 })))
        .await
        .unwrap();
    let all = store.inputs("w", None).await.unwrap();
    assert_eq!(all, [input("a", json!([])), input("b", json!({ "n": 2 }))]);
    assert!(store.input_delete("w", "a").await.unwrap());
    assert!(!store.input_delete("w", "a").await.unwrap());
    assert!(store.inputs("w", Some("a")).await.unwrap().is_empty());
}

#[tokio::test]
async fn trouble_is_told_once() {
    let (_dir, store) = store().await;
    store
        .activate(activation(&[("t", "file", 0)], 10))
        .await
        .unwrap();
    let known = of(&store, "t").await;
    assert!(
        store
            .activation_trouble(&known, Some("the folder is gone"))
            .await
            .unwrap()
    );
    assert!(
        !store
            .activation_trouble(&known, Some("the folder is gone"))
            .await
            .unwrap()
    );
    assert_eq!(
        of(&store, "t").await.trouble.as_deref(),
        Some("the folder is gone")
    );
    assert!(store.activation_trouble(&known, None).await.unwrap());
    assert_eq!(of(&store, "t").await.trouble, None);
}
