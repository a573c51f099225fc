//! The `baton` program from outside: every command, every exit code, every shape of `--json`.
#![expect(
    clippy::unwrap_used,
    reason = "a helper that fails fails the test that called it"
)]

mod away;
mod bad_input;
mod breaker;
mod children;
mod data_folder;
mod encrypted;
mod files;
mod history;
mod hooks;
mod interrupts;
mod keeping;
mod limits;
mod owners;
mod runs;
mod serving;
mod support;
mod team;
mod triggers;
