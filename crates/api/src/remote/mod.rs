//! Another Baton, reached over HTTP with the token of a user: the one way there, for the command line and for targets.
//!
//! # Invariants
//!
//! * A token goes nowhere unencrypted but to this machine, and to nobody who is not known to be a Baton.
//! * What went wrong has an exact name for programs, words for people, and a way out.

mod address;
mod events;
mod trust;

pub(crate) use address::is_here;
pub use address::{address, token};
pub use events::Events;

use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use baton_core::Millis;
use reqwest::tls::TlsInfo;
use reqwest::{Client, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{ApiError, Code};

/// How long a server may take to be reached, and to answer.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);
/// The largest answer that is taken: a page of a log is less.
const MAX_ANSWER: usize = 64 << 20;

/// A server.
#[derive(Debug)]
pub struct Remote {
    url: Url,
    client: Client,
    token: String,
    /// Its version, once it has said it.
    version: RwLock<Option<String>>,
}

/// What a server says about itself to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Its version.
    pub version: String,
    /// What its clock says, to the second.
    pub at: Option<Millis>,
    /// Until when its certificate is good.
    pub certificate_until: Option<Millis>,
}

#[derive(Deserialize)]
struct Health {
    name: String,
    version: String,
}

/// Why a server did not do what it was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{error}")]
pub struct RemoteError {
    /// The exact name of what is wrong between here and there: `server-unreachable`, `certificate`, `other-build` …
    /// Absent: the server itself refused, and `error` is its answer.
    pub name: Option<&'static str>,
    /// The error, with words and a way out.
    pub error: Box<ApiError>,
}

impl RemoteError {
    pub(crate) fn new(name: &'static str, message: impl Into<String>, hint: &str) -> Self {
        let code = match name {
            "wrong-address" | "tls-needed" | "no-token" | "ca-file" => Code::BadRequest,
            "other-build" => Code::TargetDiffers,
            _ => Code::TargetUnreachable,
        };
        Self {
            name: Some(name),
            error: Box::new(ApiError::new(code, message).hint(hint)),
        }
    }
}

impl From<ApiError> for RemoteError {
    fn from(error: ApiError) -> Self {
        Self {
            name: None,
            error: Box::new(error),
        }
    }
}

impl Remote {
    /// Gets everything ready and reaches nobody yet. `url` and `token` are looked at; `ca` names certificates to trust
    /// besides those of the system.
    ///
    /// # Errors
    ///
    /// If one of them cannot be used.
    pub fn new(url: &str, token: &str, ca: Option<&Path>) -> Result<Self, RemoteError> {
        Ok(Self {
            url: address(url)?,
            token: address::token(token)?,
            client: client(ca)?,
            version: RwLock::new(None),
        })
    }

    /// As [`Remote::new`], and looks whether a Baton answers there.
    ///
    /// # Errors
    ///
    /// Those of [`Remote::new`] and [`Remote::hello`].
    pub async fn open(url: &str, token: &str, ca: Option<&Path>) -> Result<Self, RemoteError> {
        let remote = Self::new(url, token, ca)?;
        remote.hello().await?;
        Ok(remote)
    }

    /// Its address, as it is shown and remembered.
    pub fn url(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// Its version, if it has said it.
    pub fn version(&self) -> Option<String> {
        let version = self.version.read();
        version.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a Baton answers, and which. The token is not shown.
    ///
    /// # Errors
    ///
    /// If nobody answers, or somebody else.
    pub async fn hello(&self) -> Result<Hello, RemoteError> {
        let request = self.client.get(self.at("api/health")).timeout(ANSWER);
        let answer = request.send().await.map_err(|error| self.lost(&error))?;
        let (status, at) = (answer.status(), instant_of(&answer));
        let certificate_until = answer
            .extensions()
            .get::<TlsInfo>()
            .and_then(TlsInfo::peer_certificate)
            .and_then(trust::until);
        if status == StatusCode::MISDIRECTED_REQUEST {
            let message = format!(
                "the server does not know itself by the name in `{}`",
                self.url
            );
            let hint = "use the address that it printed, or start it with `--host` and this name";
            return Err(RemoteError::new("wrong-host", message, hint));
        }
        match serde_json::from_slice::<Health>(&self.body(answer).await?) {
            Ok(health) if health.name == "baton" => {
                self.know(Some(health.version.clone()));
                Ok(Hello {
                    version: health.version,
                    at,
                    certificate_until,
                })
            }
            _ => {
                let message = format!("what answers at `{}` is no Baton ({status})", self.url);
                let hint = "use the address that `baton serve` printed";
                Err(RemoteError::new("not-baton", message, hint))
            }
        }
    }

    /// Carries out a command there.
    ///
    /// # Errors
    ///
    /// The server's own, and those of the way there.
    pub async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        name: &str,
        request: &Q,
    ) -> Result<A, RemoteError> {
        let internal = |error: serde_json::Error| ApiError::new(Code::Internal, error.to_string());
        let request = serde_json::to_value(request).map_err(internal)?;
        let answer = self.ask(name, &request).await?;
        serde_json::from_value(answer).map_err(|error| {
            self.other_build(format!(
                "the server answered `{name}` in another form: {error}"
            ))
        })
    }

    /// As [`Remote::call`], as JSON.
    ///
    /// # Errors
    ///
    /// Those of [`Remote::call`].
    pub async fn ask(&self, name: &str, request: &Value) -> Result<Value, RemoteError> {
        if self.version().is_none() {
            self.hello().await?;
        }
        let request = self
            .client
            .post(self.at(&format!("api/rpc/{name}")))
            .bearer_auth(&self.token)
            .timeout(ANSWER)
            .json(request);
        let answer = request.send().await.map_err(|error| self.lost(&error))?;
        let status = answer.status();
        let body = self.body(answer).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| {
                self.other_build(format!(
                    "the server answered `{name}` in another form: {error}"
                ))
            });
        }
        Err(self.refusal(name, status, &body))
    }

    /// What changes there from now on.
    ///
    /// # Errors
    ///
    /// As [`Remote::call`].
    pub async fn events(&self) -> Result<Events, RemoteError> {
        if self.version().is_none() {
            self.hello().await?;
        }
        let request = self
            .client
            .get(self.at("api/events"))
            .bearer_auth(&self.token);
        // The head alone must come in time: the stream has no end.
        let answer = match tokio::time::timeout(ANSWER, request.send()).await {
            Ok(answer) => answer.map_err(|error| self.lost(&error))?,
            Err(_) => return Err(self.silent()),
        };
        let status = answer.status();
        if status.is_success() {
            return Ok(Events::new(answer));
        }
        let body = self.body(answer).await?;
        Err(self.refusal("events", status, &body))
    }

    /// What a server that does not answer with success means.
    fn refusal(&self, name: &str, status: StatusCode, body: &[u8]) -> RemoteError {
        let Ok(error) = serde_json::from_slice::<ApiError>(body) else {
            return self.other_build(format!(
                "the server answered `{name}` with {status}, and not as Baton does"
            ));
        };
        let is_other_form = matches!(error.code, Code::UnknownCommand)
            || (error.code == Code::BadRequest
                && self.version().as_deref() != Some(env!("CARGO_PKG_VERSION")));
        if is_other_form {
            return self.other_build(error.message);
        }
        error.into()
    }

    async fn body(&self, mut answer: Response) -> Result<Vec<u8>, RemoteError> {
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| self.lost(&error))? {
            if body.len() + piece.len() > MAX_ANSWER {
                let message = format!("the answer of `{}` is too large", self.url());
                let hint = "ask for less at once";
                return Err(RemoteError::new("answer-too-large", message, hint));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.url())
    }

    fn know(&self, version: Option<String>) {
        let mut known = self.version.write().unwrap_or_else(PoisonError::into_inner);
        *known = version;
    }

    fn other_build(&self, message: String) -> RemoteError {
        let hint = format!(
            "the server is Baton {}, this is Baton {}: use the same version on both sides",
            self.version().as_deref().unwrap_or("of another version"),
            env!("CARGO_PKG_VERSION")
        );
        RemoteError::new("other-build", message, &hint)
    }

    pub(crate) fn lost(&self, error: &reqwest::Error) -> RemoteError {
        // Whoever answers next may be another one.
        self.know(None);
        let (name, message, hint) = trust::why(error, self.url());
        RemoteError::new(name, message, hint)
    }

    fn silent(&self) -> RemoteError {
        self.know(None);
        let message = format!("`{}` did not answer in time", self.url());
        RemoteError::new("server-unreachable", message, trust::LOOK)
    }
}

/// What the clock of the server said when it answered.
fn instant_of(answer: &Response) -> Option<Millis> {
    let text = answer.headers().get("date")?.to_str().ok()?;
    let instant = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(instant.timestamp().as_millisecond())
}

fn client(ca: Option<&Path>) -> Result<Client, RemoteError> {
    // An error means that the program has chosen a provider already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = Client::builder()
        .user_agent(concat!("Baton/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .tls_info(true);
    if let Some(path) = ca {
        builder = builder.tls_certs_merge(trust::certificates(path)?);
    }
    builder.build().map_err(|error| {
        let message = format!("the connection cannot be prepared: {error}");
        let hint = "look whether the certificates of the system are there";
        RemoteError::new("network", message, hint)
    })
}
