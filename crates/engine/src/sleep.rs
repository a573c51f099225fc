//! Runs that only wait leave memory, and come back when something is there for them.
//!
//! A run rests when nothing of it is under way: it waits for a time, an event, people or another run. What it waits
//! for is in the database, in the transaction of the events that it follows from. The runs that rested longest are
//! dropped first, as soon as all resting runs together have more events than `awake` allows; whoever has something
//! for a run that sleeps (a timer, a signal, an answer, the end of a child, a request) wakes it by [`Shared::wake`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use baton_core::machine::{Action, Input, Run, Status, pending};
use baton_store::{WaitChanges, WaitFor, Waits};
use tokio::sync::Semaphore;

use crate::entry::{Entry, Looks, Message, Put, State};
use crate::error::EngineError;
use crate::perform::{run_timers, step_timers};
use crate::recover;
use crate::shared::Shared;
use crate::snapshots::{self, Occasion};

/// What a run costs in memory beside its events, in events.
const WEIGHT_OF_A_RUN: u64 = 50;
/// Locks that keep two from waking the same run.
const LOCKS: usize = 64;
/// How many runs are read at a time.
const READERS: usize = 16;

/// The runs that rest in memory, and what wakes the others.
#[derive(Debug)]
pub(crate) struct Resting {
    /// How many events they may have together.
    limit: u64,
    queue: Mutex<Queue>,
    locks: Vec<tokio::sync::Mutex<()>>,
    readers: Semaphore,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    weight: u64,
    /// By when they came to rest.
    order: BTreeMap<u64, (Arc<Entry>, u64)>,
    places: BTreeMap<String, u64>,
}

impl Queue {
    fn push(&mut self, entry: Arc<Entry>, weight: u64) {
        self.forget(&entry.id);
        self.places.insert(entry.id.clone(), self.next);
        self.order.insert(self.next, (entry, weight));
        self.next += 1;
        self.weight += weight;
    }

    fn forget(&mut self, run: &str) {
        if let Some(place) = self.places.remove(run)
            && let Some((_, weight)) = self.order.remove(&place)
        {
            self.weight -= weight;
        }
    }

    fn pop(&mut self) -> Option<Arc<Entry>> {
        let (_, (entry, weight)) = self.order.pop_first()?;
        self.weight -= weight;
        self.places.remove(&entry.id);
        Some(entry)
    }
}

impl Resting {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            queue: Mutex::default(),
            locks: (0..LOCKS).map(|_| tokio::sync::Mutex::default()).collect(),
            readers: Semaphore::new(READERS),
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run has ended, or is let go.
    pub(crate) fn forget(&self, run: &str) {
        self.queue().forget(run);
    }

    fn lock(&self, run: &str) -> &tokio::sync::Mutex<()> {
        let sum = run.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31) + usize::from(byte)
        });
        &self.locks[sum % self.locks.len()]
    }
}

/// What a run with these pending actions waits for, and whether it does nothing else.
pub(crate) fn waits(run: &Run, actions: &[Action]) -> (Waits, bool) {
    let mut waits = Waits::default();
    let mut is_at_rest = matches!(run.status(), Status::Waiting | Status::Paused);
    for action in actions {
        match action {
            Action::StartTask(_)
            | Action::StartUndo(_)
            | Action::CancelTask { .. }
            | Action::CancelChild { .. } => is_at_rest = false,
            Action::SetTimer { timer, at } => {
                waits.timers.insert(timer.clone(), *at);
            }
            Action::Listen { step, event, key } => {
                let (event, key) = (event.clone(), key.clone());
                waits
                    .waits
                    .insert(step.clone(), WaitFor::Event { event, key });
            }
            Action::StartChild { step, run, .. } => {
                let run = run.clone();
                waits.waits.insert(step.clone(), WaitFor::Run { run });
            }
            Action::Ask { .. } | Action::AskOutcome { .. } => {}
        }
    }
    (waits, is_at_rest)
}

/// How what a run waits for moves with a write.
#[derive(Debug)]
pub(crate) struct MovedWaits {
    /// The part of what the database knows that is looked at.
    before: Waits,
    /// The same part now.
    after: Waits,
    /// The run only waits.
    pub(crate) is_at_rest: bool,
}

impl MovedWaits {
    /// What to write.
    pub(crate) fn changes(&self) -> WaitChanges {
        WaitChanges {
            is_at_rest: self.is_at_rest,
            ..self.before.changes_to(&self.after)
        }
    }

    /// It is written: `known` is what the database knows.
    pub(crate) fn happened(self, known: &mut Waits) {
        for timer in self.before.timers.keys() {
            known.timers.remove(timer);
        }
        for step in self.before.waits.keys() {
            known.waits.remove(step);
        }
        known.timers.extend(self.after.timers);
        known.waits.extend(self.after.waits);
    }
}

/// Compares what a run waits for with what the database knows, where something may have changed since this was asked
/// last.
pub(crate) fn moved_waits(state: &mut State) -> MovedWaits {
    let status = state.run.status();
    let steps = match state.unwritten.take() {
        // A run that is paused may still have tasks under way, which its status does not tell.
        Looks::Steps(steps) if status != Status::Paused => steps,
        Looks::Steps(_) | Looks::All => {
            let (after, is_at_rest) = waits(&state.run, &pending(&state.run));
            return MovedWaits {
                before: state.waits.clone(),
                after,
                is_at_rest,
            };
        }
    };
    let known = &state.waits;
    let (mut before, mut after) = (Waits::default(), Waits::default());
    for step in steps {
        let (path, actions) = state.run.pending_of_step(step);
        for name in step_timers(&known.timers, &path) {
            before.timers.extend(entry_of(&known.timers, &name));
        }
        before.waits.extend(entry_of(&known.waits, &path));
        let (here, _) = waits(&state.run, &actions);
        after.timers.extend(here.timers);
        after.waits.extend(here.waits);
    }
    for name in run_timers(&known.timers) {
        before.timers.extend(entry_of(&known.timers, &name));
    }
    let (here, _) = waits(&state.run, &state.run.pending_of_run());
    after.timers.extend(here.timers);
    MovedWaits {
        before,
        after,
        // What was touched in between is looked at with the next write.
        is_at_rest: status == Status::Waiting && !state.run.is_touched(),
    }
}

fn entry_of<T: Clone>(map: &BTreeMap<String, T>, key: &str) -> Option<(String, T)> {
    map.get_key_value(key)
        .map(|(key, value)| (key.clone(), value.clone()))
}

/// The inbox of `entry` is empty: if it only waits now, it rests, and others may have to sleep for it.
pub(crate) async fn rest(shared: &Arc<Shared>, entry: &Arc<Entry>) {
    let unknown = {
        let state = entry.state();
        let seq = state.run.seq();
        if state.durable != seq || state.stalled.is_some() {
            return;
        }
        if state.rests_at == seq {
            None
        } else if matches!(state.run.status(), Status::Waiting | Status::Paused) {
            let (waits, is_at_rest) = waits(&state.run, &pending(&state.run));
            if !is_at_rest {
                return;
            }
            let changes = state.waits.changes_to(&waits);
            Some((state.number, seq, waits, changes))
        } else {
            return;
        }
    };
    // It came to rest without an event: it was written by a build that kept no such rows.
    if let Some((number, seq, waits, changes)) = unknown {
        if let Err(error) = shared.store.rest(number, seq, changes).await {
            tracing::debug!(run = entry.id, %error, "the run stays in memory");
            return;
        }
        let mut state = entry.state();
        if state.run.seq() == seq {
            state.waits = waits;
            state.rests_at = seq;
        }
    }
    snapshots::keep(shared, entry, Occasion::Standing).await;
    let weight = WEIGHT_OF_A_RUN + u64::from(entry.state().run.seq());
    shared.resting.queue().push(entry.clone(), weight);
    loop {
        let oldest = {
            let mut queue = shared.resting.queue();
            if queue.weight <= shared.resting.limit {
                return;
            }
            queue.pop()
        };
        match oldest {
            // One that has something to do comes back to the queue when it is done.
            Some(oldest) => shared.put_to_sleep(&oldest),
            None => return,
        }
    }
}

impl Shared {
    /// The run with this id, from the database if it sleeps.
    ///
    /// # Errors
    ///
    /// If it has ended, never was, or cannot be read.
    pub(crate) async fn wake(self: &Arc<Self>, run: &str) -> Result<Arc<Entry>, EngineError> {
        match self.find(run) {
            Some(entry) => Ok(entry),
            // On the heap: the futures of all who ask would be as large.
            None => Box::pin(self.read(run)).await,
        }
    }

    async fn read(self: &Arc<Self>, run: &str) -> Result<Arc<Entry>, EngineError> {
        let _one_at_a_time = self.resting.lock(run).lock().await;
        if let Some(entry) = self.find(run) {
            return Ok(entry);
        }
        if self.closing.is_cancelled() {
            return Err(EngineError::Closing);
        }
        if let Some(reason) = self.lost(run) {
            return Err(recover::not_taken_up(run, &reason));
        }
        // Never closed: an error cannot come.
        let _reader = self.resting.readers.acquire().await.ok();
        let Some(row) = self.store.run(run).await? else {
            return Err(EngineError::NotFound(run.to_owned()));
        };
        if row.ended_at.is_some() {
            return Err(EngineError::AlreadyEnded(run.to_owned()));
        }
        let entry = match recover::load(self, row).await {
            Ok(entry) => entry,
            Err(error) => {
                if let EngineError::Refused { message, .. } = &error {
                    // It will be refused the next time as well: lists say why.
                    self.lose(run.to_owned(), message.clone());
                }
                return Err(error);
            }
        };
        self.add(entry.clone());
        // What was interrupted goes on; what only waits sees that its timers and children are there.
        self.send(&entry, Input::Recover);
        Ok(entry)
    }

    /// Hands `input` to a run, wherever it is; nobody waits for what follows.
    pub(crate) fn tell_run(self: &Arc<Self>, run: String, inputs: Vec<Input>) {
        if let Some(entry) = self.find(&run) {
            for input in inputs {
                self.send(&entry, input);
            }
            return;
        }
        let shared = self.clone();
        tokio::spawn(async move {
            match shared.wake(&run).await {
                Ok(entry) => {
                    for input in inputs {
                        shared.send(&entry, input);
                    }
                }
                Err(EngineError::AlreadyEnded(_) | EngineError::Closing) => {}
                Err(error) => tracing::error!(run, %error, "the run could not be woken"),
            }
        });
    }

    /// Puts a message to the run that this entry was, now that it sleeps.
    pub(crate) fn put_after_waking(self: &Arc<Self>, run: String, message: Message) {
        let shared = self.clone();
        tokio::spawn(async move {
            match shared.wake(&run).await {
                Ok(entry) => shared.put(&entry, message),
                Err(error) => {
                    if let Some(reply) = message.reply {
                        // The one who asked may have gone.
                        drop(reply.send(Err(error)));
                    } else if !matches!(error, EngineError::AlreadyEnded(_) | EngineError::Closing)
                    {
                        tracing::error!(run, %error, "the run could not be woken");
                    }
                }
            }
        });
    }

    /// Drops a run from memory, if nothing is under way for it.
    fn put_to_sleep(&self, entry: &Arc<Entry>) {
        let mut runs = self.runs();
        if runs
            .get(&entry.id)
            .is_some_and(|known| Arc::ptr_eq(known, entry))
            && entry.leave()
        {
            runs.remove(&entry.id);
        }
    }
}

/// A message to a run that may just have fallen asleep.
pub(crate) fn put(shared: &Arc<Shared>, entry: &Arc<Entry>, message: Message) -> Option<()> {
    match entry.put(message) {
        Put::Driven => None,
        Put::Idle => Some(()),
        Put::Gone(message) => {
            shared.put_after_waking(entry.id.clone(), *message);
            None
        }
    }
}
