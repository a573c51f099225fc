//! The checks before a request reaches its handler, in order.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use baton_api::users::TokenShown;
use baton_api::{ApiError, Caller, Code};

use crate::access::Holder;
use crate::attempts::HOLD_BACK;
use crate::handlers::Shared;
use crate::reply::{failed, protect, refuse};
use crate::routes::{Proof, Route};

pub(crate) const SESSION: HeaderName = HeaderName::from_static("x-baton-session");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Around everything, unknown paths included: only requests that name this server get further.
///
/// A page of another origin can make its own name resolve to loopback (DNS rebinding) and is then "same
/// origin" to the browser. Its name stays in `Host`.
pub(crate) async fn every_request(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let response = if names(&shared.hosts, &request) {
        next.run(request).await
    } else {
        refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "the `Host` header does not name this server",
            "open exactly the address that Baton printed, or give this name with `--host`",
        )
    };
    let route = response.extensions().get::<Route>().copied();
    shared.traffic.count(route, response.status().as_u16());
    protect(response, shared.is_encrypted)
}

/// As [`every_request`], where figures need no token.
pub(crate) async fn figures_request(
    State((shared, hosts)): State<(Arc<Shared>, Arc<Vec<String>>)>,
    request: Request,
    next: Next,
) -> Response {
    let response = if names(&hosts, &request) {
        next.run(request).await
    } else {
        refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "the `Host` header does not name this server",
            "open exactly the address that Baton printed",
        )
    };
    protect(response, shared.is_encrypted)
}

/// Around one route: what its rule asks for.
pub(crate) async fn this_route(
    State((shared, route)): State<(Arc<Shared>, Route)>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = keep_to_rule(&shared, route, request, next).await;
    // For whoever counts.
    response.extensions_mut().insert(route);
    response
}

async fn keep_to_rule(
    shared: &Arc<Shared>,
    route: Route,
    mut request: Request,
    next: Next,
) -> Response {
    let rule = route.rule();
    let headers = request.headers();
    if rule.same_origin && !is_same_origin(shared, headers) {
        return refuse(
            StatusCode::FORBIDDEN,
            "this request comes from a page of another origin",
            "use Baton from its own page, or from a program with the token",
        );
    }
    if rule.method == Method::POST && !is_json(headers) {
        return refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body must be JSON",
            "send `Content-Type: application/json`",
        );
    }
    let sender = match rule.proof {
        // The handlers look at the code or the token.
        Proof::Nothing | Proof::CodeInBody | Proof::TokenInBody => None,
        // A page has sessions; this is for programs of the account.
        Proof::Token if bearer(headers).is_none() => return unknown(shared),
        Proof::Token | Proof::SessionOrToken => {
            match who_sent(shared, headers, from(&request)).await {
                Ok((Caller::User { .. }, _)) if rule.proof == Proof::Token => {
                    return failed(
                        ApiError::new(
                            Code::Forbidden,
                            "only the account that the server runs in may ask for this",
                        )
                        .hint("do it on the machine of the server"),
                    );
                }
                Ok(sender) => Some(sender),
                Err(refusal) => return refusal,
            }
        }
    };
    if let (Some((caller, _)), Some(role)) = (&sender, rule.role)
        && !caller.may(role)
    {
        let message = format!("this needs the role `{role}`");
        return failed(
            ApiError::new(Code::Forbidden, message).hint("ask an administrator of this server"),
        );
    }
    if let Some((caller, holder)) = sender {
        request.extensions_mut().insert(caller);
        request.extensions_mut().insert(holder);
    }
    next.run(request).await
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

pub(crate) fn from(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Peer>();
    peer.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.0)
}

/// Who sent the request, by token or session.
async fn who_sent(
    shared: &Shared,
    headers: &HeaderMap,
    from: IpAddr,
) -> Result<(Caller, Holder), Response> {
    let holder = if let Some(token) = bearer(headers) {
        if shared.is_personal && shared.access.is_token(token) {
            Some(Holder::Owner)
        } else {
            TokenShown::of(token).map(Holder::Token)
        }
    } else if let Some(session) = text(headers, &SESSION) {
        shared.access.holder(session)
    } else {
        return Err(unknown(shared));
    };
    match holder {
        Some(Holder::Owner) => Ok((Caller::Owner, Holder::Owner)),
        Some(Holder::Token(shown)) => {
            let caller = identify(shared, &shown, from).await?;
            Ok((caller, Holder::Token(shown)))
        }
        None => Err(wrong(shared, from, unknown(shared)).await),
    }
}

/// Whose token this is; wrong ones are counted.
pub(crate) async fn identify(
    shared: &Shared,
    shown: &TokenShown,
    from: IpAddr,
) -> Result<Caller, Response> {
    match shared.backend.identify(shown).await {
        Ok(user) => Ok(user.caller()),
        Err(error) if error.code == Code::Unauthorized => {
            Err(wrong(shared, from, failed(error)).await)
        }
        Err(error) => Err(failed(error)),
    }
}

/// The answer to a wrong token. Whoever tried many waits for it.
pub(crate) async fn wrong(shared: &Shared, from: IpAddr, refusal: Response) -> Response {
    // The secrets of a server for one person live as long as it runs, and nobody but this machine reaches it.
    if shared.is_personal || !shared.attempts.failed(from) {
        return refusal;
    }
    tracing::warn!(%from, "many wrong tokens come from this address");
    tokio::time::sleep(HOLD_BACK).await;
    let error = ApiError::new(
        Code::Unauthorized,
        "too many wrong tokens came from this address",
    )
    .hint("wait a minute, then use the token that an administrator gave");
    let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(error)).into_response();
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

fn unknown(shared: &Shared) -> Response {
    let hint = if shared.is_personal {
        "open Baton again from a fresh link: press Enter where `baton serve` runs"
    } else {
        "sign in with your token; whoever runs the server makes one with `baton users token NAME`"
    };
    failed(
        ApiError::new(
            Code::Unauthorized,
            "the session or token is missing or over",
        )
        .hint(hint),
    )
}

fn names(hosts: &[String], request: &Request) -> bool {
    let is_known = |name: &str| hosts.iter().any(|host| host == name);
    let named_in_target = request
        .uri()
        .authority()
        .is_none_or(|name| is_known(name.as_str()));
    named_in_target && text(request.headers(), &HOST).is_some_and(is_known)
}

/// Browsers say where a request comes from in one header or both; programs say nothing, and have to know a
/// secret that no page can read.
fn is_same_origin(shared: &Shared, headers: &HeaderMap) -> bool {
    let host = text(headers, &HOST).unwrap_or_default();
    let is_own = |origin: &str| {
        shared
            .schemes
            .iter()
            .any(|scheme| origin.strip_prefix(scheme) == Some(host))
    };
    let origin_fits = !headers.contains_key(ORIGIN) || text(headers, &ORIGIN).is_some_and(is_own);
    let site_fits =
        !headers.contains_key(FETCH_SITE) || text(headers, &FETCH_SITE) == Some("same-origin");
    origin_fits && site_fits
}

fn is_json(headers: &HeaderMap) -> bool {
    text(headers, &CONTENT_TYPE).is_some_and(|kind| {
        let essence = kind.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, &AUTHORIZATION)?.strip_prefix("Bearer ")
}

/// The value of a header that is there exactly once: of two values, two readers may believe different ones.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}
