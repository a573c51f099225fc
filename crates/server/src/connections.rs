//! Sockets: which are bound, how many connections live, how long a head may take.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::guard::Peer;
use crate::tls::Tls;

/// Connections at the same time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 256;
/// How long the head of a request may take.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Largest head of a request.
const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 64;
/// Random ports that are tried until one is free on both addresses.
const TRIES: usize = 16;

/// Binds `port` (0: a random one) on both loopback addresses; on IPv4 alone where there is no IPv6.
pub(crate) async fn bind(port: u16) -> io::Result<Vec<TcpListener>> {
    let mut last = None;
    for _ in 0..TRIES {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let chosen = v4.local_addr()?.port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, chosen)).await {
            Ok(v6) => return Ok(vec![v4, v6]),
            // Somebody else holds the port there, and `localhost` may lead to them.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if port != 0 {
                    return Err(error);
                }
                last = Some(error);
            }
            Err(error) => {
                tracing::debug!(%error, "no IPv6 here");
                return Ok(vec![v4]);
            }
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

/// What connections share.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) router: Router,
    /// `None`: without encryption.
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) stopping: CancellationToken,
    pub(crate) connections: TaskTracker,
    pub(crate) places: Arc<Semaphore>,
}

/// Answers on one socket until told to stop.
pub(crate) async fn accept(listener: TcpListener, door: Door) {
    loop {
        let Ok(place) = Arc::clone(&door.places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            () = door.stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let one = door.clone();
                door.connections.spawn(async move {
                    one.answer(stream, peer).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, or a peer that went away: neither ends the server.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Places for connections.
pub(crate) fn places() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MAX_CONNECTIONS))
}

impl Door {
    async fn answer(self, stream: TcpStream, peer: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%peer, %error, "small packets will be late");
        }
        let Some(tls) = &self.tls else {
            return self.speak(stream, peer).await;
        };
        let greeted = TlsAcceptor::from(tls.current()).accept(stream);
        let greeted = tokio::select! {
            () = self.stopping.cancelled() => return,
            greeted = tokio::time::timeout(HEAD_TIME, greeted) => greeted,
        };
        match greeted {
            Ok(Ok(stream)) => self.speak(stream, peer).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a connection was not encrypted"),
            Err(_) => tracing::debug!(%peer, "a connection took too long to greet"),
        }
    }

    async fn speak(self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: SocketAddr) {
        let router = self.router.layer(Extension(Peer(peer.ip())));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection broke");
        }
    }
}
