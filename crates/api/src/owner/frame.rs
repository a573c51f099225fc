//! What owner and clients say to each other: a length of four bytes, then that much JSON.
//!
//! The first frame of either side has a shape that never changes: by it, builds that do not understand each other
//! find that out in words.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use baton_core::machine::{Decision, Logged};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::app::AppConfig;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::headless::{Request, RunResult};

use super::socket::Owner;

/// The version of everything after the greeting.
pub(crate) const PROTOCOL: u32 = 2;
/// Longest frame: a document has at most 32 MB, a page of a log less.
pub(crate) const MAX_BYTES: usize = 64 << 20;
/// Longest frame of somebody who has not said yet who they are.
pub(crate) const MAX_GREETING: usize = 64 << 10;
/// How long a frame that has begun may take to arrive.
const FRAME_TIME: Duration = Duration::from_secs(30);

/// The first frame of a client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The protocol.
    pub(crate) baton: u32,
    /// What the client was built from.
    pub(crate) build: String,
    /// What the connection is for.
    pub(crate) wants: Wants,
    /// Who asks.
    pub(crate) asker: Asker,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wants {
    /// Commands, each answered.
    Calls,
    /// The stream of events.
    Events,
    /// One run from beginning to end.
    Work,
}

/// What belongs to the asker and not to the owner.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asker {
    workspace_dir: PathBuf,
    samples_dir: PathBuf,
    default_work_dir: Option<PathBuf>,
    person: Option<String>,
    act_on_triggers: bool,
}

impl Hello {
    pub(crate) fn new(config: &AppConfig, wants: Wants) -> Self {
        Self {
            baton: PROTOCOL,
            build: build().to_owned(),
            wants,
            asker: Asker {
                workspace_dir: config.workspace_dir.clone(),
                samples_dir: config.samples_dir.clone(),
                default_work_dir: config.default_work_dir.clone(),
                person: config.person.clone(),
                act_on_triggers: config.act_on_triggers,
            },
        }
    }
}

impl Asker {
    /// The configuration of the owner, with what belongs to the asker in its place.
    pub(crate) fn at(self, owner: &AppConfig) -> AppConfig {
        AppConfig {
            workspace_dir: self.workspace_dir,
            samples_dir: self.samples_dir,
            default_work_dir: self.default_work_dir,
            person: self.person,
            act_on_triggers: self.act_on_triggers,
            ..owner.clone()
        }
    }
}

/// The first frame of the owner.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Greeting {
    /// Go on.
    Welcome(Owner),
    /// The connection is closed.
    Refused(ApiError),
}

/// A command.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: u64,
    /// In whose name: the connection itself is proven to be of the account that owns the folder.
    pub(crate) caller: Caller,
    pub(crate) name: String,
    pub(crate) request: Value,
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// The answer to the command with this id.
    Answer(u64, Box<Result<Value, ApiError>>),
    /// The owner ends in good order: no command that has no answer by now was begun.
    Ends,
}

/// A run to carry out or to go along with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    Run(Box<Request>),
    Follow {
        run: String,
        approvals: BTreeMap<String, Decision>,
        after: u32,
    },
}

/// How it goes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum News {
    /// The owner is about to end: ask the next one.
    NotBegun,
    /// The run exists, and survives whatever happens now.
    Begun(String),
    Events(Vec<Logged>),
    Done(Box<Result<RunResult, ApiError>>),
}

/// Version and list of commands: programs with the same build understand each other.
pub(crate) fn build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        let commands = blake3::hash(crate::typescript().as_bytes()).to_hex();
        format!("{}+{}", env!("CARGO_PKG_VERSION"), &commands[..8])
    })
}

/// A frame as it is sent.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_BYTES {
        let words = format!("a message of {length} bytes is longer than {MAX_BYTES}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
    }
    let head = u32::try_from(length).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&head.to_be_bytes());
    Ok(frame)
}

/// Sends a message.
pub(crate) async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    message: &impl Serialize,
) -> io::Result<()> {
    to.write_all(&encode(message)?).await
}

/// The next message; `None` if the other side has closed. Must not be dropped half-way.
pub(crate) async fn receive<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    max: usize,
) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    match from.read(&mut head).await? {
        0 => return Ok(None),
        4 => {}
        read => {
            within(from.read_exact(&mut head[read..])).await?;
        }
    }
    let length = u32::from_be_bytes(head) as usize;
    if length > max {
        let words = format!("a message of {length} bytes is longer than {max}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, words));
    }
    // Grows as bytes arrive: a length alone must not take memory.
    let mut body = Vec::with_capacity(length.min(64 << 10));
    let read = within(from.take(length as u64).read_to_end(&mut body)).await?;
    if read < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(serde_json::from_slice(&body)?))
}

async fn within<T>(read: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(FRAME_TIME, read)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_arrives_as_it_was_sent() {
        let (mut here, mut there) = tokio::io::duplex(7);
        let call = Call {
            id: 7,
            caller: Caller::Owner,
            name: "draft_put".to_owned(),
            request: serde_json::json!({ "ä": [1, 2.5, null] }),
        };
        let sending = tokio::spawn(async move {
            send(&mut here, &call).await.unwrap();
        });
        let got: Call = receive(&mut there, MAX_BYTES).await.unwrap().unwrap();
        sending.await.unwrap();
        assert_eq!((got.id, got.request["ä"][1].as_f64()), (7, Some(2.5)));
        assert!(
            receive::<Call>(&mut there, MAX_BYTES)
                .await
                .unwrap()
                .is_none()
        );
    }

    #[tokio::test]
    async fn what_is_too_long_cut_off_or_nonsense_is_an_error() {
        for bytes in [
            &[0xff, 0xff, 0xff, 0xff, b'{'][..],
            &[0, 0, 0, 9, b'{', b'}'],
            &[0, 0],
            &[0, 0, 0, 2, b'x', b'y'],
        ] {
            let mut from = bytes;
            assert!(
                receive::<Value>(&mut from, MAX_GREETING).await.is_err(),
                "{bytes:?}"
            );
        }
    }
}
