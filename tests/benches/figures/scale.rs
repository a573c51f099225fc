//! Figures of size: many open runs, many waiting ones, and one with a million events.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use baton_api::runs::{RunEvents, RunGet};
use baton_api::{App, AppConfig, run_events, run_get};
use baton_core::document::Workflow;
use baton_core::machine::Decision;
use baton_engine::{Engine, EngineConfig, NewRun};
use baton_store::{OpenOptions, RunFilter, Store};
use serde_json::{Value, json};
use sqlx::{Connection, Row, SqliteConnection};

use super::{figure, ms};

/// First argument of the process that measures its own memory.
const MEMORY: &str = "--memory-of";

/// Steps of a run before it waits: with its beginning and its question, a hundred events and one.
const STEPS: usize = 49;
const OPEN: usize = 1_000;
const WAITING: usize = 10_000;
/// Rounds of the long loop, four events each.
const ROUNDS: u32 = 250_000;

/// All figures of this file.
pub(crate) async fn all(folder: &Path) -> Result<()> {
    restart(folder).await?;
    memory(folder)?;
    million(folder).await
}

/// If this process is the one that measures its own memory, does so.
pub(crate) async fn own_memory() -> Result<bool> {
    let mut arguments = std::env::args().skip_while(|argument| argument != MEMORY);
    let (Some(_), Some(folder), Some(count)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Ok(false);
    };
    let (engine, store) = open(Path::new(&folder)).await?;
    let workflow = Arc::new(asking(0)?);
    begin(&engine, &store, &workflow, count.parse()?).await?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next())
        .context("the memory of the process")?;
    println!("{kilobytes}");
    engine.close().await;
    store.close().await;
    Ok(true)
}

async fn open(dir: &Path) -> Result<(Engine, Store)> {
    let store = Store::open(dir, OpenOptions::default()).await?;
    let catalog = Arc::new(baton_steps::catalog());
    let engine = Engine::start(EngineConfig::new(store.clone(), catalog)).await?;
    Ok((engine, store))
}

fn parse(value: &Value) -> Result<Workflow> {
    let parsed = baton_core::document::parse(&value.to_string())
        .map_err(|error| anyhow::anyhow!("{}", error.message))?;
    Ok(parsed.workflow)
}

/// A chain of steps, then a question that has to be answered within a year.
fn asking(steps: usize) -> Result<Workflow> {
    let mut chain: Vec<Value> = (0..steps)
        .map(|n| json!({ "id": format!("s{n}"), "kind": "set_values", "with": { "values": { "n": n } } }))
        .collect();
    chain.push(
        json!({ "id": "ask", "kind": "approval", "with": { "to": ["lead"], "expires": "365d" } }),
    );
    let ids: Vec<String> = chain
        .iter()
        .filter_map(|step| step["id"].as_str().map(str::to_owned))
        .collect();
    let edges: Vec<Value> = ids
        .windows(2)
        .map(|pair| json!({ "from": pair[0], "to": pair[1] }))
        .collect();
    parse(&json!({ "format": 1, "id": "asking", "name": "Asking", "steps": chain, "edges": edges }))
}

/// Begins so many runs and waits until all of them wait.
async fn begin(
    engine: &Engine,
    store: &Store,
    workflow: &Arc<Workflow>,
    count: usize,
) -> Result<()> {
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (engine, new) = (engine.clone(), new_run(workflow, json!({})));
        starts.spawn(async move { engine.run(new).await });
        if starts.len() >= 64 {
            starts.join_next().await.transpose()?.transpose()?;
        }
    }
    starts
        .join_all()
        .await
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let filter = || RunFilter {
        status: Some("waiting".to_owned()),
        limit: 1,
        ..RunFilter::default()
    };
    while (store.runs(filter()).await?.1 as usize) < count {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

fn new_run(workflow: &Arc<Workflow>, input: Value) -> NewRun {
    NewRun {
        workflow: workflow.clone(),
        path: None,
        work_dir: std::env::temp_dir(),
        input,
        by: None,
    }
}

async fn raw(dir: &Path) -> Result<SqliteConnection> {
    let path = dir.join("baton.db");
    Ok(SqliteConnection::connect(&format!("sqlite://{}", path.display())).await?)
}

/// Milliseconds to read the text of all events, and how many there are.
async fn raw_read(dir: &Path) -> Result<(f64, usize)> {
    let mut conn = raw(dir).await?;
    let begin = Instant::now();
    let rows = sqlx::query("SELECT payload FROM events ORDER BY gseq")
        .fetch_all(&mut conn)
        .await?;
    let bytes: usize = rows.iter().map(|row| row.get::<&str, _>(0).len()).sum();
    let took = ms(begin.elapsed());
    ensure!(bytes > 0);
    conn.close().await?;
    Ok((took, rows.len()))
}

/// A data folder with 1,000 open runs and 100,000 events: until the engine is ready.
async fn restart(folder: &Path) -> Result<()> {
    let dir = tempfile::tempdir_in(folder)?;
    let (engine, store) = open(dir.path()).await?;
    let workflow = Arc::new(asking(STEPS)?);
    begin(&engine, &store, &workflow, OPEN).await?;
    engine.close().await;
    store.close().await;
    let (mut read, events) = raw_read(dir.path()).await?;
    ensure!(events >= 100_000, "{events} events");
    let (mut waiting, mut interrupted) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..3 {
        read = read.min(raw_read(dir.path()).await?.0);
        waiting = waiting.min(ready(dir.path(), 0).await?);
        // As if each had been in the middle of something: all have to be replayed.
        let mut conn = raw(dir.path()).await?;
        sqlx::query("UPDATE runs SET rests_at = 0")
            .execute(&mut conn)
            .await?;
        conn.close().await?;
        interrupted = interrupted.min(ready(dir.path(), OPEN).await?);
    }
    let name = "restart with 1,000 open runs and 100,000 events";
    figure(&format!("{name}, all waiting"), waiting, "ms", read);
    figure(&format!("{name}, all interrupted"), interrupted, "ms", read);
    Ok(())
}

/// Milliseconds until an engine on the folder is ready, and has so many runs in its hands.
async fn ready(dir: &Path, live: usize) -> Result<f64> {
    let begin = Instant::now();
    let (engine, store) = open(dir).await?;
    let took = ms(begin.elapsed());
    ensure!(engine.live().len() == live, "{} runs", engine.live().len());
    // What came to rest is noted before the next start.
    while !store.interrupted_runs().await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    engine.close().await;
    store.close().await;
    Ok(took)
}

/// Memory of a process with 10,000 runs that wait for people, against one with a single run.
fn memory(folder: &Path) -> Result<()> {
    let of = |count: usize| -> Result<f64> {
        let dir = tempfile::tempdir_in(folder)?;
        let output = Command::new(std::env::current_exe()?)
            .args(["--bench", MEMORY])
            .arg(dir.path())
            .arg(count.to_string())
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let kilobytes: f64 = said
            .trim()
            .parse()
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(kilobytes / 1_024.0)
    };
    let (all, one) = (of(WAITING)?, of(1)?);
    figure("memory with 10,000 waiting runs", all, "MB", one);
    Ok(())
}

/// A run of a million events, at the question that it ends with.
async fn million(folder: &Path) -> Result<()> {
    let dir = tempfile::tempdir_in(folder)?;
    let long = Arc::new(parse(&json!({
        "format": 1, "id": "long", "name": "Long",
        "limits": { "steps": 1_000_000, "iterations": 1_000_000, "memory": "4 GB" },
        "steps": [
            { "id": "each", "kind": "for_each", "with": { "items": "{% input.items %}" }, "body": { "edges": [], "steps": [
                { "id": "add", "kind": "set_values", "with": { "values": { "n": "{% item + 1 %}" } } } ] } },
            { "id": "ask", "kind": "approval", "with": { "to": ["lead"] } }
        ],
        "edges": [{ "from": "each", "to": "ask" }]
    }))?);
    let items: Vec<u32> = (0..ROUNDS).collect();
    let (engine, store) = open(dir.path()).await?;
    let begin = Instant::now();
    let run = engine
        .run(new_run(&long, json!({ "items": items })))
        .await?;
    let row = loop {
        match store.run(&run).await? {
            Some(row) if row.status == "waiting" => break row,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let (took, events) = (begin.elapsed().as_secs_f64(), f64::from(row.seq));
    ensure!(row.seq >= 1_000_000, "{} events", row.seq);
    // The snapshot of its rest is written behind the last event.
    engine.close().await;
    store.close().await;
    let (read, _) = raw_read(dir.path()).await?;
    figure(
        "a run of a million events, events written",
        events / took,
        "events/s",
        events / read * 1_000.0,
    );

    let (mut open_ms, mut slide) = (f64::INFINITY, 0.0_f64);
    for _ in 0..3 {
        let mut config = AppConfig::new(dir.path(), dir.path());
        config.read_only = true;
        let begin = Instant::now();
        let app = App::open(config).await?;
        look(&app, &run, None, row.seq).await?;
        let page = run_events(
            &app,
            RunEvents {
                run: run.clone(),
                after: None,
                limit: None,
            },
        );
        ensure!(page.await?.events.len() == 1_000);
        open_ms = open_ms.min(ms(begin.elapsed()));
        app.shutdown().await;
    }
    let mut config = AppConfig::new(dir.path(), dir.path());
    config.read_only = true;
    let app = App::open(config).await?;
    for tenth in [7, 3, 9, 1, 5] {
        let seq = row.seq / 10 * tenth + 12_345;
        let begin = Instant::now();
        look(&app, &run, Some(seq), seq).await?;
        slide = slide.max(ms(begin.elapsed()));
    }
    app.shutdown().await;
    figure("a run of a million events, opened", open_ms, "ms", read);
    figure(
        "a run of a million events, at any position, slowest",
        slide,
        "ms",
        read,
    );

    let begin = Instant::now();
    let (engine, store) = open(dir.path()).await?;
    engine
        .decide(&run, "ask", "lead", Decision::Approved, None, None)
        .await?;
    while store
        .run(&run)
        .await?
        .is_none_or(|row| row.ended_at.is_none())
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    figure(
        "a run of a million events, taken up and ended",
        ms(begin.elapsed()),
        "ms",
        read,
    );
    engine.close().await;
    store.close().await;
    Ok(())
}

async fn look(app: &App, run: &str, seq: Option<u32>, expected: u32) -> Result<()> {
    let request = RunGet {
        run: run.to_owned(),
        seq,
        bodies: None,
    };
    let view = run_get(app, request)
        .await
        .map_err(|error| anyhow::anyhow!("{}", error.message))?;
    ensure!(
        view.seq == expected,
        "event {} instead of {expected}",
        view.seq
    );
    Ok(())
}
