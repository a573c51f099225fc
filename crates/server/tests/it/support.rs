//! A server over a backend that counts, and an HTTP client that sends exactly what it is told.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use baton_api::figures::FiguresView;
use baton_api::users::TokenShown;
use baton_api::{ApiError, BackendEvent, Caller, Code};
use baton_server::{Backend, Config, FILE_NAME, Server};
use futures::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::broadcast;

/// Answers `echo` with the request, fails on `fail`, breaks on `panic`, takes a while for `slow`.
pub(crate) struct Counting {
    pub(crate) calls: AtomicUsize,
    pub(crate) ended: Arc<AtomicUsize>,
    pub(crate) events: broadcast::Sender<BackendEvent>,
}

impl Counting {
    pub(crate) fn new(room: usize) -> Self {
        Self {
            calls: AtomicUsize::new(0),
            ended: Arc::default(),
            events: broadcast::channel(room).0,
        }
    }
}

impl Backend for Counting {
    fn rpc(
        &self,
        _caller: Caller,
        name: String,
        request: Value,
    ) -> BoxFuture<'static, Result<Value, ApiError>> {
        // What the server asks for itself is no call of anybody.
        match name.as_str() {
            "user_identify" => return async move { identify(&request) }.boxed(),
            "ready_get" => {
                return async { Ok(json!({ "isReady": true, "obstacles": [] })) }.boxed();
            }
            "figures_get" => {
                return async { Ok(serde_json::to_value(FiguresView::default()).unwrap()) }.boxed();
            }
            _ => {}
        }
        self.calls.fetch_add(1, Ordering::SeqCst);
        let ended = Arc::clone(&self.ended);
        async move {
            match name.as_str() {
                "echo" => Ok(request),
                "fail" => Err(ApiError::new(
                    serde_json::from_value(request["code"].clone()).unwrap(),
                    "it went wrong",
                )
                .hint("try another one")),
                "panic" => panic!("as the test wants"),
                "slow" => {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    ended.fetch_add(1, Ordering::SeqCst);
                    Ok(json!("done"))
                }
                _ => Err(ApiError::new(
                    Code::UnknownCommand,
                    format!("no command `{name}`"),
                )),
            }
        }
        .boxed()
    }

    fn subscribe(&self) -> broadcast::Receiver<BackendEvent> {
        self.events.subscribe()
    }
}

/// The token of the one user that [`Counting`] knows.
pub(crate) const TOKEN: &str =
    "baton_0a1b2c3d_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn identify(request: &Value) -> Result<Value, ApiError> {
    let known = TokenShown::of(TOKEN).unwrap();
    if *request == serde_json::to_value(known).unwrap() {
        return Ok(json!({ "name": "mia", "roles": ["view"] }));
    }
    Err(ApiError::new(Code::Unauthorized, "this token is nobody's"))
}

pub(crate) struct Fixture {
    pub(crate) backend: Arc<Counting>,
    pub(crate) server: Server,
    pub(crate) data: TempDir,
    pub(crate) ui: TempDir,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self::start_with(4).await
    }

    /// With room for so many unread events.
    pub(crate) async fn start_with(room: usize) -> Self {
        let (data, ui) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(ui.path().join("index.html"), "<!doctype html>start").unwrap();
        std::fs::create_dir(ui.path().join("assets")).unwrap();
        std::fs::write(ui.path().join("assets/app-1a2b.js"), "let x = 1;").unwrap();
        let backend = Arc::new(Counting::new(room));
        let config = Config {
            port: 0,
            data_dir: data.path().to_owned(),
            ui_dir: Some(ui.path().to_owned()),
            ..Config::default()
        };
        let server = Server::start(Arc::<Counting>::clone(&backend), config)
            .await
            .unwrap();
        Self {
            backend,
            server,
            data,
            ui,
        }
    }

    pub(crate) fn host(&self) -> String {
        self.server
            .url()
            .strip_prefix("http://")
            .unwrap()
            .to_owned()
    }

    pub(crate) fn port(&self) -> u16 {
        self.host().rsplit(':').next().unwrap().parse().unwrap()
    }

    pub(crate) fn token(&self) -> String {
        read_token(self.data.path())
    }

    pub(crate) fn code(&self) -> String {
        self.server
            .link()
            .split_once("#code=")
            .unwrap()
            .1
            .to_owned()
    }

    pub(crate) fn calls(&self) -> usize {
        self.backend.calls.load(Ordering::SeqCst)
    }

    /// A request that is right in everything but what the test changes.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        Request::new(&self.host(), method, path)
            .header("Host", &self.host())
            .header("Connection", "close")
    }

    pub(crate) async fn session(&self) -> String {
        let body = json!({ "code": self.code() });
        let answer = self
            .request("POST", "/api/session")
            .json(&body)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["session"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn read_token(data: &Path) -> String {
    let file: Value =
        serde_json::from_slice(&std::fs::read(data.join(FILE_NAME)).unwrap()).unwrap();
    file["token"].as_str().unwrap().to_owned()
}

#[derive(Clone)]
pub(crate) struct Request {
    address: String,
    from: Option<Ipv4Addr>,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(address: &str, method: &str, path: &str) -> Self {
        Self {
            address: address.to_owned(),
            from: None,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Sends it from this address of 127.0.0.0/8.
    pub(crate) fn from(mut self, address: Ipv4Addr) -> Self {
        self.from = Some(address);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn to(mut self, address: &str) -> Self {
        self.address = address.to_owned();
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", kind)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends the request and leaves the answer unread.
    pub(crate) async fn open(self) -> TcpStream {
        let mut stream = match self.from {
            Some(from) => {
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind((from, 0).into()).unwrap();
                socket.connect(self.address.parse().unwrap()).await.unwrap()
            }
            None => TcpStream::connect(&self.address).await.unwrap(),
        };
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has seen enough may close before it has everything.
        let _ = stream.write_all(&self.body).await;
        stream
    }

    pub(crate) async fn send(self) -> Answer {
        let is_head = self.method == "HEAD";
        let mut stream = self.open().await;
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            match tokio::time::timeout(Duration::from_secs(20), stream.read(&mut chunk)).await {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(count)) => bytes.extend_from_slice(&chunk[..count]),
                Err(_) => panic!("no end of the answer: {}", String::from_utf8_lossy(&bytes)),
            }
            // Streams have no end: their head is enough.
            if bytes.len() < 8_192 {
                let text = String::from_utf8_lossy(&bytes);
                if text.contains("text/event-stream") && text.contains("\r\n\r\n") {
                    break;
                }
            }
        }
        let answer = Answer::parse(&bytes);
        assert!(!is_head || answer.body.is_empty());
        answer
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("an answer has a head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
