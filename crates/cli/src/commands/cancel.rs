//! `baton cancel`: stops a run, and takes back what it completed.

use std::path::Path;

use baton_api::catalog::Nothing;
use baton_api::runs::RunCancel;

use crate::args::Cancel;
use crate::commands::cluster;
use crate::commands::follow::{Follow, go_along};
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::target::{self, Target};
use crate::trouble::Trouble;

pub(crate) async fn run(args: Cancel, data: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let session = match target::find(&args.there, data).await? {
        None => Session::open(data).await?,
        Some(Target::Server(remote)) => Session::Away(remote),
        Some(Target::Cluster(cluster)) => return cluster::cancel(&args, &cluster),
    };
    let result = cancel(&session, args, out).await;
    session.close().await;
    result
}

async fn cancel(session: &Session, args: Cancel, out: Out) -> Result<Exit, Trouble> {
    let view = session.find_run(&args.run).await?;
    let run = view.summary.id.clone();
    let request = RunCancel {
        run: run.clone(),
        reason: args.reason,
        undo: !args.no_undo,
    };
    let _: Nothing = session.call("run_cancel", &request).await?;
    let follow = Follow::of(out, args.json, &view);
    match go_along(session, &run, view.seq, &follow).await? {
        // That is what was asked for.
        Exit::Cancelled => Ok(Exit::Success),
        other => Ok(other),
    }
}
