//! `baton triggers next`: when schedules fire, from a file, an expression, or those that are active.

use std::path::Path;

use baton_api::baton_core::schedule::Schedule;
use baton_api::triggers::DueInstant;
use baton_api::{ApiError, Code};
use serde_json::{Map, Value, json};

use super::{all, shown};
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::source;
use crate::trigger_args::TriggersNext;
use crate::trouble::Trouble;

/// Name of a schedule and its settings.
type Named = (String, Map<String, Value>);

pub(crate) async fn run(
    args: TriggersNext,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let settings = |name: &str, value: &str| {
        let mut settings = Map::new();
        settings.insert(name.to_owned(), value.into());
        if let Some(zone) = &args.zone {
            settings.insert("timeZone".to_owned(), zone.as_str().into());
        }
        vec![(value.to_owned(), settings)]
    };
    let schedules = match (&args.cron, &args.every, &args.file) {
        (Some(cron), _, _) => settings("cron", cron),
        (None, Some(every), _) => settings("every", every),
        (None, None, Some(file)) => of_file(file)?,
        (None, None, None) => {
            // What is active was checked when it was activated; the next instant is known already.
            let (listed, _) = all(data).await?;
            let mut next: Vec<_> = listed
                .triggers
                .into_iter()
                .filter_map(|trigger| Some((trigger.next?, trigger.workflow, trigger.trigger)))
                .collect();
            next.sort_by_key(|(due, ..)| due.at);
            for (due, workflow, trigger) in next.iter().take(args.count as usize) {
                if args.json {
                    out.json(&json!({ "workflow": workflow, "trigger": trigger, "next": due }));
                } else {
                    out.line(&format!("{}  {workflow}/{trigger}", shown::due(due)));
                }
            }
            if next.is_empty() && !args.json {
                out.line("No schedule is active");
            }
            return Ok(Exit::Success);
        }
    };
    let now = baton_api::now();
    for (name, settings) in schedules {
        let schedule = Schedule::read(&settings).map_err(|errors| {
            let first = errors.into_iter().next();
            let (message, hint) =
                first.map_or_else(Default::default, |error| (error.message, error.hint));
            Trouble::unusable(
                ApiError::new(Code::Invalid, format!("`{name}`: {message}")).hint(hint),
            )
        })?;
        let next: Vec<DueInstant> = schedule
            .next(now, args.count as usize)
            .into_iter()
            .map(|due| DueInstant {
                at: due.at,
                local: due.local,
                offset: due.offset,
            })
            .collect();
        if args.json {
            out.json(&json!({ "schedule": name, "next": next }));
            continue;
        }
        let name = out.tone(Tone::Strong, &name);
        out.line(&name);
        for due in &next {
            out.line(&format!("  {}", shown::due(due)));
        }
        if next.is_empty() {
            out.line("  never again");
        }
    }
    Ok(Exit::Success)
}

fn of_file(file: &Path) -> Result<Vec<Named>, Trouble> {
    let source = source::read(file)?;
    let all: Vec<Named> = source
        .parsed
        .workflow
        .triggers
        .into_iter()
        .filter(|trigger| trigger.kind == "schedule")
        .map(|trigger| (trigger.id, trigger.with))
        .collect();
    if all.is_empty() {
        let message = format!("`{}` has no schedule", source.name);
        return Err(Trouble::unusable(
            ApiError::new(Code::Invalid, message).hint("add a trigger of the kind `schedule`"),
        ));
    }
    Ok(all)
}
