//! Many writers at once, some of which give up.

use std::collections::BTreeMap;
use std::time::Duration;

use baton_store::{StoreError, Verified};

use crate::common::{batch, open, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_that_give_up_lose_nothing_that_was_acknowledged() {
    const WRITERS: u32 = 64;
    let (dir, store) = store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        tasks.spawn(async move {
            let run = format!("run-{writer:02}");
            let mut acknowledged = 0;
            for round in 0..30_u32 {
                // Every third request is dropped somewhere on its way.
                let patience = if round % 3 == 2 {
                    u64::from((writer + round) % 4)
                } else {
                    10_000
                };
                let request = store.append(batch(&run, acknowledged, 1 + round % 5));
                match tokio::time::timeout(Duration::from_millis(patience), request).await {
                    Ok(Ok(appended)) => acknowledged = appended.seq,
                    // The dropped request may have been written, or not.
                    Ok(Err(StoreError::Conflict { found, .. })) => acknowledged = found,
                    Ok(Err(StoreError::NotFound { .. })) => acknowledged = 0,
                    Ok(Err(error)) => panic!("{error}"),
                    Err(_) => {}
                }
                if round % 7 == 0 {
                    store.events(&run, 0, 10).await.expect("reading goes on");
                }
            }
            (run, acknowledged)
        });
    }
    let mut acknowledged = BTreeMap::new();
    while let Some(task) = tasks.join_next().await {
        let (run, seq) = task.expect("no writer panics");
        acknowledged.insert(run, seq);
    }
    store.close().await;

    let store = open(dir.path()).await;
    let mut total = 0;
    for (run, seq) in acknowledged {
        let events = store.events(&run, 0, u32::MAX).await.expect("events");
        assert!(
            events.len() >= seq as usize,
            "{run}: {} of {seq}",
            events.len()
        );
        assert!(
            events.iter().zip(1..).all(|(event, seq)| event.seq == seq),
            "{run} has a gap"
        );
        total += events.len() as u64;
    }
    let Verified { events, damage, .. } = store.verify().await.expect("it can be checked");
    assert_eq!((events, damage), (total, vec![]));
    let (_, runs) = store
        .runs(baton_store::RunFilter::default())
        .await
        .expect("a count");
    assert_eq!(runs, WRITERS);
}

#[tokio::test]
async fn one_refusal_in_a_group_does_not_touch_the_others() {
    let (_dir, store) = store().await;
    for run in ["a", "b", "c"] {
        store.append(batch(run, 0, 1)).await.expect("a run");
    }
    let (a, stale, b, gone, c) = tokio::join!(
        store.append(batch("a", 1, 2)),
        store.append(batch("a", 1, 2)),
        store.append(batch("b", 1, 1)),
        store.append(batch("x", 5, 1)),
        store.append(batch("c", 1, 3)),
    );
    assert_eq!(a.map(|it| it.seq), Ok(3));
    assert_eq!(stale.expect_err("it was first").code(), "store-conflict");
    assert_eq!(b.map(|it| (it.number, it.seq)), Ok((2, 2)));
    assert_eq!(gone.expect_err("there is none").code(), "store-not-found");
    assert_eq!(c.map(|it| (it.number, it.seq)), Ok((3, 4)));
    assert_eq!(
        store.verify().await.expect("checked").damage,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn requests_of_one_run_in_one_group_keep_their_order() {
    let (_dir, store) = store().await;
    let (first, second, third) = tokio::join!(
        store.append(batch("r", 0, 2)),
        store.append(batch("r", 2, 2)),
        store.append(batch("r", 4, 2)),
    );
    assert_eq!(
        [first, second, third].map(|it| it.map(|it| it.seq)),
        [Ok(2), Ok(4), Ok(6)]
    );
    assert_eq!(store.events("r", 0, 9).await.expect("events").len(), 6);
    assert_eq!(
        store.verify().await.expect("checked").damage,
        Vec::<String>::new()
    );
}
