//! Driving one run: inputs in, durable events out, then the next actions.

use std::sync::Arc;
use std::time::Duration;

use baton_core::Millis;
use baton_core::machine::{self, Event, Input, Logged, Settlement, Status, Task, TaskResult};
use baton_steps::{TaskOutput, values};
use baton_store::{Append, Appended, QuestionChanges, RunRow, StoreError};
use tokio::task::JoinHandle;

use crate::entry::{Entry, Looks, Message, Reply};
use crate::error::EngineError;
use crate::notice::EngineNotice;
use crate::perform;
use crate::shared::Shared;
use crate::sleep::{self, MovedWaits};
use crate::snapshots::{self, Occasion};
use crate::task;
use crate::triggers;
use baton_store::trial;

/// How many events are gathered at most before they are written.
const MAX_BATCH: usize = 5_000;
/// How many events of light tasks are worth a write of their own while the next ones are carried out.
const WORTH_WRITING: usize = 400;
/// How many light tasks are carried out before others get their turn.
const TASKS_BEFORE_YIELD: usize = 256;
/// The first and the longest wait before a failed write is tried again.
pub(crate) const FIRST_RETRY: Duration = Duration::from_millis(250);
pub(crate) const LAST_RETRY: Duration = Duration::from_secs(15);

/// What was decided and is not durable yet.
#[derive(Debug, Default)]
struct Batch {
    events: Vec<Logged>,
    questions: QuestionChanges,
    replies: Vec<Reply>,
    /// The machine would go on by itself: others get their turn before it does.
    has_more: bool,
    /// What was handed to the journal before. The next is handed over once that is durable.
    flight: Option<Flight>,
}

/// Events on their way to the disk.
#[derive(Debug)]
struct Flight {
    append: Arc<Append>,
    replies: Vec<Reply>,
    waits: MovedWaits,
    /// The write, if it goes on by itself; otherwise whoever waits for it carries it out.
    writing: Option<JoinHandle<Result<Appended, StoreError>>>,
}

/// Whether the run can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

/// Drives `entry` until its inbox is empty.
pub(crate) async fn drive(shared: Arc<Shared>, entry: Arc<Entry>) {
    while let Some(messages) = entry.take() {
        let mut batch = Batch::default();
        for message in messages {
            step(&shared, &entry, message, &mut batch);
            if batch.events.len() >= MAX_BATCH
                && write(&shared, &entry, &mut batch).await == Next::Stop
            {
                return;
            }
        }
        let is_stopped = light_tasks(&shared, &entry, &mut batch).await == Next::Stop;
        if trial::has_bug("act-before-durable") {
            perform::perform(&shared, &entry);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if is_stopped || write(&shared, &entry, &mut batch).await == Next::Stop {
            return;
        }
        if shared.closing.is_cancelled() {
            return;
        }
        if entry.state().run.status() == Status::Ended {
            snapshots::keep(&shared, &entry, Occasion::Standing).await;
            finish(&shared, &entry);
        } else {
            snapshots::keep(&shared, &entry, Occasion::Going).await;
            perform::perform(&shared, &entry);
        }
    }
    sleep::rest(&shared, &entry).await;
}

/// Lets the machine take one message into account.
fn step(shared: &Shared, entry: &Entry, message: Message, batch: &mut Batch) {
    let Message {
        input,
        put_at,
        reply,
    } = message;
    // Judged at the instant at which it came. While it waited for the disk the computer may have slept: the run learns
    // that behind it, and a timer that fired before must not be taken for one that fired after.
    match decide(shared, entry, input, put_at, batch) {
        Ok(()) => batch.replies.extend(reply),
        Err(refusal) => {
            if let Some(reply) = reply {
                // The one who asked may have gone.
                drop(reply.send(Err(refusal)));
            } else {
                tracing::debug!(run = entry.id, %refusal, "the machine took no notice");
            }
        }
    }
}

fn decide(
    shared: &Shared,
    entry: &Entry,
    input: Input,
    at: Millis,
    batch: &mut Batch,
) -> Result<(), EngineError> {
    let mut state = entry.state();
    state.settle(&input);
    let is_timer = matches!(input, Input::TimerDue { .. });
    let stepped = machine::step_within(&mut state.run, input, at, MAX_BATCH);
    let (mut events, has_more) = stepped.map_err(|refusal| {
        if state.run.status() == Status::Ended {
            EngineError::AlreadyEnded(entry.id.clone())
        } else {
            EngineError::Refused {
                code: refusal.code.into(),
                message: refusal.message,
            }
        }
    })?;
    if trial::has_bug("unsafe-runs-again") {
        events.extend(run_again(&mut state.run, &events, shared.clock.now()));
    }
    if is_timer && events.is_empty() {
        // It came too early, by a clock that was set back, and may still be wanted.
        state.unperformed = Looks::All;
    }
    for logged in &events {
        state.projection.apply(
            &entry.id,
            entry.plan.workflow(),
            logged,
            &mut batch.questions,
        );
    }
    batch.events.extend(events);
    batch.has_more = has_more;
    Ok(())
}

/// A planted bug: steps with unknown outcome run again, and nobody is asked.
fn run_again(run: &mut machine::Run, events: &[Logged], now: Millis) -> Vec<Logged> {
    let mut more = Vec::new();
    for logged in events {
        if let Event::StepOutcomeUnknown { step, .. } = &logged.event {
            let (step, by) = (step.clone(), "nobody".to_owned());
            let answer = Settlement::RunAgain;
            let input = Input::Settle { step, by, answer };
            more.extend(machine::step(run, input, now).unwrap_or_default());
        }
    }
    more
}

/// Carries out light pure tasks until none is left: they touch nothing, so nothing has to be on disk between them.
async fn light_tasks(shared: &Arc<Shared>, entry: &Arc<Entry>, batch: &mut Batch) -> Next {
    let mut carried_out = 0;
    loop {
        if batch.has_more {
            return Next::Go;
        }
        let tasks = entry.state().touched_tasks();
        if !shared.disk.may_work() {
            return Next::Go;
        }
        let mut has_any = false;
        for task in tasks {
            let Some(result) = at_once(shared, &task).await else {
                continue;
            };
            has_any = true;
            for (level, message) in result.logs {
                let input = Input::TaskLogged {
                    step: task.step.clone(),
                    level,
                    message,
                };
                step(
                    shared,
                    entry,
                    Message::quiet(input, shared.clock.now()),
                    batch,
                );
            }
            let (step_path, epoch) = (task.step, task.epoch);
            let input = Input::TaskEnded {
                step: step_path,
                epoch,
                result: result.result,
            };
            step(
                shared,
                entry,
                Message::quiet(input, shared.clock.now()),
                batch,
            );
            let is_grounded = batch
                .flight
                .as_ref()
                .and_then(|flight| flight.writing.as_ref())
                .is_none_or(JoinHandle::is_finished);
            let enough = if is_grounded {
                WORTH_WRITING
            } else {
                MAX_BATCH
            };
            if batch.events.len() >= enough {
                if send_off(shared, entry, batch).await == Next::Stop {
                    return Next::Stop;
                }
                if snapshots::is_time(entry) {
                    if land(shared, entry, batch).await == Next::Stop {
                        return Next::Stop;
                    }
                    snapshots::keep(shared, entry, Occasion::Going).await;
                }
                tokio::task::yield_now().await;
            }
            carried_out += 1;
            if carried_out % TASKS_BEFORE_YIELD == 0 {
                tokio::task::yield_now().await;
            }
        }
        if !has_any {
            return Next::Go;
        }
    }
}

struct AtOnce {
    result: TaskResult,
    logs: Vec<(String, String)>,
}

async fn at_once(shared: &Shared, task: &Task) -> Option<AtOnce> {
    if values::has_blobs(&task.with) {
        return None;
    }
    Some(match shared.tasks.execute_inline(task)? {
        Ok(TaskOutput {
            output,
            port,
            logs,
            notify: _,
        }) => AtOnce {
            result: task::succeeded(shared, output, port).await?,
            logs,
        },
        Err(error) => AtOnce {
            result: TaskResult::Failed(error),
            logs: Vec::new(),
        },
    })
}

/// Makes the batch durable, however long that takes, and tells whoever waits or listens.
async fn write(shared: &Arc<Shared>, entry: &Arc<Entry>, batch: &mut Batch) -> Next {
    if load(shared, entry, batch).await == Next::Stop {
        return Next::Stop;
    }
    land(shared, entry, batch).await
}

/// Lets the journal write the batch while the machine goes on, once what was handed over before is durable.
async fn send_off(shared: &Arc<Shared>, entry: &Arc<Entry>, batch: &mut Batch) -> Next {
    let next = load(shared, entry, batch).await;
    if let Some(flight) = &mut batch.flight {
        let (journal, append) = (shared.journal.clone(), flight.append.clone());
        flight.writing = Some(tokio::spawn(async move { journal.append(&append).await }));
    }
    next
}

/// Makes the batch the next that is written, once what was handed over before is durable.
async fn load(shared: &Arc<Shared>, entry: &Arc<Entry>, batch: &mut Batch) -> Next {
    if land(shared, entry, batch).await == Next::Stop {
        return Next::Stop;
    }
    let Batch {
        events,
        questions,
        mut replies,
        has_more,
        flight: _,
    } = std::mem::take(batch);
    if has_more {
        // Behind what came meanwhile: a pause or a cancel is not kept waiting.
        shared.send(entry, Input::Advance);
    }
    if events.is_empty() {
        answer(&mut replies, || Ok(()));
        return Next::Go;
    }
    let (expected_seq, summary, waits) = {
        let mut state = entry.state();
        let waits = sleep::moved_waits(&mut state);
        (state.durable, entry.row(&state), waits)
    };
    let append = Arc::new(Append {
        run: entry.id.clone(),
        expected_seq,
        events,
        summary,
        questions,
        waits: waits.changes(),
    });
    trial::point("engine-decided");
    batch.flight = Some(Flight {
        append,
        replies,
        waits,
        writing: None,
    });
    Next::Go
}

/// Waits until what was handed over is durable, however often that has to be tried.
async fn land(shared: &Arc<Shared>, entry: &Arc<Entry>, batch: &mut Batch) -> Next {
    let Some(Flight {
        append,
        mut replies,
        waits,
        writing,
    }) = batch.flight.take()
    else {
        return Next::Go;
    };
    let mut wait = FIRST_RETRY;
    let mut tried = match writing {
        Some(writing) => writing.await.unwrap_or(Err(StoreError::Closed)),
        None => shared.journal.append(&append).await,
    };
    let appended = loop {
        let error = match tried {
            Ok(appended) => break appended,
            Err(error) => error,
        };
        let is_new = append.expected_seq == 0;
        if lacks_room(&error) && shared.make_room() {
            tried = shared.journal.append(&append).await;
            continue;
        }
        if is_new || !may_pass(&error) {
            give_up(shared, entry, &error, is_new);
            replies.append(&mut batch.replies);
            answer(&mut replies, || Err(EngineError::Store(error.clone())));
            return Next::Stop;
        }
        stall(shared, entry, &error);
        replies.append(&mut batch.replies);
        answer(&mut replies, || {
            Err(EngineError::Stalled {
                run: entry.id.clone(),
                source: error.clone(),
            })
        });
        tokio::select! {
            () = shared.closing.cancelled() => return Next::Stop,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(LAST_RETRY);
        tried = shared.journal.append(&append).await;
    };
    trial::point("engine-durable");
    {
        let mut state = entry.state();
        state.durable = appended.seq;
        state.durable_at = append
            .events
            .last()
            .map_or(state.durable_at, |logged| logged.at);
        state.number = appended.number;
        if waits.is_at_rest {
            state.rests_at = appended.seq;
        }
        waits.happened(&mut state.waits);
        if state.stalled.take().is_some() {
            tracing::info!(run = entry.id, "the run goes on: its events are written");
        }
    }
    answer(&mut replies, || Ok(()));
    if shared.has_listeners() {
        let has_questions = !append.questions.put.is_empty() || !append.questions.closed.is_empty();
        // The task that wrote them is done: nobody else holds them.
        let Append {
            events, summary, ..
        } = Arc::unwrap_or_clone(append);
        shared.tell(EngineNotice::Advanced {
            row: Arc::new(RunRow {
                number: appended.number,
                ..summary
            }),
            events: Arc::new(events),
        });
        if has_questions {
            shared.tell(EngineNotice::QuestionsChanged);
        }
    }
    Next::Go
}

fn answer(replies: &mut Vec<Reply>, say: impl Fn() -> Result<(), EngineError>) {
    for reply in replies.drain(..) {
        // The one who asked may have gone.
        drop(reply.send(say()));
    }
}

/// Whether the disk is at fault: a full one is reported in both ways.
fn lacks_room(error: &StoreError) -> bool {
    matches!(error, StoreError::DiskFull { .. } | StoreError::Io { .. })
}

/// Whether the same write may work later.
fn may_pass(error: &StoreError) -> bool {
    match error {
        StoreError::DiskFull { .. }
        | StoreError::Io { .. }
        | StoreError::Busy
        | StoreError::ReadOnlyFolder { .. }
        | StoreError::Database { .. } => true,
        StoreError::Locked { .. }
        | StoreError::UnsafeFolder { .. }
        | StoreError::TakenAway { .. }
        | StoreError::ReadOnly
        | StoreError::Newer { .. }
        | StoreError::Damaged { .. }
        | StoreError::Conflict { .. }
        | StoreError::Ended { .. }
        | StoreError::NotFound { .. }
        | StoreError::NoBackup { .. }
        | StoreError::Invalid { .. }
        | StoreError::Unreadable { .. }
        | StoreError::Closed
        | StoreError::OldSqlite { .. } => false,
    }
}

/// The run stands still and says so; nothing that is not durable is acted on.
fn stall(shared: &Shared, entry: &Entry, error: &StoreError) {
    tracing::warn!(run = entry.id, %error, "the run stands still: its events cannot be written");
    let row = {
        let mut state = entry.state();
        state.stalled = Some(error.clone());
        entry.row(&state)
    };
    shared.tell(EngineNotice::Stalled { row: Arc::new(row) });
}

/// The write can never work: what is on disk is the truth, and the run is let go.
fn give_up(shared: &Shared, entry: &Entry, error: &StoreError, is_new: bool) {
    if !is_new {
        tracing::error!(run = entry.id, %error, "the run is let go: its events can never be written");
        stall(shared, entry, error);
    }
    for cancel in entry.state().active.values() {
        cancel.cancel();
    }
    perform::forget_timers(shared, entry);
    shared.remove(&entry.id);
    if !is_new {
        shared.lose(entry.id.clone(), error.to_string());
    }
}

/// Lets go of a run that has ended, and tells the run that waits for it.
fn finish(shared: &Arc<Shared>, entry: &Arc<Entry>) {
    for cancel in entry.state().active.values() {
        cancel.cancel();
    }
    perform::forget_timers(shared, entry);
    shared.remove(&entry.id);
    let by = entry.state().projection.by.clone();
    triggers::run_ended(shared, &entry.plan.workflow().id, by.as_deref());
    let Some(parent) = &entry.origin.parent else {
        return;
    };
    if trial::has_bug("end-of-child-untold") && shared.find(&parent.run).is_none() {
        return;
    }
    let input = {
        let state = entry.state();
        let Some(ended) = state.run.ended() else {
            return;
        };
        Input::ChildEnded {
            step: parent.step.clone(),
            run: entry.id.clone(),
            outcome: ended.outcome,
            name: ended.name.clone(),
            outputs: ended.outputs.clone(),
            error: ended.error.clone(),
        }
    };
    shared.tell_run(parent.run.clone(), vec![input]);
}
