//! The machine: what a run has done so far, and what it wants done next.
//!
//! A [`Run`] is a plain value. It never waits, reads a clock, opens a file or rolls dice. A host tells it what
//! happened and asks what to do. Two runs that saw the same events are equal.
//!
//! ```text
//!   Input ──► decide(&run, input, at) ──► Vec<Event> ──► apply(&mut run, &event) ──► pending(&run) ──► Vec<Action>
//!                                              │                                         │
//!                                              └──► the log                              └──► the host
//! ```
//!
//! [`step`] is that loop for one input: it decides, applies, and lets the machine take its own next steps until
//! it needs the outside again. Start reading at [`decide()`] and `advance`.
//!
//! # Invariants
//!
//! * A run carries the definition that it was started with. Editing a workflow never changes a run.
//! * Time enters only inside an input (`at`). Expressions are evaluated while deciding, never while applying:
//!   replay evaluates nothing.
//! * When a step ends, every edge that leaves it is resolved in the same event, once.
//! * What the machine does next of its own is an agenda derived from the state: every prefix of a log can go on.
//! * A run that ended takes no event.
//!
//! What is deliberately *not* here: waiting, storage, and any knowledge of what a task does.

pub mod action;
mod advance;
mod apply;
mod budget;
mod compile;
mod control_start;
mod decide;
pub mod event;
mod frames;
pub mod input;
mod pending;
mod plan;
mod progress;
mod resolve;
mod run;
mod snapshot;
mod state;

pub use action::{Action, Task};
pub use apply::{Impossible, apply};
pub use budget::{Allowance, Budget, DISK, Exceeded, NEXT_START, NO_ROOM, STOPPING};
pub use decide::{Refusal, decide};
pub use event::{
    Decision, EdgeResolution, Evaluation, Event, IterationOutcome, Logged, Outcome, Parent, Passed,
    Question, Settlement, SkipReason, StepPath,
};
pub use input::{Input, Start, TaskResult};
pub use pending::{RUN_TIMERS, STEP_TIMERS, Touched, TouchedStep, pending};
pub use plan::Plan;
pub use run::{Ended, Run, Started, Status, StepView};
pub use snapshot::{SnapshotError, compact, restore, snapshot, state_format};
pub use state::{Answer, EdgeState, IterationState, Phase, StepMore, StepState, UndoPhase, Wait};

use std::sync::Arc;

use crate::Millis;

/// Why a log could not be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The log holds no events: the run was never started, or the id is wrong.
    #[error("the log is empty")]
    Empty,
    /// An event cannot follow the ones before it: the log is damaged, or was written by a newer version.
    #[error("event {seq} cannot follow: {reason}")]
    Impossible {
        /// Position of the event.
        seq: u32,
        /// Why.
        #[source]
        reason: Impossible,
    },
}

/// Decides, applies, and goes on until the outside is needed: the new events, already folded into `run`.
///
/// # Errors
///
/// [`Refusal`] if the input cannot be taken now; the run is unchanged then.
///
/// # Panics
///
/// If an event that was just decided cannot be applied: a mistake in this crate, found by its property tests.
pub fn step(run: &mut Run, input: Input, at: Millis) -> Result<Vec<Logged>, Refusal> {
    step_within(run, input, at, usize::MAX).map(|(log, _)| log)
}

/// As [`step`], but stops after about `max` events, with `true` if there is more to do that needs no outside: then
/// [`Input::Advance`] goes on. So a host with other runs can let them have their turn.
///
/// # Errors
///
/// As [`step`].
///
/// # Panics
///
/// As [`step`].
pub fn step_within(
    run: &mut Run,
    input: Input,
    at: Millis,
    max: usize,
) -> Result<(Vec<Logged>, bool), Refusal> {
    let at = at.max(run.at());
    let mut log = Vec::new();
    let mut events = decide::decide_owned(run, input, at)?;
    loop {
        for event in events {
            let logged = Logged {
                seq: run.seq() + 1,
                at,
                event,
            };
            apply(run, &logged).expect("what was decided from a state can be applied to it");
            log.push(logged);
        }
        events = decide(run, &Input::Advance, at)?;
        if events.is_empty() || log.len() >= max {
            return Ok((log, !events.is_empty()));
        }
    }
}

/// Rebuilds a run from its log. Nothing is carried out: what was still to do is available from [`pending()`],
/// exactly as it was before the interruption.
///
/// # Errors
///
/// [`ReplayError`]: the log is empty, or an event cannot follow the ones before it; later events were not
/// looked at.
pub fn replay<'a>(
    plan: Arc<Plan>,
    log: impl IntoIterator<Item = &'a Logged>,
) -> Result<Run, ReplayError> {
    let mut run = Run::new(plan);
    for logged in log {
        apply(&mut run, logged).map_err(|reason| ReplayError::Impossible {
            seq: logged.seq,
            reason,
        })?;
    }
    if run.seq() == 0 {
        Err(ReplayError::Empty)
    } else {
        Ok(run)
    }
}
