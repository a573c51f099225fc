//! Histories of a cluster as runs: fetched, decoded, folded, and watched as they grow.

use std::ops::ControlFlow;
use std::time::Duration;

use baton_core::machine::Logged;
use serde::Serialize;
use temporalio_client::tonic::IntoRequest;
use temporalio_common::data_converters::{SerializationContextData, WorkflowSerializationContext};
use temporalio_common::payload_visitor::decode_payloads;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::HistoryEventFilterType;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::history::v1::{History, HistoryEvent};
use temporalio_common::protos::temporal::api::update::v1::Request;
use temporalio_common::protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryRequest;

use crate::answers;
use crate::check::Listening;
use crate::error::ClusterError;
use crate::fold::{Closed, Fold};
use crate::target::Cluster;
use crate::wire::{COMMAND, Command, OpKey, Standing};

/// How often it is looked whether a worker listens, while a run is watched.
const LOOK: Duration = Duration::from_secs(5);

/// What whoever watches a run is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Told {
    /// Something happened in the run.
    Event {
        /// What, with its place in the log.
        logged: Box<Logged>,
    },
    /// Where it stands now.
    Standing {
        /// Where.
        standing: Standing,
    },
    /// Whether anybody carries it on.
    Workers {
        /// How many poll.
        listening: Listening,
    },
    /// The worker cannot go on.
    Trouble {
        /// Why.
        message: String,
    },
    /// It is over.
    Closed {
        /// How the cluster says so.
        how: String,
    },
}

impl Cluster {
    pub(crate) async fn page(
        &self,
        run: &str,
        run_id: &str,
        token: Vec<u8>,
        waits: bool,
    ) -> Result<(Vec<HistoryEvent>, Vec<u8>), ClusterError> {
        let request = GetWorkflowExecutionHistoryRequest {
            namespace: self.place.namespace.clone(),
            execution: Some(WorkflowExecution {
                workflow_id: run.to_owned(),
                run_id: run_id.to_owned(),
            }),
            next_page_token: token,
            wait_new_event: waits,
            history_event_filter_type: HistoryEventFilterType::AllEvent.into(),
            ..GetWorkflowExecutionHistoryRequest::default()
        };
        let mut service = self.connection.workflow_service();
        let answer = service
            .get_workflow_execution_history(request.into_request())
            .await
            .map_err(|status| ClusterError::status(run, &status))?
            .into_inner();
        let mut history = answer.history.unwrap_or_default();
        self.decode(&mut history).await?;
        Ok((history.events, answer.next_page_token))
    }

    async fn decode(&self, history: &mut History) -> Result<(), ClusterError> {
        let context = SerializationContextData::Workflow(WorkflowSerializationContext::new());
        let decoded = decode_payloads(history, self.converter.codec(), &context).await;
        decoded.map_err(|error| {
            ClusterError::new(
                "payload-unreadable",
                format!("the history cannot be read: {error}"),
                "give the file of keys that the worker uses with `--keys`",
            )
        })
    }

    /// All events of a part of a run, decoded, and the id of that part. Without `run_id`, of the last part.
    ///
    /// # Errors
    ///
    /// If the cluster does not know it, or a value cannot be decoded.
    pub async fn raw_history(
        &self,
        run: &str,
        run_id: Option<&str>,
    ) -> Result<(Vec<HistoryEvent>, String), ClusterError> {
        let mut events = Vec::new();
        let mut token = Vec::new();
        let wanted = run_id.unwrap_or_default();
        loop {
            let (more, next) = self.page(run, wanted, token, false).await?;
            events.extend(more);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        let id = events.first().and_then(|event| match &event.attributes {
            Some(Attributes::WorkflowExecutionStartedEventAttributes(one)) => {
                Some(one.original_execution_run_id.clone())
            }
            _ => None,
        });
        // A part that came of a reset keeps the id of the one before in its first event.
        let id = match run_id {
            Some(id) => id.to_owned(),
            None => self.current(run).await.unwrap_or(id.unwrap_or_default()),
        };
        Ok((events, id))
    }

    async fn current(&self, run: &str) -> Option<String> {
        let about = self.handle(run).describe(Default::default()).await.ok()?;
        Some(about.run_id().to_owned())
    }

    /// A run as its history shows it; nobody needs to be there for it but the cluster.
    ///
    /// # Errors
    ///
    /// If the cluster does not know it, or it is no run of Baton.
    pub async fn fold(&self, run: &str, run_id: Option<&str>) -> Result<Fold, ClusterError> {
        let (events, _) = self.raw_history(run, run_id).await?;
        let mut fold = Fold::new(self.home.clone(), run);
        fold.read(&events)?;
        Ok(fold)
    }

    /// Follows a run to its end, through all its parts, and tells what happens. `tell` may end it.
    ///
    /// # Errors
    ///
    /// If the cluster does not know it, or stops answering.
    pub async fn watch(
        &self,
        run: &str,
        after: u32,
        mut tell: impl FnMut(Told) -> ControlFlow<()>,
    ) -> Result<(), ClusterError> {
        let mut seq = after;
        let mut part = String::new();
        let mut known: Option<Listening> = None;
        let mut trouble: Option<String> = None;
        let mut looks = tokio::time::interval(LOOK);
        loop {
            let mut fold = Fold::new(self.home.clone(), run);
            let mut token = Vec::new();
            let next = 'part: loop {
                let page = self.page(run, &part, token.clone(), true);
                tokio::pin!(page);
                let (events, next) = loop {
                    tokio::select! {
                        page = &mut page => break page?,
                        _ = looks.tick() => {
                            let listening = self.listening().await?;
                            if known.as_ref() != Some(&listening) {
                                known = Some(listening.clone());
                                if tell(Told::Workers { listening }).is_break() {
                                    return Ok(());
                                }
                            }
                        }
                    }
                };
                fold.read(&events)?;
                if tell_news(&fold, &mut seq, &mut tell).is_break() {
                    return Ok(());
                }
                if trouble.as_deref() != fold.trouble() {
                    trouble = fold.trouble().map(str::to_owned);
                    let news = trouble.clone().map(|message| Told::Trouble { message });
                    if news.is_some_and(|news| tell(news).is_break()) {
                        return Ok(());
                    }
                }
                match fold.closed() {
                    Some(Closed::Continued(next)) => break 'part next.clone(),
                    Some(closed) => {
                        let how = closed.word(&fold);
                        // The last word: whoever listens may go.
                        let _ = tell(Told::Closed { how });
                        return Ok(());
                    }
                    None => {}
                }
                token = next;
                if token.is_empty() {
                    // The part is closed, and was read to its end before that was seen.
                    token = Vec::new();
                    fold = Fold::new(self.home.clone(), run);
                }
            };
            part = next;
        }
    }
}

fn tell_news(
    fold: &Fold,
    seq: &mut u32,
    tell: &mut impl FnMut(Told) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(host) = fold.host() else {
        return ControlFlow::Continue(());
    };
    let before = *seq;
    for logged in fold.earlier().iter().chain(host.log()) {
        if logged.seq > *seq {
            *seq = logged.seq;
            tell(Told::Event {
                logged: Box::new(logged.clone()),
            })?;
        }
    }
    if *seq > before {
        tell(Told::Standing {
            standing: host.standing(),
        })?;
    }
    ControlFlow::Continue(())
}

impl Closed {
    /// In one word.
    pub fn word(&self, fold: &Fold) -> String {
        match self {
            Self::Ended => fold.host().map_or("ended", |host| host.status()).to_owned(),
            Self::Continued(_) => "continued".to_owned(),
            Self::Terminated(reason) if reason.is_empty() => "terminated".to_owned(),
            Self::Terminated(reason) => format!("terminated: {reason}"),
            Self::TimedOut => "timed-out".to_owned(),
            Self::Failed(why) => format!("failed: {why}"),
        }
    }
}

/// The workflow task after which `step` began last: going back there begins it again and nothing before it.
pub(crate) fn began(events: &[HistoryEvent], step: &str) -> Option<i64> {
    events.iter().rev().find_map(|event| {
        let Some(Attributes::ActivityTaskScheduledEventAttributes(one)) = &event.attributes else {
            return None;
        };
        match OpKey::from_activity_id(&one.activity_id)? {
            OpKey::Step(path, _) if path == step => Some(one.workflow_task_completed_event_id),
            _ => None,
        }
    })
}

/// What was said to the run and taken by the workflow task that was completed with event `task`: an answer that led to the
/// step which that task began. It comes after that event, so it is lost to whoever goes back there.
pub(crate) fn accepted_at(events: &[HistoryEvent], task: i64) -> Vec<Command> {
    let after = events.iter().skip_while(|event| event.event_id <= task);
    let taken = after.take_while(|event| {
        let attributes = event.attributes.as_ref();
        attributes.is_some_and(crate::fold::is_part_of_task)
    });
    let command = |event: &HistoryEvent| match &event.attributes {
        Some(Attributes::WorkflowExecutionUpdateAcceptedEventAttributes(one)) => {
            let request = match &one.accepted_request {
                Some(request) => request,
                None => brought(events, &one.protocol_instance_id)?,
            };
            let input = request.input.as_ref()?;
            let args = input.args.as_ref().filter(|_| input.name == COMMAND)?;
            answers::read(args.payloads.first()?)
        }
        _ => None,
    };
    taken.filter_map(command).collect()
}

/// An update that the cluster brought along from before a reset.
fn brought<'a>(events: &'a [HistoryEvent], id: &str) -> Option<&'a Request> {
    events.iter().find_map(|event| match &event.attributes {
        Some(Attributes::WorkflowExecutionUpdateAdmittedEventAttributes(one)) => {
            let request = one.request.as_ref()?;
            (request.meta.as_ref()?.update_id == id).then_some(request)
        }
        _ => None,
    })
}
