//! Serves Baton to browsers and programs: the same UI and the same commands as the window. Either for the person whose
//! account this is, on loopback; or for a team, whose users come with tokens and roles.
//!
//! A browser is a hostile neighbour: any page that it shows can send requests to loopback. So nothing is
//! allowed because it comes from this machine; every request must prove something. What, is one typed list:
//! [`Route`]. A route without a rule does not compile.
//!
//! ```text
//!   every request ─► Host exact? ─► route ─► Origin? ─► JSON? ─► token or session? ─► role? ─► handler
//!                    421            404/405  403        415      401                  403
//! ```
//!
//! * For a team, a user proves who they are with their token, in `Authorization: Bearer` or, from the page, once for a
//!   session. With every request it is asked again whether the token is still good, and what its user may do; the role
//!   that a command needs stands in the list of commands, and `baton-api` looks at it.
//! * For a person, programs read the token from `server.json` in the data folder (mode 0600) and send `Authorization: Bearer`.
//! * A browser gets a link whose *fragment* holds a code (60 s, once), and exchanges it for a session that it
//!   sends as `X-Baton-Session`. No cookies: those of one port are sent to every other port of the machine.
//!   No secret in a query: those end up in histories and logs.
//!
//! # Invariants
//!
//! * Without encryption, only loopback addresses are bound, and never by a wildcard.
//! * No answer carries a CORS header.
//! * A refused request has not been read beyond its head, and never reached a [`Backend`].
//!
//! Start reading at [`Route`]; the order of checks is in `guard`.
#![warn(missing_docs)]

mod access;
mod attempts;
mod backend;
mod connections;
mod guard;
mod handlers;
mod metrics;
mod reply;
mod routes;
mod server;
mod team;
mod tls;
mod ui_files;

pub use backend::Backend;
pub use routes::{Proof, Route, Rule};
pub use server::{Config, FILE_NAME, ServeError, Server};
pub use team::{Team, TeamError};
pub use tls::{TlsError, TlsFiles};
pub use ui_files::find_ui;
