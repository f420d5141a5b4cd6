//! The memory that the sessions of one VM share, so that none of them takes what the others need.
//!
//! A VM has so much memory and no more; when it is used up the VM ends, and every session of the worker with it. So
//! what is kept for sessions is counted, and a session may keep **at most as much as is left for all others**. (Shared
//! switches divide their buffers like this: Choudhury and Hahne, "Dynamic queue length thresholds", 1998.) What a
//! switch gets back in a moment a session may keep for a day; so where a small one finds no room, the largest is to
//! end: see [`Budget::take_wanted`].

use std::cell::Cell;
use std::rc::Rc;

/// What all sessions of a VM may keep together.
#[derive(Clone, Debug)]
pub struct Budget(Rc<Pool>);

#[derive(Debug)]
struct Pool {
    most: Cell<usize>,
    used: Cell<usize>,
    /// The least that a session would have needed and was refused since somebody last looked.
    wanted: Cell<Option<usize>>,
}

/// What one session keeps. Given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    pool: Rc<Pool>,
    mine: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MOST)
    }
}

impl Budget {
    /// Bytes where nothing else is said: a quarter of what a VM can have.
    pub const DEFAULT_MOST: usize = 256 << 20;

    /// A budget of so many bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(Rc::new(Pool { most: Cell::new(most), used: Cell::new(0), wanted: Cell::new(None) }))
    }

    /// Makes it larger or smaller. What is kept stays.
    pub fn set_most(&self, most: usize) {
        self.0.most.set(most);
    }

    /// Bytes that all sessions keep.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.get()
    }

    /// The least that a session wanted to have and could not, since this was asked last. Whoever has more than twice of
    /// that is to end, the largest first: it has what a modest session lacks.
    #[must_use]
    pub fn take_wanted(&self) -> Option<usize> {
        self.0.wanted.take()
    }

    /// A share that keeps nothing yet.
    #[must_use]
    pub fn share(&self) -> Share {
        Share { pool: Rc::clone(&self.0), mine: 0 }
    }
}

impl Default for Share {
    /// Of a budget of its own.
    fn default() -> Self {
        Budget::default().share()
    }
}

impl Share {
    /// Takes so many bytes more, if the session may have them.
    #[must_use]
    pub fn take(&mut self, more: usize) -> bool {
        let Some(mine) = self.mine.checked_add(more) else { return false };
        let fits = self.may_have(mine);
        if fits {
            self.put(mine);
        } else {
            self.want(mine);
        }
        fits
    }

    /// Says how many bytes the session keeps by now. False where it has more than it may, and more than before.
    #[must_use]
    pub fn settle(&mut self, mine: usize) -> bool {
        let fits = mine <= self.mine || self.may_have(mine);
        if !fits {
            self.want(mine);
        }
        self.put(mine);
        fits
    }

    /// Bytes of this session.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.mine
    }

    /// Whether the session may have so many bytes in all.
    #[must_use]
    pub fn may_have(&self, mine: usize) -> bool {
        let used = (self.pool.used.get() - self.mine).saturating_add(mine);
        let left = self.pool.most.get().checked_sub(used);
        left.is_some_and(|left| mine <= left)
    }

    fn want(&self, bytes: usize) {
        let least = self.pool.wanted.get().map_or(bytes, |wanted| wanted.min(bytes));
        self.pool.wanted.set(Some(least));
    }

    fn put(&mut self, mine: usize) {
        self.pool.used.set((self.pool.used.get() - self.mine).saturating_add(mine));
        self.mine = mine;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.put(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 4 << 20;

    #[test]
    fn one_session_gets_half_and_it_is_told_who_lacks_what() {
        let budget = Budget::new(MOST);
        let mut greedy: Vec<Share> = (0..50).map(|_| budget.share()).collect();
        for share in &mut greedy {
            while share.take(1024) {}
        }
        assert!(budget.used() <= MOST);
        assert_eq!(greedy.first().map(Share::bytes), Some(MOST / 2));
        let _greedy_ones = budget.take_wanted();
        let mut modest = budget.share();
        assert!(!modest.take(8 << 10));
        assert_eq!(budget.take_wanted(), Some(8 << 10));
        assert_eq!(budget.take_wanted(), None);
        greedy.remove(0);
        assert!(modest.take(8 << 10));
    }

    #[test]
    fn what_a_session_kept_is_given_back_when_it_ends() {
        let budget = Budget::new(MOST);
        let mut share = budget.share();
        assert!(share.take(MOST / 2));
        assert!(!share.take(1));
        drop(share);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn only_who_grows_is_told_that_there_is_no_room() {
        let budget = Budget::new(MOST);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert!(first.settle(MOST / 2));
        assert!(!second.settle(MOST));
        assert!(first.settle(MOST / 2 - 1), "it has less than before");
        assert!(second.settle(MOST - 1), "it too, though it has too much");
        assert!(second.settle(0));
        assert_eq!(budget.used(), MOST / 2 - 1);
    }
}
