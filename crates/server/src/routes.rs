//! Every route with the proof that it wants: the only list there is.

use axum::http::Method;

/// What a request can ask of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The start page of the UI.
    Page,
    /// A file of the UI.
    File,
    /// Whether Baton answers, and whether it is the one that wrote `server.json`.
    Health,
    /// Exchanges a one-time code for a session.
    Session,
    /// Makes a further one-time code.
    Code,
    /// Carries out a command.
    Rpc,
    /// The stream of events.
    Events,
}

/// How a route is reached and what a request must bring. The exact `Host` is asked of every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its path, in axum's notation.
    pub path: &'static str,
    /// Its only method (`GET` answers `HEAD` too). `POST` means a JSON body.
    pub method: Method,
    /// What the request must prove.
    pub proof: Proof,
    /// Pages of other origins are turned away.
    pub same_origin: bool,
}

/// What a request must prove about its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: the answer holds no secret and changes nothing.
    Nothing,
    /// The body holds a one-time code.
    CodeInBody,
    /// The token of `server.json`.
    Token,
    /// A session, or the token.
    SessionOrToken,
}

impl Route {
    /// All routes.
    pub const ALL: [Self; 7] = [
        Self::Page,
        Self::File,
        Self::Health,
        Self::Session,
        Self::Code,
        Self::Rpc,
        Self::Events,
    ];

    /// The rule of this route.
    pub fn rule(self) -> Rule {
        let (path, method, proof, same_origin) = match self {
            // A page of another origin may link here; what it may not do is read or frame the answer.
            Self::Page => ("/", Method::GET, Proof::Nothing, false),
            Self::File => ("/{*path}", Method::GET, Proof::Nothing, false),
            Self::Health => ("/api/health", Method::GET, Proof::Nothing, false),
            Self::Session => ("/api/session", Method::POST, Proof::CodeInBody, true),
            Self::Code => ("/api/code", Method::POST, Proof::Token, true),
            Self::Rpc => ("/api/rpc/{name}", Method::POST, Proof::SessionOrToken, true),
            Self::Events => ("/api/events", Method::GET, Proof::SessionOrToken, true),
        };
        Rule {
            path,
            method,
            proof,
            same_origin,
        }
    }
}
