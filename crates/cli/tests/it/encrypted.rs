//! Servers over TLS: pushed to with the certificate of their authority, and refused when it is no good.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use serde_json::{Value, json};

use crate::support::{Desk, Said, set};

/// Certificate and key for `localhost`, PEM, valid until this year.
fn certificate(until: i32) -> (String, String) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn push(desk: &Desk, token: &str, url: &str, more: &[&str]) -> Said {
    let steps = json!([set("a", json!({ "x": 1 }))]);
    let file = desk.workflow("sum", &steps, &json!([]));
    let mut arguments = vec!["push", &file, "--to", url, "--yes", "--json"];
    arguments.extend(more);
    Said::of(
        desk.command(&arguments)
            .env("BATON_TOKEN", token)
            .output()
            .unwrap(),
    )
}

#[test]
fn a_push_over_tls_trusts_the_authority_it_is_given() {
    let (desk, here) = (Desk::new(), Desk::new());
    let made = desk
        .baton(&["users", "add", "eve", "--role", "edit", "--json"])
        .expect(0)
        .json();
    let token = made["token"].as_str().unwrap();
    let (cert, key) = certificate(2100);
    desk.put("cert.pem", &cert);
    desk.put("key.pem", &key);
    here.put("ca.pem", &cert);
    let arguments = [
        "serve",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--host",
        "localhost",
        "--tls-cert",
        "cert.pem",
        "--tls-key",
        "key.pem",
    ];
    let mut server = desk.command(&arguments).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let ready: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let url = ready["ready"]["url"].as_str().unwrap();
    assert!(url.starts_with("https://localhost:"), "{url}");
    let unknown = push(&here, token, url, &[]).expect(2).error();
    assert_eq!(unknown["code"], "certificate", "{unknown}");
    assert!(unknown["hint"].to_string().contains("--ca"));
    here.put("token", format!("{token}\n"));
    let pushed = push(&here, "", url, &["--ca", "ca.pem", "--token-file", "token"])
        .expect(0)
        .json();
    assert_eq!(pushed["revision"], 1);
    let by_number = url.replace("localhost", "127.0.0.1");
    let other = push(&here, token, &by_number, &["--ca", "ca.pem"])
        .expect(2)
        .error();
    assert!(
        other["message"].to_string().contains("is for another name"),
        "{other}"
    );

    // SIGHUP takes the new certificate; the server goes on.
    let (cert, key) = certificate(2100);
    desk.put("cert.pem", &cert);
    desk.put("key.pem", &key);
    here.put("new.pem", &cert);
    let pid = server.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-HUP", &pid])
        .status();
    assert!(sent.unwrap().success());
    let begun = std::time::Instant::now();
    while push(&here, token, url, &["--ca", "new.pem"]).code != 0 {
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(15),
            "it kept the old one"
        );
    }

    // A certificate that is over is refused before anything listens.
    let (cert, key) = certificate(2021);
    desk.put("old.pem", cert);
    desk.put("old.key", key);
    let refused = desk
        .baton(&[
            "serve",
            "--json",
            "--listen",
            "127.0.0.1:0",
            "--tls-cert",
            "old.pem",
            "--tls-key",
            "old.key",
        ])
        .expect(2);
    assert_eq!(refused.error()["code"], "tls-expired");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_server_with_an_expired_certificate_gets_no_token() {
    let here = Desk::new();
    let (cert, key) = certificate(2021);
    here.put("ca.pem", &cert);
    let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let answering = std::thread::spawn(move || {
        let mut heard = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut said = String::new();
            let read = std::io::Read::read_to_string(
                &mut Stream::new(&mut connection, &mut stream),
                &mut said,
            );
            heard.push((read.is_ok(), said));
        }
        heard
    });
    let refused = push(&here, "baton_secret", &url, &["--ca", "ca.pem"])
        .expect(2)
        .error();
    assert_eq!(refused["code"], "certificate");
    assert!(
        refused["message"].to_string().contains("has expired"),
        "{refused}"
    );
    // As a target that is kept, it is said by the check.
    let add = ["targets", "add", "Old", "--server", &url, "--ca", "ca.pem"];
    let mut adding = here.command(&add);
    Said::of(adding.env("BATON_TOKEN", "baton_secret").output().unwrap()).expect(0);
    let checked = here
        .baton(&["targets", "check", "old", "--json"])
        .expect(1)
        .json();
    let finding = &checked["findings"][0];
    assert_eq!(
        (&checked["ok"], &finding["code"]),
        (&json!(false), &json!("certificate"))
    );
    assert!(
        finding["message"].to_string().contains("has expired"),
        "{finding}"
    );
    let nothing = (false, String::new());
    assert_eq!(
        answering.join().unwrap(),
        [nothing.clone(), nothing],
        "nothing was said"
    );
}
