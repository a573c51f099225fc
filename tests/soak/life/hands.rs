//! Tasks that end when the life says so, and what they did to the outside.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use baton_core::error::StepError;
use baton_core::machine::Task;
use baton_engine::{Clock, ManualClock, Tasks};
use baton_steps::{TaskContext, TaskOutput};
use serde_json::json;
use tokio::sync::oneshot;

use crate::random::Chance;
use crate::simulation::world::sum;

/// How a task ends.
pub(crate) type Answer = Result<(), StepError>;

/// A task that is carried out.
#[derive(Debug)]
struct Working {
    run: String,
    task: Task,
    answer: oneshot::Sender<Answer>,
}

/// Something that a task did.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) run: String,
    pub(crate) task: Task,
}

/// A task that was told to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stopped {
    pub(crate) run: String,
    pub(crate) step: String,
    pub(crate) attempt: u32,
    pub(crate) worked_ms: i64,
    pub(crate) limit_ms: i64,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    working: BTreeMap<u64, Working>,
    done: Vec<Done>,
    stopped: Vec<Stopped>,
    /// Rises with everything that happens here.
    activity: u64,
}

/// The tasks of a life.
#[derive(Debug)]
pub(crate) struct Hands {
    clock: ManualClock,
    state: Mutex<State>,
}

impl Hands {
    pub(crate) fn new(clock: ManualClock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics holding it")
    }

    pub(crate) fn activity(&self) -> u64 {
        self.state().activity
    }

    /// Ends one of the tasks, if there is one; says which.
    pub(crate) fn answer(&self, chance: &mut Chance) -> Option<String> {
        let mut state = self.state();
        let index = chance.index(state.working.len());
        let number = *state.working.keys().nth(index)?;
        let working = state.working.remove(&number)?;
        let answer = match chance.below(6) {
            0 => Err(StepError::new("boom", "chance")),
            1 => Err(StepError::permanent("broken", "chance")),
            _ => Ok(()),
        };
        let Working { run, task, .. } = &working;
        let how = answer.as_ref().err().map(|error| error.code.as_str());
        let told = format!("{} of {run} epoch {}: {how:?}", task.step, task.epoch);
        if answer.is_ok() {
            let (run, task) = (run.clone(), task.clone());
            state.done.push(Done { run, task });
        }
        state.activity += 1;
        // Whoever waited may be gone.
        working.answer.send(answer).ok();
        Some(told)
    }

    /// The process is gone. What its tasks were about to do is done or not.
    pub(crate) fn crash(&self, chance: &mut Chance) {
        let mut state = self.state();
        for working in std::mem::take(&mut state.working).into_values() {
            if chance.one_in(2) {
                let Working { run, task, .. } = working;
                state.done.push(Done { run, task });
            }
        }
    }

    /// Everything that was done, and every task that was told to stop.
    pub(crate) fn take(&self) -> (Vec<Done>, Vec<Stopped>) {
        let mut state = self.state();
        (
            std::mem::take(&mut state.done),
            std::mem::take(&mut state.stopped),
        )
    }
}

fn output(task: &Task) -> TaskOutput {
    TaskOutput::new(json!({ "n": sum(&task.key) % 3, "epoch": task.epoch }))
}

#[async_trait]
impl Tasks for Hands {
    async fn execute(&self, task: &Task, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        let (answer, mut said) = oneshot::channel();
        let begun = self.clock.at_work();
        let number = {
            let mut state = self.state();
            let number = state.next;
            state.next += 1;
            state.activity += 1;
            let (run, task) = (cx.run.clone(), task.clone());
            // The key that the task is told, which may be another than the one that it was started with.
            let task = Task {
                key: cx.key.clone(),
                ..task
            };
            state.working.insert(number, Working { run, task, answer });
            number
        };
        let said = tokio::select! {
            biased;
            said = &mut said => Some(said),
            () = cx.cancel.cancelled() => None,
        };
        if let Some(said) = said {
            return match said {
                Ok(Ok(())) => Ok(output(task)),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(StepError::new("cancelled", "nobody answers")),
            };
        }
        let mut state = self.state();
        let Some(working) = state.working.remove(&number) else {
            return Err(StepError::new("cancelled", "it was told to stop"));
        };
        let Working { run, task, .. } = working;
        state.activity += 1;
        state.stopped.push(Stopped {
            run: run.clone(),
            step: task.step.clone(),
            attempt: task.attempt,
            worked_ms: self.clock.at_work() - begun,
            limit_ms: task.timeout_ms.unwrap_or(0),
        });
        // One in four cannot be stopped any more.
        if !sum(&task.key).is_multiple_of(4) {
            return Err(StepError::new("cancelled", "it was told to stop"));
        }
        let output = output(&task);
        state.done.push(Done { run, task });
        Ok(output)
    }

    fn execute_inline(&self, task: &Task) -> Option<Result<TaskOutput, StepError>> {
        (task.kind == "task" && sum(&task.key).is_multiple_of(2)).then(|| Ok(output(task)))
    }
}
