//! What was found out about commands lately: agents repeat themselves, and so do their drivers, and a few bytes may ask once
//! more for a command that took long to look at.

use std::rc::{Rc, Weak};

use chaperone_model::facts::Facts;

/// The latest findings of a session about facts, each with the grounds that it stands on.
#[derive(Debug)]
pub struct Latest<T> {
    most: usize,
    known: Vec<Finding<T>>,
    newest: usize,
}

#[derive(Debug)]
struct Finding<T> {
    /// Not kept alive: whoever prepared it does that. As long as this is here, no other facts have their place.
    facts: Weak<Facts>,
    found: T,
}

impl<T> Finding<T> {
    fn is_of(&self, facts: &Rc<Facts>) -> bool {
        std::ptr::eq(self.facts.as_ptr(), Rc::as_ptr(facts))
    }
}

impl<T> Latest<T> {
    /// None yet, and at most so many.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { most, known: Vec::new(), newest: 0 }
    }

    /// What was found about these facts, if that still `holds`.
    pub fn get(&mut self, facts: &Rc<Facts>, holds: impl Fn(&T) -> bool) -> Option<&T> {
        let is_it = |it: &Finding<T>| it.is_of(facts) && holds(&it.found);
        if !self.known.get(self.newest).is_some_and(is_it) {
            self.newest = self.known.iter().position(is_it)?;
        }
        self.known.get(self.newest).map(|it| &it.found)
    }

    /// A new one, in the place of an earlier one about the same facts; else the oldest gives way.
    pub fn put(&mut self, facts: &Rc<Facts>, found: T) {
        let place = self.known.iter().position(|it| it.is_of(facts));
        let next = if self.known.len() < self.most {
            self.known.len()
        } else {
            (self.newest + 1) % self.most.max(1)
        };
        let place = place.unwrap_or(next);
        let finding = Finding { facts: Rc::downgrade(facts), found };
        match self.known.get_mut(place) {
            Some(known) => *known = finding,
            None => self.known.push(finding),
        }
        self.newest = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 4;

    fn facts() -> Rc<Facts> {
        Rc::new(Facts::default())
    }

    #[test]
    fn what_was_found_counts_for_the_same_facts_while_it_holds_and_the_oldest_gives_way() {
        let (one, other) = (facts(), facts());
        let mut latest = Latest::new(MOST);
        assert_eq!(latest.get(&one, |_| true), None);
        latest.put(&one, 1);
        assert_eq!(latest.get(&one, |found| *found == 1), Some(&1));
        assert_eq!(latest.get(&one, |found| *found == 2), None);
        assert_eq!(latest.get(&other, |_| true), None, "equal facts are not the same");
        latest.put(&one, 2);
        assert_eq!(latest.get(&one, |_| true), Some(&2), "the earlier one is gone");
        // Whatever comes in between.
        let many: Vec<_> = (1..MOST).map(|_| facts()).collect();
        for facts in &many {
            latest.put(facts, 3);
        }
        assert_eq!(latest.get(&one, |_| true), Some(&2));
        latest.put(&other, 4);
        latest.put(&facts(), 5);
        assert_eq!(latest.known.len(), MOST);
        assert_eq!(latest.get(&other, |_| true), Some(&4));
    }
}
