//! The `baton` command: check, run, watch and look into workflows without a window.
//!
//! Everything that has to do with runs goes through the same commands as in the window and the browser
//! ([`session`]); checking, printing and exporting files needs no data folder at all ([`source`]).
//!
//! Other programs script against this one: exit codes ([`exit`]), the shapes of `--json` and the words of
//! `docs/cli.md` are a promise.
//!
//! # Invariants
//!
//! * What is asked for goes to standard output; what went wrong goes to standard error.
//! * A reader that goes away (`| head`) ends the printing, never a run.
//! * With `--json`, standard output holds JSON and nothing else.

mod args;
mod commands;
mod exit;
mod out;
mod progress;
mod remote;
mod server_args;
mod session;
mod source;
mod target;
mod target_args;
mod trigger_args;
mod trouble;
mod words;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command};
use crate::exit::Exit;
use crate::out::Out;
use crate::server_args::Serve;
use crate::trouble::Trouble;

/// Long runs are many small values, which this hands out faster than the allocator of most systems.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything else: this may be the guard of a program that a step starts.
    if let Some(guarded) = baton_api::guard::enter() {
        return guarded;
    }
    let arguments = Arguments::parse();
    match &arguments.command {
        Command::Serve(Serve {
            log_format: Some(format),
            ..
        }) => commands::serve_log::start(*format),
        _ => start_log(),
    }
    let is_json = arguments.is_json();
    let result = match &arguments.command {
        Command::Validate(validate) => commands::validate::run(validate, &mut Out::new()),
        Command::Schema(_) => commands::schema::run(&mut Out::new()),
        Command::Fmt(fmt) => commands::fmt::run(fmt, &mut Out::new()),
        Command::Export(export) => commands::export::run(export, &mut Out::new()),
        _ => in_runtime(arguments),
    };
    let exit = result.unwrap_or_else(|trouble| {
        trouble.tell(is_json);
        trouble.exit
    });
    ExitCode::from(exit.code())
}

/// One thread is enough for a command; a server answers many at once.
fn in_runtime(arguments: Arguments) -> Result<Exit, Trouble> {
    let mut builder = if matches!(arguments.command, Command::Serve(_)) {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder
        .enable_all()
        .build()
        .map_err(Trouble::io("the runtime cannot be started"))?;
    let result = runtime.block_on(commands::run(arguments));
    // What was acknowledged is on disk; a task that still blocks (a read of standard input) is not waited for.
    runtime.shutdown_background();
    result
}

/// Writes what happens inside to standard error, if `BATON_LOG` asks for it (`warn`, `baton_engine=debug` …).
fn start_log() {
    if std::env::var_os("BATON_LOG").is_some() {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_env("BATON_LOG"))
            .with_writer(std::io::stderr)
            .init();
    }
}
