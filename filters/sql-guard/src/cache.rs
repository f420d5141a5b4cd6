//! Facts by statement text, for all sessions of a VM.
//!
//! Facts depend on the text alone, never on who asks or when, so that the cache needs no care but for its size. It
//! keeps two generations: what is used in the current one survives the change to the next.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use chaperone_flow::Command;
use chaperone_sql::Limits;

/// A cache that all sessions of a VM share.
#[derive(Clone, Debug, Default)]
pub struct FactsCache(Rc<RefCell<Generations>>);

#[derive(Debug, Default)]
struct Generations {
    current: HashMap<Vec<u8>, Rc<Command>>,
    current_bytes: usize,
    previous: HashMap<Vec<u8>, Rc<Command>>,
}

impl FactsCache {
    /// Longest text that is kept, in bytes.
    pub const TEXT_MOST: usize = 16 << 10;
    /// Texts of one generation, in number and in bytes.
    pub const GENERATION_MOST: usize = 2_000;
    /// See [`Self::GENERATION_MOST`].
    pub const GENERATION_BYTES: usize = 2 << 20;

    /// The command with this text.
    pub(crate) fn command(&self, text: &[u8]) -> Rc<Command> {
        let mut generations = self.0.borrow_mut();
        if let Some(command) = generations.current.get(text) {
            return Rc::clone(command);
        }
        let known = generations.previous.remove(text);
        let command = known
            .unwrap_or_else(|| Rc::new(Command::new(text, chaperone_sql::read(text, &Limits::default()))));
        if text.len() <= Self::TEXT_MOST {
            generations.keep(text, &command);
        }
        command
    }
}

impl Generations {
    fn keep(&mut self, text: &[u8], command: &Rc<Command>) {
        let full = self.current.len() >= FactsCache::GENERATION_MOST
            || self.current_bytes + text.len() > FactsCache::GENERATION_BYTES;
        if full {
            self.previous = std::mem::take(&mut self.current);
            self.current_bytes = 0;
        }
        self.current_bytes += text.len();
        self.current.insert(text.to_vec(), Rc::clone(command));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_read_once_and_the_cache_stays_small() {
        let cache = FactsCache::default();
        let first = cache.command(b"select 1");
        assert!(Rc::ptr_eq(&first, &cache.command(b"select 1")));
        for number in 0..3 * FactsCache::GENERATION_MOST {
            cache.command(format!("select {number}").as_bytes());
            cache.command(b"select 1");
        }
        assert!(Rc::ptr_eq(&first, &cache.command(b"select 1")), "what is used stays");
        let generations = cache.0.borrow();
        assert!(generations.current.len() + generations.previous.len() <= 2 * FactsCache::GENERATION_MOST);
    }

    #[test]
    fn long_texts_are_not_kept() {
        let cache = FactsCache::default();
        let text = format!("select '{}'", "x".repeat(FactsCache::TEXT_MOST));
        let first = cache.command(text.as_bytes());
        assert!(!Rc::ptr_eq(&first, &cache.command(text.as_bytes())));
    }
}
