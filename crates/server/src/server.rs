//! Starting and stopping, and the file that tells programs where the server is.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Access;
use crate::attempts::Attempts;
use crate::backend::Backend;
use crate::connections::{Door, accept, bind, places};
use crate::handlers::{Shared, figures_router, router};
use crate::metrics::Traffic;
use crate::team::{Team, TeamError};
use crate::tls::{Tls, TlsError};
use crate::ui_files::UiFiles;

/// The file in the data folder that holds address and token while a server runs.
pub const FILE_NAME: &str = "server.json";
/// How long requests may go on after a stop.
const STOP_TIME: Duration = Duration::from_secs(5);

/// How often the files of the certificate are looked at.
const LOOK_AT_CERTIFICATE: Duration = Duration::from_secs(20);

/// How to serve.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The port on loopback; 0 for a random one. A team has its own address.
    pub port: u16,
    /// Where [`FILE_NAME`] is written.
    pub data_dir: PathBuf,
    /// Where the built UI is; see [`crate::find_ui`].
    pub ui_dir: Option<PathBuf>,
    /// For a team; absent: for the person whose account this is, on loopback.
    pub team: Option<Team>,
    /// Where `/metrics` is answered without a token as well: an address of this machine alone.
    pub metrics: Option<SocketAddr>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port is taken, or may not be used by this account.
    #[error("port {port} cannot be used: {source}")]
    Bind {
        /// The port that was asked for.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// The token cannot be left for programs.
    #[error("`{}` cannot be written: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It may not be reached so.
    #[error(transparent)]
    Team(#[from] TeamError),
    /// The certificate is no good.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Others could read the figures.
    #[error("`{address}` can be reached from other machines, and the figures there need no token")]
    Metrics {
        /// The address that was asked for.
        address: SocketAddr,
    },
}

impl ServeError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Bind { .. } => "port-in-use",
            Self::File { .. } => "io",
            Self::Team(error) => error.code(),
            Self::Tls(error) => error.code(),
            Self::Metrics { .. } => "metrics-address",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Bind { .. } => {
                "choose another port with `--port`, or leave it out for a free one"
            }
            Self::File { .. } => {
                "let this account write into the data folder, or name another with `--data`"
            }
            Self::Team(error) => error.hint(),
            Self::Tls(error) => error.hint(),
            Self::Metrics { .. } => {
                "take `127.0.0.1:PORT`, or read `/metrics` with the token of a user"
            }
        }
    }
}

/// A running server.
pub struct Server {
    shared: Arc<Shared>,
    file: PathBuf,
    connections: TaskTracker,
    tls: Option<Arc<Tls>>,
    team: Option<Team>,
    metrics: Option<SocketAddr>,
    local: SocketAddr,
}

#[derive(Serialize)]
struct ServerFile<'a> {
    url: &'a str,
    /// Absent for a team: there, programs have tokens of users.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    pid: u32,
    /// Tells this server from a later one.
    id: &'a str,
}

impl Server {
    /// Starts a server: on loopback, or where a team reaches it.
    ///
    /// # Errors
    ///
    /// * [`ServeError::Bind`] – the port is taken (on 127.0.0.1 or on ::1, for a person).
    /// * [`ServeError::File`] – the data folder cannot be written.
    /// * [`ServeError::Team`], [`ServeError::Tls`], [`ServeError::Metrics`] – it would not be safe.
    pub async fn start(backend: Arc<dyn Backend>, config: Config) -> Result<Self, ServeError> {
        let Config {
            port,
            data_dir,
            ui_dir,
            team,
            metrics,
        } = config;
        let tls = prepare(team.as_ref(), metrics)?;
        let wanted = team.as_ref().map_or(port, |team| team.listen.port());
        let failed = |source| ServeError::Bind {
            port: wanted,
            source,
        };
        let listeners = match &team {
            Some(team) => vec![TcpListener::bind(team.listen).await.map_err(failed)?],
            None => bind(port).await.map_err(failed)?,
        };
        let local = listeners[0].local_addr().map_err(failed)?;
        let port = local.port();
        let figures = match metrics {
            Some(address) => Some(TcpListener::bind(address).await.map_err(|source| {
                let port = address.port();
                ServeError::Bind { port, source }
            })?),
            None => None,
        };
        let metrics = figures.as_ref().and_then(|here| here.local_addr().ok());
        let shared = Arc::new(Shared {
            backend,
            access: Access::new(),
            attempts: Attempts::default(),
            traffic: Traffic::default(),
            hosts: match &team {
                Some(team) => team.names(port),
                None => hosts(port, listeners.len() > 1),
            },
            schemes: team.as_ref().map_or(&["http://"], Team::schemes),
            is_personal: team.is_none(),
            is_encrypted: tls.is_some(),
            ui: UiFiles::new(ui_dir),
            url: match &team {
                Some(team) => team.url(port),
                None => format!("http://127.0.0.1:{port}"),
            },
            stopping: CancellationToken::new(),
            commands: TaskTracker::new(),
        });
        let file = data_dir.join(FILE_NAME);
        write_file(&file, &shared).map_err(|source| ServeError::File {
            path: file.clone(),
            source,
        })?;
        let door = Door {
            router: router(&shared),
            tls: tls.clone(),
            stopping: shared.stopping.clone(),
            connections: TaskTracker::new(),
            places: places(),
        };
        for listener in listeners {
            door.connections.spawn(accept(listener, door.clone()));
        }
        if let (Some(listener), Some(address)) = (figures, metrics) {
            let door = Door {
                router: figures_router(&shared, address),
                tls: None,
                ..door.clone()
            };
            door.connections.spawn(accept(listener, door.clone()));
        }
        let server = Self {
            shared,
            file,
            connections: door.connections,
            tls,
            team,
            metrics,
            local,
        };
        server.watch_certificate();
        Ok(server)
    }

    /// Where it listens; for a person, the address of IPv4.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Where `/metrics` is answered without a token, if it is.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Takes the certificate anew that the files hold now. The old one stays in use if that is no good.
    ///
    /// # Errors
    ///
    /// Why it is no good.
    pub fn reload_certificate(&self) -> Result<(), TlsError> {
        match (&self.tls, &self.team) {
            (Some(tls), Some(team)) => tls.reload(&team.hosts),
            _ => Ok(()),
        }
    }

    /// Takes a new certificate when its files change.
    fn watch_certificate(&self) {
        let (Some(tls), Some(team)) = (self.tls.clone(), &self.team) else {
            return;
        };
        let (hosts, stopping) = (team.hosts.clone(), self.shared.stopping.clone());
        self.connections.spawn(async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(LOOK_AT_CERTIFICATE) => {}
                }
                if !tls.has_changed() {
                    continue;
                }
                match tls.reload(&hosts) {
                    Ok(()) => tracing::info!("a new certificate is in use"),
                    // Tried again when they change again: certificate and key are two files.
                    Err(error) => {
                        tracing::error!(
                            code = error.code(),
                            "the new certificate is no good, and the old one stays: {error}"
                        );
                    }
                }
            }
        });
    }

    /// Its address, without a secret.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// A link that opens it in a browser: good once and for a minute.
    pub fn link(&self) -> String {
        format!(
            "{}/#code={}",
            self.shared.url,
            self.shared.access.mint_code()
        )
    }

    /// Lets running requests end, then stops.
    pub async fn stop(self) {
        self.shared.stopping.cancel();
        self.connections.close();
        self.shared.commands.close();
        let ended = async {
            self.connections.wait().await;
            self.shared.commands.wait().await;
        };
        if tokio::time::timeout(STOP_TIME, ended).await.is_err() {
            tracing::warn!("some requests did not end in time");
        }
        remove_file(&self.file, &self.shared.access.id());
    }
}

/// What has to be in order before a socket is bound.
fn prepare(
    team: Option<&Team>,
    metrics: Option<SocketAddr>,
) -> Result<Option<Arc<Tls>>, ServeError> {
    if let Some(address) = metrics.filter(|address| !address.ip().to_canonical().is_loopback()) {
        return Err(ServeError::Metrics { address });
    }
    let Some(team) = team else {
        return Ok(None);
    };
    team.check()?;
    let files = team.tls.clone();
    let tls = files
        .map(|files| Tls::open(files, &team.hosts))
        .transpose()?;
    Ok(tls.map(Arc::new))
}

/// Every name under which a browser may reach this server.
fn hosts(port: u16, has_v6: bool) -> Vec<String> {
    let mut names = vec!["127.0.0.1", "localhost"];
    if has_v6 {
        names.push("[::1]");
    }
    let mut hosts: Vec<_> = names.iter().map(|name| format!("{name}:{port}")).collect();
    if port == 80 {
        // Browsers leave this port out.
        hosts.extend(names.into_iter().map(str::to_owned));
    }
    hosts
}

/// Written whole under another name and then renamed: a reader never sees half a token, and a link that
/// somebody planted is replaced, not followed.
fn write_file(path: &Path, shared: &Shared) -> io::Result<()> {
    let content = ServerFile {
        url: &shared.url,
        token: shared.is_personal.then(|| shared.access.token()),
        pid: std::process::id(),
        id: &shared.access.id(),
    };
    let temporary = path.with_extension(format!("json.{}", std::process::id()));
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(
        serde_json::to_string(&content)
            .map_err(io::Error::other)?
            .as_bytes(),
    )?;
    drop(file);
    std::fs::rename(&temporary, path)
}

fn remove_file(path: &Path, id: &str) {
    // A later server may have written its own.
    let is_ours = std::fs::read_to_string(path).is_ok_and(|content| content.contains(id));
    if is_ours && let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "the address of the server stays behind");
    }
}
