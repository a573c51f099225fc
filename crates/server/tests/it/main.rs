//! The server from outside: every request is written by hand over a socket, as a hostile page would like to.
#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails fails the test that called it"
)]

mod commands;
mod encryption;
mod events;
mod files;
mod life;
mod matrix;
mod sessions;
mod support;
mod team;
