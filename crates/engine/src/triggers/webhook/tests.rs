//! The listener over real sockets, with a taker in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use baton_core::trigger::{TriggerKind, TriggerSpec, WebhookSettings};
use baton_store::{Recorded, StoreError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use super::hooks::{Delivery, HookName, Hooks, Taken, Taker};
use super::limits::Limits;
use super::listener::Listener;
use super::proof::sign;
use crate::clock::{Clock, ManualClock};

const SECRET: &str = "a-long-secret";
const NOW: i64 = 1_700_000_000_000;

/// Takes deliveries as the store does: by key, and by nonce.
#[derive(Debug)]
struct Memory {
    taken: watch::Sender<Vec<Delivery>>,
    seen: Mutex<BTreeSet<String>>,
    troubles: Mutex<Vec<String>>,
    waiting: Mutex<u32>,
    /// Writing goes on only with a permit.
    gate: Semaphore,
    is_down: Mutex<bool>,
}

#[async_trait]
impl Taker for Memory {
    fn secret(&self, name: &str) -> Option<String> {
        (name == "shop").then(|| SECRET.to_owned())
    }

    async fn waiting(&self, _: &HookName) -> Result<u32, StoreError> {
        Ok(*self.waiting.lock().unwrap())
    }

    async fn take(&self, _: &HookName, delivery: Delivery) -> Result<Taken, StoreError> {
        self.gate.acquire().await.unwrap().forget();
        self.gate.add_permits(1);
        if *self.is_down.lock().unwrap() {
            return Err(StoreError::Closed);
        }
        let mut seen = self.seen.lock().unwrap();
        let nonce = delivery.nonce.clone().map(|nonce| format!("nonce {nonce}"));
        let is_known = seen.contains(&delivery.key)
            || nonce.as_ref().is_some_and(|nonce| seen.contains(nonce));
        if is_known {
            return Ok(Taken {
                recorded: Recorded::Duplicate,
                run: None,
            });
        }
        seen.insert(delivery.key.clone());
        seen.extend(nonce);
        self.taken.send_modify(|taken| taken.push(delivery));
        Ok(Taken {
            recorded: Recorded::Accepted,
            run: Some("r".to_owned()),
        })
    }

    async fn trouble(&self, _: &HookName, trouble: Option<String>) {
        self.troubles.lock().unwrap().extend(trouble);
    }
}

struct Bench {
    taker: Arc<Memory>,
    hooks: Arc<Hooks>,
    clock: ManualClock,
    listener: Listener,
}

fn settings(with: &Value) -> WebhookSettings {
    let mut trigger = with.clone();
    trigger["id"] = json!("order");
    trigger["kind"] = json!("webhook");
    let (spec, troubles) = TriggerSpec::read(&serde_json::from_value(trigger).unwrap());
    match spec.map(|spec| spec.kind) {
        Some(TriggerKind::Webhook(settings)) => *settings,
        other => panic!("{other:?}: {troubles:?}"),
    }
}

async fn bench_with(with: Value, limits: Limits) -> Bench {
    let taker = Arc::new(Memory {
        taken: watch::Sender::new(Vec::new()),
        seen: Mutex::default(),
        troubles: Mutex::default(),
        waiting: Mutex::new(0),
        gate: Semaphore::new(1_000),
        is_down: Mutex::new(false),
    });
    let hooks = Arc::new(Hooks::default());
    let clock = ManualClock::new(NOW);
    let mut all = json!({ "path": "order", "secret": "shop" });
    for (name, value) in with.as_object().unwrap() {
        all[name] = value.clone();
    }
    let name = HookName {
        workflow: "w".to_owned(),
        trigger: "order".to_owned(),
        revision: 1,
    };
    hooks.put(name, settings(&all), NOW).unwrap();
    let listener = Listener::start(
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        0,
        hooks.clone(),
        taker.clone(),
        Arc::new(clock.clone()),
        limits,
    )
    .await
    .unwrap();
    Bench {
        taker,
        hooks,
        clock,
        listener,
    }
}

async fn bench(with: Value) -> Bench {
    bench_with(with, Limits::default()).await
}

/// Limits that are reached soon.
fn short() -> Limits {
    Limits {
        head: Duration::from_millis(300),
        body: Duration::from_millis(300),
        ..Limits::default()
    }
}

/// An answer: status, headers, body.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
}

impl Answer {
    fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.lines();
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Answer {
        status,
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}")),
    }
}

async fn raw(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes));
    // A connection that is reset after the answer has given it.
    if let Err(error) = read.await.expect("there is an answer") {
        assert!(!bytes.is_empty(), "{error}");
    }
    parse(&bytes)
}

fn request(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    [format!("{text}\r\n").as_bytes(), body].concat()
}

impl Bench {
    fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    fn signed(&self, body: &[u8], off_seconds: i64, more: &[(&str, &str)]) -> Vec<u8> {
        let time = (self.clock.now() / 1_000 + off_seconds).to_string();
        let signature = sign(SECRET, &time, body);
        let mut headers = vec![
            ("x-baton-timestamp", time.as_str()),
            ("x-baton-signature", signature.as_str()),
        ];
        headers.extend(more);
        request("/hooks/order", &headers, body)
    }

    async fn send(&self, request: &[u8]) -> Answer {
        raw(self.address(), request).await
    }

    fn taken(&self) -> Vec<Delivery> {
        self.taker.taken.borrow().clone()
    }

    fn refused(&self, code: &str) -> u64 {
        let counts = self.hooks.find("order").unwrap().counts();
        counts
            .refused
            .get(code)
            .map_or(0, |refusals| refusals.count)
    }
}

#[tokio::test]
async fn a_signed_request_is_taken() {
    let bench = bench(json!({ "headers": ["X-Event"] })).await;
    let json = ("content-type", "application/json");
    let answer = bench
        .send(&bench.signed(br#"{"a":1}"#, -3, &[json, ("x-event", "new")]))
        .await;
    assert_eq!(
        (answer.status, &answer.body["duplicate"]),
        (202, &json!(false))
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
    let taken = bench.taken();
    assert_eq!(taken.len(), 1);
    let payload = &taken[0].payload;
    assert_eq!(payload["body"], json!({ "a": 1 }));
    assert_eq!(payload["headers"], json!({ "x-event": "new" }));
    assert_eq!(payload["hook"], "order");
    assert!(!payload.to_string().contains("signature"));
    bench.listener.stop().await;
}

#[tokio::test]
async fn who_proves_nothing_is_refused_and_counted() {
    let bench = bench(json!({})).await;
    let body = b"{}";
    let time = (NOW / 1_000).to_string();
    let wrong = sign("another-secret", &time, body);
    let other_body = sign(SECRET, &time, b"[]");
    let cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
        (vec![], "webhook-timestamp"),
        (vec![("x-baton-timestamp", &time)], "webhook-signature"),
        (
            vec![("x-baton-timestamp", &time), ("x-baton-signature", "zz")],
            "webhook-signature",
        ),
        (
            vec![("x-baton-timestamp", &time), ("x-baton-signature", &wrong)],
            "webhook-signature",
        ),
        (
            vec![
                ("x-baton-timestamp", &time),
                ("x-baton-signature", &other_body),
            ],
            "webhook-signature",
        ),
        (
            vec![("x-baton-timestamp", "soon"), ("x-baton-signature", &wrong)],
            "webhook-timestamp",
        ),
    ];
    for (headers, code) in cases {
        let answer = bench.send(&request("/hooks/order", &headers, body)).await;
        assert_eq!((answer.status, answer.code()), (401, code), "{headers:?}");
        assert!(!answer.body["message"].as_str().unwrap().is_empty());
    }
    for off in [-301, 301, 86_400] {
        let answer = bench.send(&bench.signed(body, off, &[])).await;
        assert_eq!((answer.status, answer.code()), (401, "webhook-timestamp"));
    }
    assert_eq!(bench.taken(), []);
    assert_eq!(
        (
            bench.refused("webhook-signature"),
            bench.refused("webhook-timestamp")
        ),
        (4, 5)
    );
    assert!(
        bench
            .taker
            .troubles
            .lock()
            .unwrap()
            .iter()
            .any(|trouble| trouble.contains("refused 3 times"))
    );
    bench.listener.stop().await;
}

#[tokio::test]
async fn a_secret_in_a_header_is_compared() {
    let bench = bench(json!({ "auth": "header", "header": "X-Shop-Key" })).await;
    for (value, status) in [
        (SECRET, 202),
        ("wrong", 401),
        ("", 401),
        ("a-long-secret2", 401),
    ] {
        let answer = bench
            .send(&request("/hooks/order", &[("x-shop-key", value)], b"x"))
            .await;
        assert_eq!(answer.status, status, "{value}");
    }
    let two = [("x-shop-key", SECRET), ("x-shop-key", SECRET)];
    assert_eq!(
        bench
            .send(&request("/hooks/order", &two, b"x"))
            .await
            .status,
        401
    );
    // Without an id, the same request is another one.
    assert_eq!(
        bench
            .send(&request("/hooks/order", &[("x-shop-key", SECRET)], b"x"))
            .await
            .status,
        202
    );
    assert_eq!(bench.taken().len(), 2);
    bench.listener.stop().await;
}

#[tokio::test]
async fn a_replay_and_a_repeated_id_start_nothing_again() {
    let bench = bench(json!({})).await;
    let first = bench.signed(b"1", 0, &[]);
    assert_eq!(bench.send(&first).await.status, 202);
    let replayed = bench.send(&first).await;
    assert_eq!(
        (replayed.status, &replayed.body["duplicate"]),
        (200, &json!(true))
    );
    // The same bytes with an id that somebody put on top are the same request.
    let forged = String::from_utf8(first)
        .unwrap()
        .replace("host: x", "host: x\r\nidempotency-key: other");
    assert_eq!(bench.send(forged.as_bytes()).await.status, 200);
    // Sent again later, signed anew, with its id.
    let id = [("idempotency-key", "d-1")];
    assert_eq!(bench.send(&bench.signed(b"2", 0, &id)).await.status, 202);
    bench.clock.advance(60_000);
    let again = bench.send(&bench.signed(b"2", 0, &id)).await;
    assert_eq!(
        (again.status, &again.body["duplicate"]),
        (200, &json!(true))
    );
    assert_eq!(bench.taken().len(), 2);
    let counts = bench.hooks.find("order").unwrap().counts();
    assert_eq!((counts.accepted, counts.duplicates), (2, 3));
    let long = "x".repeat(129);
    assert_eq!(
        bench
            .send(&bench.signed(b"3", 0, &[("idempotency-key", &long)]))
            .await
            .code(),
        "webhook-id"
    );
    bench.listener.stop().await;
}

#[tokio::test]
async fn what_is_not_there_and_what_is_no_post_is_told() {
    let bench = bench(json!({})).await;
    for path in [
        "/",
        "/hooks",
        "/hooks/",
        "/hooks/other",
        "/hooks/order/",
        "/hooks/../hooks/order",
        "/rpc",
        "/hooks/ORDER",
    ] {
        let answer = bench.send(&request(path, &[], b"")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "webhook-unknown"),
            "{path}"
        );
    }
    assert_eq!(bench.hooks.strays().refused["webhook-unknown"].count, 8);
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let text =
            format!("{method} /hooks/order HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = bench.send(text.as_bytes()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (405, "webhook-method"),
            "{method}"
        );
        assert_eq!(answer.headers["allow"], "POST");
        assert!(
            !answer
                .headers
                .keys()
                .any(|name| name.starts_with("access-control"))
        );
    }
    bench.listener.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let bench = bench(json!({ "maxBytes": 1_000 })).await;
    let time = (NOW / 1_000).to_string();
    let head = format!(
        "POST /hooks/order HTTP/1.1\r\nhost: x\r\nx-baton-timestamp: {time}\r\nx-baton-signature: {}\r\n",
        "0".repeat(64)
    );
    // Five gigabytes are declared; not a byte of them is waited for.
    let declared = format!("{head}content-length: 5368709120\r\n\r\nabc");
    let answer = bench.send(declared.as_bytes()).await;
    assert_eq!((answer.status, answer.code()), (413, "webhook-too-large"));
    // Not declared: found while it comes.
    let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400));
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}");
    let answer = bench.send(chunked.as_bytes()).await;
    assert_eq!((answer.status, answer.code()), (413, "webhook-too-large"));
    assert_eq!(
        bench
            .send(&bench.signed(&[b'x'; 1_000], 0, &[]))
            .await
            .status,
        202
    );
    assert_eq!(
        bench
            .send(&bench.signed(&[b'x'; 1_001], 0, &[]))
            .await
            .status,
        413
    );
    bench.listener.stop().await;
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let bench = bench(json!({})).await;
    let text = format!(
        "POST /hooks/order HTTP/1.1\r\nx-large: {}\r\n\r\n",
        "x".repeat(20 << 10)
    );
    let mut stream = TcpStream::connect(bench.address()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // The connection may be reset after the answer: it has not read everything.
    drop(stream.read_to_end(&mut bytes).await);
    assert!(
        bytes.starts_with(b"HTTP/1.1 431"),
        "{}",
        String::from_utf8_lossy(&bytes)
    );
    bench.listener.stop().await;
}

#[tokio::test]
async fn slow_senders_are_told_and_hold_up_nobody() {
    let bench = bench_with(json!({}), short()).await;
    // A head that never ends, and a body that never comes.
    let mut heads = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(bench.address()).await.unwrap();
        stream
            .write_all(b"POST /hooks/order HTTP/1.1\r\nhost: x\r\nx-slow: ")
            .await
            .unwrap();
        heads.push(stream);
    }
    let head = bench.signed(b"0123456789", 0, &[]);
    let slow_body = bench.send(&head[..head.len() - 5]);
    assert_eq!(
        bench.send(&bench.signed(b"quick", 0, &[])).await.status,
        202
    );
    let answer = slow_body.await;
    assert_eq!((answer.status, answer.code()), (408, "webhook-slow"));
    for mut stream in heads {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let answer = parse(&bytes);
        assert_eq!((answer.status, answer.code()), (408, "webhook-slow"));
    }
    assert_eq!(bench.hooks.strays().refused["webhook-slow"].count, 50);
    assert_eq!(bench.refused("webhook-slow"), 1);
    bench.listener.stop().await;
}

#[tokio::test]
async fn too_many_connections_are_told_to_come_back() {
    let limits = Limits {
        connections: 4,
        ..short()
    };
    let bench = bench_with(json!({}), limits).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(bench.address()).await.unwrap();
        stream
            .write_all(b"POST /hooks/order HTTP/1.1\r\n")
            .await
            .unwrap();
        held.push(stream);
    }
    let answer = bench.send(b"").await;
    assert_eq!((answer.status, answer.code()), (503, "webhook-busy"));
    assert!(answer.headers["retry-after"].parse::<u64>().unwrap() >= 1);
    for mut stream in held {
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }
    assert_eq!(bench.send(&bench.signed(b"x", 0, &[])).await.status, 202);
    bench.listener.stop().await;
}

#[tokio::test]
async fn ten_times_too_much_is_refused_and_every_202_is_kept() {
    let limits = Limits {
        requests: 8,
        ..Limits::default()
    };
    let bench = bench_with(json!({ "perMinute": 60_000 }), limits).await;
    // Nothing is written until all requests are there.
    bench.taker.gate.forget_permits(1_000);
    let mut sent = tokio::task::JoinSet::new();
    for index in 0..80 {
        let request = bench.signed(format!("{index}").as_bytes(), 0, &[]);
        let address = bench.address();
        sent.spawn(async move { raw(address, &request).await });
    }
    let mut statuses = BTreeMap::new();
    while let Some(answer) = sent.join_next().await {
        let answer = answer.unwrap();
        *statuses.entry(answer.status).or_insert(0) += 1;
        if answer.status == 503 {
            assert_eq!(answer.code(), "webhook-busy");
            assert!(answer.headers.contains_key("retry-after"));
        }
        if statuses.get(&503) == Some(&72) {
            // All others hold a place.
            bench.taker.gate.add_permits(100);
        }
    }
    assert_eq!(statuses, BTreeMap::from([(202, 8), (503, 72)]));
    assert_eq!(bench.taken().len(), 8);
    bench.listener.stop().await;
}

#[tokio::test]
async fn rate_queue_and_store_have_limits() {
    let bench = bench(json!({ "perMinute": 2, "maxWaiting": 5 })).await;
    assert_eq!(bench.send(&bench.signed(b"1", 0, &[])).await.status, 202);
    assert_eq!(bench.send(&bench.signed(b"2", 0, &[])).await.status, 202);
    let answer = bench.send(&bench.signed(b"3", 0, &[])).await;
    assert_eq!(
        (
            answer.status,
            answer.code(),
            &*answer.headers["retry-after"]
        ),
        (503, "webhook-rate", "30")
    );
    bench.clock.advance(60_000);
    *bench.taker.waiting.lock().unwrap() = 5;
    let answer = bench.send(&bench.signed(b"3", 0, &[])).await;
    assert_eq!((answer.status, answer.code()), (503, "webhook-busy"));
    *bench.taker.waiting.lock().unwrap() = 0;
    *bench.taker.is_down.lock().unwrap() = true;
    let answer = bench.send(&bench.signed(b"3", 0, &[])).await;
    assert_eq!((answer.status, answer.code()), (503, "webhook-not-kept"));
    // It was refused, so it is no replay.
    *bench.taker.is_down.lock().unwrap() = false;
    bench.clock.advance(60_000);
    assert_eq!(bench.send(&bench.signed(b"3", -60, &[])).await.status, 202);
    bench.listener.stop().await;
}

#[tokio::test]
async fn a_hook_without_its_secret_takes_nothing() {
    let bench = bench(json!({ "secret": "unset" })).await;
    let answer = bench.send(&bench.signed(b"1", 0, &[])).await;
    assert_eq!((answer.status, answer.code()), (503, "webhook-no-secret"));
    bench.listener.stop().await;
}

#[tokio::test]
async fn whatever_the_shape_the_payload_has_the_same_places() {
    let bench = bench(json!({ "perMinute": 60_000 })).await;
    let types = [
        "application/json",
        "application/json; charset=utf-16",
        "application/vnd.api+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=B",
        "multipart/form-data",
        "text/plain",
        "text/xml",
        "application/octet-stream",
        "application/x-yaml",
        "image/svg+xml",
        "*/*",
        "nonsense",
    ];
    let form = "--B\r\nContent-Disposition: form-data; name=\"files\"; filename=\"/etc/passwd\"\r\n\r\nx\r\n--B--\r\n";
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{}".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"\"text\"".to_vec(),
        b"1e400".to_vec(),
        br#"{"files":[{"filepath":"/etc/passwd","path":"/etc/passwd"}],"kind":"multipart","body":{"files":[]}}"#.to_vec(),
        br#"{"__proto__":{"a":1},"constructor":{},"headers":{"x":"y"},"hook":"other","run":"r"}"#.to_vec(),
        br#"{"trigger":{"id":"x"},"payload":{},"input":{"a":"{% 1 + 1 %}"}}"#.to_vec(),
        b"files=%2Fetc%2Fpasswd&body[kind]=multipart&a=1&a=2".to_vec(),
        form.as_bytes().to_vec(),
        b"<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><x>&e;</x>".to_vec(),
        vec![0xff, 0xfe, 0x00, 0x80],
        b"{\"a\":1}{\"b\":2}".to_vec(),
        "[".repeat(5_000).into_bytes(),
    ];
    let places = [
        "contentType",
        "kind",
        "body",
        "headers",
        "query",
        "hook",
        "deliveryId",
        "receivedAt",
    ];
    let kinds = ["json", "form", "multipart", "text", "binary", "empty"];
    let mut sent = 0;
    for content_type in types {
        for body in &bodies {
            sent += 1;
            bench.clock.advance(1_000);
            let id = format!("d-{sent}");
            let request = bench.signed(
                body,
                0,
                &[("content-type", content_type), ("idempotency-key", &id)],
            );
            let before = bench.taken().len();
            let answer = bench.send(&request).await;
            if answer.status == 400 {
                assert_eq!(answer.code(), "webhook-body", "{content_type} {answer:?}");
                assert_eq!(bench.taken().len(), before);
                continue;
            }
            assert_eq!(answer.status, 202, "{content_type} {answer:?}");
            let payload = bench.taken().pop().unwrap().payload;
            let keys: Vec<&String> = payload.as_object().unwrap().keys().collect();
            assert_eq!(keys, places, "{content_type}");
            let kind = payload["kind"].as_str().unwrap();
            assert!(kinds.contains(&kind));
            assert_eq!(payload["hook"], "order");
            assert_eq!(payload["headers"], json!({}));
            // Files come from a form of several parts alone, and as data.
            let has_files = kind == "multipart";
            assert_eq!(
                has_files,
                content_type.starts_with("multipart/form-data") && kind != "empty"
            );
            if kind == "text" {
                assert_eq!(
                    payload["body"].as_str().unwrap().as_bytes(),
                    body.as_slice()
                );
            }
        }
    }
    assert_eq!(sent, 195);
    bench.listener.stop().await;
}

#[tokio::test]
async fn two_triggers_cannot_have_one_address() {
    let hooks = Hooks::default();
    let name = |trigger: &str, revision| HookName {
        workflow: "w".to_owned(),
        trigger: trigger.to_owned(),
        revision,
    };
    let at = |path: &str| settings(&json!({ "path": path, "secret": "shop" }));
    hooks.put(name("a", 1), at("x"), 0).unwrap();
    assert_eq!(hooks.put(name("b", 1), at("x"), 0), Err(name("a", 1)));
    hooks.put(name("a", 2), at("y"), 0).unwrap();
    assert!(hooks.find("x").is_none());
    hooks.put(name("b", 1), at("x"), 0).unwrap();
    assert_eq!(hooks.all().len(), 2);
    hooks.remove("w", "a");
    assert!(hooks.find("y").is_none() && hooks.find("x").is_some());
}
