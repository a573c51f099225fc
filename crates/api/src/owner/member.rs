//! A process on a data folder: its owner now, or a client of its owner.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baton_core::machine::{Decision, Logged, Phase, Run};
use baton_store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::app::{App, AppConfig, EVENTS};
use crate::caller::Caller;
use crate::error::{ApiError, Code};
use crate::events::BackendEvent;
use crate::headless::{Request, RunResult, Watch, to_the_end};

use super::frame::{News, Wants, Work};
use super::line::{Calls, Line, NoAnswer, NoLine};
use super::repeat::may_be_asked_again;
use super::serve::Served;
use super::socket::Owner;

/// How long an owner that holds the lock may take until it answers: it may be repairing or bringing up to date.
const STARTING: Duration = Duration::from_secs(10);
/// How long a command waits for an owner.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks for an owner, first and later.
const LOOK_AGAIN: Duration = Duration::from_millis(15);
const LOOK_LATER: Duration = Duration::from_millis(300);
/// How long an owner with clients waits for running steps before it leaves them to the next one.
const HANDING_OVER: Duration = Duration::from_secs(10);
/// How long the store may take to close when there is nothing left to write to.
const CLOSING: Duration = Duration::from_secs(5);

/// A process on a data folder. Clones share it; the folder is left with the last one.
#[derive(Debug, Clone)]
pub struct Member {
    shared: Arc<Shared>,
    _leaving: Arc<DropGuard>,
}

#[derive(Debug)]
struct Shared {
    config: AppConfig,
    role: watch::Sender<Role>,
    events: broadcast::Sender<BackendEvent>,
    is_fed: AtomicBool,
    closing: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug, Clone)]
enum Role {
    /// This process owns the folder, or looks into one that cannot be written.
    Owner(App),
    Client(Arc<Calls>),
    /// The owner has ended and there is no other yet; why, if it lasts.
    Between(Option<ApiError>),
    Closed,
}

/// What a look for a role gave.
enum Found {
    Owner(App, Option<Served>),
    Client(Arc<Calls>),
}

impl Member {
    /// Becomes the owner of a data folder, or a client of the Baton that owns it.
    ///
    /// # Errors
    ///
    /// Those of [`App::open`]; and [`Code::Store`] if the owner has another build or account, or does not answer.
    pub async fn join(config: AppConfig) -> Result<Self, ApiError> {
        let found = find(&config, STARTING).await?;
        let closing = CancellationToken::new();
        let shared = Arc::new(Shared {
            role: watch::Sender::new(found.role()),
            config,
            events: broadcast::Sender::new(EVENTS),
            is_fed: AtomicBool::new(false),
            closing: closing.clone(),
            tasks: TaskTracker::new(),
        });
        shared.tasks.spawn(stay(shared.clone(), found));
        Ok(Self {
            shared,
            _leaving: Arc::new(closing.drop_guard()),
        })
    }

    /// Who owns the folder, if this process does not.
    pub fn owner(&self) -> Option<Owner> {
        match &*self.shared.role.borrow() {
            Role::Client(calls) => Some(calls.owner().clone()),
            Role::Owner(_) | Role::Between(_) | Role::Closed => None,
        }
    }

    /// Answers the command `name`, here or at the owner.
    ///
    /// # Errors
    ///
    /// Those of the command; [`Code::OwnerGone`] if the owner ended before it answered and asking again could do
    /// something twice.
    pub async fn call(&self, name: &str, request: Value) -> Result<Value, ApiError> {
        self.call_as(&Caller::Owner, name, request).await
    }

    /// As [`Member::call`], for a user of a server.
    ///
    /// # Errors
    ///
    /// Those of [`Member::call`], and [`Code::Forbidden`].
    pub async fn call_as(
        &self,
        caller: &Caller,
        name: &str,
        request: Value,
    ) -> Result<Value, ApiError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.role(deadline).await? {
                Role::Owner(app) => return crate::dispatch(&app, caller, name, request).await,
                Role::Client(calls) => match calls.call(caller, name, &request).await {
                    Ok(answer) => return answer,
                    Err(NoAnswer::NotSent) => {}
                    Err(NoAnswer::Lost) if may_be_asked_again(name, &request) => {}
                    Err(NoAnswer::Lost) => return Err(gone(&format!("answered `{name}`"))),
                    Err(NoAnswer::Unsendable(error)) => return Err(error),
                },
                Role::Between(_) | Role::Closed => return Err(closed()),
            }
            self.moved_on(deadline).await;
        }
    }

    /// As [`Member::call`], with types.
    ///
    /// # Errors
    ///
    /// Those of [`Member::call`].
    pub async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        name: &str,
        request: &Q,
    ) -> Result<A, ApiError> {
        let internal = |error: serde_json::Error| ApiError::new(Code::Internal, error.to_string());
        let request = serde_json::to_value(request).map_err(internal)?;
        serde_json::from_value(self.call(name, request).await?).map_err(internal)
    }

    /// Everything that changes from now on, whoever the owner is. [`BackendEvent::Lagged`] says that it has changed.
    pub fn subscribe(&self) -> broadcast::Receiver<BackendEvent> {
        let receiver = self.shared.events.subscribe();
        if !self.shared.is_fed.swap(true, Ordering::SeqCst) {
            // Taken at once, so that nothing is missed that a command of the subscriber does.
            let first = match &*self.shared.role.borrow() {
                Role::Owner(app) => Some(app.subscribe()),
                Role::Client(_) | Role::Between(_) | Role::Closed => None,
            };
            let shared = self.shared.clone();
            self.shared.tasks.spawn(feed(shared, first));
        }
        receiver
    }

    /// Carries out a run as [`crate::headless::run`] does, here or at the owner, and goes on with it at the next
    /// owner if that one ends.
    ///
    /// # Errors
    ///
    /// Those of [`crate::headless::run`]; [`Code::OwnerGone`] if the owner ended before it said that the run began.
    pub async fn run(
        &self,
        request: Request,
        on_event: impl FnMut(&Logged),
    ) -> Result<RunResult, ApiError> {
        Box::pin(self.carry_out(Work::Run(Box::new(request)), on_event)).await
    }

    /// Goes along with a run that was begun before, as [`crate::headless::follow`] does.
    ///
    /// # Errors
    ///
    /// Those of [`crate::headless::follow`].
    pub async fn follow(
        &self,
        run: &str,
        approvals: BTreeMap<String, Decision>,
        after: u32,
        on_event: impl FnMut(&Logged),
    ) -> Result<RunResult, ApiError> {
        let run = run.to_owned();
        let work = Work::Follow {
            run,
            approvals,
            after,
        };
        Box::pin(self.carry_out(work, on_event)).await
    }

    async fn carry_out(
        &self,
        mut work: Work,
        mut on_event: impl FnMut(&Logged),
    ) -> Result<RunResult, ApiError> {
        let mut seen = 0;
        let mut on_new = |logged: &Logged| {
            // The last event of a run that has ended is told again to everyone who comes.
            if logged.seq > seen {
                seen = logged.seq;
                on_event(logged);
            }
        };
        loop {
            let deadline = Instant::now() + PATIENCE;
            match self.role(deadline).await? {
                Role::Owner(app) => {
                    let watch = match work {
                        Work::Run(request) => Watch::begin(&app, *request).await?,
                        Work::Follow {
                            run,
                            approvals,
                            after,
                        } => Watch::join(&app, &run, approvals, after).await?,
                    };
                    return to_the_end(watch, on_new).await;
                }
                Role::Client(_) => {
                    match Line::open(&self.shared.config, Wants::Work).await {
                        Ok(line) => {
                            if let Some(result) = go_along(line, &mut work, &mut on_new).await {
                                return result;
                            }
                        }
                        Err(NoLine::Refused(error)) => return Err(error),
                        Err(NoLine::Nobody) => {}
                    }
                    self.moved_on(deadline).await;
                }
                Role::Between(_) | Role::Closed => return Err(closed()),
            }
        }
    }

    /// Before [`Member::shutdown`]: where this process owns the folder, begins no run and no further step, and waits at
    /// most `grace` for steps that act. `false`: some still do.
    pub async fn wind_down(&self, grace: Duration) -> bool {
        let app = match &*self.shared.role.borrow() {
            Role::Owner(app) => Some(app.clone()),
            Role::Client(_) | Role::Between(_) | Role::Closed => None,
        };
        match app {
            Some(app) => app.wind_down(grace).await,
            None => true,
        }
    }

    /// Leaves the folder: takes nothing new, finishes what is being written, lets the next one own it. Steps that are
    /// running are taken up again by the next owner; where there is one already, they get a moment to end.
    pub async fn shutdown(&self) {
        self.shared.closing.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// The role, once there is one that can answer.
    async fn role(&self, deadline: Instant) -> Result<Role, ApiError> {
        let mut roles = self.shared.role.subscribe();
        let settled = roles.wait_for(|role| !matches!(role, Role::Between(None)));
        let role = match timeout_at(deadline, settled).await {
            Ok(Ok(role)) => role.clone(),
            Ok(Err(_)) => return Err(closed()),
            Err(_) => {
                return Err(ApiError::new(
                    Code::Store,
                    "the Baton that owned the data folder has ended, and no other one owns it yet",
                )
                .hint("try again in a moment; `baton doctor` says who owns the folder"));
            }
        };
        match role {
            Role::Between(Some(error)) => Err(error),
            Role::Closed => Err(closed()),
            role => Ok(role),
        }
    }

    /// Waits until a client whose connection broke has become something else.
    async fn moved_on(&self, deadline: Instant) {
        let mut roles = self.shared.role.subscribe();
        let is_alive =
            |role: &Role| !matches!(role, Role::Client(calls) if calls.ended().is_cancelled());
        // A single connection may break while the owner lives: then there is nothing to wait for but a moment.
        sleep(LOOK_AGAIN).await;
        // The next look finds out what came of it.
        drop(timeout_at(deadline, roles.wait_for(is_alive)).await);
    }
}

impl Found {
    fn role(&self) -> Role {
        match self {
            Self::Owner(app, _) => Role::Owner(app.clone()),
            Self::Client(calls) => Role::Client(calls.clone()),
        }
    }
}

/// Looks for an owner and becomes it where there is none, for at most `patience` while the lock is held by somebody
/// who does not answer.
async fn find(config: &AppConfig, patience: Duration) -> Result<Found, ApiError> {
    let deadline = Instant::now() + patience;
    loop {
        match Line::open(config, Wants::Calls).await {
            Ok(line) => return Ok(Found::Client(Calls::start(line))),
            Err(NoLine::Refused(error)) => return Err(error),
            Err(NoLine::Nobody) => {}
        }
        match App::try_open(config.clone()).await? {
            Ok(app) => {
                let served = if app.read_only().is_some() {
                    None
                } else {
                    served(&app)
                };
                return Ok(Found::Owner(app, served));
            }
            Err(locked) if Instant::now() >= deadline => return Err(locked.into()),
            Err(_) => sleep(LOOK_AGAIN).await,
        }
    }
}

fn served(app: &App) -> Option<Served> {
    match Served::start(app) {
        Ok(served) => Some(served),
        Err(error) => {
            tracing::warn!(%error, "other programs cannot reach this owner of the data folder");
            None
        }
    }
}

/// Lives through the changes of role, until the process leaves.
async fn stay(shared: Arc<Shared>, mut found: Found) {
    loop {
        let trouble = match found {
            Found::Client(calls) => {
                tokio::select! {
                    biased;
                    () = shared.closing.cancelled() => break,
                    () = calls.ended().cancelled() => None,
                }
            }
            Found::Owner(app, served) => {
                let taken_away = async {
                    match &served {
                        Some(served) => served.taken_away().cancelled().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = shared.closing.cancelled() => {
                        leave(&app, served).await;
                        break;
                    }
                    () = taken_away => {}
                }
                // What is written now would be lost: nothing more is taken.
                let path = shared.config.data_dir.clone();
                let error = ApiError::from(StoreError::TakenAway { path });
                tracing::error!("{error}");
                shared.role.send_replace(Role::Between(Some(error.clone())));
                if let Some(served) = served {
                    served.stop().await;
                }
                if timeout(CLOSING, app.shutdown()).await.is_err() {
                    tracing::warn!("the store did not close in time");
                }
                Some(error)
            }
        };
        shared.role.send_replace(Role::Between(trouble));
        let Some(next) = find_again(&shared).await else {
            break;
        };
        shared.role.send_replace(next.role());
        found = next;
    }
    shared.role.send_replace(Role::Closed);
}

/// `None` if the process leaves meanwhile.
async fn find_again(shared: &Shared) -> Option<Found> {
    loop {
        let looking = async {
            // A new, empty folder in the place of one that was moved away would look like a loss of everything.
            if !shared.config.data_dir.exists() {
                return None;
            }
            match find(&shared.config, STARTING).await {
                Ok(found) => Some(found),
                Err(error) => {
                    tracing::warn!("no way to the data folder: {error}");
                    shared.role.send_replace(Role::Between(Some(error)));
                    None
                }
            }
        };
        // Not cancelled half-way: a store that was just opened must be closed again.
        if let Some(found) = looking.await {
            return Some(found);
        }
        tokio::select! {
            () = shared.closing.cancelled() => return None,
            () = sleep(LOOK_LATER) => {}
        }
    }
}

/// Gives the folder back.
async fn leave(app: &App, served: Option<Served>) {
    if let Some(served) = served {
        if served.has_clients() {
            let rested = async {
                while is_acting(app).await {
                    sleep(LOOK_AGAIN).await;
                }
            };
            if timeout(HANDING_OVER, rested).await.is_err() {
                tracing::info!("steps that are running are left to the next owner");
            }
        }
        served.stop().await;
    }
    app.shutdown().await;
}

/// Whether a step acts at this moment.
async fn is_acting(app: &App) -> bool {
    let Some(engine) = app.running_engine() else {
        return false;
    };
    for run in engine.live() {
        let acts = |run: &Run, _, _| {
            run.open_steps()
                .any(|(_, step)| step.state.phase == Phase::Running && !step.is_container())
        };
        if engine.look(&run, acts).await == Some(true) {
            return true;
        }
    }
    false
}

/// Passes the events of whoever is the owner on.
async fn feed(shared: Arc<Shared>, mut first: Option<broadcast::Receiver<BackendEvent>>) {
    let mut roles = shared.role.subscribe();
    loop {
        let role = roles.borrow_and_update().clone();
        let mut events = match &role {
            Role::Owner(app) => Some(first.take().unwrap_or_else(|| {
                let events = app.subscribe();
                tell(&shared, BackendEvent::Lagged);
                events
            })),
            Role::Client(_) | Role::Between(_) => None,
            Role::Closed => return,
        };
        let passing = async {
            match (&role, &mut events) {
                (_, Some(events)) => pass(events, &shared).await,
                (Role::Client(_), None) => pass_from_afar(&shared).await,
                (Role::Owner(_) | Role::Between(_) | Role::Closed, None) => {}
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            changed = roles.changed() => if changed.is_err() { return },
            () = passing => {}
        }
        // What an owner told before it left.
        while let Some(Ok(event)) = events.as_mut().map(broadcast::Receiver::try_recv) {
            tell(&shared, event);
        }
    }
}

async fn pass(events: &mut broadcast::Receiver<BackendEvent>, shared: &Shared) {
    loop {
        match events.recv().await {
            Ok(event) => tell(shared, event),
            Err(RecvError::Lagged(_)) => tell(shared, BackendEvent::Lagged),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Until the role changes: a connection that breaks alone is made again.
async fn pass_from_afar(shared: &Shared) {
    loop {
        if let Ok(mut line) = Line::open(&shared.config, Wants::Events).await {
            // What happened before the connection was there was missed.
            tell(shared, BackendEvent::Lagged);
            while let Ok(Some(event)) = line.receive::<BackendEvent>().await {
                tell(shared, event);
            }
        }
        sleep(LOOK_AGAIN).await;
    }
}

fn tell(shared: &Shared, event: BackendEvent) {
    // Nobody listening is not an error.
    drop(shared.events.send(event));
}

/// Goes along with a run at the owner. `None` if the connection ended first: `work` is then what is left to do.
async fn go_along(
    mut line: Line,
    work: &mut Work,
    on_event: &mut impl FnMut(&Logged),
) -> Option<Result<RunResult, ApiError>> {
    if let Err(error) = line.send(work).await {
        if error.kind() == std::io::ErrorKind::InvalidInput {
            let error = ApiError::new(Code::BadRequest, error.to_string());
            return Some(Err(error.hint("pass large data by file")));
        }
        // What did not arrive whole was not begun.
        return None;
    }
    while let Ok(Some(news)) = line.receive::<News>().await {
        match news {
            News::NotBegun => return None,
            News::Begun(run) => {
                if let Work::Run(request) = work {
                    *work = Work::Follow {
                        run,
                        approvals: std::mem::take(&mut request.approvals),
                        after: 0,
                    };
                }
            }
            News::Events(events) => {
                if let (Work::Follow { after, .. }, Some(last)) = (&mut *work, events.last()) {
                    *after = last.seq;
                }
                events.iter().for_each(&mut *on_event);
            }
            News::Done(result) => return Some(*result),
        }
    }
    match work {
        Work::Run(_) => Some(Err(gone("said whether the run began"))),
        Work::Follow { .. } => None,
    }
}

fn gone(what: &str) -> ApiError {
    let message = format!("the Baton that owned the data folder ended before it {what}");
    ApiError::new(Code::OwnerGone, message)
        .hint("look whether it was done (the list of runs shows it), then try again: another Baton answers now")
}

fn closed() -> ApiError {
    ApiError::new(Code::Store, "Baton is closing and takes no new work")
}
