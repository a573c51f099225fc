//! `baton cancel`: stops a run, and takes back what it completed.

use std::collections::BTreeMap;
use std::path::Path;

use baton_api::catalog::Nothing;
use baton_api::headless;
use baton_api::runs::RunCancel;

use crate::args::Cancel;
use crate::commands::follow::Follow;
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::trouble::Trouble;

pub(crate) async fn run(args: Cancel, data: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let session = Session::open(data).await?;
    let result = cancel(&session, args, out).await;
    session.close().await;
    result
}

async fn cancel(session: &Session, args: Cancel, mut out: Out) -> Result<Exit, Trouble> {
    let view = session.find_run(&args.run).await?;
    let run = view.summary.id.clone();
    let request = RunCancel {
        run: run.clone(),
        reason: args.reason,
        undo: !args.no_undo,
    };
    let _: Nothing = session.call("run_cancel", &request).await?;
    match session {
        Session::Own(app) => {
            let follow = Follow::of(out, args.json, &view);
            let carried_out = headless::follow(app, &run, BTreeMap::new(), view.seq, |logged| {
                follow.see(logged)
            });
            match follow.until(app, carried_out).await? {
                // That is what was asked for.
                Exit::Cancelled => Ok(Exit::Success),
                other => Ok(other),
            }
        }
        Session::Other(client) if args.json => {
            out.json(&serde_json::json!({ "run": run, "server": client.url() }));
            Ok(Exit::Success)
        }
        Session::Other(client) => {
            out.line(&format!(
                "✓ Told run {} at {} to stop",
                view.summary.number,
                client.url()
            ));
            Ok(Exit::Success)
        }
    }
}
