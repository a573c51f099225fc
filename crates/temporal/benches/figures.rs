//! `npm run bench`: steps per second on a real server beside a workflow of Temporal that was written by hand for the same
//! steps, events per step, and how long it takes to read a history of 10,000 events.
#![expect(
    clippy::unwrap_used,
    reason = "a figure that cannot be measured ends the bench"
)]
#![expect(clippy::print_stdout, reason = "that is what a bench is for")]

#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/it/cluster.rs"]
mod cluster;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_core::error::StepError;
use baton_core::machine::Task;
use baton_core::step_kind::{Catalog, Category, Effect, Form, Ports, StepKind};
use baton_steps::{TaskContext, TaskOutput};
use baton_temporal::client::NewRun;
use baton_temporal::fold::Fold;
use baton_temporal::home::Home;
use baton_temporal::target::Cluster;
use baton_temporal::tasks::Tasks;
use baton_temporal::workflow::BatonRun;
use cluster::{InProcess, Server};
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult, workflows,
};

/// A task that does nothing, as the step written by hand.
#[derive(Debug)]
struct Nothing(Catalog);

impl Nothing {
    fn new() -> Self {
        Self(Catalog::new([StepKind {
            kind: "nothing",
            title: "Nothing",
            summary: "",
            category: Category::Systems,
            icon: "box",
            ports: Ports::Plain,
            effect: |_| Effect::Keyed,
            is_control: false,
            is_container: false,
            form: Form::default(),
            schema: json!({}),
            output: &[],
        }]))
    }
}

impl Tasks for Nothing {
    fn catalog(&self) -> &Catalog {
        &self.0
    }

    fn execute<'a>(
        &'a self,
        _: &'a Task,
        _: &'a TaskContext,
    ) -> BoxFuture<'a, Result<TaskOutput, StepError>> {
        Box::pin(async { Ok(TaskOutput::new(json!({ "n": 1 }))) })
    }

    fn execute_inline(&self, _: &Task) -> Option<Result<TaskOutput, StepError>> {
        None
    }
}

/// The same steps, written by hand.
#[workflow]
#[derive(Default)]
struct ByHand;

#[workflow_methods]
impl ByHand {
    #[run(name = "by-hand")]
    async fn run(ctx: &mut WorkflowContext<Self>, shape: (u32, bool)) -> WorkflowResult<u32> {
        let (steps, is_chain) = shape;
        let options = || {
            ActivityOptions::with_start_to_close_timeout(Duration::from_secs(60))
                .heartbeat_timeout(Duration::from_secs(10))
                .build()
        };
        let step =
            |at: u32| json!({ "run": "r", "step": format!("s{at}"), "key": "0123456789abcdef" });
        if is_chain {
            for at in 0..steps {
                ctx.execute_activity(HandSteps::step, step(at), options())
                    .await?;
            }
        } else {
            let all =
                (0..steps).map(|at| ctx.execute_activity(HandSteps::step, step(at), options()));
            for one in workflows::join_all(all.collect::<Vec<_>>()).await {
                one?;
            }
        }
        Ok(steps)
    }
}

struct HandSteps;

#[activities]
impl HandSteps {
    #[activity(name = "by-hand.step")]
    async fn step(_: ActivityContext, _: Value) -> Result<Value, ActivityError> {
        Ok(json!({ "n": 1 }))
    }
}

/// A worker for the workflow written by hand, with the settings of Baton's.
fn hand_worker(cluster: &Cluster) -> impl FnOnce() + use<> {
    let cluster = cluster.clone();
    let (give, take) = std::sync::mpsc::channel::<Box<dyn Fn() + Send>>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let core = Runtime::from_current_tokio(Default::default()).unwrap();
            let options = WorkerOptions::new("by-hand")
                .register_workflow::<ByHand>()
                .unwrap()
                .register_activities(HandSteps)
                .build();
            let mut worker = Worker::new(&core, cluster.client().clone(), options).unwrap();
            give.send(Box::new(worker.shutdown_handle())).unwrap();
            worker.run().await.unwrap();
        });
    });
    let stop = take.recv().unwrap();
    move || {
        stop();
        thread.join().unwrap();
    }
}

fn document(dir: &Path, steps: u32, is_chain: bool) -> PathBuf {
    let list: Vec<Value> = (0..steps)
        .map(|at| json!({ "id": format!("s{at}"), "kind": "nothing" }))
        .collect();
    let edges: Vec<Value> = (1..steps)
        .filter(|_| is_chain)
        .map(|at| json!({ "from": format!("s{}", at - 1), "to": format!("s{at}") }))
        .collect();
    let document =
        json!({ "format": 1, "id": "bench", "name": "bench", "steps": list, "edges": edges });
    let file = dir.join(format!("bench_{steps}_{is_chain}.baton.json"));
    std::fs::write(&file, document.to_string()).unwrap();
    file
}

/// Steps per second of `runs` runs of this shape, through Baton.
async fn through_baton(
    cluster: &Cluster,
    dir: &Path,
    name: &str,
    (runs, steps, is_chain): (u32, u32, bool),
) -> f64 {
    let file = document(dir, steps, is_chain);
    let begun = Instant::now();
    stream::iter(0..runs)
        .for_each_concurrent(None, |run| {
            let (file, id) = (file.clone(), format!("{name}-{run}"));
            async move {
                let new = NewRun {
                    file,
                    input: json!({}),
                    id: Some(id.clone()),
                    ..NewRun::default()
                };
                cluster.start(new).await.unwrap();
                let handle = cluster.client().get_workflow_handle::<BatonRun>(id);
                handle
                    .get_result(WorkflowGetResultOptions::default())
                    .await
                    .unwrap();
            }
        })
        .await;
    f64::from(runs * steps) / begun.elapsed().as_secs_f64()
}

async fn by_hand(cluster: &Cluster, name: &str, (runs, steps, is_chain): (u32, u32, bool)) -> f64 {
    let begun = Instant::now();
    stream::iter(0..runs)
        .for_each_concurrent(None, |run| async move {
            let options =
                WorkflowStartOptions::new("by-hand", format!("{name}-hand-{run}")).build();
            let started = cluster
                .client()
                .start_workflow(ByHand::run, (steps, is_chain), options);
            let handle = started.await.unwrap();
            handle
                .get_result(WorkflowGetResultOptions::default())
                .await
                .unwrap();
        })
        .await;
    f64::from(runs * steps) / begun.elapsed().as_secs_f64()
}

fn figure(name: &str, value: f64, unit: &str, baseline: Option<f64>) {
    let ratio = baseline.map(|baseline| value / baseline);
    println!(
        "{}",
        json!({ "name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio })
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure());
    runtime.shutdown_background();
}

async fn measure() {
    let server = Server::in_memory();
    let dir = tempfile::tempdir().unwrap();
    let mut home = Home::new(dir.path().join("blobs"), dir.path());
    home.tasks = Arc::new(Nothing::new());
    let home = Arc::new(home);
    let cluster = server.connect("bench", home.clone()).await;
    let worker = InProcess::begin(&cluster).await;
    let stop = hand_worker(&cluster);
    // Both once, so that the first to be measured pays for nothing that the second does not.
    by_hand(&cluster, "warm", (2, 10, true)).await;
    through_baton(&cluster, dir.path(), "warm", (2, 10, true)).await;
    for (name, shape) in [
        ("temporal chain of 100", (1, 100, true)),
        ("temporal fan-out of 500", (1, 500, false)),
        ("temporal 100 runs of 10", (100, 10, true)),
    ] {
        // The better of three, in turns: the machine is not quiet.
        let mut best = (0.0_f64, 0.0_f64);
        for turn in 0..3 {
            let id = format!("{}-{turn}", name.replace(' ', "-"));
            best.1 = best.1.max(by_hand(&cluster, &id, shape).await);
            best.0 = best
                .0
                .max(through_baton(&cluster, dir.path(), &id, shape).await);
        }
        figure(name, best.0, "steps/s", Some(best.1));
        let (events, _) = cluster
            .raw_history(&format!("{}-0{}", name.replace(' ', "-"), "-0"), None)
            .await
            .unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a history is short")]
        let per_step = events.len() as f64 / f64::from(shape.1);
        figure(
            &format!("{name}: events per step"),
            per_step,
            "events",
            None,
        );
    }
    // A history of 10,000 events: a fan-out of about 3,300 steps.
    through_baton(&cluster, dir.path(), "long", (1, 1_000, false)).await;
    let (events, _) = cluster.raw_history("long-0", None).await.unwrap();
    let begun = Instant::now();
    let mut fold = Fold::new(home.clone(), "long-0");
    fold.read(&events).unwrap();
    assert_eq!(fold.host().unwrap().status(), "succeeded");
    #[expect(clippy::cast_precision_loss, reason = "a history is short")]
    let ms = begun.elapsed().as_secs_f64() * 1_000.0 * 10_000.0 / events.len() as f64;
    figure("temporal fold of 10,000 events", ms, "ms", None);
    stop();
    worker.end().await;
}
