//! What happens to a life: the computer, its clock and disk, people, tasks, and answers that come when nobody waits.

use baton_core::error::StepError;
use baton_core::machine::{self, Action, Decision, Event, Input, Settlement, TaskResult, pending};
use serde_json::{Value, json};

use super::host::Working;
use super::world::{DAY, HOUR, SECOND, World};

impl World {
    /// Something happens.
    pub(super) fn happen(&mut self) -> Result<(), String> {
        if self.process.is_none() {
            return self.start();
        }
        let Some(id) = self.any_run() else {
            return self.begin_run();
        };
        match self.chance.below(100) {
            0..=5 => self.crash(),
            6..=9 => {
                let ms = [SECOND, HOUR, DAY, 30 * DAY][self.chance.index(4)];
                let ms = 1 + self.chance.below(ms as u64) as i64;
                self.figures.jumps += 1;
                self.note(format!("the computer sleeps for {ms} ms"));
                self.sleeps.all.push((self.wall, self.wall + ms));
                self.wall += ms;
                self.tick()
            }
            10..=12 => {
                let ms = [HOUR, DAY, 365 * DAY][self.chance.index(3)];
                let ms = 1 + self.chance.below(ms as u64) as i64;
                let ms = if self.chance.one_in(2) { ms } else { -ms };
                self.figures.jumps += 1;
                self.note(format!("the clock is set by {ms} ms"));
                self.sleeps.was_set_back |= ms < 0;
                self.wall += ms;
                self.tick()
            }
            13..=22 => {
                let ms = [SECOND, 10 * SECOND, 10 * 60 * SECOND, HOUR][self.chance.index(4)];
                let ms = 1 + self.chance.below(ms as u64) as i64;
                self.pass(ms)
            }
            23..=26 => {
                self.is_slow = !self.is_slow;
                self.note(if self.is_slow {
                    "the disk is slow"
                } else {
                    "the disk is quick"
                });
                if self.is_slow { Ok(()) } else { self.flush() }
            }
            27..=36 => {
                self.commit(&id)?;
                self.settle()
            }
            37..=39 => {
                let undo = self.chance.one_in(2);
                self.note(format!("{id} is cancelled, undo: {undo}"));
                let (by, reason) = ("p".to_owned(), None);
                self.give(&id, Input::Cancel { by, reason, undo })
            }
            40..=42 => {
                self.note(format!("{id} is paused"));
                self.give(&id, Input::Pause { by: "p".to_owned() })
            }
            43..=46 => self.unblock(&id),
            47..=51 => self.late(),
            52..=54 => self.stale_timer(&id),
            55..=57 => self.signal(&id),
            58..=60 => self.retry_now(&id),
            61..=63 => self.answer_again(&id),
            _ => self.answer(&id),
        }
    }

    pub(super) fn any_run(&mut self) -> Option<String> {
        let all: Vec<&String> = self.process.as_ref()?.keys().collect();
        if all.is_empty() {
            return None;
        }
        Some(all[self.chance.index(all.len())].clone())
    }

    /// Time passes, for both clocks.
    pub(super) fn pass(&mut self, ms: i64) -> Result<(), String> {
        self.note(format!("{ms} ms pass"));
        self.wall += ms;
        self.work += ms;
        self.tick()
    }

    /// The disk finishes everything.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        let all: Vec<String> = self
            .process
            .iter()
            .flatten()
            .map(|(id, _)| id.clone())
            .collect();
        for id in all {
            self.commit(&id)?;
        }
        self.settle()
    }

    pub(super) fn unblock(&mut self, id: &str) -> Result<(), String> {
        let wall = self.wall;
        let Some(live) = self.live_run(id) else {
            return Ok(());
        };
        let by = "p".to_owned();
        // Instants inside a run never go back.
        let now = wall.max(live.run.at());
        let elapsed = now.abs_diff(live.run.started().map_or(now, |one| one.at));
        let input = match live.run.exceeded() {
            Some(exceeded) => Input::Raise {
                budget: exceeded.budget,
                limit: exceeded.used.max(elapsed) + 5,
                by,
            },
            None => Input::Resume { by },
        };
        self.note(format!("{id} may go on"));
        self.give(id, input)
    }

    /// An answer comes of which nobody waits: from a process that is gone, or for the second time.
    fn late(&mut self) -> Result<(), String> {
        if self.past.is_empty() {
            return Ok(());
        }
        let (id, working) = self.past[self.chance.index(self.past.len())].clone();
        if self.is_current(&id, &working) {
            return Ok(());
        }
        self.figures.late += 1;
        let input = self.result(&id, &working);
        self.note(format!("late: {input:?}"));
        self.give(&id, input)
    }

    /// Whether the process carries out this very attempt.
    fn is_current(&self, id: &str, working: &Working) -> bool {
        let key = (
            working.task.step.clone(),
            working.task.epoch,
            working.is_undo,
        );
        let live = self.process.as_ref().and_then(|all| all.get(id));
        live.is_some_and(|live| live.tasks.contains_key(&key))
    }

    /// A timer that is not set, or not due.
    fn stale_timer(&mut self, id: &str) -> Result<(), String> {
        let Some(live) = self.process.as_ref().and_then(|all| all.get(id)) else {
            return Ok(());
        };
        let set: Vec<String> = live.timers.keys().cloned().collect();
        let steps: Vec<String> = live.run.open_steps().map(|(path, _)| path).collect();
        let timer = if set.is_empty() || self.chance.one_in(2) {
            let kinds = machine::STEP_TIMERS;
            let step = steps.get(self.chance.index(steps.len()));
            let kind = kinds[self.chance.index(kinds.len())];
            format!("{kind}:{}", step.map_or("", String::as_str))
        } else {
            set[self.chance.index(set.len())].clone()
        };
        self.note(format!("{timer} of {id} comes out of turn"));
        self.give(id, Input::TimerDue { timer })
    }

    fn signal(&mut self, id: &str) -> Result<(), String> {
        if self.chance.one_in(2) {
            self.signals += 1;
        }
        let number = self.signals;
        self.note(format!("event {number} for {id}"));
        let input = Input::Signal {
            id: format!("s{number}"),
            event: ["e", "f"][self.chance.index(2)].to_owned(),
            key: Value::Null,
            payload: json!(number),
        };
        self.give(id, input)
    }

    fn retry_now(&mut self, id: &str) -> Result<(), String> {
        let Some(live) = self.process.as_ref().and_then(|all| all.get(id)) else {
            return Ok(());
        };
        let steps: Vec<String> = live.run.open_steps().map(|(path, _)| path).collect();
        let Some(step) = steps.get(self.chance.index(steps.len())).cloned() else {
            return Ok(());
        };
        self.note(format!("{step} of {id} is hurried"));
        let by = "p".to_owned();
        self.give(id, Input::RetryNow { step, by })
    }

    /// A person answers a question that may be closed, or that the same person has answered.
    fn answer_again(&mut self, id: &str) -> Result<(), String> {
        let log = &self.disk[id].log;
        let asked = log.iter().rev().find_map(|logged| match &logged.event {
            Event::ApprovalDecided { step, by, .. } => Some((step.clone(), by.clone())),
            _ => None,
        });
        let Some((step, by)) = asked else {
            return Ok(());
        };
        let by = if self.chance.one_in(2) {
            by
        } else {
            "late".to_owned()
        };
        self.note(format!("{by} answers {step} of {id} again"));
        let decision = Decision::Approved;
        self.give(id, decide(step, by, decision))
    }

    /// The outside does one of the things that a run waits for.
    pub(super) fn answer(&mut self, id: &str) -> Result<(), String> {
        let Some(live) = self.process.as_ref().and_then(|all| all.get(id)) else {
            return Ok(());
        };
        if live.writing.is_some() {
            self.commit(id)?;
            return self.settle();
        }
        let tasks: Vec<Working> = live.tasks.values().cloned().collect();
        let mut asked = pending(&live.run);
        asked.retain(|action| {
            matches!(
                action,
                Action::SetTimer { .. }
                    | Action::Ask { .. }
                    | Action::AskOutcome { .. }
                    | Action::Listen { .. }
            )
        });
        let index = self.chance.index(tasks.len() + asked.len());
        if let Some(working) = tasks.get(index) {
            return self.end(id, working);
        }
        let Some(action) = asked.get(index - tasks.len()).cloned() else {
            return Ok(());
        };
        match action {
            Action::SetTimer { at, .. } => self.pass((at - self.wall).max(0)),
            Action::Ask { step, question } => {
                self.people += 1;
                let by = format!("person {}", self.people);
                let decision = match (question.kind.as_str(), self.chance.below(3)) {
                    ("form", _) => Decision::Submitted,
                    (_, 0) => Decision::Rejected,
                    _ => Decision::Approved,
                };
                self.note(format!("{by} answers {step} of {id}: {decision:?}"));
                self.give(id, decide(step, by, decision))
            }
            Action::AskOutcome { step } => {
                let answer = match self.chance.below(3) {
                    0 => Settlement::Done { output: json!(1) },
                    1 => Settlement::NotDone,
                    _ => Settlement::RunAgain,
                };
                self.note(format!("{step} of {id} is settled: {answer:?}"));
                let by = "p".to_owned();
                self.give(id, Input::Settle { step, by, answer })
            }
            Action::Listen { event, key, .. } => {
                self.signals += 1;
                let id_of_event = format!("s{}", self.signals);
                self.note(format!("event {id_of_event} for {id}"));
                let input = Input::Signal {
                    id: id_of_event,
                    event,
                    key,
                    payload: json!(1),
                };
                self.give(id, input)
            }
            _ => Ok(()),
        }
    }

    /// A task ends.
    fn end(&mut self, id: &str, working: &Working) -> Result<(), String> {
        let input = self.result(id, working);
        self.note(format!("{id}: {input:?}"));
        self.past.push((id.to_owned(), working.clone()));
        self.give(id, input)
    }

    /// How a task ends, and what it did meanwhile.
    fn result(&mut self, id: &str, working: &Working) -> Input {
        let Working {
            task,
            is_undo,
            is_told,
            until,
        } = working;
        let is_late = until.is_some_and(|until| until <= self.work);
        let result = match self.chance.below(self.luck) {
            0 | 1 if *is_told => TaskResult::Cancelled,
            0..=2 if is_late => TaskResult::Failed(StepError::new("timeout", "it took too long")),
            0 => TaskResult::Failed(StepError::new("boom", "chance")),
            1 => TaskResult::Failed(StepError::permanent("broken", "chance")),
            _ => TaskResult::Succeeded {
                output: json!({ "n": self.chance.below(3), "epoch": task.epoch }),
                port: None,
            },
        };
        // What comes late was done when its process was there.
        if matches!(result, TaskResult::Succeeded { .. }) && self.is_current(id, working) {
            self.act(id, working);
        }
        let (step, epoch) = (task.step.clone(), task.epoch);
        if *is_undo {
            Input::UndoEnded {
                step,
                epoch,
                result,
            }
        } else {
            Input::TaskEnded {
                step,
                epoch,
                result,
            }
        }
    }
}

fn decide(step: String, by: String, decision: Decision) -> Input {
    Input::Decide {
        step,
        by,
        decision,
        comment: None,
        data: None,
    }
}
