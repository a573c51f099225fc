//! The events of a server, for as long as somebody uses the target.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::app::{App, WeakApp};
use crate::error::Code;
use crate::events::BackendEvent;
use crate::remote::{Remote, RemoteError};

/// After so long without a call, the stream ends. The next call begins it again.
pub(super) const UNUSED: Duration = Duration::from_secs(5 * 60);
/// Between two attempts to get it back, first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// The events of a server.
#[derive(Debug)]
pub(super) struct Stream {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    app: WeakApp,
    target: String,
    remote: Arc<Remote>,
    closing: CancellationToken,
    unused: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When it was last used.
    used: Option<Instant>,
    is_watching: bool,
}

impl Stream {
    pub(super) fn new(app: &App, target: &str, remote: Arc<Remote>, unused: Duration) -> Self {
        let (app, closing) = app.downgrade();
        let shared = Arc::new(Shared {
            app,
            target: target.to_owned(),
            remote,
            closing: closing.child_token(),
            unused,
            state: Mutex::default(),
        });
        Self { shared }
    }

    /// Somebody uses the target: its events are told from now on.
    pub(super) fn used(&self) {
        let mut state = self.shared.lock();
        state.used = Some(Instant::now());
        if !state.is_watching && !self.shared.closing.is_cancelled() {
            state.is_watching = true;
            tokio::spawn(watch(self.shared.clone()));
        }
    }

    /// Whether somebody used it lately.
    pub(super) fn is_used(&self) -> bool {
        self.shared.lock().is_watching
    }

    pub(super) fn close(&self) {
        self.shared.closing.cancel();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: BackendEvent) {
        if let Some(app) = self.app.upgrade() {
            let target = self.target.clone();
            let event = Box::new(event);
            app.tell(BackendEvent::Target { target, event });
        }
    }

    /// Waits until nobody has used it for long, and says so to whoever would use it next.
    async fn unused(&self) {
        loop {
            let until = {
                let mut state = self.lock();
                let until = state.used.map(|used| used + self.unused);
                match until.filter(|until| *until > Instant::now()) {
                    Some(until) => until,
                    None => {
                        state.is_watching = false;
                        return;
                    }
                }
            };
            sleep_until(until).await;
        }
    }

    /// Tells what happens there until the stream breaks. `pause` is what to wait before the next attempt.
    async fn pass_on(&self, pause: &mut Duration) -> Result<(), RemoteError> {
        let mut events = self.remote.events().await?;
        *pause = FIRST_PAUSE;
        // What happened before the stream was there was missed.
        self.tell(BackendEvent::Lagged);
        while let Some(event) = events.next().await {
            if is_of_interest(&event) {
                self.tell(event);
            }
        }
        Ok(())
    }
}

async fn watch(shared: Arc<Shared>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let broken = tokio::select! {
            () = shared.closing.cancelled() => return,
            () = shared.unused() => break,
            broken = shared.pass_on(&mut pause) => broken,
        };
        match broken {
            // Whoever still looks learns that nothing more is told.
            Ok(()) => shared.tell(BackendEvent::Lagged),
            Err(error) => {
                tracing::debug!(%error, target = shared.target, "no events come from a target");
                let code = error.error.code;
                if error.name.is_none() && matches!(code, Code::Unauthorized | Code::Forbidden) {
                    // The next call says it to whoever asks; a call that succeeds begins anew.
                    shared.lock().is_watching = false;
                    break;
                }
            }
        }
        tokio::select! {
            () = shared.closing.cancelled() => return,
            () = shared.unused() => break,
            () = sleep(pause) => {}
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
    // Whoever still shows what is there asks again, and with that the stream begins again.
    shared.tell(BackendEvent::Lagged);
}

/// What front ends here need to know: its notifications are for people there, its files are not here.
fn is_of_interest(event: &BackendEvent) -> bool {
    match event {
        BackendEvent::RunAdvanced { .. }
        | BackendEvent::InboxChanged
        | BackendEvent::DiskChanged
        | BackendEvent::SafeModeChanged
        | BackendEvent::WorkflowsChanged
        | BackendEvent::TriggersChanged
        | BackendEvent::Lagged => true,
        BackendEvent::Notification { .. }
        | BackendEvent::FileChanged { .. }
        | BackendEvent::TargetsChanged
        | BackendEvent::Target { .. } => false,
    }
}
