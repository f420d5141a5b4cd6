//! Spans of time on the command line: `30s`, `5m`, `2h`, `1d`, or a number of seconds.

use std::time::Duration;

/// Reads a span.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    signed_seconds(text).and_then(|seconds| {
        u64::try_from(seconds).map(Duration::from_secs).map_err(|_| "it must not be negative".to_owned())
    })
}

/// Reads a span that may be negative, in seconds.
pub(super) fn signed_seconds(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3600),
        Some((at, 'd')) => (text.get(..at), 86_400),
        _ => (Some(text), 1),
    };
    let number: Option<i64> = number.and_then(|number| number.parse().ok());
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "expected a number and a unit, such as `90s`, `5m`, `2h` or `1d`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_refuses_the_rest() {
        assert_eq!(signed_seconds("90"), Ok(90));
        assert_eq!(signed_seconds("-5m"), Ok(-300));
        assert_eq!(span("2h"), Ok(Duration::from_secs(7200)));
        for wrong in ["", "m", "5x", "1.5h", "9223372036854775807d"] {
            assert!(signed_seconds(wrong).is_err(), "{wrong}");
        }
        assert!(span("-1s").is_err());
    }
}
