//! What a cron line says, in the words that people use; the line itself where it says more than these words can.

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// A cron line in words: `every weekday at 06:00`. `None` where there are no short words that say the same.
pub(super) fn cron_words(cron: &str) -> Option<String> {
    let line = match cron.trim() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        line => line,
    };
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (minute, hour, day, month, weekday) = match fields[..] {
        [minute, hour, day, month, weekday] | ["0", minute, hour, day, month, weekday] => {
            (minute, hour, day, month, weekday)
        }
        _ => return None,
    };
    if month != "*" {
        return None;
    }
    let is_daily = day == "*" && weekday == "*";
    if is_daily && let Some(words) = often(minute, hour) {
        return Some(words);
    }
    let minute = number(minute, 59)?;
    let times = list(hour, 23)?;
    let times: Vec<String> = times
        .iter()
        .map(|hour| format!("{hour:02}:{minute:02}"))
        .collect();
    Some(format!("{} at {}", days(day, weekday)?, and(&times)?))
}

/// Several times an hour or a day.
fn often(minute: &str, hour: &str) -> Option<String> {
    if hour == "*" {
        if let Some(step) = step(minute, 60) {
            return Some(match step {
                1 => "every minute".to_owned(),
                step => format!("every {step} minutes"),
            });
        }
        return Some(match number(minute, 59)? {
            0 => "every hour".to_owned(),
            minute => format!("every hour, {minute} min past"),
        });
    }
    let step = step(hour, 24).filter(|step| *step > 1)?;
    Some(match number(minute, 59)? {
        0 => format!("every {step} hours"),
        minute => format!("every {step} hours, {minute} min past"),
    })
}

/// `*` or `*/15`, if the steps are equal all the way round.
fn step(field: &str, whole: u32) -> Option<u32> {
    if field == "*" {
        return Some(1);
    }
    let step: u32 = field.strip_prefix("*/")?.parse().ok()?;
    (step > 0 && whole.is_multiple_of(step)).then_some(step)
}

fn days(day: &str, weekday: &str) -> Option<String> {
    match (day, weekday) {
        ("*", "*") => Some("every day".to_owned()),
        ("*", weekday) => weekdays(weekday),
        ("L", "*") => Some("on the last day of the month".to_owned()),
        ("LW", "*") => Some("on the last weekday of the month".to_owned()),
        (day, "*") => {
            let days = list(day, 31)?;
            let words: Vec<String> = days.iter().map(|day| ordinal(*day)).collect();
            Some(format!("on the {} of the month", and(&words)?))
        }
        _ => None,
    }
}

fn weekdays(field: &str) -> Option<String> {
    match field.to_ascii_lowercase().as_str() {
        "1-5" | "mon-fri" => return Some("every weekday".to_owned()),
        "6,0" | "0,6" | "6-7" | "6,7" | "sat,sun" | "sat-sun" => {
            return Some("every Saturday and Sunday".to_owned());
        }
        _ => {}
    }
    let names = field.split(',').map(weekday).collect::<Option<Vec<_>>>()?;
    Some(format!("every {}", and(&names)?))
}

fn weekday(word: &str) -> Option<&'static str> {
    let index = match word.parse::<usize>() {
        Ok(number) if number <= 7 => number % 7,
        Ok(_) => return None,
        Err(_) => DAYS.iter().position(|name| {
            word.len() == 3
                && name
                    .to_ascii_lowercase()
                    .starts_with(&word.to_ascii_lowercase())
        })?,
    };
    DAYS.get(index).copied()
}

fn number(field: &str, most: u32) -> Option<u32> {
    let is_number = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| field.parse().ok()).flatten()?;
    (number <= most).then_some(number)
}

/// Up to three numbers; more are no short words.
fn list(field: &str, most: u32) -> Option<Vec<u32>> {
    let numbers = field
        .split(',')
        .map(|part| number(part, most))
        .collect::<Option<Vec<_>>>()?;
    (numbers.len() <= 3).then_some(numbers)
}

/// `a`, `a and b`, `a, b and c`.
fn and<T: AsRef<str>>(words: &[T]) -> Option<String> {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let (last, before) = words.split_last()?;
    Some(if before.is_empty() {
        (*last).to_owned()
    } else {
        format!("{} and {last}", before.join(", "))
    })
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::cron_words;

    #[test]
    fn what_people_say_is_said_in_words() {
        for (cron, words) in [
            ("0 6 * * 1-5", "every weekday at 06:00"),
            ("30 18 * * *", "every day at 18:30"),
            ("0 30 18 * * *", "every day at 18:30"),
            ("0 6,18 * * *", "every day at 06:00 and 18:00"),
            ("0 9 * * mon", "every Monday at 09:00"),
            ("0 9 * * 1,THU", "every Monday and Thursday at 09:00"),
            ("0 9 * * 7", "every Sunday at 09:00"),
            ("0 9 * * 6,0", "every Saturday and Sunday at 09:00"),
            ("15 7 1 * *", "on the 1st of the month at 07:15"),
            ("15 7 2,23 * *", "on the 2nd and 23rd of the month at 07:15"),
            ("0 7 L * *", "on the last day of the month at 07:00"),
            ("* * * * *", "every minute"),
            ("*/15 * * * *", "every 15 minutes"),
            ("0 * * * *", "every hour"),
            ("20 * * * *", "every hour, 20 min past"),
            ("0 */6 * * *", "every 6 hours"),
            ("@daily", "every day at 00:00"),
        ] {
            assert_eq!(cron_words(cron).as_deref(), Some(words), "{cron}");
        }
    }

    #[test]
    fn what_says_more_than_words_can_is_left_as_it_is() {
        for cron in [
            "",
            "0 6 * *",
            "0 6 1 * 1",
            "0 6 * 3 *",
            "*/7 * * * *",
            "0 */5 * * *",
            "0 6-9 * * *",
            "0 6 * * 5#2",
            "0 6 15W * *",
            "0 99 * * *",
            "x 6 * * *",
            "30 0 6 * * *",
            "0 1,2,3,4 * * *",
            "0 6 * * 9",
            "0 6 * * s",
        ] {
            assert_eq!(cron_words(cron), None, "{cron}");
        }
    }
}
