//! What a name means: prepared statements and portals, while requests that define them are still under way.
//!
//! A Parse takes effect only when the server says so, yet the client may use the name at once. If a name were
//! simply bound to the newest text, a Parse that fails on the server (because the name is taken) would leave the
//! gateway judging one text while the server runs another. So a name has **candidates**: everything that it may
//! mean on the server now. Whoever judges a use of the name judges all of them.

use std::rc::Rc;

use hashbrown::HashMap;

/// There are too many names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

#[derive(Debug)]
struct Candidate<T> {
    value: Rc<T>,
    /// The newest definition with this value in a row of such.
    definition: u64,
    /// How many definitions of the row the server has not answered. It answers in order, so a count is enough.
    open: u32,
    /// Whether the server has confirmed any of them.
    confirmed: bool,
    /// In which batch (Sync to Sync) the newest was sent.
    batch: u64,
    /// What it takes.
    bytes: usize,
}

/// Names of one kind in one session.
#[derive(Debug)]
pub struct Names<T> {
    meanings: HashMap<Vec<u8>, Vec<Candidate<T>>>,
    most: usize,
    next: u64,
    batch: u64,
    bytes: usize,
}

/// What a name takes besides its letters and its meaning.
const ENTRY_BYTES: usize = 128;

impl<T> Names<T> {
    /// How many names one session may have where nothing else is said.
    pub const DEFAULT_MOST: usize = 10_000;
    /// How many candidates one name may have.
    const CANDIDATES_MOST: usize = 4_096;

    /// No names; at most `most` of them.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { meanings: HashMap::new(), most, next: 0, batch: 0, bytes: 0 }
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

    /// Bytes that the names and their meanings take.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that a definition takes whose value has so many.
    #[must_use]
    pub const fn bytes_of(name: &[u8], value: usize) -> usize {
        ENTRY_BYTES + name.len() + value
    }

    /// A definition goes to the server. Returns its number, for [`Self::confirm`] and [`Self::fail`]. `bytes` is what it
    /// takes (see [`Self::bytes_of`]).
    ///
    /// `same` tells whether two values mean the same: a pipeline that repeats one definition is one candidate.
    ///
    /// # Errors
    /// [`Full`] when there are too many names; the definition must then not be sent.
    pub fn define(
        &mut self,
        name: &[u8],
        value: Rc<T>,
        bytes: usize,
        same: impl Fn(&T, &T) -> bool,
    ) -> Result<u64, Full> {
        let known = self.meanings.contains_key(name);
        if !known && self.meanings.len() >= self.most {
            return Err(Full);
        }
        let definition = self.next;
        self.next += 1;
        let batch = self.batch;
        let candidates = self.meanings.entry_ref(name).or_default();
        if let Some(newest) = candidates.last_mut().filter(|newest| same(&newest.value, &value)) {
            newest.definition = definition;
            newest.open = newest.open.saturating_add(1);
            newest.batch = batch;
            return Ok(definition);
        }
        if candidates.len() >= Self::CANDIDATES_MOST {
            return Err(Full);
        }
        candidates.push(Candidate { value, definition, open: 1, confirmed: false, batch, bytes });
        self.bytes += bytes;
        Ok(definition)
    }

    /// The server confirmed a definition: the name means that and nothing older.
    pub fn confirm(&mut self, name: &[u8], definition: u64) {
        if let Some(candidates) = self.meanings.get_mut(name) {
            // The first row that reaches this definition holds it.
            retain(candidates, &mut self.bytes, |candidate| candidate.definition >= definition);
            if let Some(candidate) = candidates.first_mut() {
                candidate.confirmed = true;
                candidate.open = candidate.open.saturating_sub(1);
            }
        }
    }

    /// The server refused or skipped a definition: the name never meant that.
    pub fn fail(&mut self, name: &[u8], definition: u64) {
        if let Some(candidates) = self.meanings.get_mut(name) {
            let holder = candidates.iter().position(|candidate| candidate.definition >= definition);
            if let Some(candidate) = holder.and_then(|index| candidates.get_mut(index)) {
                candidate.open = candidate.open.saturating_sub(1);
            }
            retain(candidates, &mut self.bytes, |candidate| candidate.confirmed || candidate.open > 0);
            if candidates.is_empty() {
                self.meanings.remove(name);
            }
        }
    }

    /// The server confirmed that the name is closed. Definitions sent after the Close stay.
    pub fn closed(&mut self, name: &[u8], before: u64) {
        if let Some(candidates) = self.meanings.get_mut(name) {
            retain(candidates, &mut self.bytes, |candidate| candidate.definition >= before);
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
        let bytes = &mut self.bytes;
        self.meanings.retain(|_, candidates| {
            let stays = candidates.iter().any(|candidate| candidate.open > 0);
            if !stays {
                retain(candidates, bytes, |_| false);
            }
            stays
        });
    }

    /// Everything that the name may mean to a request sent now; empty for an unknown name.
    ///
    /// A definition of the same batch hides older ones: had it failed, the server would skip this request too.
    pub fn meanings(&self, name: &[u8]) -> impl Iterator<Item = &Rc<T>> {
        let candidates = self.meanings.get(name).map(Vec::as_slice).unwrap_or_default();
        let newest_here =
            candidates.iter().rposition(|candidate| candidate.open > 0 && candidate.batch == self.batch);
        candidates.iter().skip(newest_here.unwrap_or(0)).map(|candidate| &candidate.value)
    }
}

/// Keeps those candidates, and gives back what the others took.
fn retain<T>(candidates: &mut Vec<Candidate<T>>, bytes: &mut usize, stays: impl Fn(&Candidate<T>) -> bool) {
    candidates.retain(|candidate| {
        let stays = stays(candidate);
        if !stays {
            *bytes = bytes.saturating_sub(candidate.bytes);
        }
        stays
    });
}

impl<T> Names<T> {
    /// Everything that any name but the empty one may mean.
    pub fn named(&self) -> impl Iterator<Item = &Rc<T>> {
        let named = self.meanings.iter().filter(|(name, _)| !name.is_empty());
        named.flat_map(|(_, candidates)| candidates.iter().map(|candidate| &candidate.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names<&'static str> {
        Names::new(2)
    }

    fn define(names: &mut Names<&'static str>, name: &[u8], value: &'static str) -> Result<u64, Full> {
        names.define(name, Rc::new(value), 1, |one, other| one == other)
    }

    fn meanings(names: &Names<&'static str>, name: &str) -> Vec<&'static str> {
        names.meanings(name.as_bytes()).map(|value| **value).collect()
    }

    #[test]
    fn a_definition_counts_at_once_and_replaces_when_confirmed() {
        let mut it = names();
        let first = define(&mut it, b"s", "one").unwrap();
        assert_eq!(meanings(&it, "s"), ["one"]);
        it.confirm(b"s", first);
        let second = define(&mut it, b"s", "two").unwrap();
        assert_eq!(meanings(&it, "s"), ["two"], "in its own batch: had it failed, this would be skipped too");
        it.batch_ends();
        assert_eq!(meanings(&it, "s"), ["one", "two"], "in the next batch it is open which");
        assert_eq!(it.bytes(), 2);
        it.confirm(b"s", second);
        assert_eq!(meanings(&it, "s"), ["two"]);
        assert_eq!(it.bytes(), 1);
        it.forget_confirmed();
        assert_eq!(it.bytes(), 0);
    }

    #[test]
    fn a_name_that_is_taken_keeps_its_meaning() {
        let mut it = names();
        let held = define(&mut it, b"s", "update").unwrap();
        it.confirm(b"s", held);
        it.batch_ends();
        let harmless = define(&mut it, b"s", "select").unwrap();
        it.batch_ends();
        it.fail(b"s", harmless);
        assert_eq!(meanings(&it, "s"), ["update"]);
    }

    #[test]
    fn a_failed_first_definition_leaves_nothing() {
        let mut it = names();
        let first = define(&mut it, b"s", "one").unwrap();
        it.fail(b"s", first);
        assert!(it.is_empty());
        assert_eq!(it.bytes(), 0);
        assert_eq!(meanings(&it, "s"), Vec::<&str>::new());
    }

    #[test]
    fn close_spares_what_was_defined_after_it() {
        let mut it = names();
        let first = define(&mut it, b"s", "one").unwrap();
        it.confirm(b"s", first);
        let mark = it.mark();
        define(&mut it, b"s", "two").unwrap();
        it.closed(b"s", mark);
        assert_eq!(meanings(&it, "s"), ["two"]);
    }

    #[test]
    fn is_bounded() {
        let mut it = names();
        define(&mut it, b"a", "1").unwrap();
        define(&mut it, b"b", "1").unwrap();
        assert_eq!(define(&mut it, b"c", "1"), Err(Full));
        for number in 1..Names::<&str>::CANDIDATES_MOST {
            define(&mut it, b"a", if number % 2 == 0 { "1" } else { "2" }).unwrap();
        }
        assert_eq!(define(&mut it, b"a", "1"), Err(Full));
    }

    #[test]
    fn a_pipeline_may_repeat_a_definition_as_often_as_it_likes() {
        let mut it = names();
        let numbers: Vec<_> = (0..10_000).map(|_| define(&mut it, b"", "1").unwrap()).collect();
        it.batch_ends();
        assert_eq!(meanings(&it, ""), ["1"]);
        for number in &numbers[..9_999] {
            it.confirm(b"", *number);
        }
        it.fail(b"", numbers[9_999]);
        assert_eq!(meanings(&it, ""), ["1"], "what was confirmed stays");
    }

    #[test]
    fn a_definition_that_is_skipped_leaves_the_older_one_in_force() {
        let mut it = names();
        let first = define(&mut it, b"", "harmless").unwrap();
        it.confirm(b"", first);
        it.batch_ends();
        let risky = define(&mut it, b"", "risky").unwrap();
        // Between the two something fails: the server keeps the first and skips the second.
        let skipped = define(&mut it, b"", "harmless too").unwrap();
        it.batch_ends();
        assert_eq!(meanings(&it, ""), ["harmless", "risky", "harmless too"], "all that it may be");
        it.confirm(b"", risky);
        it.fail(b"", skipped);
        assert_eq!(meanings(&it, ""), ["risky"]);
    }
}
