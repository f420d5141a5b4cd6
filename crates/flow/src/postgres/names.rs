//! What a name means: prepared statements and portals, while requests that define them are still under way.
//!
//! A Parse takes effect only when the server says so, yet the client may use the name at once. If a name were
//! simply bound to the newest text, a Parse that fails on the server (because the name is taken) would leave the
//! gateway judging one text while the server runs another. So a name has **candidates**: everything that it may
//! mean on the server now. Whoever judges a use of the name judges all of them.

use std::collections::HashMap;
use std::rc::Rc;

/// There are too many names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

#[derive(Debug)]
struct Candidate<T> {
    value: Rc<T>,
    /// Which definition this is.
    definition: u64,
    /// Whether the server has confirmed it.
    confirmed: bool,
    /// In which batch (Sync to Sync) it was sent.
    batch: u64,
}

/// Names of one kind in one session.
#[derive(Debug)]
pub struct Names<T> {
    meanings: HashMap<Vec<u8>, Vec<Candidate<T>>>,
    most: usize,
    next: u64,
    batch: u64,
}

impl<T> Names<T> {
    /// How many names one session may have where nothing else is said.
    pub const DEFAULT_MOST: usize = 10_000;
    /// How many candidates one name may have.
    const CANDIDATES_MOST: usize = 64;

    /// No names; at most `most` of them.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { meanings: HashMap::new(), most, next: 0, batch: 0 }
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.meanings.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.meanings.is_empty()
    }

    /// A definition goes to the server. Returns its number, for [`Self::confirm`] and [`Self::fail`].
    ///
    /// # Errors
    /// [`Full`] when there are too many names; the definition must then not be sent.
    pub fn define(&mut self, name: &[u8], value: Rc<T>) -> Result<u64, Full> {
        let known = self.meanings.contains_key(name);
        if !known && self.meanings.len() >= self.most {
            return Err(Full);
        }
        let definition = self.next;
        self.next += 1;
        let batch = self.batch;
        let candidates = self.meanings.entry(name.to_vec()).or_default();
        if name.is_empty() {
            // Defining the unnamed one again never fails because it is taken: within a batch the newest is meant, and
            // had an older one failed, the server would skip everything up to the batch's end.
            candidates.retain(|candidate| candidate.confirmed || candidate.batch != batch);
        }
        if candidates.len() >= Self::CANDIDATES_MOST {
            return Err(Full);
        }
        candidates.push(Candidate { value, definition, confirmed: false, batch: self.batch });
        Ok(definition)
    }

    /// The server confirmed a definition: the name means that and nothing older.
    pub fn confirm(&mut self, name: &[u8], definition: u64) {
        if let Some(candidates) = self.meanings.get_mut(name) {
            candidates.retain_mut(|candidate| {
                candidate.confirmed |= candidate.definition == definition;
                candidate.definition >= definition
            });
        }
    }

    /// The server refused or skipped a definition: the name never meant that.
    pub fn fail(&mut self, name: &[u8], definition: u64) {
        if let Some(candidates) = self.meanings.get_mut(name) {
            candidates.retain(|candidate| candidate.definition != definition);
            if candidates.is_empty() {
                self.meanings.remove(name);
            }
        }
    }

    /// The server confirmed that the name is closed. Definitions sent after the Close stay.
    pub fn closed(&mut self, name: &[u8], before: u64) {
        if let Some(candidates) = self.meanings.get_mut(name) {
            candidates.retain(|candidate| candidate.definition >= before);
            if candidates.is_empty() {
                self.meanings.remove(name);
            }
        }
    }

    /// The number that the next definition gets: remember it with a Close, for [`Self::closed`].
    #[must_use]
    pub const fn mark(&self) -> u64 {
        self.next
    }

    /// A Sync goes to the server.
    pub const fn batch_ends(&mut self) {
        self.batch += 1;
    }

    /// Forgets the names that the server has confirmed: their transaction is over, and portals end with it.
    pub fn forget_confirmed(&mut self) {
        self.meanings.retain(|_, candidates| candidates.iter().any(|candidate| !candidate.confirmed));
    }

    /// Everything that the name may mean to a request sent now; empty for an unknown name.
    ///
    /// A definition of the same batch hides older ones: had it failed, the server would skip this request too.
    pub fn meanings(&self, name: &[u8]) -> impl Iterator<Item = &Rc<T>> {
        let candidates = self.meanings.get(name).map(Vec::as_slice).unwrap_or_default();
        let newest_here =
            candidates.iter().rposition(|candidate| !candidate.confirmed && candidate.batch == self.batch);
        candidates.iter().skip(newest_here.unwrap_or(0)).map(|candidate| &candidate.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names<&'static str> {
        Names::new(2)
    }

    fn meanings(names: &Names<&'static str>, name: &str) -> Vec<&'static str> {
        names.meanings(name.as_bytes()).map(|value| **value).collect()
    }

    #[test]
    fn a_definition_counts_at_once_and_replaces_when_confirmed() {
        let mut it = names();
        let first = it.define(b"s", Rc::new("one")).unwrap();
        assert_eq!(meanings(&it, "s"), ["one"]);
        it.confirm(b"s", first);
        let second = it.define(b"s", Rc::new("two")).unwrap();
        assert_eq!(meanings(&it, "s"), ["two"], "in its own batch: had it failed, this would be skipped too");
        it.batch_ends();
        assert_eq!(meanings(&it, "s"), ["one", "two"], "in the next batch it is open which");
        it.confirm(b"s", second);
        assert_eq!(meanings(&it, "s"), ["two"]);
    }

    #[test]
    fn a_name_that_is_taken_keeps_its_meaning() {
        let mut it = names();
        let held = it.define(b"s", Rc::new("update")).unwrap();
        it.confirm(b"s", held);
        it.batch_ends();
        let harmless = it.define(b"s", Rc::new("select")).unwrap();
        it.batch_ends();
        it.fail(b"s", harmless);
        assert_eq!(meanings(&it, "s"), ["update"]);
    }

    #[test]
    fn a_failed_first_definition_leaves_nothing() {
        let mut it = names();
        let first = it.define(b"s", Rc::new("one")).unwrap();
        it.fail(b"s", first);
        assert!(it.is_empty());
        assert_eq!(meanings(&it, "s"), Vec::<&str>::new());
    }

    #[test]
    fn close_spares_what_was_defined_after_it() {
        let mut it = names();
        let first = it.define(b"s", Rc::new("one")).unwrap();
        it.confirm(b"s", first);
        let mark = it.mark();
        it.define(b"s", Rc::new("two")).unwrap();
        it.closed(b"s", mark);
        assert_eq!(meanings(&it, "s"), ["two"]);
    }

    #[test]
    fn is_bounded() {
        let mut it = names();
        it.define(b"a", Rc::new("1")).unwrap();
        it.define(b"b", Rc::new("1")).unwrap();
        assert_eq!(it.define(b"c", Rc::new("1")), Err(Full));
        for _ in 1..Names::<&str>::CANDIDATES_MOST {
            it.define(b"a", Rc::new("1")).unwrap();
        }
        assert_eq!(it.define(b"a", Rc::new("1")), Err(Full));
    }

    #[test]
    fn a_pipeline_may_define_the_unnamed_one_as_often_as_it_likes() {
        let mut it = names();
        for _ in 0..10 * Names::<&str>::CANDIDATES_MOST {
            it.define(b"", Rc::new("1")).unwrap();
        }
        it.define(b"", Rc::new("2")).unwrap();
        assert_eq!(meanings(&it, ""), ["2"]);
    }
}
