//! `baton raise`: allows a run more of a budget, and goes on with it.

use std::collections::BTreeMap;
use std::path::Path;

use baton_api::baton_core::duration::parse_ms;
use baton_api::baton_core::machine::Budget;
use baton_api::baton_core::size::parse_bytes;
use baton_api::catalog::Nothing;
use baton_api::limits::RunRaise;
use baton_api::{ApiError, Code};

use crate::args::Raise;
use crate::commands::follow::Follow;
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::trouble::Trouble;

pub(crate) async fn run(args: Raise, data: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let raises = raises(&args)?;
    let session = Session::open(data).await?;
    let result = raise(&session, &args, raises, out).await;
    session.close().await;
    result
}

/// What is asked for, read.
fn raises(args: &Raise) -> Result<Vec<(Budget, u64)>, ApiError> {
    let wrong = |message: String| {
        let (what, hint) = message
            .split_once(": ")
            .unwrap_or((&message, "write it anew"));
        ApiError::new(Code::BadRequest, what).hint(hint)
    };
    let bytes = |text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| parse_bytes(text).map_err(wrong))
            .transpose()
    };
    let wall_time = args.wall_time.as_deref();
    let wall_time = wall_time
        .map(|text| parse_ms(text).map(i64::unsigned_abs).map_err(wrong))
        .transpose()?;
    let all = [
        (Budget::Steps, args.steps),
        (Budget::Iterations, args.iterations),
        (Budget::Depth, args.depth),
        (Budget::Payload, bytes(&args.payload)?),
        (Budget::RunPayload, bytes(&args.run_payload)?),
        (Budget::Memory, bytes(&args.memory)?),
        (Budget::WallTime, wall_time),
    ];
    let asked = all.into_iter();
    Ok(asked
        .filter_map(|(budget, limit)| Some((budget, limit?)))
        .collect())
}

async fn raise(
    session: &Session,
    args: &Raise,
    raises: Vec<(Budget, u64)>,
    out: Out,
) -> Result<Exit, Trouble> {
    let view = session.find_run(&args.run).await?;
    let run = view.summary.id.clone();
    for (budget, limit) in raises {
        let request = RunRaise {
            run: run.clone(),
            budget,
            limit,
        };
        let _: Nothing = session.call("run_raise", &request).await?;
    }
    let follow = Follow::of(out, args.json, &view);
    let member = session.member()?;
    let carried_out = member.follow(&run, BTreeMap::new(), view.seq, |logged| follow.see(logged));
    follow.until(member, carried_out).await
}
