//! `baton settle`: says what became of a step that was interrupted while it may have acted.

use std::collections::BTreeMap;
use std::path::Path;

use baton_api::baton_core::machine::Settlement;
use baton_api::catalog::Nothing;
use baton_api::runs::{RunSettle, RunView};
use baton_api::{ApiError, Code};
use serde_json::Value;

use crate::args::{Became, Settle};
use crate::commands::follow::Follow;
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::source;
use crate::trouble::Trouble;

pub(crate) async fn run(args: Settle, data: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let answer = settlement(&args)?;
    let session = Session::open(data).await?;
    let result = settle(&session, args, answer, out).await;
    session.close().await;
    result
}

fn settlement(args: &Settle) -> Result<Settlement, Trouble> {
    let output = match &args.output {
        Some(given) => source::json_argument(given)?,
        None => Value::Null,
    };
    match args.became {
        Became::Done => Ok(Settlement::Done { output }),
        Became::NotDone | Became::Again if args.output.is_some() => {
            let error = ApiError::new(Code::BadRequest, "only a step that was done has an output");
            Err(Trouble::unusable(
                error.hint("leave `--output` out, or say `done`"),
            ))
        }
        Became::NotDone => Ok(Settlement::NotDone),
        Became::Again => Ok(Settlement::RunAgain),
    }
}

async fn settle(
    session: &Session,
    args: Settle,
    answer: Settlement,
    out: Out,
) -> Result<Exit, Trouble> {
    let view = session.find_run(&args.run).await?;
    let request = RunSettle {
        run: view.summary.id.clone(),
        step: in_question(&view, &args.step),
        answer,
    };
    let _: Nothing = session.call("run_settle", &request).await?;
    let follow = Follow::of(out, args.json, &view);
    let run = &view.summary.id;
    let member = session.member()?;
    let carried_out = member.follow(run, BTreeMap::new(), view.seq, |logged| follow.see(logged));
    follow.until(member, carried_out).await
}

/// The path of the step that is meant, by path or by its id; the engine refuses what is not in question.
fn in_question(view: &RunView, named: &str) -> String {
    if view.steps.contains_key(named) {
        return named.to_owned();
    }
    let mut by_id = view
        .steps
        .keys()
        .filter(|path| path.rsplit('/').next() == Some(named));
    match (by_id.next(), by_id.next()) {
        (Some(path), None) => path.clone(),
        _ => named.to_owned(),
    }
}
