//! A Temporal cluster as a target.

use baton_core::document::Workflow;
use baton_core::problem::Problem;
use serde_json::Value;

use crate::app::App;
use crate::error::{ApiError, Code};

use super::kept::Kept;
use super::{TargetAbilities, TargetChecked, TargetFinding};

/// A connection to a cluster.
#[derive(Debug)]
pub(crate) struct ClusterLine {
    name: String,
}

impl ClusterLine {
    #[expect(clippy::unnecessary_wraps, reason = "a key or a file may be no good")]
    pub(crate) fn open(_: &App, target: &Kept, _: Option<String>) -> Result<Self, ApiError> {
        Ok(Self {
            name: target.name.clone(),
        })
    }

    pub(crate) async fn call(&self, _: &App, _: &str, _: Value) -> Result<Value, ApiError> {
        Err(self.unreached())
    }

    pub(crate) async fn check(&self, _: &App) -> TargetChecked {
        let error = self.unreached();
        TargetChecked {
            ok: false,
            findings: vec![TargetFinding::bad(
                "cluster-unreachable",
                error.message,
                error.hint.unwrap_or_default(),
            )],
            can: TargetAbilities::default(),
        }
    }

    #[expect(clippy::unused_async, reason = "ending a connection takes a while")]
    pub(crate) async fn close(&self) {}

    fn unreached(&self) -> ApiError {
        let message = format!(
            "target `{}`: clusters cannot be reached from here yet",
            self.name
        );
        ApiError::new(Code::TargetUnreachable, message)
            .hint("`baton submit` and `baton runs --target temporal://…` reach it")
    }
}

/// What a workflow does otherwise on a cluster.
pub(crate) fn problems(_: &Workflow) -> Vec<Problem> {
    Vec::new()
}
