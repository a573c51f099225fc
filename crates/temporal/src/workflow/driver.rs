//! The loop of a run: waits for what happens, hands it to the host, begins and stops what follows.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use baton_core::Millis;
use baton_core::error::StepError;
use baton_core::machine::Outcome;
use temporalio_sdk::{
    ApplicationFailure, ContinueAsNewOptions, TimerOptions, WaitConditionOptions,
    WorkflowCancellationToken, WorkflowContext, WorkflowResult, WorkflowTermination,
};

use super::beginning::size;
use super::{ASKING, BatonRun, DIGEST, STATUS, WORKFLOW, begin, cancel, now};
use crate::home::Home;
use crate::host::{Answer, Host, Op};
use crate::wire::{OpKey, RunEnd, Settings, StartInput, TICK};

/// How many bytes of names the search attribute of questions holds. A server takes 2 KB, and fails what is larger for ever.
const ASKING_BYTES: usize = 1_500;

pub(super) type Ended = Pin<Box<dyn Future<Output = Option<Answer>>>>;

/// Something under way.
pub(super) struct UnderWay {
    pub(super) key: OpKey,
    pub(super) cancel: WorkflowCancellationToken,
    /// `None`: nothing that the machine wants to know.
    pub(super) ended: Ended,
}

pub(super) async fn drive(
    ctx: &mut WorkflowContext<BatonRun>,
    input: StartInput,
) -> WorkflowResult<RunEnd> {
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
    // A request to cancel that came before the run began counts before its first step, as the order says.
    let token = ctx.cancellation_token();
    let is_cancelled = token.is_cancelled();
    let cancel = is_cancelled.then(|| cancel(input.parent.as_ref(), token.reason()));
    if input.search && !input.is_listed {
        ctx.upsert_search_attributes([
            WORKFLOW.value_set(workflow),
            DIGEST.value_set(digest.clone()),
        ]);
    }
    // The largest definition, and the library as it is.
    let library_bytes = 2 * serde_json::to_vec(&input.library).map_or(0, |text| text.len());
    let is_listed = input.is_listed;
    let mut driver = Driver {
        ctx: ctx.clone(),
        home,
        input,
        run,
        name,
        under_way: Vec::new(),
        // Every change is an event, and costs a server more than one.
        shown: is_listed.then(|| ("running".to_owned(), Vec::new())),
        library_bytes,
        is_draining: false,
        is_cancelled,
    };
    driver.with_host_mut(|host| host.turn(Vec::new(), cancel, at));
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

fn unusable(error: StepError) -> WorkflowTermination {
    failed(RunEnd {
        outcome: Outcome::Failed,
        name: None,
        outputs: serde_json::Value::Null,
        outputs_kept: None,
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

pub(super) struct Driver {
    pub(super) ctx: WorkflowContext<BatonRun>,
    pub(super) home: Arc<Home>,
    pub(super) input: StartInput,
    pub(super) run: String,
    pub(super) name: String,
    /// In the order in which they were begun.
    under_way: Vec<UnderWay>,
    /// What the search attributes say.
    shown: Option<(String, Vec<String>)>,
    /// What every sub-workflow takes along.
    library_bytes: usize,
    is_draining: bool,
    is_cancelled: bool,
}

/// As many names as a search attribute holds; the first ones.
fn fitting(names: Vec<String>) -> Vec<String> {
    let mut left = ASKING_BYTES;
    let names = names.into_iter();
    let names = names.take_while(|name| {
        let fits = name.len() <= left;
        left = left.saturating_sub(name.len() + 3);
        fits
    });
    names.collect()
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

    pub(super) fn settings(&self) -> &Settings {
        &self.input.settings
    }

    /// Stops what the machine no longer wants, begins what it wants as far as there is room.
    fn go_on(&mut self) {
        let at = now(self.ctx.workflow_time());
        self.ctx.state_mut(|state| state.touched = false);
        for key in self.with_host_mut(Host::take_stops) {
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
        let tick = OpKey::tick();
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
        self.is_cancelled |= cancelled.is_some();
        let cancel = cancelled.map(|reason| cancel(self.input.parent.as_ref(), reason));
        let answers = answered.into_iter();
        let answers = answers.filter_map(|(key, answer)| Some((key, answer?)));
        let answers = answers.collect();
        self.with_host_mut(|host| host.turn(answers, cancel, at));
    }

    /// Keeps the search attributes up to date.
    fn show(&mut self) {
        if !self.input.search {
            return;
        }
        let now = self.with_host(|host| (host.status().to_owned(), fitting(host.asking())));
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
        next.is_listed = false;
        Ok(next)
    }

    fn finish(&self, end: RunEnd) -> WorkflowResult<RunEnd> {
        let end = match self.home.keep_end(end) {
            Ok(end) => end,
            Err(error) => panic!("{}: {}", error.code, error.message),
        };
        match end.outcome {
            Outcome::Succeeded => Ok(end),
            Outcome::Failed => Err(failed(end)),
            Outcome::Cancelled => Err(WorkflowTermination::cancelled_with_details(end)),
        }
    }
}
