//! A workflow made ready to run: names resolved to numbers, expressions parsed, joins prepared.
//!
//! A plan never changes. A run holds the plan that it was started with.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::budget::Allowance;
use super::compile::Compiler;
use crate::document::{Join, On, OnFailure, Workflow, digest};
use crate::expression::{Config, Expression};
use crate::kind_version::Used;
use crate::problem::{Place, Problem};
use crate::step_kind::{Catalog, Effect};

/// Number of a graph: 0 is the workflow itself.
pub(crate) type GraphIx = usize;
/// Number of a step in the plan.
pub(crate) type StepIx = usize;

/// A compiled workflow.
#[derive(Debug)]
pub struct Plan {
    workflow: Workflow,
    digest: String,
    pub(crate) graphs: Vec<Graph>,
    pub(crate) steps: Vec<StepPlan>,
    /// Looked up several times for every event.
    pub(crate) by_id: IndexMap<String, StepIx>,
    pub(crate) env: BTreeSet<String>,
    pub(crate) timeout_ms: Option<i64>,
    pub(crate) limits: Allowance,
    pub(crate) finishes_branches: bool,
    /// Versions of the kinds of its steps.
    pub(crate) kinds: Used,
}

#[derive(Debug)]
pub(crate) struct Graph {
    /// The container that it is the body of.
    pub(crate) owner: Option<StepIx>,
    pub(crate) steps: Vec<StepIx>,
    pub(crate) edges: Vec<EdgePlan>,
}

#[derive(Debug)]
pub(crate) struct EdgePlan {
    pub(crate) key: String,
    pub(crate) port: Option<String>,
    /// Position of the target in the graph.
    pub(crate) to: usize,
    pub(crate) on: Option<On>,
    pub(crate) when: Option<Expression>,
}

#[derive(Debug)]
pub(crate) struct StepPlan {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) kind: String,
    pub(crate) control: Option<Control>,
    pub(crate) graph: GraphIx,
    /// Position in the graph.
    pub(crate) local: usize,
    pub(crate) incoming: usize,
    /// Edges that leave it, as positions in the graph's list.
    pub(crate) outgoing: Vec<usize>,
    pub(crate) join: Join,
    /// Steps (positions in the graph) that are stopped when this one wins its `join: first`.
    pub(crate) losers: Vec<usize>,
    pub(crate) config: Config,
    pub(crate) retry: RetryPlan,
    pub(crate) timeout_ms: Option<i64>,
    pub(crate) resource: Option<String>,
    pub(crate) undo: Option<UndoPlan>,
    pub(crate) effect: fn(&Map<String, Value>) -> Effect,
    pub(crate) disabled: bool,
    pub(crate) pin: Option<Value>,
    pub(crate) body: Option<GraphIx>,
}

#[derive(Debug)]
pub(crate) struct UndoPlan {
    pub(crate) kind: String,
    pub(crate) config: Config,
    pub(crate) retry: RetryPlan,
    pub(crate) timeout_ms: Option<i64>,
    pub(crate) effect: fn(&Map<String, Value>) -> Effect,
}

#[derive(Debug, Clone)]
pub(crate) struct RetryPlan {
    pub(crate) attempts: u32,
    pub(crate) first_ms: i64,
    pub(crate) factor: f64,
    pub(crate) max_ms: i64,
    pub(crate) jitter: f64,
    pub(crate) when: Option<Expression>,
}

/// What a control step does, with its expressions parsed.
#[derive(Debug)]
pub(crate) enum Control {
    Decision {
        cases: Vec<(String, Expression)>,
    },
    Rules {
        hit: HitPolicy,
        inputs: Vec<(String, Config)>,
        rules: Vec<Rule>,
    },
    Merge,
    ForEach {
        concurrency: u32,
        policy: ItemPolicy,
        result: Option<Config>,
    },
    Repeat {
        until: Expression,
        max: u32,
        delay: Option<Config>,
        result: Option<Config>,
    },
    Scope {
        result: Option<Config>,
    },
    Workflow,
    End,
    Fail,
    Approval,
    Form,
    Wait,
    WaitFor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HitPolicy {
    First,
    Unique,
    Collect,
}

/// A row of a decision table.
#[derive(Debug)]
pub(crate) struct Rule {
    /// One per input; `None` matches anything. Each sees the input as `value`.
    pub(crate) cells: Vec<Option<Expression>>,
    /// The cells as they were written, for the explanation.
    pub(crate) source: Vec<String>,
    pub(crate) then: Config,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ItemPolicy {
    Stop,
    Continue,
    AtMostPercent(f64),
}

impl Plan {
    /// Makes a workflow ready to run.
    ///
    /// # Errors
    ///
    /// Everything that makes it impossible to run: unknown kinds, edges to nowhere, cycles, expressions that
    /// do not parse. Validation finds these and more, with better words; this is the last fence.
    pub fn compile(workflow: &Workflow, catalog: &Catalog) -> Result<Arc<Self>, Vec<Problem>> {
        let mut compiler = Compiler {
            catalog,
            graphs: Vec::new(),
            steps: Vec::new(),
            by_id: IndexMap::new(),
            env: BTreeSet::new(),
            problems: Vec::new(),
        };
        compiler.graph(&workflow.steps, &workflow.edges, None);
        let timeout_ms =
            compiler.duration(Place::default(), "timeout", workflow.timeout.as_deref());
        if !compiler.problems.is_empty() {
            return Err(compiler.problems);
        }
        let kinds = compiler.steps.iter().flat_map(|step| {
            let undo = step.undo.as_ref().map(|undo| undo.kind.as_str());
            std::iter::once(step.kind.as_str()).chain(undo)
        });
        let kinds = Used::new(kinds, |kind| catalog.versions(kind));
        Ok(Arc::new(Self {
            kinds,
            digest: digest(workflow),
            workflow: workflow.clone(),
            graphs: compiler.graphs,
            steps: compiler.steps,
            by_id: compiler.by_id,
            env: compiler.env,
            timeout_ms,
            limits: workflow
                .limits
                .as_ref()
                .map(Allowance::of)
                .unwrap_or_default(),
            finishes_branches: workflow.on_failure == Some(OnFailure::Finish),
        }))
    }

    /// The workflow.
    pub fn workflow(&self) -> &Workflow {
        &self.workflow
    }

    /// Its digest.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Names of the environment values that its expressions read.
    pub fn env_names(&self) -> impl Iterator<Item = &str> {
        self.env.iter().map(String::as_str)
    }

    /// What its file says about budgets.
    pub fn limits(&self) -> &Allowance {
        &self.limits
    }

    /// The resource that the step at `path` uses, if it names one.
    pub fn resource(&self, path: &str) -> Option<&str> {
        let (_, id) = path.rsplit_once('/').unwrap_or(("", path));
        let step = &self.steps[*self.by_id.get(id)?];
        step.resource.as_deref()
    }

    /// Number of steps at the top level.
    pub fn top_level_steps(&self) -> usize {
        self.graphs[0].steps.len()
    }
}
