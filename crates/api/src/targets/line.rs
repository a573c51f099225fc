//! A connection to a target, whatever it is: the one seam between commands and places.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use baton_core::document::Workflow;
use baton_core::problem::Problem;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::app::App;
use crate::error::ApiError;

use super::cluster::ClusterLine;
use super::kept::{self, Kept};
use super::server::ServerLine;
use super::{TargetChecked, TargetPlace};

/// A connection to a target.
#[derive(Debug)]
pub(crate) enum Line {
    /// To another Baton.
    Server(ServerLine),
    /// To a Temporal cluster.
    Cluster(ClusterLine),
}

impl Line {
    /// Gets everything ready. Nobody is reached yet: `target` says whose name stands in errors and events.
    pub(crate) fn open(app: &App, target: &Kept, secret: Option<String>) -> Result<Self, ApiError> {
        Ok(match &target.place {
            TargetPlace::Server { url, ca } => {
                Self::Server(ServerLine::open(app, target, url, ca.as_deref(), secret)?)
            }
            TargetPlace::Temporal { .. } => Self::Cluster(ClusterLine::open(app, target, secret)?),
        })
    }

    /// Asks what this computer would be asked. Whoever asks may; a document that is handed over is trusted.
    pub(crate) async fn call(
        &self,
        app: &App,
        command: &str,
        request: Value,
    ) -> Result<Value, ApiError> {
        match self {
            Self::Server(line) => line.call(command, request).await,
            Self::Cluster(line) => line.call(app, command, request).await,
        }
    }

    /// Looks whether work can be taken there. What is wrong is a finding, not an error.
    pub(crate) async fn check(&self, app: &App) -> TargetChecked {
        match self {
            Self::Server(line) => line.check(app).await,
            Self::Cluster(line) => line.check(app).await,
        }
    }

    /// Ends what goes on for it here; the runs there go on.
    pub(crate) async fn close(&self) {
        match self {
            Self::Server(line) => line.close(),
            Self::Cluster(line) => line.close().await,
        }
    }
}

/// What a workflow in `folder` does otherwise in a place, without asking anybody there.
pub(crate) fn problems(place: &TargetPlace, document: &Workflow, folder: &Path) -> Vec<Problem> {
    match place {
        TargetPlace::Server { .. } => super::server::problems(document),
        TargetPlace::Temporal { .. } => super::cluster::problems(document, folder),
    }
}

/// The connections that are open.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// One change of what is kept at a time.
    pub(crate) keeping: Mutex<()>,
    open: Mutex<BTreeMap<String, Arc<Line>>>,
}

impl Lines {
    /// The connection to the target `id`.
    pub(crate) async fn to(&self, app: &App, id: &str) -> Result<Arc<Line>, ApiError> {
        // Held while it is read what is kept: a target that is forgotten meanwhile is closed after that.
        let mut open = self.open.lock().await;
        if let Some(line) = open.get(id) {
            return Ok(line.clone());
        }
        let target = kept::find(app, id).await?;
        let secret = kept::secret(app, &target)?;
        let line = Arc::new(Line::open(app, &target, secret)?);
        open.insert(id.to_owned(), line.clone());
        Ok(line)
    }

    /// Closes the connection to a target that was changed or forgotten.
    pub(crate) async fn close(&self, id: &str) {
        let line = self.open.lock().await.remove(id);
        if let Some(line) = line {
            line.close().await;
        }
    }

    /// Closes all.
    pub(crate) async fn close_all(&self) {
        let open = std::mem::take(&mut *self.open.lock().await);
        for line in open.into_values() {
            line.close().await;
        }
    }
}
