//! The pages: served from a list, so that no address leads out of the folder.

use crate::support::Fixture;

#[tokio::test]
async fn the_page_and_its_files_are_served() {
    let fixture = Fixture::start().await;
    let page = fixture.request("GET", "/").send().await;
    assert_eq!(
        (page.status, page.text().as_str()),
        (200, "<!doctype html>start")
    );
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["cache-control"], "no-cache");
    let script = fixture.request("GET", "/assets/app-1a2b.js").send().await;
    assert_eq!(
        script.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
    assert!(script.headers["cache-control"].contains("immutable"));
    assert_eq!(fixture.request("HEAD", "/").send().await.status, 200);
}

#[tokio::test]
async fn no_address_leads_out_of_the_folder() {
    let fixture = Fixture::start().await;
    let folder = fixture.ui.path().file_name().unwrap().to_str().unwrap();
    std::fs::write(
        fixture.ui.path().join("../baton-secret-of-the-test"),
        "secret",
    )
    .unwrap();
    for path in [
        "/../baton-secret-of-the-test",
        "/assets/../../baton-secret-of-the-test",
        "/..%2fbaton-secret-of-the-test",
        "/%2e%2e/baton-secret-of-the-test",
        "/%2e%2e%2fbaton-secret-of-the-test",
        "/..%5cbaton-secret-of-the-test",
        "/....//baton-secret-of-the-test",
        "//etc/passwd",
        "/etc/passwd",
        "/%00",
        "/assets/",
        "/assets",
        "/index.html/",
        "/INDEX.HTML",
        &format!("/../{folder}/index.html"),
        "/api/configs",
        "/api",
        "/api/",
        "/api/health/",
        "/api/../index.html",
        "/.env",
    ] {
        let answer = fixture.request("GET", path).send().await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.text().contains("secret"), "{path}");
    }
}

#[tokio::test]
async fn a_new_build_is_found_and_a_missing_one_explained() {
    let fixture = Fixture::start().await;
    assert_eq!(
        fixture
            .request("GET", "/assets/new.css")
            .send()
            .await
            .status,
        404
    );
    std::fs::write(fixture.ui.path().join("assets/new.css"), "a{}").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(
        fixture
            .request("GET", "/assets/new.css")
            .send()
            .await
            .status,
        200
    );

    std::fs::remove_file(fixture.ui.path().join("index.html")).unwrap();
    let page = fixture.request("GET", "/").send().await;
    assert_eq!(page.status, 503);
    assert!(page.text().contains("npm run build"));
}
