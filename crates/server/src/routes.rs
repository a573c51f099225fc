//! Every route with the proof and the role that it wants: the only list there is.

use axum::http::Method;
use baton_api::Role;

/// What a request can ask of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The start page of the UI.
    Page,
    /// A file of the UI.
    File,
    /// Whether Baton answers, and whether it is the one that wrote `server.json`.
    Health,
    /// Whether the process lives, for programs that watch it.
    Live,
    /// Whether it can take work, for programs that watch it.
    Ready,
    /// Exchanges a one-time code for a session.
    Session,
    /// Exchanges the token of a user for a session.
    SignIn,
    /// Ends the session.
    SignOut,
    /// Makes a further one-time code.
    Code,
    /// Carries out a command.
    Rpc,
    /// The stream of events.
    Events,
    /// What the server did, in numbers.
    Metrics,
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
    /// What a user needs. `None`: nothing more than the proof; a command has a role of its own.
    pub role: Option<Role>,
}

/// What a request must prove about its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: the answer holds no secret and changes nothing.
    Nothing,
    /// The body holds a one-time code.
    CodeInBody,
    /// The body holds the token of a user.
    TokenInBody,
    /// The token of `server.json`: only the account that the server runs in can read it.
    Token,
    /// A session, the token of a user, or that of `server.json`.
    SessionOrToken,
}

impl Route {
    /// All routes.
    pub const ALL: [Self; 12] = [
        Self::Page,
        Self::File,
        Self::Health,
        Self::Live,
        Self::Ready,
        Self::Session,
        Self::SignIn,
        Self::SignOut,
        Self::Code,
        Self::Rpc,
        Self::Events,
        Self::Metrics,
    ];

    /// The rule of this route.
    pub fn rule(self) -> Rule {
        use Proof::{CodeInBody, Nothing, SessionOrToken, Token, TokenInBody};
        let (path, method, proof, same_origin, role) = match self {
            // A page of another origin may link here; what it may not do is read or frame the answer.
            Self::Page => ("/", Method::GET, Nothing, false, None),
            Self::File => ("/{*path}", Method::GET, Nothing, false, None),
            Self::Health => ("/api/health", Method::GET, Nothing, false, None),
            Self::Live => ("/healthz", Method::GET, Nothing, false, None),
            Self::Ready => ("/readyz", Method::GET, Nothing, false, None),
            Self::Session => ("/api/session", Method::POST, CodeInBody, true, None),
            Self::SignIn => ("/api/sign-in", Method::POST, TokenInBody, true, None),
            Self::SignOut => ("/api/sign-out", Method::POST, SessionOrToken, true, None),
            Self::Code => ("/api/code", Method::POST, Token, true, Some(Role::Admin)),
            Self::Rpc => ("/api/rpc/{name}", Method::POST, SessionOrToken, true, None),
            Self::Events => {
                let role = Some(Role::View);
                ("/api/events", Method::GET, SessionOrToken, true, role)
            }
            Self::Metrics => {
                let role = Some(Role::View);
                ("/metrics", Method::GET, SessionOrToken, true, role)
            }
        };
        Rule {
            path,
            method,
            proof,
            same_origin,
            role,
        }
    }
}
