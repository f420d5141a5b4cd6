//! A bounded memory of what was seen lately, in two generations: what is used in the current one survives.

use std::collections::BTreeMap;
use std::fmt;

/// Values by digest.
pub(crate) struct Recent<V> {
    current: BTreeMap<[u8; 32], V>,
    previous: BTreeMap<[u8; 32], V>,
    most: usize,
}

impl<V> Recent<V> {
    /// At most `most` values.
    pub(crate) const fn new(most: usize) -> Self {
        Self { current: BTreeMap::new(), previous: BTreeMap::new(), most }
    }

    /// The value, if it is still known.
    pub(crate) fn find(&mut self, digest: &[u8; 32]) -> Option<&mut V> {
        if let Some(value) = self.previous.remove(digest) {
            self.add(*digest, value);
        }
        self.current.get_mut(digest)
    }

    /// Adds or replaces a value.
    pub(crate) fn add(&mut self, digest: [u8; 32], value: V) {
        if self.current.len() >= self.most / 2 && !self.current.contains_key(&digest) {
            self.previous = std::mem::take(&mut self.current);
        }
        self.previous.remove(&digest);
        self.current.insert(digest, value);
    }

    /// Forgets a value.
    pub(crate) fn remove(&mut self, digest: &[u8; 32]) {
        self.current.remove(digest);
        self.previous.remove(digest);
    }

    pub(crate) fn len(&self) -> usize {
        self.current.len() + self.previous.len()
    }
}

/// How many, not what.
impl<V> fmt::Debug for Recent<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_bounded_and_keeps_what_is_used() {
        let digest = |number: u8| [number; 32];
        let mut recent = Recent::new(8);
        for number in 0..100 {
            recent.add(digest(number), number);
            assert_eq!(recent.find(&digest(0)).copied(), Some(0), "used each time");
            assert!(recent.len() <= 8);
        }
        assert_eq!(recent.find(&digest(1)), None);
        recent.remove(&digest(0));
        assert_eq!(recent.find(&digest(0)), None);
    }
}
