//! Facts by statement text, for all sessions of a VM.
//!
//! Facts depend on the text alone, never on who asks or when, so that the cache needs no care but for its size. A text
//! is found by itself or, where it differs from another one in whole numbers alone, by its shape.

mod generations;

use std::cell::RefCell;
use std::rc::Rc;

use chaperone_flow::Command;
use chaperone_model::facts::Facts;
use chaperone_sql::{Limits, Shape};

use generations::Generations;

/// A cache that all sessions of a VM share.
#[derive(Clone, Debug, Default)]
pub struct FactsCache(Rc<RefCell<Known>>);

#[derive(Debug, Default)]
struct Known {
    commands: Generations<Rc<Command>>,
    /// None where the facts depend on the numbers.
    shapes: Generations<Option<Rc<Facts>>>,
}

impl FactsCache {
    /// Longest text that is kept, in bytes.
    pub const TEXT_MOST: usize = 16 << 10;
    /// Texts of one generation.
    pub const GENERATION_MOST: usize = 2_000;
    /// Bytes of one generation, facts included.
    pub const GENERATION_BYTES: usize = 8 << 20;
    /// Bytes of the largest that is kept.
    pub const ONE_MOST: usize = 256 << 10;

    /// The command with this text.
    pub(crate) fn command(&self, text: &[u8]) -> Rc<Command> {
        if text.len() > Self::TEXT_MOST {
            return read(text);
        }
        let mut known = self.0.borrow_mut();
        if let Some(facts) = Shape::of(text).and_then(|shape| known.of_shape(&shape)) {
            return Rc::new(Command::new(text, facts));
        }
        known.commands.get_or(text, || read(text), |command| command.bytes())
    }
}

impl Known {
    fn of_shape(&mut self, shape: &Shape) -> Option<Rc<Facts>> {
        let bytes = |facts: &Option<Rc<Facts>>| facts.as_ref().map_or(0, |facts| facts.bytes());
        self.shapes.get_or(shape.as_bytes(), || shape.read(&Limits::default()).map(Rc::new), bytes)
    }
}

fn read(text: &[u8]) -> Rc<Command> {
    Rc::new(Command::new(text, Rc::new(chaperone_sql::read(text, &Limits::default()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_read_once() {
        let cache = FactsCache::default();
        let first = cache.command(b"select a");
        assert!(Rc::ptr_eq(&first, &cache.command(b"select a")));
    }

    #[test]
    fn texts_that_differ_in_numbers_share_their_facts_and_nothing_else() {
        let cache = FactsCache::default();
        let (one, two) =
            (cache.command(b"select a from t where id = 1"), cache.command(b"select a from t where id = 2"));
        assert!(Rc::ptr_eq(one.facts(), two.facts()));
        assert_eq!(two.text(), "select a from t where id = 2");
        assert_ne!(one.digest(), two.digest());
        let (one, two) = (cache.command(b"delete from t where 1"), cache.command(b"delete from t where 0"));
        assert_ne!(one.facts(), two.facts(), "here the number tells");
    }

    #[test]
    fn long_texts_are_not_kept() {
        let cache = FactsCache::default();
        let text = format!("select '{}'", "x".repeat(FactsCache::TEXT_MOST));
        let first = cache.command(text.as_bytes());
        assert!(!Rc::ptr_eq(&first, &cache.command(text.as_bytes())));
    }
}
