//! A run in the hands of the engine: a plain value with an inbox.
//!
//! A task drives it only while there is something in the inbox. A run that only waits can be put to sleep: then it
//! is gone from memory (see [`crate::sleep`]), and whoever still holds the value learns so when it puts a message.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_core::Millis;
use baton_core::machine::{Action, Input, Parent, Plan, Run, Task, Touched, TouchedStep, pending};
use baton_store::{RunRow, StoreError, Waits};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::error::EngineError;
use crate::projection::Projection;

/// Where the answer to a message goes, once what followed from it is durable.
pub(crate) type Reply = oneshot::Sender<Result<(), EngineError>>;

/// Something that a run has to take into account.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) input: Input,
    /// When it was put into the inbox; it may have to wait there for the disk.
    pub(crate) put_at: Millis,
    pub(crate) reply: Option<Reply>,
}

impl Message {
    /// A message that nobody waits for.
    pub(crate) fn quiet(input: Input, put_at: Millis) -> Self {
        Self {
            input,
            put_at,
            reply: None,
        }
    }
}

#[derive(Debug, Default)]
struct Inbox {
    queue: VecDeque<Message>,
    is_driven: bool,
    /// The run sleeps: this value is no longer the run.
    is_gone: bool,
}

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Put {
    /// Whoever drives the run will see it.
    Driven,
    /// Nobody drives the run: the caller has to see to it.
    Idle,
    /// The run fell asleep; the message comes back.
    Gone(Box<Message>),
}

/// Where a run comes from and where it works.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// File that it was started from.
    pub(crate) path: Option<PathBuf>,
    /// Folder that relative paths start from.
    pub(crate) work_dir: PathBuf,
    /// The run and step that wait for it.
    pub(crate) parent: Option<Parent>,
    /// How many runs are above it.
    pub(crate) depth: u32,
}

/// A run in the hands of the engine.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) plan: Arc<Plan>,
    pub(crate) origin: Origin,
    inbox: Mutex<Inbox>,
    state: Mutex<State>,
}

/// A task that is being carried out: step, epoch, and whether it takes the step back.
pub(crate) type TaskId = (String, u32, bool);

/// What changes while a run lives.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) run: Run,
    /// Short number, once the store gave it.
    pub(crate) number: u32,
    /// Position of the last durable event. Views never show more.
    pub(crate) durable: u32,
    /// Its instant.
    pub(crate) durable_at: Millis,
    pub(crate) projection: Projection,
    /// Tasks that were begun and whose result the machine has not seen yet.
    pub(crate) active: BTreeMap<TaskId, CancellationToken>,
    /// Timers that were set and whose firing the machine has not seen yet.
    pub(crate) timers: BTreeMap<String, Millis>,
    /// Sub-workflows that were begun and whose end the machine has not seen yet.
    pub(crate) children: BTreeSet<String>,
    /// Those of them that were told to stop.
    pub(crate) stopped_children: BTreeSet<String>,
    /// Things under way for it that are not tasks: a child being begun or stopped.
    pub(crate) errands: usize,
    /// What the database knows that it waits for.
    pub(crate) waits: Waits,
    /// Position at which the database knows that it only waits.
    pub(crate) rests_at: u32,
    /// Position of its last snapshot.
    pub(crate) snapshot_at: u32,
    /// What tasks wait for that could begin but for a limit.
    pub(crate) queued: BTreeMap<TaskId, String>,
    /// Why it cannot go on, while its events cannot be written.
    pub(crate) stalled: Option<StoreError>,
    /// What was not compared yet with what is under way.
    pub(crate) unperformed: Looks,
    /// What was not compared yet with what the database knows of waits.
    pub(crate) unwritten: Looks,
}

/// Where a run may want something else than before.
#[derive(Debug)]
pub(crate) enum Looks {
    /// Anywhere.
    All,
    /// At these steps, and at the run itself.
    Steps(BTreeSet<TouchedStep>),
}

impl Looks {
    fn add(&mut self, touched: &[TouchedStep]) {
        match self {
            Self::All => {}
            Self::Steps(steps) => steps.extend(touched),
        }
    }

    /// Where to look; from now on, nowhere.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Steps(BTreeSet::new()))
    }
}

impl Entry {
    /// A run that nothing was done with yet.
    pub(crate) fn new(id: String, plan: Arc<Plan>, origin: Origin, state: State) -> Self {
        Self {
            id,
            plan,
            origin,
            inbox: Mutex::default(),
            state: Mutex::new(state),
        }
    }

    /// Puts `message` into the inbox.
    pub(crate) fn put(&self, message: Message) -> Put {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.is_gone {
            return Put::Gone(Box::new(message));
        }
        inbox.queue.push_back(message);
        if std::mem::replace(&mut inbox.is_driven, true) {
            Put::Driven
        } else {
            Put::Idle
        }
    }

    /// Closes the inbox for ever if nothing is in it or under way, so that the run can be dropped.
    pub(crate) fn leave(&self) -> bool {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.is_driven || !inbox.queue.is_empty() {
            return false;
        }
        inbox.is_gone = self.state().is_idle();
        inbox.is_gone
    }

    /// Everything in the inbox. `None`: it is empty, and from now on nobody drives the run.
    pub(crate) fn take(&self) -> Option<VecDeque<Message>> {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        if inbox.queue.is_empty() {
            inbox.is_driven = false;
            return None;
        }
        Some(std::mem::take(&mut inbox.queue))
    }

    /// Whether nothing is being done for it: no message is being taken into account, no task carried out.
    pub(crate) fn is_still(&self) -> bool {
        let inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let is_driven = inbox.is_driven;
        drop(inbox);
        !is_driven && self.state().active.is_empty()
    }

    /// The state, for a moment: never held while something is awaited.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The row for lists, as the run is now.
    pub(crate) fn row(&self, state: &State) -> RunRow {
        let mut row = state.projection.row(&self.id, &state.run);
        row.waiting_for.extend(state.waits_for());
        if let Some(error) = &state.stalled {
            row.waiting_for.insert(0, format!("stands still: {error}"));
        }
        let path = self.origin.path.as_ref();
        RunRow {
            number: state.number,
            path: path.map(|path| path.display().to_string()),
            work_dir: Some(self.origin.work_dir.display().to_string()),
            parent: self.origin.parent.clone(),
            ..row
        }
    }
}

impl State {
    /// The state of a run that is in the hands of the engine from now on.
    pub(crate) fn new(run: Run, number: u32, projection: Projection, durable_at: Millis) -> Self {
        let durable = run.seq();
        Self {
            run,
            number,
            durable,
            durable_at,
            projection,
            active: BTreeMap::new(),
            timers: BTreeMap::new(),
            children: BTreeSet::new(),
            stopped_children: BTreeSet::new(),
            errands: 0,
            waits: Waits::default(),
            rests_at: 0,
            snapshot_at: 0,
            queued: BTreeMap::new(),
            stalled: None,
            unperformed: Looks::All,
            unwritten: Looks::All,
        }
    }

    /// Whether everything is durable, the database knows that the run only waits, and nothing is under way for it.
    pub(crate) fn is_idle(&self) -> bool {
        self.rests_at == self.run.seq()
            && self.durable == self.run.seq()
            && self.active.is_empty()
            && self.errands == 0
            && self.stalled.is_none()
    }

    /// What tasks wait for, a line per reason.
    pub(crate) fn waits_for(&self) -> Vec<String> {
        let mut steps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for ((step, _, _), reason) in &self.queued {
            steps.entry(reason).or_default().push(step);
        }
        let lines = steps.into_iter().map(|(reason, steps)| match steps[..] {
            [step] => format!("{reason} (`{step}`)"),
            _ => format!("{reason} ({} steps)", steps.len()),
        });
        lines.collect()
    }

    /// The tasks of the steps that were touched since this was asked last.
    pub(crate) fn touched_tasks(&mut self) -> Vec<Task> {
        match self.run.take_touched() {
            Touched::All => {
                self.unperformed = Looks::All;
                self.unwritten = Looks::All;
                let tasks = pending(&self.run)
                    .into_iter()
                    .filter_map(|action| match action {
                        Action::StartTask(task) => Some(task),
                        _ => None,
                    });
                tasks.collect()
            }
            Touched::Some(mut steps) => {
                steps.sort_unstable();
                steps.dedup();
                self.unperformed.add(&steps);
                self.unwritten.add(&steps);
                let tasks = steps.iter().filter_map(|step| self.run.running_task(*step));
                tasks.collect()
            }
        }
    }

    /// Notes that the machine is about to see `input`: what it answers is no longer under way.
    pub(crate) fn settle(&mut self, input: &Input) {
        match input {
            // A light task was never under way.
            Input::TaskEnded { .. } if self.active.is_empty() => {}
            Input::TaskEnded { step, epoch, .. } | Input::TaskLost { step, epoch } => {
                self.active.remove(&(step.clone(), *epoch, false));
                self.queued.remove(&(step.clone(), *epoch, false));
            }
            Input::UndoEnded { step, epoch, .. } => {
                self.active.remove(&(step.clone(), *epoch, true));
                self.queued.remove(&(step.clone(), *epoch, true));
            }
            Input::TimerDue { timer } => {
                self.timers.remove(timer);
            }
            Input::ChildEnded { run, .. } => {
                self.children.remove(run);
                self.stopped_children.remove(run);
            }
            Input::Start(_)
            | Input::Recover
            | Input::TaskLogged { .. }
            | Input::Decide { .. }
            | Input::Signal { .. }
            | Input::Cancel { .. }
            | Input::Pause { .. }
            | Input::Resume { .. }
            | Input::Raise { .. }
            | Input::RetryNow { .. }
            | Input::Settle { .. }
            | Input::HostResumed { .. }
            | Input::Advance => {}
        }
    }
}
