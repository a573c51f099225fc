//! Runs as front ends see them.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::Millis;
use baton_core::machine::{
    Outcome, Phase, Run, SkipReason, Status, StepMore, StepView as Step, UndoPhase, Wait,
};
use baton_store::RunRow;
use serde_json::Value;

use crate::runs::{EdgeView, Iterations, RunStatus, RunSummary, RunView, StepStatus, StepView};

/// With so many bodies, some are left out.
const MAX_GRAPHS: usize = 1_000;
/// How many of those that began last are shown then.
const LAST_GRAPHS: usize = 200;
/// How many failed iterations are listed.
const MAX_FAILED: usize = 100;

/// The word that the store keeps.
pub(crate) fn status_word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Waiting => "waiting",
        RunStatus::Paused => "paused",
        RunStatus::Succeeded => "succeeded",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "cancelled",
    }
}

fn status_of_word(word: &str) -> RunStatus {
    match word {
        "waiting" => RunStatus::Waiting,
        "paused" => RunStatus::Paused,
        "succeeded" => RunStatus::Succeeded,
        "failed" => RunStatus::Failed,
        "cancelled" => RunStatus::Cancelled,
        _ => RunStatus::Running,
    }
}

fn status_of(run: &Run) -> RunStatus {
    match (run.outcome(), run.status()) {
        (Some(Outcome::Succeeded), _) => RunStatus::Succeeded,
        (Some(Outcome::Failed), _) => RunStatus::Failed,
        (Some(Outcome::Cancelled), _) => RunStatus::Cancelled,
        (None, Status::Waiting) => RunStatus::Waiting,
        (None, Status::Paused) => RunStatus::Paused,
        (None, Status::Running | Status::Ended) => RunStatus::Running,
    }
}

/// A run in a list.
pub(crate) fn summary(row: RunRow) -> RunSummary {
    RunSummary {
        status: status_of_word(&row.status),
        id: row.id,
        number: row.number,
        workflow: row.workflow,
        workflow_name: row.workflow_name,
        digest: row.digest,
        path: row.path,
        outcome: row.outcome,
        started_at: row.started_at,
        ended_at: row.ended_at,
        by: row.by,
        seq: row.seq,
        steps_done: row.steps_done,
        steps_total: row.steps_total,
        waiting_for: row.waiting_for,
        error: row.error,
        quarantined: row.quarantined.filter(|_| row.ended_at.is_none()),
    }
}

/// A run at one point of its history; of its bodies at least those that are `wanted`.
pub(crate) fn view(row: &RunRow, run: &Run, at: Millis, wanted: &[String]) -> RunView {
    let shown = shown(run, wanted);
    let left_out = u32::try_from(run.graphs() - shown.len()).unwrap_or(u32::MAX);
    RunView {
        summary: summary(row.clone()),
        document: run.plan().workflow().clone(),
        seq: run.seq(),
        at,
        status: status_of(run),
        steps: shown
            .iter()
            .flat_map(|graph| run.steps_of(*graph))
            .map(|(path, step)| (path, step_view(&step)))
            .collect(),
        edges: shown
            .iter()
            .flat_map(|graph| run.edges_of(*graph))
            .map(|(key, edge)| {
                (
                    key,
                    EdgeView {
                        taken: edge.taken,
                        because: edge.because.clone(),
                    },
                )
            })
            .collect::<BTreeMap<_, _>>(),
        left_out: (left_out > 0).then_some(left_out),
        exceeded: run.exceeded().cloned(),
        input: run
            .started()
            .map(|started| started.input.clone())
            .unwrap_or_default(),
        outputs: run
            .ended()
            .map(|ended| ended.outputs.clone())
            .unwrap_or_default(),
    }
}

/// The graphs that are shown: all of a usual run; of a long one the run itself, the bodies that run, that failed, that
/// are wanted, and those that began last.
fn shown(run: &Run, wanted: &[String]) -> BTreeSet<usize> {
    let all = run.graphs();
    if all <= MAX_GRAPHS {
        return (0..all).collect();
    }
    let mut shown: BTreeSet<usize> = (all - LAST_GRAPHS..all).collect();
    shown.extend(
        (0..all)
            .filter(|graph| !run.is_graph_ended(*graph))
            .take(MAX_GRAPHS),
    );
    shown.insert(0);
    let failed: Vec<String> = shown
        .iter()
        .flat_map(|graph| run.steps_of(*graph))
        .filter_map(|(path, step)| Some((path, step.state.more.as_deref()?.iterations.as_ref()?)))
        .flat_map(|(path, rounds)| {
            let failed = rounds.failed.iter().take(MAX_FAILED);
            failed.map(move |(index, _)| format!("{path}[{index}]"))
        })
        .take(MAX_GRAPHS)
        .collect();
    for path in failed.iter().chain(wanted.iter().take(MAX_GRAPHS)) {
        shown.extend(run.find_graph(path));
    }
    shown
}

fn step_view(step: &Step<'_>) -> StepView {
    let state = step.state;
    let nothing = StepMore::default();
    let more = step.more().unwrap_or(&nothing);
    let question = match &more.wait {
        Some(Wait::People { question, .. }) => Some(question.clone()),
        _ => None,
    };
    StepView {
        status: step_status(state.phase, more.undo),
        attempt: state.attempt,
        attempts: step.attempts(),
        started_at: more.started_at,
        ended_at: more.ended_at,
        until: until(state.phase, more),
        note: note(state.phase, more),
        port: more.port.clone(),
        with: (!more.with.is_empty()).then(|| Value::Object((*more.with).clone())),
        output: more
            .output
            .as_deref()
            .filter(|output| !output.is_null())
            .cloned(),
        error: more.error.clone(),
        because: more.because.clone(),
        question,
        iterations: more.iterations.as_ref().map(|rounds| Iterations {
            total: u32::try_from(rounds.items.len())
                .unwrap_or(u32::MAX)
                .max(rounds.started),
            started: rounds.started,
            succeeded: rounds.succeeded,
            failed: rounds
                .failed
                .iter()
                .take(MAX_FAILED)
                .map(|(index, _)| *index)
                .collect(),
        }),
    }
}

fn step_status(phase: Phase, undo: Option<UndoPhase>) -> StepStatus {
    match (undo, phase) {
        (Some(UndoPhase::Running), _) => StepStatus::Undoing,
        (Some(UndoPhase::Succeeded), _) => StepStatus::Undone,
        (Some(UndoPhase::Failed), _) => StepStatus::UndoFailed,
        (None, Phase::Idle | Phase::Running) => StepStatus::Running,
        (None, Phase::Waiting) => StepStatus::Waiting,
        (None, Phase::Retrying) => StepStatus::Retrying,
        (None, Phase::Cancelling) => StepStatus::Cancelling,
        (None, Phase::Unknown) => StepStatus::OutcomeUnknown,
        (None, Phase::Succeeded) => StepStatus::Succeeded,
        (None, Phase::Failed) => StepStatus::Failed,
        (None, Phase::Skipped) => StepStatus::Skipped,
        (None, Phase::Cancelled) => StepStatus::Cancelled,
    }
}

fn until(phase: Phase, more: &StepMore) -> Option<Millis> {
    if phase.is_ended() {
        return None;
    }
    match &more.wait {
        Some(Wait::Time { until }) => Some(*until),
        Some(Wait::Event { until, .. }) => *until,
        Some(Wait::People { question, .. }) => question.expires_at,
        Some(Wait::Child { .. }) => None,
        None => more.retry_at.or(more.iterations.as_ref()?.next_at),
    }
}

fn note(phase: Phase, more: &StepMore) -> Option<String> {
    if let Some(reason) = &more.skipped {
        return Some(match reason {
            SkipReason::NoEdgeTaken => "no path led to it".to_owned(),
            SkipReason::NotAllTaken => "a path that it needs was not taken".to_owned(),
            SkipReason::TooFewTaken => "too few paths to it were taken".to_owned(),
            SkipReason::Ended => "what it belongs to ended before".to_owned(),
            SkipReason::LostRace => "another branch was faster".to_owned(),
        });
    }
    match phase {
        Phase::Cancelled | Phase::Cancelling => more.reason.clone(),
        Phase::Unknown => Some("a person has to say whether it acted".to_owned()),
        Phase::Retrying => Some("waits for its next attempt".to_owned()),
        Phase::Waiting => more.wait.as_ref().map(wait_words),
        Phase::Idle | Phase::Running | Phase::Succeeded | Phase::Failed | Phase::Skipped => None,
    }
}

fn wait_words(wait: &Wait) -> String {
    match wait {
        Wait::Time { .. } => "waits for its time".to_owned(),
        Wait::Event { event, key, .. } if key.is_null() => format!("waits for the event `{event}`"),
        Wait::Event { event, key, .. } => {
            format!("waits for the event `{event}` with the key `{key}`")
        }
        Wait::People {
            question, answers, ..
        } => {
            let to = if question.to.is_empty() {
                "someone".to_owned()
            } else {
                question.to.join(", ")
            };
            if question.quorum > 1 {
                format!(
                    "waits for {to}: {} of {} answers",
                    answers.len(),
                    question.quorum
                )
            } else {
                format!("waits for {to}")
            }
        }
        Wait::Child { workflow, .. } => format!("waits for the workflow `{workflow}`"),
    }
}
