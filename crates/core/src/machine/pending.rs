//! What the machine wants from the outside, read off the state.

use super::action::{Action, Task};
use super::run::{At, FramePhase, Phase, Run, Todo, Wait};

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
    for &frame in &run.compensating {
        let Some(compensation) = &run.frames[frame].compensation else {
            continue;
        };
        let Some(undo) = &compensation.current else {
            continue;
        };
        let here = compensation.queue[compensation.next];
        if undo.running {
            actions.push(Action::StartUndo(Task {
                step: run.path(here),
                kind: undo.kind.clone(),
                attempt: undo.attempt,
                epoch: undo.epoch,
                key: undo.key.clone(),
                effect: undo.effect,
                with: undo.with.clone(),
                timeout_ms: run
                    .step_at(here)
                    .undo
                    .as_ref()
                    .and_then(|plan| plan.timeout_ms),
            }));
        } else if let Some(at) = undo.retry_at {
            actions.push(Action::SetTimer {
                timer: format!("undo:{}", run.frames[frame].path),
                at,
            });
        }
    }
    if let Some(at) = run.run_deadline()
        && run.frames[0].phase == FramePhase::Running
        && run.frames[0].error.is_none()
    {
        actions.push(Action::SetTimer {
            timer: "run".to_owned(),
            at,
        });
    }
    if let Some(at) = run.budget_deadline() {
        actions.push(Action::SetTimer {
            timer: super::budget::TIMER.to_owned(),
            at,
        });
    }
    actions
}

impl Run {
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
            Phase::Running if step.control.is_none() => actions.push(Action::StartTask(Task {
                kind: step.kind.clone(),
                attempt: state.attempt,
                epoch: state.epoch,
                key: more.key.clone().unwrap_or_else(|| self.key(&path)),
                effect: more.effect.unwrap_or(crate::step_kind::Effect::Unsafe),
                with: more.with.clone(),
                timeout_ms: step.timeout_ms,
                step: path,
            })),
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
