//! How a server for a team may be reached: what is asked before it listens.

use std::net::SocketAddr;

use crate::tls::TlsFiles;

/// A server for a team: its users come with tokens of their own, and nobody is its owner by a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The certificate; needed where others than this machine can reach it.
    pub tls: Option<TlsFiles>,
    /// Further names that it is reached by: `baton.example.com`, or with a port where that is another one than the one
    /// it listens on (behind a proxy).
    pub hosts: Vec<String>,
}

/// Why a server for a team does not listen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TeamError {
    /// Others could read along, tokens included.
    #[error("`{listen}` can be reached from other machines, and nothing would be encrypted")]
    Unencrypted {
        /// Where it should listen.
        listen: SocketAddr,
    },
    /// There would be no name to ask for.
    #[error(
        "`{listen}` means every address of this machine, and no name was given that the server is reached by"
    )]
    Nameless {
        /// Where it should listen.
        listen: SocketAddr,
    },
    /// The name is none.
    #[error("`{name}` is not a name that a server can be reached by")]
    BadName {
        /// What was given.
        name: String,
    },
}

impl TeamError {
    /// Stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unencrypted { .. } => "tls-needed",
            Self::Nameless { .. } => "host-needed",
            Self::BadName { .. } => "host-name",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unencrypted { .. } => {
                "give a certificate with `--tls-cert FILE --tls-key FILE`, or listen on `127.0.0.1` behind a proxy that encrypts"
            }
            Self::Nameless { .. } => {
                "say what browsers and programs will ask for: `--host baton.example.com`"
            }
            Self::BadName { .. } => "give a name as it stands in an address, without `https://`",
        }
    }
}

impl Team {
    /// Whether it may listen so.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn check(&self) -> Result<(), TeamError> {
        let listen = self.listen;
        if self.tls.is_none() && !listen.ip().to_canonical().is_loopback() {
            return Err(TeamError::Unencrypted { listen });
        }
        if listen.ip().is_unspecified() && self.hosts.is_empty() {
            return Err(TeamError::Nameless { listen });
        }
        let is_name = |name: &&String| {
            let is_letter = |letter: char| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || ".-:[]".contains(letter)
            };
            !name.is_empty() && name.len() <= 255 && name.chars().all(is_letter)
        };
        match self.hosts.iter().find(|name| !is_name(name)) {
            Some(name) => Err(TeamError::BadName { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// What `Host` may say when it listens on `port`.
    pub(crate) fn names(&self, port: u16) -> Vec<String> {
        let mut names = Vec::new();
        for host in &self.hosts {
            names.push(host.clone());
            if !has_port(host) {
                names.push(format!("{host}:{port}"));
            }
        }
        let ip = self.listen.ip();
        if !ip.is_unspecified() {
            names.push(SocketAddr::new(ip, port).to_string());
        }
        // Programs on this machine that look whether it lives.
        if ip.is_unspecified() || ip.is_loopback() {
            let here = ["127.0.0.1", "localhost", "[::1]"];
            names.extend(here.map(|name| format!("{name}:{port}")));
        }
        names
    }

    /// What `Origin` may begin with. Without encryption of its own there is a proxy, which encrypts or does not.
    pub(crate) fn schemes(&self) -> &'static [&'static str] {
        match self.tls {
            Some(_) => &["https://"],
            None => &["https://", "http://"],
        }
    }

    /// The address that is shown.
    pub(crate) fn url(&self, port: u16) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let ip = self.listen.ip();
        match self.hosts.first() {
            Some(host) if has_port(host) => format!("{scheme}://{host}"),
            Some(host) if self.tls.is_some() => format!("{scheme}://{host}:{port}"),
            // Behind a proxy, the port is that of the proxy.
            Some(host) => format!("https://{host}"),
            None => format!("{scheme}://{}", SocketAddr::new(ip, port)),
        }
    }
}

fn has_port(host: &str) -> bool {
    let end = host.rsplit_once(':').map(|(_, end)| end);
    end.is_some_and(|end| !end.is_empty() && end.bytes().all(|digit| digit.is_ascii_digit()))
        && (!host.starts_with('[') || host.contains("]:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(listen: &str, has_tls: bool, hosts: &[&str]) -> Team {
        Team {
            listen: listen.parse().unwrap(),
            tls: has_tls.then(|| TlsFiles {
                cert: "c".into(),
                key: "k".into(),
            }),
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        }
    }

    #[test]
    fn other_machines_need_encryption_and_every_address_a_name() {
        let code = |team: Team| team.check().err().map(|error| error.code());
        assert_eq!(code(team("127.0.0.1:0", false, &[])), None);
        assert_eq!(code(team("[::1]:0", false, &[])), None);
        assert_eq!(code(team("192.0.2.1:80", false, &[])), Some("tls-needed"));
        assert_eq!(code(team("0.0.0.0:80", false, &["a"])), Some("tls-needed"));
        assert_eq!(code(team("0.0.0.0:80", true, &[])), Some("host-needed"));
        assert_eq!(code(team("[::]:80", true, &["baton.example.com"])), None);
        for wrong in ["", "https://a", "a b", "A", "a/b"] {
            assert_eq!(code(team("127.0.0.1:0", true, &[wrong])), Some("host-name"));
        }
    }

    #[test]
    fn it_is_reached_by_its_names_and_no_others() {
        let names = team("0.0.0.0:8443", true, &["baton.example.com", "b:9"]).names(8443);
        let expected = [
            "baton.example.com",
            "baton.example.com:8443",
            "b:9",
            "127.0.0.1:8443",
            "localhost:8443",
            "[::1]:8443",
        ];
        assert_eq!(names, expected);
        assert_eq!(team("192.0.2.1:1", true, &[]).names(1), ["192.0.2.1:1"]);
    }
}
