//! Where a cluster is, and how to talk to it.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use temporalio_client::{
    Client, ClientOptions, ClientTlsOptions, Connection, ConnectionOptions, TlsOptions,
};
use temporalio_common::data_converters::DataConverter;
use url::Url;

use crate::codec::{self, Keys};
use crate::error::ClusterError;
use crate::home::Home;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a cluster is: `temporal://HOST:PORT/NAMESPACE/QUEUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `HOST:PORT`.
    pub address: String,
    /// The namespace.
    pub namespace: String,
    /// The task queue.
    pub task_queue: String,
}

impl FromStr for Place {
    type Err = ClusterError;

    fn from_str(text: &str) -> Result<Self, ClusterError> {
        let wrong = || {
            ClusterError::new(
                "target-unusable",
                format!("`{text}` is not a target"),
                "write it as temporal://HOST:PORT/NAMESPACE/QUEUE",
            )
        };
        let rest = text.strip_prefix("temporal://").ok_or_else(wrong)?;
        let mut parts = rest.split('/');
        let address = parts
            .next()
            .filter(|part| !part.is_empty())
            .ok_or_else(wrong)?;
        let namespace = parts.next().filter(|part| !part.is_empty());
        let task_queue = parts.next().filter(|part| !part.is_empty());
        if parts.next().is_some_and(|part| !part.is_empty()) {
            return Err(wrong());
        }
        let is_whole = address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !is_whole {
            return Err(wrong());
        }
        Ok(Self {
            address: address.to_owned(),
            namespace: namespace.unwrap_or("default").to_owned(),
            task_queue: task_queue.unwrap_or("baton").to_owned(),
        })
    }
}

/// How to talk to a cluster.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// With TLS.
    pub has_tls: bool,
    /// The authority that signed the certificate of the server.
    pub ca: Option<PathBuf>,
    /// The certificate and the key of this program.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// A key of the cluster.
    pub api_key: Option<String>,
    /// The file with the keys that values are encrypted with.
    pub keys: Option<PathBuf>,
}

/// A connection to a cluster.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) client: Client,
    pub(crate) connection: Connection,
    pub(crate) converter: DataConverter,
    pub(crate) place: Place,
    pub(crate) home: Arc<Home>,
    /// The search attributes are there: once they are, they stay.
    pub(crate) has_attributes: Arc<AtomicBool>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// Connects.
    ///
    /// # Errors
    ///
    /// If no server answers there, or it does not let this program in.
    pub async fn connect(
        place: Place,
        access: &Access,
        home: Arc<Home>,
    ) -> Result<Self, ClusterError> {
        let keys = access.keys.as_deref().map(Keys::from_file).transpose();
        let keys = keys.map_err(|error| {
            let hint = "write a line `name:` and 64 hex digits for each key";
            ClusterError::new("keys-unusable", error.to_string(), hint)
        })?;
        let converter = codec::converter(keys);
        let has_tls = access.has_tls || access.ca.is_some() || access.identity.is_some();
        let scheme = if has_tls { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{}", place.address)).map_err(|error| {
            ClusterError::new(
                "target-unusable",
                format!("`{}` is not an address: {error}", place.address),
                "write it as HOST:PORT",
            )
        })?;
        let tls = if has_tls { Some(tls(access)?) } else { None };
        let options = ConnectionOptions::new(url)
            .identity(format!("baton {}@{}", std::process::id(), host_name()))
            .maybe_tls_options(tls)
            .maybe_api_key(access.api_key.clone())
            .connect_timeout(PATIENCE)
            .build();
        let connection = tokio::time::timeout(2 * PATIENCE, Connection::connect(options)).await;
        let connection = match connection {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(ClusterError::connect(&place.address, &error)),
            Err(_) => {
                return Err(ClusterError::new(
                    "cluster-unreachable",
                    format!("no Temporal server answers at `{}`", place.address),
                    "check the address, and whether the server runs and can be reached from here",
                ));
            }
        };
        let options = ClientOptions::new(place.namespace.clone())
            .data_converter(converter.clone())
            .build();
        let client = Client::new(connection.clone(), options)
            .map_err(|error| ClusterError::connect(&place.address, &error.into()))?;
        Ok(Self {
            client,
            connection,
            converter,
            place,
            home,
            has_attributes: Arc::default(),
        })
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What this program has at home.
    pub fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// The client of the library, for what is not here.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

fn tls(access: &Access) -> Result<TlsOptions, ClusterError> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| {
            ClusterError::new(
                "certificate-unreadable",
                format!("`{}` cannot be read: {error}", path.display()),
                "check the path and the rights of the file",
            )
        })
    };
    let ca = access.ca.as_ref().map(read).transpose()?;
    let identity = match &access.identity {
        Some((certificate, key)) => Some(
            ClientTlsOptions::builder()
                .client_cert(read(certificate)?)
                .client_private_key(read(key)?)
                .build(),
        ),
        None => None,
    };
    Ok(TlsOptions::builder()
        .maybe_server_root_ca_cert(ca)
        .maybe_client_tls_options(identity)
        .build())
}

fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_address_namespace_and_queue() {
        let place: Place = "temporal://localhost:7233/sales/gpu".parse().unwrap();
        assert_eq!(
            (
                place.address.as_str(),
                place.namespace.as_str(),
                place.task_queue.as_str()
            ),
            ("localhost:7233", "sales", "gpu")
        );
        let place: Place = "temporal://[::1]:7233".parse().unwrap();
        assert_eq!(
            (place.namespace.as_str(), place.task_queue.as_str()),
            ("default", "baton")
        );
    }

    #[test]
    fn what_is_no_target_is_refused_with_the_way_out() {
        for text in [
            "",
            "localhost:7233",
            "temporal://",
            "temporal://localhost",
            "temporal://localhost:99999/a",
            "temporal://localhost:7233/a/b/c",
        ] {
            let error = text.parse::<Place>().unwrap_err();
            assert_eq!(error.code, "target-unusable", "{text}");
            assert!(error.hint.contains("temporal://HOST:PORT"), "{text}");
        }
    }
}
