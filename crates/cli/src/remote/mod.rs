//! Another Baton, reached over HTTP with the token of a user.

mod bases;
mod differences;
mod trust;

pub(crate) use bases::{Base, Bases};
pub(crate) use differences::print as print_differences;

use std::path::Path;
use std::time::Duration;

use baton_api::{ApiError, Code};
use reqwest::{Client, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::server_args::Way;
use crate::trouble::Trouble;

/// How long a server may take to be reached, and to answer.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);
/// The variable with the token.
const TOKEN: &str = "BATON_TOKEN";

/// A server.
pub(crate) struct Remote {
    url: Url,
    client: Client,
    token: String,
    /// Its version.
    version: String,
}

#[derive(Deserialize)]
struct Health {
    name: String,
    version: String,
}

impl Remote {
    /// Finds the server, and looks whether it is one.
    pub(crate) async fn open(url: &str, way: &Way) -> Result<Self, Trouble> {
        let url = address(url)?;
        let token = token(way)?;
        let client = client(way)?;
        let mut remote = Self {
            url,
            client,
            token,
            version: String::new(),
        };
        let request = remote.client.get(remote.at("api/health"));
        let answer = request.send().await.map_err(|error| remote.lost(&error))?;
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        if status == StatusCode::MISDIRECTED_REQUEST {
            let message = format!(
                "the server does not know itself by the name in `{}`",
                remote.url
            );
            let hint = "use the address that it printed, or start it with `--host` and this name";
            return Err(unusable("wrong-host", &message, hint));
        }
        match serde_json::from_str::<Health>(&text) {
            Ok(health) if health.name == "baton" => {
                remote.version = health.version;
                Ok(remote)
            }
            _ => {
                let message = format!("what answers at `{}` is no Baton ({status})", remote.url);
                let hint = "use the address that `baton serve` printed";
                Err(unusable("not-baton", &message, hint))
            }
        }
    }

    /// Its address, as it is shown and remembered.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.url())
    }

    /// Carries out a command there.
    pub(crate) async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        name: &str,
        request: &Q,
    ) -> Result<A, Trouble> {
        let request = self
            .client
            .post(self.at(&format!("api/rpc/{name}")))
            .bearer_auth(&self.token)
            .json(request);
        let answer = request.send().await.map_err(|error| self.lost(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| self.lost(&error))?;
        if status.is_success() {
            return serde_json::from_str(&text).map_err(|error| {
                let message = format!("the server answered `{name}` in another form: {error}");
                self.other_build(message)
            });
        }
        let Ok(error) = serde_json::from_str::<ApiError>(&text) else {
            let message =
                format!("the server answered `{name}` with {status}, and not as Baton does");
            return Err(self.other_build(message));
        };
        let is_other_form = matches!(error.code, Code::UnknownCommand)
            || (error.code == Code::BadRequest && self.version != env!("CARGO_PKG_VERSION"));
        if is_other_form {
            return Err(self.other_build(error.message));
        }
        Err(error.into())
    }

    fn other_build(&self, message: String) -> Trouble {
        let hint = format!(
            "the server is Baton {}, this is Baton {}: use the same version on both sides",
            self.version,
            env!("CARGO_PKG_VERSION")
        );
        Trouble::unusable(ApiError::new(Code::UnknownCommand, message).hint(hint))
            .named("other-build")
    }

    fn lost(&self, error: &reqwest::Error) -> Trouble {
        let (code, message, hint) = trust::why(error, self.url());
        unusable(code, &message, hint)
    }
}

fn unusable(code: &'static str, message: &str, hint: &str) -> Trouble {
    Trouble::unusable(ApiError::new(Code::Io, message).hint(hint)).named(code)
}

/// Where the server is. A token goes nowhere unencrypted.
fn address(text: &str) -> Result<Url, Trouble> {
    let wrong = |why: &str| {
        let message = format!("`{text}` is not the address of a server: {why}");
        unusable(
            "wrong-address",
            &message,
            "write it like `https://baton.example.com:8443`",
        )
    };
    let mut url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it names a host, and no user"));
    }
    let is_here = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    match url.scheme() {
        "https" => {}
        "http" if is_here => {}
        "http" => {
            let message = format!("`{text}` is not encrypted: others could read the token");
            let hint = "use `https://`, or `http://` on this machine alone";
            return Err(unusable("tls-needed", &message, hint));
        }
        _ => return Err(wrong("it begins with `https://`")),
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// The token, from the environment or a file.
fn token(way: &Way) -> Result<String, Trouble> {
    let text = match &way.token_file {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            let message = format!("the token in `{}` cannot be read: {error}", path.display());
            unusable(
                "no-token",
                &message,
                "name a file that holds the token and nothing else",
            )
        })?,
        None => std::env::var(TOKEN).unwrap_or_default(),
    };
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|letter| letter.is_ascii_graphic()) {
        let hint = "set `BATON_TOKEN`, or name a file with `--token-file`; an administrator makes tokens with `baton users token NAME`";
        return Err(unusable("no-token", "a token is needed", hint));
    }
    Ok(token.to_owned())
}

fn client(way: &Way) -> Result<Client, Trouble> {
    // An error means that the program has chosen a provider already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = Client::builder()
        .user_agent(concat!("Baton/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(ANSWER);
    if let Some(path) = &way.ca {
        builder = builder.tls_certs_merge(trust::certificates(path)?);
    }
    builder.build().map_err(|error| {
        let message = format!("the connection cannot be prepared: {error}");
        unusable(
            "network",
            &message,
            "look whether the certificates of the system are there",
        )
    })
}

/// Asks a person, on a terminal. Without one, nobody is there to say yes.
pub(crate) fn confirm(question: &str, is_sure: bool) -> Result<bool, Trouble> {
    use std::io::{BufRead, IsTerminal, Write};
    if is_sure {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        let hint = "look at what changes with `--dry-run`, then say `--yes`";
        let error = ApiError::new(Code::Conflict, "nobody is there to say yes").hint(hint);
        return Err(Trouble::from(error).named("not-confirmed"));
    }
    let mut to = std::io::stderr().lock();
    let asked = to
        .write_all(format!("{question} [y/N] ").as_bytes())
        .and_then(|()| to.flush());
    asked.map_err(Trouble::io("nothing can be asked"))?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(Trouble::io("the answer cannot be read"))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// Where the revisions are remembered that were pulled or pushed here.
pub(crate) fn bases(data: Option<&Path>) -> Result<Bases, Trouble> {
    Bases::open(&crate::session::data_dir(data)?)
}
