//! Answers: JSON for commands, the same shape for refusals, and the headers that every answer carries.

use axum::Json;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use baton_api::{ApiError, Code};

const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What every answer carries, refusals too.
const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Adds the headers that every answer carries; what does not say otherwise is not stored.
pub(crate) fn protect(mut response: Response, is_encrypted: bool) -> Response {
    if is_encrypted {
        response.headers_mut().insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A request that was turned away before it reached a command.
pub(crate) fn refuse(status: StatusCode, message: &str, hint: &str) -> Response {
    (
        status,
        Json(ApiError::new(Code::BadRequest, message).hint(hint)),
    )
        .into_response()
}

/// A command that failed.
pub(crate) fn failed(error: ApiError) -> Response {
    let status = match error.code {
        Code::BadRequest => StatusCode::BAD_REQUEST,
        Code::UnknownCommand | Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict | Code::AlreadyEnded => StatusCode::CONFLICT,
        Code::Invalid | Code::Unusable | Code::Io => StatusCode::UNPROCESSABLE_ENTITY,
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::Untrusted | Code::Forbidden => StatusCode::FORBIDDEN,
        Code::Store | Code::OwnerGone => StatusCode::SERVICE_UNAVAILABLE,
        Code::TargetUnreachable | Code::TargetRefused | Code::TargetDiffers => {
            StatusCode::BAD_GATEWAY
        }
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(error)).into_response()
}
