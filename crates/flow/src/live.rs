//! A value that is replaced while sessions use it: the policy in force.

use std::cell::RefCell;
use std::rc::Rc;

/// A handle to the newest value. Clones share it, so that a live session obeys a new policy at once.
#[derive(Debug)]
pub struct Live<T>(Rc<RefCell<Rc<T>>>);

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Live<T> {
    /// Starts with `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Rc::new(RefCell::new(Rc::new(value))))
    }

    /// The newest value. Two calls return the same `Rc` as long as nothing was replaced.
    #[must_use]
    pub fn get(&self) -> Rc<T> {
        Rc::clone(&self.0.borrow())
    }

    /// Replaces the value for all holders of the handle.
    pub fn set(&self, value: T) {
        *self.0.borrow_mut() = Rc::new(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_see_the_replacement_and_identity_tells_it() {
        let live = Live::new(1);
        let other = live.clone();
        let before = other.get();
        assert!(Rc::ptr_eq(&before, &other.get()));
        live.set(2);
        assert_eq!(*other.get(), 2);
        assert!(!Rc::ptr_eq(&before, &other.get()));
    }
}
