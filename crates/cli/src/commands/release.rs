//! `baton release`: lets a run go on that was set aside, or that safe mode keeps.

use std::collections::BTreeMap;
use std::path::Path;

use baton_api::catalog::Nothing;
use baton_api::runs::RunId;

use crate::args::OneRun;
use crate::commands::follow::Follow;
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::trouble::Trouble;

pub(crate) async fn run(args: OneRun, data: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let session = Session::open(data).await?;
    let result = release(&session, &args, out).await;
    session.close().await;
    result
}

async fn release(session: &Session, args: &OneRun, out: Out) -> Result<Exit, Trouble> {
    let view = session.find_run(&args.run).await?;
    let run = view.summary.id.clone();
    let _: Nothing = session
        .call("run_release", &RunId { run: run.clone() })
        .await?;
    let follow = Follow::of(out, args.json, &view);
    let member = session.member()?;
    let carried_out = member.follow(&run, BTreeMap::new(), view.seq, |logged| follow.see(logged));
    follow.until(member, carried_out).await
}
