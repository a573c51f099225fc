//! What an engine is given: how it works, a run to begin, an event from outside.

use std::path::PathBuf;
use std::sync::Arc;

use baton_core::document::Workflow;
use baton_core::machine::Allowance;
use baton_core::step_kind::Catalog;
use baton_steps::{Limits, Secrets};
use baton_store::Store;
use serde_json::Value;

use crate::clock::{Clock, SystemClock};
use crate::disk::{FileSystem, Space, Watermarks};
use crate::outside::{Journal, StandardTasks, Tasks};
use crate::places::WorkLimits;
use crate::recover::TakeUp;

/// How many events of resting runs stay in memory: some ten megabytes.
const AWAKE: u64 = 100_000;

/// What an engine works with.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where everything is kept.
    pub store: Store,
    /// Where events become durable: the store.
    pub journal: Arc<dyn Journal>,
    /// Who carries out tasks.
    pub tasks: Arc<dyn Tasks>,
    /// The kinds of step.
    pub catalog: Arc<Catalog>,
    /// How many tasks are carried out at a time.
    pub work: WorkLimits,
    /// How many events the runs that only wait may have together before those that rested longest leave memory.
    pub awake: u64,
    /// Budgets of runs whose definition says nothing else.
    pub budgets: Allowance,
    /// From how little room on the disk on something is done about it.
    pub watermarks: Watermarks,
    /// Where the room is looked up.
    pub space: Arc<dyn Space>,
    /// Which open runs go on by themselves.
    pub take_up: TakeUp,
    /// Number of this start in the store, if it was noted there.
    pub start: Option<i64>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// How much one task may use.
    pub limits: Limits,
    /// Where the values of named secrets come from.
    pub secrets: Secrets,
}

impl EngineConfig {
    /// The usual configuration: eight tasks at a time, the clock of the machine.
    pub fn new(store: Store, catalog: Arc<Catalog>) -> Self {
        Self {
            journal: Arc::new(store.clone()),
            tasks: Arc::new(StandardTasks),
            store,
            catalog,
            awake: AWAKE,
            work: WorkLimits::default(),
            budgets: Allowance::default(),
            watermarks: Watermarks::default(),
            space: Arc::new(FileSystem),
            take_up: TakeUp::All,
            start: None,
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            secrets: Secrets::default(),
        }
    }
}

/// A run to begin.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The definition, exactly as it is to be carried out.
    pub workflow: Arc<Workflow>,
    /// File that it belongs to.
    pub path: Option<PathBuf>,
    /// Folder that relative paths start from.
    pub work_dir: PathBuf,
    /// The input.
    pub input: Value,
    /// What starts it: `manual`, `cli` …
    pub by: Option<String>,
}

/// An event from outside.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Unique: a run takes an id only once.
    pub id: String,
    /// Name of the event.
    pub event: String,
    /// Its key.
    pub key: Value,
    /// What it carries.
    pub payload: Value,
    /// Only to this run.
    pub run: Option<String>,
}
