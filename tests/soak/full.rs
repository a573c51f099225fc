//! a small disk fills up while runs are carried out, is freed, and everything goes on by itself. Nothing is lost.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_core::document::{Edge, Step, Workflow};
use baton_core::machine::{Event, Outcome};
use baton_core::table::INLINE_LIMIT;
use baton_engine::{Engine, EngineConfig, NewRun, Watermarks};
use baton_store::{OpenOptions, Store};
use serde_json::{Value, json};

use crate::harness::{Case, Cx, Tally, series, tell};

/// How long a run may take once there is space again: a failed write is tried again after at most 15 seconds.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    let probe = Disk::mount(&cx.scratch.join("probe"), 1_024);
    if let Err(why) = probe {
        tell(&format!(
            "full: left out: this account may not mount a small disk ({why})"
        ));
        return Ok(Tally::default());
    }
    drop(probe);
    Ok(series(cx, cx.cases, |case| {
        // Most of it is freed later: what stood still needs room for all that it has left to do.
        let size = 3_000 + case.chance.below(3_000);
        let disk = Disk::mount(&case.folder.join("disk"), size)?;
        let done = cx.runtime.block_on(fill(case, &disk.path, size));
        case.done();
        done.map_err(|why| format!("a disk of {size} KiB: {why}"))
    }))
}

/// A small disk in memory, for as long as this lives.
struct Disk {
    path: PathBuf,
}

impl Disk {
    fn mount(path: &Path, kib: u64) -> Result<Self, String> {
        std::fs::create_dir_all(path).map_err(|error| error.to_string())?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(path)
            .output()
            .map_err(|error| error.to_string())?;
        if mounted.status.success() {
            Ok(Self {
                path: path.to_path_buf(),
            })
        } else {
            Err(String::from_utf8_lossy(&mounted.stderr).trim().to_owned())
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.path).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            tell(&format!(
                "full: `{}` could not be unmounted",
                self.path.display()
            ));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Small,
    Large,
}

/// Steps one after the other. Their outputs take space in the log; with `Last::Large` the last one is kept as an artifact,
/// another one for each run. In the middle a run waits, and goes on when the disk is full.
fn workflow(last: Last) -> Workflow {
    let words = |count: usize| "word ".repeat(count / 5);
    let large = format!("{{% run.id %}} {}", words(INLINE_LIMIT));
    let mut steps = vec![
        ("set_values", json!({ "values": { "text": words(6_000) } })),
        ("wait", json!({ "for": "700ms" })),
        ("set_values", json!({ "values": { "text": words(6_000) } })),
    ];
    if last == Last::Large {
        steps.push(("set_values", json!({ "values": { "text": large } })));
    }
    let mut workflow = Workflow::new("full", "Full");
    for (index, (kind, with)) in steps.into_iter().enumerate() {
        workflow.steps.push(Step {
            id: format!("s{index}"),
            kind: kind.to_owned(),
            with: with.as_object().cloned().unwrap_or_default(),
            ..Step::default()
        });
        if index > 0 {
            let edge = Edge::new(format!("s{}", index - 1), format!("s{index}"));
            workflow.edges.push(edge);
        }
    }
    workflow
}

async fn fill(case: &Case<'_>, disk: &Path, size: u64) -> Result<(), String> {
    let text = |error: baton_store::StoreError| format!("{} {error}", error.code());
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![1u8; (size * 3 / 4 * 1_024) as usize])
        .map_err(|error| error.to_string())?;
    let data = disk.join("data");
    let store = Store::open(&data, OpenOptions::default())
        .await
        .map_err(text)?;
    let engine = start(&store).await?;
    let (small, large) = (
        Arc::new(workflow(Last::Small)),
        Arc::new(workflow(Last::Large)),
    );
    // Filled to the brim: from here on nothing new can be written.
    let mut runs = Vec::new();
    let mut refused = None;
    for number in 0..2_000 {
        let is_large = number % 8 == 3;
        let new = NewRun {
            workflow: if is_large {
                large.clone()
            } else {
                small.clone()
            },
            path: None,
            work_dir: disk.to_path_buf(),
            input: Value::Null,
            by: Some("soak".to_owned()),
        };
        match engine.run(new).await {
            Ok(run) => runs.push(run),
            Err(error) => {
                refused = Some(error.to_string());
                break;
            }
        }
    }
    let refused = refused.ok_or("the disk does not fill up")?;
    if !refused.contains("no space") {
        return Err(format!("a full disk is called: {refused}"));
    }
    case.note("runs begun before the disk was full", runs.len() as u64);
    let full = Instant::now();
    let mut standing = 0;
    while standing == 0 && full.elapsed() < Duration::from_secs(5) && !engine.live().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        standing = runs
            .iter()
            .filter(|run| engine.stalled(run).is_some())
            .count();
    }
    case.note("runs that stood still", standing as u64);
    // Looking goes on meanwhile.
    store.events(&runs[0], 0, 10).await.map_err(text)?;
    std::fs::remove_file(&ballast).map_err(|error| error.to_string())?;
    let freed = Instant::now();
    for run in &runs {
        loop {
            let row = store.run(run).await.map_err(text)?;
            let row =
                row.ok_or_else(|| format!("run `{run}` was acknowledged and is not there"))?;
            if row.ended_at.is_some() {
                break;
            }
            if freed.elapsed() > PATIENCE {
                return Err(format!(
                    "run `{run}` does not go on by itself: {:?}",
                    row.waiting_for
                ));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let events = store.events(run, 0, u32::MAX).await.map_err(text)?;
        let is_whole = matches!(
            events.last().map(|logged| &logged.event),
            Some(Event::RunEnded {
                outcome: Outcome::Succeeded,
                ..
            })
        );
        if !is_whole {
            return Err(format!("run `{run}` ended otherwise: {:?}", events.last()));
        }
    }
    case.most(
        "longest until all went on, ms",
        freed.elapsed().as_millis() as u64,
    );
    engine.close().await;
    let verified = store.verify().await.map_err(text)?;
    store.close().await;
    match verified.damage.first() {
        Some(damage) => Err(format!("the check finds: {damage}")),
        None => Ok(()),
    }
}

/// Marks for a small disk, in the same order as those for a large one.
const MARKS: Watermarks = Watermarks {
    warn: 400_000,
    warn_percent: 0,
    pause: 200_000,
    read_only: 60_000,
    ballast: 64 << 10,
};

async fn start(store: &Store) -> Result<Engine, String> {
    let catalog = Arc::new(baton_steps::catalog());
    let mut config = EngineConfig::new(store.clone(), catalog);
    config.watermarks = MARKS;
    let engine = Engine::start(config).await;
    engine.map_err(|error| error.to_string())
}
