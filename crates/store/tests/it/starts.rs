//! Starts are noted, and runs can be set aside.

use baton_store::{QuarantineRow, RunFilter, StartRow, TakingUp};

use crate::common::{batch, open, store};

fn start(id: i64) -> StartRow {
    StartRow {
        id,
        at: id * 10,
        version: "1.0.0".to_owned(),
        ended_at: None,
        taking_up: Some(TakingUp::All),
        is_safe: false,
        forgiven: false,
    }
}

#[tokio::test]
async fn a_start_says_what_it_was_doing_when_it_died() {
    let (dir, store) = store().await;
    store.start_began(&start(1)).await.expect("noted");
    store.start_ended(1, 15).await.expect("noted");
    store.start_began(&start(2)).await.expect("noted");
    let one = Some(TakingUp::One("run-7".to_owned()));
    store.start_takes_up(2, one.clone()).await.expect("noted");
    store.close().await;

    let store = open(dir.path()).await;
    let starts = store.starts().await.expect("they can be read");
    assert_eq!(starts[0].taking_up, one);
    assert_eq!(starts[0].ended_at, None);
    assert_eq!(
        (starts[1].ended_at, &starts[1].taking_up),
        (Some(15), &None)
    );
    store.starts_forgive().await.expect("noted");
    assert!(
        store
            .starts()
            .await
            .expect("read")
            .iter()
            .all(|start| start.forgiven)
    );
}

#[tokio::test]
async fn only_the_last_fifty_starts_are_kept() {
    let (_dir, store) = store().await;
    for id in 1..=53 {
        store.start_began(&start(id)).await.expect("noted");
    }
    let starts = store.starts().await.expect("they can be read");
    assert_eq!(starts.len(), 50);
    assert_eq!((starts[0].id, starts[49].id), (53, 4));
}

#[tokio::test]
async fn a_run_that_is_set_aside_says_so_until_it_is_released() {
    let (_dir, store) = store().await;
    for run in ["a", "b"] {
        store.append(batch(run, 0, 3)).await.expect("it is new");
    }
    let row = QuarantineRow {
        run: "b".to_owned(),
        at: 7,
        reason: "Baton ended while it took the run up".to_owned(),
    };
    store.quarantine_put(&row).await.expect("set aside");
    store.quarantine_put(&row).await.expect("once");
    assert_eq!(store.quarantine().await, Ok(vec![row.clone()]));
    let filter = RunFilter {
        limit: 9,
        ..RunFilter::default()
    };
    let (rows, _) = store.runs(filter).await.expect("runs");
    let marks: Vec<_> = rows.iter().map(|row| row.quarantined.as_deref()).collect();
    assert_eq!(marks, [Some(row.reason.as_str()), None]);
    store.quarantine_release("b").await.expect("released");
    store.quarantine_release("b").await.expect("was released");
    let run = store.run("b").await.expect("read").expect("it is there");
    assert_eq!(run.quarantined, None);
}
