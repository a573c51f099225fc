//! An engine on a temporary data folder, with tasks and a clock that the tests hold in their hands.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use baton_core::document::{self, Workflow};
use baton_core::error::StepError;
use baton_core::machine::{Event, Logged, Outcome, Task};
use baton_core::step_kind::{Catalog, Category, Effect, Form, Ports, StepKind};
use baton_engine::{Engine, EngineConfig, Journal, ManualClock, NewRun, Tasks};
use baton_steps::{TaskContext, TaskOutput};
use baton_store::{Append, Appended, OpenOptions, Store, StoreError};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::Notify;

/// When the clocks of the tests start.
pub(crate) const START: i64 = 1_800_000_000_000;

/// What the step `act` does next: an answer per attempt, the last one for ever.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Give(Value),
    Fail(&'static str),
    /// Until it is cancelled.
    Hang,
    /// Until [`Script::let_go`].
    Hold(Value),
    Panic,
}

/// Tasks of the kinds `act` (idempotent), `once` (unsafe) and `take_back`, and what they did.
#[derive(Debug, Default)]
pub(crate) struct Script {
    acts: Mutex<BTreeMap<String, Vec<Act>>>,
    pub(crate) log: Mutex<Vec<String>>,
    running: AtomicUsize,
    pub(crate) most: AtomicUsize,
    gate: Notify,
}

impl Script {
    pub(crate) fn on(&self, step: &str, acts: impl IntoIterator<Item = Act>) {
        self.acts
            .lock()
            .unwrap()
            .insert(step.to_owned(), acts.into_iter().collect());
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn let_go(&self) {
        self.gate.notify_waiters();
    }

    fn next(&self, task: &Task) -> Act {
        let mut acts = self.acts.lock().unwrap();
        let id = task.step.rsplit('/').next().unwrap();
        match acts.get_mut(id) {
            Some(list) if list.len() > 1 => list.remove(0),
            Some(list) => list[0].clone(),
            None => Act::Give(json!({ "did": task.step, "with": task.with })),
        }
    }
}

#[async_trait]
impl Tasks for Script {
    async fn execute(&self, task: &Task, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        if !matches!(task.kind.as_str(), "act" | "once" | "take_back") {
            return baton_steps::execute(task, cx).await;
        }
        self.log
            .lock()
            .unwrap()
            .push(format!("{} {}", task.kind, task.step));
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let answer = match self.next(task) {
            Act::Give(value) => {
                tokio::task::yield_now().await;
                Ok(TaskOutput::new(value))
            }
            Act::Fail(code) => Err(StepError::new(
                code,
                format!("`{}` was told to fail", task.step),
            )),
            Act::Hang => {
                cx.cancel.cancelled().await;
                Err(StepError::new("cancelled", "it was told to stop"))
            }
            Act::Hold(value) => {
                self.gate.notified().await;
                Ok(TaskOutput::new(value))
            }
            Act::Panic => panic!("a defect in a step"),
        };
        self.running.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    fn execute_inline(&self, task: &Task) -> Option<Result<TaskOutput, StepError>> {
        baton_steps::execute_inline(task)
    }
}

/// A journal that can be broken.
#[derive(Debug)]
pub(crate) struct Breakable {
    store: Store,
    pub(crate) is_broken: AtomicBool,
    pub(crate) broken_run: Mutex<Option<String>>,
}

#[async_trait]
impl Journal for Breakable {
    async fn append(&self, batch: &Append) -> Result<Appended, StoreError> {
        let is_broken_run = self.broken_run.lock().unwrap().as_ref() == Some(&batch.run);
        if is_broken_run || self.is_broken.load(Ordering::SeqCst) {
            return Err(StoreError::DiskFull {
                path: self.store.dir().to_path_buf(),
            });
        }
        self.store.append_ref(batch).await
    }
}

fn kind(kind: &'static str, effect: fn(&Map<String, Value>) -> Effect) -> StepKind {
    StepKind {
        kind,
        title: kind,
        summary: "A task of the tests.",
        category: Category::Systems,
        icon: "zap",
        ports: Ports::Plain,
        effect,
        is_control: false,
        is_container: false,
        form: Form::default(),
        schema: json!({ "type": "object" }),
        output: &[],
    }
}

pub(crate) fn catalog() -> Arc<Catalog> {
    let standard = baton_steps::catalog();
    let tasks = standard.all().filter(|kind| !kind.is_control).cloned();
    Arc::new(Catalog::new(tasks.collect::<Vec<_>>().into_iter().chain([
        kind("act", |_| Effect::Idempotent),
        kind("once", |_| Effect::Unsafe),
        kind("take_back", |_| Effect::Idempotent),
    ])))
}

/// An engine with everything around it.
pub(crate) struct Bench {
    pub(crate) dir: Arc<TempDir>,
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) clock: ManualClock,
    pub(crate) script: Arc<Script>,
    pub(crate) journal: Arc<Breakable>,
    awake: Option<u64>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::open(dir, ManualClock::new(START), Arc::default(), None).await
    }

    /// One of which the runs leave memory as soon as they wait.
    pub(crate) async fn drowsy() -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::open(dir, ManualClock::new(START), Arc::default(), Some(0)).await
    }

    /// A new one whose engine is set up in another way.
    pub(crate) async fn set_up(change: impl FnOnce(&mut EngineConfig)) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::with(dir, ManualClock::new(START), Arc::default(), None, change).await
    }

    pub(crate) async fn open(
        dir: Arc<TempDir>,
        clock: ManualClock,
        script: Arc<Script>,
        awake: Option<u64>,
    ) -> Self {
        Self::with(dir, clock, script, awake, |_| {}).await
    }

    pub(crate) async fn with(
        dir: Arc<TempDir>,
        clock: ManualClock,
        script: Arc<Script>,
        awake: Option<u64>,
        change: impl FnOnce(&mut EngineConfig),
    ) -> Self {
        let store = Store::open(&dir.path().join("data"), OpenOptions::default())
            .await
            .unwrap();
        let journal = Arc::new(Breakable {
            store: store.clone(),
            is_broken: AtomicBool::new(false),
            broken_run: Mutex::default(),
        });
        let mut config = EngineConfig::new(store.clone(), catalog());
        config.clock = Arc::new(clock.clone());
        config.tasks = script.clone();
        config.journal = journal.clone();
        config.awake = awake.unwrap_or(config.awake);
        change(&mut config);
        let engine = Engine::start(config).await.unwrap();
        Self {
            dir,
            store,
            engine,
            clock,
            script,
            journal,
            awake,
        }
    }

    /// Ends the engine as a crash would, as far as the data folder can tell, and starts another one on it.
    pub(crate) async fn crash(self) -> Self {
        self.crash_into(|_| {}).await
    }

    /// The same, with the next engine set up in another way.
    pub(crate) async fn crash_into(self, change: impl FnOnce(&mut EngineConfig)) -> Self {
        let Self {
            dir,
            store,
            engine,
            clock,
            script,
            awake,
            ..
        } = self;
        engine.close().await;
        drop(engine);
        store.close().await;
        Self::with(dir, clock, script, awake, change).await
    }

    pub(crate) fn work_dir(&self) -> PathBuf {
        self.dir.path().to_path_buf()
    }

    pub(crate) async fn start(&self, workflow: &Workflow, input: Value) -> String {
        let new = NewRun {
            workflow: Arc::new(workflow.clone()),
            path: Some(self.dir.path().join("test.baton.json")),
            work_dir: self.work_dir(),
            input,
            by: Some("test".to_owned()),
        };
        self.engine.run(new).await.unwrap()
    }

    /// Starts a run and waits for its end.
    pub(crate) async fn run(&self, workflow: &Workflow, input: Value) -> Ended {
        let run = self.start(workflow, input).await;
        self.ended(&run).await
    }

    pub(crate) async fn events(&self, run: &str) -> Vec<Logged> {
        self.store.events(run, 0, 1_000_000).await.unwrap()
    }

    /// Waits until the run ended.
    pub(crate) async fn ended(&self, run: &str) -> Ended {
        let last = self
            .until(run, |event| match event {
                Event::RunEnded {
                    outcome,
                    name,
                    outputs,
                    error,
                } => Some((*outcome, name.clone(), outputs.clone(), error.clone())),
                _ => None,
            })
            .await;
        let (outcome, name, outputs, error) = last;
        Ended {
            run: run.to_owned(),
            outcome,
            name,
            outputs,
            error,
        }
    }

    /// Waits for an event of the run.
    pub(crate) async fn until<T>(&self, run: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        for _ in 0..2_000 {
            let events = self.events(run).await;
            if let Some(found) = events.iter().find_map(|logged| pick(&logged.event)) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it did not come: {:#?}", self.events(run).await);
    }

    /// Waits until the run shows this status.
    pub(crate) async fn status(&self, run: &str, status: &str) {
        for _ in 0..2_000 {
            if self
                .store
                .run(run)
                .await
                .unwrap()
                .is_some_and(|row| row.status == status)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!(
            "it did not become {status}: {:?}",
            self.store.run(run).await.unwrap()
        );
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) run: String,
    pub(crate) outcome: Outcome,
    pub(crate) name: Option<String>,
    pub(crate) outputs: Value,
    pub(crate) error: Option<StepError>,
}

/// The workflow written in `value`.
pub(crate) fn workflow(value: Value) -> Workflow {
    let mut value = value;
    let top = value.as_object_mut().unwrap();
    top.entry("format").or_insert(json!(1));
    top.entry("id").or_insert(json!("test"));
    top.entry("name").or_insert(json!("Test"));
    top.entry("edges").or_insert(json!([]));
    let parsed = document::parse(&value.to_string()).unwrap();
    assert_eq!(parsed.problems, [], "the workflow of the test");
    parsed.workflow
}

/// How often an event of this type is in the log.
pub(crate) fn count(events: &[Logged], type_name: &str) -> usize {
    events
        .iter()
        .filter(|logged| serde_json::to_value(&logged.event).unwrap()["type"] == type_name)
        .count()
}
