//! `baton workflows`: what was pushed to a server, or here, with its revisions.

use std::path::Path;

use baton_api::catalog::Nothing;
use baton_api::revisions::{KeptLine, KeptListed, RevisionLine, RevisionsListed, WorkflowNamed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::exit::Exit;
use crate::out::Out;
use crate::remote;
use crate::server_args::Workflows;
use crate::session::Session;
use crate::trouble::Trouble;
use crate::words;

pub(crate) async fn run(
    args: Workflows,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    match &args.workflow {
        Some(workflow) => {
            let request = WorkflowNamed {
                workflow: workflow.clone(),
            };
            let listed: RevisionsListed = ask(&args, data, "workflow_revisions", &request).await?;
            if args.json {
                out.json(&listed);
            } else {
                listed.revisions.iter().for_each(|line| revision(line, out));
            }
        }
        None => {
            let listed: KeptListed = ask(&args, data, "workflow_kept", &Nothing {}).await?;
            if args.json {
                out.json(&listed);
            } else if listed.workflows.is_empty() {
                out.line("No workflow was pushed there yet: `baton push FILE --to URL`");
            } else {
                listed.workflows.iter().for_each(|line| kept(line, out));
            }
        }
    }
    Ok(Exit::Success)
}

async fn ask<Q: Serialize, A: DeserializeOwned>(
    args: &Workflows,
    data: Option<&Path>,
    name: &str,
    request: &Q,
) -> Result<A, Trouble> {
    if let Some(url) = &args.from {
        let remote = remote::open(url, &args.way).await?;
        return Ok(remote.call(name, request).await?);
    }
    let session = Session::look(data).await?;
    let answer = session.call(name, request).await;
    session.close().await;
    answer
}

fn revision(line: &RevisionLine, out: &mut Out) {
    out.line(&format!(
        "{:>5}  {}  {:<16} {}",
        line.revision,
        words::instant(line.pushed_at),
        line.pushed_by,
        line.digest.get(..12).unwrap_or(&line.digest)
    ));
}

fn kept(line: &KeptLine, out: &mut Out) {
    let triggers = match (line.triggers, line.is_behind) {
        (0, _) => "no trigger acts".to_owned(),
        (count, false) => format!("{count} triggers act"),
        (count, true) => format!("{count} triggers act, in another version"),
    };
    out.line(&format!(
        "{:<28} revision {:<4} {} by {}, {triggers}",
        line.last.workflow,
        line.last.revision,
        words::instant(line.last.pushed_at),
        line.last.pushed_by
    ));
}
