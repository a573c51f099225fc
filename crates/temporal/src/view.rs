//! A run as others show it: steps with their states, in JSON.

use baton_core::error::StepError;
use baton_core::machine::{Run, StepView};
use serde::Serialize;
use serde_json::Value;

use crate::fold::Fold;
use crate::wire::Standing;

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunShown {
    /// Its id.
    pub run: String,
    /// Id of its workflow.
    pub workflow: String,
    /// Digest of the definition.
    pub digest: String,
    /// Where it stands.
    pub standing: Standing,
    /// How the cluster closed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    /// Why its worker cannot go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Its outputs.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub outputs: Value,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// Its steps.
    pub steps: Vec<StepShown>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepShown {
    /// Where it stands in the run.
    pub path: String,
    /// What people call it.
    pub title: String,
    /// Its kind.
    pub kind: String,
    /// Its state.
    pub phase: String,
    /// Which attempt.
    pub attempt: u32,
    /// Its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// Its output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Its last error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<StepError>,
    /// When it began and ended, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<i64>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
}

/// The steps of `run`.
pub fn steps(run: &Run) -> Vec<StepShown> {
    run.steps().map(|(path, view)| step(path, view)).collect()
}

fn step(path: String, view: StepView<'_>) -> StepShown {
    let more = view.more();
    StepShown {
        path,
        title: view.title().to_owned(),
        kind: view.kind().to_owned(),
        phase: format!("{:?}", view.state.phase).to_lowercase(),
        attempt: view.state.attempt,
        port: more.and_then(|more| more.port.clone()),
        output: more.and_then(|more| more.output.as_deref().cloned()),
        error: more.and_then(|more| more.error.clone()),
        started_at: more.and_then(|more| more.started_at),
        ended_at: more.and_then(|more| more.ended_at),
    }
}

/// The run that `fold` read, if its first workflow task is there.
pub fn shown(id: &str, fold: &Fold) -> Option<RunShown> {
    let host = fold.host()?;
    let run = host.run();
    let ended = host.ended();
    Some(RunShown {
        run: id.to_owned(),
        workflow: run.plan().workflow().id.clone(),
        digest: run.plan().digest().to_owned(),
        standing: host.standing(),
        closed: fold.closed().map(|closed| closed.word(fold)),
        trouble: fold.trouble().map(str::to_owned),
        outputs: ended
            .as_ref()
            .map_or(Value::Null, |end| end.outputs.clone()),
        error: ended.and_then(|end| end.error),
        steps: steps(run),
    })
}
