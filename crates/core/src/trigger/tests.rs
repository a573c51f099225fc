//! Settings that are understood, and those that are not.

use serde_json::{Value, json};

use super::*;
use crate::document::Trigger;

fn read(value: Value) -> (Option<TriggerSpec>, Vec<TriggerTrouble>) {
    let trigger: Trigger = serde_json::from_value(value).unwrap();
    TriggerSpec::read(&trigger)
}

fn spec(value: Value) -> TriggerSpec {
    let (spec, troubles) = read(value);
    assert_eq!(troubles, []);
    spec.unwrap()
}

fn missed(mut settings: Value) -> Missed {
    settings["id"] = json!("a");
    settings["kind"] = json!("schedule");
    settings["cron"] = json!("@daily");
    match spec(settings).kind {
        TriggerKind::Schedule { missed, .. } => missed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_said_has_a_meaning() {
    assert_eq!(missed(json!({})), Missed::Last { within_ms: None });
    assert_eq!(missed(json!({ "missed": "skip" })), Missed::Skip);
    assert_eq!(
        missed(json!({ "missed": "all" })),
        Missed::All {
            at_most: 1,
            within_ms: 86_400_000
        }
    );
    assert_eq!(
        missed(json!({ "missed": "all", "atMost": 10, "within": "2d" })),
        Missed::All {
            at_most: 10,
            within_ms: 172_800_000
        }
    );
    assert_eq!(
        missed(json!({ "missed": "last", "within": "1h" })),
        Missed::Last {
            within_ms: Some(3_600_000)
        }
    );
    for (kind, overlap) in [
        (
            json!({ "id": "a", "kind": "schedule", "every": "1h" }),
            Overlap::Skip,
        ),
        (
            json!({ "id": "a", "kind": "file", "folder": "in" }),
            Overlap::Queue,
        ),
        (
            json!({ "id": "a", "kind": "webhook", "secret": "b" }),
            Overlap::Allow,
        ),
        (
            json!({ "id": "a", "kind": "workflow_finished", "workflow": "b" }),
            Overlap::Queue,
        ),
        (json!({ "id": "a", "kind": "manual" }), Overlap::Allow),
        (
            json!({ "id": "a", "kind": "manual", "overlap": "cancel" }),
            Overlap::Cancel,
        ),
    ] {
        assert_eq!(spec(kind).overlap, overlap);
    }
}

#[test]
fn ends_are_words() {
    for (outcome, expected) in [
        (json!(null), vec![]),
        (json!("failed"), vec!["failed".to_owned()]),
        (
            json!(["failed", "empty"]),
            vec!["failed".to_owned(), "empty".to_owned()],
        ),
    ] {
        let spec = spec(
            json!({ "id": "a", "kind": "workflow_finished", "workflow": "b", "outcome": outcome }),
        );
        let TriggerKind::WorkflowFinished(finished) = spec.kind else {
            panic!("another kind");
        };
        assert_eq!(finished.outcomes, expected);
    }
}

#[test]
fn what_is_wrong_is_told() {
    for (settings, field, part, hint) in [
        (
            json!({ "kind": "schedule" }),
            "cron",
            "never fires",
            "every",
        ),
        (
            json!({ "kind": "schedule", "every": "1h", "missed": "lst" }),
            "missed",
            "`lst`",
            "did you mean `last`?",
        ),
        (
            json!({ "kind": "schedule", "every": "1h", "missed": "all", "atMost": 0 }),
            "atMost",
            "`0`",
            "1 to",
        ),
        (
            json!({ "kind": "schedule", "every": "1h", "missed": "all", "within": "x" }),
            "within",
            "not a duration",
            "24h",
        ),
        (
            json!({ "kind": "manual", "overlap": "quee" }),
            "overlap",
            "`quee`",
            "did you mean `queue`?",
        ),
        (
            json!({ "kind": "manual", "overlap": 1 }),
            "overlap",
            "`1`",
            "`skip`, `queue`",
        ),
        (
            json!({ "kind": "file", "folder": " " }),
            "folder",
            "which folder",
            "name a folder",
        ),
        (
            json!({ "kind": "workflow_finished" }),
            "workflow",
            "which workflow",
            "id of a workflow",
        ),
        (
            json!({ "kind": "workflow_finished", "workflow": "a", "outcome": 1 }),
            "outcome",
            "neither",
            "succeeded",
        ),
        (
            json!({ "kind": "shedule" }),
            "kind",
            "never fires",
            "did you mean `schedule`?",
        ),
    ] {
        let mut settings = settings;
        settings["id"] = json!("a");
        let (spec, troubles) = read(settings);
        assert_eq!(spec, None);
        let first = &troubles[0];
        assert_eq!(first.field, field, "{}", first.message);
        assert!(first.message.contains(part), "{}", first.message);
        assert!(first.hint.contains(hint), "{}", first.hint);
        assert!(!first.is_warning);
    }
}

#[test]
fn what_nobody_reads_is_a_warning() {
    let (spec, troubles) =
        read(json!({ "id": "a", "kind": "schedule", "cron": "@daily", "timezone": "UTC" }));
    assert!(spec.is_some());
    assert!(troubles[0].is_warning);
    assert_eq!(troubles[0].hint, "did you mean `timeZone`?");
    let (spec, troubles) =
        read(json!({ "id": "a", "kind": "schedule", "cron": "@daily", "atMost": 3 }));
    assert!(spec.is_some());
    assert!(troubles[0].is_warning && troubles[0].message.contains("no effect"));
}

#[test]
fn a_few_words_say_when() {
    for (settings, words) in [
        (
            json!({ "kind": "schedule", "cron": "0 6 * * *", "timeZone": "Europe/Berlin" }),
            "every day at 06:00 in Europe/Berlin",
        ),
        (json!({ "kind": "schedule", "every": "15m" }), "every 15m"),
        (
            json!({ "kind": "schedule", "dates": ["2026-12-24", "2027-12-24"] }),
            "2 dates in UTC",
        ),
        (
            json!({ "kind": "file", "folder": "in", "pattern": "*.csv" }),
            "files `*.csv` in `in`",
        ),
        (
            json!({ "kind": "workflow_finished", "workflow": "a", "outcome": ["failed", "empty"] }),
            "end of `a`: failed, empty",
        ),
        (json!({ "kind": "manual" }), "by hand"),
    ] {
        let mut settings = settings;
        settings["id"] = json!("a");
        let trigger: Trigger = serde_json::from_value(settings).unwrap();
        assert_eq!(summary(&trigger), words);
    }
}
