//! `npm run soak`: everything that goes wrong on a machine, done to Baton on purpose and judged afterwards.
//!
//! ```text
//! soak list                                        the harnesses, as JSON
//! soak run NAME --cases N --seed S [--case C]      one of them; a result as JSON on the output, words on the error output
//! soak child NAME …                                a process that a harness starts and harms
//! ```
//!
//! `scripts/soak.mjs` builds this with the feature `soak`, runs it, and writes `docs/reliability.md`.
//!
//! # A new harness
//!
//! 1. A file with `pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally>`, usually one call of [`harness::series`]: it
//!    gives each case a folder, chance from the seed, and a way to be had again alone.
//! 2. Its row in [`HARNESSES`], with sizes: `ci` is what about a minute of two busy cores is enough for.
//! 3. If it needs a process of its own, an arm in [`child`]. What it must be able to see: rows in [`planted::BUGS`].

mod check;
mod child;
mod damage;
mod disk;
mod effects;
mod engine;
mod faults;
mod firings;
mod full;
#[path = "../../crates/core/tests/it/machine/generate.rs"]
mod generate;
mod harness;
mod kill;
mod life;
mod load;
mod planted;
mod power;
mod random;
mod save;
mod simulation;
mod trace;
mod writers;
mod zones;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use crate::harness::{Cx, Harness, PANICS, Tally};

/// All harnesses, in the order in which they are run. The sizes are cases.
const HARNESSES: &[Harness] = &[
    Harness {
        name: "kill",
        target: "R-01",
        injects: "SIGKILL at every marked point and at random times, ten times on the same folder",
        ci: 1_000,
        full: 10_000,
        run: kill::run,
    },
    Harness {
        name: "engine",
        target: "R-01",
        injects: "SIGKILL of the whole engine at marked points and at random times while it carries out runs",
        ci: 200,
        full: 4_000,
        run: engine::run,
    },
    Harness {
        name: "firings",
        target: "R-11",
        injects: "SIGKILL while firings of a trigger are recorded; whoever comes back looks at the last ones again",
        ci: 120,
        full: 3_000,
        run: firings::run,
    },
    Harness {
        name: "power",
        target: "R-02",
        injects: "power cut: every unsynced write kept, dropped, torn or reordered, names of files likewise",
        ci: 2_000,
        full: 10_000,
        run: power::run,
    },
    Harness {
        name: "save",
        target: "R-21",
        injects: "power cut and SIGKILL while workflow files are saved",
        ci: 500,
        full: 3_000,
        run: save::run,
    },
    Harness {
        name: "faults",
        target: "R-03",
        injects: "the n-th call fails with EIO, ENOSPC, EINTR or EMFILE, once and from then on",
        ci: 200,
        full: 3_000,
        run: faults::run,
    },
    Harness {
        name: "full",
        target: "R-04",
        injects: "a small disk fills up and is freed",
        ci: 6,
        full: 50,
        run: full::run,
    },
    Harness {
        name: "damage",
        target: "R-05",
        injects: "flipped bits, zeros, noise, misplaced pages and missing ends in database, log, artifacts and workflow files",
        ci: 1_000,
        full: 10_000,
        run: damage::run,
    },
    Harness {
        name: "writers",
        target: "R-14",
        injects: "64 tasks whose futures are dropped at any await, beside another tool on the same database",
        ci: 60_000,
        full: 600_000,
        run: writers::run,
    },
    Harness {
        name: "effects",
        target: "R-07",
        injects: "SIGKILL between the act of a step and its record; answers that never come",
        ci: 120,
        full: 4_000,
        run: effects::run,
    },
    Harness {
        name: "zones",
        target: "R-10",
        injects: "schedules of twelve shapes over two years in every time zone, compared with a slow answer, minute by minute",
        ci: 12,
        full: 600,
        run: zones::run,
    },
    Harness {
        name: "simulation",
        target: "R-06",
        injects: "whole lives of runs under a virtual clock: crashes, lost writes, sleeps, clock jumps, failing and late steps, people, upgrades",
        ci: 10_000,
        full: 500_000,
        run: simulation::run,
    },
    Harness {
        name: "life",
        target: "R-06",
        injects: "the same lives with the real engine and store, of which only the clock is turned by hand",
        ci: 600,
        full: 20_000,
        run: life::run,
    },
    Harness {
        name: "planted",
        target: "R-00",
        injects: "bugs in Baton itself; caught means that a harness saw it",
        ci: 0,
        full: 0,
        run: |cx| planted::run(cx, HARNESSES),
    },
];

/// Writes a line of JSON for whoever runs this.
pub(crate) fn print(line: &Value) {
    // If nobody reads, nobody is told.
    writeln!(std::io::stdout().lock(), "{line}").ok();
}

fn main() -> anyhow::Result<ExitCode> {
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The core reads no environment.
    if let Ok(bug) = std::env::var("BATON_PLANTED_BUG") {
        baton_core::trial::plant(bug);
    }
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match words.as_slice() {
        ["list"] => {
            for harness in HARNESSES {
                let Harness {
                    name,
                    target,
                    injects,
                    ci,
                    full,
                    ..
                } = harness;
                print(
                    &json!({ "name": name, "target": target, "injects": injects, "ci": ci, "full": full }),
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        ["child", rest @ ..] => runtime.block_on(child(rest)).map(|()| ExitCode::SUCCESS),
        ["run", name, rest @ ..] => {
            let harness = HARNESSES.iter().find(|harness| harness.name == *name);
            let harness = harness.with_context(|| format!("there is no harness `{name}`"))?;
            let tally = run(harness, rest, runtime.handle())?;
            Ok(if tally.failures.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        _ => anyhow::bail!(
            "soak list | run NAME --cases N --seed S [--case C] --store-child PATH | child NAME …"
        ),
    }
}

/// The processes that harnesses start.
async fn child(words: &[&str]) -> anyhow::Result<()> {
    match words {
        ["save", folder] => save::child(Path::new(folder)).await,
        ["engine", folder, runs] => engine::child(Path::new(folder), runs.parse()?).await,
        ["firings", data] => firings::child(Path::new(data)).await,
        ["effects", folder, answer] => effects::child(Path::new(folder), answer).await,
        _ => anyhow::bail!("there is no such process: {words:?}"),
    }
}

fn run(
    harness: &'static Harness,
    words: &[&str],
    runtime: &tokio::runtime::Handle,
) -> anyhow::Result<Tally> {
    let option = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1).copied()
    };
    std::panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        harness::tell(&format!("panicked: {panic}"));
    }));
    // Nothing here has to survive a real power cut, and memory is faster.
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() {
        memory.to_path_buf()
    } else {
        std::env::temp_dir()
    };
    let scratch = tempfile::Builder::new()
        .prefix("baton-soak-")
        .tempdir_in(base)?;
    let cx = Cx {
        harness: harness.name,
        seed: option("--seed").map_or(Ok(1), str::parse)?,
        cases: option("--cases").map_or(Ok(harness.ci), str::parse)?,
        only: option("--case").map(str::parse).transpose()?,
        scratch: scratch.path().to_path_buf(),
        kept: option("--kept").map_or_else(
            || std::env::temp_dir().join("baton-soak-failed"),
            PathBuf::from,
        ),
        store_child: option("--store-child")
            .map(PathBuf::from)
            .context("`--store-child` is needed")?,
        runtime: runtime.clone(),
    };
    let begun = Instant::now();
    let tally = (harness.run)(&cx)?;
    print(&tally.to_json(harness, cx.seed, begun.elapsed().as_secs_f64()));
    Ok(tally)
}
