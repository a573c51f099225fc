//! What the tests of this crate share: a folder to work in and tasks to carry out.

use std::path::PathBuf;

use baton_core::error::StepError;
use baton_core::machine::{StepPath, Task};
use baton_core::step_kind::Effect;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::{Artifacts, Limits, Secrets, TaskContext, TaskOutput};

/// A task of `kind` with the settings `with`.
pub(crate) fn task(kind: &str, with: Value) -> Task {
    let Value::Object(with) = with else {
        panic!("settings are an object")
    };
    let known = crate::catalog();
    let effect = known
        .find(kind)
        .map_or(Effect::Unsafe, |kind| (kind.effect)(&with));
    Task {
        step: StepPath::from("step"),
        kind: kind.to_owned(),
        attempt: 1,
        epoch: 1,
        key: "key-1".to_owned(),
        effect,
        with: with.into(),
        timeout_ms: None,
    }
}

/// The folder of the samples' data.
pub(crate) fn sample_data() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../workflows/data");
    folder
        .canonicalize()
        .expect("the samples are part of the repository")
}

/// A folder to work in, with everything a task needs.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) cx: TaskContext,
    pub(crate) log: UnboundedReceiver<(String, String)>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder for temporary files");
        let (sender, log) = unbounded_channel();
        let cx = TaskContext {
            work_dir: dir.path().join("work"),
            artifacts: Artifacts::new(dir.path().join("artifacts")),
            cancel: CancellationToken::new(),
            key: "key-1".to_owned(),
            run: "run-1".to_owned(),
            limits: Limits::default(),
            log: sender,
            temp_dir: dir.path().join("temp"),
            secrets: Secrets::new(|name| (name == "token").then(|| "s3cret-value".to_owned())),
        };
        std::fs::create_dir_all(&cx.work_dir).expect("a new folder");
        Self { dir, cx, log }
    }

    /// Writes a file into the work folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.cx.work_dir.join(name);
        std::fs::create_dir_all(path.parent().expect("below the work folder")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        path
    }

    pub(crate) async fn execute(&self, task: &Task) -> Result<TaskOutput, StepError> {
        crate::execute(task, &self.cx).await
    }

    /// Carries out a step and gives its output.
    pub(crate) async fn run(&self, kind: &str, with: Value) -> Value {
        match self.execute(&task(kind, with)).await {
            Ok(output) => output.output,
            Err(error) => panic!("{kind}: {error:?}"),
        }
    }

    /// Carries out a step that must fail.
    pub(crate) async fn fail(&self, kind: &str, with: Value) -> StepError {
        match self.execute(&task(kind, with)).await {
            Ok(output) => panic!("{kind} did not fail: {output:?}"),
            Err(error) => error,
        }
    }
}
