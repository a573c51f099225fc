//! What the machine wants from the outside, read off the state.

use std::sync::Arc;

use super::action::{Action, Task};
use super::event::StepPath;
use super::run::{At, Run, Todo};
use super::state::{FramePhase, Phase, StepMore, Wait};

/// What the timers of a step are named, each followed by `:` and the path of the step.
pub const STEP_TIMERS: &[&str] = &[
    "timeout", "repeat", "wait", "event", "expire", "escalate", "remind", "retry",
];

/// The timers of a run itself, beside those of taking back, which are named `undo:` and a path.
pub const RUN_TIMERS: &[&str] = &["run", super::budget::TIMER];

/// Everything that a host has to do or watch for now. The same state gives the same actions, so a host that
/// restarts asks again; one that goes on skips what it already does.
pub fn pending(run: &Run) -> Vec<Action> {
    let mut actions = Vec::new();
    if run.ended.is_some() || run.started.is_none() {
        return actions;
    }
    for &here in &run.active {
        run.pending_of(here, &mut actions);
    }
    run.pending_beside(&mut actions);
    actions
}

/// A step of a run, for a host that looks at it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TouchedStep(At);

/// Which steps may want something else than they did when a host asked last. Looking at these alone keeps the work
/// of a host proportional to what happened, however many steps are under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Touched {
    /// Everything has to be looked at: nobody asked before.
    #[default]
    All,
    /// These; one may be named more than once.
    Some(Vec<TouchedStep>),
}

impl Touched {
    pub(crate) fn note(&mut self, here: At) {
        if let Self::Some(steps) = self
            && steps.last() != Some(&TouchedStep(here))
        {
            steps.push(TouchedStep(here));
        }
    }
}

impl Run {
    /// Which steps were touched since this was asked last.
    pub fn take_touched(&mut self) -> Touched {
        std::mem::replace(&mut self.touched, Touched::Some(Vec::new()))
    }

    /// Whether there is anything to look at that nobody asked for yet.
    pub fn is_touched(&self) -> bool {
        match &self.touched {
            Touched::All => true,
            Touched::Some(steps) => !steps.is_empty(),
        }
    }

    /// The task of a step that is being carried out. Its key is empty where the log holds none: who needs one takes
    /// the task from [`Run::pending_of_step`].
    pub fn running_task(&self, TouchedStep(here): TouchedStep) -> Option<Task> {
        let state = &self.frames[here.0].steps[here.1];
        let step = self.step_at(here);
        let is_running = state.phase == Phase::Running
            && step.control.is_none()
            && step.body.is_none()
            && self.ended.is_none();
        let more = state.more.as_deref().filter(|_| is_running)?;
        Some(self.task(here, more, more.key.clone().unwrap_or_default()))
    }

    /// The path of a step and what it wants now; [`pending`] is this for all steps and for the run itself.
    pub fn pending_of_step(&self, TouchedStep(here): TouchedStep) -> (StepPath, Vec<Action>) {
        let mut actions = Vec::new();
        if self.ended.is_none() && self.active.contains(&here) {
            self.pending_of(here, &mut actions);
        }
        (self.path(here), actions)
    }

    /// What the run wants beside its steps: taking back, and its own time limit.
    pub fn pending_of_run(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.ended.is_none() && self.started.is_some() {
            self.pending_beside(&mut actions);
        }
        actions
    }

    fn task(&self, here: At, more: &StepMore, key: String) -> Task {
        let state = &self.frames[here.0].steps[here.1];
        let step = self.step_at(here);
        Task {
            step: self.path(here),
            kind: step.kind.clone(),
            attempt: state.attempt,
            epoch: state.epoch,
            key,
            effect: more.effect.unwrap_or(crate::step_kind::Effect::Unsafe),
            with: more.with.clone(),
            timeout_ms: step.timeout_ms,
        }
    }

    fn pending_beside(&self, actions: &mut Vec<Action>) {
        for &frame in &self.compensating {
            let Some(compensation) = &self.frames[frame].compensation else {
                continue;
            };
            let Some(undo) = &compensation.current else {
                continue;
            };
            let here = compensation.queue[compensation.next];
            if undo.running {
                actions.push(Action::StartUndo(Task {
                    step: self.path(here),
                    kind: undo.kind.clone(),
                    attempt: undo.attempt,
                    epoch: undo.epoch,
                    key: undo.key.clone(),
                    effect: undo.effect,
                    with: Arc::new(undo.with.clone()),
                    timeout_ms: self
                        .step_at(here)
                        .undo
                        .as_ref()
                        .and_then(|plan| plan.timeout_ms),
                }));
            } else if let Some(at) = undo.retry_at {
                actions.push(Action::SetTimer {
                    timer: format!("undo:{}", self.frames[frame].path),
                    at,
                });
            }
        }
        if let Some(at) = self.run_deadline()
            && self.frames[0].phase == FramePhase::Running
            && self.frames[0].error.is_none()
        {
            actions.push(Action::SetTimer {
                timer: "run".to_owned(),
                at,
            });
        }
        if let Some(at) = self.budget_deadline() {
            actions.push(Action::SetTimer {
                timer: super::budget::TIMER.to_owned(),
                at,
            });
        }
    }

    fn pending_of(&self, here: At, actions: &mut Vec<Action>) {
        let state = &self.frames[here.0].steps[here.1];
        let step = self.step_at(here);
        let Some(more) = state.more.as_deref() else {
            return;
        };
        let path = self.path(here);
        let timer = |what: &str, at| Action::SetTimer {
            timer: format!("{what}:{path}"),
            at,
        };
        match state.phase {
            Phase::Running if step.body.is_some() => {
                if let Some(at) = self.container_deadline(here)
                    && more.iterations.as_ref().is_some_and(|one| !one.timed_out)
                {
                    actions.push(timer("timeout", at));
                }
                if let Some(at) = more.iterations.as_ref().and_then(|one| one.next_at) {
                    actions.push(timer("repeat", at));
                }
            }
            Phase::Running if step.control.is_none() => {
                let key = more.key.clone().unwrap_or_else(|| self.key(&path));
                actions.push(Action::StartTask(self.task(here, more, key)));
            }
            Phase::Waiting => match &more.wait {
                Some(Wait::Time { until }) => actions.push(timer("wait", *until)),
                Some(Wait::Event { event, key, until }) => {
                    actions.push(Action::Listen {
                        step: path.clone(),
                        event: event.clone(),
                        key: key.clone(),
                    });
                    if let Some(at) = until {
                        actions.push(timer("event", *at));
                    }
                }
                Some(Wait::People {
                    question,
                    asked_at,
                    reminded,
                    escalated,
                    ..
                }) => {
                    actions.push(Action::Ask {
                        step: path.clone(),
                        question: question.clone(),
                    });
                    if let Some(at) = question.expires_at {
                        actions.push(timer("expire", at));
                    }
                    if let Some(at) = question.escalate_at.filter(|_| !escalated) {
                        actions.push(timer("escalate", at));
                    }
                    if let Some(every) = question.remind_every_ms {
                        actions.push(timer("remind", asked_at + every * i64::from(reminded + 1)));
                    }
                }
                Some(Wait::Child {
                    run,
                    workflow,
                    version,
                    input,
                }) => {
                    actions.push(Action::StartChild {
                        step: path,
                        run: run.clone(),
                        workflow: workflow.clone(),
                        version: version.clone(),
                        input: input.clone(),
                    });
                }
                None => {}
            },
            Phase::Retrying => {
                // Fired already, and only held back: the run is paused.
                let is_due = self.agenda.contains(&Todo::Retry(here.0, here.1));
                if let Some(at) = more.retry_at.filter(|_| !is_due) {
                    actions.push(timer("retry", at));
                }
            }
            Phase::Cancelling => match &more.wait {
                Some(Wait::Child { run, .. }) => {
                    actions.push(Action::CancelChild {
                        step: path,
                        run: run.clone(),
                    });
                }
                _ if step.body.is_none() => {
                    actions.push(Action::CancelTask {
                        step: path,
                        epoch: state.epoch,
                    });
                }
                _ => {}
            },
            Phase::Unknown => actions.push(Action::AskOutcome { step: path }),
            Phase::Idle
            | Phase::Running
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Skipped
            | Phase::Cancelled => {}
        }
    }
}
