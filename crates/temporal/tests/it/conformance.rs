//! The same definitions under the same circumstances on the local engine and on a real cluster.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use baton_core::document;
use baton_core::machine::{Plan, Run, replay};
use baton_core::step_kind::Catalog;
use baton_engine::{Engine, EngineConfig, NewRun, Signal, SystemClock};
use baton_store::{OpenOptions, Store};
use baton_temporal::client;
use baton_temporal::home::Home;
use baton_temporal::target::Cluster;

use baton_temporal::wire::{Command, Standing};
use baton_temporal::workflow::BatonRun;
use futures::{StreamExt as _, stream};
use serde_json::Value;
use temporalio_client::WorkflowQueryOptions;

use crate::cluster::{InProcess, Server, until};
use crate::generate;
use crate::script::{self, Outside, end_of};

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

/// An engine on a folder of its own.
pub(crate) struct Local {
    store: Store,
    engine: Engine,
    catalog: Arc<Catalog>,
}

impl Local {
    pub(crate) async fn open(
        dir: &Path,
        tasks: Arc<dyn baton_engine::Tasks>,
        catalog: Catalog,
    ) -> Self {
        let store = Store::open(&dir.join("data"), OpenOptions::default())
            .await
            .unwrap();
        let catalog = Arc::new(catalog);
        let mut config = EngineConfig::new(store.clone(), catalog.clone());
        config.tasks = tasks;
        config.clock = Arc::new(SystemClock::default());
        let engine = Engine::start(config).await.unwrap();
        Self {
            store,
            engine,
            catalog,
        }
    }

    pub(crate) async fn run(&self, file: &Path, input: Value, outside: &mut Outside) -> Run {
        let parsed = document::parse_bytes(&std::fs::read(file).unwrap()).unwrap();
        let plan = Plan::compile(&parsed.workflow, &self.catalog).unwrap();
        let new = NewRun {
            workflow: Arc::new(parsed.workflow),
            path: Some(file.to_path_buf()),
            work_dir: file.parent().unwrap().to_path_buf(),
            input,
            by: Some("cli".to_owned()),
        };
        let run = self.engine.run(new).await.unwrap();
        until("the local run", async || {
            let said = self
                .engine
                .look(&run, |run, _, _| outside.says(run, now()))
                .await;
            match said {
                Some(commands) => {
                    for command in commands {
                        self.tell(&run, command).await;
                    }
                    None
                }
                None => {
                    let row = self.store.run(&run).await.unwrap().unwrap();
                    row.ended_at.map(|_| ())
                }
            }
        })
        .await;
        let log = self.store.events(&run, 0, 1_000_000).await.unwrap();
        replay(plan, &log).unwrap()
    }

    async fn tell(&self, run: &str, command: Command) {
        // What came too late is refused on both sides.
        let told = match command {
            Command::Decide {
                step,
                by,
                decision,
                comment,
                data,
            } => {
                self.engine
                    .decide(run, &step, &by, decision, comment, data)
                    .await
            }
            Command::Cancel { by, reason, undo } => {
                self.engine.cancel(run, &by, reason, undo).await
            }
            Command::Signal {
                id,
                event,
                key,
                payload,
            } => {
                let run = Some(run.to_owned());
                let signal = Signal {
                    id,
                    event,
                    key,
                    payload,
                    run,
                };
                self.engine.signal(signal).await.map(drop)
            }
            other => panic!("the outside never says {other:?}"),
        };
        drop(told);
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
                if is_signal {
                    cluster.send(id, command).await.unwrap();
                } else {
                    // What came too late is refused on both sides.
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
    let query = handle.query(BatonRun::standing, (), WorkflowQueryOptions::default());
    let worker: Option<Standing> = query.await.unwrap();
    assert_eq!(Some(fold.host().unwrap().standing()), worker, "{id}");
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_workflows_end_alike_on_both_hosts() {
    let dir = tempfile::tempdir().unwrap();
    let tasks = script::both();
    let local = Local::open(dir.path(), tasks.clone(), generate::catalog()).await;
    let server = Server::in_memory();
    let mut home = Home::new(dir.path().join("blobs"), dir.path());
    home.tasks = tasks;
    let cluster = server.connect("conformance", Arc::new(home)).await;
    let worker = InProcess::begin(&cluster).await;
    let compared = stream::iter(0..GENERATED).map(|seed| {
        let (local, cluster) = (&local, &cluster);
        let file = dir.path().join(format!("generated_{seed}.baton.json"));
        async move {
            let text = script::workflow(seed).to_string();
            std::fs::write(&file, text).unwrap();
            let input = serde_json::json!({ "n": seed % 3 });
            let mut outside = Outside::new(seed);
            let here = local.run(&file, input.clone(), &mut outside).await;
            let mut outside = Outside::new(seed);
            let id = format!("generated-{seed}");
            let there = on_cluster(cluster, &file, input, &id, &mut outside).await;
            if seed < RECORDED {
                record(cluster, &id).await;
            }
            let (here, there) = (end_of(&here), end_of(&there));
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
        let catalog = baton_steps::catalog();
        let local = Local::open(
            dirs[0].path(),
            Arc::new(baton_engine::StandardTasks),
            catalog,
        )
        .await;
        let home = Home::new(dirs[1].path().join("blobs"), dirs[1].path());
        let cluster = server.connect(name, Arc::new(home)).await;
        let worker = InProcess::begin(&cluster).await;
        let file = |dir: &Path| dir.join(format!("{name}.baton.json"));
        let input = serde_json::json!({});
        let mut outside = Outside::new(1);
        let here = local
            .run(&file(dirs[0].path()), input.clone(), &mut outside)
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
