//! the n-th read or write fails, for every n until there is no n-th one: once, and from then on. What failed is
//! said with a code, nothing is acknowledged that is not there, and afterwards it goes on.

use std::process::Command;
use std::sync::Mutex;

use crate::check::{Then, check};
use crate::child::{Said, Until, hear_out, store_child};
use crate::harness::{Case, Cx, Tally, series};
use crate::trace;

/// Batches of a lane under faults, and after the repair.
const BATCHES: u32 = 6;

/// A way for calls to fail.
#[derive(Debug)]
struct Fault {
    calls: &'static str,
    error: &'static str,
    /// From the n-th on, instead of the n-th alone.
    lasts: bool,
    /// Every call of this kind matters to what is written.
    must_show: bool,
}

const fn fault(calls: &'static str, error: &'static str, lasts: bool, must_show: bool) -> Fault {
    Fault {
        calls,
        error,
        lasts,
        must_show,
    }
}

const FAULTS: &[Fault] = &[
    fault("pwrite64", "EIO", false, false),
    fault("pwrite64", "EIO", true, true),
    fault("pwrite64", "ENOSPC", true, true),
    fault("pwrite64", "EINTR", false, false),
    fault("write", "EIO", false, false),
    fault("write", "ENOSPC", true, true),
    fault("write", "EINTR", false, false),
    fault("fsync,fdatasync", "EIO", false, false),
    fault("fsync,fdatasync", "EIO", true, true),
    fault("fsync,fdatasync", "ENOSPC", false, false),
    fault("fsync,fdatasync", "EINTR", false, false),
    fault("ftruncate", "EIO", true, false),
    fault("ftruncate", "ENOSPC", false, false),
    fault("openat", "EIO", false, false),
    fault("openat", "EMFILE", true, false),
    fault("mkdir", "ENOSPC", false, false),
    fault("rename,renameat,renameat2", "EIO", true, false),
    fault("rename,renameat,renameat2", "ENOSPC", false, false),
    fault("unlink", "EIO", true, false),
    fault("pread64,read", "EIO", false, false),
    fault("pread64,read", "EINTR", false, false),
];

/// Codes that an error of the disk may have.
const CODES: &[&str] = &[
    "store-disk-full",
    "store-io",
    "store-read-only-folder",
    "store-database",
    "store-damaged",
    "store-conflict",
    "store-closed",
    "store-busy",
];

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    // Once a kind of fault had no n-th call, larger n need not be tried.
    let spent: Mutex<Vec<bool>> = Mutex::new(vec![false; FAULTS.len()]);
    let rounds = cx.cases.div_ceil(FAULTS.len() as u32);
    let tally = series(cx, rounds * FAULTS.len() as u32, |case| {
        let (kind, n) = (
            case.number as usize % FAULTS.len(),
            1 + case.number / FAULTS.len() as u32,
        );
        if spent.lock().map_err(|error| error.to_string())?[kind] {
            return Ok(());
        }
        let has_hit = one(case, &FAULTS[kind], n)?;
        if !has_hit {
            spent.lock().map_err(|error| error.to_string())?[kind] = true;
            case.note("kinds of fault with no further call", 1);
        }
        Ok(())
    });
    Ok(tally)
}

fn one(case: &mut Case<'_>, fault: &Fault, n: u32) -> Result<bool, String> {
    let cx = case.cx;
    let data = case.folder.join("data");
    let mut said = Said::default();
    if n.is_multiple_of(2) {
        // A folder with a past, left without closing.
        hear_out(
            &mut store_child(cx, &data, 0),
            Until::Acks(12, 300),
            &mut said,
        )?;
    }
    let file = case.folder.join("calls");
    let plus = if fault.lasts { "+" } else { "" };
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-e", "signal=none", "-o"])
        .arg(&file);
    strace.args(["-e", &format!("trace={}", fault.calls)]);
    strace.args([
        "-e",
        &format!(
            "inject={}:error={}:when={n}{plus}",
            fault.calls, fault.error
        ),
    ]);
    if ["write", "openat", "pread64,read"].contains(&fault.calls) {
        // These the process needs as well to start and to speak: here only those on files with a known name.
        for name in [
            "baton.db",
            "baton.db-wal",
            "baton.db-shm",
            "baton.lock",
            "artifacts",
            "artifacts/tmp",
        ] {
            strace.arg("-P").arg(data.join(name));
        }
    }
    let mut watched = trace::wrap(strace, &store_child(cx, &data, BATCHES));
    let before = said.errors.len();
    let ended = hear_out(&mut watched, Until::Ends, &mut said)?;
    let seen = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let hits = seen.matches("(INJECTED)").count();
    let has_hit = hits > 0;
    let name = format!("{} of call {n}{plus} of {}", fault.error, fault.calls);
    if ended.complaints.contains("panicked") || ended.is_broken_off() {
        return Err(format!("{name}: it panicked: {}", ended.complaints));
    }
    if !said.is_closed && !said.has_given_up {
        return Err(format!(
            "{name}: it ended without a word: {}",
            ended.complaints
        ));
    }
    let errors = &said.errors[before..];
    for error in errors {
        let code = error.split(' ').next().unwrap_or_default();
        if !CODES.contains(&code) {
            return Err(format!("{name}: `{error}` is no error of a disk"));
        }
    }
    if !has_hit && !errors.is_empty() {
        return Err(format!(
            "{name}: nothing was made to fail, and it says {}",
            errors[0]
        ));
    }
    if has_hit {
        case.done();
        if errors.is_empty() {
            case.note("passed over without an error", 1);
            if fault.must_show && fault.lasts && said.is_closed && n == 1 {
                return Err(format!("{name}: everything failed, and it said nothing"));
            }
        } else {
            case.note("said with a code", 1);
        }
        // `strace` counts for each thread, and every new connection has one: then a passing error comes again.
        if !fault.lasts && said.has_given_up && hits < 3 {
            return Err(format!(
                "{name}: one passing error, and it gave up: {:?}",
                errors.last()
            ));
        }
    }
    let found = cx.runtime.block_on(check(&data, &said, Then::Leave));
    found.map_err(|why| format!("{name}: {why}"))?;
    // Repaired: it goes on.
    let mut repaired = Said {
        errors: Vec::new(),
        ..said
    };
    hear_out(&mut store_child(cx, &data, 2), Until::Ends, &mut repaired)?;
    if let Some(error) = repaired.errors.first() {
        return Err(format!("{name}: after the repair it says {error}"));
    }
    let found = cx.runtime.block_on(check(&data, &repaired, Then::Leave));
    found.map_err(|why| format!("{name}, after the repair: {why}"))?;
    Ok(has_hit)
}
