//! `baton limits`: shows the limits of the data folder, and changes them.

use std::path::Path;

use baton_api::baton_core::duration::format_ms;
use baton_api::baton_core::machine::Budget;
use baton_api::baton_core::size::format_bytes;
use baton_api::catalog::Nothing;
use baton_api::limits::LimitsView;
use baton_api::{ApiError, Code};
use serde_json::Value;

use crate::args::Limits;
use crate::exit::Exit;
use crate::out::Out;
use crate::session::Session;
use crate::source;
use crate::trouble::Trouble;

pub(crate) async fn run(
    args: &Limits,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let change = args.set.as_deref().map(source::json_argument).transpose()?;
    let session = Session::open(data).await?;
    let view = match change {
        Some(change) => set(&session, change).await,
        None => session.call("limits_get", &Nothing {}).await,
    };
    session.close().await;
    let view = view?;
    if args.json {
        out.json(&view.limits);
    } else {
        print(&view, out);
    }
    Ok(Exit::Success)
}

/// What is given replaces what is kept, field by field.
async fn set(session: &Session, change: Value) -> Result<LimitsView, Trouble> {
    let kept: LimitsView = session.call("limits_get", &Nothing {}).await?;
    let mut limits = serde_json::to_value(kept.limits)
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    let Value::Object(change) = change else {
        return Err(ApiError::new(Code::BadRequest, "the limits are no object")
            .hint("write `{ \"concurrency\": 4 }`; `baton limits --json` shows all fields")
            .into());
    };
    for (name, value) in change {
        match (limits.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(fields)) => known.extend(fields),
            (Some(known), value) => *known = value,
            (None, _) => {
                let message = format!("there is no limit `{name}`");
                return Err(ApiError::new(Code::BadRequest, message)
                    .hint("`baton limits --json` shows all fields")
                    .into());
            }
        }
    }
    session.call("limits_set", &limits).await
}

fn print(view: &LimitsView, out: &mut Out) {
    let limits = &view.limits;
    out.line("A run pauses and asks beyond:");
    for budget in Budget::ALL {
        let name = match budget {
            Budget::Steps => "steps started",
            Budget::Iterations => "iterations of a loop",
            Budget::Depth => "sub-workflows below one another",
            Budget::Payload => "one value",
            Budget::RunPayload => "all values and tables",
            Budget::Memory => "values in memory",
            Budget::WallTime => "time",
        };
        let own = limits.run.get(budget);
        let words = match own.or(view.built_in.run.get(budget)) {
            Some(limit) => budget.words(limit),
            None => "no limit".to_owned(),
        };
        out.line(&format!("  {name:<32} {words}"));
    }
    let window = limits.run.in_flight.or(view.built_in.run.in_flight);
    out.line(&format!(
        "  {:<32} {} at a time",
        "iterations in flight",
        window.unwrap_or_default()
    ));
    out.line("At the same time, of all runs together:");
    out.line(&format!("  {:<32} {}", "steps", limits.concurrency));
    for (kind, count) in &limits.kinds {
        out.line(&format!("  {kind:<32} {count}"));
    }
    for (name, resource) in &limits.resources {
        let parallel = resource.parallel.map(|count| format!("{count} at a time"));
        let rate = resource
            .rate
            .as_ref()
            .map(|rate| format!("{} per {}", rate.count, format_ms(i64::from(rate.per_ms))));
        let words: Vec<String> = [parallel, rate].into_iter().flatten().collect();
        let name = format!("resource `{name}`");
        out.line(&format!("  {name:<32} {}", words.join(", ")));
    }
    let disk = &limits.disk;
    out.line("Free on the disk of the data folder:");
    out.line(&format!(
        "  {:<32} {} or {} %",
        "a warning below",
        format_bytes(disk.warn),
        disk.warn_percent
    ));
    for (name, bytes) in [
        ("no step begins below", disk.pause),
        ("no run begins below", disk.read_only),
        ("ballast", disk.ballast),
    ] {
        out.line(&format!("  {name:<32} {}", format_bytes(bytes)));
    }
}
