//! Baton asks, line by line: the forms are in `baton-sidecar`.
//!
//! Every question is answered, in any order. A line that is no question is answered as well. Nothing else is ever
//! written; what is asked ends with the input.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use baton_sidecar::{
    Ask, FORMAT, Failure, Line, Listed, Listening, Looked, Mark, Page, Question, Ready, Told,
};
use baton_steps::tables;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::client::NewRun;
use crate::error::ClusterError;
use crate::target::Cluster;

/// How many questions are being answered at a time; the others wait.
const AT_ONCE: usize = 32;
/// How many lines may wait to be written before whoever writes them waits as well.
const LINES: usize = 256;
/// The largest value that is handed over, in bytes of JSON.
const MAX_VALUE_BYTES: u64 = 32 * 1024 * 1024;
/// The longest line, in bytes: more than any workflow with its input.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;
/// How long it is waited until what is there was told.
const CAUGHT_UP: Duration = Duration::from_secs(5);
/// How long it is known who listens.
const SEEN: Duration = Duration::from_secs(1);
/// How long answers may take once nobody asks any more.
const GRACE: Duration = Duration::from_secs(5);

/// The lines of standard input, until it ends.
pub fn standard_input() -> mpsc::Receiver<Vec<u8>> {
    let (give, lines) = mpsc::channel(LINES);
    // Reading blocks until something comes: on a thread that nobody waits for.
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) if give.blocking_send(line).is_err() => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "standard input cannot be read");
                    return;
                }
            }
        }
    });
    lines
}

/// What this program is.
pub fn ready() -> Ready {
    Ready {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        format: FORMAT,
    }
}

/// Answers every line until there are no more; `write` is called with every line that is to be written.
pub async fn serve(
    cluster: Cluster,
    mut asked: mpsc::Receiver<Vec<u8>>,
    mut write: impl FnMut(&Line) -> io::Result<()> + Send + 'static,
) {
    let (out, mut lines) = mpsc::channel::<Line>(LINES);
    let writer = tokio::task::spawn_blocking(move || {
        while let Some(line) = lines.blocking_recv() {
            if let Err(error) = write(&line) {
                tracing::debug!(%error, "nobody reads any more");
                return;
            }
        }
    });
    let rpc = Arc::new(Rpc {
        cluster,
        out: out.clone(),
        followed: Mutex::default(),
        whole: Mutex::default(),
        listening: tokio::sync::Mutex::default(),
    });
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut answers = JoinSet::new();
    while let Some(line) = asked.recv().await {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let question = match question(&line) {
            Ok(question) => question,
            Err((id, failed)) => {
                if out.send(Line::Failed { id, failed }).await.is_err() {
                    break;
                }
                continue;
            }
        };
        while answers.try_join_next().is_some() {}
        let (rpc, places) = (rpc.clone(), places.clone());
        answers.spawn(async move {
            // Never closed.
            let place = places.acquire_owned().await;
            rpc.answer(question).await;
            drop(place);
        });
        if out.is_closed() {
            break;
        }
    }
    let over = async { while answers.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, over).await.is_err() {
        tracing::warn!("questions are left without an answer");
    }
    answers.shutdown().await;
    rpc.unfollow_all();
    drop((rpc, out));
    // It ends with the last line.
    if tokio::time::timeout(GRACE, writer).await.is_err() {
        tracing::warn!("lines are left that nobody reads");
    }
}

/// Reads a line; gives the id of what cannot be read, if it has one.
fn question(line: &[u8]) -> Result<Question, (Option<u64>, Failure)> {
    let bad = |id: Option<u64>, why: String| {
        let failed = Failure {
            code: "line-unusable".to_owned(),
            message: format!("this line is no question: {why}"),
            hint: "Baton and `baton-temporal` come from different versions: use those of one build"
                .to_owned(),
        };
        (id, failed)
    };
    if line.len() > MAX_LINE_BYTES {
        return Err(bad(None, format!("it has {} bytes", line.len())));
    }
    serde_json::from_slice(line).map_err(|error| {
        let value: Option<Value> = serde_json::from_slice(line).ok();
        let id = value.as_ref().and_then(|value| value.get("id")?.as_u64());
        bad(id, error.to_string())
    })
}

struct Rpc {
    cluster: Cluster,
    out: mpsc::Sender<Line>,
    followed: Mutex<BTreeMap<String, Followed>>,
    /// Tables whose hash was looked at.
    whole: Mutex<Vec<String>>,
    /// Who listened when it was looked last: many questions come at once.
    listening: tokio::sync::Mutex<Option<(Instant, Listening)>>,
}

/// A run whose news are told.
struct Followed {
    read: watch::Receiver<Option<Mark>>,
    tasks: [AbortHandle; 2],
}

impl Drop for Followed {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Rpc {
    async fn answer(self: Arc<Self>, question: Question) {
        let Question { id, ask } = question;
        let line = match self.clone().reply(ask).await {
            Ok(done) => Line::Done { id, done },
            Err(error) => Line::Failed {
                id: Some(id),
                failed: error.into(),
            },
        };
        if self.out.send(line).await.is_err() {
            tracing::debug!(id, "nobody waits for the answer");
        }
    }

    async fn reply(self: Arc<Self>, ask: Ask) -> Result<Value, ClusterError> {
        let cluster = &self.cluster;
        match ask {
            Ask::Start {
                document,
                folder,
                input,
                by,
                run,
            } => {
                let new = NewRun {
                    document: Some(document),
                    folder: folder.map(Into::into),
                    input,
                    id: run,
                    by,
                    ..NewRun::default()
                };
                json(&Box::pin(cluster.start(new)).await?)
            }
            Ask::List(list) => {
                let (runs, total) = cluster.list_page(&list).await?;
                let listening = self.listening().await?;
                json(&Listed {
                    runs,
                    total,
                    listening,
                })
            }
            Ask::Log { run, known } => {
                let about = cluster.about(&run).await?;
                let listening = self.listening().await?;
                if known.as_ref() == Some(&about.mark) {
                    return json(&Looked::Same {
                        listening,
                        is_untaken: about.is_untaken,
                    });
                }
                json(&Looked::Other(
                    cluster.whole(&run, &about, listening).await?,
                ))
            }
            Ask::Follow { run } => json(&self.clone().follow(run).await?),
            Ask::CatchUp { run } => {
                self.catch_up(&run).await?;
                Ok(Value::Null)
            }
            Ask::Unfollow { run } => {
                self.followed().remove(&run);
                Ok(Value::Null)
            }
            Ask::Tell { run, command } => json(&cluster.tell(&run, command).await?),
            Ask::Reset { run, step, reason } => {
                let run_id = cluster.reset(&run, &step, &reason).await?;
                json(&baton_sidecar::Started {
                    run,
                    run_id,
                    digest: String::new(),
                })
            }
            Ask::Check => json(&cluster.check().await),
            Ask::Blob { artifact } => self.blob(&artifact),
            Ask::Table {
                artifact,
                offset,
                limit,
                sort,
                descending,
                search,
            } => {
                let artifacts = &cluster.home().artifacts;
                self.require_whole(&artifact)?;
                let sort = sort.as_deref().map(|column| (column, descending));
                let limit = limit.min(tables::PAGE_LIMIT);
                let page =
                    tables::page(artifacts, &artifact, offset, limit, sort, search.as_deref());
                let tables::Page {
                    columns,
                    rows,
                    total,
                } = page.await.map_err(|error| {
                    let hint = error.hint.unwrap_or_else(|| SAME_FOLDER.to_owned());
                    ClusterError::new(&error.code, error.message, hint)
                })?;
                json(&Page {
                    rows,
                    total,
                    columns,
                })
            }
        }
    }

    async fn listening(&self) -> Result<Listening, ClusterError> {
        let mut known = self.listening.lock().await;
        if let Some((at, listening)) = &*known
            && at.elapsed() < SEEN
        {
            return Ok(listening.clone());
        }
        let listening = self.cluster.listening().await?;
        *known = Some((Instant::now(), listening.clone()));
        Ok(listening)
    }

    fn blob(&self, artifact: &str) -> Result<Value, ClusterError> {
        let artifacts = &self.cluster.home().artifacts;
        let lost = |error: io::Error| lost(artifact, &error);
        let path = artifacts.path(artifact).map_err(lost)?;
        let bytes = std::fs::metadata(&path).map_err(lost)?.len();
        if bytes > MAX_VALUE_BYTES {
            return Err(ClusterError::new(
                "value-too-large",
                format!("the value has {bytes} bytes, too many to be shown"),
                format!(
                    "it is in the folder of large values as `{}`",
                    path.display()
                ),
            ));
        }
        let content = artifacts.read(artifact).map_err(lost)?;
        serde_json::from_slice(&content).map_err(|error| {
            ClusterError::new(
                "artifact",
                format!("`{artifact}` is not a JSON value: {error}"),
                "look at it as a table, or as a file",
            )
        })
    }

    /// Compares a table with its hash, once.
    fn require_whole(&self, artifact: &str) -> Result<(), ClusterError> {
        let whole = || self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if whole().iter().any(|known| known == artifact) {
            return Ok(());
        }
        let artifacts = &self.cluster.home().artifacts;
        let path = artifacts.checked_path(artifact);
        path.map_err(|error| lost(artifact, &error))?;
        whole().push(artifact.to_owned());
        Ok(())
    }

    fn followed(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Followed>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unfollow_all(&self) {
        self.followed().clear();
    }

    /// Tells all of a run, then whatever is new in it.
    async fn follow(self: Arc<Self>, run: String) -> Result<Told, ClusterError> {
        self.followed().remove(&run);
        let (tell, mut told) = mpsc::channel(16);
        let (mark, read) = watch::channel(None);
        let (cluster, name) = (self.cluster.clone(), run.clone());
        let reading = tokio::spawn(async move { cluster.follow(&name, tell, mark).await });
        let Some(first) = told.recv().await else {
            return match reading.await {
                Ok(Err(error)) => Err(error),
                _ => Err(ClusterError::new(
                    "cluster",
                    format!("the run `{run}` is not followed any more"),
                    "ask again",
                )),
            };
        };
        let out = self.out.clone();
        let telling = tokio::spawn(async move {
            while let Some(told) = told.recv().await {
                if out.send(Line::Told { told }).await.is_err() {
                    return;
                }
            }
        });
        let tasks = [reading.abort_handle(), telling.abort_handle()];
        self.followed().insert(run, Followed { read, tasks });
        Ok(first)
    }

    /// Waits until what is there now was told.
    async fn catch_up(&self, run: &str) -> Result<(), ClusterError> {
        let followed = self.followed().get(run).map(|one| one.read.clone());
        let Some(mut read) = followed else {
            return Err(ClusterError::new(
                "not-followed",
                format!("the run `{run}` is not followed"),
                "follow it first",
            ));
        };
        let now = self.cluster.about(run).await?.mark;
        let is_there = |mark: &Option<Mark>| {
            mark.as_ref()
                .is_some_and(|mark| mark.part == now.part && mark.length >= now.length)
        };
        let caught_up = tokio::time::timeout(CAUGHT_UP, read.wait_for(is_there)).await;
        if caught_up.is_err() {
            tracing::debug!(run, "it was not read up to its end");
        }
        Ok(())
    }
}

const SAME_FOLDER: &str = "give every worker and client the same folder with `--blobs`";

fn lost(artifact: &str, error: &io::Error) -> ClusterError {
    match error.kind() {
        io::ErrorKind::InvalidInput => {
            ClusterError::new("artifact", error.to_string(), "look at the run again")
        }
        io::ErrorKind::InvalidData => ClusterError::new(
            "blob-damaged",
            format!("the value `{artifact}` is damaged: {error}"),
            "run the step again to make it anew",
        ),
        _ => ClusterError::new(
            "blob-missing",
            format!("the value `{artifact}` cannot be read: {error}"),
            SAME_FOLDER,
        ),
    }
}

fn json(value: &impl Serialize) -> Result<Value, ClusterError> {
    serde_json::to_value(value).map_err(|error| {
        ClusterError::new(
            "cluster",
            format!("this cannot be said: {error}"),
            "look at the log",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_question_is_answered_with_its_id_if_it_has_one() {
        let id = |line: &str| question(line.as_bytes()).unwrap_err().0;
        assert_eq!(id("nonsense"), None);
        assert_eq!(id("{\"id\":3,\"ask\":{\"type\":\"sing\"}}"), Some(3));
        assert_eq!(id("{\"id\":4}"), Some(4));
        assert_eq!(question(b"\xff\xfe").unwrap_err().0, None);
        let good = question(b"{\"id\":5,\"ask\":{\"type\":\"check\"}}").unwrap();
        assert_eq!((good.id, good.ask), (5, Ask::Check));
    }
}
