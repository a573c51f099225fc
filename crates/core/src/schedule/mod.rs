//! When a `schedule` trigger fires: an instant comes in, instants come out.
//!
//! A schedule is a cron expression in a time zone, an interval with an anchor, or a list of dates. It knows no clock; the
//! data of the time zones is part of the program, so that an answer is the same on every machine.
//!
//! # The rule for the two nights of the year
//!
//! * A *fixed-time* job (a date, or a cron whose hour and minute hold neither `*` nor a step) fires once a day that it is
//!   meant for. Where the clock is put forward over its time, it fires at the first instant after that; where the clock
//!   is put back over its time, at the first of the two.
//! * An *interval* job (every other cron) follows the clock on the wall: what is skipped does not fire, and both of two
//!   equal times do.
//! * `every` counts elapsed time and knows no nights.

mod cron;
mod instants;
mod zone;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::{Millis, duration};

pub use instants::{Instants, Span};
pub use zone::zone_names;

use cron::Cron;

/// The names of the settings that say when.
const SHAPES: [&str; 3] = ["cron", "every", "dates"];

/// The anchor of an interval that has none: a Monday, at midnight.
const ANCHOR: DateTime = DateTime::constant(2001, 1, 1, 0, 0, 0, 0);

/// The shortest interval.
const SHORTEST_MS: i64 = 1_000;

/// The most dates in a list.
const MOST_DATES: usize = 10_000;

/// Why a schedule never fires.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// Stable name: `cron`, `time-zone` or `trigger-setting`.
    pub code: &'static str,
    /// The setting that is wrong.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub hint: String,
}

impl ScheduleError {
    fn setting(field: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code: "trigger-setting",
            field,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// When a trigger fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    shape: Shape,
    zone: TimeZone,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Cron(Box<Cron>),
    Every {
        ms: i64,
        anchor: Millis,
    },
    /// In order, each once.
    Dates(Vec<Millis>),
}

/// An instant, and what a clock on the wall shows then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The instant.
    pub at: Millis,
    /// Date and time there: `2026-11-27T07:00:00`.
    pub local: String,
    /// What the clock there differs from UTC: `+01:00`.
    pub offset: String,
}

impl Schedule {
    /// Reads the settings of a `schedule` trigger: `cron`, `every` with `anchor`, or `dates`; and `timeZone`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them.
    pub fn read(settings: &Map<String, Value>) -> Result<Self, Vec<ScheduleError>> {
        let mut errors = Vec::new();
        let zone = match settings.get("timeZone") {
            None | Some(Value::Null) => Some(TimeZone::UTC),
            Some(Value::String(name)) if name.trim().is_empty() => Some(TimeZone::UTC),
            Some(Value::String(name)) => zone::find(name).map_err(|error| errors.push(error)).ok(),
            Some(other) => {
                errors.extend(zone::find(&other.to_string()).err());
                None
            }
        };
        let given: Vec<&str> = SHAPES
            .into_iter()
            .filter(|name| settings.get(*name).is_some_and(|value| !is_blank(value)))
            .collect();
        let local = zone.clone().unwrap_or(TimeZone::UTC);
        let shape = match given.as_slice() {
            [] => {
                errors.push(ScheduleError {
                    code: "cron",
                    field: "cron",
                    message: "the schedule is empty, so it never fires".to_owned(),
                    hint: "write a `cron` such as `0 6 * * 1-5` (6:00 on workdays), an interval `every`, or `dates`"
                        .to_owned(),
                });
                None
            }
            [one] => {
                let value = &settings[*one];
                let shape = match *one {
                    "cron" => read_cron(value),
                    "every" => read_every(value, settings.get("anchor"), &local),
                    _ => read_dates(value, &local),
                };
                shape.map_err(|error| errors.push(error)).ok()
            }
            [first, second, ..] => {
                errors.push(ScheduleError::setting(
                    "cron",
                    format!("`{first}` and `{second}` both say when; one has to go"),
                    "use two triggers for two schedules",
                ));
                None
            }
        };
        if given != ["every"]
            && settings
                .get("anchor")
                .is_some_and(|anchor| !is_blank(anchor))
        {
            errors.push(ScheduleError::setting(
                "anchor",
                "`anchor` belongs to `every`, which is not there",
                "leave it out",
            ));
        }
        match (shape, zone) {
            (Some(shape), Some(zone)) if errors.is_empty() => Ok(Self { shape, zone }),
            _ => Err(errors),
        }
    }

    /// All instants after `after`, in order, each once. It ends if there is none for forty years.
    pub fn after(&self, after: Millis) -> Instants<'_> {
        Instants::new(self, after)
    }

    /// The next `count` instants after `after`, with what the clock there shows.
    pub fn next(&self, after: Millis, count: usize) -> Vec<Due> {
        self.after(after)
            .take(count)
            .map(|at| self.due(at))
            .collect()
    }

    /// What the clock of the schedule shows at an instant.
    pub fn due(&self, at: Millis) -> Due {
        let Ok(instant) = Timestamp::from_millisecond(at) else {
            return Due {
                at,
                local: "out of range".to_owned(),
                offset: String::new(),
            };
        };
        let offset = self.zone.to_offset(instant);
        let seconds = offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.abs() / 60;
        Due {
            at,
            local: offset.to_datetime(instant).to_string(),
            offset: format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        }
    }

    /// Whether it fires at fixed times, or keeps going in steps; intervals do the latter.
    pub fn is_fixed_time(&self) -> bool {
        match &self.shape {
            Shape::Cron(cron) => cron.is_fixed,
            Shape::Dates(_) => true,
            Shape::Every { .. } => false,
        }
    }
}

impl Due {
    /// The instant with the offset of the place: `2026-11-27T07:00:00+01:00`.
    pub fn iso(&self) -> String {
        format!("{}{}", self.local, self.offset)
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn read_cron(value: &Value) -> Result<Shape, ScheduleError> {
    let hint = "five fields: minute, hour, day, month, weekday; `0 6 * * 1-5` is 6:00 on workdays";
    let wrong = |message: String| ScheduleError {
        code: "cron",
        field: "cron",
        message,
        hint: hint.to_owned(),
    };
    let Some(text) = value.as_str() else {
        return Err(wrong(format!("`{value}` is no schedule: a text is needed")));
    };
    Ok(Shape::Cron(Box::new(Cron::parse(text).map_err(wrong)?)))
}

fn read_every(
    value: &Value,
    anchor: Option<&Value>,
    zone: &TimeZone,
) -> Result<Shape, ScheduleError> {
    let hint = "write a number with a unit, such as `15m`, `6h` or `7d`";
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let ms = duration::parse_ms(&text)
        .map_err(|message| ScheduleError::setting("every", message, hint))?;
    if ms < SHORTEST_MS {
        let message = format!("`{text}` is too short: every second is the most");
        return Err(ScheduleError::setting("every", message, hint));
    }
    let anchor = match anchor.filter(|anchor| !is_blank(anchor)) {
        None => zone::meaning(zone, ANCHOR).map(zone::Meaning::first),
        Some(anchor) => Some(read_date("anchor", anchor, zone)?),
    };
    // The default lies in the middle of the years that there are.
    let anchor = anchor.unwrap_or_default();
    Ok(Shape::Every { ms, anchor })
}

fn read_dates(value: &Value, zone: &TimeZone) -> Result<Shape, ScheduleError> {
    let one = std::slice::from_ref(value);
    let all = value.as_array().map_or(one, Vec::as_slice);
    if all.is_empty() {
        let message = "`dates` is empty, so it never fires";
        return Err(ScheduleError::setting("dates", message, DATE_HINT));
    }
    if all.len() > MOST_DATES {
        let message = format!("`dates` has {} dates; {MOST_DATES} are the most", all.len());
        return Err(ScheduleError::setting(
            "dates",
            message,
            "use `cron` or `every`",
        ));
    }
    let mut dates = all
        .iter()
        .map(|date| read_date("dates", date, zone))
        .collect::<Result<Vec<_>, _>>()?;
    dates.sort_unstable();
    dates.dedup();
    Ok(Shape::Dates(dates))
}

const DATE_HINT: &str = "write date and time such as `2026-12-24T18:00`";

/// A date with a time, there; or an instant with an offset.
fn read_date(field: &'static str, value: &Value, zone: &TimeZone) -> Result<Millis, ScheduleError> {
    let shown = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let wrong = || {
        let message = format!("`{shown}` is no date that there is");
        ScheduleError::setting(field, message, DATE_HINT)
    };
    let text = value.as_str().ok_or_else(wrong)?.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_millisecond());
    }
    let local = text
        .parse::<DateTime>()
        .or_else(|_| text.parse::<Date>().map(DateTime::from))
        .map_err(|_| wrong())?;
    let meaning = zone::meaning(zone, local).ok_or_else(wrong)?;
    Ok(meaning.first())
}

#[cfg(test)]
mod tests;
