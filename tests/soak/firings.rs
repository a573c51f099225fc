//! Firings of triggers are recorded while the process is killed. Whoever comes back looks again at what it may have seen
//! before, as every source does: each firing is there once, and none that was acknowledged is missing.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use baton_store::{FiringFilter, NewActivation, NewFiring, Recorded, Store};

use crate::check;
use crate::child::{Said, Until, hear_out, own_child};
use crate::harness::{Cx, Tally, series};

/// Kills of one folder.
const ROUNDS: u32 = 6;

/// How far back a process looks that comes back.
const BACK: u32 = 5;

const POINTS: [&str; 4] = [
    "store-begun",
    "store-inserted",
    "store-committed",
    "store-answered",
];

const WORKFLOW: &str = "nightly";
const TRIGGER: &str = "schedule";

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    Ok(series(cx, cx.cases.div_ceil(ROUNDS), |case| {
        let data = case.folder.join("data");
        let folder = data.display().to_string();
        let mut said = Said::default();
        let mut acknowledged = 0;
        for round in 0..ROUNDS {
            let mut child = own_child("firings", &[&folder]);
            let until = if round.is_multiple_of(2) {
                let point = POINTS[case.chance.index(POINTS.len())];
                let nth = 2 + case.chance.below(40);
                child.env("BATON_FAIL_POINT", format!("{point}:{nth}"));
                Until::Ends
            } else {
                Until::Acks(1 + case.chance.below(30) as u32, case.chance.below(3_000))
            };
            let ended = hear_out(&mut child, until, &mut said)?;
            if !ended.is_broken_off() {
                return Err(format!("it failed: {}", ended.complaints));
            }
            case.done();
            // Whoever comes back begins with earlier ones.
            acknowledged = said.draft.max(acknowledged);
            let judged = cx.runtime.block_on(judge(&data, acknowledged));
            let found = judged.map_err(|why| format!("after kill {round} ({until:?}): {why}"))?;
            case.most("firings of one folder", found);
        }
        Ok(())
    }))
}

/// Whether firings 1 to `acknowledged` are there, each once, and hardly any more; how many there are.
async fn judge(data: &Path, acknowledged: u32) -> Result<u64, String> {
    let store = check::open(data).await.map_err(|error| error.to_string())?;
    let filter = FiringFilter {
        workflow: Some(WORKFLOW.to_owned()),
        limit: 1_000_000,
        ..FiringFilter::default()
    };
    let listed = store.firings(&filter).await;
    store.close().await;
    let (firings, _) = listed.map_err(|error| error.to_string())?;
    let mut due = BTreeSet::new();
    for firing in &firings {
        let at = firing.due.unwrap_or_default();
        if !due.insert(at) {
            return Err(format!("the instant {at} fired twice"));
        }
    }
    match (1..=i64::from(acknowledged)).find(|at| !due.contains(at)) {
        Some(lost) => Err(format!("the instant {lost} was acknowledged and is lost")),
        None => Ok(firings.len() as u64),
    }
}

/// The process: records one instant after the other until it is killed.
pub(crate) async fn child(data: &Path) -> anyhow::Result<()> {
    let store = check::open(data).await?;
    let known = store.activation(WORKFLOW, TRIGGER).await?;
    let revision = match known {
        Some(activation) => activation.revision,
        None => activate(&store).await?,
    };
    let last = store.last_firing(WORKFLOW, TRIGGER).await?;
    let last = last.and_then(|firing| firing.due).unwrap_or(0);
    let mut at = (last - i64::from(BACK)).max(0);
    loop {
        at += 1;
        let key = format!("schedule:{at}");
        let mut firing = NewFiring::new(WORKFLOW, TRIGGER, revision, &key, at);
        firing.due = Some(at);
        firing.run = format!("run-{at}");
        let recorded = store.record(vec![firing], None).await?;
        let is_recorded = matches!(recorded[..], [Recorded::Accepted | Recorded::Duplicate]);
        anyhow::ensure!(is_recorded, "instant {at}: {recorded:?}");
        let line = format!("draft {at}\n");
        // Whoever listens may be gone, and nobody else wants to know.
        std::io::stdout().lock().write_all(line.as_bytes()).ok();
    }
}

async fn activate(store: &Store) -> anyhow::Result<u32> {
    store.put_definition("d", "{}").await?;
    let new = NewActivation {
        workflow: WORKFLOW.to_owned(),
        workflow_name: "Nightly".to_owned(),
        digest: "d".to_owned(),
        path: None,
        work_dir: ".".to_owned(),
        input: None,
        triggers: vec![(TRIGGER.to_owned(), "schedule".to_owned(), 0)],
        by: "soak".to_owned(),
        at: 1,
    };
    Ok(store.activate(new).await?)
}
