//! Amounts of data as people write them: `500 KB`, `256MB`, `4 GB`, or with powers of two: `64 KiB`, `1 GiB`.

const UNITS: [(&str, u64); 8] = [
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// The largest amount: what a JSON number holds exactly.
const MAX: f64 = 9_007_199_254_740_991.0;

/// Bytes of `text`.
///
/// # Errors
///
/// A sentence that says what an amount of data looks like.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "`{text}` is not an amount of data: write a number with a unit, such as `500 KB`, `256 MB` or `4 GB`"
        )
    };
    let trimmed = text.trim();
    let end = trimmed
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .ok_or_else(wrong)?;
    let number: f64 = trimmed[..end].parse().map_err(|_| wrong())?;
    let unit = trimmed[end..].trim().to_ascii_lowercase();
    let (_, factor) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(wrong)?;
    let bytes = number * *factor as f64;
    if bytes.is_finite() && bytes <= MAX {
        Ok(bytes.round() as u64)
    } else {
        Err(wrong())
    }
}

/// `bytes` as people read it: `800 B`, `1.5 KB`, `256 MB`, `10.7 GB`.
pub fn format_bytes(bytes: u64) -> String {
    let (factor, unit) = match bytes {
        0..=999 => return format!("{bytes} B"),
        1_000..=999_949 => (1e3, "KB"),
        999_950..=999_949_999 => (1e6, "MB"),
        999_950_000..=999_949_999_999 => (1e9, "GB"),
        _ => (1e12, "TB"),
    };
    let number = format!("{:.1}", bytes as f64 / factor);
    format!("{} {unit}", number.strip_suffix(".0").unwrap_or(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written() {
        for (text, bytes) in [
            ("800 B", 800),
            ("1.5KB", 1_500),
            ("256 MB", 256_000_000),
            ("4 gb", 4_000_000_000),
            ("64KiB", 65_536),
            ("1 GiB", 1_073_741_824),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for (bytes, text) in [
            (0, "0 B"),
            (1_500, "1.5 KB"),
            (256_000_000, "256 MB"),
            (999_960, "1 MB"),
            (10_737_418_240, "10.7 GB"),
        ] {
            assert_eq!(format_bytes(bytes), text);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "MB",
            "12",
            "12 XB",
            "-1 MB",
            "1..2 MB",
            "99999999 TB",
            "∞ MB",
        ] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
