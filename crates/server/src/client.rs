//! Asking a running server, for programs of the same account.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use baton_api::{ApiError, Code};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::access::proof_of;
use crate::server::FILE_NAME;

/// How long a server may take to say who it is.
const GREETING: Duration = Duration::from_secs(2);

/// A server that owns a data folder.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    token: String,
}

#[derive(Deserialize)]
struct Known {
    url: String,
    token: String,
}

#[derive(Deserialize)]
struct Greeting {
    proof: String,
}

impl Client {
    /// The server that left its address in this data folder, if it runs.
    ///
    /// The token is not shown to whoever may hold the port by now, before they have proved that they know it.
    pub async fn find(data_dir: &Path) -> Option<Self> {
        let known: Known =
            serde_json::from_slice(&std::fs::read(data_dir.join(FILE_NAME)).ok()?).ok()?;
        let address: SocketAddr = known.url.strip_prefix("http://")?.parse().ok()?;
        if !address.ip().is_loopback() {
            return None;
        }
        let client = Self {
            address,
            token: known.token,
        };
        let challenge = blake3::Hash::from_bytes(rand::random()).to_string();
        let path = format!("/api/health?challenge={challenge}");
        let greeting = client.exchange("GET", &path, None);
        let (_, body) = tokio::time::timeout(GREETING, greeting).await.ok()?.ok()?;
        let greeting: Greeting = serde_json::from_slice(&body).ok()?;
        (greeting.proof == proof_of(&client.token, &challenge)).then_some(client)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Carries out a command there.
    ///
    /// # Errors
    ///
    /// Those of the command, and [`Code::Io`] if the server does not answer.
    pub async fn call(&self, name: &str, request: &Value) -> Result<Value, ApiError> {
        let no_answer = |detail: String| {
            ApiError::new(
                Code::Io,
                format!("the server at `{}` does not answer: {detail}", self.url()),
            )
            .hint("look whether `baton serve` still runs, then try again")
        };
        let path = format!("/api/rpc/{name}");
        let (status, body) = self
            .exchange("POST", &path, Some(request))
            .await
            .map_err(|error| no_answer(error.to_string()))?;
        if status == 200 {
            return serde_json::from_slice(&body).map_err(|error| no_answer(error.to_string()));
        }
        Err(serde_json::from_slice(&body).unwrap_or_else(|_| no_answer(format!("status {status}"))))
    }

    /// One request on a connection of its own. The body travels with the token; a `GET` has neither.
    async fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> std::io::Result<(u16, Vec<u8>)> {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        let body = body.map(Value::to_string).unwrap_or_default();
        if method == "POST" {
            head.push_str(&format!(
                "Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
                self.token,
                body.len()
            ));
        }
        let mut stream = TcpStream::connect(self.address).await?;
        stream
            .write_all(format!("{head}\r\n{body}").as_bytes())
            .await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        parse(answer).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
    }
}

/// Status and body. Our own server sends a body of known length and then closes.
fn parse(mut answer: Vec<u8>) -> Option<(u16, Vec<u8>)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let status = std::str::from_utf8(&answer[..end])
        .ok()?
        .split(' ')
        .nth(1)?
        .parse()
        .ok()?;
    answer.drain(..end + 4);
    Some((status, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let answer = b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n{}".to_vec();
        assert_eq!(parse(answer), Some((404, b"{}".to_vec())));
        assert_eq!(parse(b"HTTP/1.1 200".to_vec()), None);
        assert_eq!(parse(b"nonsense\r\n\r\n".to_vec()), None);
    }
}
