//! What a firing comes to: overlapping runs, revisions, pauses, inputs, overload.

use std::sync::Arc;

use baton_engine::EngineError;
use baton_engine::triggers::{Activate, Fired, MOST_WAITING, Recording};
use baton_store::{FiringState, NewFiring};
use serde_json::{Value, json};

use super::{flow, states};
use crate::support::{Act, Bench};

fn hook(overlap: &str) -> Value {
    json!([{ "id": "t", "kind": "webhook", "secret": "hook", "overlap": overlap }])
}

async fn busy(overlap: &str) -> Bench {
    let bench = Bench::new().await;
    bench.script.on("a", [Act::Hang]);
    bench.triggers().start();
    bench.activate(hook(overlap)).await;
    bench.record(1, "one").await;
    let first = bench.started(1).await;
    bench.status(&first[0].run, "running").await;
    bench
}

fn is_accepted(recording: &Recording) -> bool {
    matches!(recording, Recording::Accepted { .. })
}

#[tokio::test]
async fn a_firing_is_skipped_while_the_run_before_goes_on() {
    let bench = busy("skip").await;
    assert!(is_accepted(&bench.record(1, "two").await));
    let all = bench
        .firings_until(|all| states(all, FiringState::Skipped) == 1)
        .await;
    assert_eq!(
        all[1].reason.as_deref(),
        Some("run 1 of this trigger is not over")
    );
    bench
        .engine
        .cancel(&all[0].run, "kim", None, false)
        .await
        .unwrap();
    bench.ended(&all[0].run).await;
    bench.record(1, "three").await;
    bench.started(2).await;
}

#[tokio::test]
async fn a_firing_waits_for_the_run_before() {
    let bench = busy("queue").await;
    for key in ["two", "three"] {
        bench.record(1, key).await;
    }
    let all = bench
        .firings_until(|all| states(all, FiringState::Queued) == 1)
        .await;
    assert_eq!(
        all[1].reason.as_deref(),
        Some("run 1 of this trigger has to end first")
    );
    // Also over a restart.
    let bench = bench.crash().await;
    bench.triggers().start();
    for done in 1..=2 {
        let run = bench.started(done).await[done - 1].run.clone();
        bench.engine.cancel(&run, "kim", None, false).await.unwrap();
        bench.ended(&run).await;
    }
    let started = bench.started(3).await;
    let keys: Vec<&str> = started.iter().map(|firing| firing.key.as_str()).collect();
    assert_eq!(keys, ["one", "two", "three"]);
}

#[tokio::test]
async fn runs_overlap_where_they_may() {
    let bench = busy("allow").await;
    for key in ["two", "three", "four"] {
        bench.record(1, key).await;
    }
    let started = bench.started(4).await;
    for firing in started {
        bench.status(&firing.run, "running").await;
    }
}

#[tokio::test]
async fn a_later_firing_takes_the_place_of_the_run_before() {
    let bench = busy("cancel").await;
    bench.record(1, "two").await;
    let started = bench.started(2).await;
    assert_eq!(
        bench.ended(&started[0].run).await.outcome,
        baton_core::machine::Outcome::Cancelled
    );
    bench.status(&started[1].run, "running").await;
}

#[tokio::test]
async fn a_source_of_an_old_revision_is_told_so() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench.activate(hook("allow")).await;
    let first = bench.record(1, "a").await;
    let Recording::Accepted { run } = first else {
        panic!("{first:?}");
    };
    assert_eq!(
        bench.record(1, "a").await,
        Recording::Duplicate { run: Some(run) }
    );
    assert_eq!(bench.activate(hook("skip")).await, 2);
    assert_eq!(bench.record(1, "b").await, Recording::Revoked);
    assert!(is_accepted(&bench.record(2, "b").await));
    bench.triggers().pause("test", None, "eva").await.unwrap();
    assert_eq!(bench.record(2, "c").await, Recording::Paused);
    // A person may.
    bench
        .triggers()
        .fire("test", "t", Some("k"), None, "eva")
        .await
        .unwrap();
    bench.triggers().resume("test", None, "eva").await.unwrap();
    bench
        .triggers()
        .deactivate("test", None, "eva")
        .await
        .unwrap();
    assert_eq!(bench.record(2, "d").await, Recording::Revoked);
    let refused = bench
        .triggers()
        .fire("test", "t", None, None, "eva")
        .await
        .unwrap_err();
    assert!(matches!(refused, EngineError::Refused { code, .. } if code == "not-active"));
}

#[tokio::test]
async fn what_waits_when_a_trigger_is_taken_back_says_so() {
    let bench = busy("queue").await;
    bench.record(1, "two").await;
    bench
        .firings_until(|all| states(all, FiringState::Queued) == 1)
        .await;
    bench
        .triggers()
        .deactivate("test", Some("t"), "eva")
        .await
        .unwrap();
    let all = bench
        .firings_until(|all| states(all, FiringState::Skipped) == 1)
        .await;
    assert!(all[1].reason.as_deref().unwrap().contains("taken back"));
    assert_eq!(bench.runs().await.len(), 1);
}

#[tokio::test]
async fn too_much_is_refused_before_it_is_taken() {
    let bench = Bench::new().await;
    bench.activate(hook("queue")).await;
    bench.triggers().pause("test", None, "eva").await.unwrap();
    let many = (0..MOST_WAITING).map(|number| NewFiring {
        run: format!("run-{number}"),
        by: Some("eva".to_owned()),
        ..NewFiring::new("test", "t", 1, &format!("{number}"), 0)
    });
    bench.store.record(many.collect(), None).await.unwrap();
    let refused = bench.record(1, "more").await;
    assert!(matches!(refused, Recording::Overloaded { retry_after_ms } if retry_after_ms > 0));
    assert!(
        bench
            .store
            .firing("test", "t", "more")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn the_input_comes_from_hand_trigger_and_activation_in_this_order() {
    let bench = Bench::new().await;
    bench.triggers().start();
    let triggers = json!([{ "id": "t", "kind": "manual", "input": { "b": "trigger", "c": "{% trigger.payload.by %}", "d": 1 } }]);
    bench
        .triggers()
        .activate(Activate {
            workflow: Arc::new(flow("test", triggers)),
            path: None,
            work_dir: bench.work_dir(),
            input: Some(json!({ "a": "activation", "b": "activation" })),
            only: Some(vec!["t".to_owned()]),
            by: "kim".to_owned(),
        })
        .await
        .unwrap();
    let by_hand = Some(json!({ "d": 2 }));
    bench
        .triggers()
        .fire("test", "t", Some("once"), by_hand, "eva")
        .await
        .unwrap();
    bench
        .triggers()
        .fire("test", "t", Some("once"), None, "eva")
        .await
        .unwrap();
    let run = bench.started(1).await[0].run.clone();
    let ended = bench.ended(&run).await;
    let given = bench
        .until(&ended.run, |event| match event {
            baton_core::machine::Event::RunStarted { input, .. } => Some(input.clone()),
            _ => None,
        })
        .await;
    assert_eq!(
        given,
        json!({ "a": "activation", "b": "trigger", "c": "eva", "d": 2 })
    );
    assert_eq!(bench.runs().await.len(), 1);
}

#[tokio::test]
async fn an_input_that_cannot_be_evaluated_is_trouble_that_people_see() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench
        .activate(json!([{ "id": "t", "kind": "webhook", "secret": "hook", "input": { "n": "{% trigger.payload.missing.deep %}" } }]))
        .await;
    bench.record(1, "a").await;
    let all = bench
        .firings_until(|all| states(all, FiringState::Failed) == 1)
        .await;
    let reason = all[0].reason.clone().unwrap();
    assert!(
        reason.contains("`input.n`") && reason.contains("missing"),
        "{reason}"
    );
    let listed = bench.triggers().list().await.unwrap();
    assert_eq!(listed[0].trouble.as_ref(), Some(&reason));
    assert!(bench.runs().await.is_empty());
}

#[tokio::test]
async fn what_could_not_act_is_not_activated() {
    let bench = Bench::new().await;
    for (triggers, code) in [
        (json!([]), "no-trigger"),
        (
            json!([{ "id": "t", "kind": "schedule", "cron": "0 0 30 2 *" }]),
            "trigger-setting",
        ),
        (
            json!([{ "id": "t", "kind": "workflow_finished", "workflow": "test" }]),
            "trigger-circle",
        ),
    ] {
        let refused = bench.try_activate("test", triggers).await.unwrap_err();
        assert!(
            matches!(&refused, EngineError::Refused { code: found, .. } if found == code),
            "{refused:?}"
        );
    }
    // The same id from another file is another workflow.
    bench.activate(hook("skip")).await;
    let other = Activate {
        workflow: Arc::new(flow("test", hook("skip"))),
        path: Some("copy.baton.json".into()),
        work_dir: bench.work_dir(),
        input: None,
        only: None,
        by: "kim".to_owned(),
    };
    let refused = bench.triggers().activate(other).await.unwrap_err();
    assert!(matches!(&refused, EngineError::Refused { code, .. } if code == "other-file"));
}

#[tokio::test]
async fn a_burst_is_carried_out_completely() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench.activate(hook("allow")).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let triggers = bench.triggers();
        tasks.spawn(async move {
            let fired = Fired {
                workflow: "test".to_owned(),
                trigger: "t".to_owned(),
                revision: 1,
                key: format!("{}", number % 100),
                payload: json!(number),
                file: None,
                request: None,
            };
            triggers.record(fired).await.unwrap()
        });
    }
    let said = tasks.join_all().await;
    assert_eq!(said.iter().filter(|said| is_accepted(said)).count(), 100);
    let started = bench.started(100).await;
    for firing in &started {
        bench.ended(&firing.run).await;
    }
    assert_eq!(bench.runs().await.len(), 100);
}
