//! The engine as the other crates see it.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_core::Millis;
use baton_core::document::{self, Workflow};
use baton_core::machine::{Allowance, Budget, Decision, Input, Plan, Run, Settlement, Start};
use baton_core::step_kind::Catalog;
use baton_steps::{Artifacts, Limits, Secrets};
use baton_store::{Store, StoreError};
use serde_json::Value;
use tokio::sync::{OnceCell, broadcast, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, SystemClock};
use crate::disk::{Disk, DiskLevel, DiskState, FileSystem, Space, Watermarks};
use crate::drive::drive;
use crate::ears::{self, Ears};
use crate::entry::{Entry, Message, Origin, State};
use crate::error::EngineError;
use crate::host;
use crate::notice::EngineNotice;
use crate::outside::{Journal, StandardTasks, Tasks};
use crate::places::{Places, WorkLimits};
use crate::projection::Projection;
use crate::recover::{self, TakeUp};
use crate::sleep::{self, Resting};
use crate::snapshots::Snapshots;
use crate::timers::Timers;
use crate::triggers;

/// How many notices a slow listener may be behind before it has to read everything again.
const NOTICES: usize = 4_096;

/// How many events of resting runs stay in memory: some ten megabytes.
const AWAKE: u64 = 100_000;

/// How many compiled definitions are kept for the next run.
const RECENT_PLANS: usize = 8;

/// What an engine works with.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where everything is kept.
    pub store: Store,
    /// Where events become durable: the store.
    pub journal: Arc<dyn Journal>,
    /// Who carries out tasks.
    pub tasks: Arc<dyn Tasks>,
    /// The kinds of step.
    pub catalog: Arc<Catalog>,
    /// How many tasks are carried out at a time.
    pub work: WorkLimits,
    /// How many events the runs that only wait may have together before those that rested longest leave memory.
    pub awake: u64,
    /// Budgets of runs whose definition says nothing else.
    pub budgets: Allowance,
    /// From how little room on the disk on something is done about it.
    pub watermarks: Watermarks,
    /// Where the room is looked up.
    pub space: Arc<dyn Space>,
    /// Which open runs go on by themselves.
    pub take_up: TakeUp,
    /// Number of this start in the store, if it was noted there.
    pub start: Option<i64>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// How much one task may use.
    pub limits: Limits,
    /// Where the values of named secrets come from.
    pub secrets: Secrets,
}

impl EngineConfig {
    /// The usual configuration: eight tasks at a time, the clock of the machine.
    pub fn new(store: Store, catalog: Arc<Catalog>) -> Self {
        Self {
            journal: Arc::new(store.clone()),
            tasks: Arc::new(StandardTasks),
            store,
            catalog,
            awake: AWAKE,
            work: WorkLimits::default(),
            budgets: Allowance::default(),
            watermarks: Watermarks::default(),
            space: Arc::new(FileSystem),
            take_up: TakeUp::All,
            start: None,
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            secrets: Secrets::default(),
        }
    }
}

/// A run to begin.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The definition, exactly as it is to be carried out.
    pub workflow: Arc<Workflow>,
    /// File that it belongs to.
    pub path: Option<PathBuf>,
    /// Folder that relative paths start from.
    pub work_dir: PathBuf,
    /// The input.
    pub input: Value,
    /// What starts it: `manual`, `cli` …
    pub by: Option<String>,
}

/// An event from outside.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Unique: a run takes an id only once.
    pub id: String,
    /// Name of the event.
    pub event: String,
    /// Its key.
    pub key: Value,
    /// What it carries.
    pub payload: Value,
    /// Only to this run.
    pub run: Option<String>,
}

/// Carries out runs. Clones share it.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) tasks: Arc<dyn Tasks>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) secrets: Secrets,
    pub(crate) artifacts: Artifacts,
    pub(crate) temp_dir: PathBuf,
    pub(crate) places: Arc<Places>,
    pub(crate) disk: Disk,
    pub(crate) start: Option<i64>,
    budgets: Mutex<Allowance>,
    pub(crate) timers: Timers,
    pub(crate) resting: Resting,
    pub(crate) snapshots: Snapshots,
    pub(crate) closing: CancellationToken,
    /// No run and no further step begins.
    pub(crate) winding_down: AtomicBool,
    pub(crate) triggers: triggers::Inner,
    runs: Mutex<BTreeMap<String, Arc<Entry>>>,
    /// Definitions that were compiled last.
    plans: Mutex<VecDeque<Arc<Plan>>>,
    /// Definitions that are in the store, or on the way there, by digest.
    kept: Mutex<BTreeMap<String, Arc<OnceCell<()>>>>,
    /// Which events the steps of a definition may wait for, by its digest.
    pub(crate) ears: Mutex<BTreeMap<String, Arc<Ears>>>,
    /// Open runs that could not be taken up again, and why.
    lost: Mutex<BTreeMap<String, String>>,
    notices: broadcast::Sender<EngineNotice>,
    /// Drivers: waited for when the engine closes.
    pub(crate) drivers: TaskTracker,
}

impl Engine {
    /// Starts an engine and takes all runs of the store that have not ended into its hands.
    ///
    /// # Errors
    ///
    /// If the store cannot say which runs are open.
    pub async fn start(config: EngineConfig) -> Result<Self, EngineError> {
        let EngineConfig {
            store,
            journal,
            tasks,
            catalog,
            awake,
            work,
            budgets,
            watermarks,
            space,
            take_up,
            start,
            clock,
            limits,
            secrets,
        } = config;
        let disk = Disk::new(store.dir(), space, watermarks);
        let shared = Arc::new(Shared {
            snapshots: Snapshots::new(&store),
            artifacts: Artifacts::new(store.artifacts_dir()),
            temp_dir: store.dir().join("tmp"),
            store,
            journal,
            tasks,
            catalog,
            clock,
            limits,
            secrets,
            places: Arc::new(Places::new(work)),
            disk,
            start,
            budgets: Mutex::new(budgets),
            timers: Timers::default(),
            resting: Resting::new(awake),
            closing: CancellationToken::new(),
            winding_down: AtomicBool::new(false),
            triggers: triggers::Inner::default(),
            runs: Mutex::default(),
            plans: Mutex::default(),
            kept: Mutex::default(),
            ears: Mutex::default(),
            lost: Mutex::default(),
            notices: broadcast::Sender::new(NOTICES),
            drivers: TaskTracker::new(),
        });
        shared.look_at_disk();
        shared.watch_disk();
        recover::open_runs(&shared, take_up).await?;
        host::watch(&shared);
        Ok(Self { shared })
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<EngineNotice> {
        self.shared.notices.subscribe()
    }

    /// Begins a run; gives its id once its first events are durable.
    ///
    /// # Errors
    ///
    /// If the definition has problems that forbid it, or the store does not take it.
    pub async fn run(&self, new: NewRun) -> Result<String, EngineError> {
        let NewRun {
            workflow,
            path,
            work_dir,
            input,
            by,
        } = new;
        let plan = self.shared.plan(&workflow)?;
        let origin = Origin {
            path,
            work_dir,
            parent: None,
            depth: 0,
        };
        let run = uuid::Uuid::now_v7().to_string();
        self.shared
            .begin(run.clone(), plan, origin, input, by)
            .await?;
        Ok(run)
    }

    /// Answers a question.
    ///
    /// # Errors
    ///
    /// If the run or the question is no longer open.
    pub async fn decide(
        &self,
        run: &str,
        step: &str,
        by: &str,
        decision: Decision,
        comment: Option<String>,
        data: Option<Value>,
    ) -> Result<(), EngineError> {
        let (step, by) = (step.to_owned(), by.to_owned());
        self.shared
            .ask(
                run,
                Input::Decide {
                    step,
                    by,
                    decision,
                    comment,
                    data,
                },
            )
            .await
    }

    /// Stops a run; with `undo`, what it completed is taken back.
    ///
    /// # Errors
    ///
    /// If the run is no longer open.
    pub async fn cancel(
        &self,
        run: &str,
        by: &str,
        reason: Option<String>,
        undo: bool,
    ) -> Result<(), EngineError> {
        self.shared
            .ask(
                run,
                Input::Cancel {
                    by: by.to_owned(),
                    reason,
                    undo,
                },
            )
            .await
    }

    /// Starts no further step of a run.
    ///
    /// # Errors
    ///
    /// If the run is no longer open.
    pub async fn pause(&self, run: &str, by: &str) -> Result<(), EngineError> {
        self.shared
            .ask(run, Input::Pause { by: by.to_owned() })
            .await
    }

    /// Starts steps of a paused run again.
    ///
    /// # Errors
    ///
    /// If the run is no longer open.
    pub async fn resume(&self, run: &str, by: &str) -> Result<(), EngineError> {
        self.shared
            .ask(run, Input::Resume { by: by.to_owned() })
            .await
    }

    /// Allows a run more of a budget.
    ///
    /// # Errors
    ///
    /// If the run is no longer open, or that would not be more.
    pub async fn raise(
        &self,
        run: &str,
        budget: Budget,
        limit: u64,
        by: &str,
    ) -> Result<(), EngineError> {
        let by = by.to_owned();
        self.shared
            .ask(run, Input::Raise { budget, limit, by })
            .await
    }

    /// Begins the next attempt of a failed step at once.
    ///
    /// # Errors
    ///
    /// If the run is no longer open, or the step does not wait for an attempt.
    pub async fn retry_now(&self, run: &str, step: &str, by: &str) -> Result<(), EngineError> {
        let (step, by) = (step.to_owned(), by.to_owned());
        self.shared.ask(run, Input::RetryNow { step, by }).await
    }

    /// Says what became of a step with unknown outcome.
    ///
    /// # Errors
    ///
    /// If the run is no longer open, or the step is not in question.
    pub async fn settle(
        &self,
        run: &str,
        step: &str,
        by: &str,
        answer: Settlement,
    ) -> Result<(), EngineError> {
        let (step, by) = (step.to_owned(), by.to_owned());
        self.shared
            .ask(run, Input::Settle { step, by, answer })
            .await
    }

    /// Sends an event to every run that waits for it or still may, and says to how many.
    ///
    /// # Errors
    ///
    /// If it is for one run and that run is no longer open.
    pub async fn signal(&self, signal: Signal) -> Result<u32, EngineError> {
        let Signal {
            id,
            event,
            key,
            payload,
            run,
        } = signal;
        let input = Input::Signal {
            id,
            event: event.clone(),
            key: key.clone(),
            payload,
        };
        if let Some(run) = run {
            return self.shared.ask(&run, input).await.map(|()| 1);
        }
        ears::signal(&self.shared, &event, &key, input).await
    }

    /// Looks at a run that has not ended, and wakes it if it sleeps: its state, and position and instant of its last
    /// durable event. `None` if it has ended, never was, or cannot be read.
    pub async fn look<T>(&self, run: &str, look: impl FnOnce(&Run, u32, Millis) -> T) -> Option<T> {
        let entry = self.shared.wake(run).await.ok()?;
        let state = entry.state();
        Some(look(&state.run, state.durable, state.durable_at))
    }

    /// Why a run that has not ended stands still: its events cannot be written, or it could not be taken up again.
    pub fn stalled(&self, run: &str) -> Option<String> {
        match self.shared.find(run) {
            Some(entry) => entry.state().stalled.as_ref().map(ToString::to_string),
            None => self.shared.lost(run),
        }
    }

    /// Why steps of a live run wait that could begin but for a limit: path of the step and reason.
    pub fn waits(&self, run: &str) -> BTreeMap<String, String> {
        let Some(entry) = self.shared.find(run) else {
            return BTreeMap::new();
        };
        let state = entry.state();
        let waits = state.queued.iter();
        waits
            .map(|((step, _, _), reason)| (step.clone(), reason.clone()))
            .collect()
    }

    /// Places that steps of a live run wait for, a line per reason.
    pub fn waits_for(&self, run: &str) -> Vec<String> {
        let Some(entry) = self.shared.find(run) else {
            return Vec::new();
        };
        entry.state().waits_for()
    }

    /// How much is carried out at a time.
    pub fn work_limits(&self) -> WorkLimits {
        self.shared.places.limits()
    }

    /// Changes how much is carried out at a time; what runs goes on.
    pub fn set_work_limits(&self, limits: WorkLimits) {
        self.shared.places.set(limits, self.shared.clock.now());
    }

    /// Changes the budgets of runs that begin from now on and whose definition says nothing else.
    pub fn set_budgets(&self, budgets: Allowance) {
        let known = self.shared.budgets.lock();
        *known.unwrap_or_else(PoisonError::into_inner) = budgets;
    }

    /// Changes from how little room on something is done about it.
    pub fn set_watermarks(&self, marks: Watermarks) {
        self.shared.disk.set_marks(marks);
        self.shared.look_at_disk();
    }

    /// How much room there is on the disk and what is done about it.
    pub fn disk(&self) -> DiskState {
        self.shared.disk.state()
    }

    /// From how little room on something is done about it.
    pub fn watermarks(&self) -> Watermarks {
        self.shared.disk.marks()
    }

    /// Takes up an open run that was not taken up at the start.
    ///
    /// # Errors
    ///
    /// If there is no such run, or it has ended, or cannot be replayed.
    pub async fn take_up(&self, run: &str) -> Result<(), EngineError> {
        recover::one(&self.shared, run, recover::Then::GoOn).await
    }

    /// Takes up, one after the other, all open runs that were not taken up at the start and are not set aside.
    ///
    /// # Errors
    ///
    /// If the store cannot say which runs are open.
    pub async fn take_up_rest(&self) -> Result<(), EngineError> {
        recover::rest(&self.shared).await
    }

    /// Brings an open run that was not taken up into the hands of the engine without letting it go on, to be
    /// cancelled. One that is live already is left alone.
    ///
    /// # Errors
    ///
    /// As [`Engine::take_up`].
    pub async fn take_in_hand(&self, run: &str) -> Result<(), EngineError> {
        if self.shared.find(run).is_some() {
            return Ok(());
        }
        recover::one(&self.shared, run, recover::Then::Stand).await
    }

    /// Why an open run is not in the hands of this engine and will not be by itself: it was set aside, safe mode keeps
    /// it, or it could not be replayed.
    pub fn left_out(&self, run: &str) -> Option<String> {
        self.shared
            .lost(run)
            .filter(|reason| reason != recover::IN_LINE)
    }

    /// Ids of the runs that are in memory. A run that only waits need not be.
    pub fn live(&self) -> Vec<String> {
        self.shared
            .entries()
            .iter()
            .map(|entry| entry.id.clone())
            .collect()
    }

    /// Takes nothing new, finishes the writes under way, and leaves running steps to the next start.
    pub async fn close(&self) {
        self.shared.closing.cancel();
        self.shared.drivers.close();
        self.shared.drivers.wait().await;
    }
}

impl Shared {
    /// The compiled definition.
    pub(crate) fn plan(&self, workflow: &Workflow) -> Result<Arc<Plan>, EngineError> {
        // Compared as a whole: cheaper than a digest, and the digest of a hit is known.
        if let Some(plan) = self.recent_plan(|plan| plan.workflow() == workflow) {
            return Ok(plan);
        }
        let plan = Plan::compile(workflow, &self.catalog).map_err(EngineError::Invalid)?;
        let mut recent = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_front(plan.clone());
        recent.truncate(RECENT_PLANS);
        Ok(plan)
    }

    /// One of the definitions that were compiled last.
    pub(crate) fn recent_plan(&self, is_it: impl Fn(&Plan) -> bool) -> Option<Arc<Plan>> {
        let recent = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        recent.iter().find(|plan| is_it(plan)).cloned()
    }

    /// Keeps the definition, once: who comes while it is being written waits for that.
    pub(crate) async fn keep_definition(&self, plan: &Plan) -> Result<(), EngineError> {
        let kept = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.get(plan.digest()) {
                Some(kept) => kept.clone(),
                None => kept.entry(plan.digest().to_owned()).or_default().clone(),
            }
        };
        kept.get_or_try_init(async || {
            let text = document::print(plan.workflow());
            self.store.put_definition(plan.digest(), &text).await
        })
        .await?;
        Ok(())
    }

    /// Begins the run `id`; returns once its first events are durable.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        id: String,
        plan: Arc<Plan>,
        origin: Origin,
        input: Value,
        by: Option<String>,
    ) -> Result<(), EngineError> {
        // A run that a step of another one waits for belongs to what is under way: refusing it would fail that step.
        let is_new = origin.parent.is_none();
        if self.closing.is_cancelled() || (is_new && self.is_winding_down()) {
            return Err(EngineError::Closing);
        }
        if self.disk.state().level == DiskLevel::ReadOnly {
            let path = self.store.dir().to_path_buf();
            return Err(EngineError::Store(StoreError::DiskFull { path }));
        }
        self.keep_definition(&plan).await?;
        let start = Start {
            run: id.clone(),
            input,
            env: plan
                .env_names()
                .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
                .collect(),
            // Version 7 ends in random bits.
            seed: uuid::Uuid::now_v7().as_u128() as u32,
            by,
            parent: origin.parent.clone(),
            depth: origin.depth,
            limits: self.budgets_of(&plan, &origin),
        };
        let state = State::new(
            Run::new(plan.clone()),
            0,
            Projection::default(),
            self.clock.now(),
        );
        let entry = Arc::new(Entry::new(id, plan, origin, state));
        self.add(entry.clone());
        let begun = self.ask_entry(&entry, Input::Start(start)).await;
        if begun.is_err() && entry.state().durable == 0 {
            // It never was.
            self.remove(&entry.id);
        }
        begun
    }

    /// What the settings say about what the definition leaves open. A sub-workflow may go as deep as its caller.
    fn budgets_of(&self, plan: &Plan, origin: &Origin) -> Allowance {
        let settings = self.budgets.lock();
        let settings = settings.unwrap_or_else(PoisonError::into_inner).clone();
        let mut limits = settings.beyond(plan.limits());
        let caller = origin.parent.as_ref().and_then(|one| self.find(&one.run));
        let deeper = caller.and_then(|caller| caller.state().run.allowed(Budget::Depth));
        let own = limits.depth.or(plan.limits().depth);
        let own = own.or(Allowance::BUILT_IN.depth);
        if deeper > own {
            limits.depth = deeper;
        }
        limits
    }

    /// Takes a run into the hands of the engine.
    pub(crate) fn add(&self, entry: Arc<Entry>) {
        self.runs().insert(entry.id.clone(), entry);
    }

    /// The runs in memory.
    pub(crate) fn runs(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Entry>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of a run.
    pub(crate) fn remove(&self, run: &str) {
        self.resting.forget(run);
        self.runs().remove(run);
    }

    /// Notes that an open run could not be taken up again.
    pub(crate) fn lose(&self, run: String, reason: String) {
        self.lost
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(run, reason);
    }

    /// It is in the hands of the engine now.
    pub(crate) fn regain(&self, run: &str) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.remove(run);
    }

    pub(crate) fn lost(&self, run: &str) -> Option<String> {
        self.lost
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(run)
            .cloned()
    }

    /// The run with this id, if it is in memory.
    pub(crate) fn find(&self, run: &str) -> Option<Arc<Entry>> {
        self.runs().get(run).cloned()
    }

    /// All runs in memory.
    pub(crate) fn entries(&self) -> Vec<Arc<Entry>> {
        self.runs().values().cloned().collect()
    }

    /// Tells whoever listens.
    pub(crate) fn tell(&self, notice: EngineNotice) {
        // Nobody listening is not an error.
        drop(self.notices.send(notice));
    }

    /// Whether anyone listens.
    pub(crate) fn has_listeners(&self) -> bool {
        self.notices.receiver_count() > 0
    }

    /// Hands `input` to a run; nobody waits for what follows.
    pub(crate) fn send(self: &Arc<Self>, entry: &Arc<Entry>, input: Input) {
        self.put(entry, Message::quiet(input, self.clock.now()));
    }

    pub(crate) fn put(self: &Arc<Self>, entry: &Arc<Entry>, message: Message) {
        if sleep::put(self, entry, message).is_some() && !self.closing.is_cancelled() {
            self.drivers.spawn(drive(self.clone(), entry.clone()));
        }
    }

    /// Hands `input` to a run and waits until what follows from it is durable.
    pub(crate) async fn ask(self: &Arc<Self>, run: &str, input: Input) -> Result<(), EngineError> {
        let entry = self.wake(run).await?;
        self.ask_entry(&entry, input).await
    }

    pub(crate) async fn ask_entry(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        input: Input,
    ) -> Result<(), EngineError> {
        if self.closing.is_cancelled() {
            return Err(EngineError::Closing);
        }
        // What was asked before has to be written first: this one would wait for as long.
        if let Some(source) = entry.state().stalled.clone() {
            return Err(EngineError::Stalled {
                run: entry.id.clone(),
                source,
            });
        }
        let (reply, answer) = oneshot::channel();
        self.put(
            entry,
            Message {
                input,
                put_at: self.clock.now(),
                reply: Some(reply),
            },
        );
        answer.await.unwrap_or(Err(EngineError::Closing))
    }
}
