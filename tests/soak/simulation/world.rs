//! One life: runs on a disk, the process that carries them out, a clock, people, and what happens to all of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;

use baton_core::Millis;
use baton_core::document::{self, Workflow};
use baton_core::machine::{
    self, Action, Event, Input, Logged, Parent, Plan, Run, Start, Status, pending, snapshot,
};
use baton_core::step_kind::{Catalog, Effect};
use serde_json::{Value, json};

use super::host::{Live, Working};
use super::laws::Sleeps;
use super::process::child_ended;
use crate::generate::{self, Dice};
use crate::random::Chance;

pub(super) const SECOND: i64 = 1_000;
pub(super) const HOUR: i64 = 3_600 * SECOND;
pub(super) const DAY: i64 = 24 * HOUR;
/// A difference between the clocks that is a sleep, as in the engine.
const JUMP: i64 = 5 * SECOND;
/// When lives begin.
const BIRTH: Millis = 1_800_000_000_000;
/// Inputs after which a life that does not end hangs.
const TOO_MANY: u32 = 20_000;

/// A run on the disk.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) workflow: Arc<Workflow>,
    pub(crate) log: Vec<Logged>,
    pub(super) parent: Option<Parent>,
    pub(super) depth: u32,
    pub(super) snapshot: Option<(u32, Vec<u8>)>,
}

/// Something that a task did to the outside.
#[derive(Debug, Clone)]
pub(crate) struct Act {
    pub(crate) run: String,
    pub(crate) step: String,
    pub(crate) is_undo: bool,
    pub(crate) key: String,
    pub(crate) effect: Effect,
}

/// For the table.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) crashes: u64,
    pub(crate) lost: u64,
    pub(crate) jumps: u64,
    pub(crate) late: u64,
    pub(crate) left_alone: u64,
}

/// One life.
#[derive(Debug)]
pub(crate) struct World {
    pub(super) chance: Chance,
    pub(super) seed: u64,
    pub(super) catalog: Catalog,
    pub(super) plans: BTreeMap<String, Arc<Plan>>,
    pub(super) wall: Millis,
    pub(super) work: i64,
    /// What both clocks showed when they were compared last.
    pub(super) compared: (Millis, i64),
    pub(super) disk: BTreeMap<String, Kept>,
    /// `None` while no process is up.
    pub(super) process: Option<BTreeMap<String, Live>>,
    pub(super) ready: VecDeque<String>,
    /// Open runs that this process may not carry on, and how long their logs are.
    pub(super) left_alone: BTreeMap<String, (String, usize)>,
    pub(super) is_slow: bool,
    /// One in so many tasks fails.
    pub(super) luck: u64,
    pub(super) begun: u32,
    pub(super) people: u32,
    pub(super) signals: u32,
    /// Tasks of whose answers nobody waits any more.
    pub(super) past: Vec<(String, Working)>,
    pub(crate) acts: Vec<Act>,
    pub(crate) sleeps: Sleeps,
    pub(super) moves: Vec<String>,
    pub(crate) figures: Figures,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed, 0);
        let wall = BIRTH + chance.below(1_000_000) as i64;
        Self {
            chance,
            seed,
            catalog: generate::catalog(),
            plans: BTreeMap::new(),
            wall,
            work: 0,
            compared: (wall, 0),
            disk: BTreeMap::new(),
            process: None,
            ready: VecDeque::new(),
            left_alone: BTreeMap::new(),
            is_slow: false,
            luck: 5,
            begun: 0,
            people: 0,
            signals: 0,
            past: Vec::new(),
            acts: Vec::new(),
            sleeps: Sleeps::default(),
            moves: Vec::new(),
            figures: Figures::default(),
        }
    }

    /// The life: a random fate, and then what it needs to come to an end.
    pub(crate) fn live(&mut self) -> Result<(), String> {
        self.luck = [5, 12, 60][self.chance.index(3)];
        self.start()?;
        for _ in 0..1 + u32::from(self.chance.one_in(4)) {
            self.begin_run()?;
        }
        for _ in 0..20 + self.chance.below(160) {
            if self.process.is_some() && self.is_over() {
                break;
            }
            self.happen()?;
        }
        if self.process.is_none() {
            self.start()?;
        }
        self.come_to_an_end()
    }

    /// The same disk with the log of one run cut somewhere, and nothing else.
    pub(crate) fn cut(&self, chance: &mut Chance) -> Self {
        let mut rest = Self::new(self.seed);
        rest.wall = self.wall;
        rest.disk.clone_from(&self.disk);
        let index = chance.index(rest.disk.len());
        if let Some(kept) = rest.disk.values_mut().nth(index) {
            let length = 1 + chance.index(kept.log.len());
            kept.log.truncate(length);
            kept.snapshot = None;
        }
        rest
    }

    pub(crate) fn events(&self) -> u64 {
        self.disk.values().map(|kept| kept.log.len() as u64).sum()
    }

    pub(crate) fn disk(&self) -> &BTreeMap<String, Kept> {
        &self.disk
    }

    /// The plan of a kept run, by the build at work now.
    pub(crate) fn plan_of(&self, kept: &Kept) -> Result<Arc<Plan>, String> {
        Plan::compile(&kept.workflow, &self.catalog).map_err(|problems| format!("{problems:?}"))
    }

    /// Everything that happened, and all logs.
    pub(crate) fn told(&self) -> String {
        let mut told = String::new();
        for one in &self.moves {
            told.push_str(one);
            told.push('\n');
        }
        for (id, kept) in &self.disk {
            // Writing into a text cannot fail.
            let _ = write!(told, "\n{id}\n{}\n", document::print(&kept.workflow));
            for logged in &kept.log {
                let line = serde_json::to_string(logged).unwrap_or_default();
                let _ = writeln!(told, "{line}");
            }
        }
        told
    }

    pub(crate) fn last_moves(&self) -> String {
        let first = self.moves.len().saturating_sub(14);
        let lines = self.moves[first..].iter();
        lines.map(|line| format!("      {line}\n")).collect()
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        let (wall, work) = (self.wall - BIRTH, self.work);
        self.moves.push(format!("{wall} {work} {}", what.into()));
    }

    pub(super) fn plan(&mut self, workflow: &Arc<Workflow>) -> Result<Arc<Plan>, String> {
        let key = &workflow.id;
        if let Some(plan) = self.plans.get(key) {
            return Ok(plan.clone());
        }
        let plan =
            Plan::compile(workflow, &self.catalog).map_err(|problems| format!("{problems:?}"))?;
        self.plans.insert(key.clone(), plan.clone());
        Ok(plan)
    }

    pub(super) fn live_run(&mut self, id: &str) -> Option<&mut Live> {
        self.process.as_mut()?.get_mut(id)
    }

    fn is_over(&self) -> bool {
        !self.disk.is_empty() && self.process.as_ref().is_some_and(BTreeMap::is_empty)
    }

    pub(super) fn begin_run(&mut self) -> Result<(), String> {
        let seed = self.chance.next();
        self.begun += 1;
        let id = format!("run{}", self.begun);
        let workflow = draw(seed, &id, 0)?;
        self.enter(&id, workflow, None, 0, json!({ "n": seed % 3 }))?;
        self.settle()
    }

    /// A run begins; it is on the disk once its first events are.
    pub(super) fn enter(
        &mut self,
        id: &str,
        workflow: Arc<Workflow>,
        parent: Option<Parent>,
        depth: u32,
        input: Value,
    ) -> Result<(), String> {
        let plan = self.plan(&workflow)?;
        let mut live = Live::new(Run::new(plan));
        let start = Start {
            run: id.to_owned(),
            input,
            seed: self.chance.next() as u32,
            parent: parent.clone(),
            depth,
            ..Start::default()
        };
        live.inbox.push_back((Input::Start(start), self.wall));
        self.note(format!("{id} begins"));
        self.disk.entry(id.to_owned()).or_insert(Kept {
            workflow,
            log: Vec::new(),
            parent,
            depth,
            snapshot: None,
        });
        if let Some(process) = &mut self.process {
            process.insert(id.to_owned(), live);
        }
        self.ready.push_back(id.to_owned());
        Ok(())
    }

    /// A message to a run; what follows comes with [`World::settle`].
    pub(super) fn put(&mut self, id: &str, input: Input) {
        let wall = self.wall;
        if let Some(live) = self.live_run(id) {
            live.inbox.push_back((input, wall));
            self.ready.push_back(id.to_owned());
        }
    }

    pub(super) fn give(&mut self, id: &str, input: Input) -> Result<(), String> {
        self.put(id, input);
        self.settle()
    }

    /// Everything that can be done without the outside.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        while let Some(id) = self.ready.pop_front() {
            self.drive(&id)?;
        }
        let mut live = self.process.iter().flat_map(BTreeMap::values);
        if live.all(|live| live.writing.is_none()) {
            self.sleeps.kept = self.sleeps.all.len();
        }
        Ok(())
    }

    fn drive(&mut self, id: &str) -> Result<(), String> {
        let now = (self.wall, self.work);
        let Some(live) = self.live_run(id).filter(|live| live.writing.is_none()) else {
            return Ok(());
        };
        if live.inbox.is_empty() {
            return Ok(());
        }
        let mut events = Vec::new();
        while let Some((input, put_at)) = live.inbox.pop_front() {
            live.settle(&input);
            // A refusal changes nothing.
            events.extend(machine::step(&mut live.run, input, put_at).unwrap_or_default());
        }
        if events.is_empty() {
            let errands = live.perform(now);
            self.run_errands(id, errands)?;
            self.ready.push_back(id.to_owned());
            return Ok(());
        }
        live.writing = Some(events);
        if !self.is_slow || self.chance.one_in(4) {
            self.commit(id)?;
        }
        Ok(())
    }

    /// The disk is done with what was written for this run: it is acted on.
    pub(super) fn commit(&mut self, id: &str) -> Result<(), String> {
        let now = (self.wall, self.work);
        let Some(live) = self.live_run(id) else {
            return Ok(());
        };
        let Some(events) = live.writing.take() else {
            return Ok(());
        };
        self.keep(id, events)?;
        let keeps_state = self.chance.one_in(8);
        let Some(live) = self.process.as_mut().and_then(|all| all.get_mut(id)) else {
            return Ok(());
        };
        if keeps_state && let Some(kept) = self.disk.get_mut(id) {
            kept.snapshot = Some((live.run.seq(), snapshot(&mut live.run)));
        }
        if live.run.status() == Status::Ended {
            return self.finish(id);
        }
        let errands = live.perform(now);
        self.run_errands(id, errands)?;
        self.ready.push_back(id.to_owned());
        Ok(())
    }

    pub(super) fn keep(&mut self, id: &str, events: Vec<Logged>) -> Result<(), String> {
        let kept = self.disk.get_mut(id).ok_or("a run is not known")?;
        if let Some(last) = kept.log.last()
            && matches!(last.event, Event::RunEnded { .. })
        {
            return Err(format!("{id} has ended and writes: {events:?}"));
        }
        kept.log.extend(events);
        Ok(())
    }

    fn finish(&mut self, id: &str) -> Result<(), String> {
        let live = self.process.as_mut().and_then(|all| all.remove(id));
        let Some(mut live) = live else { return Ok(()) };
        if self.chance.one_in(2) {
            self.compare(id, &mut live)?;
        }
        for working in live.tasks.into_values() {
            self.past.push((id.to_owned(), working));
        }
        let parent = self.disk.get(id).and_then(|kept| kept.parent.clone());
        if let (Some(parent), Some(ended)) = (parent, self.end_of(id)) {
            let input = child_ended(&parent.step, id, ended);
            self.put(&parent.run, input);
        }
        Ok(())
    }

    pub(super) fn end_of(&self, id: &str) -> Option<&Event> {
        let last = &self.disk.get(id)?.log.last()?.event;
        matches!(last, Event::RunEnded { .. }).then_some(last)
    }

    pub(super) fn act(&mut self, run: &str, working: &Working) {
        let Working { task, is_undo, .. } = working;
        self.acts.push(Act {
            run: run.to_owned(),
            step: task.step.clone(),
            is_undo: *is_undo,
            key: task.key.clone(),
            effect: task.effect,
        });
    }

    /// What the engine does every second: it compares the clocks, and fires what is due.
    pub(super) fn tick(&mut self) -> Result<(), String> {
        let apart = (self.wall - self.compared.0) - (self.work - self.compared.1);
        let mut gap = None;
        if apart.abs() > JUMP {
            self.compared = (self.wall, self.work);
            gap = (apart > 0).then_some(apart);
        }
        let now = self.wall;
        let mut due: BTreeSet<(Millis, String, String)> = BTreeSet::new();
        let mut told: BTreeSet<String> = BTreeSet::new();
        for (id, live) in self.process.iter_mut().flatten() {
            let has_limit = live.timers.keys().any(|name| name.starts_with("timeout:"));
            if !live.tasks.is_empty() || live.writing.is_some() || has_limit {
                told.insert(id.clone());
            }
            live.timers.retain(|name, at| {
                let is_due = *at <= now;
                if is_due {
                    due.insert((*at, id.clone(), name.clone()));
                }
                !is_due
            });
        }
        if let Some(gap_ms) = gap {
            for id in told {
                if !due.iter().any(|(_, run, _)| *run == id) {
                    self.put(&id, Input::HostResumed { gap_ms });
                }
            }
        }
        for (_, id, timer) in due {
            self.note(format!("{timer} of {id} is due"));
            if let Some(gap_ms) = gap {
                self.put(&id, Input::HostResumed { gap_ms });
            }
            self.put(&id, Input::TimerDue { timer });
        }
        self.settle()
    }

    /// From here on all goes well: every run has to come to its end, or to say what it waits for.
    pub(crate) fn come_to_an_end(&mut self) -> Result<(), String> {
        self.note("from here on all goes well");
        self.is_slow = false;
        for _ in 0..TOO_MANY {
            self.flush()?;
            if self.waits_for_one_left_alone() {
                self.carry_on_the_rest()?;
            }
            let Some(id) = self.any_run() else {
                return Ok(());
            };
            let Some(live) = self.live_run(&id) else {
                continue;
            };
            let status = live.run.status();
            if status == Status::Paused && self.chance.one_in(2) {
                self.unblock(&id)?;
                continue;
            }
            self.answer(&id)?;
        }
        Err(format!(
            "it does not end: {:?}",
            self.process
                .iter()
                .flatten()
                .map(|(id, live)| (id, live.run.waiting_for()))
                .collect::<Vec<_>>()
        ))
    }

    /// A build that knows both versions carries on what the others left alone, and that did nothing meanwhile.
    fn carry_on_the_rest(&mut self) -> Result<(), String> {
        for (id, (why, length)) in &self.left_alone {
            if self.disk[id].log.len() != *length {
                return Err(format!("{id} is left alone ({why}) and went on"));
            }
        }
        self.crash()?;
        self.build(2, 1);
        self.start()
    }

    /// Whether all that is left waits for a run that another build has to carry on.
    fn waits_for_one_left_alone(&self) -> bool {
        !self.left_alone.is_empty()
            && self.process.iter().flatten().all(|(_, live)| {
                let all = pending(&live.run);
                live.writing.is_none()
                    && live.inbox.is_empty()
                    && all
                        .iter()
                        .any(|action| matches!(action, Action::StartChild { .. }))
                    && all.iter().all(|action| match action {
                        Action::StartChild { run, .. } => {
                            self.left_alone.contains_key(run)
                                || self
                                    .process
                                    .as_ref()
                                    .is_some_and(|all| all.contains_key(run))
                        }
                        // A limit or a budget that may run out meanwhile.
                        Action::SetTimer { .. } => true,
                        _ => false,
                    })
            })
    }
}

/// A workflow that only this run has.
pub(super) fn draw(seed: u64, id: &str, depth: u32) -> Result<Arc<Workflow>, String> {
    let mut dice = Dice(seed);
    let mut document = if depth < 3 {
        generate::document(&mut dice)
    } else {
        json!({ "format": 1, "name": "Test", "steps": [{ "id": "s0", "kind": "task" }], "edges": [] })
    };
    document["id"] = json!(format!("w{:x}", sum(id)));
    let parsed = document::parse(&document.to_string()).map_err(|error| error.to_string())?;
    match parsed.problems.first() {
        Some(problem) => Err(format!("{problem:?}")),
        None => Ok(Arc::new(parsed.workflow)),
    }
}

/// Whether a step that can be carried out is of the kind whose versions change.
pub(crate) fn uses_act(workflow: &Workflow) -> bool {
    let (mut is_used, mut disabled) = (false, BTreeSet::new());
    workflow.each_step(|step, above| {
        // Nothing in a container that is passed over is ever carried out.
        if above.iter().any(|id| disabled.contains(*id)) {
            return;
        }
        if step.disabled {
            disabled.insert(step.id.clone());
        }
        is_used |= step.kind == "act";
        is_used |= step.undo.as_ref().is_some_and(|undo| undo.kind == "act");
    });
    is_used
}

/// A number for a text.
pub(crate) fn sum(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
