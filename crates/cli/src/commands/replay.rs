//! `baton replay`: steps through a run again. Nothing is carried out; the log is read.

use std::path::Path;

use baton_api::runs::{RunEventList, RunEvents, RunGet, RunView};
use baton_api::{ApiError, Code};
use serde_json::json;

use crate::args::Replay;
use crate::commands::runs::{print, shown};
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::session::Session;
use crate::trouble::Trouble;
use crate::words::duration;

/// Events that are read at once.
const PAGE: u32 = 5_000;

pub(crate) async fn run(args: Replay, data: Option<&Path>, out: &mut Out) -> Result<Exit, Trouble> {
    let session = Session::look(data).await?;
    let result = replay(&session, &args, out).await;
    session.close().await;
    result
}

async fn replay(session: &Session, args: &Replay, out: &mut Out) -> Result<Exit, Trouble> {
    let now = session.find_run(&args.run).await?;
    let (run, last) = (now.summary.id, now.summary.seq);
    let until = args.until.unwrap_or(last);
    if until > last {
        let message = format!("run {} has {last} events, not {until}", now.summary.number);
        let hint = format!("name an event from 1 to {last}");
        return Err(ApiError::new(Code::BadRequest, message).hint(hint).into());
    }
    let mut after = 0;
    while after < until {
        let limit = Some(PAGE.min(until - after));
        let request = RunEvents {
            run: run.clone(),
            after: Some(after),
            limit,
        };
        let page: RunEventList = session.call("run_events", &request).await?;
        let Some(end) = page.events.last() else { break };
        after = end.logged.seq;
        for line in &page.events {
            if args.json {
                out.json(line);
            } else {
                let since = format!("+{}", duration(line.logged.at - now.summary.started_at));
                let since = out.tone(Tone::Quiet, &format!("{since:>12}"));
                out.line(&format!(
                    "{:>5} {since}  {}",
                    line.logged.seq,
                    shown(&line.text)
                ));
            }
        }
    }
    let then: RunView = session
        .call(
            "run_get",
            &RunGet {
                run,
                seq: Some(until),
                bodies: None,
            },
        )
        .await?;
    if args.json {
        out.json(&json!({
            "run": then.summary.id,
            "seq": then.seq,
            "status": then.status,
            "steps": then.steps,
            "edges": then.edges,
            "outputs": then.outputs,
        }));
    } else {
        out.line("");
        print(&then, out);
    }
    Ok(Exit::Success)
}
