//! `baton resume`: goes on with a run that was interrupted, paused, or waited.

use std::path::Path;

use baton_api::runs::{RunId, RunStatus};
use baton_api::{App, headless};

use crate::args::Resume;
use crate::commands::follow::{Follow, answers};
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::trouble::Trouble;

pub(crate) async fn run(args: Resume, data: Option<&Path>, mut out: Out) -> Result<Exit, Trouble> {
    let session = Session::open(data).await?;
    let result = match &session {
        Session::Own(app) => here(app, &session, args, out).await,
        Session::Other(client) => {
            let run = session.find_run(&args.run).await?;
            out.line(&format!(
                "Run {} goes on at {}",
                run.summary.number,
                client.url()
            ));
            Ok(Exit::Success)
        }
    };
    session.close().await;
    result
}

async fn here(app: &App, session: &Session, args: Resume, out: Out) -> Result<Exit, Trouble> {
    let view = session.find_run(&args.run).await?;
    let run = &view.summary.id;
    let follow = Follow::of(out, args.json, &view);
    if view.status == RunStatus::Paused {
        baton_api::run_resume(app, RunId { run: run.clone() }).await?;
    }
    let approvals = answers(&args.approvals);
    let carried_out = headless::follow(app, run, approvals, view.seq, |logged| follow.see(logged));
    follow.until(app, carried_out).await
}
