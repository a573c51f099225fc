//! Commands over HTTP: what goes through, how failures look, what a hostile body does.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Answer, Fixture};

async fn call(fixture: &Fixture, name: &str, request: &Value) -> Answer {
    let path = format!("/api/rpc/{name}");
    fixture
        .request("POST", &path)
        .bearer(&fixture.token())
        .json(request)
        .send()
        .await
}

#[tokio::test]
async fn failures_keep_their_code_and_hint() {
    let fixture = Fixture::start().await;
    for (code, status) in [
        ("bad-request", 400),
        ("unknown-command", 404),
        ("not-found", 404),
        ("conflict", 409),
        ("already-ended", 409),
        ("invalid", 422),
        ("unusable", 422),
        ("io", 422),
        ("untrusted", 403),
        ("unauthorized", 401),
        ("forbidden", 403),
        ("store", 503),
        ("internal", 500),
    ] {
        let answer = call(&fixture, "fail", &json!({ "code": code })).await;
        assert_eq!(answer.status, status, "{code}");
        let expected =
            json!({ "code": code, "message": "it went wrong", "hint": "try another one" });
        assert_eq!(answer.json(), expected);
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    assert_eq!(call(&fixture, "no_such", &json!({})).await.status, 404);
}

#[tokio::test]
async fn a_command_that_breaks_breaks_alone() {
    let fixture = Fixture::start().await;
    let answer = call(&fixture, "panic", &json!({})).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (500, &json!("internal"))
    );
    assert!(!answer.text().contains("as the test wants"));
    assert_eq!(call(&fixture, "echo", &json!(1)).await.status, 200);
}

#[tokio::test]
async fn a_command_ends_although_nobody_waits_for_it() {
    let fixture = Fixture::start().await;
    let request = fixture
        .request("POST", "/api/rpc/slow")
        .bearer(&fixture.token());
    let stream = request.json(&json!({})).open().await;
    while fixture.calls() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    fixture.server.stop().await;
    assert_eq!(fixture.backend.ended.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn broken_and_oversized_bodies_are_refused() {
    let fixture = Fixture::start().await;
    let post = || {
        fixture
            .request("POST", "/api/rpc/echo")
            .bearer(&fixture.token())
    };
    for body in ["", "{", "nul", "{}{}", "\u{0}"] {
        let answer = post().body("application/json", body).send().await;
        assert_eq!(answer.status, 400, "{body:?}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(
        post().body("application/json", deep).send().await.status,
        400
    );
    assert_eq!(fixture.calls(), 0);

    let large = format!("\"{}\"", "x".repeat(31 << 20));
    assert_eq!(
        post().body("application/json", large).send().await.status,
        200
    );
    let larger = format!("\"{}\"", "x".repeat(32 << 20));
    assert_eq!(
        post().body("application/json", larger).send().await.status,
        413
    );
    assert_eq!(fixture.calls(), 1);
}

#[tokio::test]
async fn a_huge_head_is_refused() {
    let fixture = Fixture::start().await;
    let long = fixture
        .request("GET", "/")
        .header("X-Long", &"x".repeat(64 << 10))
        .send()
        .await;
    assert_eq!(long.status, 431);
    let mut many = fixture.request("GET", "/");
    for index in 0..200 {
        many = many.header(&format!("X-{index}"), "1");
    }
    assert_eq!(many.send().await.status, 431);
}

#[tokio::test]
async fn an_unfinished_head_does_not_block_others() {
    let fixture = Fixture::start().await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = tokio::net::TcpStream::connect(fixture.host())
            .await
            .unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
        slow.push(stream);
    }
    assert_eq!(call(&fixture, "echo", &json!(1)).await.status, 200);
    let mut rest = Vec::new();
    let closed =
        tokio::time::timeout(Duration::from_secs(15), slow[0].read_to_end(&mut rest)).await;
    assert!(
        closed.is_ok(),
        "the server gives up on a head that never ends"
    );
}
