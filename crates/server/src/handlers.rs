//! One handler per route. The guard has been passed before any of them is called.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router, middleware};
use baton_api::{ApiError, BackendEvent, Code};
use futures::Stream;
use futures::stream::unfold;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Access;
use crate::backend::Backend;
use crate::guard;
use crate::reply::{failed, refuse};
use crate::routes::Route;
use crate::ui_files::UiFiles;

/// Largest body of a command: a document of 10,000 steps is about 5 MB.
const MAX_BODY: usize = 32 << 20;
/// Largest body of an exchange.
const MAX_SMALL_BODY: usize = 4 << 10;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How often a silent stream shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What all handlers share.
pub(crate) struct Shared {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) access: Access,
    pub(crate) hosts: Vec<String>,
    pub(crate) ui: UiFiles,
    pub(crate) url: String,
    pub(crate) stopping: CancellationToken,
    pub(crate) commands: TaskTracker,
}

/// The router, made from the list.
pub(crate) fn router(shared: &Arc<Shared>) -> Router {
    Route::ALL
        .into_iter()
        .fold(Router::new(), |router, route| {
            let state = (Arc::clone(shared), route);
            let guarded = handler(route)
                .route_layer(middleware::from_fn_with_state(state, guard::this_route));
            router.route(route.rule().path, guarded)
        })
        .fallback(|| async { not_found() })
        .layer(middleware::from_fn_with_state(
            Arc::clone(shared),
            guard::every_request,
        ))
        .with_state(Arc::clone(shared))
}

fn handler(route: Route) -> MethodRouter<Arc<Shared>> {
    match route {
        Route::Page => get(page),
        Route::File => get(file),
        Route::Health => get(health),
        Route::Session => post(session),
        Route::Code => post(code),
        Route::Rpc => post(rpc),
        Route::Events => get(events),
    }
}

async fn page(State(shared): State<Arc<Shared>>) -> Response {
    shared.ui.page().await
}

async fn file(State(shared): State<Arc<Shared>>, Path(path): Path<String>) -> Response {
    shared.ui.file(&path).await.unwrap_or_else(not_found)
}

fn not_found() -> Response {
    refuse(
        StatusCode::NOT_FOUND,
        "there is nothing at this address",
        "open the start page",
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthQuery {
    challenge: Option<String>,
}

#[derive(Serialize)]
struct Health {
    name: &'static str,
    version: &'static str,
    /// blake3 of the challenge, keyed with the hash of the token: only the server that wrote `server.json`
    /// can say it. A program asks before it shows its token to whoever holds the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
}

async fn health(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HealthQuery>,
) -> Json<Health> {
    Json(Health {
        name: "baton",
        version: env!("CARGO_PKG_VERSION"),
        proof: query
            .challenge
            .map(|challenge| shared.access.prove(&challenge)),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionRequest {
    code: String,
}

#[derive(Serialize)]
struct SessionOpened {
    session: String,
}

async fn session(State(shared): State<Arc<Shared>>, body: Body) -> Response {
    let request: SessionRequest = match read_json(body, MAX_SMALL_BODY).await {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    match shared.access.exchange(&request.code) {
        Some(session) => Json(SessionOpened { session }).into_response(),
        None => refuse(
            StatusCode::UNAUTHORIZED,
            "this link was used before or is older than a minute",
            "press Enter where `baton serve` runs to get a fresh one",
        ),
    }
}

#[derive(Serialize)]
struct CodeMade {
    code: String,
    url: String,
}

async fn code(State(shared): State<Arc<Shared>>) -> Json<CodeMade> {
    let code = shared.access.mint_code();
    Json(CodeMade {
        url: format!("{}/#code={code}", shared.url),
        code,
    })
}

async fn rpc(State(shared): State<Arc<Shared>>, Path(name): Path<String>, body: Body) -> Response {
    let request: Value = match read_json(body, MAX_BODY).await {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    // A task of its own: a browser that goes away must not stop a command half-way.
    let answer = shared
        .commands
        .spawn(shared.backend.rpc(name.clone(), request))
        .await;
    match answer {
        Ok(Ok(value)) => Json(value).into_response(),
        Ok(Err(error)) => failed(error),
        Err(panic) => {
            tracing::error!(%name, %panic, "a command broke");
            failed(
                ApiError::new(Code::Internal, format!("the command `{name}` broke"))
                    .hint("this is a mistake in Baton; what was saved before is unharmed"),
            )
        }
    }
}

async fn events(State(shared): State<Arc<Shared>>) -> Response {
    Sse::new(stream_of_events(&shared))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

/// Starts with a comment, so that the reader knows at once that it is connected.
fn stream_of_events(shared: &Shared) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let receiver = shared.backend.subscribe();
    let stopping = shared.stopping.clone();
    unfold(
        (receiver, stopping, true),
        |(mut receiver, stopping, is_first)| async move {
            let event = if is_first {
                Event::default().comment("connected")
            } else {
                let received = tokio::select! {
                    () = stopping.cancelled() => return None,
                    received = receiver.recv() => received,
                };
                let event = match received {
                    Ok(event) => event,
                    Err(RecvError::Lagged(_)) => BackendEvent::Lagged,
                    Err(RecvError::Closed) => return None,
                };
                match serde_json::to_string(&event) {
                    Ok(data) => Event::default().data(data),
                    Err(error) => {
                        tracing::error!(%error, "an event cannot be written as JSON");
                        return None;
                    }
                }
            };
            Some((Ok(event), (receiver, stopping, false)))
        },
    )
}

async fn read_json<T: DeserializeOwned>(body: Body, limit: usize) -> Result<T, Response> {
    let bytes: Bytes = match tokio::time::timeout(BODY_TIME, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => {
            return Err(refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!("the body is larger than {limit} bytes, or broke off"),
                "pass large data by file",
            ));
        }
        Err(_) => {
            return Err(refuse(
                StatusCode::REQUEST_TIMEOUT,
                "the body took too long to arrive",
                "try again",
            ));
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        refuse(
            StatusCode::BAD_REQUEST,
            &format!("the body does not have the expected shape: {error}"),
            "compare it with the documentation of this route",
        )
    })
}
