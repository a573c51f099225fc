//! The side of the owner: answers clients, and looks after its place in the data folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::events::BackendEvent;
use crate::headless::{Seen, Watch};

use super::frame::{
    Call, Greeting, Hello, MAX_BYTES, MAX_GREETING, News, PROTOCOL, Reply, Wants, Work, build,
    encode, receive, send,
};
use super::socket::{
    Listener, Owner, Stream, is_own_account, is_published, listen, publish, withdraw,
};

/// Connections at the same time; more wait.
const CONNECTIONS: usize = 256;
/// Commands of one client at the same time; more wait.
const CALLS: usize = 64;
/// How long a client may take to say who it is.
const HELLO: Duration = Duration::from_secs(5);
/// How long commands under way may go on when the owner ends.
const STOPPING: Duration = Duration::from_secs(5);
/// How often the owner looks whether the data folder is still its own.
const LOOK: Duration = Duration::from_secs(1);

/// The owner, as its clients see it.
#[derive(Debug)]
pub(crate) struct Served {
    data_dir: PathBuf,
    owner: Owner,
    stopping: CancellationToken,
    /// The data folder is no longer where it was.
    taken_away: CancellationToken,
    connections: TaskTracker,
    commands: TaskTracker,
    looking: TaskTracker,
}

impl Served {
    /// Lets clients in.
    ///
    /// # Errors
    ///
    /// If no socket can be made; the owner then works alone.
    pub(crate) fn start(app: &App) -> io::Result<Self> {
        let data_dir = app.config().data_dir.clone();
        let (listener, socket) = listen(&data_dir)?;
        let owner = Owner {
            pid: std::process::id(),
            program: app.config().program.clone(),
            build: build().to_owned(),
            socket,
        };
        publish(&data_dir, &owner)?;
        let served = Self {
            data_dir,
            owner,
            stopping: CancellationToken::new(),
            taken_away: CancellationToken::new(),
            connections: TaskTracker::new(),
            commands: TaskTracker::new(),
            looking: TaskTracker::new(),
        };
        served.looking.spawn(look_after(
            Door {
                app: app.clone(),
                owner: served.owner.clone(),
                stopping: served.stopping.clone(),
                connections: served.connections.clone(),
                commands: served.commands.clone(),
            },
            listener,
            served.data_dir.clone(),
            served.taken_away.clone(),
        ));
        Ok(served)
    }

    pub(crate) fn has_clients(&self) -> bool {
        !self.connections.is_empty()
    }

    /// Cancelled when the data folder is no longer where it was.
    pub(crate) fn taken_away(&self) -> &CancellationToken {
        &self.taken_away
    }

    /// Takes nothing new, answers what is under way, and closes all connections.
    pub(crate) async fn stop(self) {
        withdraw(&self.data_dir, &self.owner);
        self.stopping.cancel();
        for tracker in [&self.looking, &self.commands, &self.connections] {
            tracker.close();
        }
        let ended = async {
            self.looking.wait().await;
            self.commands.wait().await;
            self.connections.wait().await;
        };
        if tokio::time::timeout(STOPPING, ended).await.is_err() {
            tracing::warn!("some commands of other programs did not end in time");
        }
    }
}

/// What a connection needs.
#[derive(Clone)]
struct Door {
    app: App,
    owner: Owner,
    stopping: CancellationToken,
    connections: TaskTracker,
    commands: TaskTracker,
}

/// Accepts clients, and puts back what others take away: the socket, and the file that says where it is.
async fn look_after(
    mut door: Door,
    mut listener: Listener,
    data_dir: PathBuf,
    taken_away: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let folder = identity(&data_dir);
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = door.stopping.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                        tracing::warn!("too many programs use this data folder at a time");
                        continue;
                    };
                    let connection = door.clone();
                    door.connections.spawn(async move {
                        if let Err(error) = connection.answer(stream).await {
                            tracing::debug!(%error, "a connection of a client broke");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a client was not let in");
                    // Out of file descriptors: the next look tries again.
                    tick.tick().await;
                }
            },
            _ = tick.tick() => {
                if identity(&data_dir) != folder {
                    taken_away.cancel();
                    return;
                }
                if !is_published(&data_dir, &door.owner) {
                    match put_back(&data_dir, &mut door.owner) {
                        Ok(again) => listener = again,
                        Err(error) => tracing::warn!(%error, "clients do not find this owner"),
                    }
                }
            }
        }
    }
}

fn put_back(data_dir: &Path, owner: &mut Owner) -> io::Result<Listener> {
    tracing::warn!("the socket of this owner or its address was taken away: made anew");
    let (listener, socket) = listen(data_dir)?;
    owner.socket = socket;
    publish(data_dir, owner)?;
    Ok(listener)
}

/// What a folder is, whatever it is called.
#[cfg(unix)]
fn identity(folder: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::metadata(folder).ok()?;
    Some((about.dev(), about.ino()))
}

/// An open file keeps a folder where it is.
#[cfg(not(unix))]
fn identity(_folder: &Path) -> Option<(u64, u64)> {
    None
}

impl Door {
    async fn answer(self, mut stream: Stream) -> io::Result<()> {
        let hello = receive(&mut stream, MAX_GREETING);
        let hello: serde_json::Value = match tokio::time::timeout(HELLO, hello).await {
            Ok(hello) => match hello? {
                Some(hello) => hello,
                None => return Ok(()),
            },
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        };
        // Read first all the same: words to somebody whose own were not read are lost.
        if !is_own_account(&stream) {
            let words = "this data folder belongs to another account";
            let refused = ApiError::new(Code::Store, words)
                .hint("use Baton as that account, or choose another folder with `--data`");
            return send(&mut stream, &Greeting::Refused(refused)).await;
        }
        let hello = match self.understood(hello) {
            Ok(hello) => hello,
            Err(refused) => return send(&mut stream, &Greeting::Refused(refused)).await,
        };
        send(&mut stream, &Greeting::Welcome(self.owner.clone())).await?;
        let app = self.app.on_behalf_of(hello.asker.at(self.app.config()));
        match hello.wants {
            Wants::Calls => self.calls(app, stream).await,
            Wants::Events => self.events(&app, stream).await,
            Wants::Work => self.work(&app, stream).await,
        }
    }

    /// Compared before anything else is read: of another build, only these two fields have a known shape.
    fn understood(&self, hello: serde_json::Value) -> Result<Hello, ApiError> {
        let theirs = hello["build"].as_str().unwrap_or("unknown").to_owned();
        if hello["baton"] == PROTOCOL && theirs == build() {
            return serde_json::from_value(hello)
                .map_err(|error| ApiError::new(Code::BadRequest, error.to_string()));
        }
        let message = format!(
            "the data folder is in use by {}, which is another build of Baton: {} there, {theirs} here",
            self.owner,
            build()
        );
        Err(ApiError::new(Code::Store, message).hint(
            "end the other one and start it again with the same build, or choose another folder with `--data`",
        ))
    }

    async fn calls(self, app: App, stream: Stream) -> io::Result<()> {
        let (mut from, mut to) = stream.into_split();
        let (answers, mut queue) = mpsc::channel::<Vec<u8>>(CALLS);
        let permits = Arc::new(Semaphore::new(CALLS));
        let reading = async {
            loop {
                let call = tokio::select! {
                    () = self.stopping.cancelled() => return Ok(Ends::Owner),
                    call = receive::<Call>(&mut from, MAX_BYTES) => call?,
                };
                let Some(Call {
                    id,
                    caller,
                    name,
                    request,
                }) = call
                else {
                    return Ok(Ends::Client);
                };
                let permit = Arc::clone(&permits).acquire_owned().await;
                let (app, answers) = (app.clone(), answers.clone());
                // A task of its own: a client that goes away must not stop a command half-way.
                self.commands.spawn(async move {
                    let answer = tokio::spawn(async move {
                        crate::dispatch(&app, &caller, &name, request).await
                    });
                    let answer = answer.await.unwrap_or_else(|broke| Err(broken(&broke)));
                    let frame = encode(&Reply::Answer(id, Box::new(answer))).or_else(|error| {
                        let error = ApiError::new(Code::Internal, error.to_string());
                        encode(&Reply::Answer(
                            id,
                            Box::new(Err(error.hint("ask for less at a time"))),
                        ))
                    });
                    match frame {
                        // A client that has gone needs no answer.
                        Ok(frame) => drop(answers.send(frame).await),
                        Err(error) => tracing::error!(%error, "an answer cannot be written"),
                    }
                    drop(permit);
                });
            }
        };
        let writing = async {
            while let Some(frame) = queue.recv().await {
                to.write_all(&frame).await?;
            }
            Ok(())
        };
        let mut writing = Box::pin(writing);
        let read: io::Result<Ends> = tokio::select! {
            read = reading => read,
            written = writing.as_mut() => return written,
        };
        // Answers under way still go out; the channel ends with the last of them.
        drop(answers);
        writing.as_mut().await?;
        drop(writing);
        match read? {
            // What was not answered by now was not begun: it may be asked at the next owner.
            Ends::Owner => send(&mut to, &Reply::Ends).await,
            Ends::Client => Ok(()),
        }
    }

    async fn events(&self, app: &App, stream: Stream) -> io::Result<()> {
        let mut events = app.subscribe();
        let (mut from, mut to) = stream.into_split();
        let sending = async {
            loop {
                let event = match events.recv().await {
                    Ok(event) => event,
                    Err(RecvError::Lagged(_)) => BackendEvent::Lagged,
                    Err(RecvError::Closed) => return Ok(()),
                };
                send(&mut to, &event).await?;
            }
        };
        tokio::select! {
            () = self.stopping.cancelled() => Ok(()),
            sent = sending => sent,
            _ = receive::<serde_json::Value>(&mut from, MAX_GREETING) => Ok(()),
        }
    }

    async fn work(&self, app: &App, mut stream: Stream) -> io::Result<()> {
        let work = tokio::select! {
            biased;
            () = self.stopping.cancelled() => {
                return send(&mut stream, &News::NotBegun).await;
            }
            work = receive::<Work>(&mut stream, MAX_BYTES) => work?,
        };
        let Some(work) = work else {
            return Ok(());
        };
        let watch = match work {
            Work::Run(request) => Watch::begin(app, *request).await,
            Work::Follow {
                run,
                approvals,
                after,
            } => Watch::join(app, &run, approvals, after).await,
        };
        let mut watch = match watch {
            Ok(watch) => watch,
            Err(error) => return send(&mut stream, &News::Done(Box::new(Err(error)))).await,
        };
        let (mut from, mut to) = stream.into_split();
        send(&mut to, &News::Begun(watch.run().to_owned())).await?;
        let telling = async {
            loop {
                let news = match watch.next().await {
                    Ok(Seen::Events(events)) => News::Events(events),
                    Ok(Seen::Result(result)) => News::Done(Box::new(Ok(*result))),
                    Err(error) => News::Done(Box::new(Err(error))),
                };
                send(&mut to, &news).await?;
                if matches!(news, News::Done(_)) {
                    return Ok(());
                }
            }
        };
        // A client that goes away leaves its run to go on.
        tokio::select! {
            () = self.stopping.cancelled() => Ok(()),
            told = telling => told,
            _ = receive::<serde_json::Value>(&mut from, MAX_GREETING) => Ok(()),
        }
    }
}

/// Who ends a connection.
enum Ends {
    Owner,
    Client,
}

fn broken(error: &tokio::task::JoinError) -> ApiError {
    tracing::error!(%error, "a command broke");
    ApiError::new(Code::Internal, "the command broke")
        .hint("this is a mistake in Baton; what was saved before is unharmed")
}
