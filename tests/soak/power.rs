//! the power goes. A process is watched while it writes; from what the watcher saw, disks are made as a power
//! cut may leave them at any moment, and each is opened.
//!
//! The database, its log, artifacts and drafts: the real SQLite with the real settings.

use std::collections::BTreeSet;

use crate::check::{Then, check};
use crate::child::{Said, Until, hear_out, store_child};
use crate::disk::{Disk, LOSSES, Mark};
use crate::harness::{Case, Cx, Tally, remove, series};
use crate::trace::{self, Call};

/// Disks made from one watched process.
pub(crate) const IMAGES: u32 = 100;

/// Batches of a lane while it is watched.
const BATCHES: u32 = 11;

/// So many that SQLite moves its log into the database meanwhile, and begins the log anew.
const MANY: u32 = 90;

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    Ok(series(cx, cx.cases.div_ceil(IMAGES), |case| {
        let place = case.folder.join("watched");
        let data = place.join("data");
        std::fs::create_dir_all(&place).map_err(|error| error.to_string())?;
        let mut said = Said::default();
        if case.number % 3 == 2 {
            // Something is there already, and was not left properly.
            let mut earlier = store_child(cx, &data, 0);
            hear_out(&mut earlier, Until::Acks(25, 500), &mut said)?;
        }
        let mut disk = Disk::new(&place).map_err(|error| error.to_string())?;
        let file = case.folder.join("calls");
        let batches = if case.number % 8 == 1 { MANY } else { BATCHES };
        let mut watched = trace::watched(&store_child(cx, &data, batches), &file);
        let ended = hear_out(&mut watched, Until::Ends, &mut said.clone())?;
        if !ended.status.success() {
            return Err(format!("the watched process failed: {}", ended.complaints));
        }
        let calls = trace::read(&file)?;
        let moved = checkpoints(&calls);
        case.note("times the log was moved into the database", moved);
        cut(
            case,
            &mut disk,
            &calls,
            said,
            |case, image, said, is_last| {
                let then = if is_last { Then::GoOn } else { Then::Leave };
                let found = cx
                    .runtime
                    .block_on(check(&image.join("data"), said, then))?;
                case.most("slowest restart, ms", found.start_ms);
                case.note("batches found though nobody was told", found.untold);
                if is_last {
                    cx.runtime
                        .block_on(check(&image.join("data"), said, Then::Leave))?;
                }
                Ok(())
            },
        )
    }))
}

/// How often the writes go over from the log to the database.
fn checkpoints(calls: &[Call]) -> u64 {
    let (mut database, mut log) = (BTreeSet::new(), BTreeSet::new());
    let (mut times, mut is_in_log) = (0, false);
    for call in calls {
        match call {
            Call::Open { path, fd, .. } => {
                database.remove(fd);
                log.remove(fd);
                if path.ends_with("baton.db") {
                    database.insert(*fd);
                } else if path.ends_with("baton.db-wal") {
                    log.insert(*fd);
                }
            }
            Call::Write { fd, .. } if log.contains(fd) => is_in_log = true,
            Call::Write { fd, .. } if database.contains(fd) && is_in_log => {
                is_in_log = false;
                times += 1;
            }
            _ => {}
        }
    }
    times
}

/// The moments at which a cut is worth looking at: around every sync, and after everything that was said.
fn moments(disk_calls: &[Mark]) -> Vec<usize> {
    let mut moments = Vec::new();
    for (index, mark) in disk_calls.iter().enumerate() {
        match mark {
            Mark::Synced => moments.extend([index, index + 1]),
            Mark::Said(_) => moments.push(index + 1),
            Mark::Changed if index.is_multiple_of(5) => moments.push(index + 1),
            Mark::Changed | Mark::Nothing => {}
        }
    }
    moments.push(disk_calls.len());
    moments.dedup();
    moments
}

/// Cuts the power [`IMAGES`] times during `calls`; `judge` looks at each disk, and at every eighth more closely.
pub(crate) fn cut(
    case: &mut Case<'_>,
    disk: &mut Disk,
    calls: &[Call],
    mut said: Said,
    judge: impl Fn(&Case<'_>, &std::path::Path, &Said, bool) -> Result<(), String>,
) -> Result<(), String> {
    // What each call does is known only by doing it.
    let mut trial = disk.clone();
    let marks: Vec<Mark> = calls.iter().map(|call| trial.apply(call)).collect();
    let moments = moments(&marks);
    let syncs = marks.iter().filter(|mark| **mark == Mark::Synced).count();
    case.most("syncs of one watched process", syncs as u64);
    let mut chosen: Vec<usize> = (0..IMAGES as usize)
        .map(|image| {
            // Spread evenly, then by chance, so that no two series cut at the same places.
            let even = image * moments.len() / IMAGES as usize;
            moments[(even + case.chance.index(moments.len() / 50 + 1)) % moments.len()]
        })
        .collect();
    chosen.sort_unstable();
    let mut done = 0;
    for (number, moment) in chosen.into_iter().enumerate() {
        for call in &calls[done..moment] {
            if let Mark::Said(text) = disk.apply(call) {
                for line in text.lines() {
                    said.hear(line);
                }
            }
        }
        done = moment;
        let loss = LOSSES[number % LOSSES.len()];
        let image = case.folder.join("image");
        remove(&image);
        disk.image(&image, loss, &mut case.chance)
            .map_err(|error| error.to_string())?;
        judge(case, &image, &said, number.is_multiple_of(8)).map_err(|why| {
            format!(
                "power cut after call {moment} of {} ({loss:?}): {why}",
                calls.len()
            )
        })?;
        case.done();
    }
    Ok(())
}
