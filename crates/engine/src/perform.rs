//! Performing what a run wants done. Actions are read off the state, so each is compared with what is under way.

use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;

use baton_core::Millis;
use baton_core::machine::{self, Action, Input, Task, TaskResult};
use tokio_util::sync::CancellationToken;

use crate::children::{self, Child};
use crate::entry::{Entry, Looks, State};
use crate::shared::Shared;
use crate::task::{Purpose, carry_out};

/// Begins what is pending and not under way, and stops what is no longer wanted.
pub(crate) fn perform(shared: &Arc<Shared>, entry: &Arc<Entry>) {
    let mut answers = Vec::new();
    let mut tasks = Vec::new();
    let mut begun = Vec::new();
    let mut stopped = Vec::new();
    let mut is_held = false;
    {
        let mut guard = entry.state();
        let state = &mut *guard;
        let may_work = shared.disk.may_work();
        let mut act = |state: &mut State, actions: Vec<Action>| {
            let mut timers: BTreeMap<String, Millis> = BTreeMap::new();
            for action in actions {
                match action {
                    Action::StartTask(task) if !may_work => {
                        is_held |= !state.active.contains_key(&(task.step, task.epoch, false));
                    }
                    Action::StartTask(task) => {
                        tasks.extend(begin(&mut state.active, task, Purpose::Do));
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
            timers
        };
        match state.unperformed.take() {
            Looks::All => {
                let wanted = machine::pending(&state.run);
                let wanted = act(state, wanted);
                set_timers(shared, &entry.id, &mut state.timers, wanted);
            }
            Looks::Steps(steps) => {
                for step in steps {
                    let (path, wanted) = state.run.pending_of_step(step);
                    let wanted = act(state, wanted);
                    let names = step_timers(&state.timers, &path);
                    let mut set = take_out(&mut state.timers, &names);
                    set_timers(shared, &entry.id, &mut set, wanted);
                    state.timers.append(&mut set);
                }
                let wanted = state.run.pending_of_run();
                let wanted = act(state, wanted);
                let names = run_timers(&state.timers);
                let mut set = take_out(&mut state.timers, &names);
                set_timers(shared, &entry.id, &mut set, wanted);
                state.timers.append(&mut set);
            }
        }
        if is_held {
            // They are looked at again once there is room.
            state.unperformed = Looks::All;
        }
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

/// The names of the timers of one step, those that are in `timers`.
pub(crate) fn step_timers(timers: &BTreeMap<String, Millis>, path: &str) -> Vec<String> {
    if timers.is_empty() {
        return Vec::new();
    }
    machine::STEP_TIMERS
        .iter()
        .map(|what| format!("{what}:{path}"))
        .filter(|name| timers.contains_key(name))
        .collect()
}

/// The names of the timers that belong to no step that is carried out, those that are in `timers`: time limits of the
/// run, and pauses between attempts to take something back.
pub(crate) fn run_timers(timers: &BTreeMap<String, Millis>) -> Vec<String> {
    // `;` comes right after `:`.
    let undo = timers.range("undo:".to_owned().."undo;".to_owned());
    let mut names: Vec<String> = undo.map(|(timer, _)| timer.clone()).collect();
    names.extend(
        machine::RUN_TIMERS
            .iter()
            .filter(|name| timers.contains_key(**name))
            .map(|name| (*name).to_owned()),
    );
    names
}

fn take_out(timers: &mut BTreeMap<String, Millis>, names: &[String]) -> BTreeMap<String, Millis> {
    names
        .iter()
        .filter_map(|name| timers.remove_entry(name))
        .collect()
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
