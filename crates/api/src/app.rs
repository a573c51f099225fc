//! The one object that a front end holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use baton_core::step_kind::Catalog;
use baton_engine::{Clock, Engine, EngineConfig, SystemClock};
use baton_steps::Artifacts;
use baton_store::{OpenOptions, Store, StoreError};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::caller::Caller;
use crate::catalog::SampleList;
use crate::error::{ApiError, Code};
use crate::events::BackendEvent;
use crate::history::Histories;
use crate::targets::line::Lines;
use crate::{bridge, handlers, keeping, places, safe_mode};

/// How many events a slow reader may be behind before it has to read everything again.
pub(crate) const EVENTS: usize = 4_096;

/// How to open Baton.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// Where database and artifacts are.
    pub data_dir: PathBuf,
    /// Where relative paths and the file dialogs start.
    pub workspace_dir: PathBuf,
    /// Where the sample workflows are.
    pub samples_dir: PathBuf,
    /// Who answers approvals; absent: the setting, else the account name.
    pub person: Option<String>,
    /// For looking only: nothing is written and nothing runs.
    pub read_only: bool,
    /// Folder that relative paths of a document without a file start from; absent: the workspace folder.
    pub default_work_dir: Option<PathBuf>,
    /// How many tasks are carried out at a time.
    pub concurrency: u32,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Also in a data folder where a database is not safe.
    pub any_folder: bool,
    /// What this program calls itself, to others that use the same data folder.
    pub program: String,
    /// Triggers fire as long as this is open: for the window and the server, not for one command.
    pub act_on_triggers: bool,
    /// Hooks listen on this port as long as this is open, whatever the setting says; `None`: as it says.
    pub webhooks: Option<u16>,
}

impl AppConfig {
    /// The usual configuration, with everything below `data_dir` and `workspace_dir`.
    pub fn new(data_dir: impl Into<PathBuf>, workspace_dir: impl Into<PathBuf>) -> Self {
        let workspace_dir = workspace_dir.into();
        Self {
            data_dir: data_dir.into(),
            samples_dir: workspace_dir.join("workflows"),
            workspace_dir,
            person: None,
            read_only: false,
            default_work_dir: None,
            concurrency: 8,
            clock: Arc::new(SystemClock),
            any_folder: places::allows_any_folder(),
            program: "Baton".to_owned(),
            act_on_triggers: false,
            webhooks: None,
        }
    }
}

/// Baton, opened on a data folder. Clones share it.
#[derive(Debug, Clone)]
pub struct App {
    inner: Arc<Inner>,
    asker: Arc<Asker>,
    caller: Arc<Caller>,
}

/// Whoever asks: relative paths, samples and the name of the person are theirs.
#[derive(Debug)]
struct Asker {
    config: AppConfig,
    /// The asker is another process.
    is_other: bool,
    samples: Mutex<Option<SampleList>>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    engine: Option<Engine>,
    read_only: Option<StoreError>,
    catalog: Arc<Catalog>,
    program: String,
    webhooks: Option<u16>,
    person: RwLock<Option<String>>,
    events: broadcast::Sender<BackendEvent>,
    is_bridged: AtomicBool,
    is_watching: AtomicBool,
    watched: Mutex<BTreeMap<PathBuf, Option<SystemTime>>>,
    histories: Histories,
    lines: Lines,
    closing: CancellationToken,
    /// Number of this start, if it was noted.
    start: Option<i64>,
    /// Why Baton is in safe mode, while it is.
    safe_mode: RwLock<Option<String>>,
    /// Somebody who uses this folder lets triggers act.
    triggers_wanted: AtomicBool,
}

impl App {
    /// Opens a data folder and lets the runs in it go on. A folder that cannot be written is opened for looking
    /// only, and `app_info` says why.
    ///
    /// # Errors
    ///
    /// If the folder cannot even be looked into, or another Baton owns it.
    pub async fn open(config: AppConfig) -> Result<Self, ApiError> {
        Ok(Self::try_open(config).await??)
    }

    /// As [`App::open`]; an owner that is there already is told apart from other troubles.
    pub(crate) async fn try_open(config: AppConfig) -> Result<Result<Self, StoreError>, ApiError> {
        let (store, read_only) = match open_store(&config).await {
            Ok(opened) => opened,
            Err(locked @ StoreError::Locked { .. }) => return Ok(Err(locked)),
            Err(error) => return Err(error.into()),
        };
        let catalog = Arc::new(baton_steps::catalog());
        let (mut start, mut safe_mode) = (None, None);
        let engine = if read_only.is_none() {
            let limits = handlers::kept_limits(&store).await?;
            let begun = safe_mode::begin(&store, config.clock.now()).await?;
            let mut engine = EngineConfig::new(store.clone(), catalog.clone());
            engine.work.concurrency = config.concurrency;
            if let Some(limits) = limits {
                engine.work = limits.work();
                engine.watermarks = limits.marks();
                engine.budgets = limits.run;
            }
            engine.clock = config.clock.clone();
            engine.take_up = begun.take_up;
            engine.start = Some(begun.start);
            (start, safe_mode) = (Some(begun.start), begun.safe);
            Some(Engine::start(engine).await?)
        } else {
            None
        };
        let program = config.program.clone();
        let webhooks = config.webhooks;
        let app = Self {
            asker: Arc::new(Asker::new(config, false)),
            caller: Arc::new(Caller::Owner),
            inner: Arc::new(Inner {
                store,
                engine,
                read_only,
                catalog,
                program,
                webhooks,
                person: RwLock::new(None),
                events: broadcast::Sender::new(EVENTS),
                is_bridged: AtomicBool::new(false),
                is_watching: AtomicBool::new(false),
                watched: Mutex::default(),
                histories: Histories::default(),
                lines: Lines::default(),
                closing: CancellationToken::new(),
                start,
                safe_mode: RwLock::new(safe_mode),
                triggers_wanted: AtomicBool::new(false),
            }),
        };
        let settings = handlers::settings_of(&app).await?;
        app.name_person(settings.person);
        if app.inner.engine.is_some() {
            keeping::start(&app);
        }
        handlers::listen_for_webhooks(&app).await?;
        if app.config().act_on_triggers {
            app.act_on_triggers();
        }
        Ok(Ok(app))
    }

    /// The same, for a process that asks from elsewhere. `config` is its own; where things are kept stays.
    pub(crate) fn on_behalf_of(&self, config: AppConfig) -> Self {
        // Whoever stays lets triggers act here, for as long as this process owns the folder.
        if config.act_on_triggers {
            self.act_on_triggers();
        }
        Self {
            inner: self.inner.clone(),
            asker: Arc::new(Asker::new(config, true)),
            caller: Arc::new(Caller::Owner),
        }
    }

    /// The same, for `caller`: what is done is done in their name.
    pub(crate) fn asked_by(&self, caller: &Caller) -> Self {
        let mut app = self.clone();
        if *app.caller != *caller {
            app.caller = Arc::new(caller.clone());
        }
        app
    }

    /// Who asks.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Lets triggers act here; in safe mode, once it is left.
    fn act_on_triggers(&self) {
        self.inner.triggers_wanted.store(true, Ordering::SeqCst);
        if self.safe_mode().is_none()
            && let Some(engine) = self.running_engine()
        {
            engine.triggers().start();
        }
    }

    /// Lets triggers act that were held back by safe mode.
    pub(crate) fn act_on_held_triggers(&self) {
        if self.inner.triggers_wanted.load(Ordering::SeqCst) {
            self.act_on_triggers();
        }
    }

    /// The port of hooks that this process was started with.
    pub(crate) fn webhook_port(&self) -> Option<u16> {
        self.inner.webhooks
    }

    /// Who owns the data folder, if whoever asks does not.
    pub(crate) fn owner(&self) -> Option<String> {
        let program = &self.inner.program;
        self.asker
            .is_other
            .then(|| format!("{program} (process {})", std::process::id()))
    }

    /// Everything that changes from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<BackendEvent> {
        let receiver = self.inner.events.subscribe();
        if let Some(engine) = &self.inner.engine
            && !self.inner.is_bridged.swap(true, Ordering::SeqCst)
        {
            bridge::start(engine.subscribe(), self.inner.events.clone());
        }
        receiver
    }

    /// Begins no run and no further step, and waits at most `grace` for steps that act. `false`: some still do.
    pub async fn wind_down(&self, grace: Duration) -> bool {
        match &self.inner.engine {
            Some(engine) => tokio::time::timeout(grace, engine.wind_down())
                .await
                .is_ok(),
            None => true,
        }
    }

    /// Takes nothing new, finishes what is being written, and gives the data folder back. Steps that are running
    /// are taken up again at the next start.
    pub async fn shutdown(&self) {
        self.inner.closing.cancel();
        self.inner.lines.close_all().await;
        if let Some(engine) = &self.inner.engine {
            engine.close().await;
        }
        if let Some(start) = self.inner.start
            && let Err(error) = self.inner.store.start_ended(start, self.now()).await
        {
            tracing::warn!(%error, "it could not be noted that Baton ended properly");
        }
        self.inner.store.close().await;
    }

    /// Answers the command `name` of the owner of the data folder.
    ///
    /// # Errors
    ///
    /// Those of the command, and [`Code::UnknownCommand`] or [`Code::BadRequest`].
    pub async fn call(
        &self,
        name: &str,
        request: serde_json::Value,
    ) -> Result<serde_json::Value, ApiError> {
        crate::dispatch(self, &Caller::Owner, name, request).await
    }

    /// For work that goes on beside the app and must not keep it: the app, and when it closes.
    pub(crate) fn downgrade(&self) -> (WeakApp, CancellationToken) {
        let weak = WeakApp {
            inner: Arc::downgrade(&self.inner),
            asker: self.asker.clone(),
            caller: self.caller.clone(),
        };
        (weak, self.inner.closing.clone())
    }

    /// The connections to targets.
    pub(crate) fn lines(&self) -> &Lines {
        &self.inner.lines
    }

    /// Tells front ends.
    pub(crate) fn publish(&self, event: BackendEvent) {
        // Nobody listening is not an error.
        drop(self.inner.events.send(event));
    }

    pub(crate) fn config(&self) -> &AppConfig {
        &self.asker.config
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.inner.catalog
    }

    pub(crate) fn histories(&self) -> &Histories {
        &self.inner.histories
    }

    pub(crate) fn artifacts(&self) -> Artifacts {
        Artifacts::new(self.inner.store.artifacts_dir())
    }

    pub(crate) fn now(&self) -> baton_core::Millis {
        self.asker.config.clock.now()
    }

    /// Why Baton is in safe mode, if it is: then nothing goes on by itself, no run and no trigger.
    pub fn safe_mode(&self) -> Option<String> {
        let reason = self.inner.safe_mode.read();
        reason.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn leave_safe_mode(&self) {
        let reason = self.inner.safe_mode.write();
        *reason.unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Number of this start among those of the data folder.
    pub(crate) fn start(&self) -> Option<i64> {
        self.inner.start
    }

    /// Tells front ends.
    pub(crate) fn tell(&self, event: BackendEvent) {
        // Nobody listening is not an error.
        drop(self.inner.events.send(event));
    }

    /// Why nothing can be written, if so.
    pub(crate) fn read_only(&self) -> Option<&StoreError> {
        self.inner.read_only.as_ref()
    }

    /// The engine, if runs are carried out here.
    pub(crate) fn running_engine(&self) -> Option<&Engine> {
        self.inner.engine.as_ref()
    }

    /// The engine.
    pub(crate) fn engine(&self) -> Result<&Engine, ApiError> {
        match (&self.inner.engine, &self.inner.read_only) {
            (Some(engine), _) => Ok(engine),
            (None, Some(reason)) => Err(ApiError::from(reason.clone())),
            (None, None) => Err(ApiError::new(Code::Store, "nothing runs here")),
        }
    }

    /// Who answers approvals here.
    pub(crate) fn person(&self) -> String {
        if let Some(user) = self.caller.user() {
            return user.to_owned();
        }
        let configured = self.config().person.clone();
        let named = || {
            self.inner
                .person
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        };
        configured
            .or_else(named)
            .filter(|name| !name.trim().is_empty())
            .or_else(|| std::env::var("USER").ok())
            .or_else(|| std::env::var("USERNAME").ok())
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| "me".to_owned())
    }

    pub(crate) fn name_person(&self, person: Option<String>) {
        *self
            .inner
            .person
            .write()
            .unwrap_or_else(PoisonError::into_inner) = person;
    }

    pub(crate) fn cached_samples(&self) -> Option<SampleList> {
        self.asker
            .samples
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn cache_samples(&self, samples: SampleList) {
        *self
            .asker
            .samples
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(samples);
    }

    /// Tells front ends when the file changes on disk; `modified` is what it is known as now.
    pub(crate) fn watch_file(&self, path: &Path, modified: Option<SystemTime>) {
        let mut watched = self
            .inner
            .watched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        watched.insert(path.to_path_buf(), modified);
        drop(watched);
        if !self.inner.is_watching.swap(true, Ordering::SeqCst) {
            let inner = Arc::downgrade(&self.inner);
            let closing = self.inner.closing.clone();
            tokio::spawn(bridge::watch_files(closing, move || {
                let inner = inner.upgrade()?;
                let mut watched = inner.watched.lock().unwrap_or_else(PoisonError::into_inner);
                for path in bridge::changed(&mut watched) {
                    let path = path.display().to_string();
                    // Nobody listening is not an error.
                    drop(inner.events.send(BackendEvent::FileChanged { path }));
                }
                Some(())
            }));
        }
    }
}

/// An app that may be gone.
#[derive(Debug)]
pub(crate) struct WeakApp {
    inner: Weak<Inner>,
    asker: Arc<Asker>,
    caller: Arc<Caller>,
}

impl WeakApp {
    pub(crate) fn upgrade(&self) -> Option<App> {
        let inner = self.inner.upgrade()?;
        let (asker, caller) = (self.asker.clone(), self.caller.clone());
        Some(App {
            inner,
            asker,
            caller,
        })
    }
}

impl Asker {
    fn new(config: AppConfig, is_other: bool) -> Self {
        Self {
            config,
            is_other,
            samples: Mutex::default(),
        }
    }
}

async fn open_store(config: &AppConfig) -> Result<(Store, Option<StoreError>), StoreError> {
    let options = |read_only| OpenOptions {
        read_only,
        any_folder: config.any_folder,
        ..OpenOptions::default()
    };
    if config.read_only {
        let store = Store::open(&config.data_dir, options(true)).await?;
        return Ok((store, Some(StoreError::ReadOnly)));
    }
    let reason = match Store::open(&config.data_dir, options(false)).await {
        Ok(store) => return Ok((store, None)),
        // The ballast is kept for this moment.
        Err(StoreError::DiskFull { .. }) if baton_engine::give_up_ballast(&config.data_dir) => {
            match Store::open(&config.data_dir, options(false)).await {
                Ok(store) => return Ok((store, None)),
                Err(reason) => reason,
            }
        }
        Err(reason) => reason,
    };
    let can_look = matches!(
        reason,
        StoreError::ReadOnlyFolder { .. }
            | StoreError::DiskFull { .. }
            | StoreError::Damaged { .. }
    );
    if !can_look {
        return Err(reason);
    }
    match Store::open(&config.data_dir, options(true)).await {
        Ok(store) => Ok((store, Some(reason))),
        Err(_) => Err(reason),
    }
}
