//! Requests to a service on this machine: what is sent, what comes back, what may be repeated.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Bench, task};

async fn echo(method: axum::http::Method, headers: HeaderMap, RawQuery(query): RawQuery, body: String) -> axum::Json<Value> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    axum::Json(json!({
        "method": method.as_str(), "query": query, "body": body, "type": header("content-type"),
        "authorization": header("authorization"), "key": header("idempotency-key"), "apiKey": header("x-api-key"),
        "custom": header("x-custom"), "agent": header("user-agent"),
    }))
}

/// The address of a new service.
async fn service() -> String {
    let attempts = Arc::new(AtomicUsize::new(0));
    let app = Router::new()
        .route("/echo", any(echo))
        .route("/text", get(|| async { "hällo" }))
        .route("/latin", get(|| async { ([(header::CONTENT_TYPE, "text/plain; charset=latin1")], b"h\xe4llo".to_vec()) }))
        .route("/empty", any(|| async { StatusCode::NO_CONTENT }))
        .route("/broken", get(|| async { ([(header::CONTENT_TYPE, "application/json")], "{") }))
        .route("/missing", get(|| async { (StatusCode::NOT_FOUND, "no such order") }))
        .route("/busy", get(|| async { (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "7")], "later") }))
        .route("/down", get(|| async { StatusCode::BAD_GATEWAY.into_response() }))
        .route("/large", get(|| async { "x".repeat(100_000) }))
        .route("/slow", get(|| async { std::future::pending::<&str>().await }))
        .route("/away", get(|| async { Redirect::temporary("/text") }))
        .route("/round", get(move || {
            attempts.fetch_add(1, Ordering::SeqCst);
            async { Redirect::temporary("/round") }
        }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn call(mut with: Value) -> Result<Value, StepError> {
    let path = with["url"].as_str().unwrap().to_owned();
    with["url"] = format!("{}{path}", service().await).into();
    Bench::new().execute(&task("http_request", with)).await.map(|output| output.output)
}

#[tokio::test]
async fn an_answer_is_status_headers_and_body() {
    let answer = call(json!({ "url": "/text" })).await.unwrap();
    assert_eq!((answer["status"].clone(), answer["body"].clone()), (json!(200), json!("hällo")));
    assert_eq!(answer["headers"]["content-type"], "text/plain; charset=utf-8");
    assert_eq!(call(json!({ "url": "/latin" })).await.unwrap()["body"], "hällo");
    assert_eq!(call(json!({ "url": "/empty" })).await.unwrap()["body"], "");
    assert_eq!(call(json!({ "url": "/away" })).await.unwrap()["body"], "hällo");
}

#[tokio::test]
async fn what_is_set_is_sent() {
    let answer = call(json!({
        "url": "/echo?a=1", "method": "POST", "query": { "b": "x y&z", "list": [1, 2], "none": null },
        "headers": { "X-Custom": 5 }, "body": { "id": 7 }, "idempotencyHeader": "Idempotency-Key",
    })).await.unwrap();
    let sent = &answer["body"];
    assert_eq!(sent["query"], "a=1&b=x+y%26z&list=1&list=2");
    assert_eq!((sent["method"].clone(), sent["body"].clone()), (json!("POST"), json!("{\"id\":7}")));
    assert_eq!((sent["type"].clone(), sent["custom"].clone()), (json!("application/json"), json!("5")));
    assert_eq!(sent["key"], "key-1");
    assert!(sent["agent"].as_str().unwrap().starts_with("Baton/"));
    let text = call(json!({ "url": "/echo", "method": "PUT", "body": "a,b", "contentType": "text/csv" })).await.unwrap();
    assert_eq!((text["body"]["body"].clone(), text["body"]["type"].clone()), (json!("a,b"), json!("text/csv")));
}

#[tokio::test]
async fn a_secret_is_sent_and_never_handed_on() {
    for (auth, more) in [("bearer", json!({})), ("basic", json!({})), ("header", json!({ "secretHeader": "X-Api-Key" }))] {
        let mut with = json!({ "url": "/echo", "auth": auth, "secret": "token" });
        with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = call(with).await.unwrap();
        let text = answer.to_string();
        assert!(text.contains("•••"), "{text}");
        assert!(!text.contains("s3cret-value") && !text.contains(&base64(b"s3cret-value")), "{text}");
    }
    assert_eq!(base64(b"Man"), "TWFu");
    assert_eq!(base64(b"Ma"), "TWE=");
    assert_eq!(base64(b"M"), "TQ==");
}

#[tokio::test]
async fn a_missing_secret_says_where_to_put_it() {
    let error = call(json!({ "url": "/echo", "auth": "bearer", "secret": "crm-key" })).await.unwrap_err();
    assert!(error.permanent && error.code == "secret-missing");
    assert!(error.hint.unwrap().contains("BATON_SECRET_CRM_KEY"));
    assert_eq!(call(json!({ "url": "/echo", "auth": "bearer" })).await.unwrap_err().code, "config");
}

#[tokio::test]
async fn faults_that_may_pass_are_told_from_those_that_will_not() {
    let error = call(json!({ "url": "/missing" })).await.unwrap_err();
    assert!(error.permanent && error.message.contains("404 not found"), "{error}");
    assert_eq!(error.details.unwrap()["body"], "no such order");
    let error = call(json!({ "url": "/down" })).await.unwrap_err();
    assert!(!error.permanent && error.code == "http-status");
    let error = call(json!({ "url": "/busy" })).await.unwrap_err();
    assert!(!error.permanent);
    assert_eq!(error.details.unwrap()["retryAfterMs"], 7_000);
    let bench = Bench::new();
    // Port 1 of this machine: nobody listens.
    let error = bench.fail("http_request", json!({ "url": "http://127.0.0.1:1/x?key=hush" })).await;
    assert!(!error.permanent && error.code == "network" && error.message.contains("refused"), "{error}");
    assert!(!error.message.contains("hush"));
}

#[tokio::test]
async fn the_expected_status_is_a_choice() {
    let ok = call(json!({ "url": "/missing", "expectStatus": ["2xx", 404] })).await.unwrap();
    assert_eq!((ok["status"].clone(), ok["body"].clone()), (json!(404), json!("no such order")));
    assert!(call(json!({ "url": "/text", "expectStatus": ["201"] })).await.is_err());
    assert_eq!(call(json!({ "url": "/text", "expectStatus": ["fine"] })).await.unwrap_err().code, "config");
    let moved = call(json!({ "url": "/away", "redirects": 0, "expectStatus": ["3xx"] })).await.unwrap();
    assert_eq!(moved["headers"]["location"], "/text");
}

#[tokio::test]
async fn limits_hold() {
    let error = call(json!({ "url": "/large", "maxBytes": 1000 })).await.unwrap_err();
    assert!(error.permanent && error.code == "too-large");
    let error = call(json!({ "url": "/round", "redirects": 3 })).await.unwrap_err();
    assert!(error.permanent && error.code == "redirects");
    assert_eq!(call(json!({ "url": "/broken" })).await.unwrap_err().code, "not-json");
}

#[tokio::test]
async fn a_cancelled_request_ends() {
    let bench = Bench::new();
    let cancel = bench.cx.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        cancel.cancel();
    });
    let error = bench.fail("http_request", json!({ "url": format!("{}/slow", service().await) })).await;
    assert_eq!(error.code, "cancelled");
}

#[tokio::test]
async fn wrong_settings_are_explained() {
    let bench = Bench::new();
    for with in [
        json!({ "url": "example.org" }),
        json!({ "url": "file:///etc/passwd" }),
        json!({ "url": "https://me:hush@example.org" }),
        json!({ "url": "http://127.0.0.1:1", "headers": { "a b": 1 } }),
        json!({ "url": "http://127.0.0.1:1", "headers": { "a": "x\ny" } }),
        json!({ "url": "http://127.0.0.1:1", "method": "BREW" }),
    ] {
        let error = bench.fail("http_request", with.clone()).await;
        assert!(error.permanent && error.code == "config", "{with}: {error:?}");
    }
}

#[test]
fn effects_follow_method_and_key() {
    let effect = |with: Value| Step::effect(with.as_object().unwrap());
    assert_eq!(effect(json!({})), Effect::Idempotent);
    assert_eq!(effect(json!({ "method": "DELETE" })), Effect::Idempotent);
    assert_eq!(effect(json!({ "method": "POST" })), Effect::Unsafe);
    assert_eq!(effect(json!({ "method": "POST", "idempotencyHeader": "Idempotency-Key" })), Effect::Keyed);
    assert_eq!(effect(json!({ "method": "{% input.method %}" })), Effect::Unsafe);
}

#[test]
fn the_host_is_read_off_the_address_as_written() {
    for (url, expected) in [
        ("https://api.example.org/a/b?c", "api.example.org"),
        ("http://localhost:8080", "localhost:8080"),
        ("https://me:hush@example.org/x", "example.org"),
        ("{% input.base %}/orders", "{% input.base %}"),
        ("https://{% a/b %}/orders", "{% a/b %}"),
        ("https://api.{% input.zone %}.org/x", "api.{% input.zone %}.org"),
    ] {
        assert_eq!(host(url), expected);
    }
}
