//! Kills of workers and of the server in the middle of many runs; two workers; a worker that is told to stop.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_core::machine::{Phase, Settlement};
use baton_temporal::client::NewRun;
use baton_temporal::fold::Fold;
use baton_temporal::home::Home;
use baton_temporal::target::Cluster;
use baton_temporal::wire::{Command, Settings};
use serde_json::{Value, json};

use crate::cluster::{PATIENCE, Server, until};
use crate::conformance::assert_same_as_worker;

/// A worker as a process of its own, as people start it.
struct Worker {
    child: Child,
}

impl Worker {
    fn begin(server: &Server, queue: &str, dir: &Path, name: &str) -> Self {
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_baton-temporal"))
            .args([
                "worker",
                "--temporal",
                &format!("127.0.0.1:{}", server.port),
            ])
            .args([
                "--namespace",
                "default",
                "--task-queue",
                queue,
                "--grace",
                "5",
            ])
            .arg("--blobs")
            .arg(dir.join("blobs"))
            .arg("--work")
            .arg(dir)
            .env("WORKER_NAME", name)
            .env("BATON_SECRET_WORKER", name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    fn stop(mut self) -> Duration {
        let begun = Instant::now();
        let id = self.child.id().to_string();
        let told = std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap();
        assert!(told.success());
        assert!(self.child.wait().unwrap().success(), "it ends well");
        begun.elapsed()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `lanes` chains of `length` steps, each of which writes a line with the instant when it begins and one when it ends,
/// then a last step.
fn lanes(name: &str, lanes: usize, length: usize, pause: &str) -> Value {
    let mut steps = Vec::new();
    let mut edges = Vec::new();
    for lane in 0..lanes {
        for place in 0..length {
            let id = format!("l{lane}_{place}");
            let script = format!(
                "echo begin {name} {id} $(date +%s%3N) >> log.txt; sleep {pause}; echo end {name} {id} >> log.txt"
            );
            steps.push(json!({ "id": id, "kind": "run_command",
                "with": { "program": "sh", "args": ["-c", script], "effect": "idempotent" } }));
            if place > 0 {
                edges.push(json!({ "from": format!("l{lane}_{}", place - 1), "to": id }));
            } else {
                continue;
            }
        }
        edges.push(json!({ "from": format!("l{lane}_{}", length - 1), "to": "last" }));
    }
    steps.push(json!({ "id": "last", "kind": "merge", "join": "all" }));
    json!({ "format": 1, "id": name, "name": name, "steps": steps, "edges": edges })
}

fn write(dir: &Path, name: &str, document: &Value) -> PathBuf {
    let file = dir.join(format!("{name}.baton.json"));
    std::fs::write(&file, document.to_string()).unwrap();
    file
}

/// A silence of two seconds is a loss.
async fn start(cluster: &Cluster, file: PathBuf, id: &str) {
    start_with(cluster, file, id, 2_000).await;
}

async fn start_with(cluster: &Cluster, file: PathBuf, id: &str, heartbeat_ms: u64) {
    let new = NewRun {
        file,
        input: json!({}),
        id: Some(id.to_owned()),
        settings: Settings {
            heartbeat_ms,
            ..Settings::default()
        },
        ..NewRun::default()
    };
    cluster.start(new).await.unwrap();
}

async fn ended(cluster: &Cluster, id: &str) -> Fold {
    let begun = Instant::now();
    until("the end of the run", async || {
        // The server may just be gone.
        let fold = cluster.fold(id, None).await.ok()?;
        let waits_for = || fold.host().map(|host| host.run().waiting_for());
        assert!(
            begun.elapsed() < PATIENCE * 3 / 4,
            "{id} waits for {:?}",
            waits_for()
        );
        fold.closed().is_some().then_some(fold)
    })
    .await
}

fn log(dir: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("log.txt")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_and_servers_lose_no_step() {
    const RUNS: usize = 6;
    let mut server = Server::with_file();
    let dir = tempfile::tempdir().unwrap();
    let home = Arc::new(Home::new(dir.path().join("blobs"), dir.path()));
    let cluster = server.connect("chaos", home).await;
    let mut worker = Some(Worker::begin(&server, "chaos", dir.path(), "w0"));
    for run in 0..RUNS {
        let name = format!("chaos_{run}");
        let file = write(dir.path(), &name, &lanes(&name, 4, 10, "0.3"));
        start(&cluster, file, &name).await;
    }
    // 8 kills of the worker and 4 of the server in 20 seconds.
    let begun = Instant::now();
    let (mut workers, mut servers) = (0, 0);
    for blow in 1..=12_u32 {
        let due = Duration::from_millis(1_650) * blow;
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
        if blow % 3 == 0 {
            servers += 1;
            server.kill();
            server.again();
        } else {
            workers += 1;
            worker.take().unwrap().kill();
            let name = format!("w{blow}");
            worker = Some(Worker::begin(&server, "chaos", dir.path(), &name));
        }
    }
    let took = begun.elapsed();
    println!("{workers} workers and {servers} servers were killed in {took:.1?}");
    assert_eq!((workers, servers), (8, 4));
    assert!(took < Duration::from_secs(30), "{took:?}");
    for run in 0..RUNS {
        let name = format!("chaos_{run}");
        let fold = ended(&cluster, &name).await;
        let state = fold.host().unwrap().run();
        assert_eq!(
            fold.host().unwrap().status(),
            "succeeded",
            "{name}: {:?}",
            state.ended()
        );
        for (path, view) in state.steps() {
            assert_eq!(view.state.phase, Phase::Succeeded, "{name} {path}");
        }
        assert_eq!(state.steps().count(), 41, "no step is missing");
        assert_same_as_worker(&cluster, &name, &fold).await;
    }
    let log = log(dir.path());
    let mut repeated = 0;
    for run in 0..RUNS {
        let name = format!("chaos_{run}");
        let recorded = recorded(&cluster, &name).await;
        for lane in 0..4 {
            for place in 0..10 {
                let step = format!("l{lane}_{place}");
                let end = format!("end {name} {step}");
                assert!(log.contains(&end), "{end} is missing");
                let [at] = recorded[&step][..] else {
                    panic!("{name} {step} is on record so often: {:?}", recorded[&step]);
                };
                let begun = instants(&log, &format!("begin {name} {step} "));
                repeated += begun.len() - 1;
                let late: Vec<_> = begun.iter().filter(|begun| **begun > at).collect();
                assert!(
                    late.is_empty(),
                    "{name} {step} is on record at {at}, begun {late:?}"
                );
            }
        }
    }
    println!("240 steps, {repeated} begun again before they were on record");
}

/// When the completions of each step were recorded by the server, in milliseconds.
async fn recorded(cluster: &Cluster, id: &str) -> BTreeMap<String, Vec<i64>> {
    use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
    let (events, _) = cluster.raw_history(id, None).await.unwrap();
    let mut begun = BTreeMap::new();
    let mut ended: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for event in &events {
        match event.attributes.as_ref() {
            Some(Attributes::ActivityTaskScheduledEventAttributes(one)) => {
                let step = one.activity_id.split('#').next().unwrap();
                begun.insert(event.event_id, step.to_owned());
            }
            Some(Attributes::ActivityTaskCompletedEventAttributes(one)) => {
                let time = event.event_time.as_ref().unwrap();
                let at = time.seconds * 1_000 + i64::from(time.nanos) / 1_000_000;
                let step = begun[&one.scheduled_event_id].clone();
                ended.entry(step).or_default().push(at);
            }
            _ => {}
        }
    }
    ended
}

/// The instants at the end of lines that begin so.
fn instants(log: &[String], beginning: &str) -> Vec<i64> {
    let lines = log.iter();
    let lines = lines.filter_map(|line| line.strip_prefix(beginning));
    lines.map(|instant| instant.parse().unwrap()).collect()
}

/// A repeatable step begins again elsewhere soon after its worker is gone.
#[tokio::test(flavor = "multi_thread")]
async fn the_step_of_a_killed_worker_begins_again_in_time() {
    let server = Server::in_memory();
    let dir = tempfile::tempdir().unwrap();
    let home = Arc::new(Home::new(dir.path().join("blobs"), dir.path()));
    let cluster = server.connect("again", home).await;
    let worker = Worker::begin(&server, "again", dir.path(), "one");
    let script = "echo begun >> log.txt; if [ $(wc -l < log.txt) = 1 ]; then sleep 600; fi";
    let document = json!({ "format": 1, "id": "again", "name": "again", "edges": [], "steps": [
        { "id": "twice", "kind": "run_command", "with": { "program": "sh",
            "args": ["-c", script], "effect": "idempotent" } } ] });
    let file = write(dir.path(), "again", &document);
    start(&cluster, file, "again").await;
    until("the step", async || {
        (!log(dir.path()).is_empty()).then_some(())
    })
    .await;
    worker.kill();
    let killed = Instant::now();
    let worker = Worker::begin(&server, "again", dir.path(), "two");
    let fold = ended(&cluster, "again").await;
    // The heartbeat of `start` is two seconds.
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(2 + 5), "{took:?}");
    assert_eq!(fold.host().unwrap().status(), "succeeded");
    assert_eq!(log(dir.path()).len(), 2);
    drop(worker);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_a_fan_out_and_one_may_leave() {
    let server = Server::in_memory();
    let dir = tempfile::tempdir().unwrap();
    let home = Arc::new(Home::new(dir.path().join("blobs"), dir.path()));
    let cluster = server.connect("shared", home).await;
    let mut steps = Vec::new();
    for index in 0..200 {
        let script = format!("echo $PPID step_{index} >> log.txt; sleep 0.05");
        steps.push(
            json!({ "id": format!("s{index}"), "kind": "run_command", "with": {
            "program": "sh", "args": ["-c", script], "effect": "unsafe" } }),
        );
    }
    let document =
        json!({ "format": 1, "id": "shared", "name": "shared", "steps": steps, "edges": [] });
    let file = write(dir.path(), "shared", &document);
    let (one, two) = (
        Worker::begin(&server, "shared", dir.path(), "one"),
        Worker::begin(&server, "shared", dir.path(), "two"),
    );
    until("both workers", async || {
        (cluster.listening().await.unwrap().steps >= 2).then_some(())
    })
    .await;
    // A hundred programs at a time on a busy machine: no worker is gone because it is slow.
    start_with(&cluster, file, "shared", 20_000).await;
    until("some steps", async || {
        (log(dir.path()).len() > 40).then_some(())
    })
    .await;
    let took = two.stop();
    assert!(took < Duration::from_secs(8), "{took:?}");
    // A busy server may hand steps to the one that leaves, which never begins them. They may not be repeated unasked, so
    // a person is asked, and sees in the log what became of them.
    let fold = until("the end of the run", async || {
        let fold = cluster.fold("shared", None).await.unwrap();
        if fold.closed().is_some() {
            return Some(fold);
        }
        let open = fold.host()?.run().open_steps();
        let unknown = open.filter(|(_, view)| view.state.phase == Phase::Unknown);
        for (step, _) in unknown {
            let line = format!(" step_{}", step.trim_start_matches('s'));
            let was_done = log(dir.path()).iter().any(|one| one.ends_with(&line));
            println!("{step} is asked about, and was begun: {was_done}");
            let answer = match was_done {
                true => Settlement::Done { output: json!(1) },
                false => Settlement::RunAgain,
            };
            let by = "ada".to_owned();
            // It may be answered already.
            drop(
                cluster
                    .tell("shared", Command::Settle { step, by, answer })
                    .await,
            );
        }
        None
    })
    .await;
    assert_eq!(
        fold.host().unwrap().status(),
        "succeeded",
        "{:?}",
        fold.host().unwrap().run().ended()
    );
    let mut lines: Vec<String> = log(dir.path())
        .iter()
        .map(|line| line.split(' ').next_back().unwrap().to_owned())
        .collect();
    lines.sort();
    assert_eq!(lines.len(), 200, "each step was carried out once");
    lines.dedup();
    assert_eq!(lines.len(), 200, "each step was carried out");
    let (events, _) = cluster.raw_history("shared", None).await.unwrap();
    let mut workers: Vec<String> = events
        .iter()
        .filter_map(|event| {
            use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
            match event.attributes.as_ref()? {
                Attributes::ActivityTaskStartedEventAttributes(one) => Some(one.identity.clone()),
                _ => None,
            }
        })
        .collect();
    workers.sort();
    workers.dedup();
    assert_eq!(workers.len(), 2, "{workers:?}");
    drop(one);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsafe_step_whose_worker_is_gone_asks_a_person() {
    let server = Server::in_memory();
    let dir = tempfile::tempdir().unwrap();
    let home = Arc::new(Home::new(dir.path().join("blobs"), dir.path()));
    let cluster = server.connect("unsafe", home).await;
    let worker = Worker::begin(&server, "unsafe", dir.path(), "one");
    let document = json!({ "format": 1, "id": "lost", "name": "lost", "edges": [], "steps": [
        { "id": "once", "kind": "run_command", "with": { "program": "sh",
            "args": ["-c", "echo begun >> log.txt; sleep 600"], "effect": "unsafe" } } ] });
    let file = write(dir.path(), "lost", &document);
    start(&cluster, file, "lost").await;
    until("the step", async || {
        (!log(dir.path()).is_empty()).then_some(())
    })
    .await;
    worker.kill();
    let killed = Instant::now();
    let worker = Worker::begin(&server, "unsafe", dir.path(), "two");
    until("the question", async || {
        let fold = cluster.fold("lost", None).await.unwrap();
        let run = fold.host()?.run();
        (run.step("once")?.state.phase == Phase::Unknown).then_some(())
    })
    .await;
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(2 + 5), "{took:?}");
    let command = Command::Settle {
        step: "once".to_owned(),
        by: "ada".to_owned(),
        answer: Settlement::Done { output: json!(1) },
    };
    cluster.tell("lost", command).await.unwrap();
    let fold = ended(&cluster, "lost").await;
    assert_eq!(fold.host().unwrap().status(), "succeeded");
    assert_eq!(log(dir.path()).len(), 1, "it was not carried out again");
    drop(worker);
}
