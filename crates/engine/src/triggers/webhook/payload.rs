//! The data of a request: one value with a fixed shape, in which whatever was sent stands in places of its own.

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use axum::http::StatusCode;

/// Fields and files of one form.
const MOST_FIELDS: usize = 1_000;

/// What the body is.
#[derive(Debug, PartialEq)]
struct Body {
    kind: &'static str,
    content: Value,
}

/// The data of a request.
pub(crate) async fn payload(
    headers: &HeaderMap,
    wanted: &[String],
    query: &str,
    body: &[u8],
) -> Result<Map<String, Value>, Refusal> {
    let content_type = text(headers, CONTENT_TYPE.as_str());
    let read = read(headers, content_type.as_deref(), body).await?;
    let mut chosen = Map::new();
    for name in wanted {
        if let Some(value) = text(headers, name) {
            chosen.insert(name.clone(), value.into());
        }
    }
    let query = form_urlencoded::parse(query.as_bytes());
    let query = query.map(|(name, value)| (name.into_owned(), value.into_owned().into()));
    let Value::Object(payload) = json!({
        "contentType": content_type,
        "kind": read.kind,
        "body": read.content,
        "headers": chosen,
        "query": grouped(query),
    }) else {
        unreachable!("it is written as an object")
    };
    Ok(payload)
}

/// A header as text, several of the same name joined.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

async fn read(
    headers: &HeaderMap,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Body, Refusal> {
    if let Some(coding) = text(headers, CONTENT_ENCODING.as_str())
        && !coding.trim().eq_ignore_ascii_case("identity")
    {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "webhook-encoding",
            format!("bodies in `{coding}` are not read; send it without `Content-Encoding`"),
        ));
    }
    if body.is_empty() {
        return Ok(Body {
            kind: "empty",
            content: Value::Null,
        });
    }
    let declared = content_type.unwrap_or_default();
    let essence = declared
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let is_json =
        essence == "application/json" || (essence.contains('/') && essence.ends_with("+json"));
    if is_json {
        let content = serde_json::from_slice(body).map_err(|error| {
            Refusal::bad(
                "webhook-body",
                format!("the body is declared as `{essence}` and is no JSON: {error}; correct it, or declare `text/plain`"),
            )
        })?;
        return Ok(Body {
            kind: "json",
            content,
        });
    }
    match essence.as_str() {
        "application/x-www-form-urlencoded" => {
            let fields = form_urlencoded::parse(body);
            let fields = fields.map(|(name, value)| (name.into_owned(), value.into_owned().into()));
            Ok(Body {
                kind: "form",
                content: grouped(fields.take(MOST_FIELDS)),
            })
        }
        "multipart/form-data" => multipart(declared, body).await,
        _ => Ok(match std::str::from_utf8(body) {
            Ok(text) => Body {
                kind: "text",
                content: text.into(),
            },
            Err(_) => Body {
                kind: "binary",
                content: STANDARD.encode(body).into(),
            },
        }),
    }
}

/// Names with their values; a name that comes more than once has a list.
fn grouped(pairs: impl Iterator<Item = (String, Value)>) -> Value {
    let mut all: Map<String, Value> = Map::new();
    let mut lists = std::collections::BTreeSet::new();
    for (name, value) in pairs {
        match all.get_mut(&name) {
            None => {
                all.insert(name, value);
            }
            Some(Value::Array(values)) if lists.contains(&name) => values.push(value),
            Some(first) => {
                *first = Value::Array(vec![first.take(), value]);
                lists.insert(name);
            }
        }
    }
    Value::Object(all)
}

async fn multipart(declared: &str, body: &[u8]) -> Result<Body, Refusal> {
    let wrong = |error: multer::Error| {
        Refusal::bad(
            "webhook-body",
            format!(
                "the body is declared as a form of several parts and is none: {error}; correct it"
            ),
        )
    };
    let boundary = multer::parse_boundary(declared).map_err(wrong)?;
    let whole = futures::stream::iter([Ok::<_, std::convert::Infallible>(body.to_vec())]);
    let mut parts = multer::Multipart::new(whole, boundary);
    let mut fields = Vec::new();
    let mut files = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(wrong)? {
        if fields.len() + files.len() >= MOST_FIELDS {
            let message = format!("the form has more than {MOST_FIELDS} fields; send fewer");
            return Err(Refusal::bad("webhook-body", message));
        }
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.file_name().map(str::to_owned);
        let content_type = part.content_type().map(ToString::to_string);
        let bytes = part.bytes().await.map_err(wrong)?;
        let (is_text, content) = match std::str::from_utf8(&bytes) {
            Ok(text) => (true, text.to_owned()),
            Err(_) => (false, STANDARD.encode(&bytes)),
        };
        match file_name {
            Some(file_name) => files.push(json!({
                "name": name,
                "fileName": file_name,
                "contentType": content_type,
                "size": bytes.len(),
                "kind": if is_text { "text" } else { "binary" },
                "content": content,
            })),
            None => fields.push((name, content.into())),
        }
    }
    Ok(Body {
        kind: "multipart",
        content: json!({ "fields": grouped(fields.into_iter()), "files": files }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(content_type: Option<&str>, body: &[u8]) -> Result<Value, Refusal> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        payload(&headers, &[], "", body).await.map(Value::Object)
    }

    #[tokio::test]
    async fn what_is_declared_as_json_is_json_and_nothing_else_is() {
        let body = br#"{"a":[1,2.5,"x"]}"#;
        for content_type in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.x+json",
        ] {
            let payload = of(Some(content_type), body).await.unwrap();
            assert_eq!(
                (&payload["kind"], &payload["body"]),
                (&json!("json"), &json!({ "a": [1, 2.5, "x"] }))
            );
        }
        for content_type in [
            None,
            Some("text/plain"),
            Some("+json"),
            Some("application/octet-stream"),
            Some(""),
        ] {
            let payload = of(content_type, body).await.unwrap();
            assert_eq!(payload["kind"], "text", "{content_type:?}");
            assert!(payload["body"].is_string());
        }
        let refusal = of(Some("application/json"), b"{").await.unwrap_err();
        assert_eq!(
            (refusal.status.as_u16(), refusal.code),
            (400, "webhook-body")
        );
        let deep = "[".repeat(100_000);
        assert!(of(Some("application/json"), deep.as_bytes()).await.is_err());
    }

    #[tokio::test]
    async fn forms_are_data() {
        let payload = of(
            Some("application/x-www-form-urlencoded"),
            b"a=1&b=x+y&a=2&a=%33&files=x",
        )
        .await
        .unwrap();
        assert_eq!(payload["kind"], "form");
        assert_eq!(
            payload["body"],
            json!({ "a": ["1", "2", "3"], "b": "x y", "files": "x" })
        );
        let form = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; \
                    name=\"f\"; filename=\"../../x\"\r\nContent-Type: text/csv\r\n\r\na,b\r\n--B--\r\n";
        let payload = of(Some("multipart/form-data; boundary=B"), form.as_bytes())
            .await
            .unwrap();
        assert_eq!(payload["body"]["fields"], json!({ "a": "1" }));
        assert_eq!(payload["body"]["files"][0]["content"], "a,b");
        assert_eq!(payload["body"]["files"][0]["fileName"], "../../x");
        for (content_type, body) in [
            ("multipart/form-data", form),
            ("multipart/form-data; boundary=C", form),
            ("multipart/form-data; boundary=B", "--B\r\nbroken"),
        ] {
            let refusal = of(Some(content_type), body.as_bytes()).await.unwrap_err();
            assert_eq!(refusal.code, "webhook-body", "{content_type}");
        }
    }

    #[tokio::test]
    async fn bytes_that_are_no_text_are_kept_as_they_are() {
        let payload = of(Some("text/plain"), &[0xff, 0x00]).await.unwrap();
        assert_eq!(
            (&payload["kind"], &payload["body"]),
            (&json!("binary"), &json!("/wA="))
        );
        let payload = of(Some("application/json"), b"").await.unwrap();
        assert_eq!(
            (&payload["kind"], &payload["body"]),
            (&json!("empty"), &Value::Null)
        );
    }

    #[tokio::test]
    async fn only_chosen_headers_become_data_and_packed_bodies_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert("x-event", "push".parse().unwrap());
        headers.insert("x-other", "no".parse().unwrap());
        let wanted = ["x-event".to_owned(), "x-missing".to_owned()];
        let payload = payload(&headers, &wanted, "q=1&q=2&p", b"x").await.unwrap();
        assert_eq!(payload["headers"], json!({ "x-event": "push" }));
        assert_eq!(payload["query"], json!({ "q": ["1", "2"], "p": "" }));
        headers.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        let refusal = super::payload(&headers, &[], "", b"x").await.unwrap_err();
        assert_eq!(
            (refusal.status.as_u16(), refusal.code),
            (415, "webhook-encoding")
        );
    }
}
