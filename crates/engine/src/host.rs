//! What happens to the computer: it sleeps, it is stopped, its clock is set.

use std::collections::BTreeSet;
use std::sync::Arc;

use baton_core::machine::Input;
use baton_store::{HostNote, trial};

use crate::clock::Jump;
use crate::shared::Shared;
use crate::timers::Tick;

/// Watches timers and clocks until the engine closes.
pub(crate) fn watch(shared: &Arc<Shared>) {
    let shared = shared.clone();
    tokio::spawn(async move {
        let closing = shared.closing.clone();
        let tell = |tick| match tick {
            Tick::Jumped(jump) => jumped(&shared, jump),
            Tick::Due { run, timer, gap_ms } => {
                // In the history, the reason stands before what follows from it.
                let resumed = gap_ms.map(|gap_ms| Input::HostResumed { gap_ms });
                let resumed = resumed.filter(|_| !trial::has_bug("sleep-not-told"));
                let inputs = resumed.into_iter().chain([Input::TimerDue { timer }]);
                shared.tell_run(run, inputs.collect());
            }
        };
        tokio::select! {
            () = closing.cancelled() => {}
            () = shared.timers.watch(&*shared.clock, tell) => {}
        }
    });
}

/// Keeps a note, and tells the runs to which it matters: those in the middle of a step or of a write, from which a time
/// limit may follow, and those with a time limit.
/// A run with a timer that is due learns it together with the timer.
fn jumped(shared: &Arc<Shared>, jump: Jump) {
    let at = shared.clock.now();
    let note = match jump {
        Jump::Resumed { gap_ms } => {
            tracing::info!(gap_ms, "the computer slept, or Baton was stopped");
            HostNote {
                at,
                what: "resumed".to_owned(),
                ms: gap_ms,
            }
        }
        Jump::SetBack { by_ms } => {
            tracing::warn!(by_ms, "the clock of the computer was set back");
            HostNote {
                at,
                what: "clock-set-back".to_owned(),
                ms: by_ms,
            }
        }
    };
    let store = shared.store.clone();
    tokio::spawn(async move {
        if let Err(error) = store.host_note(note).await {
            tracing::warn!(%error, "that the clock jumped could not be noted");
        }
    });
    let Jump::Resumed { gap_ms } = jump else {
        return;
    };
    if trial::has_bug("sleep-not-told") {
        return;
    }
    let mut runs: BTreeSet<String> = shared.timers.runs_with("timeout:");
    let due = shared.timers.due_runs(at);
    runs.extend(
        shared
            .entries()
            .iter()
            .filter(|entry| !entry.is_still())
            .map(|entry| entry.id.clone()),
    );
    for run in runs.difference(&due) {
        shared.tell_run(run.clone(), vec![Input::HostResumed { gap_ms }]);
    }
}
