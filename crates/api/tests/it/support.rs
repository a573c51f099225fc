//! Baton, opened on temporary folders.

use std::path::PathBuf;
use std::sync::Arc;

use baton_api::{ApiError, App, AppConfig};
use baton_core::document::{self, Workflow};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Baton with its folders.
pub(crate) struct Bench {
    pub(crate) dir: Arc<TempDir>,
    pub(crate) app: App,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::open(Arc::new(tempfile::tempdir().unwrap())).await
    }

    pub(crate) async fn open(dir: Arc<TempDir>) -> Self {
        let mut config = AppConfig::new(dir.path().join("data"), dir.path());
        config.person = Some("kim".to_owned());
        Self {
            app: App::open(config).await.unwrap(),
            dir,
        }
    }

    /// Closes Baton and opens it again.
    pub(crate) async fn again(self) -> Self {
        self.app.shutdown().await;
        let dir = self.dir.clone();
        drop(self);
        Self::open(dir).await
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn put(&self, name: &str, workflow: &Workflow) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, document::print(workflow)).unwrap();
    }

    /// Calls a command as a front end does.
    pub(crate) async fn call(&self, name: &str, request: Value) -> Value {
        match self.app.call(name, request).await {
            Ok(answer) => answer,
            Err(error) => panic!("{name}: {error:?}"),
        }
    }

    pub(crate) async fn refused(&self, name: &str, request: Value) -> ApiError {
        self.app.call(name, request).await.unwrap_err()
    }

    /// Waits until the run shows this status, and gives its view.
    pub(crate) async fn status(&self, run: &Value, status: &str) -> Value {
        for _ in 0..2_000 {
            let view = self.call("run_get", json!({ "run": run })).await;
            if view["status"] == status {
                return view;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!(
            "it did not become {status}: {:#}",
            self.call("run_get", json!({ "run": run })).await
        );
    }
}

/// A workflow that asks before it ends, without any effect outside.
pub(crate) fn asking() -> Workflow {
    workflow(json!({
        "steps": [
            { "id": "compute", "kind": "set_values", "name": "Compute",
              "with": { "values": { "n": "{% input.n * 2 %}" } } },
            { "id": "ask", "kind": "approval", "name": "Ask",
              "with": { "to": ["lead"], "question": ["Is it right?"], "evidence": { "n": "{% steps.compute.n %}" } } },
            { "id": "end", "kind": "end", "with": { "outcome": "agreed", "output": { "n": "{% steps.compute.n %}" } } },
            { "id": "refused", "kind": "end", "with": { "outcome": "refused" } }
        ],
        "edges": [
            { "from": "compute", "to": "ask" },
            { "from": "ask.approved", "to": "end" },
            { "from": "ask.rejected", "to": "refused" },
            { "from": "ask.expired", "to": "refused" }
        ]
    }))
}

/// The workflow written in `value`.
pub(crate) fn workflow(value: Value) -> Workflow {
    let mut value = value;
    let top = value.as_object_mut().unwrap();
    top.entry("format").or_insert(json!(1));
    top.entry("id").or_insert(json!("test"));
    top.entry("name").or_insert(json!("Test"));
    top.entry("edges").or_insert(json!([]));
    document::parse(&value.to_string()).unwrap().workflow
}
