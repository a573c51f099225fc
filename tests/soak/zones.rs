//! when schedules fire, in every zone and on every night, against an answer that looks at each minute of two years.
//!
//! A case is one zone with all shapes of cron. With fewer cases than zones, the seed says which ones.

#[path = "../../crates/core/tests/it/schedule/oracle.rs"]
mod oracle;

use baton_core::schedule::zone_names;

use crate::harness::{Cx, Tally, series};

/// 2025-01-01T00:00:00Z less a day: the slow answer does not know what was before its first one.
const FROM: i64 = 1_735_689_600_000 - 86_400_000;
const DAYS: i64 = 2 * 365 + 1;

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    let zones = zone_names();
    let count = cx.cases.min(u32::try_from(zones.len())?);
    let first = usize::try_from(cx.seed)?;
    // Far apart, so that a few are of many continents.
    let step = (zones.len() / count.max(1) as usize).max(1);
    Ok(series(cx, count, |case| {
        let zone = &zones[(first + case.number as usize * step) % zones.len()];
        let wall = oracle::Wall::new(zone, FROM, DAYS);
        for shape in oracle::SHAPES {
            let instants = wall.compare(shape)?;
            case.note("instants compared", instants as u64);
        }
        case.note("series", oracle::SHAPES.len() as u64);
        case.done();
        Ok(())
    }))
}
