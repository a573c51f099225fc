//! What the store does in numbers.
//!
//! ```text
//! measure append <events> <bytes>              one batch of so many events, the best of 5
//! measure writers <writers> <events> <bytes>   so many writers, each appends its events one by one
//! measure open <folder>                        opens and closes a folder (for a look from outside)
//! measure verify <events> <bytes>              checks a log of so many events
//! ```
//!
//! Folders are made in `BATON_BENCH_DIR` or the system's temporary folder.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use baton_core::machine::{Event, Logged};
use baton_store::{Append, OpenOptions, QuestionChanges, RunRow, Store, WaitChanges};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["append", events, bytes] => append(events.parse()?, bytes.parse()?).await,
        ["writers", writers, events, bytes] => {
            writing(writers.parse()?, events.parse()?, bytes.parse()?).await
        }
        ["open", folder] => open(Path::new(folder)).await,
        ["nothing"] => Ok(()),
        ["verify", events, bytes] => verify(events.parse()?, bytes.parse()?).await,
        _ => bail!("expected `append`, `writers`, `open` or `verify` with their numbers"),
    }
}

fn folder() -> PathBuf {
    std::env::var_os("BATON_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// Events whose payloads have about this many bytes.
fn batch(run: &str, expected: u32, events: u32, bytes: usize) -> Append {
    let message = "x".repeat(bytes.saturating_sub(67));
    let events: Vec<Logged> = (expected + 1..=expected + events)
        .map(|seq| {
            let step = format!("step-{:05}", seq % 100_000);
            let event = Event::StepLogged {
                step,
                level: "info".to_owned(),
                message: message.clone(),
            };
            Logged {
                seq,
                at: i64::from(seq),
                event,
            }
        })
        .collect();
    let seq = expected + events.len() as u32;
    let summary = RunRow {
        id: run.to_owned(),
        seq,
        status: "running".to_owned(),
        ..RunRow::default()
    };
    Append {
        run: run.to_owned(),
        expected_seq: expected,
        events,
        summary,
        questions: QuestionChanges::default(),
        waits: WaitChanges::default(),
    }
}

async fn append(events: u32, bytes: usize) -> Result<()> {
    let mut cold = f64::INFINITY;
    let mut warm = f64::INFINITY;
    for _ in 0..5 {
        let dir = tempfile::tempdir_in(folder())?;
        let store = Store::open(dir.path(), OpenOptions::default()).await?;
        for (run, best) in [("cold", &mut cold), ("warm", &mut warm)] {
            let batch = batch(run, 0, events, bytes);
            let start = Instant::now();
            store.append(batch).await?;
            *best = best.min(start.elapsed().as_secs_f64() * 1_000.0);
        }
        store.close().await;
    }
    println!("first batch {cold:.2} ms, second batch {warm:.2} ms");
    Ok(())
}

async fn writing(writers: u32, events: u32, bytes: usize) -> Result<()> {
    let dir = tempfile::tempdir_in(folder())?;
    let store = Store::open(dir.path(), OpenOptions::default()).await?;
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let store = store.clone();
        tasks.spawn(async move {
            let run = format!("0197a0c0-0000-7000-8000-{writer:012}");
            let mut waited = Vec::with_capacity(events as usize);
            for expected in 0..events {
                let start = Instant::now();
                store.append(batch(&run, expected, 1, bytes)).await?;
                waited.push(start.elapsed().as_secs_f64() * 1_000.0);
            }
            Ok::<_, anyhow::Error>(waited)
        });
    }
    let mut waited = Vec::new();
    while let Some(task) = tasks.join_next().await {
        waited.extend(task??);
    }
    let elapsed = start.elapsed().as_secs_f64();
    waited.sort_by(f64::total_cmp);
    let at = |share: f64| waited[((waited.len() - 1) as f64 * share) as usize];
    println!(
        "{:.0} events/s, an append takes {:.2} ms (median), {:.2} ms (99 of 100), {:.2} ms (longest)",
        f64::from(writers * events) / elapsed,
        at(0.5),
        at(0.99),
        at(1.0)
    );
    store.close().await;
    Ok(())
}

async fn open(folder: &Path) -> Result<()> {
    let start = Instant::now();
    let store = Store::open(folder, OpenOptions::default()).await?;
    let opened = start.elapsed();
    store.close().await;
    println!("opened in {opened:?}, closed after {:?}", start.elapsed());
    Ok(())
}

async fn verify(events: u32, bytes: usize) -> Result<()> {
    let dir = tempfile::tempdir_in(folder())?;
    let store = Store::open(dir.path(), OpenOptions::default()).await?;
    let mut expected = 0;
    while expected < events {
        let some = 10_000.min(events - expected);
        store.append(batch("run", expected, some, bytes)).await?;
        expected += some;
    }
    let start = Instant::now();
    let verified = store.verify().await?;
    println!(
        "{} events in {:?}, damage {:?}",
        verified.events,
        start.elapsed(),
        verified.damage
    );
    store.close().await;
    Ok(())
}
