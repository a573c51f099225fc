//! The engine of this computer, made to follow the log of a run elsewhere: what came from outside there comes here in
//! the same order and at the same instants. Two hosts of the same machine then write the same log.
//!
//! For the tests of the worker of Temporal, which is built apart from the engine. `follow scripted|standard`; each line of
//! standard input is a [`Request`], each line of standard output the log that the engine wrote, and where it got stuck.

mod clock;
mod gate;
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../../../crates/core/tests/it/machine/generate.rs"]
mod generate;
#[path = "../../../crates/temporal/tests/it/scripted.rs"]
mod scripted;

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use baton_core::document;
use baton_core::machine::{Action, Event, Logged, pending};
use baton_engine::{Engine, EngineConfig, NewRun, Signal, WorkLimits};
use baton_store::{OpenOptions, Store};
use serde_json::{Value, json};

use crate::clock::Follower;
use crate::gate::{Gate, Kinds};

/// How long the engine may take over one thing.
const PATIENCE: Duration = Duration::from_secs(30);

/// A run to follow.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    file: PathBuf,
    work_dir: PathBuf,
    input: Value,
    /// What was written elsewhere.
    log: Vec<Logged>,
}

#[expect(clippy::print_stdout, reason = "its answers are lines")]
fn main() -> anyhow::Result<()> {
    let kinds = match std::env::args().nth(1).as_deref() {
        Some("scripted") => Kinds::Scripted,
        Some("standard") => Kinds::Standard,
        other => bail!("`scripted` or `standard`, and not {other:?}"),
    };
    // One thread: what the engine is told in one go it takes in one go.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let dir = tempfile::tempdir()?;
    let here = runtime.block_on(Here::open(dir.path().join("data"), kinds))?;
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let answer = runtime.block_on(here.follow(request))?;
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    runtime.block_on(here.engine.close());
    Ok(())
}

/// The engine and what holds it back.
struct Here {
    store: Store,
    engine: Engine,
    clock: Follower,
    gate: Arc<Gate>,
}

/// What comes from outside.
enum Cause {
    /// A task ends.
    Task {
        step: String,
        epoch: u32,
        is_cancelled: bool,
    },
    /// Timers are due.
    Time,
    /// A person or a program says something.
    Said(Box<Event>),
}

impl Here {
    async fn open(data: PathBuf, kinds: Kinds) -> anyhow::Result<Self> {
        let store = Store::open(&data, OpenOptions::default()).await?;
        let (clock, gate) = (Follower::default(), Arc::new(Gate::new(kinds)));
        let mut config = EngineConfig::new(store.clone(), Arc::new(gate.catalog()));
        config.clock = Arc::new(clock.clone());
        config.tasks = gate.clone();
        // Nothing waits for a place: the other host has none.
        config.work = WorkLimits {
            concurrency: 10_000,
            ..WorkLimits::default()
        };
        let engine = Engine::start(config).await?;
        Ok(Self {
            store,
            engine,
            clock,
            gate,
        })
    }

    async fn follow(&self, request: Request) -> anyhow::Result<Value> {
        let Request {
            file,
            work_dir,
            input,
            log,
        } = request;
        let first = log.first().context("a log has a first event")?;
        let Event::RunStarted { by, .. } = &first.event else {
            bail!("a log begins with the start of its run");
        };
        let text = std::fs::read(&file)?;
        let parsed = document::parse_bytes(&text).map_err(|error| anyhow::anyhow!("{error}"))?;
        self.gate.forget();
        self.clock.start(first.at);
        let new = NewRun {
            workflow: Arc::new(parsed.workflow),
            path: Some(file),
            work_dir,
            input,
            by: by.clone(),
        };
        let run = self.engine.run(new).await?;
        let stuck = self.along(&run, &log).await;
        let events = self.store.events(&run, 0, 1_000_000).await?;
        if stuck.is_some() {
            // Let go of, so that the next one begins alone.
            drop(self.engine.cancel(&run, "follow", None, false).await);
            self.gate.let_all_go();
        }
        Ok(json!({ "run": run, "log": events, "stuck": stuck }))
    }

    /// Follows `log` to its end; gives why it could not.
    async fn along(&self, run: &str, log: &[Logged]) -> Option<String> {
        let mut seen = 0;
        loop {
            let next = match self.at_rest(run).await {
                Ok(Some(seq)) => seq as usize,
                Ok(None) => return None,
                Err(why) => return Some(why),
            };
            let Some(due) = log.get(next) else {
                return Some(format!(
                    "the log ends after {next} events, the run does not"
                ));
            };
            if next == seen {
                return Some(format!("nothing came of what led to event {next}"));
            }
            seen = next;
            self.clock.show(due.at);
            let Some(cause) = self.cause(run, due).await else {
                return Some(format!(
                    "nothing leads to event {}: {:?}",
                    due.seq, due.event
                ));
            };
            if let Err(error) = self.happen(run, cause, due.at).await {
                return Some(format!("event {}: {error}", due.seq));
            }
        }
    }

    /// Waits until the run only waits for the outside; how far it is then. `None` if it has ended.
    async fn at_rest(&self, run: &str) -> Result<Option<u32>, String> {
        let begun = Instant::now();
        loop {
            let fired = self.clock.fired();
            let look = self.engine.look(run, |run, durable, _| {
                let actions = pending(run);
                let restless: Vec<String> = actions
                    .into_iter()
                    .filter(|action| match action {
                        Action::StartTask(task) | Action::StartUndo(task) => {
                            !self.gate.holds(&task.step, task.epoch)
                        }
                        Action::CancelTask { step, epoch } => !self.gate.holds(step, *epoch),
                        Action::SetTimer { at, .. } => *at <= fired,
                        Action::StartChild { .. } | Action::CancelChild { .. } => true,
                        Action::Ask { .. } | Action::AskOutcome { .. } | Action::Listen { .. } => {
                            false
                        }
                    })
                    .map(|action| format!("{action:?}"))
                    .collect();
                (durable == run.seq(), restless, durable)
            });
            match look.await {
                None => return Ok(None),
                Some((true, restless, seq)) if restless.is_empty() => return Ok(Some(seq)),
                Some((_, restless, seq)) if begun.elapsed() > PATIENCE => {
                    return Err(format!("after {seq} events it does not rest: {restless:?}"));
                }
                Some(_) => tokio::time::sleep(Duration::from_micros(200)).await,
            }
        }
    }

    /// What has to come from outside so that `due` happens.
    async fn cause(&self, run: &str, due: &Logged) -> Option<Cause> {
        let task = |step: &str, is_cancelled| {
            let epoch = self.gate.epoch_of(step)?;
            let step = step.to_owned();
            Some(Cause::Task {
                step,
                epoch,
                is_cancelled,
            })
        };
        let found = match &due.event {
            Event::StepCancelled { step, .. } => task(step, true),
            Event::StepLogged { step, .. }
            | Event::StepSucceeded { step, .. }
            | Event::StepAttemptFailed { step, .. }
            | Event::StepFailed { step, .. }
            | Event::LateResultIgnored { step, .. }
            | Event::UndoSucceeded { step, .. }
            | Event::UndoFailed { step, .. } => task(step, false),
            Event::ApprovalDecided { .. }
            | Event::EventReceived { .. }
            | Event::CancelRequested { .. }
            | Event::BudgetRaised { .. }
            | Event::RunPaused { .. }
            | Event::RunResumed { .. }
            | Event::RetryHurried { .. } => Some(Cause::Said(Box::new(due.event.clone()))),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        let look = self.engine.look(run, |run, _, _| {
            pending(run)
                .iter()
                .any(|action| matches!(action, Action::SetTimer { at, .. } if *at <= due.at))
        });
        (look.await == Some(true)).then_some(Cause::Time)
    }

    async fn happen(&self, run: &str, cause: Cause, at: i64) -> anyhow::Result<()> {
        match cause {
            Cause::Task {
                step,
                epoch,
                is_cancelled,
            } => self.gate.let_go(&step, epoch, is_cancelled),
            Cause::Time => self.clock.fire(at),
            Cause::Said(event) => self.say(run, *event).await?,
        }
        Ok(())
    }

    /// What a person or a program said.
    async fn say(&self, run: &str, event: Event) -> anyhow::Result<()> {
        let engine = &self.engine;
        match event {
            Event::ApprovalDecided {
                step,
                by,
                decision,
                comment,
                data,
                ..
            } => {
                let said = engine.decide(run, &step, &by, decision, comment, data);
                said.await?;
            }
            Event::EventReceived {
                id,
                event,
                key,
                payload,
            } => {
                let signal = Signal {
                    id,
                    event,
                    key,
                    payload,
                    run: Some(run.to_owned()),
                };
                engine.signal(signal).await?;
            }
            Event::CancelRequested { by, reason, undo } => {
                engine.cancel(run, &by, reason, undo).await?;
            }
            Event::BudgetRaised { budget, limit, by } => {
                engine.raise(run, budget, limit, &by).await?;
            }
            Event::RunPaused { by } => engine.pause(run, &by).await?,
            Event::RunResumed { by } => engine.resume(run, &by).await?,
            Event::RetryHurried { step, by } => engine.retry_now(run, &step, &by).await?,
            other => bail!("nobody says {other:?}"),
        }
        Ok(())
    }
}
