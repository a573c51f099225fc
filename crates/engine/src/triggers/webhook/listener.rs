//! Sockets of the hooks: which are bound, how many connections live, how long a head may take.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::hooks::{Hooks, Taker};
use super::limits::{Limits, MAX_HEAD, MAX_HEADERS};
use super::refusal::Refusal;
use super::routes::{Desk, router};
use crate::clock::Clock;

/// How long a refusal without a request may take to be sent.
const GOODBYE: Duration = Duration::from_millis(500);

/// A running listener.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    stopping: CancellationToken,
    connections: TaskTracker,
    limits: Limits,
}

impl Listener {
    /// Listens on `ip` and `port` (0: a random one).
    ///
    /// # Errors
    ///
    /// If the port is taken, or may not be used by this account.
    pub(crate) async fn start(
        ip: IpAddr,
        port: u16,
        hooks: Arc<Hooks>,
        taker: Arc<dyn Taker>,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> io::Result<Self> {
        let socket = TcpListener::bind((ip, port)).await?;
        let address = socket.local_addr()?;
        let desk = Arc::new(Desk {
            hooks,
            taker,
            clock,
            limits,
            room: Semaphore::new(limits.requests),
        });
        let listener = Self {
            address,
            stopping: CancellationToken::new(),
            connections: TaskTracker::new(),
            limits,
        };
        let accepting = accept(
            socket,
            desk,
            listener.stopping.clone(),
            listener.connections.clone(),
        );
        listener.connections.spawn(accepting);
        Ok(listener)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets requests that are being taken end, then stops.
    pub(crate) async fn stop(self) {
        self.stopping.cancel();
        self.connections.close();
        if tokio::time::timeout(self.limits.stop, self.connections.wait())
            .await
            .is_err()
        {
            tracing::warn!("some requests to hooks did not end in time");
        }
    }
}

async fn accept(
    socket: TcpListener,
    desk: Arc<Desk>,
    stopping: CancellationToken,
    connections: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(desk.limits.connections));
    let router = router(desk.clone());
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match places.clone().try_acquire_owned() {
                Ok(place) => {
                    let (router, stopping, desk) = (router.clone(), stopping.clone(), desk.clone());
                    connections.spawn(async move {
                        talk(stream, peer, router, &desk, stopping).await;
                        drop(place);
                    });
                }
                Err(_) => {
                    let refusal =
                        Refusal::later("webhook-busy", "too many connections; come back later", 1);
                    desk.hooks
                        .stray(refusal.code, &refusal.message, desk.clock.now());
                    say(stream, &refusal).await;
                }
            },
            Err(error) => {
                // Out of file descriptors, or a peer that went away: neither ends the listener.
                tracing::warn!(%error, "a connection to a hook was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Sends a refusal to somebody whose request is not read.
async fn say(mut stream: TcpStream, refusal: &Refusal) {
    let goodbye = async {
        stream.write_all(&refusal.raw()).await?;
        stream.shutdown().await
    };
    if let Ok(Err(error)) = tokio::time::timeout(GOODBYE, goodbye).await {
        tracing::trace!(%error, "a refusal did not arrive");
    }
}

async fn talk(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    desk: &Desk,
    stopping: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%peer, %error, "small packets will be late");
    }
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(desk.limits.head)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopping.cancelled() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let Err(error) = ended else {
        return;
    };
    tracing::debug!(%peer, %error, "a connection to a hook broke");
    let now = desk.clock.now();
    if error.is_timeout() {
        let parts = connection.into_parts();
        // Somebody who sends nothing more on a connection that was used is not slow.
        if !parts.read_buf.is_empty() {
            let refusal = Refusal::slow("head", desk.limits.head.as_secs());
            desk.hooks.stray(refusal.code, &refusal.message, now);
            say(parts.io.into_inner(), &refusal).await;
        }
    } else if error.is_parse_too_large() {
        desk.hooks.stray(
            "webhook-head",
            "the head of a request was larger than 16 KiB",
            now,
        );
    } else if error.is_parse() {
        desk.hooks
            .stray("webhook-head", "what was sent was no request", now);
    }
}
