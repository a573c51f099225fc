//! What most tests need: a cluster with a folder, runs that are started, looked at and waited for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_core::machine::{Phase, Run};
use baton_temporal::client::NewRun;
use baton_temporal::fold::Fold;
use baton_temporal::home::Home;
use baton_temporal::target::Cluster;
use baton_temporal::tasks::Tasks;
use baton_temporal::wire::Settings;
use baton_temporal::workflow::BatonRun;
use serde_json::{Value, json};
use tempfile::TempDir;
use temporalio_client::WorkflowGetResultOptions;

use crate::cluster::{PATIENCE, Server, until};

/// A cluster with a folder, and no worker yet.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) cluster: Cluster,
}

impl Bench {
    pub(crate) async fn new(server: &Server, queue: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("blobs"), dir.path());
        let cluster = server.connect(queue, Arc::new(home)).await;
        Self { dir, cluster }
    }

    pub(crate) fn file(&self, name: &str, body: &Value) -> PathBuf {
        let mut document = json!({ "format": 1, "id": name, "name": name, "edges": [] });
        for (key, value) in body.as_object().unwrap() {
            document[key] = value.clone();
        }
        let path = self.dir.path().join(format!("{name}.baton.json"));
        std::fs::write(&path, document.to_string()).unwrap();
        path
    }

    pub(crate) async fn start(&self, id: &str, body: &Value, settings: Settings) -> String {
        let new = NewRun {
            file: self.file(id, body),
            input: json!({}),
            id: Some(id.to_owned()),
            settings,
            ..NewRun::default()
        };
        self.cluster.start(new).await.unwrap().run
    }

    /// Waits for the end of a run through all its parts, and reads its history then.
    pub(crate) async fn end(&self, id: &str) -> Fold {
        let handle = self.cluster.client().get_workflow_handle::<BatonRun>(id);
        let result = handle.get_result(WorkflowGetResultOptions::default());
        // How it ended is in the history.
        drop(tokio::time::timeout(PATIENCE, result).await.unwrap());
        let fold = self.cluster.fold(id, None).await.unwrap();
        assert_eq!(fold.trouble(), None, "{id}");
        fold
    }

    pub(crate) async fn when(&self, id: &str, what: &str, is_so: impl Fn(&Run) -> bool) {
        until(what, async || {
            let fold = self.cluster.fold(id, None).await.unwrap();
            assert_eq!(fold.trouble(), None, "{id}");
            fold.host().filter(|host| is_so(host.run())).map(drop)
        })
        .await;
    }

    /// Bytes and events of the histories of all parts of a run.
    pub(crate) async fn parts(&self, id: &str) -> Vec<(usize, usize)> {
        use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
        let mut parts = Vec::new();
        let mut run: Option<String> = None;
        loop {
            let (events, _) = self.cluster.raw_history(id, run.as_deref()).await.unwrap();
            let bytes = events.iter().map(prost::Message::encoded_len).sum();
            parts.push((bytes, events.len()));
            let first = events.first().and_then(|event| event.attributes.clone());
            let Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) = first else {
                panic!("{id}: no beginning");
            };
            if started.continued_execution_run_id.is_empty() {
                return parts;
            }
            run = Some(started.continued_execution_run_id);
        }
    }
}

pub(crate) fn phase(run: &Run, step: &str) -> Option<Phase> {
    run.step(step).map(|view| view.state.phase)
}

pub(crate) fn status(fold: &Fold) -> &'static str {
    fold.host().unwrap().status()
}

/// A step that writes a line into a file: what was done can be counted.
pub(crate) fn note(id: &str, text: &str, effect: &str) -> Value {
    json!({ "id": id, "kind": "run_command", "with": {
        "program": "sh", "args": ["-c", format!("echo {text} >> done.txt")], "effect": effect } })
}

pub(crate) fn lines(dir: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("done.txt")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A bench with tasks of another kind, such as those of the script.
pub(crate) async fn with_tasks(server: &Server, queue: &str, tasks: Arc<dyn Tasks>) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let mut home = Home::new(dir.path().join("blobs"), dir.path());
    home.tasks = tasks;
    let cluster = server.connect(queue, Arc::new(home)).await;
    Bench { dir, cluster }
}
