//! `baton worker`, and what has to do with runs of a cluster: handed to the program for clusters beside this one.
//!
//! The client of Temporal alone is larger than all of Baton, so it is a program of its own, `baton-temporal`.

use std::ffi::OsString;
use std::process::Command;

use baton_api::{CLUSTER_PROGRAM as PROGRAM, cluster_program};

use crate::args::{Answer, Approve, Cancel, Handed, RunsCommand};
use crate::exit::Exit;
use crate::target::Cluster;
use crate::trouble::Trouble;

/// The variable with the key of a cluster.
pub(crate) const KEY: &str = "BATON_TEMPORAL_API_KEY";

/// Carries on runs of a cluster.
pub(crate) fn worker(args: &Handed) -> Result<Exit, Trouble> {
    hand_over("worker", args.rest.clone(), None)
}

/// Starts a run on a cluster.
pub(crate) fn submit(rest: Vec<OsString>, key: Option<String>) -> Result<Exit, Trouble> {
    hand_over("start", rest, key)
}

/// Answers a question of a run of a cluster.
pub(crate) fn approve(args: &Approve, cluster: &Cluster) -> Result<Exit, Trouble> {
    let answer = match args.answer {
        Answer::Approved => "approved",
        Answer::Rejected => "rejected",
    };
    let mut rest: Vec<OsString> = vec![
        args.run.clone().into(),
        args.step.clone().into(),
        answer.into(),
    ];
    if let Some(comment) = &args.comment {
        rest.extend(["--comment".into(), comment.into()]);
    }
    to_cluster("approve", rest, cluster, args.json)
}

/// Stops a run of a cluster.
pub(crate) fn cancel(args: &Cancel, cluster: &Cluster) -> Result<Exit, Trouble> {
    let mut rest: Vec<OsString> = vec![args.run.clone().into()];
    if let Some(reason) = &args.reason {
        rest.extend(["--reason".into(), reason.into()]);
    }
    if !args.no_undo {
        rest.push("--undo".into());
    }
    to_cluster("cancel", rest, cluster, args.json)
}

/// Looks at runs of a cluster.
pub(crate) fn runs(what: &RunsCommand, cluster: &Cluster) -> Result<Exit, Trouble> {
    let (command, rest, is_json): (_, Vec<OsString>, _) = match what {
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
    to_cluster(command, rest, cluster, is_json)
}

fn to_cluster(
    command: &str,
    mut rest: Vec<OsString>,
    cluster: &Cluster,
    is_json: bool,
) -> Result<Exit, Trouble> {
    rest.extend(cluster.arguments.iter().cloned());
    if is_json {
        rest.push("--json".into());
    }
    hand_over(command, rest, cluster.key.clone())
}

/// The key goes through the environment, which other accounts cannot read.
fn hand_over(command: &str, rest: Vec<OsString>, key: Option<String>) -> Result<Exit, Trouble> {
    let program =
        cluster_program().map_err(|error| Trouble::unusable(error).named("no-temporal-program"))?;
    let mut started = Command::new(program);
    started.arg(command).args(rest);
    if let Some(key) = key {
        started.env(KEY, key);
    }
    become_it(started)
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
