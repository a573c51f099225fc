//! `baton-temporal`: the worker, and the program through which others speak with a cluster.
//!
//! The desktop and the `baton` command start it and read its lines: with `--json`, standard output holds JSON and
//! nothing else, and errors are one line of JSON on standard error.
#![warn(missing_docs)]

mod args;
mod commands;
mod out;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Arguments;

fn main() -> ExitCode {
    // Before anything else: this may be the guard of a program that a step starts.
    if let Some(guarded) = baton_temporal::guard::enter() {
        return guarded;
    }
    let arguments = Arguments::parse();
    if std::env::var_os("BATON_LOG").is_some() {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_env("BATON_LOG"))
            .with_writer(std::io::stderr)
            .init();
    }
    let is_json = arguments.at.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            out::trouble(
                is_json,
                &baton_temporal::error::ClusterError::new(
                    "runtime",
                    format!("the runtime cannot be started: {error}"),
                    "close other programs, and try again",
                ),
            );
            return ExitCode::from(2);
        }
    };
    let code = runtime
        .block_on(commands::run(arguments))
        .unwrap_or_else(|error| {
            out::trouble(is_json, &error);
            match error.code.as_str() {
                "refused" | "already-ended" | "run-unknown" | "run-exists" | "step-unknown" => 1,
                _ => 2,
            }
        });
    runtime.shutdown_background();
    ExitCode::from(code)
}
