//! The figures that Baton promises, each beside a raw baseline measured in the same run.
//!
//! `npm run bench` runs this in release and adds the browser's figure. One JSON line per figure:
//! `{"name", "value", "unit", "baseline", "ratio"}`; `baseline` is in the same unit as `value`.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod latency;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use baton_core::document::{Edge, Step, Workflow, parse, print};
use baton_core::machine::{EdgeResolution, Event, Logged};
use baton_core::step_kind::Effect;
use baton_core::validate::validate;
use baton_engine::{Engine, EngineConfig, EngineNotice, NewRun};
use baton_store::{Append, OpenOptions, QuestionChanges, RunRow, Store, WaitChanges};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

#[path = "figures/scale.rs"]
mod scale;
#[path = "figures/serving.rs"]
mod serving;

/// As the programs have it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    // `cargo test --all-targets` starts benches too; figures are taken only where they are asked for.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    if scale::own_memory().await? {
        return Ok(());
    }
    let folder = std::env::var_os("BATON_BENCH_DIR")
        .map_or_else(std::env::temp_dir, std::path::PathBuf::from);
    // Words after `--bench` name the figures to take: all, if there are none.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    // First: a child begins with the memory of its parent, and that counts as its peak.
    if is_wanted("process") {
        process(&folder).await?;
    }
    if is_wanted("serving") {
        serving::idle_server(&folder)?;
    }
    if is_wanted("chain") {
        chain(&folder).await?;
    }
    if is_wanted("fan_out") {
        fan_out(&folder).await?;
    }
    if is_wanted("many") {
        many(&folder).await?;
    }
    if is_wanted("acknowledged") {
        for runs in [1, 8, 64] {
            acknowledged(&folder, runs).await?;
        }
    }
    if is_wanted("latency") {
        latency::latency(&folder).await?;
    }
    if is_wanted("validation") {
        validation(1_000)?;
        validation(10_000)?;
    }
    if is_wanted("scale") {
        scale::all(&folder).await?;
    }
    Ok(())
}

fn figure(name: &str, value: f64, unit: &str, baseline: f64) {
    let round = |number: f64| (number * 1_000.0).round() / 1_000.0;
    let line = json!({
        "name": name,
        "value": round(value),
        "unit": unit,
        "baseline": round(baseline),
        "ratio": round(value / baseline),
    });
    println!("{line}");
}

/// A chain of steps that each add one to what the step before gave.
fn chain_of(steps: usize) -> Workflow {
    let mut workflow = Workflow::new("chain", "Chain");
    for index in 0..steps {
        let value = match index {
            0 => json!(0),
            _ => json!(format!("{{% steps.s{}.n + 1 %}}", index - 1)),
        };
        workflow.steps.push(Step {
            id: format!("s{index}"),
            kind: "set_values".to_owned(),
            with: json!({ "values": { "n": value } })
                .as_object()
                .cloned()
                .unwrap_or_default(),
            ..Step::default()
        });
        if index > 0 {
            workflow
                .edges
                .push(Edge::new(format!("s{}", index - 1), format!("s{index}")));
        }
    }
    workflow
}

struct Host {
    engine: Engine,
    store: Store,
    _dir: tempfile::TempDir,
}

async fn host(folder: &Path) -> Result<Host> {
    let dir = tempfile::tempdir_in(folder)?;
    let store = Store::open(dir.path(), OpenOptions::default()).await?;
    let catalog = Arc::new(baton_steps::catalog());
    let engine = Engine::start(EngineConfig::new(store.clone(), catalog)).await?;
    Ok(Host {
        engine,
        store,
        _dir: dir,
    })
}

fn new_run(workflow: &Arc<Workflow>) -> NewRun {
    NewRun {
        workflow: workflow.clone(),
        path: None,
        work_dir: std::env::temp_dir(),
        input: json!({}),
        by: None,
    }
}

/// Waits until so many runs have ended, each durable.
async fn ended(
    notices: &mut tokio::sync::broadcast::Receiver<EngineNotice>,
    mut left: usize,
) -> Result<()> {
    while left > 0 {
        if let EngineNotice::Advanced { row, .. } = notices.recv().await?
            && row.ended_at.is_some()
        {
            ensure!(row.status == "succeeded", "run {} {}", row.id, row.status);
            left -= 1;
        }
    }
    Ok(())
}

/// A row as the store wrote it.
#[derive(Clone)]
struct Raw {
    run: i64,
    seq: i64,
    at: i64,
    kind: String,
    payload: String,
    before: Vec<u8>,
    hash: Vec<u8>,
}

/// The rows of one run, as the store wrote them.
async fn written(dir: &Path, run: &str) -> Result<Vec<Raw>> {
    let mut conn = SqliteConnectOptions::new()
        .filename(dir.join("baton.db"))
        .connect()
        .await?;
    let rows = sqlx::query(
        "SELECT run, seq, at, type, payload, prev_hash, hash FROM events \
         WHERE run = (SELECT number FROM runs WHERE id = ?) ORDER BY seq",
    )
    .bind(run)
    .fetch_all(&mut conn)
    .await?;
    conn.close().await?;
    rows.iter()
        .map(|row| {
            Ok(Raw {
                run: row.try_get(0)?,
                seq: row.try_get(1)?,
                at: row.try_get(2)?,
                kind: row.try_get(3)?,
                payload: row.try_get(4)?,
                before: row.try_get(5)?,
                hash: row.try_get(6)?,
            })
        })
        .collect()
}

/// The rows of so many runs that each wrote `one`, taking turns after every `each` rows.
fn of_many(one: &[Raw], runs: usize, each: usize) -> Vec<Raw> {
    let turns = one.chunks(each);
    let rows = turns.flat_map(|turn| {
        (0..runs).flat_map(move |run| {
            turn.iter().map(move |row| Raw {
                run: run as i64,
                ..row.clone()
            })
        })
    });
    rows.collect()
}

/// Milliseconds to insert the bytes of `rows` raw: WAL, `synchronous=FULL`, prepared statements of many rows, so many
/// rows a transaction, into the table that the log is. What is left out is all that Baton does beside: deciding,
/// encoding, hashing, moving the run on, telling.
async fn raw_insert(folder: &Path, rows: &[Raw], each: usize) -> Result<f64> {
    const WIDE: usize = 256;
    let dir = tempfile::tempdir_in(folder)?;
    let mut conn = SqliteConnectOptions::new()
        .filename(dir.path().join("raw.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    let table = "CREATE TABLE events (gseq INTEGER PRIMARY KEY, run INTEGER NOT NULL, \
                 seq INTEGER NOT NULL CHECK (seq > 0), at INTEGER NOT NULL, type TEXT NOT NULL, v INTEGER NOT NULL, \
                 payload TEXT NOT NULL, prev_hash BLOB NOT NULL, hash BLOB NOT NULL, UNIQUE (run, seq)) STRICT";
    sqlx::query(table).execute(&mut conn).await?;
    let insert = |rows: usize| {
        let more = ",(?,?,?,?,?,1,?,?,?)".repeat(rows - 1);
        format!("INSERT INTO events VALUES (?,?,?,?,?,1,?,?,?){more}")
    };
    let (wide, rest) = (insert(WIDE), rows.len().min(each) % WIDE);
    let narrow = insert(rest.max(1));
    let begin = Instant::now();
    let mut gseq = 0;
    for transaction in rows.chunks(each) {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await?;
        for chunk in transaction.chunks(WIDE) {
            let single;
            let statement = match chunk.len() {
                WIDE => &wide,
                len if len == rest => &narrow,
                len => {
                    single = insert(len);
                    &single
                }
            };
            let mut query = sqlx::query(AssertSqlSafe(statement.clone()));
            for row in chunk {
                gseq += 1_i64;
                query = query.bind(gseq).bind(row.run).bind(row.seq).bind(row.at);
                query = query.bind(&row.kind).bind(&row.payload);
                query = query.bind(&row.before).bind(&row.hash);
            }
            query.execute(&mut conn).await?;
        }
        sqlx::query("COMMIT").execute(&mut conn).await?;
    }
    let took = begin.elapsed();
    conn.close().await?;
    Ok(ms(took))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// A chain of 1,000 pure steps, from start to durable end.
async fn chain(folder: &Path) -> Result<()> {
    let name = "chain of 1,000 pure steps, start to durable end";
    one_run(folder, name, chain_of(1_000)).await
}

/// 2,000 steps side by side, each of which has to be on disk before it acts. The time must grow with their number, not
/// with its square. The baseline inserts the same bytes raw in one transaction.
async fn fan_out(folder: &Path) -> Result<()> {
    let mut workflow = Workflow::new("fan_out", "Fan-out");
    workflow.steps = (0..2_000)
        .map(|index| Step {
            id: format!("s{index}"),
            kind: "notify".to_owned(),
            with: json!({ "title": "Done" })
                .as_object()
                .cloned()
                .unwrap_or_default(),
            ..Step::default()
        })
        .collect();
    one_run(folder, "2,000 tasks side by side", workflow).await
}

/// The fastest of a few runs of `workflow`, one after the other, from start to durable end.
async fn one_run(folder: &Path, name: &str, workflow: Workflow) -> Result<()> {
    let workflow = Arc::new(workflow);
    let host = host(folder).await?;
    let (mut best, mut raw) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let mut notices = host.engine.subscribe();
        let begin = Instant::now();
        let run = host.engine.run(new_run(&workflow)).await?;
        ended(&mut notices, 1).await?;
        best = best.min(ms(begin.elapsed()));
        let rows = written(host.store.dir(), &run).await?;
        raw = raw.min(raw_insert(folder, &rows, rows.len()).await?);
    }
    host.engine.close().await;
    figure(name, best, "ms", raw);
    Ok(())
}

/// 1,000 runs of 10 steps at the same time. The baseline inserts the same bytes raw, the rows of 64 runs a transaction,
/// as the store groups them.
async fn many(folder: &Path) -> Result<()> {
    const RUNS: usize = 1_000;
    const STEPS: usize = 10;
    let workflow = Arc::new(chain_of(STEPS));
    let host = host(folder).await?;
    let (mut best, mut raw) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let mut notices = host.engine.subscribe();
        let begin = Instant::now();
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..RUNS {
            let (engine, new) = (host.engine.clone(), new_run(&workflow));
            starts.spawn(async move { engine.run(new).await });
        }
        let (all, started) = tokio::join!(ended(&mut notices, RUNS), starts.join_all());
        all?;
        best = best.min(begin.elapsed().as_secs_f64());
        let run = started.into_iter().next().context("a run was started")??;
        let one = written(host.store.dir(), &run).await?;
        let rows = of_many(&one, RUNS, one.len());
        raw = raw.min(raw_insert(folder, &rows, one.len() * 64).await? / 1_000.0);
    }
    host.engine.close().await;
    let steps = (RUNS * STEPS) as f64;
    figure(
        "1,000 runs of 10 steps at a time",
        steps / best,
        "steps/s",
        steps / raw,
    );
    Ok(())
}

/// Events that the store acknowledges in a second while so many runs go on at the same time, each of which writes the
/// two events between one task and the next and waits until they are durable.
///
/// The baseline inserts the same bytes raw with `synchronous=FULL`, the events of all runs in one transaction: what a
/// disk and SQLite give to somebody who keeps no run, no order and no hash, and whose writers never wait for one another.
async fn acknowledged(folder: &Path, runs: usize) -> Result<()> {
    /// What one run writes in all.
    const WRITES: usize = 100;
    let dir = tempfile::tempdir_in(folder)?;
    let store = Store::open(dir.path(), OpenOptions::default()).await?;
    let (mut best, mut raw) = (f64::INFINITY, f64::INFINITY);
    for round in 0..ROUNDS {
        let begin = Instant::now();
        let mut writers = tokio::task::JoinSet::new();
        for run in 0..runs {
            let (store, id) = (store.clone(), format!("{round}-{run}"));
            writers.spawn(async move {
                for write in 0..WRITES {
                    store.append(between_tasks(&id, write)).await?;
                }
                anyhow::Ok(())
            });
        }
        for written in writers.join_all().await {
            written?;
        }
        best = best.min(begin.elapsed().as_secs_f64());
        let rows = written(store.dir(), &format!("{round}-0")).await?;
        let rows = of_many(&rows, runs, 2);
        raw = raw.min(raw_insert(folder, &rows, runs * 2).await? / 1_000.0);
    }
    store.close().await;
    let events = (runs * WRITES * 2) as f64;
    figure(
        &format!("acknowledged events of {runs} concurrent runs"),
        events / best,
        "events/s",
        events / raw,
    );
    Ok(())
}

/// The end of a task and the start of the next.
fn between_tasks(run: &str, write: usize) -> Append {
    let expected = write as u32 * 2;
    let event = |offset: u32, event| Logged {
        seq: expected + offset,
        at: 1_764_000_000_000 + write as i64,
        event,
    };
    let succeeded = Event::StepSucceeded {
        step: format!("fetch_{write}"),
        attempt: 1,
        epoch: 1,
        port: None,
        output: Arc::new(json!({ "status": 200, "body": { "id": write, "state": "done" } })),
        because: Vec::new(),
        passed: None,
        edges: vec![EdgeResolution {
            edge: format!("fetch_{write}->fetch_{}", write + 1),
            taken: true,
            because: None,
            error: None,
        }],
    };
    let with = json!({ "url": format!("http://localhost/items/{}", write + 1), "method": "GET" });
    let started = Event::StepStarted {
        step: format!("fetch_{}", write + 1),
        attempt: 1,
        epoch: 1,
        key: Some("0123456789abcdef0123456789abcdef".to_owned()),
        effect: Effect::Idempotent,
        with: Arc::new(with.as_object().cloned().unwrap_or_default()),
        error: None,
    };
    Append {
        run: run.to_owned(),
        expected_seq: expected,
        events: vec![event(1, succeeded), event(2, started)],
        summary: RunRow {
            id: run.to_owned(),
            seq: expected + 2,
            workflow: "bench".to_owned(),
            workflow_name: "Bench".to_owned(),
            status: "running".to_owned(),
            steps_done: write as u32,
            ..RunRow::default()
        },
        questions: QuestionChanges::default(),
        waits: WaitChanges::default(),
    }
}

/// The `baton` that was built beside this program.
fn program() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    here.ancestors()
        .map(|folder| folder.join("baton"))
        .find(|path| path.is_file())
        .context("`baton` is not built: cargo build --release -p baton-cli")
}

/// `baton run` of a ten-step workflow, process start to exit, against a program that does nothing.
async fn process(folder: &Path) -> Result<()> {
    let dir = tempfile::tempdir_in(folder)?;
    let file = dir.path().join("ten.baton.json");
    std::fs::write(&file, print(&chain_of(10)))?;
    let baton = program()?;
    let measure = |run: &mut dyn FnMut() -> Command| -> Result<f64> {
        let mut best = f64::INFINITY;
        for _ in 0..ROUNDS {
            let before = cpu_ms()?;
            let output = run()
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .output()?;
            ensure!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            best = best.min(cpu_ms()? - before);
        }
        Ok(best)
    };
    // The largest child so far is the one measured: `true` is smaller than anything.
    let idle = measure(&mut || Command::new("true"))?;
    let data = dir.path().join("data");
    let run = measure(&mut || {
        let mut command = Command::new(&baton);
        command.arg("run").arg(&file).arg("--data").arg(&data);
        command
    })?;
    figure(
        "`baton run` of ten steps, CPU of the whole process",
        run,
        "ms",
        idle.max(0.5),
    );
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss() as f64 / 1_024.0;
    figure("`baton run` of ten steps, peak memory", peak, "MB", 60.0);
    Ok(())
}

fn cpu_ms() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let of = |time: nix::sys::time::TimeVal| {
        time.tv_sec() as f64 * 1_000.0 + time.tv_usec() as f64 / 1_000.0
    };
    Ok(of(usage.user_time()) + of(usage.system_time()))
}

/// All findings about a workflow, against parsing its text as JSON.
fn validation(steps: usize) -> Result<()> {
    let catalog = baton_steps::catalog();
    let text = print(&chain_of(steps));
    let parsed = parse(&text).map_err(|error| anyhow::anyhow!("{}", error.message))?;
    let (mut best, mut raw) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let problems = validate(&parsed.workflow, &catalog, Vec::new());
        best = best.min(ms(begin.elapsed()));
        ensure!(
            problems
                .iter()
                .all(|problem| problem.severity != baton_core::problem::Severity::Error)
        );
        let begin = Instant::now();
        let value: Value = serde_json::from_str(&text)?;
        raw = raw.min(ms(begin.elapsed()));
        drop(value);
    }
    figure(&format!("validation of {steps} steps"), best, "ms", raw);
    Ok(())
}
