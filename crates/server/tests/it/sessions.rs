//! Codes, sessions, the token file.

use serde_json::json;

use crate::support::{Fixture, read_token};

#[tokio::test]
async fn a_code_opens_one_session_and_no_second() {
    let fixture = Fixture::start().await;
    let body = json!({ "code": fixture.code() });
    let exchange = fixture.request("POST", "/api/session").json(&body);
    let first = exchange.clone().send().await;
    assert_eq!(first.status, 200);
    assert_eq!(first.headers["cache-control"], "no-store");
    let second = exchange.send().await;
    assert_eq!(second.status, 401);
    assert!(second.json()["hint"].as_str().unwrap().contains("fresh"));

    let session = first.json()["session"].as_str().unwrap().to_owned();
    let request = fixture
        .request("POST", "/api/rpc/echo")
        .json(&json!({ "a": [1] }));
    let answer = request.header("X-Baton-Session", &session).send().await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "a": [1] })));
}

#[tokio::test]
async fn a_body_of_another_shape_opens_nothing() {
    let fixture = Fixture::start().await;
    for body in [
        json!({}),
        json!([]),
        json!({ "code": 1 }),
        json!({ "code": null }),
        json!({ "code": [fixture.code()] }),
        json!({ "code": fixture.code(), "session": "mine" }),
    ] {
        let answer = fixture
            .request("POST", "/api/session")
            .json(&body)
            .send()
            .await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["code"], "bad-request");
    }
    let wrong = json!({ "code": "" });
    assert_eq!(
        fixture
            .request("POST", "/api/session")
            .json(&wrong)
            .send()
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_program_makes_further_links_with_the_token() {
    let fixture = Fixture::start().await;
    let request = fixture
        .request("POST", "/api/code")
        .json(&json!({}))
        .bearer(&fixture.token());
    let made = request.send().await.json();
    let code = made["code"].as_str().unwrap();
    assert_eq!(
        made["url"],
        format!("{}/#code={code}", fixture.server.url())
    );
    let exchange = fixture
        .request("POST", "/api/session")
        .json(&json!({ "code": code }));
    assert_eq!(exchange.send().await.status, 200);

    let session = fixture.session().await;
    let by_session = fixture.request("POST", "/api/code").json(&json!({}));
    assert_eq!(
        by_session
            .header("X-Baton-Session", &session)
            .send()
            .await
            .status,
        401
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_token_is_for_this_account_only_and_new_every_time() {
    use std::os::unix::fs::PermissionsExt;

    let fixture = Fixture::start().await;
    let path = fixture.data.path().join(baton_server::FILE_NAME);
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(fixture.token().len(), 64);
    assert_ne!(fixture.token(), Fixture::start().await.token());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_planted_for_the_token_is_replaced_not_followed() {
    let data = tempfile::tempdir().unwrap();
    let loot = data.path().join("loot");
    std::fs::write(&loot, "before").unwrap();
    std::os::unix::fs::symlink(&loot, data.path().join(baton_server::FILE_NAME)).unwrap();
    let server = crate::life::start_in(data.path(), 0).await.unwrap();
    assert_eq!(std::fs::read_to_string(&loot).unwrap(), "before");
    assert_eq!(read_token(data.path()).len(), 64);
    server.stop().await;
}

#[tokio::test]
async fn only_the_server_of_the_file_can_answer_the_challenge() {
    let fixture = Fixture::start().await;
    let other = Fixture::start().await;
    let ask = |fixture: &Fixture| fixture.request("GET", "/api/health?challenge=abc").send();
    let proof = ask(&fixture).await.json()["proof"].clone();
    let key = blake3::hash(fixture.token().as_bytes());
    assert_eq!(
        proof,
        blake3::keyed_hash(key.as_bytes(), b"abc").to_string()
    );
    assert_ne!(proof, ask(&other).await.json()["proof"]);

    let plain = fixture.request("GET", "/api/health").send().await.json();
    assert_eq!(plain["name"], "baton");
    assert_eq!(plain.get("proof"), None);
    assert_eq!(
        fixture
            .request("GET", "/api/health?x=1")
            .send()
            .await
            .status,
        400
    );
}
