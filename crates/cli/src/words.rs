//! Durations, instants and values in few words.

use baton_api::baton_core::Millis;
use baton_api::runs::{RunStatus, StepStatus};
use serde_json::Value;

use crate::out::Tone;

/// The longest value that is shown on a line.
const SHORT: usize = 80;

/// A duration: `12 ms`, `1.2 s`, `3 min 5 s`, `2 h 10 min`.
pub(crate) fn duration(millis: Millis) -> String {
    let millis = millis.max(0);
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{}.{} s", seconds, millis % 1_000 / 100),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// An instant in UTC: `2026-11-23 06:35:22Z`.
pub(crate) fn instant(at: Millis) -> String {
    let (days, rest) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000) / 1_000);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}Z",
        rest / 3_600,
        rest % 3_600 / 60,
        rest % 60
    )
}

/// The date of a day that is counted from 1970-01-01, by counting years of 400 from a first of March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A value on one line, cut if it is long. Tables are told by their rows.
pub(crate) fn value(value: &Value) -> String {
    if let Some(rows) = rows(value) {
        return rows;
    }
    let text = match value {
        Value::String(text) => text.replace(char::is_control, " "),
        other => other.to_string(),
    };
    shorten(&text)
}

/// `3,376 rows`, if the value is a table.
pub(crate) fn rows(value: &Value) -> Option<String> {
    let rows = value
        .as_object()
        .filter(|map| map.get("$type") == Some(&"table".into()))?
        .get("rows")?;
    let count = rows.as_u64()?;
    Some(format!(
        "{} {}",
        grouped(count),
        if count == 1 { "row" } else { "rows" }
    ))
}

pub(crate) fn shorten(text: &str) -> String {
    if text.chars().count() <= SHORT {
        return text.to_owned();
    }
    let start: String = text.chars().take(SHORT - 1).collect();
    format!("{start}…")
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Icon, word and tone of where a run stands.
pub(crate) fn run_status(status: RunStatus) -> (&'static str, &'static str, Tone) {
    match status {
        RunStatus::Running => ("▶", "running", Tone::Strong),
        RunStatus::Waiting => ("◷", "waiting", Tone::Careful),
        RunStatus::Paused => ("‖", "paused", Tone::Careful),
        RunStatus::Succeeded => ("✓", "succeeded", Tone::Good),
        RunStatus::Failed => ("✗", "failed", Tone::Bad),
        RunStatus::Cancelled => ("⊘", "cancelled", Tone::Quiet),
    }
}

/// Icon, word and tone of where a step stands.
pub(crate) fn step_status(status: StepStatus) -> (&'static str, &'static str, Tone) {
    match status {
        StepStatus::Running => ("▶", "running", Tone::Strong),
        StepStatus::Waiting => ("◷", "waiting", Tone::Careful),
        StepStatus::Retrying => ("↻", "retrying", Tone::Careful),
        StepStatus::Cancelling => ("⊘", "cancelling", Tone::Careful),
        StepStatus::OutcomeUnknown => ("?", "outcome unknown", Tone::Bad),
        StepStatus::Succeeded => ("✓", "done", Tone::Good),
        StepStatus::Failed => ("✗", "failed", Tone::Bad),
        StepStatus::Skipped => ("–", "skipped", Tone::Quiet),
        StepStatus::Cancelled => ("⊘", "cancelled", Tone::Quiet),
        StepStatus::Undoing => ("↶", "undoing", Tone::Careful),
        StepStatus::Undone => ("↶", "undone", Tone::Quiet),
        StepStatus::UndoFailed => ("✗", "undo failed", Tone::Bad),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_are_short() {
        let words: Vec<_> = [-5, 12, 1_290, 61_000, 7_800_000, 90_000_000]
            .into_iter()
            .map(duration)
            .collect();
        assert_eq!(
            words,
            [
                "0 ms",
                "12 ms",
                "1.2 s",
                "1 min 1 s",
                "2 h 10 min",
                "1 d 1 h"
            ]
        );
    }

    #[test]
    fn instants_follow_the_calendar() {
        assert_eq!(instant(0), "1970-01-01 00:00:00Z");
        assert_eq!(instant(951_782_400_000), "2000-02-29 00:00:00Z");
        assert_eq!(instant(1_795_415_722_999), "2026-11-23 06:35:22Z");
        assert_eq!(instant(-1), "1969-12-31 23:59:59Z");
    }

    #[test]
    fn values_stay_on_a_line() {
        assert_eq!(
            value(&json!({ "$type": "table", "rows": 3376 })),
            "3,376 rows"
        );
        assert_eq!(value(&json!({ "$type": "table", "rows": 1 })), "1 row");
        assert_eq!(value(&json!("a\nb\u{1b}[31m")), "a b [31m");
        assert_eq!(value(&json!("x".repeat(200))).chars().count(), SHORT);
    }
}
