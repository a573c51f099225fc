//! Looking at a cluster before it is used: does it answer, may this program in, does anybody listen.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use temporalio_client::tonic::IntoRequest;
use temporalio_common::protos::temporal::api::enums::v1::{IndexedValueType, TaskQueueType};
use temporalio_common::protos::temporal::api::operatorservice::v1::{
    AddSearchAttributesRequest, ListSearchAttributesRequest,
};
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, DescribeTaskQueueRequest, GetSystemInfoRequest,
    SetWorkerDeploymentCurrentVersionRequest,
};

use crate::error::ClusterError;
use crate::target::Cluster;
use crate::workflow::SEARCH_ATTRIBUTES;

pub use baton_sidecar::{Finding, Listening};

/// A poll that is older than this is of a worker that is gone.
const FRESH: Duration = Duration::from_secs(75);
/// The oldest server that knows what Baton uses.
const OLDEST: (u32, u32) = (1, 28);

/// It is as it should be.
fn good(code: &str, message: impl Into<String>) -> Finding {
    Finding {
        code: code.to_owned(),
        ok: true,
        message: message.into(),
        hint: String::new(),
    }
}

/// Something is missing.
fn bad(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding {
        ok: false,
        hint: hint.into(),
        ..good(code, message)
    }
}

impl From<ClusterError> for Finding {
    fn from(error: ClusterError) -> Self {
        Self {
            code: error.code,
            ok: false,
            message: error.message,
            hint: error.hint,
        }
    }
}

impl Cluster {
    /// Looks at everything that a run needs.
    pub async fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.push(self.check_server().await.unwrap_or_else(Into::into));
        let namespace = self.check_namespace().await;
        let is_known = namespace.is_ok();
        findings.push(namespace.unwrap_or_else(Into::into));
        if !is_known {
            return findings;
        }
        findings.push(self.check_workers().await.unwrap_or_else(Into::into));
        findings.push(self.check_search().await.unwrap_or_else(Into::into));
        findings.push(self.check_blobs());
        findings
    }

    async fn check_server(&self) -> Result<Finding, ClusterError> {
        let mut service = self.connection.workflow_service();
        let answer = service
            .get_system_info(GetSystemInfoRequest::default().into_request())
            .await
            .map_err(|status| ClusterError::status("", &status))?;
        let version = answer.into_inner().server_version;
        let mut parts = version
            .split(['.', '-'])
            .map(|part| part.parse::<u32>().ok());
        let number = parts.next().flatten().zip(parts.next().flatten());
        Ok(match number {
            Some(number) if number < OLDEST => bad(
                "server-too-old",
                format!("the server has version {version}"),
                "Baton needs a Temporal server of version 1.28 or later",
            ),
            _ => good(
                "server",
                format!("Temporal {version} answers at `{}`", self.place.address),
            ),
        })
    }

    async fn check_namespace(&self) -> Result<Finding, ClusterError> {
        let namespace = self.place.namespace.clone();
        let request = DescribeNamespaceRequest {
            namespace: namespace.clone(),
            ..DescribeNamespaceRequest::default()
        };
        let mut service = self.connection.workflow_service();
        let known = service.describe_namespace(request.into_request()).await;
        known.map_err(|status| ClusterError::status("", &status))?;
        Ok(good(
            "namespace",
            format!("the namespace `{namespace}` is there"),
        ))
    }

    async fn check_workers(&self) -> Result<Finding, ClusterError> {
        let Listening { runs, steps } = self.listening().await?;
        let queue = &self.place.task_queue;
        Ok(match (runs, steps) {
            (0, 0) => bad(
                "no-worker",
                format!("no worker is listening on the task queue `{queue}`"),
                format!(
                    "start one: baton worker --temporal {} --namespace {} --task-queue {queue}",
                    self.place.address, self.place.namespace
                ),
            ),
            (0, steps) => bad(
                "no-worker",
                format!("{steps} workers carry out steps on `{queue}`, and none drives runs"),
                "start one without `--steps-only`",
            ),
            (runs, _) => good(
                "worker",
                format!("{runs} listening on the task queue `{queue}`"),
            ),
        })
    }

    async fn check_search(&self) -> Result<Finding, ClusterError> {
        let missing = self.missing_search_attributes().await?;
        Ok(if missing.is_empty() {
            good("search-attributes", "the search attributes are there")
        } else {
            bad(
                "search-attributes",
                format!(
                    "the cluster has no search attributes {}",
                    missing.join(", ")
                ),
                "runs go on without them; `baton-temporal check --create` makes them",
            )
        })
    }

    fn check_blobs(&self) -> Finding {
        let dir = self.home.artifacts.dir();
        match self.home.artifacts.temp_file() {
            Ok(_) => good(
                "blobs",
                format!("large values are kept in `{}`", dir.display()),
            ),
            Err(error) => bad(
                "blobs",
                format!("nothing can be kept in `{}`: {error}", dir.display()),
                "name a folder that every worker and client can write with `--blobs`",
            ),
        }
    }

    /// How many workers poll the task queue now.
    ///
    /// # Errors
    ///
    /// If the cluster does not answer.
    pub async fn listening(&self) -> Result<Listening, ClusterError> {
        Ok(Listening {
            runs: self.pollers(TaskQueueType::Workflow).await?,
            steps: self.pollers(TaskQueueType::Activity).await?,
        })
    }

    async fn pollers(&self, kind: TaskQueueType) -> Result<usize, ClusterError> {
        let request = DescribeTaskQueueRequest {
            namespace: self.place.namespace.clone(),
            task_queue: Some(TaskQueue {
                name: self.place.task_queue.clone(),
                ..TaskQueue::default()
            }),
            task_queue_type: kind.into(),
            ..DescribeTaskQueueRequest::default()
        };
        let mut service = self.connection.workflow_service();
        let answer = service
            .describe_task_queue(request.into_request())
            .await
            .map_err(|status| ClusterError::status("", &status))?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        let is_fresh = |seconds: i64| {
            let then = u64::try_from(seconds).unwrap_or(0);
            now.saturating_sub(then) <= FRESH.as_secs()
        };
        let answer = answer.into_inner();
        let fresh = answer.pollers.iter().filter(|poller| {
            let time = poller.last_access_time.as_ref();
            time.is_some_and(|time| is_fresh(time.seconds))
        });
        Ok(fresh.count())
    }

    /// Search attributes that the namespace lacks.
    ///
    /// # Errors
    ///
    /// If the cluster does not answer.
    pub async fn missing_search_attributes(&self) -> Result<Vec<&'static str>, ClusterError> {
        let request = ListSearchAttributesRequest {
            namespace: self.place.namespace.clone(),
        };
        let mut service = self.connection.operator_service();
        let answer = service.list_search_attributes(request.into_request()).await;
        let known = match answer {
            Ok(answer) => answer.into_inner().custom_attributes,
            // Some servers have visibility of another kind, or none: runs go on without.
            Err(status) => {
                use temporalio_client::tonic::Code;
                let all = SEARCH_ATTRIBUTES.iter().map(|(name, _)| *name).collect();
                return match status.code() {
                    Code::Unimplemented | Code::PermissionDenied => Ok(all),
                    _ => Err(ClusterError::status("", &status)),
                };
            }
        };
        let kind = |is_list: bool| -> i32 {
            if is_list {
                IndexedValueType::KeywordList.into()
            } else {
                IndexedValueType::Keyword.into()
            }
        };
        let missing = SEARCH_ATTRIBUTES
            .iter()
            .filter(|(name, is_list)| known.get(*name) != Some(&kind(*is_list)));
        Ok(missing.map(|(name, _)| *name).collect())
    }

    /// Whether the search attributes are there; asked of the cluster until they are.
    pub(crate) async fn has_search_attributes(&self) -> Result<bool, ClusterError> {
        if self.has_attributes.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let are_there = self.missing_search_attributes().await?.is_empty();
        self.has_attributes.store(are_there, Ordering::Relaxed);
        Ok(are_there)
    }

    /// Makes the search attributes that the namespace lacks.
    ///
    /// # Errors
    ///
    /// If the cluster refuses.
    pub async fn create_search_attributes(&self) -> Result<(), ClusterError> {
        let missing = self.missing_search_attributes().await?;
        if missing.is_empty() {
            return Ok(());
        }
        let attributes = SEARCH_ATTRIBUTES
            .iter()
            .filter(|(name, _)| missing.contains(name))
            .map(|(name, is_list)| {
                let kind = if *is_list {
                    IndexedValueType::KeywordList
                } else {
                    IndexedValueType::Keyword
                };
                ((*name).to_owned(), kind.into())
            });
        let request = AddSearchAttributesRequest {
            search_attributes: attributes.collect(),
            namespace: self.place.namespace.clone(),
        };
        let mut service = self.connection.operator_service();
        let made = service.add_search_attributes(request.into_request()).await;
        made.map_err(|status| ClusterError::status("", &status))?;
        Ok(())
    }

    /// Makes `build` the one that begins new runs in `deployment`.
    ///
    /// # Errors
    ///
    /// If the cluster refuses.
    pub async fn make_current(&self, deployment: &str, build: &str) -> Result<(), ClusterError> {
        let request = SetWorkerDeploymentCurrentVersionRequest {
            namespace: self.place.namespace.clone(),
            deployment_name: deployment.to_owned(),
            build_id: build.to_owned(),
            ..SetWorkerDeploymentCurrentVersionRequest::default()
        };
        let mut service = self.connection.workflow_service();
        let set = service
            .set_worker_deployment_current_version(request.into_request())
            .await;
        set.map_err(|status| ClusterError::status("", &status))?;
        Ok(())
    }
}

impl Cluster {
    /// Lets a server that can skip time skip it from now on: for tests of long waits.
    ///
    /// # Errors
    ///
    /// If the server cannot.
    pub async fn skip_time(&self) -> Result<(), ClusterError> {
        use temporalio_common::protos::temporal::api::testservice::v1::UnlockTimeSkippingRequest;
        let mut service = self.connection.test_service();
        let unlocked = service
            .unlock_time_skipping(UnlockTimeSkippingRequest::default().into_request())
            .await;
        unlocked.map_err(|status| ClusterError::status("", &status))?;
        Ok(())
    }
}
