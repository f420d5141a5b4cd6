//! How much work bad signatures may cause: a bucket that fills slowly and is emptied by each failure.

/// Failures that may come at once.
pub(crate) const BURST: u64 = 100;
/// Failures a second that may go on for ever. One costs well under a millisecond.
pub(crate) const PER_SECOND: u64 = 50;

/// The bucket.
#[derive(Debug)]
pub(crate) struct Budget {
    /// In thousandths of a failure.
    left: u64,
    at: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: BURST * 1_000, at: 0 }
    }
}

impl Budget {
    /// Whether work may be done that may turn out to be for nothing.
    pub(crate) fn allows(&mut self, millis: u64) -> bool {
        let passed = millis.saturating_sub(self.at).min(BURST * 1_000);
        self.at = self.at.max(millis);
        self.left = self.left.saturating_add(passed * PER_SECOND).min(BURST * 1_000);
        self.left >= 1_000
    }

    /// It was for nothing, so many times.
    pub(crate) fn spend(&mut self, failures: usize) {
        let failures = u64::try_from(failures).unwrap_or(BURST).min(BURST);
        self.left = self.left.saturating_sub(failures * 1_000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_empties_it_and_time_fills_it() {
        let mut budget = Budget::default();
        let mut done = 0;
        while budget.allows(5_000) {
            budget.spend(1);
            done += 1;
        }
        assert_eq!(done, BURST);
        assert!(!budget.allows(5_019));
        assert!(budget.allows(5_020));
        assert!(budget.allows(4_000), "a clock that goes back takes nothing away");
        budget.spend(usize::MAX);
        assert!(!budget.allows(5_020));
        assert!(budget.allows(u64::MAX));
    }
}
