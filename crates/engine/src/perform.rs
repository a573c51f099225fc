//! Performing what a run wants done. Actions are read off the state, so each is compared with what is under way.

use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;

use baton_core::Millis;
use baton_core::machine::{Action, Input, Task, TaskResult};
use tokio_util::sync::CancellationToken;

use crate::children::{self, Child};
use crate::engine::Shared;
use crate::entry::Entry;
use crate::task::{Purpose, carry_out};

/// Begins what is pending and not under way, and stops what is no longer wanted.
pub(crate) fn perform(shared: &Arc<Shared>, entry: &Arc<Entry>, actions: Vec<Action>) {
    let mut answers = Vec::new();
    let mut tasks = Vec::new();
    let mut begun = Vec::new();
    let mut stopped = Vec::new();
    let mut is_held = false;
    {
        let mut state = entry.state();
        let mut timers: BTreeMap<String, Millis> = BTreeMap::new();
        let may_work = shared.disk.may_work();
        for action in actions {
            match action {
                Action::StartTask(task) if !may_work => {
                    is_held |= !state.active.contains_key(&(task.step, task.epoch, false));
                }
                Action::StartTask(task) => {
                    tasks.extend(begin(&mut state.active, task, Purpose::Do))
                }
                Action::StartUndo(task) => {
                    tasks.extend(begin(&mut state.active, task, Purpose::Undo));
                }
                Action::CancelTask { step, epoch } => {
                    match state.active.get(&(step.clone(), epoch, false)) {
                        Some(cancel) => cancel.cancel(),
                        None => answers.push(Input::TaskEnded {
                            step,
                            epoch,
                            result: TaskResult::Cancelled,
                        }),
                    }
                }
                Action::SetTimer { timer, at } => {
                    timers.insert(timer, at);
                }
                Action::StartChild {
                    step,
                    run,
                    workflow,
                    version,
                    input,
                } => {
                    if state.children.insert(run.clone()) {
                        state.errands += 1;
                        begun.push(Child {
                            step,
                            run,
                            workflow,
                            version,
                            input,
                        });
                    }
                }
                Action::CancelChild { step, run } => {
                    if state.stopped_children.insert(run.clone()) {
                        state.errands += 1;
                        stopped.push((step, run));
                    }
                }
                Action::Ask { .. } | Action::AskOutcome { .. } | Action::Listen { .. } => {}
            }
        }
        set_timers(shared, &entry.id, &mut state.timers, timers);
        is_held &= state.run.paused_by().is_none();
    }
    if is_held {
        shared.pause_for_disk(entry);
    }
    for (task, purpose, cancel) in tasks {
        let work = carry_out(shared.clone(), entry.clone(), task, purpose, cancel);
        spawn_until_closing(shared, work);
    }
    for child in begun {
        spawn_until_closing(
            shared,
            children::begin(shared.clone(), entry.clone(), child),
        );
    }
    for (step, run) in stopped {
        let work = children::stop(shared.clone(), entry.clone(), step, run);
        spawn_until_closing(shared, work);
    }
    for input in answers {
        shared.send(entry, input);
    }
}

fn begin(
    active: &mut BTreeMap<(String, u32, bool), CancellationToken>,
    task: Task,
    purpose: Purpose,
) -> Option<(Task, Purpose, CancellationToken)> {
    let id = (task.step.clone(), task.epoch, purpose == Purpose::Undo);
    if active.contains_key(&id) {
        return None;
    }
    let cancel = CancellationToken::new();
    active.insert(id, cancel.clone());
    Some((task, purpose, cancel))
}

/// Work is dropped when the engine closes: its steps are recovered at the next start.
fn spawn_until_closing(shared: &Arc<Shared>, work: impl Future<Output = ()> + Send + 'static) {
    let closing = shared.closing.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = closing.cancelled() => {}
            () = work => {}
        }
    });
}

fn set_timers(
    shared: &Shared,
    run: &str,
    set: &mut BTreeMap<String, Millis>,
    wanted: BTreeMap<String, Millis>,
) {
    set.retain(|timer, at| {
        let is_wanted = wanted.get(timer) == Some(at);
        if !is_wanted {
            shared.timers.unset(*at, run, timer);
        }
        is_wanted
    });
    for (timer, at) in wanted {
        if let btree_map::Entry::Vacant(place) = set.entry(timer) {
            shared.timers.set(at, run, place.key());
            place.insert(at);
        }
    }
}

/// Takes back all timers of a run.
pub(crate) fn forget_timers(shared: &Shared, entry: &Entry) {
    let mut state = entry.state();
    set_timers(shared, &entry.id, &mut state.timers, BTreeMap::new());
}
