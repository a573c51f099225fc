//! A process that carries runs out, in small: inboxes, writes under way, tasks, timers. It keeps the rules of
//! `crates/engine/src/drive.rs` and `perform.rs`: nothing is acted on before it is written, and everything that is
//! pending is compared with what is under way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use baton_core::Millis;
use baton_core::machine::{Action, Input, Logged, Run, Status, Task, TaskResult, pending};

/// A task that is carried out: step, epoch, and whether it takes the step back.
pub(crate) type TaskId = (String, u32, bool);

/// A task in the hands of the process.
#[derive(Debug, Clone)]
pub(crate) struct Working {
    pub(crate) task: Task,
    pub(crate) is_undo: bool,
    /// It was told to stop.
    pub(crate) is_told: bool,
    /// Time at work at which its limit is reached.
    pub(crate) until: Option<i64>,
}

/// A run in the hands of the process.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) run: Run,
    /// Messages, and when they came.
    pub(crate) inbox: VecDeque<(Input, Millis)>,
    /// Decided, and on its way to the disk.
    pub(crate) writing: Option<Vec<Logged>>,
    pub(crate) tasks: BTreeMap<TaskId, Working>,
    pub(crate) timers: BTreeMap<String, Millis>,
    pub(crate) children: BTreeSet<String>,
    pub(crate) stopped: BTreeSet<String>,
}

/// Errands that the process has to run for a run.
#[derive(Debug)]
pub(crate) enum Errand {
    Begin {
        step: String,
        run: String,
        input: serde_json::Value,
    },
    Stop {
        step: String,
        run: String,
    },
}

impl Live {
    pub(crate) fn new(run: Run) -> Self {
        Self {
            run,
            inbox: VecDeque::new(),
            writing: None,
            tasks: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeSet::new(),
            stopped: BTreeSet::new(),
        }
    }

    /// The machine is about to see `input`: what it answers is no longer under way.
    pub(crate) fn settle(&mut self, input: &Input) {
        match input {
            Input::TaskEnded { step, epoch, .. } => {
                self.tasks.remove(&(step.clone(), *epoch, false));
            }
            Input::UndoEnded { step, epoch, .. } => {
                self.tasks.remove(&(step.clone(), *epoch, true));
            }
            Input::TimerDue { timer } => {
                self.timers.remove(timer);
            }
            Input::ChildEnded { run, .. } => {
                self.children.remove(run);
                self.stopped.remove(run);
            }
            _ => {}
        }
    }

    /// Begins what is pending and not under way; gives the errands.
    pub(crate) fn perform(&mut self, (wall, work): (Millis, i64)) -> Vec<Errand> {
        let mut errands = Vec::new();
        let mut timers = BTreeMap::new();
        for action in pending(&self.run) {
            match action {
                Action::StartTask(task) => self.begin(task, false, work),
                Action::StartUndo(task) => self.begin(task, true, work),
                Action::CancelTask { step, epoch } => {
                    match self.tasks.get_mut(&(step.clone(), epoch, false)) {
                        Some(working) => working.is_told = true,
                        None => {
                            let result = TaskResult::Cancelled;
                            let input = Input::TaskEnded {
                                step,
                                epoch,
                                result,
                            };
                            self.inbox.push_back((input, wall));
                        }
                    }
                }
                Action::SetTimer { timer, at } => {
                    timers.insert(timer, at);
                }
                Action::StartChild {
                    step, run, input, ..
                } => {
                    if self.children.insert(run.clone()) {
                        errands.push(Errand::Begin { step, run, input });
                    }
                }
                Action::CancelChild { step, run } => {
                    if self.stopped.insert(run.clone()) {
                        errands.push(Errand::Stop { step, run });
                    }
                }
                Action::Ask { .. } | Action::AskOutcome { .. } | Action::Listen { .. } => {}
            }
        }
        self.timers = timers;
        errands
    }

    fn begin(&mut self, task: Task, is_undo: bool, work: i64) {
        let id = (task.step.clone(), task.epoch, is_undo);
        let until = task.timeout_ms.map(|ms| work + ms);
        self.tasks.entry(id).or_insert(Working {
            task,
            is_undo,
            is_told: false,
            until,
        });
    }

    /// Whether it only waits: then a start need not take it up.
    pub(crate) fn is_at_rest(&self) -> bool {
        let is_still = |action: &Action| {
            !matches!(
                action,
                Action::StartTask(_)
                    | Action::StartUndo(_)
                    | Action::CancelTask { .. }
                    | Action::CancelChild { .. }
            )
        };
        matches!(self.run.status(), Status::Waiting | Status::Paused)
            && pending(&self.run).iter().all(is_still)
    }
}
