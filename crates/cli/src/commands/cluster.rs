//! `baton worker`, `baton submit` and `baton runs --target`: handed to the program for clusters beside this one.
//!
//! The client of Temporal alone is larger than all of Baton, so it is a program of its own, `baton-temporal`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use baton_api::{ApiError, Code};

use crate::args::{Handed, Runs, RunsCommand};
use crate::exit::Exit;
use crate::trouble::Trouble;

const PROGRAM: &str = "baton-temporal";

/// Carries on runs of a cluster.
pub(crate) fn worker(args: &Handed) -> Result<Exit, Trouble> {
    hand_over("worker", args.rest.clone())
}

/// Starts a run on a cluster.
pub(crate) fn submit(args: &Handed) -> Result<Exit, Trouble> {
    hand_over("start", args.rest.clone())
}

/// Looks at runs of a cluster.
pub(crate) fn runs(args: &Runs, target: &str) -> Result<Exit, Trouble> {
    let (command, mut rest, is_json): (_, Vec<OsString>, _) = match &args.what {
        RunsCommand::List(list) => {
            let mut rest = vec!["--limit".into(), list.limit.to_string().into()];
            if let Some(workflow) = &list.workflow {
                let query = format!("BatonWorkflow = '{}'", workflow.replace('\'', ""));
                rest.extend(["--query".into(), query.into()]);
            }
            ("list", rest, list.json)
        }
        RunsCommand::Show(one) => ("history", vec![one.run.clone().into()], one.json),
        RunsCommand::Events(one) => (
            "history",
            vec![one.run.clone().into(), "--events".into()],
            one.json,
        ),
    };
    rest.extend(["--target".into(), target.into()]);
    if is_json {
        rest.push("--json".into());
    }
    hand_over(command, rest)
}

fn hand_over(command: &str, rest: Vec<OsString>) -> Result<Exit, Trouble> {
    let program = find().ok_or_else(|| {
        let words = format!("the program `{PROGRAM}` is neither beside this one nor in `PATH`");
        Trouble::unusable(ApiError::new(Code::NotFound, words).hint(
            "it is built apart from the rest: `cargo build --release -p baton-temporal`; then put it beside `baton`",
        ))
        .named("no-temporal-program")
    })?;
    let mut started = Command::new(program);
    started.arg(command).args(rest);
    become_it(started)
}

fn find() -> Option<PathBuf> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let here = std::env::current_exe().ok()?;
    let beside = here.parent().map(|folder| folder.join(&name));
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&paths).map(|folder| folder.join(&name));
    beside
        .into_iter()
        .chain(in_path)
        .find(|path| path.is_file())
}

/// Signals reach it, and its exit code is that of this program.
#[cfg(unix)]
fn become_it(mut started: Command) -> Result<Exit, Trouble> {
    use std::os::unix::process::CommandExt as _;
    let what = format!("`{PROGRAM}` cannot be started");
    Err(Trouble::io(&what)(started.exec()))
}

#[cfg(not(unix))]
fn become_it(mut started: Command) -> Result<Exit, Trouble> {
    let what = format!("`{PROGRAM}` cannot be started");
    let ended = started.status().map_err(Trouble::io(&what))?;
    Ok(match ended.code() {
        Some(0) => Exit::Success,
        Some(2) => Exit::Unusable,
        Some(3) => Exit::Cancelled,
        Some(4) => Exit::Waiting,
        _ => Exit::Failure,
    })
}
