//! Triggers that can never fire.

use serde_json::Value;

use crate::document::Trigger;
use crate::problem::{Place, Problem, Severity};
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["unknown-trigger", "cron", "time-zone", "trigger-setting"],
    severity: Severity::Error,
    summary: "A trigger says when it fires.",
    check,
};

/// The kinds of triggers.
const KINDS: [&str; 5] = ["schedule", "file", "webhook", "workflow_finished", "manual"];

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    for trigger in &context.workflow.triggers {
        let mut report = |code: &str, field: &str, message: String, hint: String| {
            let place = Place {
                field: Some(field.to_owned()),
                ..Place::trigger(&trigger.id)
            };
            problems.push(Problem::new(code, Severity::Error, place, message).hint(hint));
        };
        match trigger.kind.as_str() {
            "schedule" => {
                let cron = text(trigger, &["cron"]).unwrap_or_default();
                if let Err(why) = look_at_cron(cron) {
                    let hint = "five fields: minute, hour, day, month, weekday; `0 6 * * 1-5` is 6:00 on workdays";
                    report("cron", "cron", why, hint.to_owned());
                }
                if let Some(zone) = trigger.with.get("timeZone")
                    && !zone.as_str().is_some_and(is_zone)
                {
                    let zone = zone
                        .as_str()
                        .map_or_else(|| zone.to_string(), str::to_owned);
                    let hint = "write a name such as `Europe/Berlin` or `UTC`".to_owned();
                    report(
                        "time-zone",
                        "timeZone",
                        format!("`{zone}` is no time zone"),
                        hint,
                    );
                }
            }
            "file" => {
                if text(trigger, &["folder", "path", "pattern"]).is_none() {
                    let message = format!("`{}` does not say which folder it watches", trigger.id);
                    report(
                        "trigger-setting",
                        "folder",
                        message,
                        "name a folder below the work folder".to_owned(),
                    );
                }
            }
            "workflow_finished" => {
                if text(trigger, &["workflow"]).is_none() {
                    let message =
                        format!("`{}` does not say which workflow it waits for", trigger.id);
                    report(
                        "trigger-setting",
                        "workflow",
                        message,
                        "name the id of a workflow".to_owned(),
                    );
                }
            }
            "webhook" | "manual" => {}
            other => {
                let hint = match context.suggest(other, KINDS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known are {}", super::edge_end::list(KINDS.into_iter())),
                };
                let message =
                    format!("there is no trigger of the kind `{other}`, so it never fires");
                report("unknown-trigger", "kind", message, hint);
            }
        }
    }
}

fn text<'t>(trigger: &'t Trigger, names: &[&str]) -> Option<&'t str> {
    names
        .iter()
        .find_map(|name| trigger.with.get(*name).and_then(Value::as_str))
        .filter(|text| !text.trim().is_empty())
}

/// Whether a text has the form of a time zone. Which zones there are is known only to the machine it runs on.
fn is_zone(text: &str) -> bool {
    let mut parts = text.split('/');
    let is_word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
    };
    !text.is_empty() && parts.all(is_word)
}

/// Name, smallest and largest number, and words of each field, from the minute on.
const FIELDS: [(&str, u32, u32, &[&str]); 5] = [
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("day", 1, 31, &[]),
    (
        "month",
        1,
        12,
        &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    ),
    (
        "weekday",
        0,
        7,
        &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    ),
];

/// Why a cron expression never fires.
fn look_at_cron(cron: &str) -> Result<(), String> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let fields = match fields.as_slice() {
        [] => return Err("the schedule is empty, so it never fires".to_owned()),
        [only] if only.starts_with('@') => {
            let known = [
                "@hourly",
                "@daily",
                "@midnight",
                "@weekly",
                "@monthly",
                "@yearly",
                "@annually",
            ];
            return if known.contains(only) {
                Ok(())
            } else {
                Err(format!("`{only}` is no schedule"))
            };
        }
        [_, _, _, _, _] => &fields[..],
        // With six, the first are seconds.
        [seconds, rest @ ..] if rest.len() == 5 => {
            look_at_field(seconds, &("second", 0, 59, &[]))?;
            rest
        }
        other => return Err(format!("`{cron}` has {} fields, not 5", other.len())),
    };
    for (field, about) in fields.iter().zip(&FIELDS) {
        look_at_field(field, about)?;
    }
    let (day, month, weekday) = (fields[2], fields[3], fields[4]);
    let smallest = |text: &str| {
        text.split(',')
            .filter_map(|part| part.split(['-', '/']).next()?.parse::<u32>().ok())
            .min()
    };
    let longest = |month: u32| match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if let (Some(day), true) = (smallest(day), matches!(weekday, "*" | "?"))
        && month
            .split(',')
            .all(|part| part.parse::<u32>().is_ok_and(|month| day > longest(month)))
    {
        return Err(format!("`{cron}` names a day that never comes"));
    }
    Ok(())
}

fn look_at_field(
    field: &str,
    (name, min, max, words): &(&str, u32, u32, &[&str]),
) -> Result<(), String> {
    let wrong = |part: &str| {
        format!("`{part}` is no {name}: write {min} to {max}, `*`, a list `1,2` or a range `1-5`")
    };
    let number = |text: &str| -> Option<u32> {
        let word = text.to_ascii_lowercase();
        let word = words
            .iter()
            .position(|known| *known == word)
            .and_then(|at| u32::try_from(at).ok());
        word.map(|at| at + u32::from(*name == "month"))
            .or_else(|| text.parse().ok())
            .filter(|number| (min..=max).contains(&number))
    };
    for part in field.split(',') {
        let (range, step) = part
            .split_once('/')
            .map_or((part, None), |(range, step)| (range, Some(step)));
        if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
            return Err(wrong(part));
        }
        let fits = match range.split_once('-') {
            _ if range == "*" || (range == "?" && matches!(*name, "day" | "weekday")) => true,
            // The last day of a month, and the nth weekday of a month.
            None if *name == "day" && matches!(range, "L" | "LW") => true,
            None if *name == "weekday" && range.contains('#') => {
                range.split_once('#').is_some_and(|(day, nth)| {
                    number(day).is_some() && matches!(nth, "1" | "2" | "3" | "4" | "5")
                })
            }
            None if *name == "weekday" && range.ends_with('L') => {
                number(&range[..range.len() - 1]).is_some()
            }
            None => number(range).is_some(),
            Some((first, last)) => match (number(first), number(last)) {
                (Some(first), Some(last)) => first <= last,
                _ => false,
            },
        };
        if !fits {
            return Err(wrong(part));
        }
    }
    Ok(())
}
