//! Every kind of task: one Rust file and one form file each in `kinds/`, registered in one list.
//!
//! A new kind needs its two files and its line in [`step_kinds!`] and nothing else: palette, inspector, validation,
//! engine and documentation follow. Control kinds are closed and live in [`baton_core::control`].
//!
//! * [`catalog`]: all kinds; [`summary`] and [`effects`]: what a person is told about a step and a workflow.
//! * [`execute`], [`execute_inline`]: carry out a task whose expressions are evaluated; [`attempt`]: within its time
//!   limit, until it is told to stop.
//! * [`Artifacts`], [`tables`]: large values by content hash, and pages of tables.
//!
//! # Invariants
//!
//! * Only [`kinds`] act on the outside. Files are reached through [`safe_path`] alone, tables through [`duck`] alone.
//! * A query never reaches a file that is not an artifact it was given.
//! * Nothing here knows runs, edges or retries.
#![warn(missing_docs)]

mod artifacts;
mod attempt;
mod config;
mod context;
mod duck;
mod files;
mod gate;
mod kind;
mod overview;
mod process;
mod safe_path;
pub mod tables;
#[doc(hidden)]
#[path = "../../store/src/trial.rs"]
pub mod trial;
pub mod values;

use baton_core::error::StepError;
use baton_core::kind_version::Versions;
use baton_core::machine::Task;
use baton_core::step_kind::{Catalog, StepKind};

pub use artifacts::{Artifacts, Put};
pub use attempt::{Attempted, GRACE, Terms, attempt};
pub use context::{Limits, Secrets, TaskContext, TaskOutput};
pub use overview::{Touch, effects, summary};
pub use process::guard;

use kind::Kind;

/// Declares the module of each kind and everything that goes over all of them.
macro_rules! step_kinds {
    ($($name:ident),* $(,)?) => {
        mod kinds {
            $(pub(crate) mod $name;)*
        }

        /// The names of the kinds of task, in order.
        pub const KINDS: &[&str] = &[$(stringify!($name)),*];

        fn tasks() -> Vec<StepKind> {
            vec![$(kind::describe::<kinds::$name::Step>(
                stringify!($name),
                include_str!(concat!("kinds/", stringify!($name), ".form.json")),
            )),*]
        }

        fn versions() -> Vec<(&'static str, Versions)> {
            vec![$((stringify!($name), <kinds::$name::Step as Kind>::VERSIONS)),*]
        }

        /// Carries out `task`. Stops soon after `cx.cancel` is cancelled or the future is dropped.
        ///
        /// # Errors
        ///
        /// Why the task failed. A kind that this build does not know is the permanent error `unknown-kind`.
        pub async fn execute(task: &Task, cx: &TaskContext) -> Result<TaskOutput, StepError> {
            match task.kind.as_str() {
                $(stringify!($name) => Box::pin(kind::run::<kinds::$name::Step>(task, cx)).await,)*
                other => Err(unknown_kind(other)),
            }
        }

        /// Carries out `task` at once if its kind is light and pure: no I/O, no waiting. `None` for all others.
        pub fn execute_inline(task: &Task) -> Option<Result<TaskOutput, StepError>> {
            match task.kind.as_str() {
                $(stringify!($name) => kinds::$name::Step::inline(&task.with),)*
                _ => None,
            }
        }

        fn summary_of(kind: &str, with: &config::With) -> Option<String> {
            match kind {
                $(stringify!($name) => Some(kinds::$name::Step::summary(with)),)*
                _ => None,
            }
        }

        fn touches_of(kind: &str, with: &config::With) -> Vec<(&'static str, String)> {
            match kind {
                $(stringify!($name) => kinds::$name::Step::touches(with),)*
                _ => Vec::new(),
            }
        }
    };
}

// In alphabetical order.
step_kinds! {
    http_request,
    log,
    notify,
    quality_gate,
    read_table,
    remove_file,
    run_command,
    set_values,
    sql,
    write_table,
}

/// All kinds that this build knows: the control kinds and the tasks. Cheap to call; build once.
pub fn catalog() -> Catalog {
    Catalog::new(tasks()).with_versions(versions())
}

/// Files that a step of this kind writes, as its settings name them: from the work folder.
pub fn written_files(kind: &str, with: &serde_json::Map<String, serde_json::Value>) -> Vec<String> {
    let touched = touches_of(kind, with).into_iter();
    touched
        .filter(|(how, path)| *how == "write" && !path.is_empty())
        .map(|(_, path)| path)
        .collect()
}

fn unknown_kind(kind: &str) -> StepError {
    StepError::permanent(
        "unknown-kind",
        format!("`{kind}` is not a kind of step that this build knows"),
    )
    .hint("update Baton, or replace the step")
}

#[cfg(test)]
#[path = "tests/registry.rs"]
mod registry;
#[cfg(test)]
#[path = "tests/bench.rs"]
mod testing;
