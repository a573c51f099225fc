//! Host × Origin × method × proof over every route of the list: only what the rule says gets through.

use baton_server::{Proof, Route, Rule};
use serde_json::json;

use crate::support::{Answer, Fixture, Request, TOKEN};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    Nobody,
    WrongSession,
    WrongToken,
    SessionAsToken,
    Session,
    UserToken,
    Token,
}

const SENDERS: [Sender; 7] = [
    Sender::Nobody,
    Sender::WrongSession,
    Sender::WrongToken,
    Sender::SessionAsToken,
    Sender::Session,
    Sender::UserToken,
    Sender::Token,
];

/// What a browser or program says about where it comes from, and whether that is this server.
fn origins(host: &str) -> Vec<(Vec<(&'static str, String)>, bool)> {
    let own = format!("http://{host}");
    let port = host.rsplit(':').next().unwrap();
    vec![
        (vec![], true),
        (vec![("Origin", own.clone())], true),
        (
            vec![
                ("Origin", own.clone()),
                ("Sec-Fetch-Site", "same-origin".into()),
            ],
            true,
        ),
        (vec![("Sec-Fetch-Site", "same-origin".into())], true),
        (vec![("Sec-Fetch-Site", "same-site".into())], false),
        (vec![("Sec-Fetch-Site", "cross-site".into())], false),
        (vec![("Sec-Fetch-Site", "none".into())], false),
        (vec![("Origin", "null".into())], false),
        (vec![("Origin", String::new())], false),
        (vec![("Origin", format!("https://{host}"))], false),
        (vec![("Origin", format!("{own}.evil.example"))], false),
        (vec![("Origin", "http://evil.example".into())], false),
        // Another name of the same server is another origin.
        (vec![("Origin", format!("http://localhost:{port}"))], false),
        // Another port of the same machine.
        (vec![("Origin", "http://127.0.0.1:1".into())], false),
        (
            vec![
                ("Origin", own.clone()),
                ("Origin", "http://evil.example".into()),
            ],
            false,
        ),
        (
            vec![("Origin", own), ("Sec-Fetch-Site", "cross-site".into())],
            false,
        ),
    ]
}

fn hosts(host: &str) -> Vec<(Vec<String>, bool)> {
    let port = host.rsplit(':').next().unwrap();
    vec![
        (vec![host.to_owned()], true),
        (vec![format!("localhost:{port}")], true),
        (vec![], false),
        (vec![String::new()], false),
        (vec!["127.0.0.1".into()], false),
        (vec!["localhost".into()], false),
        (vec![format!("0.0.0.0:{port}")], false),
        (vec![format!("127.0.0.2:{port}")], false),
        (vec![format!("evil.example:{port}")], false),
        (vec![format!("localhost.evil.example:{port}")], false),
        (vec![format!("127.0.0.1.nip.io:{port}")], false),
        (vec![format!("localhost.:{port}")], false),
        (vec![format!("LOCALHOST:{port}")], false),
        (vec![format!("user@127.0.0.1:{port}")], false),
        (vec!["127.0.0.1:1".into()], false),
        (vec![format!("[::ffff:127.0.0.1]:{port}")], false),
        (vec![host.to_owned(), "evil.example".into()], false),
    ]
}

fn address(rule: &Rule) -> String {
    rule.path
        .replace("{*path}", "assets/app-1a2b.js")
        .replace("{name}", "echo")
}

impl Sender {
    fn proves(self, proof: Proof) -> bool {
        match proof {
            Proof::Nothing | Proof::CodeInBody | Proof::TokenInBody => true,
            // A user is known, and may not.
            Proof::Token => matches!(self, Self::Token | Self::UserToken),
            Proof::SessionOrToken => {
                matches!(self, Self::Session | Self::Token | Self::UserToken)
            }
        }
    }

    fn sign(self, request: Request, fixture: &Fixture, session: &str) -> Request {
        let wrong = "0".repeat(64);
        match self {
            Self::Nobody => request,
            Self::WrongSession => request.header("X-Baton-Session", &wrong),
            Self::WrongToken => request.bearer(&wrong),
            Self::SessionAsToken => request.bearer(session),
            Self::Session => request.header("X-Baton-Session", session),
            Self::UserToken => request.bearer(TOKEN),
            Self::Token => request.bearer(&fixture.token()),
        }
    }
}

/// A request that fulfils everything but the proof.
fn fitting(fixture: &Fixture, rule: &Rule) -> Request {
    let request = fixture.request(rule.method.as_str(), &address(rule));
    match (rule.method.as_str(), rule.proof) {
        (_, Proof::TokenInBody) => request.json(&json!({ "token": TOKEN })),
        (_, Proof::CodeInBody) => request.json(&json!({ "code": fixture.code() })),
        ("POST", _) => request.json(&json!({ "x": 1 })),
        _ => request,
    }
}

fn assert_protected(answer: &Answer) {
    let header = |name: &str| {
        answer
            .headers
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    };
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin");
    let policy = header("content-security-policy");
    assert!(
        policy.contains("default-src 'self'; script-src 'self';"),
        "{policy}"
    );
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-eval"));
    let cors = answer
        .headers
        .keys()
        .find(|name| name.starts_with("access-control-"));
    assert_eq!(cors, None);
    assert!(!answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn only_what_the_rule_says_gets_through() {
    let fixture = Fixture::start().await;
    let session = fixture.session().await;
    let mut cases = 0;
    for route in Route::ALL {
        let rule = route.rule();
        for (host_headers, host_fits) in hosts(&fixture.host()) {
            // A browser names in `Origin` the host that it sends to.
            for (origin_headers, origin_fits) in
                origins(host_headers.first().unwrap_or(&fixture.host()))
            {
                for sender in SENDERS {
                    // With a wrong host nothing else is looked at: two senders show it.
                    if !host_fits && !matches!(sender, Sender::Nobody | Sender::Token) {
                        continue;
                    }
                    // `localhost` is its own origin there, so that case turns into a fitting one.
                    let origin_fits = origin_fits
                        || origin_headers.len() == 1
                            && origin_headers[0].1
                                == format!(
                                    "http://{}",
                                    host_headers.first().unwrap_or(&String::new())
                                );
                    let mut request = fitting(&fixture, &rule).without("Host");
                    for host in &host_headers {
                        request = request.header("Host", host);
                    }
                    for (name, value) in &origin_headers {
                        request = request.header(name, value);
                    }
                    let before = fixture.calls();
                    let session = match route {
                        // It ends with the request.
                        Route::SignOut if sender == Sender::Session => &fixture.session().await,
                        _ => &session,
                    };
                    let answer = sender.sign(request, &fixture, session).send().await;
                    let expected = if !host_fits {
                        421
                    } else if rule.same_origin && !origin_fits {
                        403
                    } else if !sender.proves(rule.proof) {
                        401
                    } else if rule.proof == Proof::Token && sender == Sender::UserToken {
                        403
                    } else {
                        200
                    };
                    let case = format!("{route:?} {host_headers:?} {origin_headers:?} {sender:?}");
                    assert_eq!(answer.status, expected, "{case}: {}", answer.text());
                    assert_protected(&answer);
                    let reached = usize::from(expected == 200 && route == Route::Rpc);
                    assert_eq!(fixture.calls() - before, reached, "{case}");
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 3_000, "{cases} cases");
}

#[tokio::test]
async fn no_other_method_is_answered_anywhere() {
    let fixture = Fixture::start().await;
    let token = fixture.token();
    for route in Route::ALL {
        let rule = route.rule();
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND",
        ] {
            if method == rule.method.as_str() {
                continue;
            }
            let preflight = fixture
                .request(method, &address(&rule))
                .header("Origin", "http://evil.example")
                .header("Access-Control-Request-Method", "POST")
                .bearer(&token);
            let answer = preflight.send().await;
            // A GET of a path that only takes POST may as well be a file that is not there.
            assert!(
                matches!(answer.status, 404 | 405),
                "{method} {route:?}: {}",
                answer.status
            );
            assert_protected(&answer);
        }
    }
    assert_eq!(fixture.calls(), 0);
}

#[tokio::test]
async fn a_body_that_a_form_could_send_is_not_taken() {
    let fixture = Fixture::start().await;
    let token = fixture.token();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/jsonp",
        "",
    ] {
        for path in ["/api/rpc/echo", "/api/session", "/api/code"] {
            let request = fixture
                .request("POST", path)
                .bearer(&token)
                .body(kind, "{}");
            assert_eq!(request.send().await.status, 415, "{kind} {path}");
        }
    }
    let request = fixture.request("POST", "/api/rpc/echo").bearer(&token);
    let answer = request
        .body("Application/JSON; charset=utf-8", "{}")
        .send()
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(fixture.calls(), 1);
}

#[tokio::test]
async fn a_target_that_names_another_host_is_refused() {
    let fixture = Fixture::start().await;
    let evil = fixture
        .request("GET", "http://evil.example/api/health")
        .send()
        .await;
    assert_eq!(evil.status, 421);
    let own = format!("http://{}/api/health", fixture.host());
    assert_eq!(fixture.request("GET", &own).send().await.status, 200);
}

#[tokio::test]
async fn a_secret_in_the_address_is_no_secret() {
    let fixture = Fixture::start().await;
    let token = fixture.token();
    for path in [
        format!("/api/events?token={token}"),
        format!("/api/events?session={}", fixture.session().await),
        format!("/api/events?access_token={token}"),
    ] {
        assert_eq!(
            fixture.request("GET", &path).send().await.status,
            401,
            "{path}"
        );
    }
    let cookie = fixture
        .request("GET", "/api/events")
        .header("Cookie", &format!("token={token}"));
    assert_eq!(cookie.send().await.status, 401);
}

#[tokio::test]
async fn the_ipv6_name_works_on_ipv6() {
    let fixture = Fixture::start().await;
    let name = format!("[::1]:{}", fixture.port());
    if tokio::net::TcpStream::connect(&name).await.is_err() {
        return; // no IPv6 on this machine, and then the name is not on the list either
    }
    let request = fixture
        .request("GET", "/api/health")
        .to(&name)
        .without("Host");
    assert_eq!(request.header("Host", &name).send().await.status, 200);
}
