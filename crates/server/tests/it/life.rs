//! Starting and stopping.

use std::path::Path;
use std::sync::Arc;

use baton_server::{Config, FILE_NAME, ServeError, Server};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Counting, Fixture};

pub(crate) async fn start_in(data: &Path, port: u16) -> Result<Server, ServeError> {
    let backend = Arc::new(Counting::new(1));
    Server::start(
        backend,
        Config {
            port,
            data_dir: data.to_owned(),
            ui_dir: None,
            ..Config::default()
        },
    )
    .await
}

#[tokio::test]
async fn only_loopback_is_bound() {
    let fixture = Fixture::start().await;
    // Every other address of 127.0.0.0/8 is this machine too, and would answer to a wildcard.
    assert!(
        TcpStream::connect(("127.0.0.2", fixture.port()))
            .await
            .is_err()
    );
    assert!(fixture.server.url().starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let data = tempfile::tempdir().unwrap();
    let squatter = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = squatter.local_addr().unwrap().port();
    let error = start_in(data.path(), port).await.err().unwrap();
    assert!(matches!(error, ServeError::Bind { .. }));
    assert!(
        error
            .to_string()
            .starts_with(&format!("port {port} cannot be used: ")),
        "{error}"
    );
    assert!(!data.path().join(FILE_NAME).exists());
}

#[tokio::test]
async fn a_port_that_is_taken_on_ipv6_alone_is_taken() {
    let Ok(squatter) = TcpListener::bind("[::1]:0").await else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let port = squatter.local_addr().unwrap().port();
    assert!(matches!(
        start_in(data.path(), port).await,
        Err(ServeError::Bind { .. })
    ));
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error() {
    let data = tempfile::tempdir().unwrap();
    let error = start_in(&data.path().join("missing"), 0)
        .await
        .err()
        .unwrap();
    assert!(matches!(error, ServeError::File { .. }), "{error}");
}

#[tokio::test]
async fn a_stop_frees_the_port_and_takes_the_token_away() {
    let fixture = Fixture::start().await;
    let (port, data) = (fixture.port(), fixture.data);
    fixture.server.stop().await;
    assert!(!data.path().join(FILE_NAME).exists());
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    start_in(data.path(), port).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_stop_leaves_the_token_of_a_later_server() {
    let data = tempfile::tempdir().unwrap();
    let first = start_in(data.path(), 0).await.unwrap();
    let second = start_in(data.path(), 0).await.unwrap();
    first.stop().await;
    assert!(data.path().join(FILE_NAME).exists());
    second.stop().await;
    assert!(!data.path().join(FILE_NAME).exists());
}
