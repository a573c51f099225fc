//! `baton approve`: answers a question, and goes along with the run, whoever carries it out.

use std::path::Path;

use baton_api::catalog::Nothing;
use baton_api::runs::{ApprovalDecide, RunView};
use baton_api::{ApiError, Code};

use crate::args::Approve;
use crate::commands::cluster;
use crate::commands::follow::{Follow, decision, go_along};
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::target::{self, Target};
use crate::trouble::Trouble;

pub(crate) async fn run(args: Approve, data: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let session = match target::find(&args.there, data).await? {
        None => Session::open(data).await?,
        Some(Target::Server(remote)) => Session::Away(remote),
        Some(Target::Cluster(cluster)) => return cluster::approve(&args, &cluster),
    };
    let result = answer(&session, args, out).await;
    session.close().await;
    result
}

async fn answer(session: &Session, args: Approve, out: Out) -> Result<Exit, Trouble> {
    let view = session.find_run(&args.run).await?;
    let step = asking(&view, &args.step)?;
    let question = view.steps[&step].question.as_ref();
    let decide = ApprovalDecide {
        run: view.summary.id.clone(),
        step,
        decision: decision(args.answer),
        comment: args.comment,
        data: None,
        evidence_digest: question
            .map(|question| question.evidence_digest.clone())
            .unwrap_or_default(),
        by: None,
    };
    let _: Nothing = session.call("approval_decide", &decide).await?;
    let follow = Follow::of(out, args.json, &view);
    let run = &view.summary.id;
    go_along(session, run, view.seq, &follow).await
}

/// The path of the step that is meant: by path, or by id if only one asks.
fn asking(view: &RunView, named: &str) -> Result<String, ApiError> {
    let asking = view
        .steps
        .iter()
        .filter(|(_, step)| step.question.is_some());
    let paths: Vec<&String> = asking.map(|(path, _)| path).collect();
    let by_id = |path: &&&String| path.rsplit('/').next() == Some(named);
    let mut found = paths.iter().filter(by_id);
    match (
        paths.iter().find(|path| **path == named),
        found.next(),
        found.next(),
    ) {
        (Some(path), ..) | (None, Some(path), None) => Ok((*path).clone()),
        (None, Some(_), Some(_)) => Err(ApiError::new(
            Code::BadRequest,
            format!("`{named}` asks more than once"),
        )
        .hint(format!("name one of {}", list(&paths)))),
        (None, None, _) => {
            let number = view.summary.number;
            let error = ApiError::new(
                Code::AlreadyEnded,
                format!("`{named}` of run {number} asks nothing"),
            );
            Err(if paths.is_empty() {
                error.hint("no question is open there; `baton runs show` says where the run stands")
            } else {
                error.hint(format!("open questions: {}", list(&paths)))
            })
        }
    }
}

fn list(paths: &[&String]) -> String {
    paths
        .iter()
        .map(|path| format!("`{path}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
