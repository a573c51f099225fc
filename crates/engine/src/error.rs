//! Why the engine did not do what was asked.

use baton_core::error::StepError;
use baton_core::problem::Problem;
use baton_store::StoreError;

/// Why the engine did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// There is no run with this id, or it is not in the hands of this engine.
    #[error("there is no run `{0}`")]
    NotFound(String),
    /// The run has ended; nothing can be asked of it any more.
    #[error("run `{0}` has already ended")]
    AlreadyEnded(String),
    /// The run refuses: there is no such step, or it is not in a state in which this can be asked.
    #[error("{message}")]
    Refused {
        /// Stable name of the reason.
        code: String,
        /// What is wrong, for people.
        message: String,
    },
    /// The workflow has problems that forbid running it.
    #[error("the workflow has {} that {} running it", count(.0), if .0.len() == 1 { "forbids" } else { "forbid" })]
    Invalid(Vec<Problem>),
    /// The data folder did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked is not on disk yet, and the engine keeps trying; until then the run does not act.
    #[error("run `{run}` stands still: {source}")]
    Stalled {
        /// Id of the run.
        run: String,
        /// Why it cannot be written.
        source: StoreError,
    },
    /// The engine is being shut down and takes nothing new.
    #[error("Baton is closing and takes no new work")]
    Closing,
}

fn count(problems: &[Problem]) -> String {
    match problems.len() {
        1 => "a problem".to_owned(),
        n => format!("{n} problems"),
    }
}

impl EngineError {
    /// This error as the error of a step that depended on it.
    pub(crate) fn into_step_error(self) -> StepError {
        match &self {
            Self::Invalid(problems) => {
                let first = problems.first().map(|problem| problem.message.clone());
                let error = StepError::permanent("workflow-invalid", self.to_string());
                match first {
                    Some(first) => {
                        error.hint(format!("open the workflow and see its problems: {first}"))
                    }
                    None => error,
                }
            }
            Self::NotFound(_) | Self::AlreadyEnded(_) | Self::Refused { .. } => {
                StepError::permanent("workflow-refused", self.to_string())
            }
            Self::Store(_) | Self::Stalled { .. } | Self::Closing => {
                StepError::new("workflow-not-started", self.to_string())
            }
        }
    }
}
