//! `baton submit`: starts a run elsewhere, on another Baton or a Temporal cluster.

use std::ffi::OsString;
use std::path::Path;

use baton_api::baton_core::elsewhere;
use baton_api::runs::{RunStart, RunStarted};
use baton_api::{ApiError, Code};
use clap::{CommandFactory, Parser};
use serde_json::{Map, Value, json};

use crate::args::Handed;
use crate::commands::cluster;
use crate::commands::follow::{Follow, go_along};
use crate::commands::run::refuse_problems;
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::source;
use crate::target::{self, Target};
use crate::target_args::{Submit, There};
use crate::trouble::{Trouble, note};

pub(crate) async fn run(args: &Handed, data: Option<&Path>, mut out: Out) -> Result<Exit, Trouble> {
    if asks_for_help(&args.rest) {
        out.write(&Submit::command().render_help().to_string());
        return Ok(Exit::Success);
    }
    let Some(named) = target_of(&args.rest) else {
        return cluster::submit(args.rest.clone(), None);
    };
    if named.starts_with("temporal://") {
        return cluster::submit(args.rest.clone(), None);
    }
    if named.contains("://") {
        // What was typed is looked at before anybody is reached.
        let submit = parsed(&args.rest)?;
        return to_server(submit, data, out).await;
    }
    let there = There {
        target: Some(named),
        ..There::default()
    };
    match target::find(&there, data).await? {
        Some(Target::Cluster(cluster)) => {
            let mut rest = without_target(&args.rest);
            rest.extend(cluster.arguments);
            cluster::submit(rest, cluster.key)
        }
        Some(Target::Server(_)) | None => to_server(parsed(&args.rest)?, data, out).await,
    }
}

async fn to_server(args: Submit, data: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let source = source::read(&args.file)?;
    refuse_problems(&source)?;
    let input = match &args.input {
        Some(input) => source::json_argument(input)?,
        None => Value::Object(Map::new()),
    };
    let Some(Target::Server(remote)) = target::find(&args.there, data).await? else {
        let message = "a Baton that serves is needed here";
        return Err(ApiError::new(Code::BadRequest, message)
            .hint("name a target or an address with `--target`")
            .into());
    };
    let document = source.parsed.workflow;
    for problem in elsewhere::on_server(&document) {
        let hint = problem.hint.map(|hint| format!(": {hint}"));
        note(&format!("{}{}", problem.message, hint.unwrap_or_default()));
    }
    let url = remote.url().to_owned();
    let session = Session::Away(remote);
    let start = RunStart {
        document,
        path: None,
        input,
        work_dir: None,
    };
    let RunStarted { run } = session.call("run_start", &start).await?;
    let done = if args.watch {
        let follow = Follow::new(out, args.json, start.document);
        go_along(&session, &run, 0, &follow).await
    } else {
        said(&session, &run, &url, args.json, out).await
    };
    session.close().await;
    done
}

async fn said(
    session: &Session,
    run: &str,
    url: &str,
    is_json: bool,
    mut out: Out,
) -> Result<Exit, Trouble> {
    let number = session.find_run(run).await?.summary.number;
    if is_json {
        out.json(&json!({ "run": run, "number": number, "server": url }));
    } else {
        out.line(&format!("✓ run {number} was started at {url}"));
        out.line(&format!("  id       {run}"));
    }
    Ok(Exit::Success)
}

/// As it was typed for a server. What is wrong with it is said as for every other command.
fn parsed(rest: &[OsString]) -> Result<Submit, Trouble> {
    let typed = std::iter::once(OsString::from("baton submit")).chain(rest.iter().cloned());
    Submit::try_parse_from(typed).map_err(|error| error.exit())
}

fn asks_for_help(rest: &[OsString]) -> bool {
    rest.is_empty() || rest.iter().any(|word| word == "--help" || word == "-h")
}

/// What `--target` says.
fn target_of(rest: &[OsString]) -> Option<String> {
    let mut words = rest.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        if word == "--target" {
            return words.next().map(std::borrow::Cow::into_owned);
        }
        if let Some(named) = word.strip_prefix("--target=") {
            return Some(named.to_owned());
        }
    }
    None
}

/// The rest, for a target that is told in other words.
fn without_target(rest: &[OsString]) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text == "--target" {
            words.next();
        } else if !text.starts_with("--target=") {
            kept.push(word.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_target_is_found_wherever_it_stands() {
        for typed in ["a.json --target Prod --json", "--target=Prod a.json --json"] {
            assert_eq!(target_of(&words(typed)).as_deref(), Some("Prod"));
            assert_eq!(without_target(&words(typed)), words("a.json --json"));
        }
        assert_eq!(target_of(&words("a.json --target")), None);
        assert_eq!(target_of(&words("a.json --temporal localhost:1")), None);
    }
}
