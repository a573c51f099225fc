//! the harnesses themselves are put to the test. Bugs of the kind that such systems have are planted one after
//! the other, and each must be caught by the harness that is there for it, within the cases it has in CI.

use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{Cx, Harness, Tally, tell};

/// A bug, as the code knows it (`trial::has_bug`), and who has to find it.
pub(crate) struct Planted {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) harness: &'static str,
}

const fn bug(name: &'static str, harness: &'static str, what: &'static str) -> Planted {
    Planted {
        name,
        what,
        harness,
    }
}

/// All of them. A new one is a `trial::has_bug` in the code and a row here.
pub(crate) const BUGS: &[Planted] = &[
    bug(
        "ack-before-commit",
        "kill",
        "a write is acknowledged before it is committed",
    ),
    bug(
        "batch-in-two-transactions",
        "kill",
        "the list of runs and the log are written in two transactions",
    ),
    bug(
        "synchronous-off",
        "power",
        "the database is never flushed to the disk",
    ),
    bug(
        "synchronous-normal",
        "power",
        "the log of the database is not flushed at a commit",
    ),
    bug(
        "artifact-not-synced",
        "power",
        "an artifact is renamed before its content is on disk",
    ),
    bug(
        "artifact-folder-not-synced",
        "power",
        "the name of an artifact is not on disk when its event is",
    ),
    bug(
        "file-not-synced",
        "save",
        "a workflow file is renamed before its content is on disk",
    ),
    bug(
        "file-folder-not-synced",
        "save",
        "a save is acknowledged before the new name is on disk",
    ),
    bug(
        "file-written-in-place",
        "save",
        "a workflow file is emptied and written again",
    ),
    bug(
        "error-answered-as-success",
        "faults",
        "a failed write is acknowledged",
    ),
    bug(
        "chain-skips-payload",
        "damage",
        "the hash of an event leaves its content out",
    ),
    bug(
        "artifact-not-checked",
        "damage",
        "an artifact is handed out without a look at its hash",
    ),
    bug(
        "deferred-transaction",
        "writers",
        "transactions begin reading and want to write later",
    ),
    bug(
        "no-expected-position",
        "writers",
        "two writers may go on from the same event of a run",
    ),
    bug(
        "no-checkpoint",
        "writers",
        "the log of the database is never moved into it",
    ),
    bug("no-lock", "writers", "a data folder may have two owners"),
    bug(
        "no-unique-firing",
        "firings",
        "an instant that was recorded before is recorded again",
    ),
    bug(
        "unsafe-runs-again",
        "effects",
        "an interrupted step runs again though it must not",
    ),
    bug(
        "new-key-for-each-attempt",
        "effects",
        "every attempt of a step sends another idempotency key",
    ),
    bug(
        "act-before-durable",
        "effects",
        "a step acts before its start is on disk",
    ),
    bug(
        "lost-reply-is-success",
        "effects",
        "a request whose answer never came counts as done",
    ),
    bug(
        "no-epoch-check",
        "simulation",
        "the answer of an earlier attempt is taken for that of the current one",
    ),
    bug(
        "same-epoch-after-crash",
        "simulation",
        "a step that goes on after a crash cannot be told from the attempt before",
    ),
    bug(
        "undo-runs-again",
        "simulation",
        "taking back is repeated after a crash though it must not be",
    ),
    bug(
        "timer-fires-early",
        "simulation",
        "a timer that comes out of turn is not compared with the clock",
    ),
    bug(
        "sleep-counts",
        "simulation",
        "the time that the computer slept counts against the limit of a scope",
    ),
    bug(
        "event-taken-twice",
        "simulation",
        "an event that is sent again counts again",
    ),
    bug(
        "changed-kind-goes-on",
        "simulation",
        "a run goes on in a build in which its steps mean something else",
    ),
    bug(
        "limit-by-wall-clock",
        "life",
        "the time limit of a step goes on while the computer sleeps",
    ),
    bug(
        "sleep-not-told",
        "life",
        "runs do not learn that the computer slept",
    ),
    bug(
        "timers-forgotten",
        "life",
        "a start does not set the timers of the runs that only wait",
    ),
    bug(
        "end-of-child-untold",
        "life",
        "the end of a sub-workflow does not wake a run that sleeps",
    ),
    bug(
        "event-misses-sleepers",
        "life",
        "an event does not reach the runs that sleep",
    ),
];

/// Plants each bug and lets its harness look for it.
pub(crate) fn run(cx: &Cx, harnesses: &[Harness]) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for (index, planted) in BUGS.iter().enumerate() {
        if cx.only.is_some_and(|only| only as usize != index) {
            continue;
        }
        let harness = harnesses
            .iter()
            .find(|harness| harness.name == planted.harness);
        let harness =
            harness.ok_or_else(|| anyhow::anyhow!("there is no harness `{}`", planted.harness))?;
        let begun = Instant::now();
        let found = look_for(cx, planted, harness)?;
        let seconds = begun.elapsed().as_secs_f64();
        tally.cases += 1;
        crate::print(&json!({
            "bug": planted.name, "what": planted.what, "harness": planted.harness,
            "caught": found.is_some(), "by": found, "seconds": seconds,
        }));
        match &found {
            Some(how) => tell(&format!(
                "planted: `{}` caught by {} in {seconds:.1} s: {how}",
                planted.name, planted.harness
            )),
            None => {
                let missed = format!(
                    "planted bug `{}` ({}) is not caught by `{}`",
                    planted.name, planted.what, planted.harness
                );
                tell(&missed);
                tally.failures.push(format!(
                    "{missed}\n    again: npm run soak -- --only planted --seed {} --case {index}",
                    cx.seed
                ));
            }
        }
    }
    Ok(tally)
}

/// The first failure that the harness reports with this bug in place.
fn look_for(cx: &Cx, planted: &Planted, harness: &Harness) -> anyhow::Result<Option<String>> {
    let output = Command::new(std::env::current_exe()?)
        .args([
            "run",
            harness.name,
            "--cases",
            &harness.ci.to_string(),
            "--seed",
            &cx.seed.to_string(),
        ])
        .arg("--store-child")
        .arg(&cx.store_child)
        .env("BATON_PLANTED_BUG", planted.name)
        .env(crate::harness::FIRST, "1")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let results = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for result in results {
        if let Some(first) = result["failures"][0].as_str() {
            let first = first.lines().next().unwrap_or_default();
            return Ok(Some(first.chars().take(200).collect()));
        }
    }
    anyhow::ensure!(
        output.status.success(),
        "`{}` broke off with `{}` planted",
        harness.name,
        planted.name
    );
    Ok(None)
}
