//! The same definitions under the same circumstances with the machine alone and on a real cluster.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use baton_core::document;
use baton_core::machine::{self, Action, Input, Plan, Run, Status, Task, TaskResult};
use baton_temporal::client;
use baton_temporal::home::Home;
use baton_temporal::host::Answer;
use baton_temporal::runner::attempt;
use baton_temporal::target::Cluster;
use baton_temporal::wire::{Standing, StartInput, StepIn};
use baton_temporal::workflow::BatonRun;
use futures::{StreamExt as _, stream};
use serde_json::Value;
use temporalio_client::WorkflowQueryOptions;
use tokio_util::sync::CancellationToken;

use crate::cluster::{InProcess, PATIENCE, Server, until};
use crate::script::{self, Outside, end_of, without_races};

/// How many generated workflows are compared.
const GENERATED: u64 = 220;
/// How many of them are recorded.
const RECORDED: u64 = 16;
/// How many of them are under way at the same time.
const AT_ONCE: usize = 24;

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// The machine on this computer, driven step by step with real time: what a run is without any cluster.
pub(crate) struct Local {
    home: Arc<Home>,
}

impl Local {
    pub(crate) fn new(home: Arc<Home>) -> Self {
        Self { home }
    }

    pub(crate) async fn run(
        &self,
        file: &Path,
        input: Value,
        id: &str,
        outside: &mut Outside,
    ) -> Run {
        let parsed = document::parse_bytes(&std::fs::read(file).unwrap()).unwrap();
        let plan = Plan::compile(&parsed.workflow, self.home.tasks.catalog()).unwrap();
        let mut run = Run::new(plan);
        // The same id: what is made of it (ids of sub-runs, chance) is the same as well.
        let given = serde_json::json!({ "definition": "", "input": input, "by": "cli" });
        let given: StartInput = serde_json::from_value(given).unwrap();
        let start = self.home.beginning(&given, id).unwrap().start;
        let give = |run: &mut Run, input: Input| {
            // What came too late is refused on both sides.
            drop(machine::step(run, input, now()));
        };
        give(&mut run, Input::Start(start));
        let begun = Instant::now();
        while run.status() != Status::Ended {
            assert!(begun.elapsed() < PATIENCE, "{:?}", run.waiting_for());
            let mut is_idle = true;
            for action in machine::pending(&run) {
                let answer = self.answer(&run, action).await;
                for input in answer {
                    is_idle = false;
                    give(&mut run, input);
                }
            }
            for command in outside.says(&run, now()) {
                is_idle = false;
                give(&mut run, command.into_input());
            }
            if is_idle {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        run
    }

    /// What comes of one action now: nothing, if it only waits.
    async fn answer(&self, run: &Run, action: Action) -> Vec<Input> {
        match action {
            Action::StartTask(task) => {
                let (step, epoch) = (task.step.clone(), task.epoch);
                let (result, logs) = self.carry_out(run, task).await;
                let told = logs.into_iter().map(|(level, message)| Input::TaskLogged {
                    step: step.clone(),
                    level,
                    message,
                });
                let mut inputs: Vec<Input> = told.collect();
                inputs.push(Input::TaskEnded {
                    step,
                    epoch,
                    result,
                });
                inputs
            }
            Action::StartUndo(task) => {
                let (step, epoch) = (task.step.clone(), task.epoch);
                let (result, logs) = self.carry_out(run, task).await;
                let told = logs.into_iter().map(|(level, message)| Input::TaskLogged {
                    step: step.clone(),
                    level,
                    message,
                });
                let mut inputs: Vec<Input> = told.collect();
                inputs.push(Input::UndoEnded {
                    step,
                    epoch,
                    result,
                });
                inputs
            }
            Action::CancelTask { step, epoch } => vec![Input::TaskEnded {
                step,
                epoch,
                result: TaskResult::Cancelled,
            }],
            Action::SetTimer { timer, at } if at <= now() => vec![Input::TimerDue { timer }],
            Action::StartChild {
                step,
                run,
                workflow,
                version,
                ..
            } => {
                let Answer::Child(end) =
                    baton_temporal::answers::child_unknown(&workflow, &version)
                else {
                    panic!("a child answers as a child");
                };
                vec![Input::ChildEnded {
                    step,
                    run,
                    outcome: end.outcome,
                    name: None,
                    outputs: Value::Null,
                    error: end.error,
                }]
            }
            _ => Vec::new(),
        }
    }

    async fn carry_out(&self, run: &Run, task: Task) -> (TaskResult, Vec<(String, String)>) {
        let step = StepIn {
            run: run.started().unwrap().run.clone(),
            step: task.step,
            kind: task.kind,
            attempt: task.attempt,
            epoch: task.epoch,
            key: task.key,
            effect: task.effect,
            with: (*task.with).clone(),
            with_kept: None,
            timeout_ms: task.timeout_ms,
            beat_ms: 1_000,
        };
        match attempt(self.home.clone(), step, CancellationToken::new()).await {
            Ok(out) => (
                TaskResult::Succeeded {
                    output: out.output,
                    port: out.port,
                },
                out.logs,
            ),
            Err(failure) => (TaskResult::Failed(failure.error), failure.logs),
        }
    }
}

/// Runs `file` on the cluster, and compares history and worker at its end.
pub(crate) async fn on_cluster(
    cluster: &Cluster,
    file: &Path,
    input: Value,
    id: &str,
    outside: &mut Outside,
) -> Run {
    let new = client::NewRun {
        file: file.to_path_buf(),
        input,
        id: Some(id.to_owned()),
        by: Some("cli".to_owned()),
        ..client::NewRun::default()
    };
    cluster.start(new).await.unwrap();
    let mut is_signal = false;
    let fold = until("the run on the cluster", async || {
        let fold = cluster.fold(id, None).await.unwrap();
        assert_eq!(fold.trouble(), None, "{id}");
        if fold.closed().is_some() {
            return Some(fold);
        }
        if let Some(host) = fold.host() {
            for command in outside.says(host.run(), now()) {
                // Half of it waits for an answer, half is a message.
                is_signal = !is_signal;
                // What came too late is refused on both sides.
                if is_signal {
                    drop(cluster.send(id, command).await);
                } else {
                    drop(cluster.tell(id, command).await);
                }
            }
        }
        None
    })
    .await;
    assert_same_as_worker(cluster, id, &fold).await;
    fold.host().unwrap().run().clone()
}

/// Keeps the history of a run for `replays`, if somebody asks for it: `BATON_RECORD=tests/histories`.
async fn record(cluster: &Cluster, id: &str) {
    let Some(dir) = std::env::var_os("BATON_RECORD") else {
        return;
    };
    let handle = cluster.client().get_workflow_handle::<BatonRun>(id);
    let history = handle.fetch_history(Default::default());
    let text = history.to_json().await.unwrap();
    std::fs::write(Path::new(&dir).join(format!("{id}.json")), text).unwrap();
}

/// The history says exactly what the worker knows.
pub(crate) async fn assert_same_as_worker(
    cluster: &Cluster,
    id: &str,
    fold: &baton_temporal::fold::Fold,
) {
    let handle = cluster.client().get_workflow_handle::<BatonRun>(id);
    // The server gives a question up now and then while it is busy.
    let worker: Option<Standing> = until("the answer of the worker", async || {
        let query = handle.query(BatonRun::standing, (), WorkflowQueryOptions::default());
        query.await.ok()
    })
    .await;
    assert_eq!(Some(fold.host().unwrap().standing()), worker, "{id}");
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_workflows_end_alike_on_both_hosts() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = script::both();
    let server = Server::in_memory();
    let mut home = Home::new(dir.path().join("blobs"), dir.path());
    home.tasks = tasks;
    let home = Arc::new(home);
    let local = Local::new(home.clone());
    let cluster = server.connect("conformance", home).await;
    let worker = InProcess::begin(&cluster).await;
    let compared = stream::iter(0..GENERATED).map(|seed| {
        let (local, cluster) = (&local, &cluster);
        let file = dir.path().join(format!("generated_{seed}.baton.json"));
        async move {
            let text = script::workflow(seed).to_string();
            std::fs::write(&file, text).unwrap();
            let input = serde_json::json!({ "n": seed % 3 });
            let mut outside = Outside::new(seed);
            let id = format!("generated-{seed}");
            let here = local.run(&file, input.clone(), &id, &mut outside).await;
            let mut outside = Outside::new(seed);
            let there = on_cluster(cluster, &file, input, &id, &mut outside).await;
            if seed < RECORDED {
                record(cluster, &id).await;
            }
            let (mut here, mut there) = (end_of(&here), end_of(&there));
            without_races(&mut here, &mut there);
            (here != there).then(|| {
                format!(
                    "seed {seed}\n{}\nhere  {}\nthere {}",
                    script::workflow(seed),
                    here,
                    there
                )
            })
        }
    });
    let different: Vec<String> = compared
        .buffer_unordered(AT_ONCE)
        .filter_map(|one| async { one })
        .collect()
        .await;
    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        different.join("\n\n")
    );
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_end_alike_on_both_hosts() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
    let server = Server::in_memory();
    for name in ["airports", "churn_retention", "seattle_weather"] {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        for dir in &dirs {
            copy(&samples, dir.path());
        }
        let local = Local::new(Arc::new(Home::new(
            dirs[0].path().join("blobs"),
            dirs[0].path(),
        )));
        let home = Home::new(dirs[1].path().join("blobs"), dirs[1].path());
        let cluster = server.connect(name, Arc::new(home)).await;
        let worker = InProcess::begin(&cluster).await;
        let file = |dir: &Path| dir.join(format!("{name}.baton.json"));
        let input = serde_json::json!({});
        let mut outside = Outside::new(1);
        let here = local
            .run(&file(dirs[0].path()), input.clone(), name, &mut outside)
            .await;
        let mut outside = Outside::new(1);
        let there = on_cluster(&cluster, &file(dirs[1].path()), input, name, &mut outside).await;
        assert_eq!(end_of(&here), end_of(&there), "{name}");
        worker.end().await;
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
