//! The two places where a run touches the outside: its log and its tasks. Tests and simulations bring their own.

use async_trait::async_trait;
use baton_core::error::StepError;
use baton_core::machine::Task;
use baton_steps::{TaskContext, TaskOutput};
use baton_store::{Append, Appended, Store, StoreError};

/// Where events become durable.
#[async_trait]
pub trait Journal: Send + Sync + std::fmt::Debug {
    /// Writes events; they are durable when it returns.
    ///
    /// # Errors
    ///
    /// Why they are not. Nothing of the batch was kept then.
    async fn append(&self, batch: &Append) -> Result<Appended, StoreError>;
}

#[async_trait]
impl Journal for Store {
    async fn append(&self, batch: &Append) -> Result<Appended, StoreError> {
        self.append_ref(batch).await
    }
}

/// Who carries out tasks.
#[async_trait]
pub trait Tasks: Send + Sync + std::fmt::Debug {
    /// Carries out `task`; stops soon after `cx.cancel` is cancelled.
    ///
    /// # Errors
    ///
    /// Why the task failed.
    async fn execute(&self, task: &Task, cx: &TaskContext) -> Result<TaskOutput, StepError>;

    /// Carries out `task` at once if it is light and pure; `None` for all others.
    fn execute_inline(&self, task: &Task) -> Option<Result<TaskOutput, StepError>>;
}

/// The tasks of `baton-steps`.
#[derive(Debug, Clone, Copy, Default)]
pub struct StandardTasks;

#[async_trait]
impl Tasks for StandardTasks {
    async fn execute(&self, task: &Task, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        baton_steps::execute(task, cx).await
    }

    fn execute_inline(&self, task: &Task) -> Option<Result<TaskOutput, StepError>> {
        baton_steps::execute_inline(task)
    }
}
