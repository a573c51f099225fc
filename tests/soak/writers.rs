//! sixty-four tasks write and read at the same time, and forget what they asked for at any moment. Nobody is told
//! that the database is busy, no acknowledgement is a lie, the log beside the database stays small.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Instant;

use baton_store::{OpenOptions, Store, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::check::open;
use crate::harness::{Cx, Tally, series};
use crate::load;
use crate::random::Chance;

const TASKS: u32 = 64;

/// What one task does in one life of the store.
const ACTIONS: u32 = 60;

/// Starts with a single write, before a life.
const OPENINGS: u32 = 10;

/// Lives of the store in a series.
const LIVES: u32 = 4;

/// The log may not grow past this.
const LOG: u64 = 64 << 20;

/// Larger batches than in other loads, so that the log would grow if nobody moved it into the database.
const BULK: u64 = 96 << 20;

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    Ok(series(
        cx,
        cx.cases.div_ceil(TASKS * ACTIONS * LIVES),
        |case| {
            let data = case.folder.join("data");
            let outcomes = Arc::new(Mutex::new(Outcomes::default()));
            let (runtime, seed) = (cx.runtime.clone(), case.chance.next());
            runtime.block_on(async {
                for life in 0..LIVES {
                    live(&data, life, Chance::new(seed, u64::from(life)), &outcomes).await?;
                }
                bulk(&data, &outcomes).await
            })?;
            let outcomes = outcomes.lock().map_err(|error| error.to_string())?;
            if let Some(wrong) = outcomes.wrong.first() {
                return Err(format!("{wrong} (and {} more)", outcomes.wrong.len() - 1));
            }
            for _ in 0..outcomes.asked {
                case.done();
            }
            let mut waits = outcomes.waits.clone();
            waits.sort_unstable();
            case.note("acknowledged", outcomes.acknowledged);
            case.note("forgotten half-way", outcomes.forgotten);
            case.note("refused as conflicts, as they should", outcomes.conflicts);
            case.most(
                "slowest of 99 % of acknowledgements, ms",
                waits.get(waits.len() * 99 / 100).copied().unwrap_or(0),
            );
            case.most("largest log, KiB", outcomes.largest_log >> 10);
            Ok(())
        },
    ))
}

#[derive(Default)]
struct Outcomes {
    asked: u64,
    acknowledged: u64,
    forgotten: u64,
    conflicts: u64,
    waits: Vec<u64>,
    largest_log: u64,
    wrong: Vec<String>,
}

/// Polls a future so many times, then forgets it.
async fn forget_after<T>(polls: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn live(
    data: &Path,
    life: u32,
    mut chance: Chance,
    outcomes: &Arc<Mutex<Outcomes>>,
) -> Result<(), String> {
    let stop = Arc::new(AtomicBool::new(false));
    let store = open(data).await.map_err(|error| error.to_string())?;
    // Somebody else's tool on the same database, all the time.
    let other = tokio::spawn(other_tool(data.to_path_buf(), stop.clone()));
    store.close().await;
    for opening in 0..OPENINGS {
        first_write(data, &format!("first{life}-{opening}")).await?;
    }
    let store = open(data).await.map_err(|error| error.to_string())?;
    match Store::open(data, OpenOptions::default()).await {
        Err(StoreError::Locked { .. }) => {}
        Err(error) => return Err(format!("a second owner is told {} {error}", error.code())),
        Ok(_) => return Err("a folder has two owners".to_owned()),
    }
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let (store, outcomes) = (store.clone(), outcomes.clone());
        let chance = Chance::new(chance.next(), u64::from(task));
        tasks.spawn(async move { one_task(&store, task, life, chance, &outcomes).await });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| format!("a task broke off: {error}"))?;
    }
    stop.store(true, Ordering::SeqCst);
    other.await.map_err(|error| error.to_string())??;
    let verified = store.verify().await.map_err(|error| error.to_string())?;
    store.close().await;
    match verified.damage.first() {
        Some(damage) => Err(format!("the check finds: {damage}")),
        None => Ok(()),
    }
}

/// The first write after a start reads where the log stands before it writes.
async fn first_write(data: &Path, run: &str) -> Result<(), String> {
    let store = open(data).await.map_err(|error| error.to_string())?;
    let batch = load::batch(run, 0, None).ok_or("a run has a first batch")?;
    let written = store.append(batch).await;
    store.close().await;
    written
        .map(|_| ())
        .map_err(|error| format!("a writer is told {} {error}", error.code()))
}

/// Writes a setting over and over, as a tool of somebody's own would, each time for a moment.
async fn other_tool(data: std::path::PathBuf, stop: Arc<AtomicBool>) -> Result<(), String> {
    let options = SqliteConnectOptions::new()
        .filename(data.join("baton.db"))
        .busy_timeout(std::time::Duration::from_secs(30));
    let mut other = options.connect().await.map_err(|error| error.to_string())?;
    while !stop.load(Ordering::SeqCst) {
        let script = "BEGIN IMMEDIATE; INSERT OR REPLACE INTO settings (key, value) VALUES ('other', '1'); COMMIT;";
        sqlx::raw_sql(script)
            .execute(&mut other)
            .await
            .map_err(|error| format!("another tool is kept out: {error}"))?;
        tokio::task::yield_now().await;
    }
    other.close().await.map_err(|error| error.to_string())
}

/// Each task has a run of its own, and shares one with its neighbour: of two that go on from the same place, one wins.
async fn one_task(
    store: &Store,
    task: u32,
    life: u32,
    mut chance: Chance,
    outcomes: &Arc<Mutex<Outcomes>>,
) {
    let mut own = Place::new(format!("own{task}-{life}"));
    let mut shared = Place::new(format!("pair{}-{life}", task / 2));
    for _ in 0..ACTIONS {
        if chance.one_in(4) {
            look(store, &own, &mut chance, outcomes).await;
            continue;
        }
        let place = if chance.one_in(5) {
            &mut shared
        } else {
            &mut own
        };
        let Some(batch) = load::batch(&place.run, place.seq, None) else {
            place.next();
            continue;
        };
        let polls = if chance.one_in(3) {
            1 + chance.below(3)
        } else {
            u64::MAX
        };
        let begun = Instant::now();
        let answer = forget_after(polls, store.append(batch)).await;
        let has_to_ask = {
            let mut outcomes = outcomes.lock().expect("nobody panics holding it");
            outcomes.asked += 1;
            match answer {
                None => {
                    outcomes.forgotten += 1;
                    true
                }
                Some(Ok(appended)) => {
                    outcomes.acknowledged += 1;
                    outcomes.waits.push(begun.elapsed().as_millis() as u64);
                    place.seq = appended.seq;
                    place.acknowledged = place.acknowledged.max(appended.seq);
                    false
                }
                Some(Err(StoreError::Conflict { .. } | StoreError::Ended { .. })) => {
                    outcomes.conflicts += 1;
                    true
                }
                Some(Err(error)) => {
                    outcomes
                        .wrong
                        .push(format!("a writer is told {} {error}", error.code()));
                    return;
                }
            }
        };
        if has_to_ask {
            // What became of it is in the store; a write that is under way comes before the look.
            place.ask_again(store).await;
        }
    }
    for place in [&own, &shared] {
        let found = store
            .run(&place.run)
            .await
            .ok()
            .flatten()
            .map_or(0, |row| row.seq);
        if found < place.acknowledged {
            let lost = format!(
                "`{}` was acknowledged up to {} and has {found}",
                place.run, place.acknowledged
            );
            outcomes
                .lock()
                .expect("nobody panics holding it")
                .wrong
                .push(lost);
        }
    }
}

struct Place {
    run: String,
    seq: u32,
    acknowledged: u32,
}

impl Place {
    fn new(run: String) -> Self {
        Self {
            run,
            seq: 0,
            acknowledged: 0,
        }
    }

    fn next(&mut self) {
        *self = Self::new(format!("{}+", self.run));
    }

    async fn ask_again(&mut self, store: &Store) {
        // Through the writer, so that what was asked before is done.
        store
            .setting_put("soak", &serde_json::json!(self.run))
            .await
            .ok();
        self.seq = store
            .run(&self.run)
            .await
            .ok()
            .flatten()
            .map_or(0, |row| row.seq);
    }
}

async fn look(store: &Store, place: &Place, chance: &mut Chance, outcomes: &Arc<Mutex<Outcomes>>) {
    let polls = if chance.one_in(3) {
        1 + chance.below(4)
    } else {
        u64::MAX
    };
    let read = forget_after(polls, store.events(&place.run, 0, u32::MAX)).await;
    let mut outcomes = outcomes.lock().expect("nobody panics holding it");
    outcomes.asked += 1;
    match read {
        None => outcomes.forgotten += 1,
        Some(Ok(events)) if (events.len() as u32) < place.acknowledged => {
            let lost = format!(
                "a reader of `{}` sees {} of {}",
                place.run,
                events.len(),
                place.acknowledged
            );
            outcomes.wrong.push(lost);
        }
        Some(Ok(_)) => {}
        Some(Err(error)) => outcomes
            .wrong
            .push(format!("a reader is told {} {error}", error.code())),
    }
    let log = std::fs::metadata(store.dir().join("baton.db-wal")).map_or(0, |log| log.len());
    outcomes.largest_log = outcomes.largest_log.max(log);
}

/// So many bytes that a log that nobody moves into the database would be too large.
async fn bulk(data: &Path, outcomes: &Arc<Mutex<Outcomes>>) -> Result<(), String> {
    let store = open(data).await.map_err(|error| error.to_string())?;
    let text = "x".repeat(1 << 20);
    let mut written = 0;
    let mut version = 0;
    let mut largest = 0;
    while written < BULK {
        version += 1;
        let kept = store.draft_put("bulk", None, &text, version).await;
        kept.map_err(|error| error.to_string())?;
        written += text.len() as u64;
        let log = std::fs::metadata(data.join("baton.db-wal")).map_or(0, |log| log.len());
        largest = log.max(largest);
    }
    store.close().await;
    let mut outcomes = outcomes.lock().map_err(|error| error.to_string())?;
    outcomes.largest_log = outcomes.largest_log.max(largest);
    if largest > LOG {
        outcomes.wrong.push(format!(
            "the log beside the database grew to {} MiB",
            largest >> 20
        ));
    }
    Ok(())
}
