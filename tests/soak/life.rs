//! R-06, with everything real but the clock: the engine on a store lives through crashes, sleeps, clock jumps, a slow disk,
//! failing steps, people and upgrades. A crash ends the engine at whatever it awaits; what the store was not given is
//! lost, and what nobody was told may be there. What must hold is in [`crate::simulation::laws`], and here.
//!
//! A case is one life. Some of them, one after the other, share a data folder.

mod end;
mod hands;
mod judge;
mod people;
mod slow;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use baton_core::document::{self, Workflow};
use baton_core::kind_version::Versions;
use baton_core::machine::{Decision, Event, Logged, Settlement};
use baton_core::step_kind::Catalog;
use baton_engine::{Clock, Engine, EngineConfig, ManualClock, NewRun, Signal};
use baton_store::{RunRow, Store};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::check;
use crate::generate::{self, Dice};
use crate::harness::{Case, Cx, NO_MARKS, Tally, series};
use crate::random::Chance;
use crate::simulation::laws;
use crate::simulation::world::uses_act;
use hands::Hands;
use people::{Ack, Ask, asked};
use slow::{Mood, Slow};

/// Lives of one data folder.
const LIVES: u32 = 10;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const BIRTH: i64 = 1_800_000_000_000;

/// The longest that the engine may be busy with what happened.
const RESTS: Duration = Duration::from_secs(20);

/// Things that may happen before a life that does not end hangs.
const TOO_MANY: u32 = 2_000;

/// How often nothing may be there to do, five milliseconds each, before a life hangs.
const PATIENCE: u32 = 1_000;

pub(crate) fn run(cx: &Cx) -> anyhow::Result<Tally> {
    Ok(series(cx, cx.cases.div_ceil(LIVES), |case| {
        let clock = ManualClock::new(BIRTH);
        let mut store = open(cx, &case.folder)?;
        for number in 0..LIVES {
            let seed = case.chance.next();
            let mut life = Life::new(cx, case, store, clock.clone(), seed)?;
            let lived = life.live().and_then(|()| life.judge());
            case.done();
            if let Err(why) = lived {
                return Err(format!(
                    "life {number} of the folder: {why}\n    the last of it:\n{}",
                    life.last_moves()
                ));
            }
            case.note("crashes", life.crashes);
            case.note("sleeps and jumps of the clock", life.jumps);
            case.note("runs left alone after an upgrade", life.left_alone);
            case.note("events", life.events);
            store = life.end();
        }
        let verified = cx.runtime.block_on(store.verify());
        cx.runtime.block_on(store.close());
        let verified = verified.map_err(|error| error.to_string())?;
        match verified.damage.first() {
            Some(damage) => Err(format!("the check finds: {damage}")),
            None => Ok(()),
        }
    }))
}

fn open(cx: &Cx, folder: &Path) -> Result<Store, String> {
    let opened = cx.runtime.block_on(check::open(&folder.join("data")));
    opened.map_err(|error| format!("{} {error}", error.code()))
}

struct Life<'a> {
    cx: &'a Cx,
    chance: Chance,
    folder: PathBuf,
    store: Store,
    clock: ManualClock,
    hands: Arc<Hands>,
    slow: Arc<Slow>,
    catalog: Arc<Catalog>,
    awake: u64,
    /// Dropped as a whole in a crash.
    up: Option<(Runtime, Engine)>,
    workflow: Arc<Workflow>,
    acks: Arc<Mutex<Vec<Ack>>>,
    people: u32,
    signals: u32,
    sleeps: laws::Sleeps,
    /// How many of them were there some moves ago.
    slept: usize,
    moves: Vec<String>,
    crashes: u64,
    jumps: u64,
    left_alone: u64,
    events: u64,
    /// Open runs that this process may not carry on, and how long their logs are.
    left: BTreeMap<String, usize>,
    /// Runs that ended in lives before this one.
    before: BTreeSet<String>,
}

impl<'a> Life<'a> {
    fn new(
        cx: &'a Cx,
        case: &Case<'_>,
        store: Store,
        clock: ManualClock,
        seed: u64,
    ) -> Result<Self, String> {
        let mut chance = Chance::new(seed, 0);
        let folder = case.folder.clone();
        // One that calls nobody, so that families stay small.
        let child = loop {
            let child = draw(chance.next(), "w")?;
            if !calls(&child) {
                break child;
            }
        };
        std::fs::write(folder.join("w.baton.json"), document::print(&child))
            .map_err(|error| error.to_string())?;
        let has_family = chance.one_in(3);
        let workflow = loop {
            let workflow = draw(chance.next(), &format!("life-{}", seed % 1_000_000))?;
            if !has_family || calls(&workflow) {
                break Arc::new(workflow);
            }
        };
        let rows = cx.runtime.block_on(store.runs(baton_store::RunFilter {
            limit: u32::MAX,
            ..Default::default()
        }));
        let (rows, _) = rows.map_err(|error| error.to_string())?;
        Ok(Self {
            cx,
            folder,
            hands: Arc::new(Hands::new(clock.clone())),
            slow: Arc::new(Slow::new(store.clone())),
            store,
            clock,
            catalog: Arc::new(generate::catalog()),
            awake: if chance.one_in(2) { 0 } else { 100_000 },
            up: None,
            workflow,
            acks: Arc::default(),
            people: 0,
            signals: 0,
            sleeps: laws::Sleeps::default(),
            slept: 0,
            moves: Vec::new(),
            crashes: 0,
            jumps: 0,
            left_alone: 0,
            events: 0,
            left: BTreeMap::new(),
            before: rows
                .into_iter()
                .filter(|row| row.ended_at.is_some())
                .map(|row| row.id)
                .collect(),
            chance,
        })
    }

    fn note(&mut self, what: impl Into<String>) {
        let wall = self.clock.now() - BIRTH;
        self.moves.push(format!("{wall} {}", what.into()));
    }

    fn last_moves(&self) -> String {
        let first = self.moves.len().saturating_sub(14);
        let lines = self.moves[first..].iter();
        lines.map(|line| format!("      {line}\n")).collect()
    }

    fn live(&mut self) -> Result<(), String> {
        self.start()?;
        for _ in 0..1 + u32::from(self.chance.one_in(4)) {
            self.begin()?;
        }
        for turn in 0..12 + self.chance.below(30) {
            self.happen()?;
            self.pump()?;
            // A run that sleeps learns it a little later.
            if turn % 4 == 3 && self.slow.is_quick() {
                self.sleeps.kept = self.slept;
                self.slept = self.sleeps.all.len();
            }
            if self.up.is_some() && self.chance.one_in(8) && self.open_rows()?.is_empty() {
                break;
            }
        }
        self.come_to_an_end()
    }

    fn end(mut self) -> Store {
        if let Some((runtime, engine)) = self.up.take() {
            runtime.block_on(engine.close());
            drop(engine);
        }
        self.store
    }

    /// A process comes up.
    fn start(&mut self) -> Result<(), String> {
        self.note("a process comes up");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let mut config = EngineConfig::new(self.store.clone(), self.catalog.clone());
        config.clock = Arc::new(self.clock.clone());
        config.tasks = self.hands.clone();
        config.journal = self.slow.clone();
        config.awake = self.awake;
        config.watermarks = NO_MARKS;
        let engine = runtime
            .block_on(Engine::start(config))
            .map_err(|error| error.to_string())?;
        self.up = Some((runtime, engine));
        self.pump()?;
        self.left.clear();
        for row in self.open_rows()? {
            self.check_left_alone(&row)?;
        }
        Ok(())
    }

    /// Runs go on where their steps mean what they meant, and only there.
    fn check_left_alone(&mut self, row: &RunRow) -> Result<(), String> {
        let log = self.log(&row.id)?;
        let Some(Event::RunStarted { kinds, .. }) = log.first().map(|first| &first.event) else {
            return Err(format!("{} does not begin with its start", row.id));
        };
        let now = self.catalog.versions("act");
        let began = kinds.get("act").copied().unwrap_or(1);
        let uses_act = uses_act(&self.definition(row)?);
        let fits = !uses_act || (now.oldest..=now.now).contains(&began);
        let why = self.left_out(&row.id);
        // One that sleeps is looked at when it wakes.
        if fits && why.is_some() {
            return Err(format!("{} is left alone: {why:?}", row.id));
        }
        if !fits {
            self.left_alone += 1;
            self.left.insert(row.id.clone(), log.len());
        }
        Ok(())
    }

    fn left_out(&self, run: &str) -> Option<String> {
        self.up.as_ref()?.1.left_out(run)
    }

    /// The process is gone, at whatever it was doing.
    fn crash(&mut self) -> Result<(), String> {
        if self.up.is_none() {
            return Ok(());
        }
        if self.chance.one_in(2) {
            // In the middle of something.
            let mood = [Mood::BeforeWriting, Mood::BeforeTelling];
            self.slow.set(mood[self.chance.index(2)]);
            if !self.hand() {
                self.pass(SECOND);
            }
            self.pump()?;
        }
        self.note("crash");
        self.crashes += 1;
        self.check_untouched()?;
        self.slow.set(Mood::Dead);
        self.sleeps.crash();
        self.slept = self.sleeps.all.len();
        drop(self.up.take());
        self.hands.crash(&mut self.chance);
        // What the store was given, it finishes, as a kernel would.
        self.cx.runtime.block_on(self.store.close());
        self.store = open(self.cx, &self.folder)?;
        self.slow.reopened(self.store.clone());
        match self.chance.below(4) {
            0 => {}
            1 => self.clock.jump(self.chance.below(60) as i64 * SECOND),
            2 => self.clock.jump(self.chance.below(48) as i64 * HOUR),
            _ => {
                self.sleeps.was_set_back = true;
                self.clock.jump(-(self.chance.below(3) as i64 * HOUR));
            }
        }
        if self.chance.one_in(6) {
            let (now, oldest) = [(1, 1), (2, 1), (2, 2)][self.chance.index(3)];
            self.build(now, oldest);
        }
        Ok(())
    }

    fn build(&mut self, now: u32, oldest: u32) {
        self.note(format!("another build, act {oldest} to {now}"));
        let catalog = generate::catalog();
        let catalog = catalog.with_versions([("act", Versions { now, oldest })]);
        self.catalog = Arc::new(catalog);
    }

    /// Lets the engine do what it can.
    fn pump(&self) -> Result<(), String> {
        let Some((runtime, _)) = &self.up else {
            return Ok(());
        };
        let activity = || self.slow.activity() + self.hands.activity();
        let rests = runtime.block_on(async {
            let until = tokio::time::Instant::now() + RESTS;
            while tokio::time::Instant::now() < until {
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
                let before = activity();
                tokio::time::sleep(Duration::from_millis(1)).await;
                if activity() == before && !self.slow.is_busy() {
                    return true;
                }
            }
            false
        });
        if !rests {
            return Err(format!("the engine is busy for {RESTS:?} and longer"));
        }
        match self.slow.trouble() {
            Some(trouble) => Err(format!("the store refused a write: {trouble}")),
            None => Ok(()),
        }
    }

    /// A person asks for something, and may wait for the answer as long as the disk takes.
    fn ask(&mut self, ask: Ask) {
        match &ask {
            Ask::Begin(_) => self.note("a run is begun"),
            other => self.note(format!("{other:?}")),
        }
        if let Some((runtime, engine)) = &self.up {
            let (engine, acks) = (engine.clone(), self.acks.clone());
            runtime.spawn(async move {
                if let Some(ack) = asked(&engine, ask).await {
                    acks.lock().expect("nobody panics holding it").push(ack);
                }
            });
        }
    }

    fn begin(&mut self) -> Result<(), String> {
        let new = NewRun {
            workflow: self.workflow.clone(),
            path: Some(self.folder.join("life.baton.json")),
            work_dir: self.folder.clone(),
            input: json!({ "n": self.chance.below(3) }),
            by: Some("soak".to_owned()),
        };
        self.ask(Ask::Begin(Box::new(new)));
        self.pump()
    }

    /// Something happens.
    fn happen(&mut self) -> Result<(), String> {
        if self.up.is_none() {
            return self.start();
        }
        let rows = self.open_rows()?;
        if rows.is_empty() {
            return self.begin();
        }
        let run = rows[self.chance.index(rows.len())].id.clone();
        match self.chance.below(100) {
            0..=7 => return self.crash(),
            8..=12 => {
                let ms = [SECOND, HOUR, DAY, 30 * DAY][self.chance.index(4)];
                let ms = 1 + self.chance.below(ms as u64) as i64;
                self.jumps += 1;
                self.note(format!("the computer sleeps for {ms} ms"));
                let wall = self.clock.now();
                self.sleeps.all.push((wall, wall + ms));
                self.clock.suspend(ms);
                self.pump()?;
                // It is noticed within a second.
                self.pass(SECOND);
            }
            13..=16 => {
                let ms = [HOUR, DAY, 365 * DAY][self.chance.index(3)];
                let ms = 1 + self.chance.below(ms as u64) as i64;
                let ms = if self.chance.one_in(2) { ms } else { -ms };
                self.jumps += 1;
                self.note(format!("the clock is set by {ms} ms"));
                self.sleeps.was_set_back |= ms < 0;
                self.clock.jump(ms);
                self.pump()?;
                self.pass(SECOND);
            }
            17..=26 => {
                let ms = [SECOND, 10 * SECOND, 600 * SECOND, HOUR][self.chance.index(4)];
                let ms = 1 + self.chance.below(ms as u64) as i64;
                self.pass(ms);
            }
            27..=33 => {
                let mood = [Mood::Quick, Mood::BeforeWriting, Mood::BeforeTelling];
                let mood = mood[self.chance.index(3)];
                self.note(format!("the disk is {mood:?}"));
                self.slow.set(mood);
            }
            34..=36 => {
                let undo = self.chance.one_in(2);
                self.ask(Ask::Cancel { run, undo });
            }
            37..=39 => self.ask(Ask::Pause(run)),
            40..=43 => self.ask(Ask::GoOn(run, self.clock.now())),
            44..=47 => {
                let number = self.signals + u32::from(self.chance.one_in(2));
                self.signals = number;
                self.ask(Ask::Signal(signal(number)));
            }
            48..=50 => {
                let steps: Vec<String> = match self.log(&run)?.last().map(|last| &last.event) {
                    Some(Event::StepAttemptFailed { step, .. }) => vec![step.clone()],
                    _ => Vec::new(),
                };
                for step in steps {
                    self.ask(Ask::RetryNow(run.clone(), step));
                }
            }
            51..=69 => {
                self.question(&rows)?;
            }
            _ => {
                self.hand();
            }
        }
        Ok(())
    }

    /// Time passes, for both clocks.
    fn pass(&mut self, ms: i64) {
        self.note(format!("{ms} ms pass"));
        self.clock.advance(ms);
    }

    /// One of the tasks ends.
    fn hand(&mut self) -> bool {
        let told = self.hands.answer(&mut self.chance);
        let is_any = told.is_some();
        self.moves.extend(told);
        is_any
    }

    /// Somebody answers a question, at times twice.
    fn question(&mut self, open: &[RunRow]) -> Result<bool, String> {
        let mut asked = self.read(self.store.open_questions())?;
        asked.retain(|one| open.iter().any(|row| row.id == one.run));
        if asked.is_empty() {
            return Ok(false);
        }
        let one = asked.swap_remove(self.chance.index(asked.len()));
        let (run, step) = (one.run, one.step);
        if one.is_outcome {
            let answer = match self.chance.below(3) {
                0 => Settlement::Done { output: json!(1) },
                1 => Settlement::NotDone,
                _ => Settlement::RunAgain,
            };
            self.ask(Ask::Settle(run, step, answer));
            return Ok(true);
        }
        if self.chance.one_in(3) || self.people == 0 {
            self.people += 1;
        }
        let decision = match (one.question["kind"].as_str(), self.chance.below(3)) {
            (Some("form"), _) => Decision::Submitted,
            (_, 0) => Decision::Rejected,
            _ => Decision::Approved,
        };
        // Often the one who answered last.
        let by = format!("person {}", self.people);
        self.ask(Ask::Decide(run, step, by, decision));
        Ok(true)
    }

    fn read<T>(
        &self,
        asked: impl Future<Output = Result<T, baton_store::StoreError>>,
    ) -> Result<T, String> {
        let read = match &self.up {
            // The engine goes on meanwhile: it may hold the connection that this one waits for.
            Some((runtime, _)) => runtime.block_on(asked),
            None => self.cx.runtime.block_on(asked),
        };
        read.map_err(|error| format!("{} {error}", error.code()))
    }

    fn open_rows(&self) -> Result<Vec<RunRow>, String> {
        self.read(self.store.open_runs())
    }

    fn log(&self, run: &str) -> Result<Vec<Logged>, String> {
        self.read(self.store.events(run, 0, u32::MAX))
    }

    fn definition(&self, row: &RunRow) -> Result<Workflow, String> {
        let text = self.read(self.store.definition(&row.digest))?;
        let text = text.ok_or_else(|| format!("{} has no definition", row.id))?;
        let parsed = document::parse(&text).map_err(|error| error.to_string())?;
        Ok(parsed.workflow)
    }
}

fn signal(number: u32) -> Signal {
    Signal {
        id: format!("s{number}"),
        event: "e".to_owned(),
        key: Value::Null,
        payload: json!(number),
        run: None,
    }
}

/// Whether it has a sub-workflow.
fn calls(workflow: &Workflow) -> bool {
    let mut calls = false;
    workflow.each_step(|step, _| calls |= step.kind == "workflow" && !step.disabled);
    calls
}

fn draw(seed: u64, id: &str) -> Result<Workflow, String> {
    let mut document = generate::document(&mut Dice(seed));
    document["id"] = json!(id);
    let parsed = document::parse(&document.to_string()).map_err(|error| error.to_string())?;
    match parsed.problems.first() {
        Some(problem) => Err(format!("{problem:?}")),
        None => Ok(parsed.workflow),
    }
}
