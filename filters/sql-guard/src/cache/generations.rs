//! Two generations of what was found by a text: what is used in the current one survives the change to the next.

use hashbrown::HashMap;

use super::FactsCache;

#[derive(Debug)]
pub(super) struct Generations<V> {
    current: HashMap<Vec<u8>, V>,
    current_bytes: usize,
    previous: HashMap<Vec<u8>, V>,
}

impl<V> Default for Generations<V> {
    fn default() -> Self {
        Self { current: HashMap::new(), current_bytes: 0, previous: HashMap::new() }
    }
}

impl<V: Clone> Generations<V> {
    /// What is known of `text`, or else made; `bytes` tells what a value takes.
    pub(super) fn get_or(
        &mut self,
        text: &[u8],
        make: impl FnOnce() -> V,
        bytes: impl FnOnce(&V) -> usize,
    ) -> V {
        if let Some(known) = self.current.get(text) {
            return known.clone();
        }
        let value = self.previous.remove(text).unwrap_or_else(make);
        let bytes = text.len() + bytes(&value);
        if bytes > FactsCache::ONE_MOST {
            return value;
        }
        let full = self.current.len() >= FactsCache::GENERATION_MOST
            || self.current_bytes + bytes > FactsCache::GENERATION_BYTES;
        if full {
            self.previous = std::mem::take(&mut self.current);
            self.current_bytes = 0;
        }
        self.current_bytes += bytes;
        self.current.insert(text.to_vec(), value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn stay_small_and_keep_what_is_used() {
        let mut known = Generations::default();
        let first = known.get_or(b"used", || Rc::new(0), |_| 0);
        for number in 0..3 * FactsCache::GENERATION_MOST {
            known.get_or(format!("{number}").as_bytes(), || Rc::new(number), |_| 0);
            assert!(Rc::ptr_eq(&first, &known.get_or(b"used", || Rc::new(1), |_| 0)));
        }
        assert!(known.current.len() + known.previous.len() <= 2 * FactsCache::GENERATION_MOST);
        for number in 0..100 {
            known.get_or(
                format!("large {number}").as_bytes(),
                || Rc::new(number),
                |_| FactsCache::ONE_MOST / 2,
            );
            assert!(known.current_bytes <= FactsCache::GENERATION_BYTES);
        }
        assert!(known.current.len() < 100);
        let before = known.current.len();
        known.get_or(b"huge", || Rc::new(2), |_| FactsCache::ONE_MOST);
        assert_eq!(known.current.len(), before, "what takes too much is not kept");
    }
}
