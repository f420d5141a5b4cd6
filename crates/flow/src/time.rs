//! The time of an event, asked for when somebody needs it: the host's answer costs more than much of what is done with it.

use std::cell::Cell;
use std::fmt;

use crate::Now;

/// The time of one event: the same whenever it is asked for.
pub struct Time {
    known: Cell<Option<Now>>,
    ask: fn() -> Now,
}

impl Time {
    /// Asked of `ask`, once, if at all.
    #[must_use]
    pub const fn when_asked(ask: fn() -> Now) -> Self {
        Self { known: Cell::new(None), ask }
    }

    /// This time.
    #[must_use]
    pub const fn at(now: Now) -> Self {
        Self { known: Cell::new(Some(now)), ask: Now::default }
    }

    /// It.
    pub fn now(&self) -> Now {
        self.known.get().unwrap_or_else(|| {
            let now = (self.ask)();
            self.known.set(Some(now));
            now
        })
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Time").field(&self.known.get()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn is_asked_for_once() {
        static ASKED: AtomicU64 = AtomicU64::new(0);
        let time = Time::when_asked(|| Now { unix_nanos: ASKED.fetch_add(1, Ordering::Relaxed) + 1 });
        assert_eq!(ASKED.load(Ordering::Relaxed), 0);
        assert_eq!((time.now(), time.now()), (Now { unix_nanos: 1 }, Now { unix_nanos: 1 }));
    }
}
