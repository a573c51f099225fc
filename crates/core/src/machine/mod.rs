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
//! it needs the outside again.

pub mod action;
pub mod event;
pub mod input;

pub use action::{Action, Task};
pub use event::{
    Decision, EdgeResolution, Evaluation, Event, IterationOutcome, Logged, Outcome, Parent, Passed,
    Question, Settlement, SkipReason, StepPath,
};
pub use input::{Input, Start, TaskResult};
