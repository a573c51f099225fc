//! What a program asks of a cluster: start a run, list runs, tell a run something, go back to a step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_core::document::{self, Step, Workflow};
use baton_core::elsewhere;
use baton_core::error::StepError;
use serde_json::Value;
use temporalio_client::tonic::IntoRequest;
use temporalio_client::{
    RpcOptions, UntypedWorkflow, WorkflowCancelOptions, WorkflowExecuteUpdateOptions,
    WorkflowHandle, WorkflowIdReusePolicy, WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_common::MemoValues;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::ResetReapplyExcludeType;
use temporalio_common::protos::temporal::api::workflowservice::v1::ResetWorkflowExecutionRequest;
use temporalio_common::search_attributes::SearchAttributes;

use crate::error::ClusterError;
use crate::history;
use crate::target::Cluster;
use crate::wire::{
    CHUNK_LIMIT, Command, DEFINITION_LIMIT, INPUT_LIMIT, Settings, StartInput, Text,
};
use crate::workflow::{BatonRun, DIGEST, STATUS, WORKFLOW};

pub use baton_sidecar::{RunRow, Sent, Started};

/// How long the answer to a command is waited for.
const ANSWER: Duration = Duration::from_secs(15);
/// What is noted of a run for lists: name and id of its workflow.
pub(crate) const NAME: &str = "baton.name";
pub(crate) const ID: &str = "baton.workflow";
/// How deep sub-workflows are looked for.
const MAX_DEPTH: usize = 32;

/// A run to start.
#[derive(Debug, Clone, Default)]
pub struct NewRun {
    /// The workflow file; not read if the document is given.
    pub file: PathBuf,
    /// The workflow itself.
    pub document: Option<Workflow>,
    /// Where its sub-workflows are, if not beside the file.
    pub folder: Option<PathBuf>,
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

impl NewRun {
    /// Where sub-workflows are looked for.
    fn folder(&self) -> Option<&Path> {
        let beside = || match (&self.document, self.file.parent()) {
            (Some(_), Some(folder)) if folder.as_os_str().is_empty() => None,
            (None, Some(folder)) if folder.as_os_str().is_empty() => Some(Path::new(".")),
            (_, folder) => folder,
        };
        self.folder.as_deref().or_else(beside)
    }
}

impl Cluster {
    pub(crate) fn handle(&self, run: &str) -> WorkflowHandle<temporalio_client::Client, BatonRun> {
        self.client.get_workflow_handle::<BatonRun>(run)
    }

    /// Starts a run.
    ///
    /// # Errors
    ///
    /// If the workflow cannot be used, is too large for the cluster, or the cluster refuses; nothing was started then.
    pub async fn start(&self, new: NewRun) -> Result<Started, ClusterError> {
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
        // For lists, also where search attributes are not.
        let mut memo = MemoValues::new();
        memo.insert(NAME, workflow.name.clone());
        memo.insert(ID, workflow.id.clone());
        let options = WorkflowStartOptions::new(self.place.task_queue.clone(), run.clone())
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .maybe_search_attributes(has_attributes.then(|| SearchAttributes::new(attributes)))
            .static_summary(workflow.name.clone())
            .memo(memo)
            .build();
        let started = self
            .client
            .start_workflow(BatonRun::run, input, options)
            .await
            .map_err(|error| ClusterError::start(&run, &error))?;
        Ok(Started {
            run_id: started.run_id().unwrap_or_default().to_owned(),
            run,
            digest,
        })
    }

    /// The input of a run, with everything that it needs from this computer.
    async fn prepare(&self, new: &NewRun) -> Result<(StartInput, Workflow, String), ClusterError> {
        let workflow = match &new.document {
            Some(document) => document.clone(),
            None => read(&new.file)?,
        };
        let plan = self
            .home
            .plan(&workflow)
            .map_err(|error| unusable(&error))?;
        let text = document::print(&workflow);
        let definition = self
            .home
            .keep(text, DEFINITION_LIMIT)
            .map_err(|error| unusable(&error))?;
        let mut library = BTreeMap::new();
        let mut env = new.env.clone();
        let mut names: Vec<String> = plan.env_names().map(str::to_owned).collect();
        if let Some(folder) = new.folder() {
            self.collect(&workflow, folder, &mut library, &mut names, 0)?;
        }
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
        let search = self.has_search_attributes().await?;
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
            is_listed: search,
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
            let file = beside(folder, &name);
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
        told.map(|_| Sent::Taken).map_err(|error| {
            let error = ClusterError::update(run, &error);
            if error.code != "cluster-unreachable" {
                return error;
            }
            ClusterError::new(
                "no-answer",
                format!("nobody answered for the run `{run}`, and it may have taken it all the same: {error}"),
                "look at the run, and whether a worker is listening; then say it again if it is still needed",
            )
        })
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
    /// that goes on from there. What people said after that counts no more; what led to the step still does.
    ///
    /// # Errors
    ///
    /// If the step never began in this part of the run, or the cluster refuses.
    pub async fn reset(&self, run: &str, step: &str, reason: &str) -> Result<String, ClusterError> {
        let (events, run_id) = self.raw_history(run, None).await?;
        let place = history::began(&events, step).ok_or_else(|| {
            ClusterError::new(
                "step-unknown",
                format!("the step `{step}` never began in this part of the run"),
                "`baton-temporal history` shows the steps by path",
            )
        })?;
        let again = history::accepted_at(&events, place);
        let request = ResetWorkflowExecutionRequest {
            namespace: self.place.namespace.clone(),
            workflow_execution: Some(WorkflowExecution {
                workflow_id: run.to_owned(),
                run_id,
            }),
            reason: reason.to_owned(),
            workflow_task_finish_event_id: place,
            request_id: chance()?,
            reset_reapply_exclude_types: vec![
                ResetReapplyExcludeType::Signal.into(),
                ResetReapplyExcludeType::Update.into(),
            ],
            ..ResetWorkflowExecutionRequest::default()
        };
        let mut service = self.connection.workflow_service();
        let answer = service
            .reset_workflow_execution(request.into_request())
            .await
            .map_err(|status| ClusterError::status(run, &status))?;
        for command in again {
            self.send(run, command).await?;
        }
        Ok(answer.into_inner().run_id)
    }

    /// A handle for what is not a run of Baton.
    pub fn untyped(&self, run: &str) -> WorkflowHandle<temporalio_client::Client, UntypedWorkflow> {
        self.client.get_workflow_handle::<UntypedWorkflow>(run)
    }
}

/// The file of the sub-workflow `name` of a workflow in `folder`.
pub(crate) fn beside(folder: &Path, name: &str) -> PathBuf {
    folder.join(elsewhere::file_of(name))
}

pub(crate) fn read(file: &Path) -> Result<Workflow, ClusterError> {
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
