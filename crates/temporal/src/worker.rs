//! A worker: polls a task queue, drives runs and carries out their steps until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use temporalio_common::worker::{
    VersioningBehavior, WorkerDeploymentOptions, WorkerDeploymentVersion,
};
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tokio_util::sync::CancellationToken;

use crate::error::ClusterError;
use crate::runner::StepRunner;
use crate::target::Cluster;
use crate::workflow::BatonRun;

/// How a worker goes about it.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// How many steps it carries out at the same time.
    pub steps: usize,
    /// Name of the deployment, if runs are pinned to the build that began them.
    pub deployment: Option<String>,
    /// Name of this build in the deployment.
    pub build: String,
    /// How many runs it keeps in memory.
    pub runs: usize,
    /// How long steps may go on after it was told to stop.
    pub grace: Duration,
    /// Carry out steps only, and drive no run.
    pub steps_only: bool,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            steps: 100,
            deployment: None,
            build: build_id(),
            runs: 1_000,
            grace: Duration::from_secs(10),
            steps_only: false,
        }
    }
}

/// What this build is called: two builds that may decide differently have different names.
pub fn build_id() -> String {
    let format = baton_core::machine::state_format();
    format!("{}-{}", env!("CARGO_PKG_VERSION"), &format[..8])
}

/// Works until `stop` is cancelled. `ready` is called once it polls.
///
/// # Errors
///
/// If it cannot begin, or the cluster does not let it go on.
pub async fn work(
    cluster: &Cluster,
    settings: &WorkerSettings,
    stop: CancellationToken,
    ready: impl FnOnce(),
) -> Result<(), ClusterError> {
    let home = cluster.home().clone();
    let defect = |what: &str| {
        let what = what.to_owned();
        move |error: &dyn std::fmt::Display| {
            ClusterError::new(
                "worker-failed",
                format!("{what}: {error}"),
                "look at the log of the worker (`BATON_LOG=info`)",
            )
        }
    };
    let cannot = defect("the worker cannot begin");
    let runtime =
        Runtime::from_current_tokio(Default::default()).map_err(|error| cannot(&error))?;
    let versions = WorkerDeploymentVersion::builder()
        .deployment_name(settings.deployment.clone().unwrap_or_default())
        .build_id(settings.build.clone())
        .build();
    let is_pinned = settings.deployment.is_some();
    let deployment = WorkerDeploymentOptions::new(versions)
        .use_worker_versioning(is_pinned)
        .maybe_default_versioning_behavior(is_pinned.then_some(VersioningBehavior::Pinned))
        .build();
    let slots = |size: usize| FixedSizeSlotSupplier::new(size.max(1));
    let tuner = TunerHolder::builder()
        .workflow_task_slot_supplier(slots(100))
        .activity_task_slot_supplier(slots(settings.steps))
        .local_activity_task_slot_supplier(slots(1))
        .nexus_task_slot_supplier(slots(1))
        .build();
    let mut options = WorkerOptions::new(cluster.place().task_queue.clone())
        .deployment_options(deployment)
        .max_cached_workflows(settings.runs)
        .tuner(tuner)
        // The task of a dead worker is given to another one after this time.
        .sticky_queue_schedule_to_start_timeout(Duration::from_secs(3))
        .graceful_shutdown_period(settings.grace)
        .register_activities(StepRunner::new(home.clone()))
        .build();
    if !settings.steps_only {
        options
            .register_workflow_with_factory::<BatonRun, _>(move || BatonRun::new(Arc::clone(&home)))
            .map_err(|error| cannot(&error))?;
    }
    let mut worker =
        Worker::new(&runtime, cluster.client().clone(), options).map_err(|error| cannot(&error))?;
    let shutdown = worker.shutdown_handle();
    let told = tokio::spawn(async move {
        stop.cancelled().await;
        shutdown();
    });
    ready();
    let ended = worker.run().await;
    told.abort();
    ended.map_err(|error| defect("the worker stopped")(&error))
}
