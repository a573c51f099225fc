//! The settings of a `webhook` trigger: its address, how a sender proves who it is, and how much it may send.

use serde_json::{Map, Value};

use super::spec::TriggerTrouble;

/// The largest body that any hook takes.
pub const MOST_BODY_BYTES: u64 = 1 << 20;
const PATH_LENGTH: usize = 64;
const PER_MINUTE: u32 = 600;
const MOST_PER_MINUTE: u64 = 60_000;
const WAITING: u32 = 1_000;
const MOST_WAITING: u64 = 1_000;
const HEADERS: usize = 32;

/// Headers that carry proofs, or mean something to the connection alone: they never become data.
const NEVER_DATA: &[&str] = &[
    "authorization",
    "connection",
    "cookie",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a `webhook` trigger listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// The end of its address: `orders` is `/hooks/orders`.
    pub path: String,
    /// The name of the secret that the sender knows.
    pub secret: String,
    /// How the sender proves that it knows it.
    pub proof: Proof,
    /// The header with an id that a sender repeats when it sends something again.
    pub id_header: String,
    /// The largest body.
    pub max_bytes: u64,
    /// How many requests a minute start something.
    pub per_minute: u32,
    /// How many firings may wait for their run before the sender is told to come back later.
    pub most_waiting: u32,
    /// Names of headers, in lower case, that become part of the data.
    pub headers: Vec<String>,
}

/// How a sender proves that it knows the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The secret itself in a header.
    Header {
        /// Name of the header, in lower case.
        name: String,
    },
    /// HMAC-SHA256 over time, a dot, and the body.
    Hmac {
        /// The header with the signature in hexadecimal digits, with or without `sha256=` before it.
        signature: String,
        /// The header with the seconds since 1970.
        timestamp: String,
    },
}

impl WebhookSettings {
    /// The settings that the kind knows.
    pub(super) const NAMES: [&'static str; 10] = [
        "path",
        "secret",
        "auth",
        "header",
        "timestampHeader",
        "idHeader",
        "maxBytes",
        "perMinute",
        "maxWaiting",
        "headers",
    ];

    /// Reads the settings of the trigger `id`; everything that is wrong goes to `troubles`.
    pub(super) fn read(
        id: &str,
        with: &Map<String, Value>,
        troubles: &mut Vec<TriggerTrouble>,
    ) -> Option<Self> {
        let mut read = Read { with, troubles };
        let path = read.path(id);
        let secret = read.secret(id);
        let proof = read.proof();
        let id_header = read.header("idHeader", "idempotency-key");
        let max_bytes = read.number("maxBytes", MOST_BODY_BYTES, MOST_BODY_BYTES);
        let per_minute = read.number("perMinute", PER_MINUTE.into(), MOST_PER_MINUTE);
        let waiting = read.number("maxWaiting", WAITING.into(), MOST_WAITING);
        let headers = read.headers();
        let settings = Self {
            path: path?,
            secret: secret?,
            proof: proof?,
            id_header: id_header?,
            max_bytes: max_bytes?,
            per_minute: u32::try_from(per_minute?).unwrap_or(u32::MAX),
            most_waiting: u32::try_from(waiting?).unwrap_or(u32::MAX),
            headers: headers?,
        };
        if let Some(name) = settings.headers.iter().find(|name| settings.is_proof(name)) {
            let message = format!("the header `{name}` carries a proof and never becomes data");
            return read.wrong("headers", message, "take it off the list");
        }
        Some(settings)
    }

    fn is_proof(&self, name: &str) -> bool {
        match &self.proof {
            Proof::Header { name: own } => own == name,
            Proof::Hmac { signature, .. } => signature == name,
        }
    }
}

struct Read<'a> {
    with: &'a Map<String, Value>,
    troubles: &'a mut Vec<TriggerTrouble>,
}

impl Read<'_> {
    fn given(&self, name: &str) -> Option<&Value> {
        self.with.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Option<String> {
        let text = self.given(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn wrong<T>(&mut self, field: &str, message: impl Into<String>, hint: &str) -> Option<T> {
        self.troubles
            .push(TriggerTrouble::setting(field, message, hint));
        None
    }

    fn path(&mut self, id: &str) -> Option<String> {
        let hint = "write lower-case letters, digits and `-`, such as `orders`";
        let path = path_of(id, self.with);
        let is_slug = !path.is_empty()
            && path.len() <= PATH_LENGTH
            && path.starts_with(|c: char| c.is_ascii_alphanumeric())
            && path
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if is_slug {
            return Some(path);
        }
        self.wrong(
            "path",
            format!("`{path}` cannot be the end of an address"),
            hint,
        )
    }

    fn secret(&mut self, id: &str) -> Option<String> {
        let hint =
            "write the name of a secret, such as `shop-hook`; its value stays out of the document";
        match self.text("secret") {
            Some(name) if is_name(&name) => Some(name),
            Some(_) => self.wrong("secret", "`secret` holds no name of a secret", hint),
            None => {
                let message = format!("`{id}` names no secret, so anyone could fire it");
                self.wrong("secret", message, hint)
            }
        }
    }

    fn proof(&mut self) -> Option<Proof> {
        let auth = self.given("auth").cloned();
        match auth.as_ref().map(Value::as_str) {
            None | Some(Some("hmac")) => {
                let signature = self.header("header", "x-baton-signature");
                let timestamp = self.header("timestampHeader", "x-baton-timestamp");
                Some(Proof::Hmac {
                    signature: signature?,
                    timestamp: timestamp?,
                })
            }
            Some(Some("header")) => {
                let name = self.header("header", "x-baton-secret")?;
                Some(Proof::Header { name })
            }
            Some(word) => {
                let shown = word.map_or_else(|| format!("{auth:?}"), str::to_owned);
                let message = format!("`{shown}` is no way to prove a secret");
                self.wrong("auth", message, "write `hmac` or `header`")
            }
        }
    }

    fn header(&mut self, field: &str, default: &str) -> Option<String> {
        let Some(value) = self.given(field).cloned() else {
            return Some(default.to_owned());
        };
        match value.as_str().map(str::trim) {
            Some(name) if is_header(name) => Some(name.to_ascii_lowercase()),
            _ => {
                let message = format!("`{value}` cannot be the name of a header");
                self.wrong(field, message, "write a name such as `X-Signature`")
            }
        }
    }

    fn number(&mut self, field: &str, default: u64, most: u64) -> Option<u64> {
        match self.given(field) {
            None => Some(default),
            Some(value) => match value.as_u64().filter(|n| (1..=most).contains(n)) {
                Some(number) => Some(number),
                None => {
                    let message = format!("`{value}` is not between 1 and {most}");
                    self.wrong(field, message, "write a whole number")
                }
            },
        }
    }

    fn headers(&mut self) -> Option<Vec<String>> {
        let hint = "list names of headers, such as `[\"X-Event\"]`";
        let Some(value) = self.given("headers").cloned() else {
            return Some(Vec::new());
        };
        let names = value
            .as_array()
            .filter(|names| names.len() <= HEADERS)
            .map(|names| names.iter().map(Value::as_str).collect::<Vec<_>>());
        let Some(names) = names else {
            let message = format!("`headers` is not a list of up to {HEADERS} names");
            return self.wrong("headers", message, hint);
        };
        let mut read = Vec::new();
        for name in names {
            match name.map(str::trim) {
                Some(name) if is_header(name) => {
                    let name = name.to_ascii_lowercase();
                    if NEVER_DATA.contains(&&*name) {
                        let message = format!("the header `{name}` never becomes data");
                        return self.wrong("headers", message, "take it off the list");
                    }
                    if !read.contains(&name) {
                        read.push(name);
                    }
                }
                _ => return self.wrong("headers", "a name in `headers` is none", hint),
            }
        }
        Some(read)
    }
}

/// A secret itself seldom looks so.
fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// The end of its address as it is written; without one, the id of the trigger.
pub(super) fn path_of(id: &str, with: &Map<String, Value>) -> String {
    match with.get("path").filter(|path| !path.is_null()) {
        None => id.replace('_', "-").to_ascii_lowercase(),
        Some(Value::String(text)) => text.trim().trim_matches('/').to_owned(),
        Some(other) => other.to_string(),
    }
}

fn is_header(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(settings: &Value) -> (Option<WebhookSettings>, Vec<TriggerTrouble>) {
        let mut troubles = Vec::new();
        let map = settings.as_object().cloned().unwrap();
        let read = WebhookSettings::read("new_order", &map, &mut troubles);
        (read, troubles)
    }

    #[test]
    fn what_is_not_said_has_a_meaning() {
        let (settings, troubles) = read(&json!({ "secret": "shop" }));
        assert_eq!(troubles, []);
        let settings = settings.unwrap();
        assert_eq!(settings.path, "new-order");
        assert_eq!(settings.max_bytes, 1 << 20);
        assert_eq!(
            settings.proof,
            Proof::Hmac {
                signature: "x-baton-signature".to_owned(),
                timestamp: "x-baton-timestamp".to_owned()
            }
        );
    }

    #[test]
    fn a_hook_without_a_secret_is_refused() {
        let (settings, troubles) = read(&json!({ "path": "a" }));
        assert!(settings.is_none());
        assert_eq!(troubles[0].field, "secret");
        let (settings, troubles) = read(&json!({ "secret": "correct horse battery" }));
        assert!(settings.is_none());
        assert!(
            !troubles[0].message.contains("horse"),
            "a secret is not repeated"
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let (settings, troubles) = read(&json!({
            "path": "../a", "secret": "", "auth": "basic", "idHeader": "a b", "maxBytes": 5_000_000,
            "perMinute": 0, "maxWaiting": -1, "headers": ["Cookie"],
        }));
        assert!(settings.is_none());
        let fields: Vec<&str> = troubles.iter().map(|t| t.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "path",
                "secret",
                "auth",
                "idHeader",
                "maxBytes",
                "perMinute",
                "maxWaiting",
                "headers"
            ]
        );
    }

    #[test]
    fn a_proof_never_becomes_data() {
        for settings in [
            json!({ "secret": "s", "auth": "header", "header": "X-Key", "headers": ["x-key"] }),
            json!({ "secret": "s", "headers": ["X-Baton-Signature"] }),
            json!({ "secret": "s", "headers": ["Authorization"] }),
        ] {
            let (settings, troubles) = read(&settings);
            assert!(settings.is_none());
            assert_eq!(troubles[0].field, "headers");
        }
    }
}
