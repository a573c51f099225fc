//! The program for clusters while it runs: one process for each target, asked line by line.
//!
//! It ends when this value is dropped, because its standard input ends then, and at the latest with this process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baton_sidecar::{API_KEY, Ask, FORMAT, Failure, Line, Question, Ready, Told};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};

use crate::error::ApiError;

/// How long it may take to say that it is connected.
const CONNECTED: Duration = Duration::from_secs(30);
/// How long an answer is waited for.
const ANSWERED: Duration = Duration::from_secs(60);
/// How long one that cannot be used may take to say why and end.
const LEAVES: Duration = Duration::from_secs(1);
/// How much of its last words is kept.
const LAST_WORDS: usize = 2_000;

/// How the program is started.
#[derive(Clone)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// The key of the cluster.
    pub(super) key: Option<String>,
}

/// Not derived: a key is not for logs.
impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Launch")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

/// What comes unasked.
#[derive(Debug)]
pub(super) enum Heard {
    /// A run that is followed went on.
    Told(Box<Told>),
    /// The program ended.
    Gone(String),
}

/// Why nothing came of a question.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// It says why.
    Failed(Failure),
    /// The program is nowhere.
    Missing(ApiError),
    /// The program could not be started, or what was started is not it.
    NotStarted(String),
    /// The program ended before it answered.
    Gone(String),
    /// It does not answer.
    Silent,
}

type Answer = Result<Value, Failure>;

/// Questions that wait for their answer; `Err` once the program is gone.
type Waiting = Arc<Mutex<Result<BTreeMap<u64, oneshot::Sender<Answer>>, String>>>;

/// The program.
#[derive(Debug)]
pub(super) struct Sidecar {
    asks: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Waiting,
    last: AtomicU64,
}

impl Sidecar {
    /// Starts the program, and waits until it is connected. `hear` is called with what comes unasked,
    /// in order.
    pub(super) async fn start(
        launch: &Launch,
        hear: impl FnMut(Heard) + Send + 'static,
    ) -> Result<Self, Unanswered> {
        let mut command = Command::new(&launch.program);
        command
            .arg("rpc")
            .args(&launch.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        match &launch.key {
            Some(key) => command.env(API_KEY, key),
            None => command.env_remove(API_KEY),
        };
        let shown = launch.program.display();
        let mut child = command.spawn().map_err(|error| {
            Unanswered::NotStarted(format!("`{shown}` cannot be started: {error}"))
        })?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Unanswered::NotStarted(format!("`{shown}` has no lines")));
        };
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        let first = tokio::time::timeout(CONNECTED, output.read_until(b'\n', &mut line)).await;
        if !matches!(first, Ok(Ok(_))) {
            return Err(Unanswered::Silent);
        }
        match serde_json::from_slice(&line) {
            Ok(Line::Ready { ready }) => require_format(&ready)?,
            Ok(Line::Error { error }) => return Err(Unanswered::Failed(error)),
            _ => {
                // One that ends by itself says why; it may be about to.
                drop(input);
                let said = tokio::spawn(last_words(errors));
                if tokio::time::timeout(LEAVES, child.wait()).await.is_err() {
                    drop(child.start_kill());
                }
                let said = said.await.unwrap_or_default();
                return Err(Unanswered::NotStarted(format!(
                    "`{shown}` is no program of this Baton: {said}"
                )));
            }
        }
        let (asks, lines) = mpsc::unbounded_channel();
        let waiting: Waiting = Arc::new(Mutex::new(Ok(BTreeMap::new())));
        tokio::spawn(write(input, lines));
        tokio::spawn(read(child, output, errors, waiting.clone(), hear));
        Ok(Self {
            asks,
            waiting,
            last: AtomicU64::new(0),
        })
    }

    /// Whether it is there.
    pub(super) fn is_there(&self) -> bool {
        lock(&self.waiting).is_ok()
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Value, Unanswered> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let question = Question {
            id,
            ask: ask.clone(),
        };
        let mut line = serde_json::to_vec(&question)
            .map_err(|error| Unanswered::NotStarted(error.to_string()))?;
        line.push(b'\n');
        let (give, answer) = oneshot::channel();
        match &mut *lock(&self.waiting) {
            Ok(waiting) => waiting.insert(id, give),
            Err(why) => return Err(Unanswered::Gone(why.clone())),
        };
        // If nobody writes any more, the reader says so soon.
        drop(self.asks.send(line));
        match tokio::time::timeout(ANSWERED, answer).await {
            Ok(Ok(Ok(done))) => Ok(done),
            Ok(Ok(Err(failed))) => Err(Unanswered::Failed(failed)),
            Ok(Err(_)) => {
                let why = lock(&self.waiting).as_ref().err().cloned();
                Err(Unanswered::Gone(why.unwrap_or_default()))
            }
            Err(_) => {
                if let Ok(waiting) = &mut *lock(&self.waiting) {
                    waiting.remove(&id);
                }
                Err(Unanswered::Silent)
            }
        }
    }
}

fn lock(
    waiting: &Waiting,
) -> std::sync::MutexGuard<'_, Result<BTreeMap<u64, oneshot::Sender<Answer>>, String>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn require_format(ready: &Ready) -> Result<(), Unanswered> {
    if ready.format == FORMAT {
        return Ok(());
    }
    Err(Unanswered::NotStarted(format!(
        "it is version {} and speaks form {}, and this Baton is version {} and speaks form {FORMAT}: use those of one build",
        ready.version,
        ready.format,
        env!("CARGO_PKG_VERSION")
    )))
}

async fn write(mut input: ChildStdin, mut lines: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        let written = async {
            input.write_all(&line).await?;
            input.flush().await
        };
        if let Err(error) = written.await {
            tracing::debug!(%error, "the program for clusters reads no more");
            return;
        }
    }
}

async fn read(
    mut child: Child,
    mut output: BufReader<ChildStdout>,
    errors: ChildStderr,
    waiting: Waiting,
    mut hear: impl FnMut(Heard) + Send + 'static,
) {
    let said = tokio::spawn(last_words(errors));
    let mut line = Vec::new();
    let broken = loop {
        line.clear();
        match output.read_until(b'\n', &mut line).await {
            Ok(0) => break None,
            Ok(_) => {}
            Err(error) => break Some(error.to_string()),
        }
        match serde_json::from_slice(&line) {
            Ok(Line::Done { id, done }) => answer(&waiting, id, Ok(done)),
            Ok(Line::Failed {
                id: Some(id),
                failed,
            }) => answer(&waiting, id, Err(failed)),
            Ok(Line::Told { told }) => hear(Heard::Told(Box::new(told))),
            Ok(Line::Failed { id: None, failed }) => {
                tracing::warn!(
                    failed.message,
                    "the program for clusters was not understood"
                );
            }
            Ok(Line::Ready { .. } | Line::Error { .. }) => {}
            Err(error) => break Some(format!("it said what is no line: {error}")),
        }
    };
    // What it does without being understood is of no use.
    drop(child.start_kill());
    let ended = child.wait().await;
    let said = said.await.unwrap_or_default();
    let why = match (broken, ended) {
        (Some(why), _) => why,
        (None, Ok(status)) if said.is_empty() => format!("it ended ({status})"),
        (None, Ok(status)) => format!("it ended ({status}): {said}"),
        (None, Err(error)) => error.to_string(),
    };
    // Whoever waits sees that nothing comes any more.
    *lock(&waiting) = Err(why.clone());
    hear(Heard::Gone(why));
}

fn answer(waiting: &Waiting, id: u64, answer: Answer) {
    let asked = match &mut *lock(waiting) {
        Ok(waiting) => waiting.remove(&id),
        Err(_) => None,
    };
    if let Some(asked) = asked {
        // Whoever asked may be gone.
        drop(asked.send(answer));
    }
}

/// Reads all, keeps the end: the program never waits because nobody reads.
async fn last_words(mut errors: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0_u8; 1_024];
    while let Ok(size @ 1..) = errors.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..size]);
        if kept.len() > LAST_WORDS {
            kept.drain(..kept.len() - LAST_WORDS);
        }
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    const READY: &str = r#"echo '{"ready":{"version":"1","format":1}}'"#;

    /// A program that says these lines.
    fn launch(script: &str) -> (TempDir, Launch) {
        let dir = tempfile::tempdir().expect("a folder");
        let program = dir.path().join("program");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
        let rights = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, rights).expect("its rights");
        let launch = Launch {
            program,
            arguments: vec!["--temporal".into(), "here".into()],
            key: Some("secret".to_owned()),
        };
        (dir, launch)
    }

    async fn start(script: &str) -> Result<Sidecar, Unanswered> {
        let (_dir, launch) = launch(script);
        Sidecar::start(&launch, |_| {}).await
    }

    fn words(why: Unanswered) -> String {
        match why {
            Unanswered::NotStarted(why) | Unanswered::Gone(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn it_is_asked_and_answers_and_hears_arguments_and_key() {
        let script = format!(
            r#"{READY}
read line
echo '{{"told":{{"run":"r","mark":{{"part":"p","length":1}},"from":0,"events":[],"startedAt":0,"listening":{{"runs":0,"steps":0}}}}}}'
echo "{{\"id\":1,\"done\":\"$* $BATON_TEMPORAL_API_KEY\"}}"
read line"#
        );
        let (_dir, launch) = launch(&script);
        let (give, heard) = std::sync::mpsc::channel();
        let side = Sidecar::start(&launch, move |one| drop(give.send(one)))
            .await
            .unwrap();
        let done = side.ask(&Ask::Check).await.unwrap();
        assert_eq!(done, "rpc --temporal here secret");
        assert!(side.is_there());
        // What came before the answer was heard before it.
        assert!(matches!(heard.try_recv(), Ok(Heard::Told(told)) if told.run == "r"));
        assert!(!format!("{launch:?}").contains("secret"));
    }

    #[tokio::test]
    async fn one_that_ends_before_it_answers_is_gone_with_its_last_words() {
        let script = format!("{READY}\nread line\necho 'out of memory' >&2\nexit 3");
        let side = start(&script).await.unwrap();
        let why = words(side.ask(&Ask::Check).await.unwrap_err());
        assert!(why.contains("out of memory"), "{why}");
        assert!(!side.is_there());
        // And so is every later question.
        assert!(matches!(
            side.ask(&Ask::Check).await,
            Err(Unanswered::Gone(_))
        ));
    }

    #[tokio::test]
    async fn what_is_not_this_program_is_not_used() {
        let other = r#"echo '{"ready":{"version":"7.0.0","format":999}}'; read line"#;
        let why = words(start(other).await.unwrap_err());
        assert!(why.contains("7.0.0") && why.contains("one build"), "{why}");
        let why = words(
            start("echo hello; echo 'no such option' >&2")
                .await
                .unwrap_err(),
        );
        assert!(why.contains("no such option"), "{why}");
        let refused = r#"echo '{"error":{"code":"cluster-unreachable","message":"m","hint":"h"}}'"#;
        let Err(Unanswered::Failed(failure)) = start(refused).await else {
            panic!("it connected");
        };
        assert_eq!(failure.code, "cluster-unreachable");
        // One that talks nonsense later is ended.
        let script = format!("{READY}\nread line\necho nonsense\nread line");
        let side = start(&script).await.unwrap();
        let why = words(side.ask(&Ask::Check).await.unwrap_err());
        assert!(why.contains("no line"), "{why}");
    }

    #[tokio::test]
    async fn it_ends_with_whoever_started_it() {
        let (dir, mut launch) = launch(&format!("{READY}\ncat > /dev/null\ntouch \"$3\""));
        let ended = dir.path().join("ended");
        launch.arguments[1] = ended.clone().into();
        let (give, gone) = oneshot::channel();
        let mut give = Some(give);
        let side = Sidecar::start(&launch, move |one| {
            if let (Heard::Gone(why), Some(give)) = (one, give.take()) {
                drop(give.send(why));
            }
        });
        drop(side.await.unwrap());
        gone.await.unwrap();
        // It read to the end of its input, and ended by itself.
        assert!(ended.is_file());
    }
}
