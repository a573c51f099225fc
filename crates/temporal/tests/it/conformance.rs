//! The same definitions on a real cluster and with the engine of this computer: the same events, in the same order, at the
//! same instants.
//!
//! Which of two things comes first is a matter of who is quicker, and no host may decide it. So the run on the cluster
//! goes first, freely; then the engine is told the same from outside, in the order in which the cluster was told, and has
//! to write the same log: every state, output, decision, error, line and instant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use baton_core::machine::{self, Logged};
use baton_temporal::client;
use baton_temporal::fold::{Closed, Fold};
use baton_temporal::home::Home;
use baton_temporal::target::{Access, Cluster};
use baton_temporal::wire::{Settings, Standing};
use baton_temporal::workflow::BatonRun;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use temporalio_client::WorkflowQueryOptions;

use crate::cluster::{InProcess, PATIENCE, Server, until};
use crate::local::Local;
use crate::script::{self, Outside, Said};

/// How many generated workflows are compared.
const GENERATED: usize = 220;
/// How many steps each has at least.
const SIZE: usize = 5;
/// Which of them are recorded.
const RECORD_EVERY: u64 = 20;
/// How many of them are under way at the same time.
const AT_ONCE: usize = 12;

/// Runs `file` on the cluster, and compares history and worker at its end. Gives the whole log.
async fn on_cluster(
    cluster: &Cluster,
    file: &Path,
    input: Value,
    id: &str,
    settings: Settings,
    outside: &mut Outside,
) -> Vec<Logged> {
    let new = client::NewRun {
        file: file.to_path_buf(),
        input,
        id: Some(id.to_owned()),
        by: Some("cli".to_owned()),
        settings,
        ..client::NewRun::default()
    };
    cluster.start(new).await.unwrap();
    let mut is_signal = false;
    let begun = Instant::now();
    let fold = until(id, async || {
        let fold = cluster.fold(id, None).await.unwrap();
        assert_eq!(fold.trouble(), None, "{id}");
        match fold.closed() {
            // It goes on as a new one, and only just.
            Some(Closed::Continued(_)) => return None,
            Some(_) => return Some(fold),
            None => {}
        }
        let host = fold.host()?;
        let waits_for = || (host.run().waiting_for(), machine::pending(host.run()));
        assert!(begun.elapsed() < PATIENCE / 2, "{id}: {:#?}", waits_for());
        for said in outside.says(host.run()) {
            // What came too late is refused.
            match said {
                Said::Cancel => drop(cluster.request_cancel(id, "enough").await),
                Said::Command(command) => {
                    // Half of it waits for an answer, half is a message.
                    is_signal = !is_signal;
                    if is_signal {
                        drop(cluster.send(id, command).await);
                    } else {
                        drop(cluster.tell(id, command).await);
                    }
                }
            }
        }
        None
    })
    .await;
    assert_same_as_worker(cluster, id, &fold).await;
    let mut log = fold.earlier().to_vec();
    log.extend_from_slice(fold.host().unwrap().log());
    log
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
pub(crate) async fn assert_same_as_worker(cluster: &Cluster, id: &str, fold: &Fold) {
    let handle = cluster.client().get_workflow_handle::<BatonRun>(id);
    // The server gives a question up now and then while it is busy.
    let worker: Option<Standing> = until("the answer of the worker", async || {
        let query = handle.query(BatonRun::standing, (), WorkflowQueryOptions::default());
        query.await.ok()
    })
    .await;
    assert_eq!(Some(fold.host().unwrap().standing()), worker, "{id}");
}

/// What happened in the runs that are compared, so that nobody compares only what is easy.
#[derive(Debug, Default)]
struct Seen(BTreeMap<String, usize>);

impl Seen {
    /// Counts the runs in which something happened.
    fn add(&mut self, log: &[Logged]) {
        let mut kinds = std::collections::BTreeSet::new();
        for logged in log {
            let event = serde_json::to_value(&logged.event).unwrap();
            let kind = event["type"].as_str().unwrap().to_owned();
            let is_inside = |name: &str| event[name].as_str().is_some_and(|at| at.contains('/'));
            if kind == "StepSkipped" {
                kinds.insert(format!("skipped: {}", event["reason"].as_str().unwrap()));
            }
            if kind == "StepCancelled" && is_inside("step") {
                kinds.insert("a body that ended early".to_owned());
            }
            if kind == "StepCancelled" {
                let why = event["reason"].as_str().unwrap().split(':').next().unwrap();
                kinds.insert(format!("stopped: {why}"));
            }
            if kind == "RunEnded" {
                kinds.insert(format!("ended: {}", event["outcome"].as_str().unwrap()));
            }
            if event["error"]["code"].is_string() {
                kinds.insert(format!(
                    "error: {}",
                    event["error"]["code"].as_str().unwrap()
                ));
            }
            kinds.insert(kind);
        }
        for kind in kinds {
            *self.0.entry(kind).or_default() += 1;
        }
    }

    fn has(&self, kind: &str, least: usize) {
        let count = self.0.get(kind).copied().unwrap_or(0);
        assert!(count >= least, "{kind}: only {count} of {:#?}", self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn generated_workflows_end_alike_on_both_hosts() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::in_memory();
    let mut home = Home::new(dir.path().join("blobs"), dir.path());
    home.tasks = script::tasks();
    let cluster = server.connect("conformance", Arc::new(home)).await;
    let worker = InProcess::begin(&cluster).await;
    let local = Arc::new(Local::begin(true));
    let begun = Instant::now();
    let seeds = (0..).filter(|seed| script::size(*seed) >= SIZE);
    let seeds = seeds.take(GENERATED);
    let compared = stream::iter(seeds).map(|seed| {
        let (local, cluster) = (local.clone(), &cluster);
        let file = dir.path().join(format!("generated_{seed}.baton.json"));
        async move {
            std::fs::write(&file, script::workflow(seed).to_string()).unwrap();
            let input = json!({ "n": seed % 3 });
            let id = format!("generated-{seed}");
            let settings = Settings {
                // Some go on as new runs again and again.
                continue_after: if seed % 8 == 7 { 25 } else { 0 },
                ..Settings::default()
            };
            let mut outside = Outside::new(seed);
            let log = on_cluster(cluster, &file, input.clone(), &id, settings, &mut outside).await;
            if seed.is_multiple_of(RECORD_EVERY) {
                record(cluster, &id).await;
            }
            tokio::task::spawn_blocking(move || {
                let difference = local.difference(&file, &input, &id, &log);
                (seed, (file, input, id, log), difference)
            })
            .await
            .unwrap()
        }
    });
    let mut compared = std::pin::pin!(compared.buffer_unordered(AT_ONCE));
    let (mut seen, mut events, mut different) = (Seen::default(), 0, Vec::new());
    let mut sample = None;
    while let Some((seed, run, difference)) = compared.next().await {
        seen.add(&run.3);
        events += run.3.len();
        sample = Some(run);
        let of = |difference| format!("{}\n{difference}", script::workflow(seed));
        different.extend(difference.map(of));
    }
    assert!(
        different.is_empty(),
        "{} of {GENERATED} differ:\n{}",
        different.len(),
        different.join("\n\n")
    );
    let took = begun.elapsed();
    let (file, input, id, mut log) = sample.unwrap();
    let last = log.last_mut().unwrap();
    last.at += 1;
    let difference = local.difference(&file, &input, &id, &log);
    assert!(difference.is_some(), "a millisecond is a difference");
    println!(
        "{GENERATED} runs, {events} events alike, {took:.1?}: {:#?}",
        seen.0
    );
    // The generator is not calmed: whatever depends on who is quicker is there.
    for (kind, least) in [
        ("a body that ended early", 10),
        ("skipped: ended", 20),
        ("stopped: another branch was faster", 3),
        ("stopped: another step failed", 15),
        ("stopped: the end was reached", 4),
        ("stopped: the run was cancelled", 4),
        ("ended: failed", 20),
        ("ended: cancelled", 8),
        ("CompensationStarted", 15),
        ("UndoFailed", 5),
        ("BudgetRaised", 15),
        ("RunPaused", 5),
        ("ApprovalDecided", 12),
        ("ApprovalEscalated", 5),
        ("EventReceived", 20),
        ("TimerFired", 20),
        ("error: timeout", 10),
        ("error: defect", 5),
        ("error: sub-workflow", 2),
    ] {
        seen.has(kind, least);
    }
    worker.end().await;
}

/// Waits, deadlines, reminders and time limits of days.
#[tokio::test(flavor = "multi_thread")]
async fn long_waits_end_alike_where_time_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let mut home = Home::new(dir.path().join("blobs"), dir.path());
    home.tasks = script::tasks();
    let home = Arc::new(home);
    let local = Local::begin(true);
    let steps = json!([
        { "id": "pause", "kind": "wait", "with": { "for": "7d" } },
        { "id": "ask", "kind": "approval", "with": { "to": ["x"], "expires": "2d", "remind": "6h",
            "escalateAfter": "1d", "escalateTo": ["y"] } },
        { "id": "hear", "kind": "wait_for", "with": { "event": "e", "timeout": "3d" } },
        { "id": "again", "kind": "repeat", "with": { "until": "index > 1", "max": 5, "delay": "5h" },
            "body": { "edges": [], "steps": [ { "id": "rest", "kind": "wait", "with": { "for": "1h" } } ] } },
        { "id": "limited", "kind": "scope", "timeout": "1d",
            "body": { "edges": [], "steps": [ { "id": "long", "kind": "wait", "with": { "for": "3d" } } ] } } ]);
    let mut events = 0;
    for (name, limit) in [("days", Value::Null), ("limited_days", json!("5d"))] {
        let mut document = json!({ "format": 1, "id": name, "name": name, "edges": [],
            "onFailure": "finish", "steps": steps });
        if limit.is_string() {
            document["timeout"] = limit;
        }
        let file = dir.path().join(format!("{name}.baton.json"));
        std::fs::write(&file, document.to_string()).unwrap();
        let settings = Settings::default();
        let mut outside = Outside::that_is_silent();
        // Time is skipped for everybody: a server for each, and only once the run is there.
        let server = Server::skipping();
        let cluster = until("the server", async || {
            let access = Access::default();
            let cluster = Cluster::connect(server.place("days"), &access, home.clone());
            cluster.await.ok()
        })
        .await;
        let worker = InProcess::begin(&cluster).await;
        let id = format!("run-of-{name}");
        let skip = async {
            until("the run", async || {
                let fold = cluster.fold(&id, None).await.ok()?;
                fold.host().map(drop)
            })
            .await;
            cluster.skip_time().await.unwrap();
        };
        let run = on_cluster(&cluster, &file, json!({}), &id, settings, &mut outside);
        let (log, ()) = futures::join!(run, skip);
        let days = (log.last().unwrap().at - log[0].at) / 86_400_000;
        assert!((5..=7).contains(&days), "{days}");
        assert_eq!(local.difference(&file, &json!({}), &id, &log), None);
        events += log.len();
        worker.end().await;
    }
    assert!(events > 40, "{events}");
}

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".baton.json"))
        .collect();
    files.sort();
    files
}

/// Every sample, approved and rejected, with the real steps.
#[tokio::test(flavor = "multi_thread")]
async fn samples_end_alike_on_both_hosts() {
    let server = Server::in_memory();
    let local = Local::begin(false);
    let samples = samples();
    assert!(samples.len() >= 3, "{samples:?}");
    for (sample, is_yes) in samples
        .iter()
        .flat_map(|file| [(file, true), (file, false)])
    {
        let name = sample.file_name().unwrap();
        let id = format!("{}-{is_yes}", name.to_string_lossy().replace('.', "-"));
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        for dir in &dirs {
            copy(sample.parent().unwrap(), dir.path());
        }
        let blobs = tempfile::tempdir().unwrap();
        let home = Arc::new(Home::new(blobs.path(), dirs[1].path()));
        let cluster = server.connect(&id, home).await;
        let worker = InProcess::begin(&cluster).await;
        let mut outside = Outside::that_says(is_yes);
        let (file, input) = (dirs[1].path().join(name), json!({}));
        let settings = Settings::default();
        let log = on_cluster(&cluster, &file, input.clone(), &id, settings, &mut outside).await;
        let file = dirs[0].path().join(name);
        assert_eq!(local.difference(&file, &input, &id, &log), None);
        assert_eq!(files(dirs[0].path()), files(dirs[1].path()), "{id}");
        worker.end().await;
    }
}

/// What lies in a folder, with the hash of its content.
fn files(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let hash = blake3::hash(&std::fs::read(&path).unwrap()).to_hex();
            let name = path.strip_prefix(dir).unwrap().display().to_string();
            found.insert(name, hash.to_string());
        }
    }
    found
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
