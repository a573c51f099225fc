//! Taking up open runs after an end: all together, one after the other, or none.

use std::time::Duration;

use baton_core::machine::Outcome;
use baton_engine::{EngineError, TakeUp};
use baton_store::{QuarantineRow, StartRow, TakingUp};
use serde_json::json;

use crate::support::{Act, Bench, workflow};

fn start(id: i64) -> StartRow {
    StartRow {
        id,
        at: 1,
        version: "1".to_owned(),
        ended_at: None,
        taking_up: None,
        is_safe: false,
        forgiven: false,
    }
}

/// Two runs in the middle of their only step.
async fn two_open_runs() -> (Bench, [String; 2]) {
    let bench = Bench::new().await;
    bench.script.on("work", [Act::Hang]);
    let one = workflow(json!({ "steps": [{ "id": "work", "kind": "act" }] }));
    let runs = [
        bench.start(&one, json!(null)).await,
        bench.start(&one, json!(null)).await,
    ];
    while bench.script.log().len() < 2 {
        tokio::task::yield_now().await;
    }
    for id in 1..=2 {
        bench.store.start_began(&start(id)).await.unwrap();
    }
    (bench, runs)
}

async fn taking_up(bench: &Bench) -> Option<TakingUp> {
    bench.store.starts().await.unwrap()[0].taking_up.clone()
}

#[tokio::test]
async fn it_is_noted_what_is_being_taken_up_until_it_proves_harmless() {
    let (bench, runs) = two_open_runs().await;
    let bench = bench.crash_into(|config| config.start = Some(2)).await;
    assert_eq!(taking_up(&bench).await, Some(TakingUp::All));
    while bench.script.log().len() < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for run in &runs {
        bench.engine.cancel(run, "kim", None, false).await.unwrap();
    }
    for _ in 0..2_000 {
        if taking_up(&bench).await.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the note stays");
}

#[tokio::test]
async fn one_after_the_other_each_is_noted_before_it_goes_on() {
    let (bench, runs) = two_open_runs().await;
    let bench = bench
        .crash_into(|config| {
            config.start = Some(2);
            config.take_up = TakeUp::OneByOne;
        })
        .await;
    while bench.script.log().len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        taking_up(&bench).await,
        Some(TakingUp::One(runs[0].clone()))
    );
    assert_eq!(bench.engine.live(), [runs[0].clone()]);
    assert!(bench.engine.stalled(&runs[1]).unwrap().contains("its turn"));
    assert_eq!(bench.engine.left_out(&runs[1]), None, "its turn comes");
    bench
        .engine
        .cancel(&runs[0], "kim", None, false)
        .await
        .unwrap();
    while bench.script.log().len() < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        taking_up(&bench).await,
        Some(TakingUp::One(runs[1].clone()))
    );
    bench
        .engine
        .cancel(&runs[1], "kim", None, false)
        .await
        .unwrap();
    assert_eq!(bench.ended(&runs[1]).await.outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn what_is_not_taken_up_can_be_released_or_cancelled() {
    let (bench, runs) = two_open_runs().await;
    let bench = bench
        .crash_into(|config| config.take_up = TakeUp::None)
        .await;
    assert!(bench.engine.live().is_empty());
    assert!(
        bench
            .engine
            .left_out(&runs[0])
            .unwrap()
            .contains("safe mode")
    );
    let refused = bench.engine.pause(&runs[0], "kim").await;
    assert!(
        matches!(refused, Err(EngineError::Refused { .. })),
        "{refused:?}"
    );
    bench.script.on("work", [Act::Give(json!(1))]);
    bench.engine.take_up(&runs[0]).await.unwrap();
    assert_eq!(bench.ended(&runs[0]).await.outcome, Outcome::Succeeded);
    bench.engine.take_in_hand(&runs[1]).await.unwrap();
    assert_eq!(bench.script.log().len(), 3, "it does not go on");
    bench
        .engine
        .cancel(&runs[1], "kim", None, false)
        .await
        .unwrap();
    assert_eq!(bench.ended(&runs[1]).await.outcome, Outcome::Cancelled);
    assert_eq!(bench.script.log().len(), 3);
    // It leaves memory a moment after its end is on disk.
    while bench.engine.take_up(&runs[1]).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let ended = bench.engine.take_up(&runs[1]).await;
    assert!(
        matches!(ended, Err(EngineError::AlreadyEnded(_))),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_run_that_was_set_aside_stays_aside_when_the_others_go_on() {
    let (bench, runs) = two_open_runs().await;
    let row = QuarantineRow {
        run: runs[0].clone(),
        at: 1,
        reason: "it ended Baton".to_owned(),
    };
    bench.store.quarantine_put(&row).await.unwrap();
    bench.script.on("work", [Act::Give(json!(1))]);
    let bench = bench.crash().await;
    assert_eq!(bench.ended(&runs[1]).await.outcome, Outcome::Succeeded);
    let why = bench.engine.left_out(&runs[0]).unwrap();
    assert_eq!(why, "it was set aside: it ended Baton");
    bench.engine.take_up_rest().await.unwrap();
    bench.store.quarantine_release(&runs[0]).await.unwrap();
    bench.engine.take_up(&runs[0]).await.unwrap();
    assert_eq!(bench.ended(&runs[0]).await.outcome, Outcome::Succeeded);
}
