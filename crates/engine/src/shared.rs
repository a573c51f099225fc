//! What all parts of an engine share: the runs in its hands, the definitions that were compiled, who is told.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_core::document::{self, Workflow};
use baton_core::machine::{Allowance, Budget, Input, Plan, Run, Start};
use baton_core::step_kind::Catalog;
use baton_steps::{Artifacts, Limits, Secrets};
use baton_store::{Store, StoreError};
use serde_json::Value;
use tokio::sync::{OnceCell, broadcast, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::EngineConfig;
use crate::disk::{Disk, DiskLevel};
use crate::drive::drive;
use crate::ears::Ears;
use crate::entry::{Entry, Message, Origin, State};
use crate::error::EngineError;
use crate::notice::EngineNotice;
use crate::outside::{Journal, Tasks};
use crate::places::Places;
use crate::projection::Projection;
use crate::sleep::{self, Resting};
use crate::snapshots::Snapshots;
use crate::timers::Timers;
use crate::triggers;

/// How many notices a slow listener may be behind before it has to read everything again.
const NOTICES: usize = 4_096;

/// How many compiled definitions are kept for the next run.
const RECENT_PLANS: usize = 8;

/// What all parts of an engine share.
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

impl Shared {
    /// Nothing in its hands yet.
    pub(crate) fn new(config: EngineConfig) -> Self {
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
            take_up: _,
            start,
            clock,
            limits,
            secrets,
        } = config;
        let disk = Disk::new(store.dir(), space, watermarks);
        Self {
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
        }
    }

    /// Everything that is told from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<EngineNotice> {
        self.notices.subscribe()
    }

    /// Changes the budgets of runs that begin from now on and whose definition says nothing else.
    pub(crate) fn set_budgets(&self, budgets: Allowance) {
        let known = self.budgets.lock();
        *known.unwrap_or_else(PoisonError::into_inner) = budgets;
    }

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
