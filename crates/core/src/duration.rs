//! Durations as people write them: `500ms`, `2s`, `5m`, `1h30m`, `2d`, `1w`, or ISO 8601 (`PT5M`).

/// Milliseconds of `text`.
///
/// # Errors
///
/// A sentence that says what a duration looks like.
pub fn parse_ms(text: &str) -> Result<i64, String> {
    let wrong = || {
        format!(
            "`{text}` is not a duration: write a number with a unit, such as `500ms`, `2s`, `5m`, `1h30m`, `2d` or `1w`"
        )
    };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(wrong());
    }
    if trimmed.starts_with(['P', 'p']) {
        return parse_iso(trimmed).ok_or_else(wrong);
    }
    let mut total = 0f64;
    let mut rest = trimmed;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit_end = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let factor = match &rest[..unit_end] {
            "ms" => 1.0,
            "s" => 1_000.0,
            "m" | "min" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => 86_400_000.0,
            "w" => 604_800_000.0,
            _ => return Err(wrong()),
        };
        total += number * factor;
        rest = rest[unit_end..].trim_start();
    }
    if total.is_finite() && total <= 9e15 {
        Ok(total.round() as i64)
    } else {
        Err(wrong())
    }
}

fn parse_iso(text: &str) -> Option<i64> {
    let mut total = 0f64;
    let mut in_time = false;
    let mut number = String::new();
    for c in text.chars().skip(1) {
        match c {
            'T' | 't' => in_time = true,
            '0'..='9' | '.' => number.push(c),
            unit => {
                let value: f64 = number.parse().ok()?;
                number.clear();
                total += value
                    * match (unit.to_ascii_uppercase(), in_time) {
                        ('W', false) => 604_800_000.0,
                        ('D', false) => 86_400_000.0,
                        ('H', true) => 3_600_000.0,
                        ('M', true) => 60_000.0,
                        ('S', true) => 1_000.0,
                        _ => return None,
                    };
            }
        }
    }
    (number.is_empty() && total.is_finite() && total <= 9e15).then_some(total.round() as i64)
}

/// `ms` as people read it: `1h 30m`, `2.5s`, `80ms`.
pub fn format_ms(ms: i64) -> String {
    match ms {
        0..=999 => format!("{ms}ms"),
        1_000..=59_999 => {
            let seconds = ms as f64 / 1_000.0;
            if ms % 1_000 == 0 {
                format!("{}s", ms / 1_000)
            } else {
                format!("{seconds:.1}s")
            }
        }
        60_000..=3_599_999 => joined(ms / 60_000, "m", ms % 60_000 / 1_000, "s"),
        3_600_000..=86_399_999 => joined(ms / 3_600_000, "h", ms % 3_600_000 / 60_000, "m"),
        _ => joined(ms / 86_400_000, "d", ms % 86_400_000 / 3_600_000, "h"),
    }
}

fn joined(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit} {small}{small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_iso_agree() {
        for (text, ms) in [
            ("500ms", 500),
            ("2s", 2_000),
            ("1.5s", 1_500),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("2d", 172_800_000),
            ("PT1H30M", 5_400_000),
            ("P2D", 172_800_000),
        ] {
            assert_eq!(parse_ms(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn a_wrong_duration_is_an_error_with_examples() {
        for text in ["", "5", "5 parsecs", "PT5X", "-3s", "s"] {
            assert!(
                parse_ms(text).is_err_and(|message| message.contains("5m")),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_shown_is_short() {
        assert_eq!(format_ms(80), "80ms");
        assert_eq!(format_ms(2_500), "2.5s");
        assert_eq!(format_ms(5_400_000), "1h 30m");
        assert_eq!(format_ms(172_800_000), "2d");
    }
}
