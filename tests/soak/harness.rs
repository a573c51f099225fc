//! What a harness is, and how its cases are carried out: each in a folder of its own, two at a time, each drawn from
//! the seed and its number, so that a case that fails can be had again alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use baton_engine::Watermarks;
use serde_json::{Value, json};

use crate::random::Chance;

/// Failures after which a harness stops: whoever sees three needs no more.
const ENOUGH: usize = 3;

/// Set where the first failure is all that is asked for, as with a planted bug.
pub(crate) const FIRST: &str = "BATON_SOAK_FIRST";

fn enough() -> usize {
    if std::env::var_os(FIRST).is_some() {
        1
    } else {
        ENOUGH
    }
}

/// Cases at a time.
const TOGETHER: usize = 2;

/// Panics in this process so far, whoever caught them.
pub(crate) static PANICS: AtomicU64 = AtomicU64::new(0);

/// One way of doing harm, and the judgement afterwards.
pub(crate) struct Harness {
    /// What `--only` takes.
    pub(crate) name: &'static str,
    /// The promise it tests, by its number.
    pub(crate) target: &'static str,
    /// What is done, for the table of results.
    pub(crate) injects: &'static str,
    /// Cases with `--ci`, about a minute's worth.
    pub(crate) ci: u32,
    /// Cases without.
    pub(crate) full: u32,
    /// Carries out about `cx.cases` cases.
    pub(crate) run: fn(&Cx) -> anyhow::Result<Tally>,
}

/// What a harness works with.
pub(crate) struct Cx {
    pub(crate) harness: &'static str,
    pub(crate) seed: u64,
    pub(crate) cases: u32,
    /// Only this case (or series of cases).
    pub(crate) only: Option<u32>,
    /// For folders of cases; in memory where the system has that.
    pub(crate) scratch: PathBuf,
    /// Where folders of failed cases are left.
    pub(crate) kept: PathBuf,
    /// The small process that writes.
    pub(crate) store_child: PathBuf,
    pub(crate) runtime: tokio::runtime::Handle,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) cases: u64,
    pub(crate) failures: Vec<String>,
    /// Further figures for the table.
    pub(crate) notes: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn to_json(&self, harness: &Harness, seed: u64, seconds: f64) -> Value {
        json!({
            "harness": harness.name, "target": harness.target, "injects": harness.injects, "seed": seed,
            "cases": self.cases, "failed": self.failures.len(), "seconds": seconds,
            "notes": self.notes, "failures": self.failures,
        })
    }
}

/// One case, or a series that shares a folder.
pub(crate) struct Case<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) number: u32,
    pub(crate) chance: Chance,
    pub(crate) folder: PathBuf,
    tally: &'a Mutex<Tally>,
}

impl Case<'_> {
    /// Counts something for the table.
    pub(crate) fn note(&self, what: &'static str, more: u64) {
        let mut tally = self.tally.lock().expect("nobody panics holding it");
        *tally.notes.entry(what).or_default() += more;
    }

    /// Keeps the largest of what was seen.
    pub(crate) fn most(&self, what: &'static str, seen: u64) {
        let mut tally = self.tally.lock().expect("nobody panics holding it");
        let most = tally.notes.entry(what).or_default();
        *most = seen.max(*most);
    }

    /// Counts a case of this series.
    pub(crate) fn done(&self) {
        self.tally.lock().expect("nobody panics holding it").cases += 1;
    }
}

/// Carries out `count` series; `work` counts its cases itself, and says what is wrong with the first that fails.
pub(crate) fn series(
    cx: &Cx,
    count: u32,
    work: impl Fn(&mut Case<'_>) -> Result<(), String> + Sync,
) -> Tally {
    let tally = Mutex::new(Tally::default());
    let next = AtomicU32::new(cx.only.unwrap_or(0));
    let end = cx.only.map_or(count, |only| only + 1);
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let failures = tally
                        .lock()
                        .expect("nobody panics holding it")
                        .failures
                        .len();
                    if number >= end || failures >= enough() {
                        return;
                    }
                    one(cx, number, &tally, &work);
                }
            });
        }
    });
    tally.into_inner().expect("nobody panics holding it")
}

fn one(
    cx: &Cx,
    number: u32,
    tally: &Mutex<Tally>,
    work: &(impl Fn(&mut Case<'_>) -> Result<(), String> + Sync),
) {
    let folder = cx.scratch.join(format!("{}-{number}", cx.harness));
    let mut case = Case {
        cx,
        number,
        chance: Chance::new(cx.seed, u64::from(number)),
        folder,
        tally,
    };
    let before = PANICS.load(Ordering::SeqCst);
    let worked = std::fs::create_dir_all(&case.folder).map_err(|error| error.to_string());
    let worked = worked.and_then(|()| {
        let work = std::panic::AssertUnwindSafe(|| work(&mut case));
        std::panic::catch_unwind(work).unwrap_or_else(|_| Err("it panicked".to_owned()))
    });
    let panics = PANICS.load(Ordering::SeqCst) - before;
    let worked = worked.and_then(|()| match panics {
        0 => Ok(()),
        more => Err(format!("{more} panics in this process")),
    });
    if let Err(why) = worked {
        let kept = keep(cx, &case.folder, number);
        let failure = format!(
            "{} case {number}: {why}\n    again: npm run soak -- --only {} --seed {} --case {number}\n    its folder: {kept}",
            cx.harness, cx.harness, cx.seed
        );
        tell(&failure);
        tally
            .lock()
            .expect("nobody panics holding it")
            .failures
            .push(failure);
    }
    remove(&case.folder);
}

/// Says something to the person who watches.
pub(crate) fn tell(line: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "{line}").ok();
}

/// Puts the folder of a failed case where it outlives the soak.
fn keep(cx: &Cx, folder: &Path, number: u32) -> String {
    if std::env::var_os(FIRST).is_some() {
        return "not kept".to_owned();
    }
    let kept = cx.kept.join(format!("{}-{}-{number}", cx.harness, cx.seed));
    remove(&kept);
    let copied = std::fs::create_dir_all(&cx.kept).and_then(|()| copy(folder, &kept));
    match copied {
        Ok(()) => kept.display().to_string(),
        Err(error) => format!("not kept: {error}"),
    }
}

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// No marks: these folders are in memory, which may be small, and the disk is not what is under test.
pub(crate) const NO_MARKS: Watermarks = Watermarks {
    warn: 0,
    warn_percent: 0,
    pause: 0,
    read_only: 0,
    ballast: 0,
};

/// Removes a folder, if it is there.
pub(crate) fn remove(folder: &Path) {
    // A folder that stays costs memory until the soak ends, nothing more.
    std::fs::remove_dir_all(folder).ok();
}
