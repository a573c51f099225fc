//! Schedules on a clock that is turned by hand: forwards, backwards, and while nobody looks.

use std::sync::Arc;

use baton_core::machine::Event;
use baton_engine::ManualClock;
use baton_store::FiringState;
use serde_json::{Value, json};

use super::{HOUR, due, states};
use crate::support::{Bench, START};

#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write the values in place"
)]
fn hourly(more: Value) -> Value {
    let mut trigger =
        json!({ "id": "t", "kind": "schedule", "cron": "0 * * * *", "overlap": "allow" });
    trigger
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!([trigger])
}

fn at(instant: &str) -> i64 {
    instant.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// A bench whose clock shows this.
async fn bench_at(instant: &str) -> Bench {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    Bench::open(dir, ManualClock::new(at(instant)), Arc::default(), None).await
}

#[tokio::test]
async fn a_schedule_starts_a_run_that_knows_why() {
    let bench = Bench::new().await;
    bench.triggers().start();
    let input = json!({ "due": "{% trigger.due %}", "late": "{% trigger.payload.missed %}", "of": "{% trigger.id %}" });
    bench
        .activate(hourly(
            json!({ "timeZone": "Europe/Berlin", "input": input }),
        ))
        .await;
    bench.turn(HOUR / 2).await;
    bench.turn(HOUR / 2).await;
    let started = bench.started(1).await;
    assert_eq!(started[0].key, "schedule:2027-01-15T09:00:00Z");
    let run = bench.ended(&started[0].run).await;
    let row = bench.store.run(&run.run).await.unwrap().unwrap();
    assert_eq!(row.by.as_deref(), Some("t"));
    let given = bench
        .until(&run.run, |event| match event {
            Event::RunStarted { input, .. } => Some(input.clone()),
            _ => None,
        })
        .await;
    assert_eq!(
        given,
        json!({ "due": "2027-01-15T10:00:00+01:00", "late": false, "of": "t" })
    );
    for hour in 2..5 {
        bench.clock.advance(HOUR);
        bench.started(hour).await;
    }
}

#[tokio::test]
async fn what_was_missed_while_baton_was_off_follows_the_policy() {
    for (settings, fired, reason) in [
        (json!({ "missed": "skip" }), vec![], "`missed` is `skip`"),
        (json!({}), vec![5], "only the last one"),
        (
            json!({ "missed": "last", "within": "10m" }),
            vec![],
            "longer ago than 10m",
        ),
        (json!({ "missed": "all" }), vec![5], "only the last 1"),
        (
            json!({ "missed": "all", "atMost": 3 }),
            vec![3, 4, 5],
            "only the last 3",
        ),
        (
            json!({ "missed": "all", "atMost": 9, "within": "100m" }),
            vec![4, 5],
            "longer ago than 1h 40m",
        ),
    ] {
        let bench = Bench::new().await;
        bench.triggers().start();
        bench.activate(hourly(settings.clone())).await;
        let bench = bench.crash().await;
        bench.clock.advance(5 * HOUR + HOUR / 2);
        bench.triggers().start();
        let all = bench
            .firings_until(|all| all.len() == 5 && states(all, FiringState::Pending) == 0)
            .await;
        assert_eq!(due(&all, FiringState::Started), fired, "{settings}");
        assert!(
            all[0].reason.as_deref().unwrap().contains(reason),
            "{settings}: {:?}",
            all[0].reason
        );
        assert_eq!(bench.runs().await.len(), fired.len(), "{settings}");
        // Started once more, nothing is made up for again.
        let bench = bench.crash().await;
        bench.triggers().start();
        bench.clock.advance(HOUR / 2);
        bench
            .firings_until(|all| all.len() == 6 && states(all, FiringState::Pending) == 0)
            .await;
        assert_eq!(bench.runs().await.len(), fired.len() + 1, "{settings}");
    }
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_is_a_machine_that_slept() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench.activate(hourly(json!({}))).await;
    bench.clock.advance(3 * HOUR + HOUR / 2);
    let all = bench
        .firings_until(|all| all.len() == 3 && states(all, FiringState::Pending) == 0)
        .await;
    assert_eq!(due(&all, FiringState::Started), [3]);
    assert_eq!(due(&all, FiringState::Missed), [1, 2]);
}

#[tokio::test]
async fn a_clock_that_goes_back_fires_nothing_twice() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench.activate(hourly(json!({}))).await;
    for hour in 1..=3 {
        bench.clock.advance(HOUR);
        bench.started(hour).await;
    }
    bench.clock.advance(-2 * HOUR - HOUR / 2);
    // A restart meets the earlier clock, too.
    let bench = bench.crash().await;
    bench.triggers().start();
    bench.triggers().looked().await;
    for _ in 0..7 {
        bench.turn(HOUR / 2).await;
    }
    let started = bench.started(4).await;
    let hours: Vec<i64> = started
        .iter()
        .map(|firing| (firing.due.unwrap() - START) / HOUR)
        .collect();
    assert_eq!(hours, [1, 2, 3, 4]);
    assert_eq!(bench.runs().await.len(), 4);
}

#[tokio::test]
async fn a_clock_that_was_ahead_for_a_year_does_not_silence_a_schedule() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench.activate(hourly(json!({ "missed": "skip" }))).await;
    bench.clock.advance(365 * 24 * HOUR);
    bench
        .firings_until(|all| all.iter().any(|firing| firing.count > 8_000))
        .await;
    bench.clock.advance(-365 * 24 * HOUR + HOUR / 2);
    let bench = bench.crash().await;
    bench.triggers().start();
    bench.triggers().looked().await;
    bench.turn(HOUR / 2).await;
    bench
        .firings_until(|all| {
            all.iter().any(|firing| {
                firing.due == Some(START + HOUR) && firing.state == FiringState::Started
            })
        })
        .await;
}

#[tokio::test]
async fn a_long_absence_is_one_record() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench
        .activate(json!([{ "id": "t", "kind": "schedule", "every": "1m" }]))
        .await;
    let bench = bench.crash().await;
    bench.clock.advance(400 * 24 * HOUR + 30_000);
    bench.triggers().start();
    bench.started(1).await;
    let all = bench.firings().await;
    assert_eq!(all.len(), 2);
    assert_eq!(
        (all[0].state, all[0].count),
        (FiringState::Missed, 400 * 24 * 60 - 1)
    );
    assert_eq!(all[0].due, Some(START + 60_000));
    assert_eq!(all[0].until, Some(all[1].due.unwrap() - 60_000));
}

#[tokio::test]
async fn a_pause_is_recorded() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench.activate(hourly(json!({}))).await;
    bench.triggers().pause("test", None, "eva").await.unwrap();
    bench.clock.advance(2 * HOUR + HOUR / 2);
    let bench = bench.crash().await;
    bench.triggers().start();
    bench.clock.advance(HOUR);
    bench
        .triggers()
        .resume("test", Some("t"), "eva")
        .await
        .unwrap();
    bench.clock.advance(HOUR / 2);
    bench.started(1).await;
    let all = bench.firings().await;
    assert_eq!(due(&all, FiringState::Skipped), [1, 2, 3]);
    assert_eq!(all[0].reason.as_deref(), Some("the trigger was paused"));
    assert_eq!(due(&all, FiringState::Started), [4]);
    let listed = bench.triggers().list().await.unwrap();
    assert_eq!(listed[0].activation.changed_by, "eva");
}

#[tokio::test]
async fn an_edit_changes_nothing_until_it_is_activated_and_then_from_that_instant_on() {
    let bench = Bench::new().await;
    bench.triggers().start();
    bench.activate(hourly(json!({}))).await;
    // While triggers do not act, as in one command: another schedule is activated.
    let bench = bench.crash().await;
    bench.clock.advance(2 * HOUR + HOUR / 2);
    let revision = bench
        .activate(json!([{ "id": "t", "kind": "schedule", "cron": "45 * * * *" }]))
        .await;
    assert_eq!(revision, 2);
    bench.triggers().start();
    bench.clock.advance(HOUR / 4);
    let started = bench.started(1).await;
    assert_eq!(started[0].due, Some(START + 2 * HOUR + HOUR * 3 / 4));
    assert_eq!(started[0].revision, 2);
    assert_eq!(bench.firings().await.len(), 1);
}

#[tokio::test]
async fn a_fixed_time_fires_once_in_the_night_that_skips_it() {
    let bench = bench_at("2027-03-27T23:00:00Z").await;
    bench.triggers().start();
    bench
        .activate(json!([{ "id": "t", "kind": "schedule", "cron": "30 2 * * *", "timeZone": "Europe/Berlin" }]))
        .await;
    for _ in 0..5 {
        bench.turn(HOUR).await;
    }
    let started = bench.started(1).await;
    assert_eq!(started[0].key, "schedule:2027-03-28T01:00:00Z");
    assert_eq!(started[0].payload["due"], "2027-03-28T03:00:00+02:00");
}

#[tokio::test]
async fn the_hour_that_comes_twice_fires_a_fixed_time_once_and_an_interval_twice() {
    for (cron, expected) in [
        ("30 2 * * *", vec!["2027-10-31T00:30:00Z"]),
        (
            "30 * * * *",
            vec![
                "2027-10-31T00:30:00Z",
                "2027-10-31T01:30:00Z",
                "2027-10-31T02:30:00Z",
            ],
        ),
    ] {
        let bench = bench_at("2027-10-31T00:00:00Z").await;
        bench.triggers().start();
        bench
            .activate(json!([{ "id": "t", "kind": "schedule", "cron": cron, "timeZone": "Europe/Berlin", "overlap": "allow",
                "missed": "all", "atMost": 9 }]))
            .await;
        for _ in 0..6 {
            bench.turn(HOUR / 2).await;
        }
        let started = bench.started(expected.len()).await;
        let keys: Vec<String> = started.iter().map(|firing| firing.key.clone()).collect();
        let expected: Vec<String> = expected.iter().map(|at| format!("schedule:{at}")).collect();
        assert_eq!(keys, expected);
    }
}
