//! What commands under way take in memory, where nobody else has them.

use std::cell::Cell;
use std::rc::Rc;

/// Bytes of all that are under way.
#[derive(Clone, Debug, Default)]
pub struct Rooms(Rc<Cell<usize>>);

/// The room of one; given back when it is dropped.
#[derive(Debug)]
pub struct Room {
    all: Rooms,
    bytes: usize,
}

impl Rooms {
    /// Room for so many bytes.
    #[must_use]
    pub fn room(&self, bytes: usize) -> Room {
        self.0.set(self.0.get().saturating_add(bytes));
        Room { all: self.clone(), bytes }
    }

    /// Bytes of all that are under way.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.get()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.0.set(self.all.0.get().saturating_sub(self.bytes));
    }
}
