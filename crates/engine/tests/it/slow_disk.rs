//! The computer sleeps while the disk has not answered yet.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use baton_core::kind_version::Versions;
use baton_core::machine::Event;
use baton_engine::Journal;
use baton_store::{Append, Appended, Store, StoreError};
use serde_json::json;
use tokio::sync::watch;

use crate::support::{Bench, catalog, count, workflow};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A journal that can be held up.
#[derive(Debug)]
struct Held {
    store: Store,
    is_held: watch::Sender<bool>,
    waiting: watch::Sender<u32>,
}

#[async_trait]
impl Journal for Held {
    async fn append(&self, batch: &Append) -> Result<Appended, StoreError> {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let mut is_held = self.is_held.subscribe();
        is_held.wait_for(|is_held| !is_held).await.unwrap();
        self.store.append_ref(batch).await
    }
}

/// Waits until the engine has noticed so many sleeps.
async fn noticed(bench: &Bench, sleeps: usize) {
    for _ in 0..2_000 {
        if bench.store.host_log(100).await.unwrap().len() >= sleeps {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the sleep is not noticed");
}

#[tokio::test]
async fn a_time_limit_is_put_off_by_sleeps_while_the_disk_is_slow() {
    let mut journal = None;
    let bench = Bench::set_up(|config| {
        let held = Arc::new(Held {
            store: config.store.clone(),
            is_held: watch::Sender::new(true),
            waiting: watch::Sender::new(0),
        });
        journal = Some(held.clone());
        config.journal = held;
    })
    .await;
    let journal = journal.unwrap();
    let mut waiting = journal.waiting.subscribe();
    let scoped = workflow(json!({
        "steps": [{ "id": "s", "kind": "scope", "timeout": "1h", "body": {
            "steps": [{ "id": "ask", "kind": "approval", "with": { "to": ["lead"] } }], "edges": [] } }]
    }));
    let start = bench.start(&scoped, json!(null));
    let sleep = async {
        // The limit began, and is not on the disk yet.
        waiting.wait_for(|waiting| *waiting == 1).await.unwrap();
        bench.clock.suspend(2 * HOUR);
        bench.clock.advance(1_000);
        noticed(&bench, 1).await;
        journal.is_held.send_replace(false);
    };
    let (run, ()) = tokio::join!(start, sleep);
    let resumed = |event: &Event| matches!(event, Event::HostResumed { .. }).then_some(());
    bench.until(&run, resumed).await;

    // Two sleeps while one write waits: the limit would be reached by the first, were it not put off.
    journal.is_held.send_replace(true);
    let pause = bench.engine.pause(&run, "kim");
    let sleep = async {
        waiting.wait_for(|waiting| *waiting == 3).await.unwrap();
        for sleeps in 2..4 {
            bench.clock.suspend(2 * HOUR);
            bench.clock.advance(1_000);
            noticed(&bench, sleeps).await;
        }
        journal.is_held.send_replace(false);
    };
    let (paused, ()) = tokio::join!(pause, sleep);
    paused.unwrap();
    bench.engine.resume(&run, "kim").await.unwrap();
    bench.clock.advance(50 * MINUTE);
    bench.status(&run, "waiting").await;
    let events = bench.events(&run).await;
    assert_eq!(count(&events, "TimerFired"), 0, "{events:#?}");
    bench.clock.advance(11 * MINUTE);
    let fired = |event: &Event| match event {
        Event::TimerFired { timer } => Some(timer.clone()),
        _ => None,
    };
    assert_eq!(bench.until(&run, fired).await, "timeout:s");
}

#[tokio::test]
async fn a_run_that_this_build_cannot_carry_on_says_so_when_it_is_woken() {
    let bench = Bench::drowsy().await;
    let waits = workflow(json!({
        "steps": [{ "id": "w", "kind": "wait", "with": { "for": "1h" } }, { "id": "last", "kind": "act" }],
        "edges": [{ "from": "w", "to": "last" }]
    }));
    let run = bench.start(&waits, json!(null)).await;
    bench.status(&run, "waiting").await;
    let newer = || {
        let standard = catalog();
        let tasks = standard.all().filter(|kind| !kind.is_control).cloned();
        let changed = Versions { now: 2, oldest: 2 };
        let catalog = baton_core::step_kind::Catalog::new(tasks.collect::<Vec<_>>());
        Arc::new(catalog.with_versions([("act", changed)]))
    };
    let bench = bench.crash_into(|config| config.catalog = newer()).await;
    assert_eq!(bench.engine.left_out(&run), None, "nobody has looked yet");
    bench.clock.advance(HOUR);
    for _ in 0..2_000 {
        if bench.engine.left_out(&run).is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let why = bench.engine.left_out(&run).unwrap();
    assert!(why.contains("mean something else"), "{why}");
    // The build that began it carries it on.
    let bench = bench.crash().await;
    assert_eq!(bench.engine.left_out(&run), None);
    bench.ended(&run).await;
    assert_eq!(bench.script.log(), ["act last"]);
}
