//! bits flip, pages turn to zeros or noise, files lose their end. Nothing that was changed is ever read as if it
//! were what was written: it is refused at the start, found by the check, or the reading fails. Or it did not matter.

use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_core::document;
use baton_steps::Artifacts;
use baton_store::{OpenOptions, RunFilter, Store};

use crate::check::open;
use crate::child::{Said, Until, hear_out, store_child};
use crate::harness::{Cx, Tally, copy, series};
use crate::load;
use crate::random::Chance;

/// Batches of a lane in the folder that is damaged.
const BATCHES: u32 = 25;

const PATIENCE: Duration = Duration::from_secs(30);

const WORKFLOW: &str = "flow.baton.json";

/// Folders to damage: one that was closed, and one that was left with its log.
struct Whole {
    closed: PathBuf,
    left: PathBuf,
}

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    let whole = Whole {
        closed: cx.scratch.join("whole-closed"),
        left: cx.scratch.join("whole-left"),
    };
    hear_out(
        &mut store_child(cx, &whole.closed, BATCHES),
        Until::Ends,
        &mut Said::default(),
    )
    .map_err(anyhow::Error::msg)?;
    hear_out(
        &mut store_child(cx, &whole.left, BATCHES),
        Until::Acks(90, 500),
        &mut Said::default(),
    )
    .map_err(anyhow::Error::msg)?;
    for folder in [&whole.closed, &whole.left] {
        cx.runtime.block_on(note_events(folder))?;
        std::fs::write(folder.join(WORKFLOW), document::print(&workflow()))?;
    }
    Ok(series(cx, cx.cases, |case| {
        let data = case.folder.join("data");
        let from = if case.number.is_multiple_of(3) {
            &whole.left
        } else {
            &whole.closed
        };
        copy(from, &data).map_err(|error| error.to_string())?;
        remove_file(&data.join("baton.db-shm"));
        let hurt = hurt(&data, &mut case.chance).map_err(|error| error.to_string())?;
        case.done();
        // Twice: the second start must not be worse than the first.
        for start in 1..=2 {
            let looked = cx
                .runtime
                .block_on(async { tokio::time::timeout(PATIENCE, look(&data, &hurt)).await });
            let seen = looked.map_err(|_| format!("{}: start {start} hangs", hurt.what))?;
            let seen = seen.map_err(|why| format!("{}, start {start}: {why}", hurt.what))?;
            if start == 1 {
                case.note(seen.name(), 1);
            }
        }
        Ok(())
    }))
}

fn workflow() -> document::Workflow {
    let mut workflow = document::Workflow::new("kept", "Kept");
    for index in 0..30 {
        workflow.steps.push(document::Step {
            id: format!("s{index}"),
            kind: "set_values".to_owned(),
            ..document::Step::default()
        });
    }
    workflow
}

/// What was done to which file.
struct Hurt {
    what: String,
    file: PathBuf,
}

/// Damages one file of the folder.
fn hurt(data: &Path, chance: &mut Chance) -> std::io::Result<Hurt> {
    let mut files = vec![data.join("baton.db"); 5];
    if std::fs::metadata(data.join("baton.db-wal")).is_ok_and(|log| log.len() > 0) {
        files.extend(vec![data.join("baton.db-wal"); 3]);
    }
    files.extend(vec![data.join(WORKFLOW); 1]);
    let mut artifacts = Vec::new();
    files_below(&data.join("artifacts"), &mut artifacts)?;
    artifacts.sort();
    if !artifacts.is_empty() {
        files.extend(vec![artifacts[chance.index(artifacts.len())].clone(); 2]);
    }
    let file = files[chance.index(files.len())].clone();
    let mut bytes = std::fs::read(&file)?;
    let at = chance.index(bytes.len());
    let how = match chance.below(10) {
        0..=5 => {
            bytes[at] ^= 1 << chance.below(8);
            format!("bit of byte {at}")
        }
        6 => {
            let page = at / 4_096 * 4_096;
            let end = (page + 4_096).min(bytes.len());
            bytes[page..end].fill(0);
            format!("zeros from {page}")
        }
        7 => {
            let page = at / 512 * 512;
            let end = (page + 512).min(bytes.len());
            for byte in &mut bytes[page..end] {
                *byte = chance.next() as u8;
            }
            format!("noise from {page}")
        }
        8 => {
            let from = chance.index(bytes.len()) / 4_096 * 4_096;
            let to = at / 4_096 * 4_096;
            let length = 4_096.min(bytes.len() - from.max(to));
            let page = bytes[from..from + length].to_vec();
            bytes[to..to + length].copy_from_slice(&page);
            format!("page {from} written to {to}")
        }
        _ => {
            bytes.truncate(at);
            format!("cut off at {at}")
        }
    };
    std::fs::write(&file, &bytes)?;
    let name = file
        .strip_prefix(data)
        .unwrap_or(&file)
        .display()
        .to_string();
    Ok(Hurt {
        what: format!("{name}: {how}"),
        file,
    })
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files_below(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// How the damage came out.
enum Seen {
    AtStart,
    ByCheck,
    ByReading,
    Shorter,
    Harmless,
}

impl Seen {
    fn name(&self) -> &'static str {
        match self {
            Self::AtStart => "refused at the start",
            Self::ByCheck => "found by the check",
            Self::ByReading => "found by reading",
            Self::Shorter => "end of the log lost with its last pages, the rest whole",
            Self::Harmless => "harmless",
        }
    }
}

async fn look(data: &Path, hurt: &Hurt) -> Result<Seen, String> {
    if hurt.file.ends_with(WORKFLOW) {
        return look_at_workflow(&hurt.file);
    }
    let artifacts = Artifacts::new(data.join("artifacts"));
    if hurt.file.starts_with(artifacts.dir()) {
        return look_at_artifact(&artifacts, &hurt.file);
    }
    let store = match open(data).await {
        Ok(store) => store,
        Err(error)
            if ["store-damaged", "store-newer", "store-io", "store-database"]
                .contains(&error.code()) =>
        {
            // Looking must still be possible, or refused in words.
            let options = OpenOptions {
                read_only: true,
                ..OpenOptions::default()
            };
            if let Ok(store) = Store::open(data, options).await {
                read_all(&store).await?;
                store.close().await;
            }
            return Ok(Seen::AtStart);
        }
        Err(error) => return Err(format!("the start fails with {} {error}", error.code())),
    };
    let read = read_all(&store).await;
    let verified = store.verify().await;
    store.close().await;
    let is_sound = verified.is_ok_and(|verified| verified.damage.is_empty());
    match read? {
        Read::Failed => Ok(Seen::ByReading),
        Read::Whole | Read::Shorter if !is_sound => Ok(Seen::ByCheck),
        Read::Shorter if hurt.file.to_string_lossy().ends_with("-wal") => Ok(Seen::Shorter),
        Read::Shorter => Err("events are missing and nobody says so".to_owned()),
        Read::Whole => Ok(Seen::Harmless),
    }
}

/// What reading all runs gave.
enum Read {
    Whole,
    /// Fewer events than there were.
    Shorter,
    Failed,
}

/// Reads every run; an event that is not what was written is an error of Baton.
async fn read_all(store: &Store) -> Result<Read, String> {
    let filter = RunFilter {
        limit: 100_000,
        ..RunFilter::default()
    };
    let Ok((rows, _)) = store.runs(filter).await else {
        return Ok(Read::Failed);
    };
    let mut has_failed = false;
    let mut is_shorter = false;
    let mut lanes = [0; load::LANES as usize];
    for row in &rows {
        let Ok(events) = store.events(&row.id, 0, u32::MAX).await else {
            has_failed = true;
            continue;
        };
        for (index, logged) in events.iter().enumerate() {
            let seq = index as u32 + 1;
            let baton_core::machine::Event::StepLogged { message, .. } = &logged.event else {
                continue;
            };
            let hash = message
                .strip_prefix("kept ")
                .and_then(|rest| rest.split(' ').next());
            let hash = load::artifact(&row.id, seq).and(hash);
            if *logged != load::event(&row.id, seq, hash) {
                return Err(format!(
                    "event {seq} of `{}` was changed and is read as if it were whole",
                    row.id
                ));
            }
        }
        is_shorter |= events.len() != row.seq as usize;
        if let Some(lane) = row
            .id
            .strip_prefix("lane")
            .and_then(|rest| rest.split('-').next())
            && let Ok(lane) = lane.parse::<usize>()
            && lane < lanes.len()
        {
            lanes[lane] += events.len();
        }
    }
    let expected = written(store.dir());
    is_shorter |= lanes.iter().sum::<usize>() < expected;
    Ok(match (has_failed, is_shorter) {
        (true, _) => Read::Failed,
        (false, true) => Read::Shorter,
        (false, false) => Read::Whole,
    })
}

/// How many events the folder had before it was damaged, as noted beside it.
fn written(data: &Path) -> usize {
    let text = std::fs::read_to_string(data.join("events.txt")).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

fn look_at_workflow(file: &Path) -> Result<Seen, String> {
    let Ok(bytes) = std::fs::read(file) else {
        return Ok(Seen::ByReading);
    };
    // A file of people's own: it opens, with findings or as another text, or it is refused in words.
    match document::parse_bytes(&bytes) {
        Err(_) => Ok(Seen::ByReading),
        Ok(parsed) if document::digest(&parsed.workflow) == document::digest(&workflow()) => {
            Ok(Seen::Harmless)
        }
        Ok(_) => Ok(Seen::ByCheck),
    }
}

fn look_at_artifact(artifacts: &Artifacts, file: &Path) -> Result<Seen, String> {
    let inside = file
        .strip_prefix(artifacts.dir())
        .map_err(|error| error.to_string())?;
    let hash: String = inside
        .to_string_lossy()
        .chars()
        .filter(|character| *character != '/')
        .collect();
    if artifacts.verify(&hash).map_err(|error| error.to_string())? {
        return Ok(Seen::Harmless);
    }
    match artifacts.read(&hash) {
        Err(_) => Ok(Seen::ByReading),
        Ok(_) => Err("a damaged artifact is handed out as if it were whole".to_owned()),
    }
}

fn remove_file(path: &Path) {
    // It is not there if the folder was closed.
    std::fs::remove_file(path).ok();
}

/// Notes how many events a folder has.
async fn note_events(data: &Path) -> anyhow::Result<()> {
    let store = Store::open(
        data,
        OpenOptions {
            read_only: true,
            ..OpenOptions::default()
        },
    )
    .await?;
    let verified = store.verify().await?;
    store.close().await;
    std::fs::write(data.join("events.txt"), verified.events.to_string())?;
    Ok(())
}
