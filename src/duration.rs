//! Durations as users write them, on the command line and in the configuration.

use std::time::Duration;

/// What a duration looks like, for messages.
pub(crate) const EXAMPLES: &str = "a duration such as 500ms, 3s or 2min";

/// Reads a duration; a number without a unit counts milliseconds, as in PostgreSQL's `lock_timeout`.
pub(crate) fn milliseconds(text: &str) -> Result<Duration, String> {
    parse(text, Duration::from_millis)
}

/// Reads a duration; a number without a unit counts seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    parse(text, Duration::from_secs)
}

/// Reads a duration that is not zero; a number without a unit counts milliseconds.
pub(crate) fn positive(text: &str) -> Result<Duration, String> {
    milliseconds(text).and_then(|time| match time.is_zero() {
        true => Err(format!("expected {EXAMPLES}, found zero")),
        false => Ok(time),
    })
}

fn parse(text: &str, number: fn(u64) -> Duration) -> Result<Duration, String> {
    if let Ok(count) = text.parse() {
        return Ok(number(count));
    }
    let span = text.parse::<jiff::SignedDuration>().ok();
    span.and_then(|span| Duration::try_from(span).ok()).ok_or_else(|| format!("expected {EXAMPLES}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_plain_numbers() {
        let of = |text: &str| milliseconds(text).map(|time| time.as_millis());
        for (text, expected) in [
            ("500ms", 500),
            ("3s", 3000),
            ("2min", 120_000),
            ("1h", 3_600_000),
            ("1min 30s", 90_000),
            ("250", 250),
            ("0", 0),
        ] {
            assert_eq!(of(text), Ok(expected), "{text}");
        }
        for text in ["", "s", "3 parsecs", "-3s", "-3", "1d", "1.5"] {
            assert!(of(text).is_err(), "{text}");
        }
        assert_eq!(seconds("20").unwrap().as_secs(), 20);
        assert_eq!(seconds("20ms").unwrap().as_millis(), 20);
        assert!(positive("0s").is_err() && positive("0").is_err());
    }
}
