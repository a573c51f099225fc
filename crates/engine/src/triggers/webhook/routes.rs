//! From a request to an answer. Everything that is checked is checked here, in this order.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use baton_core::Millis;
use baton_store::Recorded;
use futures::StreamExt;
use serde_json::json;
use tokio::sync::Semaphore;

use super::hooks::{Delivery, Hook, Hooks, Taker};
use super::limits::Limits;
use super::payload::payload;
use super::proof::{self, Claim, LEAST_SECRET};
use super::refusal::{Refusal, answer};
use crate::clock::Clock;

/// Where hooks are.
pub(crate) const PREFIX: &str = "/hooks/";
/// The longest id of a delivery.
const ID_LENGTH: usize = 128;
/// A refusal is told to the trigger the first times, and then every so often.
const TOLD_FIRST: u64 = 3;
const TOLD_EVERY: u64 = 100;

/// What a request may reach: hooks and who takes what they bring.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) taker: Arc<dyn Taker>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) room: Semaphore,
}

/// The routes of the listener: hooks, and nothing else.
pub(crate) fn router(desk: Arc<Desk>) -> Router {
    Router::new().fallback(any).with_state(desk)
}

async fn any(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let now = desk.clock.now();
    let path = request.uri().path().strip_prefix(PREFIX);
    let Some(hook) = path.and_then(|path| desk.hooks.find(path)) else {
        let refusal = Refusal::unknown();
        desk.hooks.stray(refusal.code, &refusal.message, now);
        return refusal.response();
    };
    match desk.take(&hook, request, now).await {
        Ok(response) => {
            if hook.tell(false) {
                desk.taker.trouble(&hook.name, None).await;
            }
            response
        }
        Err(refusal) => {
            let count = hook.refuse(refusal.code, &refusal.message, now);
            if count <= TOLD_FIRST || count.is_multiple_of(TOLD_EVERY) {
                let times = if count == 1 {
                    "once".to_owned()
                } else {
                    format!("{count} times")
                };
                let trouble = format!("{}: refused {times}: {}", refusal.code, refusal.message);
                hook.tell(true);
                desk.taker.trouble(&hook.name, Some(trouble)).await;
            }
            let mut response = refusal.response();
            if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
                response
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static("POST"));
            }
            response
        }
    }
}

impl Desk {
    async fn take(&self, hook: &Hook, request: Request, now: Millis) -> Result<Response, Refusal> {
        if request.method() != Method::POST {
            return Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "webhook-method",
                format!(
                    "a hook takes `POST`, not `{}`; send it so",
                    request.method()
                ),
            ));
        }
        let (head, body) = request.into_parts();
        let settings = &hook.settings;
        let limit = settings.max_bytes;
        if declared(&head.headers).is_some_and(|declared| declared > limit) {
            return Err(Refusal::too_large(limit));
        }
        let secret = self.secret(hook)?;
        let claim = proof::claim(&settings.proof, &secret, &head.headers, now)?;
        let id = delivery_id(&head.headers, &settings.id_header)?;
        let Ok(_room) = self.room.try_acquire() else {
            return Err(Refusal::later(
                "webhook-busy",
                "too many requests are being taken; come back later",
                1,
            ));
        };
        let body = self.read(body, limit).await?;
        let nonce = match claim {
            Claim::Proven => None,
            Claim::Signed {
                timestamp,
                signature,
            } => {
                if !proof::is_signed(&secret, &timestamp, &body, &signature) {
                    return Err(Refusal::unauthorized(
                        "webhook-signature",
                        "the signature is not that of time and body; sign `<time>.<body>` with the secret of this hook",
                    ));
                }
                Some(proof::hex(&signature))
            }
        };
        let query = head.uri.query().unwrap_or_default();
        let mut payload = payload(&head.headers, &settings.headers, query, &body).await?;
        let received = jiff::Timestamp::from_millisecond(now);
        payload.insert("hook".to_owned(), settings.path.clone().into());
        payload.insert("deliveryId".to_owned(), json!(id));
        payload.insert(
            "receivedAt".to_owned(),
            received.map(|at| at.to_string()).unwrap_or_default().into(),
        );
        if let Err(seconds) = hook.rate.pass(now) {
            return Err(Refusal::later(
                "webhook-rate",
                format!(
                    "this hook takes {} requests a minute; come back later",
                    settings.per_minute
                ),
                seconds,
            ));
        }
        let key = match (&id, &nonce) {
            (Some(id), _) => format!("webhook:id:{id}"),
            (None, Some(nonce)) => format!("webhook:signature:{nonce}"),
            (None, None) => format!("webhook:{}", uuid::Uuid::now_v7()),
        };
        let delivery = Delivery {
            key,
            nonce,
            payload: payload.into(),
            at: now,
        };
        self.hand_on(hook, delivery).await
    }

    async fn hand_on(&self, hook: &Hook, delivery: Delivery) -> Result<Response, Refusal> {
        let not_kept = |error: baton_store::StoreError| {
            tracing::warn!(%error, "a request was not kept");
            Refusal::later(
                "webhook-not-kept",
                "the request cannot be kept now; send it again later",
                5,
            )
        };
        let waiting = self.taker.waiting(&hook.name).await.map_err(not_kept)?;
        if waiting >= hook.settings.most_waiting {
            return Err(Refusal::later(
                "webhook-busy",
                format!("{waiting} requests wait for their run already; come back later"),
                5,
            ));
        }
        let taken = self
            .taker
            .take(&hook.name, delivery)
            .await
            .map_err(not_kept)?;
        match taken.recorded {
            Recorded::Accepted => {
                hook.accept(false);
                let body = json!({ "accepted": true, "duplicate": false, "run": taken.run });
                Ok(answer(StatusCode::ACCEPTED, &body))
            }
            Recorded::Duplicate => {
                hook.accept(true);
                let body = json!({ "accepted": true, "duplicate": true, "run": taken.run });
                Ok(answer(StatusCode::OK, &body))
            }
            Recorded::Paused => Err(Refusal::later(
                "webhook-paused",
                "the trigger of this hook is paused; come back later",
                60,
            )),
            Recorded::Revoked => Err(Refusal::unknown()),
        }
    }

    fn secret(&self, hook: &Hook) -> Result<String, Refusal> {
        self.taker
            .secret(&hook.settings.secret)
            .filter(|secret| secret.len() >= LEAST_SECRET)
            .ok_or_else(|| {
                Refusal::later(
                    "webhook-no-secret",
                    format!(
                        "the secret `{}` of this hook is not set here, or shorter than {LEAST_SECRET} bytes; set it and start \
                         Baton again",
                        hook.settings.secret
                    ),
                    60,
                )
            })
    }

    async fn read(&self, body: Body, limit: u64) -> Result<Vec<u8>, Refusal> {
        let whole = async {
            let mut bytes = Vec::new();
            let mut parts = body.into_data_stream();
            while let Some(part) = parts.next().await {
                let part = part.map_err(|error| {
                    Refusal::bad(
                        "webhook-body",
                        format!("the body broke off: {error}; send it again"),
                    )
                })?;
                if (bytes.len() + part.len()) as u64 > limit {
                    return Err(Refusal::too_large(limit));
                }
                bytes.extend_from_slice(&part);
            }
            Ok(bytes)
        };
        match tokio::time::timeout(self.limits.body, whole).await {
            Ok(read) => read,
            Err(_) => Err(Refusal::slow("body", self.limits.body.as_secs())),
        }
    }
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn delivery_id(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    let text = first.to_str().unwrap_or_default().trim();
    let is_fine = !text.is_empty() && text.len() <= ID_LENGTH && values.next().is_none();
    if is_fine {
        Ok(Some(text.to_owned()))
    } else {
        Err(Refusal::bad(
            "webhook-id",
            format!("the header `{name}` holds no id; send one of up to {ID_LENGTH} characters"),
        ))
    }
}
