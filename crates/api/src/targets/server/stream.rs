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
        let begun = Instant::now();
        // What happened before the stream was there was missed.
        self.tell(BackendEvent::Lagged);
        while let Some(event) = events.next().await {
            if is_of_interest(&event) {
                self.tell(event);
            }
        }
        // One that breaks at once, again and again, is not asked for all the time.
        if begun.elapsed() > LAST_PAUSE {
            *pause = FIRST_PAUSE;
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::app::AppConfig;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Says who it is to everybody, and tells one notification and one change to whoever listens.
    async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = vec![0; 4_096];
        let count = stream.read(&mut head).await?;
        let is_health = head[..count].starts_with(b"GET /api/health");
        if is_health {
            let body = r#"{"name":"baton","version":"0"}"#;
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            return stream.write_all(answer.as_bytes()).await;
        }
        let told = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n\
            data: {\"type\":\"notification\",\"title\":\"a\",\"body\":\"b\",\"run\":null}\n\n\
            data: {\"type\":\"inbox-changed\"}\n\n";
        stream.write_all(told.as_bytes()).await?;
        // Until the reader goes away.
        stream.read(&mut head).await.map(|_| ())
    }

    #[tokio::test]
    async fn events_are_told_while_somebody_uses_it_and_then_no_more() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let config = AppConfig::new(folder.path().join("data"), folder.path());
        let app = App::open(config).await.unwrap();
        let mut events = app.subscribe();
        let remote = Arc::new(Remote::new(&url, "x", None).unwrap());
        let stream = Stream::new(&app, "prod", remote, Duration::from_millis(300));
        for _ in 0..2 {
            stream.used();
            assert!(stream.is_used());
            let mut told = Vec::new();
            // It begins, tells, and ends by itself; whoever still looks asks again.
            while told.len() < 3 {
                let next = tokio::time::timeout(PATIENCE, events.recv()).await;
                if let BackendEvent::Target { target, event } = next.unwrap().unwrap() {
                    assert_eq!(target, "prod");
                    told.push(serde_json::to_value(event).unwrap()["type"].clone());
                }
            }
            assert_eq!(told, ["lagged", "inbox-changed", "lagged"]);
            assert!(!stream.is_used());
        }
        stream.close();
        stream.used();
        assert!(
            !stream.is_used(),
            "a connection that is closed begins nothing"
        );
        serving.abort();
        app.shutdown().await;
    }
}
