//! What people ask of the engine, and what they were told.

use std::collections::BTreeMap;

use baton_core::machine::{Decision, Event, Logged, Run, Settlement};
use baton_engine::{Engine, NewRun, Signal};

/// What a person was told is done.
#[derive(Debug, Clone)]
pub(super) enum Ack {
    Began(String),
    Decided(String, String, String),
    Settled(String, String),
    Cancelled(String),
}

/// What people ask for.
#[derive(Debug)]
pub(super) enum Ask {
    Begin(Box<NewRun>),
    Cancel { run: String, undo: bool },
    Pause(String),
    GoOn(String, i64),
    Signal(Signal),
    RetryNow(String, String),
    Settle(String, String, Settlement),
    Decide(String, String, String, Decision),
}

/// Asks the engine; gives what has to be on the disk from now on.
pub(super) async fn asked(engine: &Engine, ask: Ask) -> Option<Ack> {
    const BY: &str = "p";
    match ask {
        Ask::Begin(new) => engine.run(*new).await.ok().map(Ack::Began),
        Ask::Cancel { run, undo } => {
            engine.cancel(&run, BY, None, undo).await.ok()?;
            Some(Ack::Cancelled(run))
        }
        Ask::Pause(run) => {
            engine.pause(&run, BY).await.ok()?;
            None
        }
        Ask::GoOn(run, now) => {
            let look = |run: &Run, _, _| {
                let began = run.started().map_or(now, |one| one.at);
                let elapsed = now.max(run.at()).abs_diff(began);
                let exceeded = run.exceeded();
                // A day, where time is what is used up.
                exceeded.map(|one| (one.budget, one.used.max(elapsed) + 86_400_000))
            };
            match engine.look(&run, look).await? {
                Some((budget, limit)) => engine.raise(&run, budget, limit, BY).await.ok()?,
                None => engine.resume(&run, BY).await.ok()?,
            }
            None
        }
        Ask::Signal(signal) => {
            engine.signal(signal).await.ok()?;
            None
        }
        Ask::RetryNow(run, step) => {
            engine.retry_now(&run, &step, BY).await.ok()?;
            None
        }
        Ask::Settle(run, step, answer) => {
            engine.settle(&run, &step, BY, answer).await.ok()?;
            Some(Ack::Settled(run, step))
        }
        Ask::Decide(run, step, by, decision) => {
            let decided = engine.decide(&run, &step, &by, decision, None, None);
            decided.await.ok()?;
            Some(Ack::Decided(run, step, by))
        }
    }
}

/// Whether what a person was told is in the log.
pub(super) fn is_kept(ack: &Ack, logs: &BTreeMap<&str, Vec<Logged>>) -> bool {
    let has = |run: &str, is_it: &dyn Fn(&Event) -> bool| {
        let log = logs.get(run);
        log.is_some_and(|log| log.iter().any(|logged| is_it(&logged.event)))
    };
    match ack {
        Ack::Began(run) => has(run, &|event| matches!(event, Event::RunStarted { .. })),
        Ack::Cancelled(run) => has(run, &|event| matches!(event, Event::CancelRequested { .. })),
        Ack::Settled(run, step) => has(
            run,
            &|event| matches!(event, Event::StepOutcomeSettled { step: of, .. } if of == step),
        ),
        Ack::Decided(run, step, by) => has(
            run,
            &|event| matches!(event, Event::ApprovalDecided { step: of, by: who, .. } if of == step && who == by),
        ),
    }
}
