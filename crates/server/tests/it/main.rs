//! The server from outside: every request is written by hand over a socket, as a hostile page would like to.

mod commands;
mod events;
mod files;
mod life;
mod matrix;
mod sessions;
mod support;
