//! Cron expressions: five fields (minute, hour, day, month, weekday), or six with seconds before them.
//!
//! Words for months and weekdays, lists, ranges and steps are understood, and `L` (last), `W` (nearest workday) and
//! `#` (nth weekday). If both day and weekday say something, either is enough, as in every cron.

use jiff::civil::{Date, Weekday};

/// The years without any day that match before a cron counts as impossible: February 29 on a given weekday comes
/// every 28 years, and every 40 around a century without a leap day.
const PATIENCE_DAYS: u32 = 41 * 366;

/// A cron expression, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    /// Seconds from midnight, in order.
    pub(super) times: Vec<u32>,
    /// It names its times one by one: hour and minute hold neither `*` nor a step.
    pub(super) is_fixed: bool,
    days: Days,
    months: u64,
    weekdays: Weekdays,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Days {
    any: bool,
    set: u64,
    last: bool,
    last_workday: bool,
    /// Days whose nearest workday is meant.
    nearest: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Weekdays {
    any: bool,
    set: u64,
    /// Weekday and which one of the month; 0 is the last.
    nth: Vec<(u32, u32)>,
}

/// What a field is called, what it may hold, and its words.
struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    words: &'static [&'static str],
}

const SECOND: Field = Field {
    name: "second",
    min: 0,
    max: 59,
    words: &[],
};
const MINUTE: Field = Field {
    name: "minute",
    min: 0,
    max: 59,
    words: &[],
};
const HOUR: Field = Field {
    name: "hour",
    min: 0,
    max: 23,
    words: &[],
};
const DAY: Field = Field {
    name: "day",
    min: 1,
    max: 31,
    words: &[],
};
const MONTH: Field = Field {
    name: "month",
    min: 1,
    max: 12,
    words: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
const WEEKDAY: Field = Field {
    name: "weekday",
    min: 0,
    max: 7,
    words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

impl Cron {
    /// Reads an expression; says what is wrong with it, and whether it can ever match a day.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err("the schedule is empty, so it never fires".to_owned());
        }
        if trimmed.len() > 1_000 {
            return Err("the schedule has more than 1000 characters".to_owned());
        }
        let expanded = if trimmed.starts_with('@') {
            let known = NICKNAMES
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(trimmed));
            known
                .ok_or_else(|| {
                    format!("`{trimmed}` is no schedule: there are `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly`")
                })?
                .1
        } else {
            trimmed
        };
        let fields: Vec<&str> = expanded.split_whitespace().collect();
        let (second, rest) = match fields.as_slice() {
            [_, _, _, _, _] => ("0", &fields[..]),
            [second, rest @ ..] if rest.len() == 5 => (*second, rest),
            other => return Err(format!("`{trimmed}` has {} fields, not 5", other.len())),
        };
        let (minute, hour) = (rest[0], rest[1]);
        let seconds = bits(second, &SECOND)?;
        let minutes = bits(minute, &MINUTE)?;
        let hours = bits(hour, &HOUR)?;
        let mut times = Vec::new();
        for hour in members(hours) {
            for minute in members(minutes) {
                times.extend(members(seconds).map(|second| hour * 3_600 + minute * 60 + second));
            }
        }
        let is_open = |field: &str| field.contains(['*', '/']);
        let cron = Self {
            times,
            is_fixed: ![second, minute, hour].into_iter().any(is_open),
            days: days(rest[2])?,
            months: bits(rest[3], &MONTH)?,
            weekdays: weekdays(rest[4])?,
        };
        if !cron.matches_ever() {
            return Err(format!("`{trimmed}` names a day that never comes"));
        }
        Ok(cron)
    }

    /// How many days in a row may pass without one that matches.
    pub(super) fn patience() -> u32 {
        PATIENCE_DAYS
    }

    /// Looks at every day of 28 years with a leap day in every fourth: all combinations of date and weekday.
    fn matches_ever(&self) -> bool {
        let mut date = Date::constant(2001, 1, 1);
        let end = Date::constant(2029, 1, 1);
        while date < end {
            if self.matches(date) {
                return true;
            }
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => return false,
            }
        }
        false
    }

    /// Whether it acts on this day.
    pub(super) fn matches(&self, date: Date) -> bool {
        if !has(self.months, date.month() as u32) {
            return false;
        }
        let day = || self.days.match_day(date);
        let weekday = || self.weekdays.match_day(date);
        match (self.days.any, self.weekdays.any) {
            // A field that begins with `*` restricts the other; two that do not are alternatives.
            (true, _) | (_, true) => day() && weekday(),
            (false, false) => day() || weekday(),
        }
    }
}

impl Days {
    fn match_day(&self, date: Date) -> bool {
        let day = date.day() as u32;
        let length = date.days_in_month() as u32;
        has(self.set, day)
            || (self.last && day == length)
            || (self.last_workday && day == nearest_workday(date, length))
            || self
                .nearest
                .iter()
                .any(|wanted| *wanted <= length && day == nearest_workday(date, *wanted))
    }
}

impl Weekdays {
    fn match_day(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset() as u32;
        let day = date.day() as u32;
        let length = date.days_in_month() as u32;
        has(self.set, weekday)
            || self.nth.iter().any(|(wanted, nth)| {
                *wanted == weekday
                    && match nth {
                        0 => day + 7 > length,
                        nth => (day - 1) / 7 + 1 == *nth,
                    }
            })
    }
}

/// The workday nearest to a day, within its month.
fn nearest_workday(in_month: Date, day: u32) -> u32 {
    let length = in_month.days_in_month() as u32;
    let Ok(date) = Date::new(in_month.year(), in_month.month(), day as i8) else {
        return 0;
    };
    match date.weekday() {
        Weekday::Saturday if day > 1 => day - 1,
        Weekday::Saturday => day + 2,
        Weekday::Sunday if day < length => day + 1,
        Weekday::Sunday => day - 2,
        _ => day,
    }
}

fn has(set: u64, number: u32) -> bool {
    set >> number & 1 == 1
}

fn members(set: u64) -> impl Iterator<Item = u32> {
    (0..64).filter(move |number| has(set, *number))
}

fn days(text: &str) -> Result<Days, String> {
    let mut days = Days {
        any: text.starts_with(['*', '?']),
        ..Days::default()
    };
    let text = text.replace('?', "*");
    for part in text.split(',') {
        if part.eq_ignore_ascii_case("L") {
            days.last = true;
        } else if part.eq_ignore_ascii_case("LW") {
            days.last_workday = true;
        } else if let Some(day) = part.strip_suffix(['W', 'w']) {
            let day = number(day, &DAY).ok_or_else(|| wrong(part, &DAY))?;
            days.nearest.push(day);
        } else {
            days.set |= bits(part, &DAY)?;
        }
    }
    Ok(days)
}

fn weekdays(text: &str) -> Result<Weekdays, String> {
    let mut weekdays = Weekdays {
        any: text.starts_with(['*', '?']),
        ..Weekdays::default()
    };
    let text = text.replace('?', "*");
    for part in text.split(',') {
        let wrong = || wrong(part, &WEEKDAY);
        if let Some((day, nth)) = part.split_once('#') {
            let day = number(day, &WEEKDAY).ok_or_else(wrong)?;
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
            weekdays.nth.push((day % 7, nth.ok_or_else(wrong)?));
        } else if let Some(day) = part.strip_suffix(['L', 'l']) {
            let day = number(day, &WEEKDAY).ok_or_else(wrong)?;
            weekdays.nth.push((day % 7, 0));
        } else {
            weekdays.set |= bits(part, &WEEKDAY)?;
        }
    }
    if has(weekdays.set, 7) {
        weekdays.set |= 1;
    }
    Ok(weekdays)
}

/// The numbers that a field holds.
fn bits(text: &str, field: &Field) -> Result<u64, String> {
    let mut set = 0;
    for part in text.split(',') {
        let wrong = || wrong(part, field);
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step = step.parse::<u32>().ok().filter(|step| *step > 0);
                (range, Some(step.ok_or_else(wrong)?))
            }
            None => (part, None),
        };
        let (first, last) = if range == "*" {
            // Sunday has two numbers; one is enough.
            (
                field.min,
                if field.name == WEEKDAY.name {
                    6
                } else {
                    field.max
                },
            )
        } else if let Some((first, last)) = range.split_once('-') {
            let first = number(first, field).ok_or_else(wrong)?;
            let last = number(last, field).ok_or_else(wrong)?;
            // A week may end on a Sunday.
            let last = if last == 0 && first > 0 && field.name == WEEKDAY.name {
                7
            } else {
                last
            };
            (first, last)
        } else {
            let first = number(range, field).ok_or_else(wrong)?;
            (first, if step.is_some() { field.max } else { first })
        };
        if first > last {
            return Err(wrong());
        }
        for number in (first..=last).step_by(step.unwrap_or(1) as usize) {
            set |= 1 << number;
        }
    }
    Ok(set)
}

fn number(text: &str, field: &Field) -> Option<u32> {
    let word = field
        .words
        .iter()
        .position(|known| known.eq_ignore_ascii_case(text))
        .and_then(|at| u32::try_from(at).ok());
    word.map(|at| at + u32::from(field.name == MONTH.name))
        .or_else(|| text.parse().ok())
        .filter(|number| (field.min..=field.max).contains(number))
}

fn wrong(part: &str, field: &Field) -> String {
    let Field { name, min, max, .. } = field;
    format!("`{part}` is no {name}: write {min} to {max}, `*`, a list `1,2` or a range `1-5`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(cron: &str, year: i16, month: i8) -> Vec<i8> {
        let cron = Cron::parse(cron).unwrap();
        let first = Date::new(year, month, 1).unwrap();
        (1..=first.days_in_month())
            .filter(|day| cron.matches(Date::new(year, month, *day).unwrap()))
            .collect()
    }

    #[test]
    fn days_are_those_that_are_meant() {
        assert_eq!(on("0 0 L * *", 2024, 2), [29]);
        assert_eq!(on("0 0 LW * *", 2026, 5), [29]);
        assert_eq!(on("0 0 1W * *", 2026, 8), [3]);
        assert_eq!(on("0 0 15W * *", 2026, 8), [14]);
        assert!(on("0 0 30W * *", 2026, 2).is_empty());
        assert_eq!(on("0 0 * * 5L", 2026, 11), [27]);
        assert_eq!(on("0 0 * * mon#2", 2026, 11), [9]);
        assert_eq!(on("0 0 * * sun#5", 2026, 11), [29]);
        assert_eq!(on("0 0 13 * fri", 2026, 11), [6, 13, 20, 27]);
        assert_eq!(
            on("0 0 ? * fri-sun", 2026, 11),
            [1, 6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28, 29]
        );
        assert_eq!(on("0 0 */10 * 7", 2026, 11), [1]);
        assert!(on("0 0 * 10 *", 2026, 11).is_empty());
    }

    #[test]
    fn times_are_those_that_are_meant() {
        let times = |text: &str| Cron::parse(text).unwrap().times;
        assert_eq!(times("30 6,18 * * *"), [23_400, 66_600]);
        assert_eq!(times("50/5 0 * * *"), [3_000, 3_300]);
        assert_eq!(times("*/20 0 0 1 1 *"), [0, 20, 40]);
        assert_eq!(times("* * * * *").len(), 1_440);
        assert!(Cron::parse("30 6 * * *").unwrap().is_fixed);
        for open in ["*/5 2 * * *", "0 */2 * * *", "30 * * * *", "@hourly"] {
            assert!(!Cron::parse(open).unwrap().is_fixed, "{open}");
        }
    }

    #[test]
    fn what_never_comes_is_refused_and_what_is_rare_is_not() {
        for (text, part) in [
            ("0 0 30 2 *", "never comes"),
            ("0 0 31 2,4,6,9,11 *", "never comes"),
            ("0 0 31 feb ?", "never comes"),
            ("0 0 31W 4 *", "never comes"),
            ("", "empty"),
            ("* * * *", "4 fields"),
            ("* * * * * * *", "7 fields"),
            ("60 * * * *", "no minute"),
            ("* 24 * * *", "no hour"),
            ("* * 0 * *", "no day"),
            ("* * 32 * *", "no day"),
            ("* * * 13 *", "no month"),
            ("* * * * 8", "no weekday"),
            ("5-1 * * * *", "no minute"),
            ("*/0 * * * *", "no minute"),
            ("* * * * 5#6", "no weekday"),
            ("* * ä * *", "no day"),
            ("@sometimes", "no schedule"),
        ] {
            let why = Cron::parse(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
        for rare in ["0 0 29 2 *", "0 0 * 2 1#5", "0 0 31 * *", "0 0 31 2 1"] {
            assert!(Cron::parse(rare).is_ok(), "{rare}");
        }
    }
}
