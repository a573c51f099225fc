//! Getting in: TLS through a front of its own, certificates that do not do, a server that does not know a call.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_temporal::error::ClusterError;
use baton_temporal::home::Home;
use baton_temporal::target::{Access, Cluster, Place};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::bench::{Bench, note, status};
use crate::cluster::{InProcess, Server};

/// An authority of the test, and the file that names it.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self {
            issuer,
            certificate,
        }
    }

    /// A certificate for `name` that ends in `until`, and its key.
    fn sign(&self, name: &str, until: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        (signed.pem(), key.serialize_pem())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap();
        roots.add(certificate).unwrap();
        roots
    }
}

/// A front that speaks TLS and hands everything on to the server; gives its port.
async fn front(server: &Server, pair: &(String, String), asks: Option<&Authority>) -> u16 {
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match asks {
        Some(authority) => {
            let roots = Arc::new(authority.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let chain = vec![CertificateDer::from_pem_slice(pair.0.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.1.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let behind = server.port;
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whoever is not let in is told by TLS itself.
                let Ok(mut outside) = acceptor.accept(socket).await else {
                    return;
                };
                let mut inside = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut outside, &mut inside).await);
            });
        }
    });
    port
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

async fn connect(dir: &Path, port: u16, access: &Access) -> Result<Cluster, ClusterError> {
    let place: Place = format!("temporal://127.0.0.1:{port}/default/tls")
        .parse()
        .unwrap();
    let home = Arc::new(Home::new(dir.join("blobs"), dir));
    Cluster::connect(place, access, home).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_through_tls_and_a_certificate_that_does_not_do_is_said() {
    let server = Server::in_memory();
    let plain = Bench::new(&server, "tls").await;
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let good = authority.sign("127.0.0.1", 2100);
    let access = Access {
        has_tls: true,
        ca: Some(write(dir.path(), "ca.pem", &authority.certificate)),
        ..Access::default()
    };
    // Worker and client both go through the front.
    let port = front(&server, &good, None).await;
    let cluster = connect(dir.path(), port, &access).await.unwrap();
    let worker = InProcess::begin(&cluster).await;
    let bench = Bench {
        dir: tempfile::tempdir().unwrap(),
        cluster,
    };
    let body = serde_json::json!({ "steps": [note("work", "work", "pure")] });
    bench.start("through", &body, Default::default()).await;
    assert_eq!(status(&bench.end("through").await), "succeeded");
    worker.end().await;
    drop(plain);

    let refused = async |port: u16, access: &Access, words: &str, hint: &str| {
        let error = connect(dir.path(), port, access).await.unwrap_err();
        assert_eq!(error.code, "certificate-refused", "{error:?}");
        assert!(error.message.contains(words), "{error:?}");
        assert!(error.hint.contains(hint), "{error:?}");
    };
    let port = front(&server, &authority.sign("127.0.0.1", 2021), None).await;
    refused(port, &access, "has expired", "renews it").await;
    let port = front(&server, &authority.sign("elsewhere.example", 2100), None).await;
    refused(port, &access, "is for another name", "as the address").await;
    let port = front(&server, &Authority::new().sign("127.0.0.1", 2100), None).await;
    refused(port, &access, "is not accepted", "--tls-ca").await;

    // One that asks for a certificate of the client.
    let port = front(&server, &good, Some(&authority)).await;
    let error = connect(dir.path(), port, &access).await.unwrap_err();
    // It may hang up before it says why.
    let codes = ["certificate-refused", "cluster-unreachable"];
    assert!(codes.contains(&error.code.as_str()), "{error:?}");
    assert!(error.hint.contains("--tls-cert"), "{error:?}");
    let (certificate, key) = authority.sign("worker", 2100);
    let access = Access {
        identity: Some((
            write(dir.path(), "worker.pem", &certificate),
            write(dir.path(), "worker.key", &key),
        )),
        ..access
    };
    let cluster = connect(dir.path(), port, &access).await.unwrap();
    assert_eq!(cluster.list(None, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_know_a_call_is_said_to_be_too_old() {
    // It knows no lists.
    let server = Server::skipping();
    let dir = tempfile::tempdir().unwrap();
    let cluster = connect(dir.path(), server.port, &Access::default())
        .await
        .unwrap();
    let error = cluster.list(None, 10).await.unwrap_err();
    assert_eq!(error.code, "server-too-old", "{error:?}");
    assert!(error.hint.contains("1.28"), "{error:?}");
}
