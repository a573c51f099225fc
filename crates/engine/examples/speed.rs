//! Measures the engine with a real data folder: a chain of pure steps, many runs at a time, and a wide graph.
//!
//! `cargo run --release -p baton-engine --example speed`

use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_core::document::{Edge, Step, Workflow};
use baton_engine::{Engine, EngineConfig, EngineNotice, NewRun};
use baton_store::{OpenOptions, Store};
use serde_json::{Map, Value, json};

fn step(id: String, values: Value) -> Step {
    let with = Map::from_iter([("values".to_owned(), values)]);
    Step {
        id,
        kind: "set_values".to_owned(),
        with,
        ..Step::default()
    }
}

fn chain(length: usize) -> Workflow {
    let id = |n: usize| format!("s{n}");
    let values = |n: usize| match n {
        0 => json!({ "n": 0 }),
        n => json!({ "n": format!("{{% steps.s{}.n + 1 %}}", n - 1) }),
    };
    Workflow {
        steps: (0..length).map(|n| step(id(n), values(n))).collect(),
        edges: (1..length).map(|n| Edge::new(id(n - 1), id(n))).collect(),
        ..Workflow::new(format!("chain_{length}"), "Chain")
    }
}

fn wide(width: usize) -> Workflow {
    let log = |n: usize| Step {
        kind: "log".to_owned(),
        with: Map::from_iter([("message".to_owned(), json!("x"))]),
        ..step(format!("s{n}"), Value::Null)
    };
    Workflow {
        steps: (0..width).map(log).collect(),
        ..Workflow::new("wide", "Wide")
    }
}

async fn run(engine: &Engine, workflow: &Arc<Workflow>) -> String {
    let new = NewRun {
        workflow: workflow.clone(),
        path: None,
        work_dir: std::env::temp_dir(),
        input: json!({}),
        by: None,
    };
    engine.run(new).await.expect("the run starts")
}

async fn until_idle(engine: &Engine, notices: &mut tokio::sync::broadcast::Receiver<EngineNotice>) {
    while !engine.live().is_empty() {
        drop(tokio::time::timeout(Duration::from_millis(20), notices.recv()).await);
    }
}

/// Processor time of this process so far: what a loaded machine does not distort.
fn cpu_ms() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse::<f64>().ok())
        .sum::<f64>()
        / 1e6
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it is a measurement")]
async fn main() {
    let dir = tempfile::tempdir_in(".").expect("a folder on the real disk");
    let store = Store::open(dir.path(), OpenOptions::default())
        .await
        .expect("the folder opens");
    let engine = Engine::start(EngineConfig::new(store, Arc::new(baton_steps::catalog())));
    let engine = engine.await.expect("the engine starts");
    let mut notices = engine.subscribe();
    let thousand = Arc::new(chain(1_000));
    let mut times = Vec::new();
    let cpu = cpu_ms();
    for _ in 0..11 {
        let begun = Instant::now();
        run(&engine, &thousand).await;
        until_idle(&engine, &mut notices).await;
        times.push(begun.elapsed());
    }
    println!("chain of 1,000: {:.1} CPU-ms each", (cpu_ms() - cpu) / 11.0);
    times.sort();
    println!(
        "chain of 1,000: median {:?}, best {:?}, first or worst {:?}",
        times[5], times[0], times[10]
    );

    let ten = Arc::new(chain(10));
    let begun = Instant::now();
    let runs: Vec<_> = (0..1_000)
        .map(|_| {
            let (engine, ten) = (engine.clone(), ten.clone());
            tokio::spawn(async move { run(&engine, &ten).await })
        })
        .collect();
    for run in runs {
        run.await.expect("the run starts");
    }
    until_idle(&engine, &mut notices).await;
    let took = begun.elapsed();
    println!(
        "1,000 runs of 10: {took:?}, {:.0} steps/s",
        10_000.0 / took.as_secs_f64()
    );

    let wide = Arc::new(wide(10_000));
    let begun = Instant::now();
    run(&engine, &wide).await;
    until_idle(&engine, &mut notices).await;
    println!("10,000 steps side by side: {:?}", begun.elapsed());
    engine.close().await;
}
