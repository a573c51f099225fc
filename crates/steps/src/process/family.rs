//! Everything below this process, found through `/proc`, and its end.
//!
//! Only a guard uses this: it adopts what loses its parent, so whatever its program ever started is below it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, wait};

/// How often it is looked whether something is left.
const LOOK: Duration = Duration::from_millis(3);

/// Ends everything below this process, and returns when nothing of it is left but what belongs to another account.
pub(super) fn end() {
    let mut beyond = BTreeSet::new();
    loop {
        // Stopped first, so that what starts new processes all the time cannot outrun this.
        let mut stopped = BTreeSet::new();
        loop {
            let new: Vec<i32> = below(getpid().as_raw_nonzero().get())
                .into_iter()
                .filter(|pid| !stopped.contains(pid) && !beyond.contains(pid))
                .collect();
            if new.is_empty() {
                break;
            }
            for pid in new {
                if !send(pid, Signal::STOP) {
                    beyond.insert(pid);
                }
                stopped.insert(pid);
            }
        }
        if stopped.iter().all(|pid| beyond.contains(pid)) {
            reap();
            return;
        }
        for pid in &stopped {
            send(*pid, Signal::KILL);
        }
        std::thread::sleep(LOOK);
        reap();
    }
}

/// Takes the status of children that have ended, so that they are gone.
fn reap() {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
}

/// `false`: this process may not send it anything.
fn send(pid: i32, signal: Signal) -> bool {
    match Pid::from_raw(pid).map(|pid| kill_process(pid, signal)) {
        Some(Err(error)) => error != rustix::io::Errno::PERM,
        Some(Ok(())) | None => true,
    }
}

/// The living processes below `top`.
fn below(top: i32) -> Vec<i32> {
    let mut children: BTreeMap<i32, Vec<(i32, bool)>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // One that is gone by now has no parent.
        if let Some((parent, is_alive)) = stat(pid) {
            children.entry(parent).or_default().push((pid, is_alive));
        }
    }
    let mut found = Vec::new();
    let mut open = vec![top];
    while let Some(parent) = open.pop() {
        for (pid, is_alive) in children.remove(&parent).unwrap_or_default() {
            open.push(pid);
            if is_alive {
                found.push(pid);
            }
        }
    }
    found
}

/// The parent of a process, and whether it lives.
fn stat(pid: i32) -> Option<(i32, bool)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name comes second, in brackets, and may hold brackets and blanks itself.
    let mut rest = stat[stat.rfind(')')? + 1..].split_whitespace();
    let state = rest.next()?;
    Some((rest.next()?.parse().ok()?, !matches!(state, "Z" | "X")))
}
