//! The checks before a request reaches its handler, in order.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::handlers::Shared;
use crate::reply::{protect, refuse};
use crate::routes::{Proof, Route};

const SESSION: HeaderName = HeaderName::from_static("x-baton-session");
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
    let response = if names_this_server(&shared, &request) {
        next.run(request).await
    } else {
        refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "the `Host` header does not name this server",
            "open exactly the address that Baton printed",
        )
    };
    protect(response)
}

/// Around one route: what its rule asks for.
pub(crate) async fn this_route(
    State((shared, route)): State<(Arc<Shared>, Route)>,
    request: Request,
    next: Next,
) -> Response {
    let rule = route.rule();
    let headers = request.headers();
    if rule.same_origin && !is_same_origin(headers) {
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
    let has_token = bearer(headers).is_some_and(|token| shared.access.is_token(token));
    let is_proven = match rule.proof {
        // The handler of `Session` looks at the code.
        Proof::Nothing | Proof::CodeInBody => true,
        Proof::Token => has_token,
        Proof::SessionOrToken => {
            has_token
                || text(headers, &SESSION).is_some_and(|session| shared.access.is_session(session))
        }
    };
    if !is_proven {
        return refuse(
            StatusCode::UNAUTHORIZED,
            "the session or token is missing or over",
            "open Baton again from a fresh link: press Enter where `baton serve` runs",
        );
    }
    next.run(request).await
}

fn names_this_server(shared: &Shared, request: &Request) -> bool {
    let is_known = |name: &str| shared.hosts.iter().any(|host| host == name);
    let named_in_target = request
        .uri()
        .authority()
        .is_none_or(|name| is_known(name.as_str()));
    named_in_target && text(request.headers(), &HOST).is_some_and(is_known)
}

/// Browsers say where a request comes from in one header or both; programs say nothing, and have to know a
/// secret that no page can read.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let host = text(headers, &HOST).unwrap_or_default();
    let origin_fits = !headers.contains_key(ORIGIN)
        || text(headers, &ORIGIN).and_then(|origin| origin.strip_prefix("http://")) == Some(host);
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
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}
