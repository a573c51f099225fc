//! The machine in the hands of a host that is itself replayed: it says what to begin and what to stop, and takes answers.
//!
//! The worker and whoever reads a history drive the same value with the same inputs in the same order, so both see the
//! same run. The order, for each workflow task of the history:
//!
//! 1. commands (signals and updates), in the order in which they arrived;
//! 2. what ended (steps, sub-workflows), in the order in which it was begun;
//! 3. a request to cancel;
//! 4. the timers whose instant has come, in the order of their instants. A timer of the cluster only wakes: what is due
//!    is read off the instant, so two timers that a busy cluster fires in the other order count in their own.
//!
//! After each of them the machine goes on by itself, with every light pure step, until it needs the outside: as on one
//! computer, and however what happened is spread over workflow tasks.
//!
//! The instant of all of it is the one at which the workflow task began. Nothing here knows Temporal, a clock or chance.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use baton_core::Millis;
use baton_core::error::StepError;
use baton_core::machine::{
    self, Action, Input, Logged, Outcome, Parent, Plan, Refusal, Run, STEP_TIMERS, Start, Status,
    Task, TaskResult, Touched, TouchedStep,
};
use baton_steps::{TaskOutput, values};
use serde_json::Value;

use crate::tasks::Tasks;
use crate::wire::{INPUT_LIMIT, OpKey, RunEnd, Standing};

/// Something to begin outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Carry out a step.
    Step(Task),
    /// Take a step back.
    Undo(Task),
    /// Come back at an instant.
    Timer {
        /// Its name.
        timer: String,
        /// When.
        at: Millis,
    },
    /// Run a sub-workflow.
    Child {
        /// The step that waits.
        step: String,
        /// Id of the child run.
        run: String,
        /// File or id of the workflow.
        workflow: String,
        /// `latest` or a digest.
        version: String,
        /// Its input.
        input: Value,
    },
}

impl Op {
    /// Its place in the run.
    pub fn key(&self) -> OpKey {
        match self {
            Self::Step(task) => OpKey::Step(task.step.clone(), task.epoch),
            Self::Undo(task) => OpKey::Undo(task.step.clone(), task.epoch),
            Self::Timer { timer, at } => OpKey::Timer(timer.clone(), *at),
            Self::Child { run, .. } => OpKey::Child(run.clone()),
        }
    }
}

/// How something outside ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A task, with the lines that it wrote.
    Task {
        /// How.
        result: TaskResult,
        /// Level and text.
        logs: Vec<(String, String)>,
    },
    /// The one that carried a task out is gone, and nobody knows whether it acted.
    Lost,
    /// The instant of a timer has come.
    Fired,
    /// A sub-workflow.
    Child(RunEnd),
}

/// Steps to look at again.
#[derive(Debug)]
enum Looks {
    All,
    Some(BTreeSet<TouchedStep>),
}

/// What is answered here and now, because nothing is under way for it.
#[derive(Debug, Default)]
struct AtOnce {
    /// To be stopped, and wanted by no earlier look.
    fresh: VecDeque<(OpKey, Answer)>,
    /// Sub-workflows that cannot be begun.
    unknown: VecDeque<(OpKey, Answer)>,
    /// To be stopped, and still in the queue.
    queued: VecDeque<(OpKey, Answer)>,
}

impl AtOnce {
    fn knows(&self, key: &OpKey) -> bool {
        let all = self.fresh.iter().chain(&self.unknown).chain(&self.queued);
        all.into_iter().any(|(known, _)| known == key)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Under {
    Way,
    Stopped,
}

/// A run and what is under way for it.
#[derive(Debug)]
pub struct Host {
    run: Run,
    tasks: Arc<dyn Tasks>,
    /// Events that are in no earlier part of the run.
    log: Vec<Logged>,
    digest: blake3::Hash,
    active: BTreeMap<OpKey, Under>,
    /// Wanted and not begun, in order.
    queue: Vec<Op>,
    queued: BTreeSet<OpKey>,
    /// What the steps want, and the run itself under the empty path.
    wants: BTreeMap<String, Vec<OpKey>>,
    /// The timers among them.
    timers: BTreeSet<(Millis, String)>,
    /// Those that the machine was told of, and still wants.
    told: BTreeSet<(Millis, String)>,
    /// No longer wanted, or to be stopped: in order.
    stops: Vec<OpKey>,
    /// What has to be compared with what is under way.
    looks: Looks,
    /// The step that waits for a child.
    child_steps: BTreeMap<String, String>,
    /// Sub-workflows that can be begun.
    library: BTreeSet<String>,
    cancelled: bool,
}

/// A request to stop the run, made of the cluster itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// Take back what was completed.
    pub undo: bool,
}

/// How a host began.
#[derive(Debug, Clone, Default)]
pub struct Beginning {
    /// The machine's part.
    pub start: Start,
    /// What happened in earlier parts, if there are any.
    pub log: Vec<Logged>,
    /// Sub-workflows that can be begun, as [`library_name`] names them.
    pub library: BTreeSet<String>,
}

/// The name of a sub-workflow in the library of a run.
pub fn library_name(workflow: &str, version: &str) -> String {
    if version.is_empty() || version == "latest" {
        workflow.to_owned()
    } else {
        format!("{workflow}@{version}")
    }
}

impl Host {
    /// A run that begins, or goes on after earlier parts of it.
    ///
    /// # Errors
    ///
    /// If the log does not fit the plan, or this build cannot carry the run on.
    pub fn begin(
        plan: Arc<Plan>,
        tasks: Arc<dyn Tasks>,
        beginning: Beginning,
        at: Millis,
    ) -> Result<Self, StepError> {
        let Beginning {
            start,
            log,
            library,
        } = beginning;
        let mut host = Self {
            run: Run::new(plan.clone()),
            tasks,
            log: Vec::new(),
            digest: blake3::hash(b""),
            active: BTreeMap::new(),
            queue: Vec::new(),
            queued: BTreeSet::new(),
            wants: BTreeMap::new(),
            timers: BTreeSet::new(),
            told: BTreeSet::new(),
            stops: Vec::new(),
            looks: Looks::All,
            child_steps: BTreeMap::new(),
            library,
            cancelled: false,
        };
        if log.is_empty() {
            host.give(Input::Start(start), at)
                .map_err(|refusal| StepError::permanent(refusal.code, refusal.message))?;
        } else {
            host.run = machine::replay(plan, &log).map_err(|error| {
                StepError::permanent("log-unusable", error.to_string())
                    .hint("an earlier part of the run is damaged or of a newer version")
            })?;
            for logged in &log {
                host.note(logged);
            }
        }
        if let Some(why) = host.run.changed_kind() {
            return Err(StepError::permanent("older-build", why)
                .hint("keep a worker of the build that began this run until it has ended"));
        }
        Ok(host)
    }

    /// The run.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Events that are in no earlier part of the run.
    pub fn log(&self) -> &[Logged] {
        &self.log
    }

    /// How many things are under way.
    pub fn under_way(&self) -> usize {
        let is_work = |key: &&OpKey| !matches!(key, OpKey::Timer(..));
        self.active.keys().filter(is_work).count()
    }

    /// Whether `key` is under way.
    pub fn is_active(&self, key: &OpKey) -> bool {
        self.active.contains_key(key)
    }

    /// Takes a command of a person or a program into account, and goes on as far as that leads.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot be taken now; nothing happened then.
    pub fn hear(&mut self, command: Input, at: Millis) -> Result<(), Refusal> {
        self.settle(at);
        self.give(command, at)?;
        self.settle(at);
        Ok(())
    }

    /// Takes into account what a workflow task says beside commands: what ended, a request to cancel, and the instant.
    /// Goes on as far as each of them leads.
    pub fn turn(&mut self, answers: Vec<(OpKey, Answer)>, cancel: Option<Cancel>, at: Millis) {
        self.settle(at);
        for (key, answer) in answers {
            self.answer(&key, answer, at);
            self.settle(at);
        }
        if let Some(Cancel { by, reason, undo }) = cancel {
            self.cancel(&by, reason, undo, at);
            self.settle(at);
        }
        self.fire(at);
    }

    /// Tells the machine something, and lets it take its own next steps.
    fn give(&mut self, input: Input, at: Millis) -> Result<(), Refusal> {
        for logged in machine::step(&mut self.run, input, at)? {
            self.note(&logged);
            self.log.push(logged);
        }
        Ok(())
    }

    /// Whether the machine would take `input` now.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: why not.
    pub fn would_take(&self, input: &Input) -> Result<(), Refusal> {
        machine::decide(&self.run, input, self.run.at()).map(drop)
    }

    /// Asks the run to stop, once, as a cluster does it.
    fn cancel(&mut self, by: &str, reason: Option<String>, undo: bool, at: Millis) {
        if std::mem::replace(&mut self.cancelled, true) {
            return;
        }
        let by = by.to_owned();
        self.tell(Input::Cancel { by, reason, undo }, at);
    }

    /// Takes how `key` ended into account.
    fn answer(&mut self, key: &OpKey, answer: Answer, at: Millis) {
        self.active.remove(key);
        match (key, answer) {
            (OpKey::Step(step, epoch), Answer::Task { result, logs }) => {
                self.lines(step, logs, at);
                let (step, epoch) = (step.clone(), *epoch);
                let input = Input::TaskEnded {
                    step,
                    epoch,
                    result,
                };
                self.tell(input, at);
            }
            (OpKey::Step(step, epoch), Answer::Lost) => {
                let (step, epoch) = (step.clone(), *epoch);
                self.tell(Input::TaskLost { step, epoch }, at);
            }
            (OpKey::Undo(step, epoch), Answer::Task { result, logs }) => {
                self.lines(step, logs, at);
                self.undo_ended(step, *epoch, result, at);
            }
            (OpKey::Undo(step, epoch), Answer::Lost) => {
                let error = StepError::permanent(
                    "outcome-unknown",
                    "taking it back was interrupted; look whether it happened",
                );
                self.undo_ended(step, *epoch, TaskResult::Failed(error), at);
            }
            (OpKey::Timer(timer, due), Answer::Fired) => self.woken(timer, *due, at),
            (OpKey::Child(run), Answer::Child(end)) => self.child_ended(run, end, at),
            // Nothing else ends in that way.
            (OpKey::Step(..) | OpKey::Undo(..) | OpKey::Timer(..) | OpKey::Child(_), _) => {}
        }
    }

    fn undo_ended(&mut self, step: &str, epoch: u32, result: TaskResult, at: Millis) {
        let step = step.to_owned();
        let input = Input::UndoEnded {
            step,
            epoch,
            result,
        };
        self.tell(input, at);
    }

    fn child_ended(&mut self, run: &str, end: RunEnd, at: Millis) {
        let Some(step) = self.child_steps.remove(run) else {
            return;
        };
        let RunEnd {
            outcome,
            name,
            outputs,
            outputs_kept: _,
            error,
        } = end;
        let run = run.to_owned();
        let input = Input::ChildEnded {
            step,
            run,
            outcome,
            name,
            outputs,
            error,
        };
        self.tell(input, at);
    }

    fn lines(&mut self, step: &str, logs: Vec<(String, String)>, at: Millis) {
        for (level, message) in logs {
            let step = step.to_owned();
            let input = Input::TaskLogged {
                step,
                level,
                message,
            };
            self.tell(input, at);
        }
    }

    /// As [`Host::give`], where nobody waits for an answer: what came too late is not wanted any more.
    fn tell(&mut self, input: Input, at: Millis) {
        if let Err(refusal) = self.give(input, at) {
            tracing::debug!(%refusal, "the machine took no notice");
        }
    }

    fn note(&mut self, logged: &Logged) {
        let text = serde_json::to_vec(logged).expect("events are JSON");
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.digest.as_bytes());
        hasher.update(&text);
        self.digest = hasher.finalize();
    }

    /// A timer of the cluster fired. Where its clock is behind, the rest of the time is waited for once more.
    fn woken(&mut self, timer: &str, due: Millis, at: Millis) {
        let one = (due, timer.to_owned());
        self.told.remove(&one);
        if due > at && self.timers.contains(&one) {
            let (at, timer) = one;
            let op = Op::Timer { timer, at };
            if self.queued.insert(op.key()) {
                self.queue.push(op);
            }
        }
    }

    /// Tells the machine of the timers whose instant has come, those that are due together in one go.
    fn fire(&mut self, at: Millis) {
        loop {
            let due: Vec<(Millis, String)> = self
                .timers
                .iter()
                .take_while(|(due, _)| *due <= at)
                .filter(|one| !self.told.contains(*one))
                .cloned()
                .collect();
            if due.is_empty() {
                return;
            }
            for (due, timer) in due {
                self.told.insert((due, timer.clone()));
                self.tell(Input::TimerDue { timer }, at);
            }
            self.settle(at);
        }
    }

    /// Lets the machine go on with everything that needs no outside. What is to begin is taken with [`Host::take`] then,
    /// what is to stop with [`Host::take_stops`].
    fn settle(&mut self, at: Millis) {
        let mut at_once = AtOnce::default();
        loop {
            self.light_tasks(at);
            for (path, actions) in self.looks() {
                self.compare(path, actions, &mut at_once);
            }
            // As the engine at home does it: these in one go, the others one by one.
            let mut answers = std::mem::take(&mut at_once.fresh);
            if answers.is_empty() {
                let AtOnce {
                    unknown, queued, ..
                } = &mut at_once;
                answers.extend(unknown.pop_front().or_else(|| queued.pop_front()));
            }
            if answers.is_empty() {
                return;
            }
            for (key, answer) in answers {
                self.answer(&key, answer, at);
            }
        }
    }

    /// Carries out light pure tasks until none is left.
    fn light_tasks(&mut self, at: Millis) {
        loop {
            let tasks: Vec<Task> = match self.run.take_touched() {
                Touched::All => {
                    self.looks = Looks::All;
                    let actions = machine::pending(&self.run).into_iter();
                    let tasks = actions.filter_map(|action| match action {
                        Action::StartTask(task) => Some(task),
                        _ => None,
                    });
                    tasks.collect()
                }
                Touched::Some(mut steps) => {
                    steps.sort_unstable();
                    steps.dedup();
                    if let Looks::Some(looks) = &mut self.looks {
                        looks.extend(&steps);
                    }
                    let tasks = steps.iter().filter_map(|step| self.run.running_task(*step));
                    tasks.collect()
                }
            };
            let mut has_any = false;
            for task in tasks {
                let key = OpKey::Step(task.step.clone(), task.epoch);
                if self.active.contains_key(&key) || self.queued.contains(&key) {
                    continue;
                }
                if let Some(answer) = self.at_once(&task) {
                    has_any = true;
                    self.answer(&key, answer, at);
                }
            }
            if !has_any {
                return;
            }
        }
    }

    /// What has to be looked at again: what each step wants now, and what the run itself wants.
    fn looks(&mut self) -> Vec<(String, Vec<Action>)> {
        let looks = std::mem::replace(&mut self.looks, Looks::Some(BTreeSet::new()));
        let mut looks: Vec<(String, Vec<Action>)> = match looks {
            Looks::All => {
                let mut by_owner: Vec<(String, Vec<Action>)> = Vec::new();
                for action in machine::pending(&self.run) {
                    let owner = owner(&action);
                    if owner.is_empty() {
                        continue;
                    }
                    match by_owner.last_mut() {
                        Some((last, actions)) if *last == owner => actions.push(action),
                        _ => by_owner.push((owner, vec![action])),
                    }
                }
                by_owner
            }
            Looks::Some(steps) => {
                let steps = steps.into_iter();
                steps.map(|step| self.run.pending_of_step(step)).collect()
            }
        };
        looks.push((String::new(), self.run.pending_of_run()));
        looks
    }

    fn compare(&mut self, path: String, actions: Vec<Action>, at_once: &mut AtOnce) {
        let mut wanted = Vec::new();
        let mut begin = Vec::new();
        for action in actions {
            match action {
                Action::StartTask(task) => begin.push(Op::Step(task)),
                Action::StartUndo(task) => begin.push(Op::Undo(task)),
                Action::SetTimer { timer, at } => begin.push(Op::Timer { timer, at }),
                Action::StartChild {
                    step,
                    run,
                    workflow,
                    version,
                    input,
                } => {
                    self.child_steps.insert(run.clone(), step.clone());
                    begin.push(Op::Child {
                        step,
                        run,
                        workflow,
                        version,
                        input,
                    });
                }
                Action::CancelTask { step, epoch } => {
                    let (result, logs) = (TaskResult::Cancelled, Vec::new());
                    let answer = Answer::Task { result, logs };
                    self.stop(OpKey::Step(step, epoch), answer, at_once);
                }
                Action::CancelChild { step, run } => {
                    self.child_steps.insert(run.clone(), step);
                    let end = RunEnd {
                        outcome: Outcome::Cancelled,
                        name: None,
                        outputs: Value::Null,
                        outputs_kept: None,
                        error: None,
                    };
                    self.stop(OpKey::Child(run), Answer::Child(end), at_once);
                }
                Action::Ask { .. } | Action::AskOutcome { .. } | Action::Listen { .. } => {}
            }
        }
        for op in begin {
            let key = op.key();
            if let Op::Child {
                workflow, version, ..
            } = &op
                && !self.library.contains(&library_name(workflow, version))
            {
                if !at_once.knows(&key) {
                    let unknown = crate::answers::child_unknown(workflow, version);
                    at_once.unknown.push_back((key, unknown));
                }
                continue;
            }
            if let Op::Child { input, .. } = &op
                && input.to_string().len() > INPUT_LIMIT
            {
                if !at_once.knows(&key) {
                    let refused = crate::answers::child_too_large();
                    at_once.unknown.push_back((key, refused));
                }
                continue;
            }
            if !self.active.contains_key(&key) && self.queued.insert(key.clone()) {
                self.queue.push(op);
            }
            wanted.push(key);
        }
        for key in &wanted {
            if let OpKey::Timer(timer, due) = key {
                self.timers.insert((*due, timer.clone()));
            }
        }
        let before = match (path.is_empty(), wanted.is_empty()) {
            (false, true) => self.wants.remove(&path),
            _ => self.wants.insert(path, wanted.clone()),
        };
        for key in before.unwrap_or_default() {
            if wanted.contains(&key) {
                continue;
            }
            self.leave_queue(&key);
            // Tasks and sub-workflows are stopped by an action of their own, and answer.
            if let OpKey::Timer(timer, due) = &key {
                let one = (*due, timer.clone());
                self.timers.remove(&one);
                self.told.remove(&one);
                if self.active.remove(&key).is_some() {
                    self.stops.push(key);
                }
            }
        }
    }

    /// Stops what is under way; what is not answers at once.
    fn stop(&mut self, key: OpKey, answer: Answer, at_once: &mut AtOnce) {
        let was_wanted = self.leave_queue(&key);
        match self.active.get_mut(&key) {
            Some(under) => {
                if *under == Under::Way {
                    *under = Under::Stopped;
                    self.stops.push(key);
                }
            }
            None if at_once.knows(&key) => {}
            None if was_wanted => at_once.queued.push_back((key, answer)),
            None => at_once.fresh.push_back((key, answer)),
        }
    }

    /// Whether it was there.
    fn leave_queue(&mut self, key: &OpKey) -> bool {
        let was_there = self.queued.remove(key);
        if was_there {
            self.queue.retain(|op| op.key() != *key);
        }
        was_there
    }

    /// The answer of a light pure task: it is part of the machine's own work, and no event of the cluster.
    fn at_once(&self, task: &Task) -> Option<Answer> {
        if values::has_blobs(&task.with) {
            return None;
        }
        let (result, logs) = match self.tasks.execute_inline(task)? {
            // Only an activity can keep it.
            Ok(output) if values::is_large(&output.output) => return None,
            Ok(TaskOutput {
                output, port, logs, ..
            }) => (TaskResult::Succeeded { output, port }, logs),
            Err(error) => (TaskResult::Failed(error), Vec::new()),
        };
        Some(Answer::Task { result, logs })
    }

    /// What is no longer wanted, or to be stopped, since this was asked last: in order.
    pub fn take_stops(&mut self) -> Vec<OpKey> {
        std::mem::take(&mut self.stops)
    }

    /// Takes out of the queue what `choose` accepts, in order, and notes it as under way.
    pub fn take(&mut self, mut choose: impl FnMut(&Op) -> bool) -> Vec<Op> {
        let mut taken = Vec::new();
        let mut rest = Vec::new();
        for op in std::mem::take(&mut self.queue) {
            if choose(&op) {
                let key = op.key();
                self.queued.remove(&key);
                self.active.insert(key, Under::Way);
                taken.push(op);
            } else {
                rest.push(op);
            }
        }
        self.queue = rest;
        taken
    }

    /// Whether the run has ended, and how.
    pub fn ended(&self) -> Option<RunEnd> {
        let ended = self.run.ended()?;
        Some(RunEnd {
            outcome: ended.outcome,
            name: ended.name.clone(),
            outputs: ended.outputs.clone(),
            outputs_kept: None,
            error: ended.error.clone(),
        })
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        Standing {
            seq: self.run.seq(),
            status: self.status().to_owned(),
            waiting_for: self.run.waiting_for(),
            log_digest: self.digest.to_hex().to_string(),
        }
    }

    /// Where it stands, in one word.
    pub fn status(&self) -> &'static str {
        match (self.run.outcome(), self.run.status()) {
            (Some(Outcome::Succeeded), _) => "succeeded",
            (Some(Outcome::Failed), _) => "failed",
            (Some(Outcome::Cancelled), _) => "cancelled",
            (None, Status::Waiting) => "waiting",
            (None, Status::Paused) => "paused",
            (None, Status::Running | Status::Ended) => "running",
        }
    }

    /// Steps that wait for people.
    pub fn asking(&self) -> Vec<String> {
        let open = self.run.open_steps();
        let asks =
            |more: &machine::StepMore| matches!(more.wait, Some(machine::Wait::People { .. }));
        open.filter(|(_, view)| view.more().is_some_and(asks))
            .map(|(path, _)| path)
            .collect()
    }
}

/// The step that an action belongs to; empty for the run itself.
fn owner(action: &Action) -> String {
    match action {
        Action::StartTask(task) => task.step.clone(),
        Action::SetTimer { timer, .. } => match timer.split_once(':') {
            Some((what, path)) if STEP_TIMERS.contains(&what) => path.to_owned(),
            _ => String::new(),
        },
        Action::StartUndo(_) => String::new(),
        Action::CancelTask { step, .. }
        | Action::Ask { step, .. }
        | Action::AskOutcome { step }
        | Action::Listen { step, .. }
        | Action::StartChild { step, .. }
        | Action::CancelChild { step, .. } => step.clone(),
    }
}

/// The run and step that wait, as the machine knows them.
pub fn parent_of(waiting: &crate::wire::Waiting) -> Parent {
    Parent {
        run: waiting.run.clone(),
        step: waiting.step.clone(),
    }
}
