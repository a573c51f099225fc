//! Calls a web service.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect, Ports};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::{Text, With, shown};
use crate::kind::{About, Kind, cancelled};
use crate::overview::shorten;
use crate::safe_path::quoted;
use crate::{Secrets, TaskContext, TaskOutput};

/// What is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Verb {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Head => Method::HEAD,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

/// How the request proves who sends it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Auth {
    #[default]
    None,
    /// `Authorization: Bearer <secret>`.
    Bearer,
    /// `Authorization: Basic …`, the secret being `name:password`.
    Basic,
    /// The secret in a header of its own.
    Header,
}

/// The settings of `http_request`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// What is asked for.
    #[serde(default)]
    method: Verb,
    /// The address, `https://…` or `http://…`.
    url: Text,
    /// Added to the address.
    #[serde(default)]
    query: With,
    /// Headers.
    #[serde(default)]
    headers: With,
    /// A text as it is, anything else as JSON.
    #[serde(default)]
    body: Option<Value>,
    /// What the body is, if not `text/plain` or `application/json`.
    #[serde(default)]
    content_type: Option<String>,
    /// How the request proves who sends it.
    #[serde(default)]
    auth: Auth,
    /// Name of the secret.
    #[serde(default)]
    secret: Option<String>,
    /// The header that carries the secret.
    #[serde(default)]
    secret_header: Option<String>,
    /// The header that carries the idempotency key.
    #[serde(default)]
    idempotency_header: Option<String>,
    /// Status codes that are a success: `200`, `2xx`.
    #[serde(default = "success")]
    expect_status: Vec<Text>,
    /// The largest body of the response, in bytes.
    #[serde(default)]
    max_bytes: Option<u64>,
    /// How many redirects are followed.
    #[serde(default = "five")]
    redirects: u32,
}

fn success() -> Vec<Text> {
    vec![Text("2xx".to_owned())]
}

const fn five() -> u32 {
    5
}

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "HTTP request",
        summary: "Calls a web service and hands on its answer.",
        category: Category::Systems,
        icon: "globe",
        ports: Ports::Plain,
        output: &[
            ("status", "status code"),
            ("headers", "headers of the answer, names in lower case"),
            ("body", "the answer: JSON as a value, anything else as text"),
        ],
    };

    fn effect(with: &With) -> Effect {
        let is_keyed = !shown(with, "idempotencyHeader").trim().is_empty();
        match with.get("method").map_or("GET", |method| method.as_str().unwrap_or_default()) {
            "GET" | "HEAD" | "PUT" | "DELETE" => Effect::Idempotent,
            _ if is_keyed => Effect::Keyed,
            _ => Effect::Unsafe,
        }
    }

    fn summary(with: &With) -> String {
        let method = shown(with, "method");
        let method = if method.is_empty() { "GET" } else { &method };
        format!("{method} {}", host(&shown(with, "url")))
    }

    fn touches(with: &With) -> Vec<(&'static str, String)> {
        let mut all = vec![("host", host(&shown(with, "url")))];
        let secret = shown(with, "secret");
        if !secret.is_empty() {
            all.push(("secret", secret));
        }
        all
    }

    async fn run(config: Config, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        let url = address(&config)?;
        let secret = Secret::find(&config, &cx.secrets)?;
        let client = client(config.redirects)?;
        let mut headers = headers(&config.headers)?;
        secret.add(&config, &mut headers)?;
        if let Some(name) = config.idempotency_header.as_deref().filter(|name| !name.is_empty()) {
            headers.insert(header_name(name)?, header_value(name, &cx.key)?);
        }
        let mut request = client.request(config.method.method(), url.clone());
        if let Some(body) = &config.body {
            let (content_type, body) = match body {
                Value::String(text) => ("text/plain; charset=utf-8", text.clone()),
                other => ("application/json", other.to_string()),
            };
            let content_type = config.content_type.as_deref().unwrap_or(content_type);
            if !headers.contains_key(CONTENT_TYPE) {
                headers.insert(CONTENT_TYPE, header_value("content-type", content_type)?);
            }
            request = request.body(body);
        }
        let sent = async {
            let response = request.headers(headers).send().await;
            if response.is_err() && crate::trial::has_bug("lost-reply-is-success") {
                return Ok(json!({ "status": 200, "headers": {}, "body": null }));
            }
            let response = response.map_err(|error| unreachable(error, &url))?;
            let limit = config.max_bytes.unwrap_or(cx.limits.response_bytes);
            answer(read(response, limit, &url).await?, &config, &url, &secret)
        };
        tokio::select! {
            output = sent => output.map(TaskOutput::new),
            () = cx.cancel.cancelled() => Err(cancelled()),
        }
    }
}

/// An answer that was read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn answer(answer: Answer, config: &Config, url: &Url, secret: &Secret) -> Result<Value, StepError> {
    let Answer { status, headers, body } = answer;
    let text = secret.hide(decode(&headers, &body));
    if !is_expected(status, &config.expect_status)? {
        return Err(refused(status, &headers, &text, url));
    }
    let shown: Map<String, Value> = headers
        .keys()
        .map(|name| {
            let values: Vec<String> =
                headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
            (name.as_str().to_owned(), secret.hide(values.join(", ")).into())
        })
        .collect();
    let is_json = content_type(&headers).is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"));
    let body = if !is_json || text.trim().is_empty() {
        Value::String(text)
    } else {
        serde_json::from_str(&text).map_err(|error| {
            StepError::permanent("not-json", format!("the answer of `{}` says it is JSON and is not: {error}", host(url.as_str())))
                .details(json!({ "status": status.as_u16(), "body": shorten(&text, 500) }))
        })?
    };
    Ok(json!({ "status": status.as_u16(), "headers": shown, "body": body }))
}

async fn read(mut response: Response, limit: u64, url: &Url) -> Result<Answer, StepError> {
    let (status, headers) = (response.status(), response.headers().clone());
    let too_large = || {
        StepError::permanent("too-large", format!("the answer of `{}` is larger than {limit} bytes", host(url.as_str())))
            .hint("raise the limit of the step, or ask for less")
    };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(error, url))? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase())
}

fn decode(headers: &HeaderMap, body: &[u8]) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let charset = value.to_ascii_lowercase();
    let charset = charset.split("charset=").nth(1).map(|rest| rest.trim_matches(['"', ' ', ';']).to_owned());
    let encoding = charset.and_then(|name| encoding_rs::Encoding::for_label(name.as_bytes()));
    encoding.unwrap_or(encoding_rs::UTF_8).decode(body).0.into_owned()
}

fn is_expected(status: StatusCode, expected: &[Text]) -> Result<bool, StepError> {
    for pattern in expected {
        let pattern = pattern.trim().to_ascii_lowercase();
        let class = pattern.strip_suffix("xx").and_then(|digit| digit.parse::<u16>().ok());
        let is_match = match (class, pattern.parse::<u16>()) {
            (Some(class), _) => status.as_u16() / 100 == class,
            (None, Ok(code)) => status.as_u16() == code,
            (None, Err(_)) => {
                return Err(StepError::permanent("config", format!("`{pattern}` is no status"))
                    .hint("write `200` or `2xx`"));
            }
        };
        if is_match {
            return Ok(true);
        }
    }
    Ok(expected.is_empty() && status.is_success())
}

/// An answer that is not a success. Overload and faults of the server may pass; the rest will not.
fn refused(status: StatusCode, headers: &HeaderMap, text: &str, url: &Url) -> StepError {
    let reason = status.canonical_reason().map(|reason| format!(" {}", reason.to_lowercase())).unwrap_or_default();
    let message = format!("`{}` answered {}{reason}", host(url.as_str()), status.as_u16());
    let may_pass = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    let mut error =
        if may_pass { StepError::new("http-status", message) } else { StepError::permanent("http-status", message) };
    let mut details = json!({ "status": status.as_u16(), "body": shorten(text, 1_000) });
    if let Some(after) = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()) {
        details["retryAfter"] = after.into();
        if let Ok(seconds) = after.trim().parse::<u64>() {
            details["retryAfterMs"] = seconds.saturating_mul(1_000).into();
        }
    }
    error = match status.as_u16() {
        401 | 403 => error.hint("check the secret and what it may do"),
        404 => error.hint("check the address"),
        429 => error.hint("the service asks for fewer requests: let the step wait between attempts"),
        _ => error,
    };
    error.details(details)
}

fn unreachable(error: reqwest::Error, url: &Url) -> StepError {
    // The address may carry what should not be in a log.
    let error = error.without_url();
    let host = host(url.as_str());
    if error.is_redirect() {
        return StepError::permanent("redirects", format!("`{host}` redirects too often"))
            .hint("check the address, or allow more redirects");
    }
    if error.is_builder() || error.is_request() && !error.is_connect() && !error.is_timeout() && error.is_body() {
        return StepError::permanent("config", format!("the request cannot be sent: {error}"));
    }
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        reason = inner.to_string();
        source = inner.source();
    }
    StepError::new("network", format!("could not reach `{host}`: {}", reason.to_lowercase()))
        .hint("check the network and the address; a retry may help")
}

fn address(config: &Config) -> Result<Url, StepError> {
    let text = config.url.trim();
    let wrong = |why: &str| {
        StepError::permanent("config", format!("`{text}` is not an address: {why}"))
            .hint("write it in full, such as `https://api.example.org/orders`")
    };
    let mut url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("only `http` and `https` are called"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it holds a name or password").hint("name a secret instead"));
    }
    if !config.query.is_empty() {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in config.query.iter().filter(|(_, value)| !value.is_null()) {
            match value {
                Value::Array(several) => {
                    for value in several {
                        pairs.append_pair(name, &Text::of(value));
                    }
                }
                one => {
                    pairs.append_pair(name, &Text::of(one));
                }
            }
        }
    }
    Ok(url)
}

fn headers(given: &With) -> Result<HeaderMap, StepError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        headers.insert(header_name(name)?, header_value(name, &Text::of(value))?);
    }
    Ok(headers)
}

fn header_name(name: &str) -> Result<HeaderName, StepError> {
    HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| StepError::permanent("config", format!("`{name}` cannot be the name of a header")))
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, StepError> {
    HeaderValue::from_str(value)
        .map_err(|_| StepError::permanent("config", format!("the value of the header `{name}` holds a line break or control character")))
}

/// The value of the secret, which leaves this module only inside the request.
struct Secret(Option<String>);

impl Secret {
    fn find(config: &Config, secrets: &Secrets) -> Result<Self, StepError> {
        if config.auth == Auth::None {
            return Ok(Self(None));
        }
        let name = config.secret.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| StepError::permanent("config", "the request names no secret"))?;
        let value = secrets.find(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            StepError::permanent("secret-missing", format!("there is no secret {}", quoted(&[name])))
                .hint(format!("set the environment variable `{}`", Secrets::variable(name)))
        })?;
        Ok(Self(Some(value)))
    }

    fn add(&self, config: &Config, headers: &mut HeaderMap) -> Result<(), StepError> {
        let Some(secret) = &self.0 else { return Ok(()) };
        let (name, value) = match config.auth {
            Auth::None => return Ok(()),
            Auth::Bearer => ("authorization", format!("Bearer {secret}")),
            Auth::Basic => ("authorization", format!("Basic {}", base64(secret.as_bytes()))),
            Auth::Header => {
                let name = config.secret_header.as_deref().filter(|name| !name.is_empty());
                (name.unwrap_or("x-api-key"), secret.clone())
            }
        };
        let mut value = header_value(name, &value)?;
        value.set_sensitive(true);
        headers.insert(header_name(name)?, value);
        Ok(())
    }

    /// A service that sends the secret back does not bring it into the log.
    fn hide(&self, text: String) -> String {
        match &self.0 {
            Some(secret) if secret.len() >= 6 => text.replace(secret, "•••").replace(&base64(secret.as_bytes()), "•••"),
            _ => text,
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0u8; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            if place <= chunk.len() {
                text.push(char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// One client per number of redirects: making one reads the certificates of the system.
fn client(redirects: u32) -> Result<Client, StepError> {
    static CLIENTS: Mutex<BTreeMap<u32, Client>> = Mutex::new(BTreeMap::new());
    let redirects = redirects.min(20);
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(&redirects) {
        return Ok(client.clone());
    }
    // An error means that the program has chosen a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let policy = if redirects == 0 { Policy::none() } else { Policy::limited(redirects as usize) };
    let client = Client::builder()
        .user_agent(concat!("Baton/", env!("CARGO_PKG_VERSION")))
        .redirect(policy)
        // A kept connection would belong to a runtime that may be gone.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| StepError::new("network", format!("could not set up the HTTP client: {error}")))?;
    clients.insert(redirects, client.clone());
    Ok(client)
}

/// The host of an address as written; it may hold expressions.
fn host(url: &str) -> String {
    let rest = url.trim();
    let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest);
    let end = match (rest.find("{%"), rest.find("%}")) {
        // The expression may hold a slash.
        (Some(0), Some(close)) => rest[close..].find('/').map(|at| close + at),
        _ => rest.find(['/', '?', '#']),
    };
    let host = &rest[..end.unwrap_or(rest.len())];
    host.rsplit_once('@').map_or(host, |(_, host)| host).to_owned()
}

#[cfg(test)]
#[path = "../tests/http_request.rs"]
mod tests;
