//! A kept target for a program that speaks to it by itself, as the command line does.

use std::path::Path;

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::ApiError;
use crate::handlers;
use crate::remote::{Remote, RemoteError};

use super::kept::{self, Kept};
use super::{TargetPlace, server};

/// How a target is reached.
#[derive(Debug)]
pub enum Reached {
    /// Another Baton; nobody has been asked yet.
    Server(Box<Remote>),
    /// A Temporal cluster.
    Cluster {
        /// Where it is.
        place: Box<TargetPlace>,
        /// Its key, if one is kept.
        key: Option<String>,
    },
}

/// The target with this name or id, with its secret.
///
/// # Errors
///
/// [`crate::Code::NotFound`] if there is none; [`crate::Code::TargetRefused`] if no token is kept for a server.
pub async fn reach(app: &App, named: &str) -> Result<Reached, RemoteError> {
    let target = find(app, named).await?;
    let secret = kept::secret(app, &target)?;
    match target.place {
        TargetPlace::Server { url, ca } => {
            let token = secret.ok_or_else(|| server::no_token(&target.name))?;
            let remote = Remote::new(&url, &token, ca.as_deref().map(Path::new))?;
            Ok(Reached::Server(Box::new(remote)))
        }
        place @ TargetPlace::Temporal { .. } => Ok(Reached::Cluster {
            place: Box::new(place),
            key: secret,
        }),
    }
}

/// Where the target with this name or id is.
///
/// # Errors
///
/// [`crate::Code::NotFound`] if there is none.
async fn find(app: &App, named: &str) -> Result<Kept, ApiError> {
    let listed = handlers::target_list(app, Nothing {}).await?;
    let line = listed.named(named).ok_or_else(|| kept::none(named))?;
    kept::find(app, &line.id).await
}
