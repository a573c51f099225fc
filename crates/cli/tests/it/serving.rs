//! `serve`: the link, the pages, the stop.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::support::Desk;

fn ask(host: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_browser_gets_in_with_the_link_and_ctrl_c_stops() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("pages")).unwrap();
    desk.put("pages/index.html", "<!doctype html>pages");
    let mut command = desk.command(&["serve", "--no-open"]);
    let mut child = command
        .env("BATON_UI_DIR", desk.path("pages"))
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let link = line.strip_prefix("Baton is ready: ").unwrap();
    let (url, code) = link.split_once("/#code=").unwrap();
    let host = url.strip_prefix("http://").unwrap();

    assert!(ask(host, "GET / HTTP/1.1", "").ends_with("<!doctype html>pages"));
    let json = "Content-Type: application/json";
    let denied = ask(
        host,
        &format!("POST /api/rpc/app_info HTTP/1.1\r\n{json}"),
        "{}",
    );
    assert!(denied.starts_with("HTTP/1.1 401"), "{denied}");
    let opened = ask(
        host,
        &format!("POST /api/session HTTP/1.1\r\n{json}"),
        &format!("{{\"code\":\"{code}\"}}"),
    );
    let session = opened.rsplit('"').nth(1).unwrap();
    let head = format!("POST /api/rpc/app_info HTTP/1.1\r\n{json}\r\nX-Baton-Session: {session}");
    let info = ask(host, &head, "{}");
    assert!(
        info.starts_with("HTTP/1.1 200") && info.contains("\"version\""),
        "{info}"
    );

    assert!(desk.data().join("server.json").exists());
    Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!desk.data().join("server.json").exists());
}

#[test]
fn a_taken_port_is_told() {
    let desk = Desk::new();
    let squatter = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = squatter.local_addr().unwrap().port().to_string();
    let said = desk
        .baton(&["serve", "--no-open", "--port", &port])
        .expect(2);
    assert!(
        said.err.contains(&format!("port {port} cannot be used")) && said.err.contains("--port"),
        "{}",
        said.err
    );
}
