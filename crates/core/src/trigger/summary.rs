//! When a trigger fires, in a few words, for lists.

use serde_json::Value;

use crate::document::Trigger;

/// When a trigger fires, in a few words: `every weekday at 06:00 in Europe/Berlin`.
pub fn summary(trigger: &Trigger) -> String {
    let text = |name: &str| {
        let text = trigger.with.get(name).and_then(Value::as_str);
        text.filter(|text| !text.trim().is_empty())
    };
    match trigger.kind.as_str() {
        "schedule" => {
            let zone = text("timeZone").unwrap_or("UTC");
            match (text("cron"), text("every"), trigger.with.get("dates")) {
                (Some(cron), _, _) => {
                    let words = super::cron_words::cron_words(cron);
                    format!("{} in {zone}", words.unwrap_or_else(|| format!("`{cron}`")))
                }
                (None, Some(every), _) => format!("every {every}"),
                (None, None, Some(Value::Array(dates))) if dates.len() != 1 => {
                    format!("{} dates in {zone}", dates.len())
                }
                (None, None, Some(_)) => format!("1 date in {zone}"),
                (None, None, None) => String::new(),
            }
        }
        "file" => {
            let folder = text("folder").unwrap_or_default();
            match text("pattern") {
                Some(pattern) => format!("files `{pattern}` in `{folder}`"),
                None => format!("files in `{folder}`"),
            }
        }
        "webhook" => {
            let path = super::webhook::path_of(&trigger.id, &trigger.with);
            format!("a request to `/hooks/{path}`")
        }
        "workflow_finished" => {
            let workflow = text("workflow").unwrap_or_default();
            match trigger.with.get("outcome") {
                Some(Value::String(word)) => format!("end of `{workflow}`: {word}"),
                Some(Value::Array(words)) if !words.is_empty() => {
                    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                    format!("end of `{workflow}`: {}", words.join(", "))
                }
                _ => format!("end of `{workflow}`"),
            }
        }
        "manual" => "by hand".to_owned(),
        _ => String::new(),
    }
}
