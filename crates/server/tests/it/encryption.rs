//! Certificates: what is refused before anything listens, and how a new one takes the place of the old.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_server::{Config, ServeError, Server, Team, TlsFiles};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::Counting;

/// Writes a certificate for `localhost` that is valid in these years, with its key.
fn certificate(folder: &Path, name: &str, years: (i32, i32)) -> TlsFiles {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    let key = KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    let files = TlsFiles {
        cert: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    };
    std::fs::write(&files.cert, made.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

async fn start(folder: &Path, tls: Option<TlsFiles>, listen: &str) -> Result<Server, ServeError> {
    let config = Config {
        data_dir: folder.to_owned(),
        team: Some(Team {
            listen: listen.parse().unwrap(),
            tls,
            hosts: vec!["localhost".to_owned()],
        }),
        ..Config::default()
    };
    Server::start(Arc::new(Counting::new(4)), config).await
}

/// What a browser that trusts `trusted` alone gets.
async fn fetch(server: &Server, trusted: &Path) -> Result<String, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(trusted).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.local()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_new_certificate_is_taken_and_a_bad_one_is_not() {
    let folder = TempDir::new().unwrap();
    let files = certificate(folder.path(), "own", (2020, 2100));
    let first = folder.path().join("first.pem");
    std::fs::copy(&files.cert, &first).unwrap();
    let server = start(folder.path(), Some(files.clone()), "127.0.0.1:0")
        .await
        .unwrap();
    assert!(server.url().starts_with("https://localhost:"));
    let answer = fetch(&server, &first).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200")
            && answer.contains("strict-transport-security: max-age="),
        "{answer}"
    );

    std::fs::write(&files.cert, "no certificate").unwrap();
    assert_eq!(
        server.reload_certificate().unwrap_err().code(),
        "tls-no-certificate"
    );
    assert!(fetch(&server, &first).await.is_ok(), "the old one stays");

    certificate(folder.path(), "own", (2020, 2100));
    server.reload_certificate().unwrap();
    assert!(
        fetch(&server, &first).await.is_err(),
        "the new one is in use"
    );
    assert!(
        fetch(&server, &files.cert)
            .await
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );

    // Whoever speaks without encryption, or says nothing, gets nothing and blocks nobody.
    let mut plain = TcpStream::connect(server.local()).await.unwrap();
    let _silent = TcpStream::connect(server.local()).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said).await;
    assert!(!String::from_utf8_lossy(&said).contains("HTTP/1.1 200"));
    assert!(fetch(&server, &files.cert).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn what_would_not_be_safe_does_not_listen() {
    let folder = TempDir::new().unwrap();
    let good = certificate(folder.path(), "good", (2020, 2100));
    let other = certificate(folder.path(), "other", (2020, 2100));
    let over = certificate(folder.path(), "over", (2020, 2021));
    let early = certificate(folder.path(), "early", (2090, 2100));
    let missing = |cert: &str| TlsFiles {
        cert: folder.path().join(cert),
        key: good.key.clone(),
    };
    let with = |cert: &PathBuf, key: &PathBuf| TlsFiles {
        cert: cert.clone(),
        key: key.clone(),
    };
    std::fs::write(folder.path().join("text.pem"), "hello").unwrap();
    for (expected, tls, listen) in [
        ("tls-needed", None, "0.0.0.0:0"),
        ("tls-expired", Some(over), "127.0.0.1:0"),
        ("tls-not-yet", Some(early), "127.0.0.1:0"),
        (
            "tls-misfit",
            Some(with(&good.cert, &other.key)),
            "127.0.0.1:0",
        ),
        (
            "tls-unreadable",
            Some(missing("nothing.pem")),
            "127.0.0.1:0",
        ),
        (
            "tls-no-certificate",
            Some(missing("text.pem")),
            "127.0.0.1:0",
        ),
        (
            "tls-no-key",
            Some(with(&good.cert, &good.cert)),
            "127.0.0.1:0",
        ),
    ] {
        let error = start(folder.path(), tls, listen).await.err().unwrap();
        assert_eq!(error.code(), expected, "{error}");
        assert!(!error.hint().is_empty());
        assert!(!folder.path().join("server.json").exists());
    }
}
