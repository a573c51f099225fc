//! Who carries out tasks: the kinds of `baton-steps`, or others in their place.

use baton_core::error::StepError;
use baton_core::machine::Task;
use baton_core::step_kind::Catalog;
use baton_steps::{TaskContext, TaskOutput};
use futures::future::BoxFuture;

/// The kinds of task of a worker.
pub trait Tasks: Send + Sync + std::fmt::Debug {
    /// All kinds.
    fn catalog(&self) -> &Catalog;

    /// Carries out `task`; stops soon after `cx.cancel` is cancelled.
    fn execute<'a>(
        &'a self,
        task: &'a Task,
        cx: &'a TaskContext,
    ) -> BoxFuture<'a, Result<TaskOutput, StepError>>;

    /// Carries out `task` at once if it is light and pure; `None` for all others.
    fn execute_inline(&self, task: &Task) -> Option<Result<TaskOutput, StepError>>;
}

/// The tasks of `baton-steps`.
#[derive(Debug)]
pub struct StandardTasks {
    catalog: Catalog,
}

impl Default for StandardTasks {
    fn default() -> Self {
        Self {
            catalog: baton_steps::catalog(),
        }
    }
}

impl Tasks for StandardTasks {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn execute<'a>(
        &'a self,
        task: &'a Task,
        cx: &'a TaskContext,
    ) -> BoxFuture<'a, Result<TaskOutput, StepError>> {
        Box::pin(baton_steps::execute(task, cx))
    }

    fn execute_inline(&self, task: &Task) -> Option<Result<TaskOutput, StepError>> {
        baton_steps::execute_inline(task)
    }
}
