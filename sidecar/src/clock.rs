//! Time as a value, so that tests decide what time it is.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Millis(pub(crate) u64);

/// Says what time it is.
pub(crate) trait Clock: fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> Millis;
}

/// The machine's clock.
#[derive(Debug)]
pub(crate) struct SystemClock;

// === impl Millis ===

impl Millis {
    /// From nanoseconds since the same epoch.
    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos / 1_000_000)
    }

    /// Whole seconds since the epoch.
    pub(crate) const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Later by this many seconds; the end of time where that does not fit.
    pub(crate) const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// The time from `earlier` to this, nought if it is later.
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The calendar date and the time of day, in UTC.
    fn civil(self) -> [u64; 7] {
        // Days to civil date: <https://howardhinnant.github.io/date_algorithms.html>, for days after 1970.
        let (days, millis) = (self.0 / 86_400_000, self.0 % 86_400_000);
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let (seconds, rest) = (millis / 1000, millis % 1000);
        [year, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60, rest]
    }

    /// Such as `2026-03-01 12:00`.
    pub(crate) fn to_minute(self) -> String {
        let [year, month, day, hour, minute, ..] = self.civil();
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
    }

    /// Such as `2026-03-01 12:00:05.250`.
    pub(crate) fn precise(self) -> String {
        let [year, month, day, hour, minute, second, millis] = self.civil();
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03}")
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [year, month, day, hour, minute, second, _] = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

// === impl SystemClock ===

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        // A clock before 1970 is as good as no clock: everything has just begun.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// How long something takes, for people: `45s`, `4m 05s`, `2h 10m`, `3d 4h`.
pub(crate) fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
pub(crate) mod manual {
    //! A clock that stands still until a test moves it.

    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{Clock, Millis};

    #[derive(Debug, Default)]
    pub(crate) struct ManualClock(AtomicU64);

    impl ManualClock {
        pub(crate) fn at(millis: u64) -> Self {
            Self(AtomicU64::new(millis))
        }

        pub(crate) fn advance_seconds(&self, seconds: u64) {
            self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Millis {
            Millis(self.0.load(Ordering::SeqCst))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // Checked against GNU date.
        let cases = [
            (0, "1970-01-01 00:00:00"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_709_251_199, "2024-02-29 23:59:59"),
            (1_772_366_405, "2026-03-01 12:00:05"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ];
        for (seconds, text) in cases {
            assert_eq!(Millis(seconds * 1000).to_string(), text);
        }
        assert_eq!(Millis(1_772_366_405_250).precise(), "2026-03-01 12:00:05.250");
    }

    #[test]
    fn the_end_of_time_does_not_overflow() {
        assert_eq!(Millis(5).plus_seconds(u64::MAX), Millis(u64::MAX));
        assert!(!Millis(u64::MAX).to_string().is_empty());
        assert_eq!(Millis(1).since(Millis(2)), 0);
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(45_999), "45s");
        assert_eq!(duration(245_000), "4m 05s");
        assert_eq!(duration(7_800_000), "2h 10m");
        assert_eq!(duration(273_600_000), "3d 4h");
    }
}
