//! The side of a client: connections to the owner.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::app::AppConfig;
use crate::caller::Caller;
use crate::error::{ApiError, Code};

use super::frame::{
    Call, Greeting, Hello, MAX_BYTES, MAX_GREETING, Reply, Wants, encode, receive, send,
};
use super::socket::{NoWay, Owner, Stream, connect, known};

/// How long an owner may take to greet.
const GREETING: Duration = Duration::from_secs(3);
/// Requests that wait to be sent.
const QUEUE: usize = 64;

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum NoLine {
    /// Nobody is there, or whoever is there does not greet.
    Nobody,
    /// Whoever is there does not want this client, or must not be talked to.
    Refused(ApiError),
}

/// A connection after the greeting.
#[derive(Debug)]
pub(crate) struct Line {
    stream: Stream,
    owner: Owner,
}

impl Line {
    /// Finds the owner of the data folder, and greets it.
    pub(crate) async fn open(config: &AppConfig, wants: Wants) -> Result<Self, NoLine> {
        let mut stream = connect(&config.data_dir).await.map_err(|no| match no {
            NoWay::Nobody => NoLine::Nobody,
            NoWay::Foreign => NoLine::Refused(foreign(config)),
        })?;
        let greeted = async {
            send(&mut stream, &Hello::new(config, wants)).await?;
            receive::<Greeting>(&mut stream, MAX_GREETING).await
        };
        match tokio::time::timeout(GREETING, greeted).await {
            Ok(Ok(Some(Greeting::Welcome(owner)))) => Ok(Self { stream, owner }),
            Ok(Ok(Some(Greeting::Refused(error)))) => Err(NoLine::Refused(error)),
            // It ends, or is too busy: the caller knows how long to try.
            Ok(Ok(None) | Err(_)) | Err(_) => Err(NoLine::Nobody),
        }
    }

    /// Who is at the other end.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(crate) async fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        send(&mut self.stream, message).await
    }

    pub(crate) async fn receive<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        receive(&mut self.stream, MAX_BYTES).await
    }
}

fn foreign(config: &AppConfig) -> ApiError {
    let owner = known(&config.data_dir)
        .map(|owner| format!(" by {owner}"))
        .unwrap_or_default();
    let message = format!(
        "the data folder `{}` is in use{owner} under another account",
        config.data_dir.display()
    );
    ApiError::new(Code::Store, message)
        .hint("use Baton as that account, or choose another folder with `--data`")
}

/// Why a command has no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// It cannot have been begun.
    NotSent,
    /// It may have been carried out.
    Lost,
    /// It cannot be sent at all.
    Unsendable(ApiError),
}

/// The answer of the command, or why there is none.
type Answered = Result<Result<Value, ApiError>, NoAnswer>;
type Waiting = Option<BTreeMap<u64, oneshot::Sender<Answered>>>;

/// A connection for commands, many at a time.
#[derive(Debug)]
pub(crate) struct Calls {
    owner: Owner,
    frames: mpsc::Sender<Vec<u8>>,
    /// `None` once the connection has ended.
    waiting: Arc<Mutex<Waiting>>,
    last: AtomicU64,
    ended: CancellationToken,
}

impl Calls {
    pub(crate) fn start(line: Line) -> Arc<Self> {
        let Line { stream, owner } = line;
        let (mut from, mut to) = stream.into_split();
        let (frames, mut queue) = mpsc::channel::<Vec<u8>>(QUEUE);
        let calls = Arc::new(Self {
            owner,
            frames,
            waiting: Arc::new(Mutex::new(Some(BTreeMap::new()))),
            last: AtomicU64::new(0),
            ended: CancellationToken::new(),
        });
        let ended = calls.ended.clone();
        tokio::spawn(async move {
            loop {
                let frame = tokio::select! {
                    () = ended.cancelled() => return,
                    frame = queue.recv() => frame,
                };
                let Some(frame) = frame else { return };
                if let Err(error) = to.write_all(&frame).await {
                    tracing::debug!(%error, "the owner of the data folder takes no more");
                    return;
                }
            }
        });
        let (waiting, ended) = (calls.waiting.clone(), calls.ended.clone());
        tokio::spawn(async move {
            loop {
                let answer = tokio::select! {
                    () = ended.cancelled() => break,
                    answer = receive::<Reply>(&mut from, MAX_BYTES) => answer,
                };
                match answer {
                    Ok(Some(Reply::Answer(id, answer))) => {
                        let asked = lock(&waiting).as_mut().and_then(|all| all.remove(&id));
                        if let Some(asked) = asked {
                            // Whoever asked may have gone.
                            drop(asked.send(Ok(*answer)));
                        }
                    }
                    Ok(Some(Reply::Ends)) => {
                        for (_, asked) in lock(&waiting).take().unwrap_or_default() {
                            drop(asked.send(Err(NoAnswer::NotSent)));
                        }
                        break;
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::debug!(%error, "the connection to the owner broke");
                        break;
                    }
                }
            }
            // Everybody who still waits is told by this.
            *lock(&waiting) = None;
            ended.cancel();
        });
        calls
    }

    /// Who answers.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Cancelled when the owner has ended.
    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// Asks.
    pub(crate) async fn call(&self, caller: &Caller, name: &str, request: &Value) -> Answered {
        let id = self.last.fetch_add(1, Ordering::Relaxed);
        let call = Call {
            id,
            caller: caller.clone(),
            name: name.to_owned(),
            request: request.clone(),
        };
        let frame = encode(&call).map_err(|error| {
            NoAnswer::Unsendable(
                ApiError::new(
                    Code::BadRequest,
                    format!("`{name}` cannot be asked: {error}"),
                )
                .hint("pass large data by file"),
            )
        })?;
        let (reply, answer) = oneshot::channel();
        match lock(&self.waiting).as_mut() {
            Some(all) => drop(all.insert(id, reply)),
            None => return Err(NoAnswer::NotSent),
        }
        let sent = tokio::select! {
            () = self.ended.cancelled() => return Err(NoAnswer::NotSent),
            sent = self.frames.send(frame) => sent,
        };
        if sent.is_err() {
            return Err(NoAnswer::NotSent);
        }
        answer.await.unwrap_or(Err(NoAnswer::Lost))
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

fn lock(waiting: &Mutex<Waiting>) -> std::sync::MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
