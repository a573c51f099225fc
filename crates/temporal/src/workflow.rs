//! The one workflow that runs every definition: the machine of `baton-core`, driven by the events of a cluster.
//!
//! It only carries between [`Host`] and the cluster: what the host wants begun becomes activities, timers and child
//! workflows, what ends goes back in the order in which it was begun. Nothing is decided here.

#![expect(missing_docs, reason = "the macros make constants without words")]

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use baton_core::Millis;
use baton_core::error::StepError;
use baton_core::machine::{Outcome, Task};
use temporalio_common::search_attributes::SearchAttributeKey;
use temporalio_common::{ActivityCloseTimeouts, RetryPolicy};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityCancellationType, ActivityOptions, ApplicationFailure, ChildWorkflowCancellationType,
    ChildWorkflowOptions, ContinueAsNewOptions, ParentClosePolicy, SyncWorkflowContext,
    TimerOptions, TimerResult, WaitConditionOptions, WorkflowCancellationToken, WorkflowContext,
    WorkflowContextView, WorkflowResult, WorkflowTermination,
};
use temporalio_workflow::{ChildWorkflowStartError, StartChildWorkflowExecutionFailedCause};

use crate::answers;
use crate::home::Home;
use crate::host::{Answer, Host, Op, library_name};
use crate::runner::StepRunner;
use crate::wire::{
    Command, OpKey, Page, RunEnd, Settings, Standing, StartInput, StepIn, TICK, Waiting,
};

/// Search attribute: id of the workflow.
pub const WORKFLOW: SearchAttributeKey<String> = SearchAttributeKey::keyword("BatonWorkflow");
/// Search attribute: digest of the definition.
pub const DIGEST: SearchAttributeKey<String> = SearchAttributeKey::keyword("BatonDigest");
/// Search attribute: a word for where the run stands.
pub const STATUS: SearchAttributeKey<String> = SearchAttributeKey::keyword("BatonStatus");
/// Search attribute: steps that ask people.
pub const ASKING: SearchAttributeKey<Vec<String>> = SearchAttributeKey::keyword_list("BatonAsking");

/// The names of the search attributes, and whether each holds a list.
pub const SEARCH_ATTRIBUTES: &[(&str, bool)] = &[
    ("BatonWorkflow", false),
    ("BatonDigest", false),
    ("BatonStatus", false),
    ("BatonAsking", true),
];

/// How long a lost step waits before another worker carries it out.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How much longer than its own time limit a step may stay silent before the cluster calls it lost.
const MARGIN_MS: u64 = 20_000;
/// How much of a log one answer holds, in bytes.
const PAGE_BYTES: usize = 1024 * 1024;

/// A run on a cluster.
#[workflow]
pub struct BatonRun {
    home: Arc<Home>,
    host: Option<Host>,
    /// Commands that came before the run began.
    early: Vec<Command>,
    /// The host changed, and what it wants has not been looked at.
    touched: bool,
}

impl BatonRun {
    /// A run that has not begun, on a worker with this home.
    pub fn new(home: Arc<Home>) -> Self {
        Self {
            home,
            host: None,
            early: Vec::new(),
            touched: false,
        }
    }
}

#[workflow_methods(factory_only)]
impl BatonRun {
    /// Runs a definition to its end.
    #[run(name = "baton.run")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: StartInput) -> WorkflowResult<RunEnd> {
        drive(ctx, input).await
    }

    /// A command from somebody who does not wait for an answer.
    #[signal(name = "baton.command")]
    pub fn told(&mut self, ctx: &mut SyncWorkflowContext<Self>, command: Command) {
        if let Err(why) = self.take(command, now(ctx.workflow_time())) {
            tracing::info!(run = ctx.workflow_id(), why, "a command was not taken");
        }
    }

    /// Refuses a command that the run cannot take.
    #[update_validator(command)]
    fn check(
        &self,
        _ctx: &WorkflowContextView,
        command: &Command,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match &self.host {
            Some(host) => Ok(host.would_take(&command.clone().into_input())?),
            None => Ok(()),
        }
    }

    /// A command from somebody who waits for the answer: the position of the last event that followed from it.
    #[update(name = "baton.command")]
    pub fn command(
        &mut self,
        ctx: &mut SyncWorkflowContext<Self>,
        command: Command,
    ) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
        self.take(command, now(ctx.workflow_time()))?;
        Ok(self.host.as_ref().map_or(0, |host| host.run().seq()))
    }

    /// Where the run stands.
    #[query(name = "baton.standing")]
    pub fn standing(&self, _ctx: &WorkflowContextView) -> Option<Standing> {
        self.host.as_ref().map(Host::standing)
    }

    /// Events of this part of the run after a position.
    #[query(name = "baton.log")]
    pub fn log(&self, _ctx: &WorkflowContextView, after: u32) -> Page {
        let log = self.host.as_ref().map_or(&[][..], Host::log);
        let mut left = PAGE_BYTES;
        let events = log
            .iter()
            .filter(|logged| logged.seq > after)
            .take_while(|logged| {
                let bytes = serde_json::to_vec(logged).map_or(0, |text| text.len());
                let fits = bytes <= left || left == PAGE_BYTES;
                left = left.saturating_sub(bytes);
                fits
            })
            .cloned()
            .collect();
        Page { events }
    }
}

impl BatonRun {
    fn take(&mut self, command: Command, at: Millis) -> Result<(), String> {
        self.touched = true;
        match &mut self.host {
            Some(host) => host
                .give(command.into_input(), at)
                .map_err(|refusal| refusal.to_string()),
            None => {
                self.early.push(command);
                Ok(())
            }
        }
    }
}

/// The instant of the workflow task, in milliseconds.
fn now(time: Option<SystemTime>) -> Millis {
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

type Ended = Pin<Box<dyn Future<Output = Option<Answer>>>>;

/// Something under way.
struct UnderWay {
    key: OpKey,
    cancel: WorkflowCancellationToken,
    /// `None`: nothing that the machine wants to know.
    ended: Ended,
}

async fn drive(ctx: &mut WorkflowContext<BatonRun>, input: StartInput) -> WorkflowResult<RunEnd> {
    let run = ctx.workflow_id().to_owned();
    let home = ctx.state(|state| state.home.clone());
    let at = now(ctx.workflow_time());
    let began = begin(&home, &input, &run, at);
    let host = match began {
        Ok(host) => host,
        // Another worker may have the folder: the workflow task fails, and is tried again.
        Err(error) if !error.permanent => panic!("{}: {}", error.code, error.message),
        Err(error) => return Err(unusable(error)),
    };
    let name = host.run().plan().workflow().name.clone();
    let digest = host.run().plan().digest().to_owned();
    let workflow = host.run().plan().workflow().id.clone();
    ctx.state_mut(|state| {
        state.host = Some(host);
        for command in std::mem::take(&mut state.early) {
            // Nobody waits for the answer any more.
            drop(state.take(command, at));
        }
    });
    if input.search {
        ctx.upsert_search_attributes([
            WORKFLOW.value_set(workflow),
            DIGEST.value_set(digest.clone()),
        ]);
    }
    // The largest definition, and the library as it is.
    let library_bytes = 2 * serde_json::to_vec(&input.library).map_or(0, |text| text.len());
    let mut driver = Driver {
        ctx: ctx.clone(),
        home,
        input,
        run,
        name,
        under_way: Vec::new(),
        shown: None,
        library_bytes,
        is_draining: false,
        is_cancelled: false,
    };
    driver.look_for_cancel(at);
    loop {
        driver.go_on();
        if let Some(end) = driver.with_host(Host::ended) {
            return driver.finish(end);
        }
        if driver.is_draining && driver.with_host(Host::under_way) == 0 {
            let next = driver.next_part()?;
            ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
        }
        driver.wait().await;
    }
}

/// A host for the run of `input`. The reader of a history begins in the same way.
pub(crate) fn begin(
    home: &Home,
    input: &StartInput,
    run: &str,
    at: Millis,
) -> Result<Host, StepError> {
    let workflow = home.workflow(&input.definition)?;
    let plan = home.plan(&workflow)?;
    let beginning = home.beginning(input, run)?;
    Host::begin(plan, home.tasks.clone(), beginning, at)
}

fn unusable(error: StepError) -> WorkflowTermination {
    failed(RunEnd {
        outcome: Outcome::Failed,
        name: None,
        outputs: serde_json::Value::Null,
        error: Some(error),
    })
}

fn failed(end: RunEnd) -> WorkflowTermination {
    let (code, message) = match &end.error {
        Some(error) => (error.code.clone(), error.message.clone()),
        None => ("failed".to_owned(), "the run failed".to_owned()),
    };
    WorkflowTermination::failed_application(
        ApplicationFailure::builder(anyhow::anyhow!("{message}"))
            .type_name(code)
            .non_retryable(true)
            .details(end)
            .build(),
    )
}

struct Driver {
    ctx: WorkflowContext<BatonRun>,
    home: Arc<Home>,
    input: StartInput,
    run: String,
    name: String,
    /// In the order in which they were begun.
    under_way: Vec<UnderWay>,
    /// What the search attributes say.
    shown: Option<(String, Vec<String>)>,
    /// What every sub-workflow takes along.
    library_bytes: usize,
    is_draining: bool,
    is_cancelled: bool,
}

impl Driver {
    fn with_host<R>(&self, look: impl FnOnce(&Host) -> R) -> R {
        self.ctx
            .state(|state| look(state.host.as_ref().expect("the run has begun")))
    }

    fn with_host_mut<R>(&self, work: impl FnOnce(&mut Host) -> R) -> R {
        self.ctx
            .state_mut(|state| work(state.host.as_mut().expect("the run has begun")))
    }

    fn settings(&self) -> &Settings {
        &self.input.settings
    }

    /// Lets the machine go on, stops what it no longer wants, begins what it wants as far as there is room.
    fn go_on(&mut self) {
        let at = now(self.ctx.workflow_time());
        self.ctx.state_mut(|state| state.touched = false);
        let changes = self.with_host_mut(|host| host.settle(at));
        for key in changes.stop {
            let Some(place) = self.under_way.iter().position(|one| one.key == key) else {
                continue;
            };
            self.under_way[place].cancel.cancel();
            if matches!(key, OpKey::Timer(..)) {
                self.under_way.remove(place);
            }
        }
        self.is_draining |= self.is_long();
        if self.with_host(|host| host.ended().is_none()) {
            self.begin_more(at);
        }
        self.show();
    }

    fn is_long(&self) -> bool {
        match self.settings().continue_after {
            0 => self.ctx.continue_as_new_suggested(),
            events => self.ctx.history_length() >= events,
        }
    }

    /// Begins what is in the queue: timers at once, all else within the window and the bytes of one workflow task.
    fn begin_more(&mut self, at: Millis) {
        let window = self.settings().window as usize;
        let mut bytes = self.settings().task_bytes as usize;
        let is_draining = self.is_draining;
        let library_bytes = self.library_bytes;
        let mut room = window.saturating_sub(self.with_host(Host::under_way));
        let mut is_first = true;
        let mut is_short = false;
        let taken = self.with_host_mut(|host| {
            host.take(|op| {
                if matches!(op, Op::Timer { .. }) {
                    return true;
                }
                if is_draining || room == 0 {
                    return false;
                }
                let size = size(op, library_bytes);
                if size > bytes && !is_first {
                    is_short = true;
                    return false;
                }
                is_first = false;
                bytes = bytes.saturating_sub(size);
                room -= 1;
                true
            })
        });
        for op in taken {
            let one = self.begin(op, at);
            self.under_way.push(one);
        }
        let tick = OpKey::Timer(TICK.to_owned(), 0);
        if is_short && !self.under_way.iter().any(|one| one.key == tick) {
            let cancel = WorkflowCancellationToken::new();
            let options = TimerOptions::builder(Duration::from_millis(1))
                .cancellation_token(cancel.clone())
                .summary(TICK.to_owned())
                .build();
            let ctx = self.ctx.clone();
            self.under_way.push(UnderWay {
                key: tick,
                cancel,
                ended: Box::pin(async move {
                    ctx.timer(options).await;
                    None
                }),
            });
        }
    }

    fn begin(&self, op: Op, at: Millis) -> UnderWay {
        let key = op.key();
        let cancel = WorkflowCancellationToken::new();
        let ended = match op {
            Op::Step(task) | Op::Undo(task) => self.begin_task(&key, task, cancel.clone()),
            Op::Timer { timer: _, at: due } => {
                let left = u64::try_from(due.saturating_sub(at)).unwrap_or(0).max(1);
                let options = TimerOptions::builder(Duration::from_millis(left))
                    .cancellation_token(cancel.clone())
                    .summary(key.activity_id())
                    .build();
                let ctx = self.ctx.clone();
                Box::pin(async move {
                    let ended = ctx.timer(options).await;
                    (ended == TimerResult::Fired).then_some(Answer::Fired)
                })
            }
            Op::Child {
                step,
                run,
                workflow,
                version,
                input,
            } => {
                let name = library_name(&workflow, &version);
                let definition = self.input.library.get(&name).cloned();
                let definition = definition.expect("the host begins only what is in the library");
                let input = StartInput {
                    definition,
                    input,
                    seed: None,
                    by: Some("workflow".to_owned()),
                    parent: Some(Waiting {
                        run: self.run.clone(),
                        step,
                        name: self.name.clone(),
                    }),
                    depth: self.input.depth + 1,
                    log: Vec::new(),
                    ..self.input.clone()
                };
                self.begin_child(run, input, cancel.clone())
            }
        };
        UnderWay { key, cancel, ended }
    }

    fn begin_task(&self, key: &OpKey, task: Task, cancel: WorkflowCancellationToken) -> Ended {
        let settings = self.settings();
        let effect = task.effect;
        let kept = match self.home.keep_with(&task.with) {
            Ok(kept) => kept,
            Err(error) => panic!("{}: {}", error.code, error.message),
        };
        let limit = task
            .timeout_ms
            .map_or(settings.attempt_ms, i64::unsigned_abs);
        let start_to_close = Duration::from_millis(limit.saturating_add(MARGIN_MS));
        let schedule_to_close =
            Duration::from_millis(settings.deadline_ms.max(1)).max(Duration::from_millis(1));
        let may_repeat = effect.may_repeat();
        // What a step says goes to the machine, which retries. The cluster repeats only what was lost on the way.
        let retry = RetryPolicy::builder()
            .initial_interval(AGAIN_AFTER)
            .backoff_coefficient(2.0)
            .maximum_interval(Duration::from_secs(10))
            .maximum_attempts(u32::from(!may_repeat))
            .build();
        let options =
            ActivityOptions::with_close_timeouts(ActivityCloseTimeouts::ScheduleAndStartToClose {
                schedule_to_close,
                start_to_close: start_to_close.min(schedule_to_close),
            })
            .activity_id(key.activity_id())
            .heartbeat_timeout(Duration::from_millis(settings.heartbeat_ms))
            .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
            .cancellation_token(cancel)
            .retry_policy(retry)
            // A worker that is told to stop may be handed such a step and never begin it: then a person would be asked.
            .do_not_eagerly_execute(!may_repeat)
            .summary(format!("{}: {}", task.kind, task.step))
            .build();
        let step = StepIn {
            run: self.run.clone(),
            step: task.step,
            kind: task.kind,
            attempt: task.attempt,
            epoch: task.epoch,
            key: task.key,
            effect,
            with: if kept.is_some() {
                serde_json::Map::new()
            } else {
                (*task.with).clone()
            },
            with_kept: kept,
            timeout_ms: task.timeout_ms,
            beat_ms: settings.heartbeat_ms / 3,
        };
        let ctx = self.ctx.clone();
        Box::pin(async move {
            let work = ctx.execute_activity(StepRunner::step, step, options);
            Some(match work.await {
                Ok(out) => answers::completed(out),
                Err(error) => match error.failure() {
                    Some(failure) => answers::step_failed(failure, effect),
                    None => answers::step_failed(&Default::default(), effect),
                },
            })
        })
    }

    fn begin_child(
        &self,
        run: String,
        input: StartInput,
        cancel: WorkflowCancellationToken,
    ) -> Ended {
        let options = ChildWorkflowOptions::builder()
            .workflow_id(run)
            .task_queue(self.ctx.task_queue().to_owned())
            .cancel_type(ChildWorkflowCancellationType::WaitCancellationCompleted)
            .parent_close_policy(ParentClosePolicy::RequestCancel)
            // Never cancelled: one that has begun is asked to stop, and answers.
            .cancellation_token(WorkflowCancellationToken::new())
            .build();
        let ctx = self.ctx.clone();
        Box::pin(async move {
            let start = ctx.start_child_workflow(BatonRun::run, input, options);
            let started = match start.await {
                Ok(started) => started,
                Err(ChildWorkflowStartError::StartFailed { cause, .. }) => {
                    let known = StartChildWorkflowExecutionFailedCause::WorkflowAlreadyExists;
                    return Some(answers::child_not_started(cause == known));
                }
                Err(_) => return Some(answers::child_not_started(false)),
            };
            let mut result = Box::pin(started.result());
            let mut is_told = false;
            let ended = poll_fn(|cx| {
                if !is_told {
                    let mut told = std::pin::pin!(cancel.cancelled());
                    if told.as_mut().poll(cx).is_ready() {
                        is_told = true;
                        temporalio_workflow::CancellableFutureWithReason::cancel_with_reason(
                            &*result,
                            "the run that waits for it was stopped".to_owned(),
                        );
                    }
                }
                result.as_mut().poll(cx)
            })
            .await;
            Some(match ended {
                Ok(end) => Answer::Child(end),
                Err(error) => answers::child_failed(error.failure()),
            })
        })
    }

    /// Waits for anything: answers of what is under way, commands, a request to cancel. Takes all that is there.
    async fn wait(&mut self) {
        let mut answered: Vec<(OpKey, Option<Answer>)> = Vec::new();
        let mut cancelled: Option<Option<String>> = None;
        {
            let ctx = self.ctx.clone();
            let under_way = &mut self.under_way;
            let asks = !self.is_cancelled;
            // Not one that ends when the run is asked to stop: it would be ready for ever.
            let options = WaitConditionOptions::builder()
                .cancellation_token(WorkflowCancellationToken::new())
                .build();
            let touched = ctx.wait_condition_with_options(|state| state.touched, options);
            let stopped = ctx.cancelled();
            let mut touched = std::pin::pin!(touched);
            let mut stopped = std::pin::pin!(stopped);
            poll_fn(|cx| {
                under_way.retain_mut(|one| match one.ended.as_mut().poll(cx) {
                    Poll::Ready(answer) => {
                        answered.push((one.key.clone(), answer));
                        false
                    }
                    Poll::Pending => true,
                });
                if asks && let Poll::Ready(reason) = stopped.as_mut().poll(cx) {
                    cancelled = Some(reason);
                }
                let is_touched = touched.as_mut().poll(cx).is_ready();
                if is_touched || cancelled.is_some() || !answered.is_empty() {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
        let at = now(self.ctx.workflow_time());
        let parent = self.input.parent.clone();
        self.with_host_mut(|host| {
            for (key, answer) in answered {
                if let Some(answer) = answer {
                    host.answer(&key, answer, at);
                }
            }
            if let Some(reason) = &cancelled {
                cancel(host, parent.as_ref(), reason.clone(), at);
            }
        });
        self.is_cancelled |= cancelled.is_some();
    }

    /// A request to cancel that came before the run began counts before its first step, as the order says.
    fn look_for_cancel(&mut self, at: Millis) {
        let token = self.ctx.cancellation_token();
        if token.is_cancelled() {
            let parent = self.input.parent.clone();
            self.with_host_mut(|host| cancel(host, parent.as_ref(), token.reason(), at));
            self.is_cancelled = true;
        }
    }

    /// Keeps the search attributes up to date.
    fn show(&mut self) {
        if !self.input.search {
            return;
        }
        let now = self.with_host(|host| (host.status().to_owned(), host.asking()));
        if self.shown.as_ref() == Some(&now) {
            return;
        }
        self.ctx.upsert_search_attributes([
            STATUS.value_set(now.0.clone()),
            ASKING.value_set(now.1.clone()),
        ]);
        self.shown = Some(now);
    }

    /// How this run goes on as a new one.
    fn next_part(&self) -> Result<StartInput, WorkflowTermination> {
        let chunk = self.with_host(|host| self.home.chunk(host.log()));
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => panic!("{}: {}", error.code, error.message),
        };
        let mut next = self.input.clone();
        next.log.push(chunk);
        Ok(next)
    }

    fn finish(&self, end: RunEnd) -> WorkflowResult<RunEnd> {
        match end.outcome {
            Outcome::Succeeded => Ok(end),
            Outcome::Failed => Err(failed(end)),
            Outcome::Cancelled => Err(WorkflowTermination::cancelled_with_details(end)),
        }
    }
}

/// A request of the cluster to cancel. A sub-workflow is stopped by the run that waits for it, and takes nothing back
/// then, as on one computer; a person at the cluster's own tools means the whole run.
pub(crate) fn cancel(
    host: &mut Host,
    parent: Option<&Waiting>,
    reason: Option<String>,
    at: Millis,
) {
    let reason = reason.filter(|reason| !reason.is_empty());
    match parent {
        Some(parent) => {
            let why = "the run that waits for it was stopped".to_owned();
            host.cancel(&parent.name, Some(reason.unwrap_or(why)), false, at);
        }
        None => host.cancel("temporal", reason, true, at),
    }
}

/// About how many bytes a command takes.
fn size(op: &Op, library_bytes: usize) -> usize {
    const FIXED: usize = 1_024;
    let text = |value: &serde_json::Value| value.to_string().len();
    FIXED
        + match op {
            Op::Step(task) | Op::Undo(task) => task
                .with
                .values()
                .map(text)
                .sum::<usize>()
                .min(baton_core::table::INLINE_LIMIT),
            Op::Timer { .. } => 0,
            Op::Child { input, .. } => text(input) + library_bytes,
        }
}
