//! A history of the cluster, read through the same machine: no query, no worker, nothing carried out.
//!
//! The history says what the worker was told and when; [`Host`] says what follows. The order is written in
//! [`crate::host`]. What is read here was decoded before (see [`crate::codec`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use baton_core::Millis;
use baton_core::document::Workflow;
use baton_core::error::StepError;
use baton_core::machine::Logged;
use baton_core::step_kind::Effect;
use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads};
use temporalio_common::protos::temporal::api::enums::v1::{
    StartChildWorkflowExecutionFailedCause, WorkflowTaskFailedCause,
};
use temporalio_common::protos::temporal::api::failure::v1::Failure;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::answers;
use crate::home::Home;
use crate::host::{Answer, Host};
use crate::wire::{COMMAND, Command, OpKey, RunEnd, StartInput, TICK};
use crate::workflow;

/// Why a history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// It is not the history of a run of Baton.
    #[error("`{0}` is not a run of Baton")]
    Foreign(String),
    /// A payload is of another form, or could not be decoded.
    #[error("event {event} of the history cannot be read: {why}")]
    Unreadable {
        /// Its number in the history.
        event: i64,
        /// What is wrong with it.
        why: String,
    },
    /// The run could not begin.
    #[error("the run cannot be shown: {0}")]
    Unusable(#[source] Box<StepError>),
}

/// What is needed of a [`crate::wire::StepIn`].
#[derive(serde::Deserialize)]
struct Scheduled {
    effect: Effect,
}

/// Something under way, as the history shows it.
#[derive(Debug)]
struct Open {
    key: OpKey,
    effect: Effect,
}

/// How the cluster says that the run is over, where the machine did not end it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The machine ended it, well, badly or because it was told to.
    Ended,
    /// It goes on as a new run with this id.
    Continued(String),
    /// It was ended from outside: nothing was taken back.
    Terminated(String),
    /// A time limit of the cluster passed.
    TimedOut,
    /// It failed outside the machine.
    Failed(String),
}

/// A run, as far as its history was read.
#[derive(Debug)]
pub struct Fold {
    home: Arc<Home>,
    run: String,
    input: Option<StartInput>,
    host: Option<Host>,
    /// Events of earlier parts of the run.
    earlier: Vec<Logged>,
    /// By the event that began it.
    open: BTreeMap<i64, Open>,
    /// What the last workflow task began.
    fresh: Vec<i64>,
    /// What arrived since the last workflow task began: commands by the place where they count.
    commands: Vec<((i64, u8), Command)>,
    /// Updates that the cluster brought along from before a reset, by their id.
    brought: BTreeMap<String, Command>,
    answers: BTreeMap<i64, Answer>,
    cancel: Option<String>,
    /// A request to cancel counts once.
    was_cancelled: bool,
    /// The workflow task under way: its event and instant.
    started: Option<(i64, Millis)>,
    /// It was completed, and what followed from it is being read.
    completed: Option<(i64, Millis)>,
    closed: Option<Closed>,
    /// When it was closed, and when the cluster took it.
    closed_at: Option<Millis>,
    began_at: Millis,
    /// Number of the last event that was read.
    last_event: i64,
    /// A workflow task that was begun and not completed: it may only answer a question, and never be written down. Then
    /// others come with the same numbers.
    held: Vec<HistoryEvent>,
    /// A workflow task failed, and why, while no later one succeeded.
    trouble: Option<String>,
}

impl Fold {
    /// Nothing read yet.
    pub fn new(home: Arc<Home>, run: impl Into<String>) -> Self {
        Self {
            home,
            run: run.into(),
            input: None,
            host: None,
            earlier: Vec::new(),
            open: BTreeMap::new(),
            fresh: Vec::new(),
            commands: Vec::new(),
            brought: BTreeMap::new(),
            answers: BTreeMap::new(),
            cancel: None,
            was_cancelled: false,
            started: None,
            completed: None,
            closed: None,
            closed_at: None,
            began_at: 0,
            last_event: 0,
            held: Vec::new(),
            trouble: None,
        }
    }

    /// The run, once its first workflow task is read.
    pub fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// What the run was started with.
    pub fn input(&self) -> Option<&StartInput> {
        self.input.as_ref()
    }

    /// Events of earlier parts of the run.
    pub fn earlier(&self) -> &[Logged] {
        &self.earlier
    }

    /// How the cluster closed it.
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// When the cluster closed it.
    pub fn closed_at(&self) -> Option<Millis> {
        self.closed_at
    }

    /// When the cluster took this part of the run.
    pub fn began_at(&self) -> Millis {
        self.began_at
    }

    /// The workflow, whether the run has begun or not.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is kept in a folder that this machine does not have.
    pub fn workflow(&self) -> Result<Option<Workflow>, FoldError> {
        if let Some(host) = &self.host {
            return Ok(Some(host.run().plan().workflow().clone()));
        }
        let definition = self.input.as_ref().map(|input| &input.definition);
        let workflow = definition.map(|definition| self.home.workflow(definition));
        workflow
            .transpose()
            .map_err(|error| FoldError::Unusable(Box::new(error)))
    }

    /// Number of the last event that was read.
    pub fn last_event(&self) -> i64 {
        let held = self.held.last();
        held.map_or(self.last_event, |event| event.event_id)
    }

    /// Why the worker cannot go on, if it cannot.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Reads all of `events`.
    ///
    /// # Errors
    ///
    /// If one cannot be read.
    pub fn read(&mut self, events: &[HistoryEvent]) -> Result<(), FoldError> {
        events.iter().try_for_each(|event| self.push(event))?;
        self.flush()
    }

    /// Reads one event. What follows from the last workflow task is known after [`Fold::flush`].
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn push(&mut self, event: &HistoryEvent) -> Result<(), FoldError> {
        if event.event_id <= self.last_event {
            return Ok(());
        }
        self.held.retain(|held| held.event_id < event.event_id);
        if matches!(
            event.attributes,
            Some(
                Attributes::WorkflowTaskScheduledEventAttributes(_)
                    | Attributes::WorkflowTaskStartedEventAttributes(_)
            )
        ) {
            self.held.push(event.clone());
            return Ok(());
        }
        for held in std::mem::take(&mut self.held) {
            self.push_one(&held)?;
        }
        self.push_one(event)
    }

    fn push_one(&mut self, event: &HistoryEvent) -> Result<(), FoldError> {
        let Some(attributes) = &event.attributes else {
            self.last_event = event.event_id;
            return Ok(());
        };
        if self.completed.is_some() && !is_part_of_task(attributes) {
            self.flush()?;
        }
        self.last_event = event.event_id;
        self.take(event, attributes)?;
        if self.closed.is_some() {
            self.closed_at.get_or_insert(at(event));
        }
        Ok(())
    }

    fn take(&mut self, event: &HistoryEvent, attributes: &Attributes) -> Result<(), FoldError> {
        let id = event.event_id;
        match attributes {
            Attributes::WorkflowExecutionStartedEventAttributes(one) => {
                let kind = one.workflow_type.as_ref().map_or("", |kind| &kind.name);
                if kind != crate::wire::WORKFLOW_TYPE {
                    return Err(FoldError::Foreign(kind.to_owned()));
                }
                self.input = Some(first(one.input.as_ref(), id)?);
                self.began_at = at(event);
            }
            Attributes::WorkflowTaskStartedEventAttributes(_) => {
                self.started = Some((id, at(event)));
            }
            Attributes::WorkflowTaskFailedEventAttributes(one) => {
                self.started = None;
                if one.cause() != WorkflowTaskFailedCause::ResetWorkflow
                    && one.cause() != WorkflowTaskFailedCause::UnhandledCommand
                {
                    let why = one.failure.as_ref().map(|failure| failure.message.clone());
                    self.trouble = why.or_else(|| Some(one.cause().as_str_name().to_owned()));
                }
            }
            Attributes::WorkflowTaskTimedOutEventAttributes(_) => self.started = None,
            Attributes::WorkflowTaskCompletedEventAttributes(_) => {
                self.completed = self.started.take();
                self.trouble = None;
            }
            Attributes::WorkflowExecutionSignaledEventAttributes(one)
                if one.signal_name == COMMAND =>
            {
                self.commands
                    .push(((id, 0), first(one.input.as_ref(), id)?));
            }
            Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(one) => {
                let request = one.request.as_ref();
                let of = request.and_then(|request| request.meta.as_ref());
                let input = request.and_then(|request| request.input.as_ref());
                if let (Some(of), Some(input)) = (of, input.filter(|one| one.name == COMMAND)) {
                    let command = first(input.args.as_ref(), id)?;
                    self.brought.insert(of.update_id.clone(), command);
                }
            }
            Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(one) => {
                // After the event that it names.
                let place = (one.accepted_request_sequencing_event_id, 1);
                let request = one.accepted_request.as_ref();
                let input = request.and_then(|request| request.input.as_ref());
                if let Some(input) = input.filter(|input| input.name == COMMAND) {
                    self.commands.push((place, first(input.args.as_ref(), id)?));
                } else if let Some(command) = self.brought.remove(&one.protocol_instance_id) {
                    self.commands.push((place, command));
                }
            }
            Attributes::WorkflowExecutionCancelRequestedEventAttributes(one)
                if !self.was_cancelled =>
            {
                self.was_cancelled = true;
                self.cancel = Some(one.cause.clone());
            }
            Attributes::ActivityTaskScheduledEventAttributes(one) => {
                let step: Scheduled = first(one.input.as_ref(), id)?;
                if let Some(key) = OpKey::from_activity_id(&one.activity_id) {
                    self.begun(id, key, step.effect);
                }
            }
            Attributes::ActivityTaskCompletedEventAttributes(one) => {
                let out = first(one.result.as_ref(), id)?;
                self.ended(one.scheduled_event_id, |_| answers::completed(out));
            }
            Attributes::ActivityTaskFailedEventAttributes(one) => {
                let failure = one.failure.clone().unwrap_or_default();
                self.ended(one.scheduled_event_id, |open| {
                    answers::step_failed(&failure, open.effect)
                });
            }
            Attributes::ActivityTaskTimedOutEventAttributes(one) => {
                let failure = one.failure.clone().unwrap_or_default();
                self.ended(one.scheduled_event_id, |open| {
                    answers::step_failed(&failure, open.effect)
                });
            }
            Attributes::ActivityTaskCanceledEventAttributes(one) => {
                self.ended(one.scheduled_event_id, |_| answers::cancelled());
            }
            Attributes::TimerStartedEventAttributes(_) => {
                let summary = event
                    .user_metadata
                    .as_ref()
                    .and_then(|one| one.summary.as_ref());
                let summary: String = summary.and_then(answers::read).unwrap_or_default();
                let key = match summary.as_str() {
                    TICK => OpKey::tick(),
                    name => OpKey::from_timer(name).ok_or_else(|| FoldError::Unreadable {
                        event: id,
                        why: "a timer without a name".to_owned(),
                    })?,
                };
                self.begun(id, key, Effect::Pure);
            }
            Attributes::TimerFiredEventAttributes(one) => {
                self.ended(one.started_event_id, |_| Answer::Fired);
            }
            Attributes::TimerCanceledEventAttributes(one) => {
                self.open.remove(&one.started_event_id);
            }
            Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(one) => {
                self.begun(id, OpKey::Child(one.workflow_id.clone()), Effect::Keyed);
            }
            Attributes::StartChildWorkflowExecutionFailedEventAttributes(one) => {
                let known = StartChildWorkflowExecutionFailedCause::WorkflowAlreadyExists;
                let is_known = one.cause() == known;
                self.ended(one.initiated_event_id, |_| {
                    answers::child_not_started(is_known)
                });
            }
            Attributes::ChildWorkflowExecutionCompletedEventAttributes(one) => {
                let end: RunEnd = first(one.result.as_ref(), id)?;
                let end = self.home.whole_end(end);
                let end = end.map_err(|error| FoldError::Unusable(Box::new(error)))?;
                self.ended(one.initiated_event_id, |_| Answer::Child(end));
            }
            Attributes::ChildWorkflowExecutionFailedEventAttributes(one) => {
                let failure = one.failure.clone();
                self.ended(one.initiated_event_id, |_| {
                    answers::child_failed(failure.as_ref())
                });
            }
            Attributes::ChildWorkflowExecutionCanceledEventAttributes(one) => {
                let details = one.details.as_ref().and_then(|one| one.payloads.first());
                self.ended(one.initiated_event_id, |_| {
                    answers::child_cancelled(details)
                });
            }
            Attributes::ChildWorkflowExecutionTimedOutEventAttributes(one) => {
                self.ended(one.initiated_event_id, |_| answers::child_failed(None));
            }
            Attributes::ChildWorkflowExecutionTerminatedEventAttributes(one) => {
                self.ended(one.initiated_event_id, |_| answers::child_failed(None));
            }
            Attributes::WorkflowExecutionCompletedEventAttributes(_)
            | Attributes::WorkflowExecutionCanceledEventAttributes(_) => {
                self.close(Closed::Ended)?;
            }
            Attributes::WorkflowExecutionFailedEventAttributes(one) => {
                let failure = one.failure.clone().unwrap_or_default();
                let closed = match end_of(&failure) {
                    Some(_) => Closed::Ended,
                    None => Closed::Failed(failure.message),
                };
                self.close(closed)?;
            }
            Attributes::WorkflowExecutionContinuedAsNewEventAttributes(one) => {
                let next = one.new_execution_run_id.clone();
                self.close(Closed::Continued(next))?;
            }
            Attributes::WorkflowExecutionTerminatedEventAttributes(one) => {
                self.close(Closed::Terminated(one.reason.clone()))?;
            }
            Attributes::WorkflowExecutionTimedOutEventAttributes(_) => {
                self.close(Closed::TimedOut)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, closed: Closed) -> Result<(), FoldError> {
        self.flush()?;
        self.closed = Some(closed);
        Ok(())
    }

    fn begun(&mut self, event: i64, key: OpKey, effect: Effect) {
        self.open.insert(event, Open { key, effect });
        self.fresh.push(event);
    }

    fn ended(&mut self, began: i64, answer: impl FnOnce(&Open) -> Answer) {
        if let Some(open) = self.open.get(&began) {
            self.answers.insert(began, answer(open));
        }
    }

    /// Lets the machine take the workflow task into account that was read last.
    ///
    /// # Errors
    ///
    /// If the run cannot begin here.
    pub fn flush(&mut self) -> Result<(), FoldError> {
        let Some((_, at)) = self.completed.take() else {
            return Ok(());
        };
        // What was begun by this very task is no part of what the machine knew.
        let is_first = self.host.is_none();
        if is_first {
            let input = self.input.as_ref().ok_or_else(|| FoldError::Unreadable {
                event: 1,
                why: "the history does not begin at its beginning".to_owned(),
            })?;
            match workflow::begin(&self.home, input, &self.run, at) {
                Ok(host) => {
                    let unusable = |error| FoldError::Unusable(Box::new(error));
                    self.earlier = self.home.beginning(input, &self.run).map_err(unusable)?.log;
                    self.host = Some(host);
                }
                Err(error) => return Err(FoldError::Unusable(Box::new(error))),
            }
        }
        let Some(host) = &mut self.host else {
            return Ok(());
        };
        let mut commands = std::mem::take(&mut self.commands);
        commands.sort_by_key(|(place, _)| *place);
        let mut is_stirred = is_first || !commands.is_empty();
        for (_, command) in commands {
            if let Err(refusal) = host.hear(command.into_input(), at) {
                tracing::debug!(%refusal, "the machine took no notice");
            }
        }
        let mut answers = Vec::new();
        for (began, answer) in std::mem::take(&mut self.answers) {
            let Some(open) = self.open.remove(&began) else {
                continue;
            };
            // One that the machine no longer wanted when it ended has been let go.
            let is_let_go = matches!(open.key, OpKey::Timer(..)) && !host.is_active(&open.key);
            if is_let_go && open.key != OpKey::tick() {
                continue;
            }
            answers.push((open.key, answer));
        }
        let cancel = self.cancel.take().map(|reason| {
            let parent = self.input.as_ref().and_then(|input| input.parent.as_ref());
            workflow::cancel(parent, Some(reason))
        });
        is_stirred |= !answers.is_empty() || cancel.is_some();
        // What else there is in a history does not wake the worker either.
        if is_stirred {
            host.turn(answers, cancel, at);
        }
        let fresh = std::mem::take(&mut self.fresh);
        let begun: BTreeSet<OpKey> = fresh
            .iter()
            .filter_map(|event| self.open.get(event).map(|open| open.key.clone()))
            .collect();
        host.take(|op| begun.contains(&op.key()));
        Ok(())
    }
}

/// Whether an event belongs to the workflow task that was completed just before it.
pub(crate) fn is_part_of_task(attributes: &Attributes) -> bool {
    matches!(
        attributes,
        Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(_)
            | Attributes::WorkflowExecutionUpdateCompletedEventAttributes(_)
            | Attributes::ActivityTaskScheduledEventAttributes(_)
            | Attributes::ActivityTaskCancelRequestedEventAttributes(_)
            | Attributes::TimerStartedEventAttributes(_)
            | Attributes::TimerCanceledEventAttributes(_)
            | Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(_)
            | Attributes::RequestCancelExternalWorkflowExecutionInitiatedEventAttributes(_)
            | Attributes::SignalExternalWorkflowExecutionInitiatedEventAttributes(_)
            | Attributes::UpsertWorkflowSearchAttributesEventAttributes(_)
            | Attributes::WorkflowPropertiesModifiedEventAttributes(_)
            | Attributes::MarkerRecordedEventAttributes(_)
    )
}

fn at(event: &HistoryEvent) -> Millis {
    event.event_time.as_ref().map_or(0, |time| {
        time.seconds * 1_000 + i64::from(time.nanos) / 1_000_000
    })
}

fn first<T: serde::de::DeserializeOwned>(
    payloads: Option<&Payloads>,
    event: i64,
) -> Result<T, FoldError> {
    let payload: Option<&Payload> = payloads.and_then(|one| one.payloads.first());
    let unreadable = |why: String| FoldError::Unreadable { event, why };
    let payload = payload.ok_or_else(|| unreadable("it carries nothing".to_owned()))?;
    serde_json::from_slice(&payload.data).map_err(|error| {
        let encoding = payload.metadata.get("encoding").map(Vec::as_slice);
        if encoding == Some(crate::codec::ENCODING) {
            unreadable("it is encrypted, and its key was not given".to_owned())
        } else {
            unreadable(error.to_string())
        }
    })
}

/// How the machine ended the run that failed so, if it was the machine.
pub fn end_of(failure: &Failure) -> Option<RunEnd> {
    use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;
    match failure.failure_info.as_ref()? {
        FailureInfo::ApplicationFailureInfo(info) => {
            answers::read(info.details.as_ref()?.payloads.first()?)
        }
        _ => None,
    }
}
