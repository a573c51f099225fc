//! `baton resume`: goes on with a run that was interrupted, paused, or waited.

use std::path::Path;

use baton_api::catalog::Nothing;
use baton_api::runs::{RunId, RunStatus};

use crate::args::Resume;
use crate::commands::follow::{Follow, answers};
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::trouble::Trouble;

pub(crate) async fn run(args: Resume, data: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let session = Session::open(data).await?;
    let result = resume(&session, args, out).await;
    session.close().await;
    result
}

async fn resume(session: &Session, args: Resume, out: Out) -> Result<Exit, Trouble> {
    let view = session.find_run(&args.run).await?;
    let run = &view.summary.id;
    let follow = Follow::of(out, args.json, &view);
    if view.status == RunStatus::Paused {
        let resume = RunId { run: run.clone() };
        let _: Nothing = session.call("run_resume", &resume).await?;
    }
    let member = session.member()?;
    let carried_out = member.follow(run, answers(&args.approvals), view.seq, |logged| {
        follow.see(logged);
    });
    follow.until(member, carried_out).await
}
