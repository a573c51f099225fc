//! the process is killed at every point that the code marks and at random times, again and again on the same
//! folder. Acknowledged is durable.

use std::collections::BTreeMap;

use crate::check::{Then, check};
use crate::child::{Said, Until, hear_out, store_child};
use crate::harness::{Cx, Tally, series};
use crate::random::Chance;

/// The points in the store and the artifacts. The load has to pass each of them, or killing there shows nothing.
const POINTS: &[&str] = &[
    "lock-emptied",
    "open-locked",
    "open-logged",
    "open-migrated",
    "artifact-written",
    "artifact-synced",
    "artifact-renamed",
    "store-begun",
    "store-advanced",
    "store-inserted",
    "store-committed",
    "store-answered",
    "store-closing",
    "store-closed",
];

/// Kills of one folder.
const ROUNDS: u32 = 10;

/// Batches of a lane before the process would end by itself.
const BATCHES: u32 = 40;

/// How often a point is passed at most before it counts as chosen.
const LATE: u32 = 9;

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    let points = points(cx)?;
    let tally = series(cx, cx.cases.div_ceil(ROUNDS - 1), |case| {
        let data = case.folder.join("data");
        let mut said = Said::default();
        for round in 0..ROUNDS {
            let mut child = store_child(cx, &data, BATCHES);
            // Every point in turn; between them, any time at all.
            let index = (case.number * ROUNDS + round) / 2;
            let (name, times) = &points[index as usize % points.len()];
            let until = if round.is_multiple_of(2) {
                let nth = 1 + case.chance.below(u64::from((*times).min(LATE)));
                child.env("BATON_FAIL_POINT", format!("{name}:{nth}"));
                Until::Ends
            } else {
                moment(&mut case.chance)
            };
            let ended = hear_out(&mut child, until, &mut said)?;
            if ended.complaints.contains("panicked") {
                return Err(format!("it panicked: {}", ended.complaints));
            }
            if let Some(error) = said.errors.first() {
                return Err(format!("it was refused something: {error}"));
            }
            if ended.is_broken_off() {
                case.done();
                let what = if round.is_multiple_of(2) {
                    "at marked points"
                } else {
                    "at random times"
                };
                case.note(what, 1);
            }
            let found = cx.runtime.block_on(check(&data, &said, Then::Leave));
            let found =
                found.map_err(|why| format!("after kill {round} ({until:?}, {name}): {why}"))?;
            case.most("slowest restart, ms", found.start_ms);
        }
        Ok(())
    });
    Ok(tally)
}

/// When to kill: in the first milliseconds, or after some acknowledgements and a moment more.
fn moment(chance: &mut Chance) -> Until {
    if chance.one_in(4) {
        Until::Acks(0, chance.below(40_000))
    } else {
        Until::Acks(1 + chance.below(50) as u32, chance.below(6_000))
    }
}

/// The points that the load passes, and how often.
fn points(cx: &Cx) -> anyhow::Result<Vec<(String, u32)>> {
    let folder = tempfile::tempdir_in(&cx.scratch)?;
    let mut child = store_child(cx, &folder.path().join("data"), BATCHES);
    child.env("BATON_FAIL_POINT", "list");
    let ended =
        hear_out(&mut child, Until::Ends, &mut Said::default()).map_err(anyhow::Error::msg)?;
    let mut points = BTreeMap::new();
    for line in ended.complaints.lines() {
        if let Some((name, times)) = line
            .strip_prefix("point ")
            .and_then(|rest| rest.split_once(' '))
        {
            points.insert(name.to_owned(), times.parse()?);
        }
    }
    for name in POINTS {
        anyhow::ensure!(
            points.contains_key(*name),
            "the load does not pass `{name}`: it passes {points:?}"
        );
    }
    Ok(points.into_iter().collect())
}
