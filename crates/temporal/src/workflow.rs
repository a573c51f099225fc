//! The one workflow that runs every definition: the machine of `baton-core`, driven by the events of a cluster.
//!
//! It only carries between [`Host`] and the cluster: what the host wants begun becomes activities, timers and child
//! workflows (`beginning`), what ends goes back in the order in which it was begun (`driver`). Nothing is decided here.

#![expect(missing_docs, reason = "the macros make constants without words")]

mod beginning;
mod driver;

use std::sync::Arc;
use std::time::SystemTime;

use baton_core::Millis;
use baton_core::error::StepError;
use temporalio_common::search_attributes::SearchAttributeKey;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

use crate::home::Home;
use crate::host::{Cancel, Host};
use crate::wire::{Command, Page, RunEnd, Standing, StartInput, Waiting};

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
        driver::drive(ctx, input).await
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
                .hear(command.into_input(), at)
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

/// A request of the cluster to cancel. A sub-workflow is stopped by the run that waits for it, and takes nothing back
/// then, as on one computer; a person at the cluster's own tools means the whole run.
pub(crate) fn cancel(parent: Option<&Waiting>, reason: Option<String>) -> Cancel {
    let reason = reason.filter(|reason| !reason.is_empty());
    match parent {
        Some(parent) => Cancel {
            by: parent.name.clone(),
            reason: reason.or_else(|| Some("the run that waits for it was stopped".to_owned())),
            undo: false,
        },
        None => Cancel {
            by: "temporal".to_owned(),
            reason,
            undo: true,
        },
    }
}
