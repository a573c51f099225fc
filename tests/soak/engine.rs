//! R-01, one floor up: the whole engine is killed while it carries out runs with tasks, waits, branches and a
//! sub-workflow, and started again on the same folder. Every run that was acknowledged comes to its end, no step that
//! was complete is done again, and what is listed is what the log says.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use baton_core::document::{self, Workflow};
use baton_core::machine::{self, Event, Logged, Plan};
use baton_engine::{Engine, EngineConfig, NewRun};
use baton_store::{RunFilter, Store};
use serde_json::json;

use crate::check;
use crate::child::{Said, Until, hear_out, own_child};
use crate::harness::{Cx, NO_MARKS, Tally, series};

/// Kills of one folder; then the engine may finish.
const ROUNDS: u32 = 6;

/// Runs that each process begins.
const RUNS: u32 = 4;

/// Where the engine ends by itself.
const POINTS: [&str; 8] = [
    "engine-decided",
    "engine-durable",
    "engine-replayed",
    "task-begun",
    "task-acted",
    "store-inserted",
    "store-committed",
    "artifact-renamed",
];

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    Ok(series(cx, cx.cases.div_ceil(ROUNDS), |case| {
        let mut said = Said::default();
        let folder = case.folder.display().to_string();
        std::fs::write(
            case.folder.join("child.baton.json"),
            document::print(&below()),
        )
        .map_err(|error| error.to_string())?;
        for round in 0..=ROUNDS {
            let runs = if round < ROUNDS { RUNS } else { 0 };
            let mut child = own_child("engine", &[&folder, &runs.to_string()]);
            let until = match (round, case.chance.below(2)) {
                (ROUNDS, _) => Until::Ends,
                (_, 0) => {
                    let point = POINTS[case.chance.index(POINTS.len())];
                    let nth = 1 + case.chance.below(25);
                    child.env("BATON_FAIL_POINT", format!("{point}:{nth}"));
                    Until::Ends
                }
                _ => Until::Acks(1 + case.chance.below(8) as u32, case.chance.below(15_000)),
            };
            let ended = hear_out(&mut child, until, &mut said)?;
            if ended.complaints.contains("panicked") {
                return Err(format!("it panicked: {}", ended.complaints));
            }
            if ended.is_broken_off() {
                case.done();
            } else if !ended.status.success() {
                return Err(format!("it failed: {}", ended.complaints));
            }
            let data = case.folder.join("data");
            let is_last = round == ROUNDS;
            let looked = cx.runtime.block_on(look(&data, &said, is_last));
            let seen = looked.map_err(|why| format!("after kill {round} ({until:?}): {why}"))?;
            if is_last {
                case.note("runs that came to their end", seen.ended);
                case.note("steps that were interrupted and went on", seen.resumed);
            }
        }
        Ok(())
    }))
}

#[derive(Default)]
struct Seen {
    ended: u64,
    resumed: u64,
}

async fn look(data: &Path, said: &Said, is_last: bool) -> Result<Seen, String> {
    let store = check::open(data)
        .await
        .map_err(|error| format!("{} {error}", error.code()))?;
    let judged = judge(&store, said, is_last).await;
    store.close().await;
    judged
}

async fn judge(store: &Store, said: &Said, is_last: bool) -> Result<Seen, String> {
    let text = |error: baton_store::StoreError| format!("{} {error}", error.code());
    let verified = store.verify().await.map_err(text)?;
    if let Some(damage) = verified.damage.first() {
        return Err(format!("the check finds: {damage}"));
    }
    let filter = RunFilter {
        limit: 100_000,
        ..RunFilter::default()
    };
    let (rows, _) = store.runs(filter).await.map_err(text)?;
    let catalog = baton_steps::catalog();
    let mut seen = Seen::default();
    for row in &rows {
        let events = store.events(&row.id, 0, u32::MAX).await.map_err(text)?;
        let definition = store.definition(&row.digest).await.map_err(text)?;
        let definition = definition.ok_or_else(|| format!("`{}` has no definition", row.id))?;
        let parsed = document::parse(&definition).map_err(|error| error.to_string())?;
        let plan =
            Plan::compile(&parsed.workflow, &catalog).map_err(|error| format!("{error:?}"))?;
        machine::replay(plan, &events)
            .map_err(|error| format!("`{}` cannot be replayed: {error}", row.id))?;
        seen.resumed += once(&row.id, &events)?;
        let has_ended = matches!(
            events.last().map(|last| &last.event),
            Some(Event::RunEnded { .. })
        );
        if has_ended != row.ended_at.is_some() {
            return Err(format!(
                "`{}` is listed as {}, against its log",
                row.id, row.status
            ));
        }
        if is_last && row.status != "succeeded" {
            return Err(format!(
                "`{}` ends as {}: {:?}",
                row.id, row.status, row.error
            ));
        }
        seen.ended += u64::from(has_ended);
    }
    for (run, position) in &said.runs {
        let row = rows.iter().find(|row| row.id == *run);
        let row = row.ok_or_else(|| format!("run `{run}` was acknowledged and is not there"))?;
        if *position == ENDED && row.ended_at.is_none() {
            return Err(format!("run `{run}` was said to have ended and goes on"));
        }
    }
    Ok(seen)
}

/// Whether every step succeeded at most once and none began after that; how many went on after an interruption.
fn once(run: &str, events: &[Logged]) -> Result<u64, String> {
    let mut succeeded: BTreeMap<&str, u32> = BTreeMap::new();
    let mut resumed = 0;
    for logged in events {
        match &logged.event {
            Event::StepSucceeded { step, .. } => *succeeded.entry(step).or_default() += 1,
            Event::StepStarted { step, .. } | Event::StepResumed { step, .. }
                if succeeded.contains_key(step.as_str()) =>
            {
                return Err(format!(
                    "step `{step}` of `{run}` was complete and began again"
                ));
            }
            Event::StepResumed { .. } => resumed += 1,
            _ => {}
        }
    }
    match succeeded.iter().find(|(_, times)| **times > 1) {
        Some((step, times)) => Err(format!("step `{step}` of `{run}` succeeded {times} times")),
        None => Ok(resumed),
    }
}

/// What stands for the end of a run among the positions that the process says.
const ENDED: u32 = 1;

/// The workflow that every run carries out.
fn above() -> Workflow {
    let command =
        |script: &str| json!({ "program": "sh", "args": ["-c", script], "effect": "idempotent" });
    let text = json!({
        "format": 1, "id": "above", "name": "Above",
        "steps": [
            { "id": "begin", "kind": "set_values", "with": { "values": { "n": 3 } } },
            { "id": "act", "kind": "run_command", "with": command("sleep 0.01; echo done") },
            { "id": "large", "kind": "set_values", "with": { "values": { "text": format!("{{% run.id %}} {}", "x".repeat(70_000)) } } },
            { "id": "pause", "kind": "wait", "with": { "for": "20ms" } },
            { "id": "below", "kind": "workflow", "with": { "workflow": "child.baton.json", "version": "latest", "input": {} } },
            { "id": "each", "kind": "for_each", "with": { "items": "{% [1, 2, 3] %}" }, "body": {
                "steps": [{ "id": "one", "kind": "run_command", "with": command("echo one") }], "edges": [] } },
            { "id": "last", "kind": "merge" }
        ],
        "edges": [
            { "from": "begin", "to": "act" }, { "from": "begin", "to": "large" }, { "from": "begin", "to": "pause" },
            { "from": "act", "to": "below" }, { "from": "large", "to": "each" }, { "from": "pause", "to": "last" },
            { "from": "below", "to": "last" }, { "from": "each", "to": "last" }
        ]
    });
    parse(&text.to_string())
}

/// The one that it calls.
fn below() -> Workflow {
    let text = json!({
        "format": 1, "id": "child", "name": "Below",
        "steps": [
            { "id": "one", "kind": "run_command", "with": { "program": "sh", "args": ["-c", "echo below"], "effect": "keyed" } },
            { "id": "two", "kind": "wait", "with": { "for": "5ms" } }
        ],
        "edges": [{ "from": "one", "to": "two" }]
    });
    parse(&text.to_string())
}

fn parse(text: &str) -> Workflow {
    document::parse(text)
        .expect("the workflows of this file are whole")
        .workflow
}

/// The process: begins so many runs, and waits until all that are open have ended.
pub(crate) async fn child(folder: &Path, runs: u32) -> anyhow::Result<()> {
    let say = |line: String| {
        // Whoever listens may be gone, and nobody else wants to know.
        std::io::stdout()
            .lock()
            .write_all(format!("{line}\n").as_bytes())
            .ok();
    };
    let data = folder.join("data");
    let store = check::open(&data).await?;
    let catalog = Arc::new(baton_steps::catalog());
    let mut config = EngineConfig::new(store.clone(), catalog);
    config.watermarks = NO_MARKS;
    let engine = Engine::start(config).await?;
    let workflow = Arc::new(above());
    for _ in 0..runs {
        let new = NewRun {
            workflow: workflow.clone(),
            path: Some(folder.join("above.baton.json")),
            work_dir: folder.to_path_buf(),
            input: json!({}),
            by: Some("soak".to_owned()),
        };
        let run = engine.run(new).await?;
        say(format!("run {run} 0"));
    }
    let mut open = store.open_runs().await?;
    while !open.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        let now = store.open_runs().await?;
        for row in &open {
            if !now.iter().any(|still| still.id == row.id) {
                say(format!("run {} {ENDED}", row.id));
            }
        }
        open = now;
    }
    engine.close().await;
    store.close().await;
    Ok(())
}
