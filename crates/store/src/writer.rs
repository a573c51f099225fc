//! The one task that writes.
//!
//! It owns the connection, takes what waits for it, writes all of that in one transaction and answers after
//! `COMMIT`. A caller that is dropped in between has no influence. The cost of a flush to the disk is so shared by
//! everyone who waits for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::error::StoreError;
use crate::events::{self, Encoded, Head, OfRun};
use crate::figures::Counters;
use crate::keeps::Keep;
use crate::lock::Lock;
use crate::rows::{QuestionChanges, RunRow, WaitChanges};
use crate::runs::{self, Move, Moved, Numbers};
use crate::sealing::Sealing;
use crate::timers::{self, HostNote};
use crate::{questions, sql, trial};

/// Requests that may wait before callers have to.
pub(crate) const QUEUE: usize = 256;

/// Requests in one transaction.
const GROUP: usize = 64;

/// How long the first of a group waits at most for the others, if there were others last time. It never waits longer
/// than the last group took to be written: that would cost more than it saves.
const GATHER: Duration = Duration::from_millis(2);

/// Something to write.
#[derive(Debug)]
pub(crate) enum Work {
    Append(Box<Batch>),
    Keep(Keep),
    /// A run only waits since its event `seq`.
    Rest {
        number: u32,
        seq: u32,
        changes: WaitChanges,
    },
    Note(HostNote),
    /// Nothing: answered in its turn.
    Nothing,
}

/// Events to write, checked and encoded.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) expected: u32,
    pub(crate) events: Vec<Encoded>,
    pub(crate) run: RunRow,
    pub(crate) questions: QuestionChanges,
    pub(crate) waits: WaitChanges,
}

/// A request and where its answer goes.
#[derive(Debug)]
pub(crate) enum Command {
    Write {
        work: Work,
        reply: oneshot::Sender<Answer>,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

/// The number of the run, for events.
pub(crate) type Answer = Result<Option<u32>, StoreError>;

struct Waiting {
    work: Work,
    reply: oneshot::Sender<Answer>,
}

/// The state of the task.
pub(crate) struct Writer {
    dir: PathBuf,
    options: SqliteConnectOptions,
    /// Gone after an error that leaves its state unknown; the next group opens another.
    conn: Option<SqliteConnection>,
    /// Unknown after an error; the next group reads it.
    head: Option<Head>,
    numbers: Numbers,
    sealing: Sealing,
    lock: Lock,
    counters: Arc<Counters>,
}

impl Writer {
    pub(crate) fn new(
        dir: PathBuf,
        options: SqliteConnectOptions,
        conn: SqliteConnection,
        lock: Lock,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            sealing: Sealing::new(dir.clone()),
            dir,
            options,
            conn: Some(conn),
            head: None,
            numbers: Numbers::default(),
            lock,
            counters,
        }
    }

    /// Writes until the store is closed or nobody holds it any more.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Command>) {
        let mut usual = 1;
        let mut patience = GATHER;
        let mut closing = None;
        while closing.is_none() {
            let Some(first) = self.next(&mut requests).await else {
                break;
            };
            let mut group = Vec::with_capacity(usual);
            closing = sort_in(first, &mut group);
            if closing.is_none() {
                closing = gather(&mut requests, &mut group, usual, patience).await;
            }
            usual = group.len().max(1);
            let begun = Instant::now();
            self.write(group).await;
            patience = begun.elapsed().min(GATHER);
        }
        requests.close();
        while let Some(late) = requests.recv().await {
            match late {
                Command::Write { reply, .. } => answer(reply, Err(StoreError::Closed)),
                Command::Close { reply } => drop(reply),
            }
        }
        trial::point("store-closing");
        if let Some(conn) = self.conn.take()
            && let Err(error) = conn.close().await
        {
            tracing::warn!(%error, "the database could not be closed properly");
        }
        self.sealing.finish(self.head).await;
        trial::point("store-closed");
        self.lock.give_back();
        if let Some(reply) = closing {
            // Whoever closes may have gone.
            reply.send(()).ok();
        }
    }

    /// The next request. While nothing is asked, the log may be due to be signed.
    async fn next(&mut self, requests: &mut mpsc::Receiver<Command>) -> Option<Command> {
        loop {
            let (Some(due), Some(head)) = (self.sealing.due(), self.head) else {
                return requests.recv().await;
            };
            match tokio::time::timeout_at(due, requests.recv()).await {
                Ok(next) => return next,
                Err(_) => self.sealing.begin(head),
            }
        }
    }

    async fn write(&mut self, group: Vec<Waiting>) {
        if group.is_empty() {
            return;
        }
        if trial::has_bug("ack-before-commit") {
            let say = |waiting: Waiting| {
                answer(waiting.reply, Ok(Some(1)));
                trial::point("store-answered");
                waiting.work
            };
            let work: Vec<Work> = group.into_iter().map(say).collect();
            self.write_group(&work.iter().collect::<Vec<_>>()).await;
            return;
        }
        let work: Vec<&Work> = group.iter().map(|waiting| &waiting.work).collect();
        let answers = self.write_group(&work).await;
        for (waiting, said) in group.into_iter().zip(answers) {
            answer(waiting.reply, said);
            trial::point("store-answered");
        }
    }

    /// Writes all of this, and gives the answers in the same order.
    pub(crate) async fn write_group(&mut self, work: &[&Work]) -> Vec<Answer> {
        let error = match self.transact(work).await {
            Ok(answers) => return answers,
            Err(error) => error,
        };
        if trial::has_bug("error-answered-as-success") {
            return work.iter().map(|_| Ok(Some(1))).collect();
        }
        if work.len() == 1 {
            return vec![Err(error)];
        }
        // One of them is at fault. Each gets a transaction of its own, so that the others do not suffer.
        tracing::debug!(%error, requests = work.len(), "writing one by one");
        let mut answers = Vec::with_capacity(work.len());
        for one in work {
            match self.transact(&[one]).await {
                Ok(said) => answers.extend(said),
                Err(error) => answers.push(Err(error)),
            }
        }
        answers
    }

    /// Writes all of this or nothing, refusals aside: a refused request changes nothing.
    pub(crate) async fn transact(&mut self, work: &[&Work]) -> Result<Vec<Answer>, StoreError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self
                .options
                .connect()
                .await
                .map_err(|error| sql::error(&error, &self.dir))?,
        };
        let begun = Instant::now();
        let written = write_all(&mut conn, self.head, &mut self.numbers, work).await;
        match written {
            Ok(Written::All { answers, head }) => {
                let went_well: Vec<bool> = answers.iter().map(Result::is_ok).collect();
                self.counters.count(work, &went_well, begun.elapsed());
                self.head = Some(head);
                self.sealing.notice(head);
                self.conn = Some(conn);
                Ok(answers)
            }
            Ok(Written::Refused(refused)) => {
                self.forget(conn).await;
                Err(refused)
            }
            Err(error) => {
                self.forget(conn).await;
                Err(sql::error(&error, &self.dir))
            }
        }
    }

    /// Takes the open transaction back, and what was learned in it.
    async fn forget(&mut self, mut conn: SqliteConnection) {
        self.counters.failed();
        self.head = None;
        self.numbers = Numbers::default();
        if sql::rollback(&mut conn).await {
            self.conn = Some(conn);
        }
    }
}

/// What became of a transaction.
enum Written {
    /// It is committed.
    All { answers: Vec<Answer>, head: Head },
    /// A run is elsewhere than its writer thinks. With others in the transaction, it may be any of them.
    Refused(StoreError),
}

async fn write_all(
    conn: &mut SqliteConnection,
    head: Option<Head>,
    numbers: &mut Numbers,
    work: &[&Work],
) -> Result<Written, sqlx::Error> {
    sqlx::query(sql::begin()).execute(&mut *conn).await?;
    trial::point("store-begun");
    let head = match head {
        Some(head) => head,
        None => Head::read(conn).await?,
    };
    let mut beginning = Vec::new();
    for one in work {
        match one {
            Work::Keep(keep) => keep.write(conn).await?,
            Work::Rest {
                number,
                seq,
                changes,
            } => {
                timers::change(conn, *number, changes, Some(*seq)).await?;
            }
            Work::Note(note) => timers::note(conn, note).await?,
            Work::Nothing => {}
            Work::Append(batch) if batch.expected == 0 => beginning.push(&batch.run),
            Work::Append(_) => {}
        }
    }
    let mut begun = runs::begin(conn, &beginning).await?.into_iter();
    let mut answers = Vec::with_capacity(work.len());
    let mut accepted = Vec::new();
    let mut moves = Vec::new();
    for one in work {
        let Work::Append(batch) = one else {
            answers.push(Ok(None));
            continue;
        };
        let run = &batch.run;
        let number = if batch.expected == 0 {
            match begun.next() {
                Some(Moved::To(number)) => {
                    numbers.note(&run.id, number);
                    number
                }
                Some(Moved::Refused(error)) => {
                    answers.push(Err(error));
                    continue;
                }
                None => return Ok(Written::Refused(StoreError::Closed)),
            }
        } else {
            let Some(number) = numbers.of(conn, &run.id).await? else {
                answers.push(Err(runs::refusal(conn, batch.expected, run).await?));
                continue;
            };
            moves.push(Move {
                expected: batch.expected,
                number,
                run,
            });
            number
        };
        answers.push(Ok(Some(number)));
        accepted.push((number, batch));
    }
    let events: Vec<OfRun<'_>> = accepted
        .iter()
        .map(|(number, batch)| OfRun {
            id: &batch.run.id,
            number: *number,
            events: &batch.events,
        })
        .collect();
    // While SQLite moves the runs in its own thread, the first events are hashed and bound here.
    let mut inserting = events::Inserting::new(head, &events);
    let (moved, prepared) =
        tokio::join!(runs::advance(conn, &moves), async { inserting.prepare() });
    prepared?;
    if !moved? {
        let first = &moves[0];
        let refused = runs::refusal(conn, first.expected, first.run).await?;
        return Ok(Written::Refused(refused));
    }
    trial::point("store-advanced");
    let mut ended = Vec::new();
    for (number, batch) in &accepted {
        if batch.run.ended_at.is_none() {
            questions::change(conn, &batch.run.id, &batch.questions).await?;
        } else if batch.expected != 0 {
            ended.push(batch.run.id.as_str());
        }
        let rests_at = batch.waits.is_at_rest.then_some(batch.run.seq);
        timers::change(conn, *number, &batch.waits, rests_at).await?;
    }
    questions::close_all(conn, &ended).await?;
    if trial::has_bug("batch-in-two-transactions") {
        sqlx::query(sql::COMMIT).execute(&mut *conn).await?;
        sqlx::query(sql::begin()).execute(&mut *conn).await?;
    }
    let head = inserting.finish(conn).await?;
    trial::point("store-inserted");
    sqlx::query(sql::COMMIT).execute(conn).await?;
    trial::point("store-committed");
    for (_, batch) in accepted {
        if batch.run.ended_at.is_some() {
            numbers.forget(&batch.run.id);
        }
    }
    Ok(Written::All { answers, head })
}

/// Takes what waits already; and if there usually is more, waits for that a moment.
async fn gather(
    requests: &mut mpsc::Receiver<Command>,
    group: &mut Vec<Waiting>,
    usual: usize,
    patience: Duration,
) -> Option<oneshot::Sender<()>> {
    let mut until = None;
    while group.len() < GROUP {
        let next = match requests.try_recv() {
            Ok(next) => next,
            Err(_) if group.len() >= usual => return None,
            Err(_) => {
                let until = *until.get_or_insert_with(|| Instant::now() + patience);
                match tokio::time::timeout_at(until, requests.recv()).await {
                    Ok(Some(next)) => next,
                    Ok(None) | Err(_) => return None,
                }
            }
        };
        if let Some(closing) = sort_in(next, group) {
            return Some(closing);
        }
    }
    None
}

fn sort_in(command: Command, group: &mut Vec<Waiting>) -> Option<oneshot::Sender<()>> {
    match command {
        Command::Write { work, reply } => {
            group.push(Waiting { work, reply });
            None
        }
        Command::Close { reply } => Some(reply),
    }
}

fn answer(reply: oneshot::Sender<Answer>, said: Answer) {
    // A caller that was dropped does not want to know; what was written stays written.
    reply.send(said).ok();
}

#[cfg(test)]
impl Writer {
    /// Makes the disk look full once the database has this many pages.
    pub(crate) async fn limit_pages(&mut self, pages: u32) {
        let conn = self.conn.as_mut().expect("the connection is there");
        let limit = format!("PRAGMA max_page_count = {pages}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(limit))
            .execute(conn)
            .await
            .expect("it can be set");
    }
}
