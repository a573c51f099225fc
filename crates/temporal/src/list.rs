//! Runs of a cluster as a list: what its visibility knows, without their histories.

use std::collections::BTreeSet;
use std::time::SystemTime;

use baton_sidecar::{List, RunRow};
use temporalio_client::tonic::IntoRequest;
use temporalio_common::data_converters::{SerializationContextData, WorkflowSerializationContext};
use temporalio_common::protos::temporal::api::common::v1::Memo;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;
use temporalio_common::protos::temporal::api::workflow::v1::WorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, ListWorkflowExecutionsRequest,
};
use temporalio_common::search_attributes::SearchAttributes;

use crate::answers;
use crate::client::{ID, NAME};
use crate::error::ClusterError;
use crate::target::Cluster;
use crate::wire::WORKFLOW_TYPE;
use crate::workflow::{ASKING, DIGEST, STATUS, WORKFLOW};

/// How many runs are asked for at a time.
const PAGE: i32 = 200;
/// How many are looked through at most for those that fit what the cluster itself cannot look for.
const MOST: usize = 5_000;

impl Cluster {
    /// Runs of Baton, the newest first. `query` narrows it down, in the words of Temporal.
    ///
    /// # Errors
    ///
    /// If the cluster refuses.
    pub async fn list(
        &self,
        query: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RunRow>, ClusterError> {
        let mut whole = format!("WorkflowType = '{WORKFLOW_TYPE}'");
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            whole = format!("{whole} AND ({query})");
        }
        let mut rows = Vec::new();
        let mut token = Vec::new();
        loop {
            let (page, next) = self.executions(&whole, token).await?;
            for one in page {
                rows.push(self.row(one).await);
            }
            token = next;
            if token.is_empty() || rows.len() >= limit {
                rows.truncate(limit);
                return Ok(rows);
            }
        }
    }

    /// Runs that fit `list`, the newest first, and how many there are: each run once, whatever parts it has.
    ///
    /// # Errors
    ///
    /// If the cluster refuses.
    pub async fn list_page(&self, list: &List) -> Result<(Vec<RunRow>, u64), ClusterError> {
        let query = query(list, self.missing_search_attributes().await?.is_empty());
        let (skip, wanted) = (list.offset as usize, list.limit as usize);
        let mut seen = BTreeSet::new();
        let mut rows = Vec::new();
        let (mut fitting, mut looked_at) = (0_usize, 0_usize);
        let mut token = Vec::new();
        loop {
            let (page, next) = self.executions(&query, token).await?;
            looked_at += page.len();
            for one in page {
                let row = self.row(one).await;
                // After a reset there are two of one name: the newest counts.
                if seen.insert(row.run.clone()) && fits(list, &row) {
                    fitting += 1;
                    if fitting > skip && rows.len() < wanted {
                        rows.push(row);
                    }
                }
            }
            token = next;
            if token.is_empty() || looked_at >= MOST {
                return Ok((rows, fitting as u64));
            }
            // The rest need not be looked at where the cluster itself counts.
            if rows.len() >= wanted && list.search.is_none() {
                return Ok((rows, self.count(&query).await?.max(fitting as u64)));
            }
        }
    }

    async fn executions(
        &self,
        query: &str,
        token: Vec<u8>,
    ) -> Result<(Vec<WorkflowExecutionInfo>, Vec<u8>), ClusterError> {
        let request = ListWorkflowExecutionsRequest {
            namespace: self.place.namespace.clone(),
            page_size: PAGE,
            next_page_token: token,
            query: query.to_owned(),
        };
        let mut service = self.connection.workflow_service();
        let answer = service.list_workflow_executions(request.into_request());
        let answer = answer
            .await
            .map_err(|status| ClusterError::status("", &status))?
            .into_inner();
        Ok((answer.executions, answer.next_page_token))
    }

    async fn count(&self, query: &str) -> Result<u64, ClusterError> {
        let request = CountWorkflowExecutionsRequest {
            namespace: self.place.namespace.clone(),
            query: query.to_owned(),
        };
        let mut service = self.connection.workflow_service();
        let answer = service.count_workflow_executions(request.into_request());
        let answer = answer
            .await
            .map_err(|status| ClusterError::status("", &status))?;
        Ok(u64::try_from(answer.into_inner().count).unwrap_or(0))
    }

    async fn row(&self, one: WorkflowExecutionInfo) -> RunRow {
        let attributes = one.search_attributes.as_ref();
        let attributes = attributes.map(SearchAttributes::from_proto);
        let attributes = attributes.unwrap_or_default();
        let is_open = one.close_time.is_none();
        let status = attributes.get(&STATUS).filter(|_| is_open);
        let memo = one.memo.as_ref();
        let workflow = match attributes.get(&WORKFLOW) {
            Some(workflow) => Some(workflow),
            None => self.noted(memo, ID).await,
        };
        let name = self.noted(memo, NAME).await;
        let word = word(one.status());
        let execution = one.execution.unwrap_or_default();
        RunRow {
            run: execution.workflow_id,
            run_id: execution.run_id,
            status: status.unwrap_or_else(|| word.to_owned()),
            workflow,
            name,
            digest: attributes.get(&DIGEST),
            asking: attributes
                .get(&ASKING)
                .filter(|_| is_open)
                .unwrap_or_default(),
            started_at: one
                .start_time
                .map_or(0, |time| millis(time.seconds, time.nanos)),
            ended_at: one.close_time.map(|time| millis(time.seconds, time.nanos)),
            task_queue: one.task_queue,
            parent: one.parent_execution.map(|parent| parent.workflow_id),
        }
    }

    /// What was noted of a run when it was started. What cannot be read, for want of a key, is not shown.
    async fn noted(&self, memo: Option<&Memo>, key: &str) -> Option<String> {
        let payload = memo?.fields.get(key)?.clone();
        let context = SerializationContextData::Workflow(WorkflowSerializationContext::new());
        let decoded = self.converter.codec().decode(&context, vec![payload]).await;
        answers::read(decoded.ok()?.first()?)
    }
}

/// An instant of the cluster in milliseconds.
pub(crate) fn millis(seconds: i64, nanos: i32) -> i64 {
    seconds * 1_000 + i64::from(nanos) / 1_000_000
}

/// The instant by the clock of this machine.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// What is asked of the cluster for `list`.
fn query(list: &List, has_attributes: bool) -> String {
    let mut query =
        format!("WorkflowType = '{WORKFLOW_TYPE}' AND ExecutionStatus != 'ContinuedAsNew'");
    let quoted = |text: &str| text.replace(['\'', '\\'], "");
    if let Some(workflow) = list.workflow.as_ref().filter(|_| has_attributes) {
        query.push_str(&format!(" AND BatonWorkflow = '{}'", quoted(workflow)));
    }
    let status = match list.status.as_deref() {
        None if list.open => " AND ExecutionStatus = 'Running'",
        None => "",
        Some("succeeded") => " AND ExecutionStatus = 'Completed'",
        Some("failed") => " AND ExecutionStatus IN ('Failed', 'TimedOut')",
        Some("cancelled") => " AND ExecutionStatus IN ('Canceled', 'Terminated')",
        Some(_) => " AND ExecutionStatus = 'Running'",
    };
    query.push_str(status);
    query
}

fn fits(list: &List, row: &RunRow) -> bool {
    let has = |text: Option<&str>, words: &str| {
        text.is_some_and(|text| text.to_lowercase().contains(words))
    };
    let workflow = list.workflow.as_deref();
    let status = list.status.as_deref();
    workflow.is_none_or(|workflow| row.workflow.as_deref() == Some(workflow))
        && status.is_none_or(|status| status == family(&row.status))
        && list.search.as_deref().is_none_or(|words| {
            let words = words.trim().to_lowercase();
            has(Some(&row.run), &words)
                || has(row.name.as_deref(), &words)
                || has(row.workflow.as_deref(), &words)
        })
}

/// The word of Baton for a run that was closed in a way that only a cluster knows.
fn family(status: &str) -> &str {
    match status {
        "terminated" => "cancelled",
        "timed-out" => "failed",
        other => other,
    }
}

fn word(status: WorkflowExecutionStatus) -> &'static str {
    match status {
        WorkflowExecutionStatus::Completed => "succeeded",
        WorkflowExecutionStatus::Failed => "failed",
        WorkflowExecutionStatus::Canceled => "cancelled",
        WorkflowExecutionStatus::Terminated => "terminated",
        WorkflowExecutionStatus::TimedOut => "timed-out",
        WorkflowExecutionStatus::Paused => "paused",
        WorkflowExecutionStatus::Running
        | WorkflowExecutionStatus::ContinuedAsNew
        | WorkflowExecutionStatus::Unspecified => "running",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(status: &str) -> RunRow {
        RunRow {
            run: "churn-1".to_owned(),
            run_id: String::new(),
            status: status.to_owned(),
            workflow: Some("churn".to_owned()),
            name: Some("Customer churn".to_owned()),
            digest: None,
            asking: Vec::new(),
            started_at: 0,
            ended_at: None,
            task_queue: String::new(),
            parent: None,
        }
    }

    #[test]
    fn a_list_is_narrowed_down_by_what_the_cluster_can_and_cannot_look_for() {
        let list = List {
            workflow: Some("ch'urn".to_owned()),
            status: Some("waiting".to_owned()),
            ..List::default()
        };
        let asked = query(&list, true);
        assert!(asked.ends_with("BatonWorkflow = 'churn' AND ExecutionStatus = 'Running'"));
        assert!(!query(&list, false).contains("BatonWorkflow"));
        let with = |status: Option<&str>, search: Option<&str>| List {
            status: status.map(str::to_owned),
            search: search.map(str::to_owned),
            ..List::default()
        };
        assert!(fits(&with(None, Some("CUSTOMER")), &row("running")));
        assert!(!fits(&with(None, Some("order")), &row("running")));
        assert!(fits(&with(Some("cancelled"), None), &row("terminated")));
        assert!(!fits(&with(Some("waiting"), None), &row("running")));
    }
}
