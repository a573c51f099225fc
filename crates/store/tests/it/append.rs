//! Writing events and reading them back.

use baton_core::error::StepError;
use baton_core::machine::Parent;
use baton_store::{
    Append, Appended, OpenOptions, QuestionChanges, QuestionRow, RunFilter, RunRow, Store,
    StoreError,
};
use proptest::prelude::*;
use serde_json::json;

use crate::common::{batch, end, execute, line, open, row, store};

#[tokio::test]
async fn what_was_appended_is_read_back_in_order() {
    let (dir, store) = store().await;
    let first = batch("r", 0, 300);
    assert_eq!(
        store.append(first.clone()).await,
        Ok(Appended {
            number: 1,
            seq: 300
        })
    );
    let second = batch("r", 300, 7);
    assert_eq!(
        store.append(second.clone()).await,
        Ok(Appended {
            number: 1,
            seq: 307
        })
    );

    let whole: Vec<_> = first.events.iter().chain(&second.events).cloned().collect();
    assert_eq!(store.events("r", 0, 1_000).await, Ok(whole.clone()));
    assert_eq!(
        store.events("r", 298, 4).await,
        Ok(whole[298..302].to_vec())
    );
    assert_eq!(store.events("r", 307, 10).await, Ok(vec![]));
    assert_eq!(store.events("unknown", 0, 10).await, Ok(vec![]));

    store.close().await;
    let again = open(dir.path()).await;
    assert_eq!(again.events("r", 0, 1_000).await, Ok(whole));
}

#[tokio::test]
async fn a_writer_that_is_behind_cannot_append() {
    let (_dir, store) = store().await;
    store.append(batch("r", 0, 3)).await.expect("a new run");
    let conflict = |expected| {
        Err(StoreError::Conflict {
            run: "r".to_owned(),
            expected,
            found: 3,
        })
    };
    assert_eq!(store.append(batch("r", 2, 1)).await, conflict(2));
    assert_eq!(store.append(batch("r", 0, 1)).await, conflict(0));
    assert_eq!(store.append(batch("r", 4, 1)).await, conflict(4));
    let unknown = Err(StoreError::NotFound {
        what: "run",
        id: "s".to_owned(),
    });
    assert_eq!(store.append(batch("s", 3, 1)).await, unknown);

    assert_eq!(store.events("r", 0, 10).await.expect("events").len(), 3);
    assert_eq!(
        store.append(batch("r", 3, 1)).await,
        Ok(Appended { number: 1, seq: 4 })
    );
}

#[tokio::test]
async fn nothing_follows_an_end() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 1)).await.expect("a new run");
    store.append(end("r", 1)).await.expect("its end");
    let ended = Err(StoreError::Ended {
        run: "r".to_owned(),
    });
    assert_eq!(store.append(batch("r", 2, 1)).await, ended);
    assert_eq!(store.append(batch("r", 1, 1)).await, ended);
    store.close().await;

    let error = execute(dir.path(), "UPDATE runs SET ended_at = NULL")
        .await
        .expect_err("final");
    assert!(error.to_string().contains("the run has ended"), "{error}");
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_the_log() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 2)).await.expect("a new run");
    store.close().await;
    for (statement, said) in [
        ("UPDATE events SET at = 0 WHERE seq = 1", "never changed"),
        ("DELETE FROM events WHERE seq = 2", "never removed"),
        ("DELETE FROM runs", "never removed"),
        (
            "INSERT INTO events SELECT gseq + 9, run, seq, at, type, v, payload, prev_hash, hash FROM events",
            "UNIQUE",
        ),
    ] {
        let error = execute(dir.path(), statement).await.expect_err(statement);
        assert!(error.to_string().contains(said), "{statement}: {error}");
    }
}

#[tokio::test]
async fn a_batch_that_contradicts_itself_is_refused() {
    let (_dir, store) = store().await;
    let question = QuestionRow {
        run: "other".to_owned(),
        step: "a".to_owned(),
        question: json!({}),
        asked_at: 1,
        answers: json!([]),
        is_outcome: false,
    };
    let gap = Append {
        events: vec![line(1, "x"), line(3, "x")],
        ..batch("r", 0, 2)
    };
    let empty = Append {
        events: vec![],
        summary: row("r", 0),
        ..batch("r", 0, 1)
    };
    let foreign = Append {
        summary: row("s", 1),
        ..batch("r", 0, 1)
    };
    let late = Append {
        summary: row("r", 2),
        ..batch("r", 0, 1)
    };
    let asked = Append {
        questions: QuestionChanges {
            put: vec![question],
            closed: vec![],
        },
        ..batch("r", 0, 1)
    };
    let endless = Append {
        summary: row("r", 1),
        ..end("r", 0)
    };
    for wrong in [gap, empty, foreign, late, asked, endless] {
        let error = store
            .append(wrong)
            .await
            .expect_err("it contradicts itself");
        assert_eq!(error.code(), "store-invalid", "{error}");
    }
    assert_eq!(store.run("r").await, Ok(None));
}

#[tokio::test]
async fn runs_are_listed_counted_and_found() {
    let (_dir, store) = store().await;
    let whole = RunRow {
        number: 1,
        path: Some("/tmp/a.baton.json".to_owned()),
        work_dir: Some("/tmp".to_owned()),
        outcome: None,
        by: Some("cli".to_owned()),
        steps_done: 1,
        steps_total: 4,
        waiting_for: vec!["an answer of Ada".to_owned()],
        error: Some(StepError::new("timeout", "it took too long").hint("wait longer")),
        parent: Some(Parent {
            run: "p".to_owned(),
            step: "call".to_owned(),
        }),
        ..row("0197-aa", 1)
    };
    store
        .append(Append {
            summary: whole.clone(),
            ..batch("0197-aa", 0, 1)
        })
        .await
        .expect("a run");
    for n in 2..=5 {
        let id = format!("0197-b{n}");
        let summary = RunRow {
            workflow_name: "Ordering".to_owned(),
            ..row(&id, 1)
        };
        store
            .append(Append {
                summary,
                ..batch(&id, 0, 1)
            })
            .await
            .expect("a run");
    }
    store.append(end("0197-b5", 1)).await.expect("its end");

    assert_eq!(store.run("0197-aa").await, Ok(Some(whole.clone())));
    assert_eq!(store.children("p").await, Ok(vec![whole]));
    let numbers = |runs: &[RunRow]| runs.iter().map(|run| run.number).collect::<Vec<_>>();
    let open = store.open_runs().await.expect("open runs");
    assert_eq!(numbers(&open), [1, 2, 3, 4]);

    let all = RunFilter {
        limit: 2,
        offset: 1,
        ..RunFilter::default()
    };
    let (page, total) = store.runs(all).await.expect("a page");
    assert_eq!((numbers(&page), total), (vec![4, 3], 5));
    for (search, expected) in [
        ("order", vec![5, 4, 3, 2]),
        ("0197-B3", vec![3]),
        ("4", vec![4]),
        (" ", vec![5, 4, 3, 2, 1]),
        ("%", vec![]),
    ] {
        let filter = RunFilter {
            search: Some(search.to_owned()),
            limit: 50,
            ..RunFilter::default()
        };
        let (page, total) = store.runs(filter).await.expect("a page");
        assert_eq!(
            (numbers(&page), total as usize),
            (expected.clone(), expected.len()),
            "{search}"
        );
    }
    let ended = RunFilter {
        status: Some("succeeded".to_owned()),
        limit: 50,
        ..RunFilter::default()
    };
    assert_eq!(numbers(&store.runs(ended).await.expect("a page").0), [5]);
}

#[tokio::test]
async fn questions_open_change_and_close_with_their_run() {
    let (_dir, store) = store().await;
    let question = |step: &str, answers: serde_json::Value| QuestionRow {
        run: "r".to_owned(),
        step: step.to_owned(),
        question: json!({ "title": "Ship it?" }),
        asked_at: 7,
        answers,
        is_outcome: step == "c",
    };
    let put = vec![
        question("a", json!([])),
        question("b", json!([])),
        question("c", json!([])),
    ];
    let questions = QuestionChanges {
        put: put.clone(),
        closed: vec![],
    };
    store
        .append(Append {
            questions,
            ..batch("r", 0, 1)
        })
        .await
        .expect("asked");
    assert_eq!(store.open_questions().await, Ok(put));

    let answered = question("b", json!(["ada"]));
    let questions = QuestionChanges {
        put: vec![answered.clone()],
        closed: vec!["a".to_owned()],
    };
    store
        .append(Append {
            questions,
            ..batch("r", 1, 1)
        })
        .await
        .expect("answered");
    assert_eq!(
        store.open_questions().await,
        Ok(vec![answered, question("c", json!([]))])
    );

    store.append(end("r", 2)).await.expect("its end");
    assert_eq!(store.open_questions().await, Ok(vec![]));
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let (_dir, store) = store().await;
    let other = store.clone();
    store.close().await;
    store.close().await;
    assert_eq!(
        other.append(batch("r", 0, 1)).await,
        Err(StoreError::Closed)
    );
    assert_eq!(other.run("r").await, Err(StoreError::Closed));
}

#[tokio::test]
async fn a_store_that_is_dropped_gives_the_folder_back() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 1)).await.expect("a run");
    drop(store);
    for _ in 0..200 {
        match Store::open(dir.path(), OpenOptions::default()).await {
            Ok(again) => {
                assert_eq!(again.events("r", 0, 9).await.expect("events").len(), 1);
                return;
            }
            Err(StoreError::Locked { .. }) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the folder stays locked");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However events are cut into batches, the log is the same, whole and in order.
    #[test]
    fn any_cut_into_batches_gives_the_same_log(cuts in prop::collection::vec(1_u32..300, 1..8)) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let (_dir, store) = store().await;
            let mut expected = 0;
            let mut whole = Vec::new();
            for count in cuts {
                let batch = batch("r", expected, count);
                whole.extend(batch.events.clone());
                expected = store.append(batch).await.expect("it follows").seq;
            }
            assert_eq!(store.events("r", 0, u32::MAX).await, Ok(whole));
            let verified = store.verify().await.expect("it can be checked");
            assert_eq!((verified.events, verified.damage), (u64::from(expected), vec![]));
            store.close().await;
        });
    }
}
