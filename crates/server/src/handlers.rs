//! One handler per route. The guard has been passed before any of them is called.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Json, Router, middleware};
use baton_api::figures::{FiguresView, ReadyView};
use baton_api::users::TokenShown;
use baton_api::{ApiError, BackendEvent, Caller, Code, Role};
use futures::Stream;
use futures::stream::unfold;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::{Access, Holder};
use crate::attempts::Attempts;
use crate::backend::Backend;
use crate::guard;
use crate::metrics::Traffic;
use crate::reply::{failed, refuse};
use crate::routes::Route;
use crate::ui_files::UiFiles;

/// Largest body of a command: a document of 10,000 steps is about 5 MB.
const MAX_BODY: usize = 32 << 20;
/// Largest body of an exchange.
const MAX_SMALL_BODY: usize = 4 << 10;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How long a stream goes on without asking whether its reader may still read.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How long it may take to say whether work can be taken.
const READY_TIME: Duration = Duration::from_secs(5);
/// How often a silent stream shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What all handlers share.
pub(crate) struct Shared {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) access: Access,
    pub(crate) attempts: Attempts,
    pub(crate) traffic: Traffic,
    pub(crate) hosts: Vec<String>,
    /// What an origin may begin with: `http://`, `https://`.
    pub(crate) schemes: &'static [&'static str],
    /// Whoever has its token or a link of it is the owner. Otherwise there are only users.
    pub(crate) is_personal: bool,
    pub(crate) is_encrypted: bool,
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

/// What is answered where figures need no token: an address of this machine alone.
pub(crate) fn figures_router(shared: &Arc<Shared>, address: SocketAddr) -> Router {
    let port = address.port();
    let hosts = vec![address.to_string(), format!("localhost:{port}")];
    Router::new()
        .route(Route::Metrics.rule().path, get(metrics))
        .route(Route::Live.rule().path, get(live))
        .route(Route::Ready.rule().path, get(ready))
        .fallback(|| async { not_found() })
        .layer(middleware::from_fn_with_state(
            (Arc::clone(shared), Arc::new(hosts)),
            guard::figures_request,
        ))
        .with_state(Arc::clone(shared))
}

fn handler(route: Route) -> MethodRouter<Arc<Shared>> {
    match route {
        Route::Page => get(page),
        Route::File => get(file),
        Route::Health => get(health),
        Route::Live => get(live),
        Route::Ready => get(ready),
        Route::Metrics => get(metrics),
        Route::Session => post(session),
        Route::SignIn => post(sign_in),
        Route::SignOut => post(sign_out),
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
#[serde(rename_all = "camelCase")]
struct Health {
    name: &'static str,
    version: &'static str,
    /// blake3 of the challenge, keyed with the hash of the token: only the server that wrote `server.json`
    /// can say it. A program asks before it shows its token to whoever holds the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
    /// How a browser gets in: `link` or `token`.
    sign_in: &'static str,
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
        sign_in: if shared.is_personal { "link" } else { "token" },
    })
}

pub(crate) async fn live() -> Response {
    "alive\n".into_response()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Readiness {
    is_ready: bool,
    /// Codes: what they are about is told to users.
    obstacles: Vec<String>,
}

pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let obstacles = obstacles(&shared).await;
    let status = if obstacles.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let readiness = Readiness {
        is_ready: obstacles.is_empty(),
        obstacles,
    };
    (status, Json(readiness)).into_response()
}

async fn obstacles(shared: &Shared) -> Vec<String> {
    if shared.stopping.is_cancelled() {
        return vec!["stopping".to_owned()];
    }
    let asked = shared
        .backend
        .rpc(Caller::Owner, "ready_get".to_owned(), Value::Null);
    let answer = match tokio::time::timeout(READY_TIME, asked).await {
        Ok(Ok(answer)) => serde_json::from_value::<ReadyView>(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "it cannot be said whether work can be taken");
            return vec!["store".to_owned()];
        }
        Err(_) => return vec!["writer".to_owned()],
    };
    match answer {
        Ok(view) => view.obstacles.into_iter().map(|one| one.code).collect(),
        Err(error) => {
            tracing::error!(%error, "it cannot be said whether work can be taken");
            vec!["store".to_owned()]
        }
    }
}

pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let asked = shared
        .backend
        .rpc(Caller::Owner, "figures_get".to_owned(), Value::Null);
    let internal = |error: String| failed(ApiError::new(Code::Internal, error));
    let figures = match asked.await.map(serde_json::from_value::<FiguresView>) {
        Ok(Ok(figures)) => figures,
        Ok(Err(error)) => return internal(error.to_string()),
        Err(error) => return failed(error),
    };
    match crate::metrics::text(&figures, &shared.traffic) {
        Ok(text) => ([(CONTENT_TYPE, crate::metrics::CONTENT)], text).into_response(),
        Err(error) => internal(error.to_string()),
    }
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInRequest {
    token: String,
}

#[derive(Serialize)]
struct SignedIn {
    session: String,
    name: String,
    roles: Vec<Role>,
}

async fn sign_in(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let from = guard::from(&request);
    let SignInRequest { token } = match read_json(request.into_body(), MAX_SMALL_BODY).await {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let Some(shown) = TokenShown::of(token.trim()) else {
        let error = ApiError::new(Code::Unauthorized, "this is not a token of Baton")
            .hint("it begins with `baton_` and has 79 characters: copy all of it");
        return guard::wrong(&shared, from, failed(error)).await;
    };
    match guard::identify(&shared, &shown, from).await {
        Ok(Caller::User { name, roles }) => Json(SignedIn {
            session: shared.access.open(Holder::Token(shown)),
            name,
            roles: roles.into_iter().collect(),
        })
        .into_response(),
        Ok(Caller::Owner) => failed(ApiError::new(Code::Internal, "a token is of a user")),
        Err(refusal) => refusal,
    }
}

async fn sign_out(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Some(session) = guard::text(&headers, &guard::SESSION) {
        shared.access.close(session);
    }
    Json(Value::Object(serde_json::Map::new())).into_response()
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

async fn rpc(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    body: Body,
) -> Response {
    let request: Value = match read_json(body, MAX_BODY).await {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    // A task of its own: a browser that goes away must not stop a command half-way.
    let answer = shared
        .commands
        .spawn(shared.backend.rpc(caller, name.clone(), request))
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

async fn events(
    State(shared): State<Arc<Shared>>,
    Extension(holder): Extension<Holder>,
) -> Response {
    Sse::new(stream_of_events(&shared, holder))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

/// A stream of events, and who reads it.
struct Reader {
    events: Receiver<BackendEvent>,
    stopping: CancellationToken,
    backend: Arc<dyn Backend>,
    holder: Holder,
    /// When it was last asked whether the token is still good.
    asked: Instant,
    is_first: bool,
}

impl Reader {
    /// What is told next; `None`: nothing any more.
    async fn next(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.is_first) {
            // A comment, so that the reader knows at once that it is connected.
            return Some(Event::default().comment("connected"));
        }
        let received = tokio::select! {
            () = self.stopping.cancelled() => return None,
            received = self.events.recv() => received,
        };
        let event = match received {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => BackendEvent::Lagged,
            Err(RecvError::Closed) => return None,
        };
        if !self.may_read().await {
            return None;
        }
        match serde_json::to_string(&event) {
            Ok(data) => Some(Event::default().data(data)),
            Err(error) => {
                tracing::error!(%error, "an event cannot be written as JSON");
                None
            }
        }
    }

    /// A stream lives long: a token that was taken back since ends it.
    async fn may_read(&mut self) -> bool {
        let Holder::Token(shown) = &self.holder else {
            return true;
        };
        if self.asked.elapsed() < ASK_AGAIN {
            return true;
        }
        self.asked = Instant::now();
        match self.backend.identify(shown).await {
            Ok(user) => user.caller().may(Role::View),
            Err(_) => false,
        }
    }
}

fn stream_of_events(
    shared: &Shared,
    holder: Holder,
) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let reader = Reader {
        events: shared.backend.subscribe(),
        stopping: shared.stopping.clone(),
        backend: Arc::clone(&shared.backend),
        holder,
        asked: Instant::now(),
        is_first: true,
    };
    unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    })
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
