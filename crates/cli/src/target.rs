//! What `--target` means: a name that is kept, or an address.

use std::ffi::OsString;
use std::path::Path;

use baton_api::remote::Remote;
use baton_api::targets::{Reached, TargetPlace, reach};
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
            arguments: arguments(*place),
            key,
        }),
    })
}

/// As the program for clusters wants to be told.
fn arguments(place: TargetPlace) -> Vec<OsString> {
    let TargetPlace::Temporal {
        address,
        namespace,
        task_queue,
        blobs,
        keys,
        tls,
        tls_ca,
        tls_cert,
        tls_key,
    } = place
    else {
        return Vec::new();
    };
    let mut all: Vec<OsString> = vec![
        "--target".into(),
        format!("temporal://{address}/{namespace}/{task_queue}").into(),
    ];
    for (name, value) in [
        ("--blobs", blobs),
        ("--keys", keys),
        ("--tls-ca", tls_ca),
        ("--tls-cert", tls_cert),
        ("--tls-key", tls_key),
    ] {
        if let Some(value) = value {
            all.extend([name.into(), value.into()]);
        }
    }
    if tls {
        all.push("--tls".into());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_cluster_is_told_as_it_was_kept() {
        let place = TargetPlace::Temporal {
            address: "localhost:7233".to_owned(),
            namespace: "sales".to_owned(),
            task_queue: "gpu".to_owned(),
            blobs: Some("/blobs".to_owned()),
            keys: None,
            tls: true,
            tls_ca: None,
            tls_cert: None,
            tls_key: None,
        };
        let expected = [
            "--target",
            "temporal://localhost:7233/sales/gpu",
            "--blobs",
            "/blobs",
            "--tls",
        ];
        assert_eq!(arguments(place), expected.map(OsString::from));
    }
}
