//! Budgets: how much a run may use before it stands still and asks a person.
//!
//! What was used is part of the state, folded from the events. Before the machine starts something it compares; if
//! a budget is used up it says [`Event::BudgetExceeded`] instead, once, and starts nothing more until a person
//! raises that budget. What waits to be started stays on the agenda, so the run goes on exactly where it was.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use super::decide::{Refusal, refuse};
use super::event::{Event, StepPath};
use super::plan::Control;
use super::run::{At, Run};
use super::state::{FramePhase, Phase};
use crate::Millis;
use crate::document::Limits;
use crate::duration::{format_ms, parse_ms};
use crate::size::{format_bytes, parse_bytes};
use crate::table::{BLOB_TYPE, TABLE_TYPE};

/// Name of the timer of [`Budget::WallTime`].
pub(crate) const TIMER: &str = "budget";

/// Who pauses and resumes a run when the disk is nearly full and has room again.
pub const DISK: &str = "baton:disk";

/// What a run waits for that was paused so.
pub const NO_ROOM: &str =
    "room on the disk of the data folder: free some, and it goes on by itself";

/// Who pauses a run that has a step under way when Baton is about to stop, and resumes it at the next start.
pub const STOPPING: &str = "baton:stopping";

/// What a run waits for that was paused so.
pub const NEXT_START: &str = "the next start of Baton: it goes on by itself then";

/// Something that a run may use only so much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub enum Budget {
    /// Steps started; further attempts of a step are not counted.
    Steps,
    /// Iterations of one loop.
    Iterations,
    /// Runs above this one.
    Depth,
    /// Bytes of one value that is not a table.
    Payload,
    /// Bytes of all values and tables of the run.
    RunPayload,
    /// Bytes of the values that the run holds in memory.
    Memory,
    /// Milliseconds since the run began.
    WallTime,
}

impl Budget {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Steps,
        Self::Iterations,
        Self::Depth,
        Self::Payload,
        Self::RunPayload,
        Self::Memory,
        Self::WallTime,
    ];

    /// `amount` of this, with its unit.
    pub fn words(self, amount: u64) -> String {
        let counted = |thing: &str| {
            let s = if amount == 1 { "" } else { "s" };
            format!("{} {thing}{s}", grouped(amount))
        };
        match self {
            Self::Steps => counted("step"),
            Self::Iterations => counted("iteration"),
            Self::Depth => counted("sub-workflow"),
            Self::Payload | Self::RunPayload | Self::Memory => format_bytes(amount),
            Self::WallTime => format_ms(i64::try_from(amount).unwrap_or(i64::MAX)),
        }
    }

    /// Whether a run that used `used` can go on with `limit`.
    const fn suffices(self, limit: u64, used: u64) -> bool {
        match self {
            Self::Steps | Self::WallTime => limit > used,
            Self::Iterations | Self::Depth | Self::Payload | Self::RunPayload | Self::Memory => {
                limit >= used
            }
        }
    }
}

/// `5 are`, `1 is`.
fn counted(number: u64) -> String {
    let are = if number == 1 { "is" } else { "are" };
    format!("{} {are}", grouped(number))
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How much a run may use, as far as someone said so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export, optional_fields)]
pub struct Allowance {
    /// [`Budget::Steps`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// [`Budget::Iterations`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// [`Budget::Depth`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u64>,
    /// Iterations carried out at the same time: a window, never exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u64>,
    /// [`Budget::Payload`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<u64>,
    /// [`Budget::RunPayload`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_payload: Option<u64>,
    /// [`Budget::Memory`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// [`Budget::WallTime`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_time: Option<u64>,
}

impl Allowance {
    /// What holds where nobody says anything else. There is no limit of time: a run may wait for months.
    pub const BUILT_IN: Self = Self {
        steps: Some(100_000),
        iterations: Some(100_000),
        depth: Some(32),
        in_flight: Some(64),
        payload: Some(256_000_000),
        run_payload: Some(4_000_000_000),
        memory: Some(128_000_000),
        wall_time: None,
    };

    /// What the block `limits` of a file says. Texts that are no amounts say nothing; validation reports them.
    pub fn of(limits: &Limits) -> Self {
        let bytes = |text: &Option<String>| parse_bytes(text.as_deref()?).ok();
        Self {
            steps: limits.steps.map(u64::from),
            iterations: limits.iterations.map(u64::from),
            depth: limits.depth.map(u64::from),
            in_flight: limits.in_flight.map(u64::from),
            payload: bytes(&limits.payload),
            run_payload: bytes(&limits.run_payload),
            memory: bytes(&limits.memory),
            wall_time: limits
                .wall_time
                .as_deref()
                .and_then(|text| parse_ms(text).ok())
                .map(i64::unsigned_abs),
        }
    }

    /// This, and where it says nothing, `other`.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            steps: self.steps.or(other.steps),
            iterations: self.iterations.or(other.iterations),
            depth: self.depth.or(other.depth),
            in_flight: self.in_flight.or(other.in_flight),
            payload: self.payload.or(other.payload),
            run_payload: self.run_payload.or(other.run_payload),
            memory: self.memory.or(other.memory),
            wall_time: self.wall_time.or(other.wall_time),
        }
    }

    /// This, without what `other` says something about.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        fn open<T: Copy>(own: Option<T>, other: Option<T>) -> Option<T> {
            own.filter(|_| other.is_none())
        }
        Self {
            steps: open(self.steps, other.steps),
            iterations: open(self.iterations, other.iterations),
            depth: open(self.depth, other.depth),
            in_flight: open(self.in_flight, other.in_flight),
            payload: open(self.payload, other.payload),
            run_payload: open(self.run_payload, other.run_payload),
            memory: open(self.memory, other.memory),
            wall_time: open(self.wall_time, other.wall_time),
        }
    }

    /// What it says about `budget`.
    pub fn get(&self, budget: Budget) -> Option<u64> {
        match budget {
            Budget::Steps => self.steps,
            Budget::Iterations => self.iterations,
            Budget::Depth => self.depth,
            Budget::Payload => self.payload,
            Budget::RunPayload => self.run_payload,
            Budget::Memory => self.memory,
            Budget::WallTime => self.wall_time,
        }
    }

    fn set(&mut self, budget: Budget, limit: u64) {
        let place = match budget {
            Budget::Steps => &mut self.steps,
            Budget::Iterations => &mut self.iterations,
            Budget::Depth => &mut self.depth,
            Budget::Payload => &mut self.payload,
            Budget::RunPayload => &mut self.run_payload,
            Budget::Memory => &mut self.memory,
            Budget::WallTime => &mut self.wall_time,
        };
        *place = Some(limit);
    }

    /// Whether nobody said anything.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// A budget that is used up: the run starts nothing more until it is raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct Exceeded {
    /// Of what.
    pub budget: Budget,
    /// How much is allowed.
    pub limit: u64,
    /// How much was used, or would be with what comes next.
    pub used: u64,
    /// The step at which it was noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepPath>,
}

impl Exceeded {
    /// What is used up, in plain words: `100,000 steps were started, and 100,000 are allowed`.
    pub fn sentence(&self) -> String {
        let (used, limit) = (self.budget.words(self.used), self.limit);
        let at = self
            .step
            .as_deref()
            .map(|step| format!(" at `{step}`"))
            .unwrap_or_default();
        match self.budget {
            Budget::Steps => {
                let were = if self.used == 1 { "was" } else { "were" };
                format!("{used} {were} started, and {} allowed", counted(limit))
            }
            Budget::Iterations => {
                format!("a loop{at} needs {used}, and {} allowed", counted(limit))
            }
            Budget::Depth => format!(
                "{used} would wait one below the other{at}, and {} allowed",
                counted(limit)
            ),
            Budget::Payload => {
                format!(
                    "a value{at} has {used}, and {} are allowed",
                    format_bytes(limit)
                )
            }
            Budget::RunPayload => format!(
                "the values of the run have {used} together, and {} are allowed",
                format_bytes(limit)
            ),
            Budget::Memory => format!(
                "the run holds {used} of values in memory, and {} are allowed",
                format_bytes(limit)
            ),
            Budget::WallTime => format!(
                "the run has taken {used}, and {} are allowed",
                self.budget.words(limit)
            ),
        }
    }
}

/// What a run has used, and what is allowed beyond what it began with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spent {
    /// Steps started.
    pub(crate) steps: u64,
    /// Bytes of all values, large ones and tables included.
    payload: u64,
    /// Bytes of the values that the state holds.
    memory: u64,
    /// The largest value that is no table, and where it came from.
    largest: (u64, StepPath),
    /// Who paused the run last.
    pub(crate) paused_by: Option<String>,
    /// What people allowed since the start.
    raised: Allowance,
    /// The budget that is used up.
    pub(crate) exceeded: Option<Exceeded>,
}

impl Spent {
    /// Counts a step that leaves `phase`: only its first attempt counts.
    pub(crate) fn started(&mut self, phase: Phase) {
        self.steps += u64::from(phase == Phase::Idle);
    }

    /// Takes a value into account that the run holds from now on.
    pub(crate) fn hold(&mut self, value: &Value) {
        self.memory += weight(value);
    }

    /// Takes the output of a step into account.
    pub(crate) fn output(&mut self, step: &str, value: &Value) {
        let held = weight(value);
        self.memory += held;
        let (kept, is_table) = match kept_elsewhere(value) {
            Some((bytes, is_table)) => (bytes, is_table),
            None => (held, false),
        };
        self.payload += kept;
        if !is_table && kept > self.largest.0 {
            self.largest = (kept, step.to_owned());
        }
    }

    pub(crate) fn raise(&mut self, budget: Budget, limit: u64) {
        self.raised.set(budget, limit);
        if self
            .exceeded
            .as_ref()
            .is_some_and(|exceeded| exceeded.budget == budget)
        {
            self.exceeded = None;
        }
    }
}

/// About how many bytes of JSON `value` is.
fn weight(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(items) => 2 + items.iter().map(|item| weight(item) + 1).sum::<u64>(),
        Value::Object(fields) => {
            let each = fields.iter();
            2 + each
                .map(|(name, field)| name.len() as u64 + 4 + weight(field))
                .sum::<u64>()
        }
    }
}

/// Size of a value that is kept as an artifact, and whether it is a table.
fn kept_elsewhere(value: &Value) -> Option<(u64, bool)> {
    let marker = value.get("$type")?.as_str()?;
    if marker != BLOB_TYPE && marker != TABLE_TYPE {
        return None;
    }
    Some((value.get("bytes")?.as_u64()?, marker == TABLE_TYPE))
}

impl Run {
    /// The budget that is used up, if the run stands still because of one.
    pub fn exceeded(&self) -> Option<&Exceeded> {
        self.spent.exceeded.as_ref()
    }

    /// Who paused the run, if it is paused: a person, [`DISK`] or [`STOPPING`].
    pub fn paused_by(&self) -> Option<&str> {
        let by = self.spent.paused_by.as_deref();
        by.filter(|_| self.paused)
    }

    /// How much of `budget` is allowed now; `None` without a limit.
    pub fn allowed(&self, budget: Budget) -> Option<u64> {
        let raised = self.spent.raised.get(budget);
        raised.or_else(|| self.began_with().get(budget))
    }

    /// What was allowed at the start.
    fn began_with(&self) -> Allowance {
        let given = self.started.as_ref().and_then(|one| one.limits.clone());
        given
            .unwrap_or_default()
            .or(&self.plan.limits)
            .or(&Allowance::BUILT_IN)
    }

    /// Nothing new is started: a person paused the run, or a budget is used up.
    pub(crate) fn is_halted(&self) -> bool {
        self.paused || self.spent.exceeded.is_some()
    }

    fn exceed(&self, budget: Budget, used: u64, step: Option<StepPath>) -> Option<Event> {
        let limit = self.allowed(budget)?;
        (!budget.suffices(limit, used)).then(|| {
            Event::BudgetExceeded(Exceeded {
                budget,
                limit,
                used,
                step,
            })
        })
    }

    /// The budget that keeps the step from starting; `is_first` for anything but a further attempt.
    pub(crate) fn over_budget(&self, here: At, is_first: bool, at: Millis) -> Option<Event> {
        let first = |budget, used| {
            is_first
                .then(|| self.exceed(budget, used, Some(self.path(here))))
                .flatten()
        };
        let depth = || {
            let below = self.started.as_ref().map_or(0, |started| started.depth) + 1;
            let is_call = matches!(self.step_at(here).control, Some(Control::Workflow));
            is_call.then(|| first(Budget::Depth, u64::from(below)))?
        };
        first(Budget::Steps, self.spent.steps)
            .or_else(depth)
            .or_else(|| self.over_values())
            .or_else(|| self.over_time(at))
    }

    fn over_values(&self) -> Option<Event> {
        let (largest, from) = &self.spent.largest;
        self.exceed(Budget::Payload, *largest, Some(from.clone()))
            .or_else(|| self.exceed(Budget::RunPayload, self.spent.payload, None))
            .or_else(|| self.exceed(Budget::Memory, self.spent.memory, None))
    }

    /// The budget that keeps a loop from its next iteration, which would be number `next` (from 1).
    pub(crate) fn over_iterations(&self, here: At, next: u64, at: Millis) -> Option<Event> {
        self.exceed(Budget::Iterations, next, Some(self.path(here)))
            .or_else(|| self.over_values())
            .or_else(|| self.over_time(at))
    }

    fn elapsed(&self, at: Millis) -> u64 {
        let began = self.started.as_ref().map_or(at, |started| started.at);
        (at - began).max(0).unsigned_abs()
    }

    pub(crate) fn over_time(&self, at: Millis) -> Option<Event> {
        self.exceed(Budget::WallTime, self.elapsed(at), None)
    }

    /// When the time is used up, as long as that would stop anything.
    pub(crate) fn budget_deadline(&self) -> Option<Millis> {
        self.started.as_ref()?;
        if self.spent.exceeded.is_some() || self.frames[0].phase != FramePhase::Running {
            return None;
        }
        let limit = i64::try_from(self.allowed(Budget::WallTime)?).ok()?;
        Some(self.started.as_ref()?.at.saturating_add(limit))
    }

    /// How many iterations of a loop may be carried out at the same time, given what the loops around it may.
    ///
    /// The window of the run is shared out along the nesting, so that an inner loop can never wait for a place that an
    /// outer iteration holds.
    pub(crate) fn window(&self, (frame, _): At, concurrency: u32) -> u32 {
        let given = self.began_with().in_flight.unwrap_or(u64::MAX).max(1);
        let mut left = given;
        let mut around = self.frames[frame].parent;
        while let Some(outer) = around {
            if let Some(Control::ForEach { concurrency, .. }) = &self.step_at(outer).control {
                let items = self.frames[outer.0].steps[outer.1]
                    .more
                    .as_deref()
                    .and_then(|more| more.iterations.as_ref())
                    .map_or(1, |loops| loops.items.len());
                let wide = u64::from(*concurrency).min(items as u64).min(given);
                left /= wide.max(1);
            }
            around = self.frames[outer.0].parent;
        }
        concurrency.min(u32::try_from(left.max(1)).unwrap_or(u32::MAX))
    }

    /// A person allows more of a budget.
    pub(crate) fn raise(
        &self,
        budget: Budget,
        limit: u64,
        by: &str,
        at: Millis,
    ) -> Result<Vec<Event>, Refusal> {
        let Some(now) = self.allowed(budget) else {
            return refuse("budget-not-raised", "there is no limit on that");
        };
        let exceeded = self.exceeded().filter(|one| one.budget == budget);
        let used = match budget {
            Budget::WallTime => self.elapsed(at),
            _ => exceeded.map_or(0, |one| one.used),
        };
        if limit <= now {
            return refuse(
                "budget-not-raised",
                format!(
                    "{} are allowed already: give more than that",
                    budget.words(now)
                ),
            );
        }
        if exceeded.is_some() && !budget.suffices(limit, used) {
            return refuse(
                "budget-too-small",
                format!(
                    "{} would stop the run again at once: it has used {}",
                    budget.words(limit),
                    budget.words(used)
                ),
            );
        }
        Ok(vec![Event::BudgetRaised {
            budget,
            limit,
            by: by.to_owned(),
        }])
    }
}
