//! Histories that were recorded once are replayed by every build; a changed order is found.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_temporal::fold::Fold;
use baton_temporal::home::Home;
use baton_temporal::workflow::BatonRun;
use temporalio_client::WorkflowHistory;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::history::v1::{History, HistoryEvent};
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};

use crate::script;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories")
}

fn home() -> Home {
    let mut home = Home::new(corpus().join("blobs"), corpus());
    home.tasks = script::tasks();
    home
}

fn recorded() -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = std::fs::read_dir(corpus())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

async fn replay(history: History) -> Result<(), String> {
    let home = Arc::new(home());
    let mut options = WorkflowReplayerOptions::new()
        .register_workflow_with_factory::<BatonRun, _>(move || BatonRun::new(home.clone()))
        .unwrap()
        .build();
    options.task_queue = "baton".to_owned();
    let replayer = WorkflowReplayer::new(options).unwrap();
    let bytes = serde_json::to_vec(&history).unwrap();
    let history = WorkflowHistory::from_json(&bytes).unwrap();
    let result = replayer.replay_workflow(history).await;
    result.map(drop).map_err(|error| format!("{error:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recorded_history_is_replayed() {
    let recorded = recorded();
    assert!(recorded.len() >= 8, "{} histories", recorded.len());
    for (name, bytes) in recorded {
        let history: History = serde_json::from_slice(&bytes).unwrap();
        let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) =
            &history.events[0].attributes
        else {
            panic!("{name} does not begin at its beginning");
        };
        let mut fold = Fold::new(Arc::new(home()), started.workflow_id.clone());
        fold.read(&history.events).unwrap();
        assert!(fold.closed().is_some(), "{name}");
        replay(history)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_order_is_reported() {
    let mut changed = 0;
    for (name, bytes) in recorded() {
        let mut history: History = serde_json::from_slice(&bytes).unwrap();
        if !swap_two(&mut history.events) {
            continue;
        }
        changed += 1;
        let error = replay(history).await.unwrap_err();
        assert!(
            error.to_lowercase().contains("determinis"),
            "{name}: {error}"
        );
    }
    assert!(changed > 0, "no history has two steps that began together");
}

/// Exchanges two steps that began together: as if the machine had decided in another order.
fn swap_two(events: &mut [HistoryEvent]) -> bool {
    for at in 1..events.len() {
        let (before, after) = events.split_at_mut(at);
        let first = before.last_mut().unwrap().attributes.as_mut();
        if let (
            Some(Attributes::ActivityTaskScheduledEventAttributes(one)),
            Some(Attributes::ActivityTaskScheduledEventAttributes(other)),
        ) = (first, after[0].attributes.as_mut())
        {
            std::mem::swap(&mut one.activity_id, &mut other.activity_id);
            return true;
        }
    }
    false
}
