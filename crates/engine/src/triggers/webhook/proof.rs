//! Whether a request was made by somebody who knows the secret.

use axum::http::HeaderMap;
use baton_core::Millis;
use baton_core::trigger::Proof;
use ring::hmac;

use super::refusal::Refusal;

/// How far the clock of the sender may be off, and for how long the same request is refused.
pub(crate) const WINDOW_MS: i64 = 5 * 60_000;
/// A secret of fewer bytes is guessed too soon.
pub(crate) const LEAST_SECRET: usize = 8;

/// What the head of a request says about who made it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The secret was there: proven.
    Proven,
    /// Still to be compared with the body.
    Signed {
        /// Seconds since 1970, as they were sent.
        timestamp: String,
        /// The signature.
        signature: [u8; 32],
    },
}

/// Looks at the head alone, so that nobody has to read a body from somebody who proves nothing.
pub(crate) fn claim(
    proof: &Proof,
    secret: &str,
    headers: &HeaderMap,
    now: Millis,
) -> Result<Claim, Refusal> {
    let single = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let first = values.next().and_then(|value| value.to_str().ok());
        // Two are none: it is not clear which one counts.
        first.filter(|_| values.next().is_none()).map(str::trim)
    };
    match proof {
        Proof::Header { name } => {
            let given = single(name).unwrap_or_default();
            // Hashes are compared, in constant time whatever the lengths are.
            if blake3::hash(given.as_bytes()) == blake3::hash(secret.as_bytes()) {
                Ok(Claim::Proven)
            } else {
                Err(Refusal::unauthorized(
                    "webhook-secret",
                    format!(
                        "the header `{name}` does not hold the secret of this hook; send it there"
                    ),
                ))
            }
        }
        Proof::Hmac {
            signature,
            timestamp,
        } => {
            let sent = single(timestamp).and_then(|text| Some((text, seconds(text)?)));
            let Some((text, seconds)) = sent else {
                return Err(Refusal::unauthorized(
                    "webhook-timestamp",
                    format!(
                        "the header `{timestamp}` does not say when the request was made; send the seconds since 1970, with a fraction if you like"
                    ),
                ));
            };
            let off = now.saturating_sub(seconds.saturating_mul(1_000));
            if off.abs() > WINDOW_MS {
                let way = if off > 0 { "behind" } else { "ahead" };
                let off = off.abs() / 1_000;
                return Err(Refusal::unauthorized(
                    "webhook-timestamp",
                    format!(
                        "the request was made {off} seconds {way} of the clock here, and 300 are allowed; set the clock, or sign \
                         the request anew"
                    ),
                ));
            }
            let Some(bytes) = single(signature).and_then(digits) else {
                return Err(Refusal::unauthorized(
                    "webhook-signature",
                    format!(
                        "the header `{signature}` holds no signature; send 64 hexadecimal digits"
                    ),
                ));
            };
            Ok(Claim::Signed {
                timestamp: text.to_owned(),
                signature: bytes,
            })
        }
    }
}

/// Whole seconds of a time that may have a fraction.
fn seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_fraction = fraction.len() <= 9 && fraction.bytes().all(|digit| digit.is_ascii_digit());
    whole.parse().ok().filter(|_| is_fraction)
}

/// Whether `signature` is that of time and body.
pub(crate) fn is_signed(secret: &str, timestamp: &str, body: &[u8], signature: &[u8; 32]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    // In constant time.
    hmac::verify(&key, &signed(timestamp, body), signature).is_ok()
}

fn signed(timestamp: &str, body: &[u8]) -> Vec<u8> {
    [timestamp.as_bytes(), b".", body].concat()
}

/// The 32 bytes of 64 digits, with or without `sha256=` before them.
fn digits(text: &str) -> Option<[u8; 32]> {
    let text = text.strip_prefix("sha256=").unwrap_or(text).as_bytes();
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

/// The signature in digits.
pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The signature that a sender makes.
#[cfg(test)]
pub(crate) fn sign(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, &signed(timestamp, body));
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // As `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac a-long-secret` says.
        let known = "fff43177ff14c0a47c4700302ab5104481134a499d2b45fcbf20bbfd6d369661";
        assert_eq!(sign("a-long-secret", "1700000000", br#"{"a":1}"#), known);
        let bytes = digits(known).unwrap();
        assert!(is_signed(
            "a-long-secret",
            "1700000000",
            br#"{"a":1}"#,
            &bytes
        ));
        assert!(!is_signed(
            "a-long-secret",
            "1700000001",
            br#"{"a":1}"#,
            &bytes
        ));
        assert!(!is_signed(
            "a-long-secret",
            "1700000000",
            br#"{"a":2}"#,
            &bytes
        ));
        assert_eq!(hex(&bytes), known);
    }

    #[test]
    fn a_time_may_have_a_fraction() {
        for (text, expected) in [
            ("1700000000", Some(1_700_000_000)),
            ("1700000000.123", Some(1_700_000_000)),
            ("1700000000.", Some(1_700_000_000)),
            ("1700000000.x", None),
            ("now", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn digits_are_digits() {
        assert!(digits(&"a".repeat(64)).is_some());
        assert!(digits(&format!("sha256={}", "0".repeat(64))).is_some());
        for text in ["", "abc", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
            assert_eq!(digits(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_may_be_off_by_five_minutes() {
        let proof = Proof::Hmac {
            signature: "s".to_owned(),
            timestamp: "t".to_owned(),
        };
        let now = 1_000_000_000;
        for (seconds, is_fine) in [
            (1_000_000, true),
            (1_000_300, true),
            (999_700, true),
            (1_000_301, false),
            (999_699, false),
            (i64::MAX, false),
            (i64::MIN, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("t", seconds.to_string().parse().unwrap());
            headers.insert("s", "0".repeat(64).parse().unwrap());
            let claimed = claim(&proof, "secret", &headers, now);
            assert_eq!(claimed.is_ok(), is_fine, "{seconds}: {claimed:?}");
        }
    }

    #[test]
    fn two_proofs_are_none() {
        let proof = Proof::Header {
            name: "x-key".to_owned(),
        };
        let mut headers = HeaderMap::new();
        headers.append("x-key", "right-one".parse().unwrap());
        assert_eq!(claim(&proof, "right-one", &headers, 0), Ok(Claim::Proven));
        headers.append("x-key", "other".parse().unwrap());
        assert!(claim(&proof, "right-one", &headers, 0).is_err());
    }
}
