//! One count: what was used in the window that is under way.

use chaperone_model::{Amounts, Measure};

/// When a window ends that lasts as long as the session.
pub const NEVER: u64 = u64::MAX;

/// What was used of a budget.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Count {
    /// Since the window has begun.
    pub used: Amounts,
    /// When it ends, in milliseconds since 1970; 0 where none has begun.
    pub ends_at: u64,
}

/// What somebody wants of a budget.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ask {
    /// All of this, or nothing.
    pub takes: Amounts,
    /// So much must be left besides; it is not taken.
    pub leaves: Amounts,
    /// So much at most in all where there is plenty: what is not used is to be given back.
    pub ahead: Amounts,
}

/// Of what is left so much may be taken ahead.
const SHARE_AHEAD: u64 = 8;

impl Count {
    /// Whether its window is over.
    #[must_use]
    pub const fn is_over(&self, now: u64) -> bool {
        self.ends_at <= now
    }

    /// What it is after a change at this time, in a window of so many milliseconds ([`NEVER`]: without an end); none where
    /// there is nothing to keep: a window begins with the first that is counted.
    pub fn changed<R>(self, now: u64, window: u64, change: impl FnOnce(&mut Self) -> R) -> (R, Option<Self>) {
        let mut begun = self;
        begun.begin(now, window);
        let mut count = begun;
        let result = change(&mut count);
        let same = count == self || self.is_over(now) && count == begun;
        (result, (!same).then_some(count))
    }

    /// Begins a window where none is under way.
    fn begin(&mut self, now: u64, window: u64) {
        let ends_at = now.saturating_add(window);
        if self.is_over(now) {
            *self = Self { used: Amounts::default(), ends_at };
        } else {
            // The clock was set back: nobody is to wait longer than a window.
            self.ends_at = self.ends_at.min(ends_at);
        }
    }

    /// Takes what is asked for, or tells what there is not enough of. Returns how much was taken.
    ///
    /// # Errors
    /// With what is used up.
    pub fn take(&mut self, most: &Amounts, ask: &Ask) -> Result<Amounts, Measure> {
        let left = most.minus(self.used);
        if let Some(measure) = left.lacks(&ask.takes.plus(ask.leaves)) {
            return Err(measure);
        }
        let ahead = ask.ahead.with(left, |ahead, left| ahead.min(left / SHARE_AHEAD));
        let taken = ask.takes.with(ahead, u64::max);
        self.used = self.used.plus(taken);
        Ok(taken)
    }

    /// Gives back what was taken in the window that ends then; what is over has nothing to be given back to.
    pub fn give_back(&mut self, amounts: Amounts, ends_at: u64) {
        if ends_at == self.ends_at {
            self.used = self.used.minus(amounts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: u64) -> Amounts {
        Amounts { rows, ..Amounts::default() }
    }

    fn ask(number: u64) -> Ask {
        Ask { takes: rows(number), ..Ask::default() }
    }

    #[test]
    fn all_that_is_asked_for_or_nothing() {
        let most = Amounts { rows: 10, ..Amounts::UNLIMITED };
        let mut count = Count::default();
        count.begin(1_000, NEVER);
        assert_eq!(count.take(&most, &ask(9)), Ok(rows(9)));
        assert_eq!(count.take(&most, &ask(2)), Err(Measure::Rows));
        assert_eq!(count.take(&most, &ask(1)), Ok(rows(1)));
        assert_eq!(count.take(&most, &ask(1)), Err(Measure::Rows));
        assert_eq!(count.take(&most, &Ask { leaves: rows(1), ..Ask::default() }), Err(Measure::Rows));
        assert_eq!(count.take(&most, &ask(0)), Ok(rows(0)));
        assert_eq!(count.used, rows(10));
        // A limit that was lowered under what was used is used up.
        assert_eq!(count.take(&Amounts { rows: 5, ..most }, &ask(1)), Err(Measure::Rows));
        assert_eq!(count.take(&Amounts { rows: 11, ..most }, &ask(1)), Ok(rows(1)));
    }

    #[test]
    fn ahead_is_taken_where_there_is_plenty() {
        let most = Amounts { rows: 80, ..Amounts::UNLIMITED };
        let mut count = Count::default();
        count.begin(0, NEVER);
        let ask = Ask { ahead: rows(256), ..ask(1) };
        assert_eq!(count.take(&most, &ask), Ok(rows(10)));
        count.used = rows(73);
        assert_eq!(count.take(&most, &ask), Ok(rows(1)));
        assert_eq!(count.take(&Amounts { rows: 1_000_000, ..most }, &ask), Ok(rows(256)));
    }

    #[test]
    fn a_window_begins_with_what_is_counted_first_and_then_anew() {
        let mut count = Count::default();
        count.begin(1_000, 500);
        assert_eq!(count.ends_at, 1_500);
        count.used = rows(7);
        count.begin(1_499, 500);
        assert_eq!((count.used, count.ends_at), (rows(7), 1_500));
        count.give_back(rows(3), 1_500);
        assert_eq!(count.used, rows(4));
        count.begin(1_500, 500);
        assert_eq!((count.used, count.ends_at), (rows(0), 2_000));
        count.used = rows(2);
        count.give_back(rows(1), 1_500);
        assert_eq!(count.used, rows(2), "that was of the window before");
        count.begin(100, 500);
        assert_eq!((count.used, count.ends_at), (rows(2), 600), "the clock was set back");
    }

    #[test]
    fn only_what_is_counted_is_kept() {
        let most = Amounts { rows: 1, ..Amounts::UNLIMITED };
        let (taken, kept) = Count::default().changed(1_000, 500, |count| count.take(&most, &ask(2)));
        assert_eq!((taken, kept), (Err(Measure::Rows), None), "no window begins");
        let (_, kept) = Count::default().changed(1_000, 500, |count| count.take(&most, &ask(1)));
        let kept = kept.unwrap();
        assert_eq!((kept.used, kept.ends_at), (rows(1), 1_500));
        let look = |count: Count, now| count.changed(now, 500, |count| count.take(&most, &ask(1)));
        assert_eq!(look(kept, 1_001), (Err(Measure::Rows), None));
        assert_eq!(look(kept, 1_600).1.unwrap().ends_at, 2_100);
        let set_back = look(kept, 0).1.unwrap();
        assert_eq!((set_back.used, set_back.ends_at), (rows(1), 500), "the clock was set back");
    }
}
