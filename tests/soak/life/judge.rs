//! What is left of a life has to be what was promised.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::machine::{Event, Logged, Plan};

use super::Life;
use super::people::is_kept;
use crate::simulation::laws;
use crate::simulation::world::Act;

impl Life<'_> {
    /// The life is over: what is left has to be what was promised.
    pub(super) fn judge(&mut self) -> Result<(), String> {
        let filter = baton_store::RunFilter {
            limit: u32::MAX,
            ..Default::default()
        };
        let (mut rows, _) = self.read(self.store.runs(filter))?;
        rows.retain(|row| !self.before.contains(&row.id));
        let mut logs = BTreeMap::new();
        for row in &rows {
            let log = self.log(&row.id)?;
            let plan = Plan::compile(&self.definition(row)?, &self.catalog);
            let run = laws::holds(&row.id, plan.map_err(|why| format!("{why:?}"))?, &log)?;
            laws::slept(&log, &self.sleeps).map_err(|why| format!("{}: {why}", row.id))?;
            if row.seq as usize != log.len() || row.ended_at.is_some() != run.ended().is_some() {
                return Err(format!(
                    "{} is listed as {} at {}, against its log",
                    row.id, row.status, row.seq
                ));
            }
            self.events += log.len() as u64;
            logs.insert(row.id.as_str(), log);
        }
        for (run, told) in self.slow.told() {
            let kept = logs.get(run.as_str()).map_or(0, Vec::len);
            if kept < told as usize {
                return Err(format!(
                    "{run} was acknowledged up to {told} and has {kept}"
                ));
            }
        }
        let acks = self.acks.lock().expect("nobody panics holding it").clone();
        for ack in &acks {
            if !is_kept(ack, &logs) {
                return Err(format!("it was acknowledged and is lost: {ack:?}"));
            }
        }
        self.judge_tasks(&logs)?;
        let left = self.read(self.store.timers())?;
        let asked = self.read(self.store.open_questions())?;
        if let Some(left) = left.first() {
            return Err(format!("all have ended, and a timer is left: {left:?}"));
        }
        match asked.first() {
            Some(asked) => Err(format!("all have ended, and a question is left: {asked:?}")),
            None => Ok(()),
        }
    }

    fn judge_tasks(&self, logs: &BTreeMap<&str, Vec<Logged>>) -> Result<(), String> {
        let (done, stopped) = self.hands.take();
        // Keys that the logs say, where they say one, and the steps that began.
        let mut undos: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut begun: BTreeMap<(&str, &str), Option<&str>> = BTreeMap::new();
        for (run, log) in logs {
            for logged in log {
                match &logged.event {
                    Event::StepStarted { step, key, .. } => {
                        begun.insert((run, step), key.as_deref());
                    }
                    Event::UndoStarted { key, .. } => {
                        undos.insert((run, key));
                    }
                    _ => {}
                }
            }
        }
        let mut acts = Vec::new();
        for one in done {
            let (run, key) = (one.run.as_str(), one.task.key.as_str());
            let is_undo = undos.contains(&(run, key));
            let is_begun = match begun.get(&(run, one.task.step.as_str())) {
                Some(Some(said)) => *said == key,
                Some(None) => true,
                None => false,
            };
            if !is_undo && !is_begun {
                return Err(format!(
                    "`{}` of {run} acted before its start was on disk, or with another key",
                    one.task.step
                ));
            }
            acts.push(Act {
                is_undo,
                run: one.run,
                step: one.task.step,
                key: one.task.key,
                effect: one.task.effect,
            });
        }
        let slices = logs.iter().map(|(id, log)| (*id, log.as_slice())).collect();
        laws::effects(&acts, &slices)?;
        for one in stopped.iter().filter(|one| one.worked_ms < one.limit_ms) {
            let log = logs.get(one.run.as_str()).into_iter().flatten();
            let is_blamed = log.into_iter().any(|logged| match &logged.event {
                Event::StepAttemptFailed {
                    step,
                    attempt,
                    error,
                    ..
                }
                | Event::StepFailed {
                    step,
                    attempt,
                    error,
                    ..
                } => *step == one.step && *attempt == one.attempt && error.code == "timeout",
                _ => false,
            });
            if is_blamed {
                return Err(format!(
                    "`{}` of {} ran out of time after {} of {} ms at work",
                    one.step, one.run, one.worked_ms, one.limit_ms
                ));
            }
        }
        Ok(())
    }
}
