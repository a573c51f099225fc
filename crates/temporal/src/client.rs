//! What a program asks of a cluster: start a run, list runs, tell a run something, go back to a step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use baton_core::document::{self, Step, Workflow};
use baton_core::error::StepError;
use futures::StreamExt;
use serde::Serialize;
use serde_json::Value;
use temporalio_client::tonic::IntoRequest;
use temporalio_client::{
    RpcOptions, UntypedWorkflow, WorkflowCancelOptions, WorkflowExecuteUpdateOptions,
    WorkflowHandle, WorkflowIdReusePolicy, WorkflowListOptions, WorkflowSignalOptions,
    WorkflowStartOptions,
};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::workflowservice::v1::ResetWorkflowExecutionRequest;
use temporalio_common::search_attributes::SearchAttributes;

use crate::error::ClusterError;
use crate::target::Cluster;
use crate::wire::{
    CHUNK_LIMIT, Command, DEFINITION_LIMIT, INPUT_LIMIT, Settings, StartInput, Text, WORKFLOW_TYPE,
};
use crate::workflow::{BatonRun, DIGEST, STATUS, WORKFLOW};

/// How long the answer to a command is waited for.
const ANSWER: Duration = Duration::from_secs(15);
/// How deep sub-workflows are looked for.
const MAX_DEPTH: usize = 32;

/// A run to start.
#[derive(Debug, Clone, Default)]
pub struct NewRun {
    /// The workflow file.
    pub file: PathBuf,
    /// Its input.
    pub input: Value,
    /// Id of the run; without it, one is made.
    pub id: Option<String>,
    /// What starts it.
    pub by: Option<String>,
    /// How the host goes about it.
    pub settings: Settings,
    /// Values for `env.<name>`, before those of this program's environment.
    pub env: BTreeMap<String, String>,
}

/// A run that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartedRun {
    /// Its id.
    pub run: String,
    /// The id of its first part.
    pub run_id: String,
    /// Digest of the definition.
    pub digest: String,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRow {
    /// Its id.
    pub run: String,
    /// The id of its last part.
    pub run_id: String,
    /// A word: `running`, `waiting`, `succeeded` …; without search attributes, as the cluster knows it.
    pub status: String,
    /// Id of its workflow, if search attributes are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// When it began, in milliseconds.
    pub started_at: i64,
    /// When it ended, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// The task queue.
    pub task_queue: String,
    /// The run that waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// How a command reached a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// The run took it.
    Taken,
    /// It is kept by the cluster; no worker has looked at it yet.
    Kept,
}

impl Cluster {
    pub(crate) fn handle(&self, run: &str) -> WorkflowHandle<temporalio_client::Client, BatonRun> {
        self.client.get_workflow_handle::<BatonRun>(run)
    }

    /// Starts a run.
    ///
    /// # Errors
    ///
    /// If the file cannot be used, is too large for the cluster, or the cluster refuses; nothing was started then.
    pub async fn start(&self, new: NewRun) -> Result<StartedRun, ClusterError> {
        let (input, workflow, digest) = self.prepare(&new).await?;
        let run = match new.id {
            Some(id) => id,
            None => format!("{}-{}", workflow.id, chance()?),
        };
        let mut attributes = Vec::new();
        if input.search {
            attributes.push(WORKFLOW.value_set(workflow.id.clone()));
            attributes.push(DIGEST.value_set(digest.clone()));
            attributes.push(STATUS.value_set("running".to_owned()));
        }
        let has_attributes = !attributes.is_empty();
        let options = WorkflowStartOptions::new(self.place.task_queue.clone(), run.clone())
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .maybe_search_attributes(has_attributes.then(|| SearchAttributes::new(attributes)))
            .static_summary(workflow.name.clone())
            .build();
        let started = self
            .client
            .start_workflow(BatonRun::run, input, options)
            .await
            .map_err(|error| ClusterError::start(&run, &error))?;
        Ok(StartedRun {
            run_id: started.run_id().unwrap_or_default().to_owned(),
            run,
            digest,
        })
    }

    /// The input of a run, with everything that it needs from this computer.
    async fn prepare(&self, new: &NewRun) -> Result<(StartInput, Workflow, String), ClusterError> {
        let workflow = read(&new.file)?;
        let plan = self
            .home
            .plan(&workflow)
            .map_err(|error| unusable(&error))?;
        let text = document::print(&workflow);
        let definition = self
            .home
            .keep(text, DEFINITION_LIMIT)
            .map_err(|error| unusable(&error))?;
        let folder = new.file.parent().unwrap_or(Path::new("."));
        let mut library = BTreeMap::new();
        let mut env = new.env.clone();
        let mut names: Vec<String> = plan.env_names().map(str::to_owned).collect();
        self.collect(&workflow, folder, &mut library, &mut names, 0)?;
        for name in names {
            if let Ok(value) = std::env::var(&name) {
                env.entry(name).or_insert(value);
            }
        }
        let bytes = new.input.to_string().len();
        if bytes > INPUT_LIMIT {
            return Err(ClusterError::new(
                "payload-limit",
                format!("the input has {bytes} bytes, and a cluster carries {INPUT_LIMIT}"),
                "put the data into a file that the workers can read, and give its path",
            ));
        }
        let search = self.missing_search_attributes().await?.is_empty();
        let input = StartInput {
            definition,
            input: new.input.clone(),
            env,
            seed: None,
            by: new.by.clone(),
            parent: None,
            depth: 0,
            library,
            search,
            settings: new.settings.clone(),
            log: Vec::new(),
        };
        let size = serde_json::to_vec(&input).map_or(0, |text| text.len());
        if size > 2 * INPUT_LIMIT {
            return Err(ClusterError::new(
                "payload-limit",
                format!("the run would begin with {size} bytes, more than a cluster carries"),
                "give less input, or fewer sub-workflows",
            ));
        }
        let digest = plan.digest().to_owned();
        Ok((input, workflow, digest))
    }

    /// Takes along the sub-workflows that steps name, and theirs.
    fn collect(
        &self,
        workflow: &Workflow,
        folder: &Path,
        library: &mut BTreeMap<String, Text>,
        names: &mut Vec<String>,
        depth: usize,
    ) -> Result<(), ClusterError> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        for (name, version) in named(&workflow.steps) {
            if !(version.is_empty() || version == "latest") || library.contains_key(&name) {
                continue;
            }
            let file = if document::is_slug(&name) {
                folder.join(format!("{name}.baton.json"))
            } else {
                folder.join(&name)
            };
            // The step says so when it comes to it, as on one computer.
            if !file.is_file() {
                continue;
            }
            let child = read(&file)?;
            let plan = self.home.plan(&child).map_err(|error| unusable(&error))?;
            names.extend(plan.env_names().map(str::to_owned));
            let text = self.home.keep(document::print(&child), CHUNK_LIMIT);
            library.insert(name, text.map_err(|error| unusable(&error))?);
            let folder = file.parent().unwrap_or(folder).to_path_buf();
            self.collect(&child, &folder, library, names, depth + 1)?;
        }
        Ok(())
    }

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
        let options = WorkflowListOptions::builder().limit(limit).build();
        let mut found = self.client.list_workflows(whole, options);
        let mut rows = Vec::new();
        while let Some(row) = found.next().await {
            let row = row.map_err(|error| {
                ClusterError::new(
                    "cluster",
                    format!("the runs cannot be listed: {error}"),
                    "check the query; `baton-temporal check` looks at the cluster",
                )
            })?;
            let attributes = row.search_attributes();
            let is_open = row.close_time().is_none();
            let shown = attributes.get(&STATUS).filter(|_| is_open);
            rows.push(RunRow {
                run: row.id().to_owned(),
                run_id: row.run_id().to_owned(),
                status: shown.unwrap_or_else(|| status_word(&format!("{:?}", row.status()))),
                workflow: attributes.get(&WORKFLOW),
                started_at: millis(row.start_time()),
                ended_at: row.close_time().map(|time| millis(Some(time))),
                task_queue: row.task_queue().to_owned(),
                parent: row.parent_id().map(str::to_owned),
            });
        }
        Ok(rows)
    }

    /// Tells a run something, and waits until it took it. Where no worker listens, the cluster keeps it.
    ///
    /// # Errors
    ///
    /// If the run refuses it, or the cluster does.
    pub async fn tell(&self, run: &str, command: Command) -> Result<Sent, ClusterError> {
        if self.listening().await?.runs == 0 {
            self.send(run, command).await?;
            return Ok(Sent::Kept);
        }
        let rpc = RpcOptions::builder().timeout(ANSWER).build();
        let options = WorkflowExecuteUpdateOptions::builder()
            .rpc_options(rpc)
            .build();
        let told = self
            .handle(run)
            .execute_update(BatonRun::command, command, options)
            .await;
        told.map(|_| Sent::Taken)
            .map_err(|error| ClusterError::update(run, &error))
    }

    /// Leaves a message for a run; nobody says whether it took it.
    ///
    /// # Errors
    ///
    /// If the cluster refuses it.
    pub async fn send(&self, run: &str, command: Command) -> Result<(), ClusterError> {
        let options = WorkflowSignalOptions::default();
        let handle = self.handle(run);
        let sent = handle.signal(BatonRun::told, command, options);
        sent.await
            .map_err(|error| ClusterError::interaction(run, &error))
    }

    /// Asks the cluster to cancel a run, as its own tools do.
    ///
    /// # Errors
    ///
    /// If the cluster refuses.
    pub async fn request_cancel(&self, run: &str, reason: &str) -> Result<(), ClusterError> {
        let options = WorkflowCancelOptions::builder().reason(reason).build();
        let asked = self.handle(run).cancel(options).await;
        asked.map_err(|error| ClusterError::interaction(run, &error))
    }

    /// Goes back in a run to where `step` began last; what was finished before is not repeated. Gives the id of the part
    /// that goes on from there.
    ///
    /// # Errors
    ///
    /// If the step never began in this part of the run, or the cluster refuses.
    pub async fn reset(&self, run: &str, step: &str, reason: &str) -> Result<String, ClusterError> {
        let (fold_events, run_id) = self.raw_history(run, None).await?;
        let place = crate::history::began(&fold_events, step).ok_or_else(|| {
            ClusterError::new(
                "step-unknown",
                format!("the step `{step}` never began in this part of the run"),
                "`baton-temporal history` shows the steps by path",
            )
        })?;
        let request = ResetWorkflowExecutionRequest {
            namespace: self.place.namespace.clone(),
            workflow_execution: Some(WorkflowExecution {
                workflow_id: run.to_owned(),
                run_id,
            }),
            reason: reason.to_owned(),
            workflow_task_finish_event_id: place,
            request_id: chance()?,
            ..ResetWorkflowExecutionRequest::default()
        };
        let mut service = self.connection.workflow_service();
        let answer = service
            .reset_workflow_execution(request.into_request())
            .await
            .map_err(|status| ClusterError::status(run, &status))?;
        Ok(answer.into_inner().run_id)
    }

    /// A handle for what is not a run of Baton.
    pub fn untyped(&self, run: &str) -> WorkflowHandle<temporalio_client::Client, UntypedWorkflow> {
        self.client.get_workflow_handle::<UntypedWorkflow>(run)
    }
}

fn millis(time: Option<SystemTime>) -> i64 {
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

fn status_word(status: &str) -> String {
    match status {
        "Completed" => "succeeded".to_owned(),
        "Canceled" | "Cancelled" => "cancelled".to_owned(),
        "ContinuedAsNew" => "running".to_owned(),
        "TimedOut" => "timed-out".to_owned(),
        other => other.to_lowercase(),
    }
}

fn read(file: &Path) -> Result<Workflow, ClusterError> {
    let shown = file.display();
    let content = std::fs::read(file).map_err(|error| {
        ClusterError::new(
            "file-unreadable",
            format!("`{shown}` cannot be read: {error}"),
            "check the path and the rights of the file",
        )
    })?;
    let parsed = document::parse_bytes(&content).map_err(|error| {
        ClusterError::new(
            "workflow-unusable",
            format!("`{shown}` is not a workflow: {error}"),
            "open it in Baton to see what is wrong",
        )
    })?;
    Ok(parsed.workflow)
}

fn unusable(error: &StepError) -> ClusterError {
    let hint = error.hint.clone().unwrap_or_default();
    ClusterError::new(&error.code, error.message.clone(), hint)
}

/// The sub-workflows that steps name, bodies included. A name that an expression makes is known when it is asked for.
fn named(steps: &[Step]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for step in steps {
        if step.kind == "workflow" {
            let text = |name: &str| {
                let value = step.with.get(name).and_then(Value::as_str);
                value.unwrap_or_default().to_owned()
            };
            let name = text("workflow");
            if !name.is_empty() && !name.contains("{%") {
                found.push((name, text("version")));
            }
        }
        if let Some(body) = &step.body {
            found.extend(named(&body.steps));
        }
    }
    found
}

/// A name that nobody else has.
fn chance() -> Result<String, ClusterError> {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0_u8; 8];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        ClusterError::new(
            "no-chance",
            "the system gives no random bytes",
            "give a name for the run with `--id`",
        )
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
