//! Ends of COPY that went to the server before it had said that it reads COPY data.

use std::collections::VecDeque;

/// Where they lie between the requests. Bounded by the requests that wait: there is one entry for a place.
#[derive(Debug)]
pub(super) struct Ends(VecDeque<End>);

#[derive(Debug)]
struct End {
    /// The number of the request behind it.
    before: u64,
    /// How many there are in this place: one Query may hold several COPYs.
    count: u64,
}

impl Ends {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// An end lies before the request with the number `before`; those before `first` are answered.
    pub(super) fn add(&mut self, before: u64, first: u64) {
        self.forget(first);
        match self.0.back_mut() {
            Some(last) if last.before == before => last.count = last.count.saturating_add(1),
            _ => self.0.push_back(End { before, count: 1 }),
        }
    }

    /// The place of the first end behind the request with the number `first`; it is used up.
    pub(super) fn take_behind(&mut self, first: u64) -> Option<u64> {
        self.forget(first);
        let end = self.0.front_mut()?;
        let before = end.before;
        end.count = end.count.saturating_sub(1);
        if end.count == 0 {
            self.0.pop_front();
        }
        Some(before)
    }

    /// So many requests in front of all ends are no requests any more.
    pub(super) fn move_forward(&mut self, by: u64) {
        for end in self.0.iter_mut().filter(|_| by > 0) {
            end.before = end.before.saturating_sub(by);
        }
    }

    /// Ends that do not lie behind the request with this number tell nothing.
    fn forget(&mut self, first: u64) {
        while self.0.front().is_some_and(|end| end.before <= first) {
            self.0.pop_front();
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
