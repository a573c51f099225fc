//! The process that the harnesses kill, starve and cut off: writes the scripted load into a data folder, and says on
//! its output what was acknowledged, as soon as it was and in one piece.
//!
//! `soak_store FOLDER BATCHES`: so many batches in each lane, from where the folder stands; `0` for ever.
//!
//! Lines: `open`, `run ID SEQ`, `draft VERSION`, `error CODE`, `gave-up`, `closed`.

mod load;
mod random;

use std::io::Write;
use std::path::{Path, PathBuf};

use baton_steps::Artifacts;
use baton_store::{OpenOptions, Store, StoreError};

/// How often something refused is tried again: a passing fault has passed by then.
const TRIES: u32 = 6;

/// Looks at a lock that is about to go.
const PATIENCE: u32 = 200;

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // One call, so that whoever reads the calls of this process sees a whole line. If nobody reads, nobody cares.
    out.write_all(format!("{line}\n").as_bytes()).ok();
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), batches) = (arguments.next(), arguments.next()) else {
        say("soak_store FOLDER BATCHES");
        return;
    };
    let batches = batches.and_then(|given| given.parse().ok()).unwrap_or(0);
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0).ok();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads can be started");
    runtime.block_on(work(PathBuf::from(folder), batches));
}

async fn work(folder: PathBuf, batches: u32) {
    let options = OpenOptions::default();
    let (mut tries, mut locked) = (0, 0);
    let store = loop {
        match Store::open(&folder, options.clone()).await {
            Ok(store) => break store,
            // Whoever judged the folder starts other processes meanwhile, and one that is just being started still holds
            // what the one that starts it had open.
            Err(StoreError::Locked { .. }) if locked < PATIENCE => {
                locked += 1;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            Err(error) => {
                say(&format!("error {} {error}", error.code()));
                tries += 1;
                if tries == TRIES {
                    say("gave-up");
                    return;
                }
            }
        }
    };
    say("open");
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..load::LANES {
        let (store, folder) = (store.clone(), folder.clone());
        tasks.spawn(async move { lane(&store, &folder, number, batches).await });
    }
    let drafts = store.clone();
    tasks.spawn(async move { keep_drafts(&drafts, batches).await });
    let mut has_given_up = false;
    while let Some(ended) = tasks.join_next().await {
        has_given_up |= !matches!(ended, Ok(true));
    }
    store.close().await;
    say(if has_given_up { "gave-up" } else { "closed" });
}

/// The id of the `number`-th run of a lane.
fn run_id(lane: u32, number: u32) -> String {
    format!("lane{lane}-{number}")
}

/// Where a lane stands: the run to go on with and its last position.
async fn stand(store: &Store, lane: u32) -> Result<(u32, u32), StoreError> {
    let mut number = 0;
    loop {
        let next = store.run(&run_id(lane, number + 1)).await?;
        if next.is_none() {
            break;
        }
        number += 1;
    }
    let row = store.run(&run_id(lane, number)).await?;
    Ok(match row {
        Some(row) if row.ended_at.is_some() => (number + 1, 0),
        Some(row) => (number, row.seq),
        None => (number, 0),
    })
}

async fn lane(store: &Store, folder: &Path, lane: u32, batches: u32) -> bool {
    let artifacts = Artifacts::new(folder.join("artifacts"));
    let mut tries = 0;
    let mut done = 0;
    let mut place = None;
    while batches == 0 || done < batches {
        let written = async {
            let (number, seq) = match place {
                Some(place) => place,
                None => stand(store, lane).await?,
            };
            let run = run_id(lane, number);
            let hash = match load::artifact(&run, seq + 1) {
                None => None,
                Some(content) => {
                    let artifacts = artifacts.clone();
                    let put = tokio::task::spawn_blocking(move || artifacts.put_bytes(&content));
                    let failed = |error: String| StoreError::Io {
                        path: folder.join("artifacts"),
                        detail: error,
                    };
                    let put = put.await.map_err(|error| failed(error.to_string()))?;
                    Some(put.map_err(|error| failed(error.to_string()))?.hash)
                }
            };
            let Some(batch) = load::batch(&run, seq, hash.as_deref()) else {
                return Ok(Some((number + 1, 0)));
            };
            let appended = store.append(batch).await?;
            say(&format!("run {run} {}", appended.seq));
            Ok::<_, StoreError>(Some((number, appended.seq)))
        };
        match written.await {
            Ok(next) => {
                place = next;
                tries = 0;
                done += 1;
            }
            Err(error) => {
                say(&format!("error {} {error}", error.code()));
                // What became of it is in the folder, not in the memory of whoever was refused.
                place = None;
                tries += 1;
                if tries == TRIES {
                    return false;
                }
            }
        }
    }
    true
}

async fn keep_drafts(store: &Store, batches: u32) -> bool {
    let mut tries = 0;
    let mut version = 0;
    let mut done = 0;
    while batches == 0 || done < batches {
        if version == 0 {
            let kept = store.draft_list().await.unwrap_or_default();
            let kept = kept.iter().find(|draft| draft.key == load::DRAFT);
            version = kept.map_or(1, |draft| draft.at as u32 + 1);
        }
        let text = load::draft(version);
        match store
            .draft_put(load::DRAFT, None, &text, i64::from(version))
            .await
        {
            Ok(()) => {
                say(&format!("draft {version}"));
                version += 1;
                done += 1;
                tries = 0;
            }
            Err(error) => {
                say(&format!("error {} {error}", error.code()));
                tries += 1;
                if tries == TRIES {
                    return false;
                }
            }
        }
    }
    true
}
