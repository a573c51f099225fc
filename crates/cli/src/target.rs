//! What `--target` means: a name that is kept, or an address.

use std::ffi::OsString;
use std::path::Path;

use baton_api::remote::Remote;
use baton_api::targets::{Reached, reach};
use baton_api::{ApiError, App, Code};

use crate::remote;
use crate::server_args::Way;
use crate::session::{DATABASE, Session, data_dir};
use crate::target_args::There;
use crate::trouble::Trouble;

/// Where runs are.
pub(crate) enum Target {
    /// Another Baton, which answers.
    Server(Box<Remote>),
    /// A Temporal cluster.
    Cluster(Cluster),
}

/// How the program for clusters is told where one is.
pub(crate) struct Cluster {
    pub(crate) arguments: Vec<OsString>,
    /// A key that is kept.
    pub(crate) key: Option<String>,
}

/// Finds the target that is meant; `None`: this computer.
pub(crate) async fn find(there: &There, data: Option<&Path>) -> Result<Option<Target>, Trouble> {
    let Some(named) = &there.target else {
        return Ok(None);
    };
    if named.starts_with("temporal://") {
        return Ok(Some(Target::Cluster(Cluster {
            arguments: vec!["--target".into(), named.into()],
            key: None,
        })));
    }
    if named.contains("://") {
        let way = Way {
            token_file: there.token_file.clone(),
            ca: there.ca.clone(),
        };
        let remote = remote::open(named, &way).await?;
        return Ok(Some(Target::Server(Box::new(remote))));
    }
    if there.token_file.is_some() || there.ca.is_some() {
        let message = format!("`{named}` is a target that is kept, with its own token");
        let hint = "leave `--token-file` and `--ca` out, or name an address with `--target`";
        return Err(ApiError::new(Code::BadRequest, message).hint(hint).into());
    }
    kept(named, data).await.map(Some)
}

async fn kept(named: &str, data: Option<&Path>) -> Result<Target, Trouble> {
    if !data_dir(data)?.join(DATABASE).exists() {
        let message = format!("there is no target `{named}`: none is kept yet");
        let hint = "`baton targets add` keeps one; an address is written with `https://`";
        return Err(ApiError::new(Code::NotFound, message).hint(hint).into());
    }
    let app = Session::look_into(data).await?;
    let reached = reached(&app, named).await;
    app.shutdown().await;
    reached
}

async fn reached(app: &App, named: &str) -> Result<Target, Trouble> {
    Ok(match reach(app, named).await? {
        Reached::Server(remote) => {
            remote.hello().await?;
            Target::Server(remote)
        }
        Reached::Cluster { place, key } => Target::Cluster(Cluster {
            arguments: place.cluster_arguments(),
            key,
        }),
    })
}
