//! The stream of events.

use std::time::Duration;

use baton_api::BackendEvent;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::Fixture;

async fn open(fixture: &Fixture) -> TcpStream {
    let session = fixture.session().await;
    let mut stream = fixture
        .request("GET", "/api/events")
        .header("X-Baton-Session", &session)
        .header("Sec-Fetch-Site", "same-origin")
        .open()
        .await;
    let head = read_until(&mut stream, ": connected").await;
    assert!(
        head.contains("200 OK") && head.contains("text/event-stream"),
        "{head}"
    );
    stream
}

async fn read_until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut text = String::new();
    let mut chunk = [0; 4096];
    while !text.contains(wanted) {
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut chunk));
        let count = read
            .await
            .unwrap_or_else(|_| panic!("no `{wanted}` in {text}"))
            .unwrap();
        assert!(count > 0, "the stream ended before `{wanted}`: {text}");
        text.push_str(&String::from_utf8_lossy(&chunk[..count]));
    }
    text
}

#[tokio::test]
async fn events_arrive_as_they_happen() {
    let fixture = Fixture::start().await;
    let mut stream = open(&fixture).await;
    let event = BackendEvent::FileChanged {
        path: "a\nb".into(),
    };
    fixture.backend.events.send(event).unwrap();
    let text = read_until(&mut stream, "file-changed").await;
    assert!(
        text.contains(r#"data: {"type":"file-changed","path":"a\nb"}"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_slow_reader_is_told_to_read_again() {
    let fixture = Fixture::start_with(2).await;
    let mut stream = open(&fixture).await;
    // Sent without a pause, so that the stream cannot keep up on this one thread.
    for _ in 0..50 {
        fixture
            .backend
            .events
            .send(BackendEvent::InboxChanged)
            .unwrap();
    }
    let mut text = read_until(&mut stream, r#"data: {"type":"lagged"}"#).await;
    if !text.contains("inbox-changed") {
        text.push_str(&read_until(&mut stream, "inbox-changed").await);
    }
    assert!(
        text.find("lagged") < text.find("inbox-changed"),
        "first the lag, then the rest: {text}"
    );
}

#[tokio::test]
async fn a_stop_ends_the_streams() {
    let fixture = Fixture::start().await;
    let mut stream = open(&fixture).await;
    let begun = std::time::Instant::now();
    fixture.server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(
        rest.ends_with(b"0\r\n\r\n"),
        "{}",
        String::from_utf8_lossy(&rest)
    );
}
