//! The processes of a life: they come up and take up what is open, begin and stop sub-workflows, crash, and are of other
//! builds.

use std::collections::BTreeMap;

use baton_core::kind_version::Versions;
use baton_core::machine::{self, Event, Input, Outcome, Parent, replay, restore, snapshot};
use serde_json::Value;

use super::host::{Errand, Live};
use super::world::{HOUR, SECOND, World, draw, sum, uses_act};
use crate::generate;

impl World {
    /// A process comes up and takes up what is open.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        self.compared = (self.wall, self.work);
        self.process = Some(BTreeMap::new());
        self.left_alone.clear();
        self.disk.retain(|_, kept| !kept.log.is_empty());
        let open: Vec<String> = self.disk.keys().cloned().collect();
        let open: Vec<String> = open
            .into_iter()
            .filter(|id| self.end_of(id).is_none())
            .collect();
        self.note(format!("a process takes up {open:?}"));
        for id in open {
            let kept = self.disk[&id].clone();
            let plan = self.plan(&kept.workflow)?;
            let mut run = replay(plan.clone(), &kept.log)
                .map_err(|error| format!("{id} cannot be replayed: {error}"))?;
            if let Some((seq, bytes)) = kept.snapshot.filter(|_| self.chance.one_in(2)) {
                let mut other = restore(&plan, bytes).map_err(|error| format!("{id}: {error}"))?;
                for logged in &kept.log[seq as usize..] {
                    machine::apply(&mut other, logged).map_err(|error| format!("{id}: {error}"))?;
                }
                if snapshot(&mut other) != snapshot(&mut run.clone()) {
                    return Err(format!(
                        "{id} is another run from its state at {seq} than from its log"
                    ));
                }
                run = other;
            }
            let why = run.changed_kind();
            self.check_left_alone(&id, why.as_deref())?;
            if let Some(why) = why {
                self.figures.left_alone += 1;
                self.note(format!("{id} is left alone: {why}"));
                let length = self.disk[&id].log.len();
                self.left_alone.insert(id, (why, length));
                continue;
            }
            let mut live = Live::new(run);
            if !live.is_at_rest() || self.chance.one_in(2) {
                live.inbox.push_back((Input::Recover, self.wall));
            } else {
                live.inbox.push_back((Input::Advance, self.wall));
            }
            if let Some(process) = &mut self.process {
                process.insert(id.clone(), live);
            }
            self.ready.push_back(id);
        }
        self.settle()?;
        self.tick()
    }

    /// Runs go on where their steps mean what they meant, and only there.
    fn check_left_alone(&self, id: &str, why: Option<&str>) -> Result<(), String> {
        let now = self.catalog.versions("act");
        let kept = &self.disk[id];
        let uses_act = uses_act(&kept.workflow);
        let Some(Event::RunStarted { kinds, .. }) = kept.log.first().map(|first| &first.event)
        else {
            return Err(format!("{id} does not begin with its start"));
        };
        let began = kinds.get("act").copied().unwrap_or(1);
        let fits = !uses_act || (now.oldest..=now.now).contains(&began);
        if fits == why.is_none() {
            return Ok(());
        }
        Err(format!(
            "{id} began with version {began} of a kind and this build knows {now:?}: {why:?}"
        ))
    }

    /// The process is gone, at whatever it was doing.
    pub(super) fn crash(&mut self) -> Result<(), String> {
        let Some(process) = self.process.take() else {
            return Ok(());
        };
        self.note("crash");
        self.figures.crashes += 1;
        self.sleeps.crash();
        self.ready.clear();
        for (id, mut live) in process {
            match live.writing.take() {
                // It reached the disk, and nobody was told; or it did not.
                Some(events) if self.chance.one_in(2) => self.keep(&id, events)?,
                Some(_) => self.figures.lost += 1,
                None if self.chance.one_in(4) => self.compare(&id, &mut live)?,
                None => {}
            }
            for working in live.tasks.into_values() {
                if self.chance.one_in(2) {
                    self.act(&id, &working);
                }
                self.past.push((id.clone(), working));
            }
        }
        self.wall += match self.chance.below(4) {
            0 => 0,
            1 => self.chance.below(60) as i64 * SECOND,
            2 => self.chance.below(48) as i64 * HOUR,
            _ => {
                self.sleeps.was_set_back = true;
                -(self.chance.below(3) as i64 * HOUR)
            }
        };
        if self.chance.one_in(6) {
            self.upgrade();
        }
        Ok(())
    }

    /// What is on the disk says the same as what was in memory.
    pub(super) fn compare(&self, id: &str, live: &mut Live) -> Result<(), String> {
        let kept = &self.disk[id];
        if kept.log.is_empty() {
            return Ok(());
        }
        let again = replay(live.run.plan().clone(), &kept.log);
        let mut again = again.map_err(|error| format!("{id} cannot be replayed: {error}"))?;
        if snapshot(&mut again) == snapshot(&mut live.run) {
            return Ok(());
        }
        Err(format!("the log of {id} is another run than the live one"))
    }

    /// Another build comes: its `act` may mean something else, and it reads no state of the one before.
    pub(super) fn upgrade(&mut self) {
        let (now, oldest) = [(1, 1), (2, 1), (2, 2)][self.chance.index(3)];
        self.build(now, oldest);
    }

    pub(super) fn build(&mut self, now: u32, oldest: u32) {
        self.note(format!("another build, act {oldest} to {now}"));
        self.catalog = generate::catalog().with_versions([("act", Versions { now, oldest })]);
        self.plans.clear();
        for kept in self.disk.values_mut() {
            kept.snapshot = None;
        }
    }

    pub(super) fn run_errands(&mut self, parent: &str, errands: Vec<Errand>) -> Result<(), String> {
        for errand in errands {
            match errand {
                Errand::Begin { step, run, input } => {
                    if let Some(ended) = self.end_of(&run) {
                        let input = child_ended(&step, &run, ended);
                        self.put(parent, input);
                    } else if self.disk.get(&run).is_none_or(|kept| kept.log.is_empty())
                        && self.live_run(&run).is_none()
                    {
                        let depth = self.disk.get(parent).map_or(0, |kept| kept.depth) + 1;
                        let workflow = draw(self.seed ^ sum(&run), &run, depth)?;
                        let above = Parent {
                            run: parent.to_owned(),
                            step,
                        };
                        self.enter(&run, workflow, Some(above), depth, input)?;
                    }
                }
                Errand::Stop { step, run } => {
                    if self.live_run(&run).is_some() {
                        let (by, reason, undo) = ("parent".to_owned(), None, false);
                        self.put(&run, Input::Cancel { by, reason, undo });
                    } else {
                        let outcome = Outcome::Cancelled;
                        let input = Input::ChildEnded {
                            step,
                            run,
                            outcome,
                            name: None,
                            outputs: Value::Null,
                            error: None,
                        };
                        self.put(parent, input);
                    }
                }
            }
        }
        Ok(())
    }
}

pub(super) fn child_ended(step: &str, run: &str, ended: &Event) -> Input {
    let Event::RunEnded {
        outcome,
        name,
        outputs,
        error,
    } = ended
    else {
        return Input::Advance;
    };
    Input::ChildEnded {
        step: step.to_owned(),
        run: run.to_owned(),
        outcome: *outcome,
        name: name.clone(),
        outputs: outputs.clone(),
        error: error.clone(),
    }
}
