//! Starting and stopping, and the file that tells programs where the server is.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Access;
use crate::backend::Backend;
use crate::connections::{accept, bind, places};
use crate::handlers::{Shared, router};
use crate::ui_files::UiFiles;

/// The file in the data folder that holds address and token while a server runs.
pub const FILE_NAME: &str = "server.json";
/// How long requests may go on after a stop.
const STOP_TIME: Duration = Duration::from_secs(5);

/// How to serve.
#[derive(Debug, Clone)]
pub struct Config {
    /// The port; 0 for a random one.
    pub port: u16,
    /// Where [`FILE_NAME`] is written.
    pub data_dir: PathBuf,
    /// Where the built UI is; see [`crate::find_ui`].
    pub ui_dir: Option<PathBuf>,
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
}

/// A running server.
pub struct Server {
    shared: Arc<Shared>,
    file: PathBuf,
    connections: TaskTracker,
}

#[derive(Serialize)]
struct ServerFile<'a> {
    url: &'a str,
    token: &'a str,
    pid: u32,
}

impl Server {
    /// Starts a server on loopback.
    ///
    /// # Errors
    ///
    /// * [`ServeError::Bind`] – the port is taken on 127.0.0.1 or on ::1.
    /// * [`ServeError::File`] – the data folder cannot be written.
    pub async fn start(backend: Arc<dyn Backend>, config: Config) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Bind {
            port: config.port,
            source,
        };
        let listeners = bind(config.port).await.map_err(failed)?;
        let port = listeners[0].local_addr().map_err(failed)?.port();
        let shared = Arc::new(Shared {
            backend,
            access: Access::new(),
            hosts: hosts(port, listeners.len() > 1),
            ui: UiFiles::new(config.ui_dir),
            url: format!("http://127.0.0.1:{port}"),
            stopping: CancellationToken::new(),
            commands: TaskTracker::new(),
        });
        let file = config.data_dir.join(FILE_NAME);
        write_file(&file, &shared).map_err(|source| ServeError::File {
            path: file.clone(),
            source,
        })?;
        let connections = TaskTracker::new();
        let places = places();
        for listener in listeners {
            connections.spawn(accept(
                listener,
                router(&shared),
                shared.stopping.clone(),
                connections.clone(),
                Arc::clone(&places),
            ));
        }
        Ok(Self {
            shared,
            file,
            connections,
        })
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
        remove_file(&self.file, self.shared.access.token());
    }
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
        token: shared.access.token(),
        pid: std::process::id(),
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

fn remove_file(path: &Path, token: &str) {
    // A later server may have written its own.
    let is_ours = std::fs::read_to_string(path).is_ok_and(|content| content.contains(token));
    if is_ours && let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "the address of the server stays behind");
    }
}
