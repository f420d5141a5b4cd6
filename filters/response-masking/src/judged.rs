//! What is found in a command before it runs, and the latest of it: agents repeat themselves, and a few bytes may ask once more
//! for a command that took long to look at.

use std::rc::{Rc, Weak};

use chaperone_model::Reason;
use chaperone_model::facts::Facts;

use crate::catalogue::Known;
use crate::plan::Plan;

/// How many are kept: as many as the session can ask for without the guard counting it as work, and more.
const MOST: usize = 128;

/// What was found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Findings {
    /// It names tables that have hidden columns, or may quote a hidden value.
    pub(crate) touched: bool,
    /// It names tables, and nobody knows yet which have hidden columns.
    pub(crate) unjudged: bool,
    /// It defines something.
    pub(crate) defined: bool,
    /// It defines something out of hidden columns.
    pub(crate) derives: bool,
    /// Why it is refused.
    pub(crate) refused: Option<Reason>,
}

/// Everything on which that depended. Pointers tell: none of these changes once it is made.
#[derive(Clone, Debug)]
pub(crate) struct Grounds {
    pub(crate) plan: Rc<Plan>,
    pub(crate) known: Option<Rc<Known>>,
    pub(crate) derived: bool,
    pub(crate) made: bool,
}

#[derive(Debug)]
struct Judged {
    /// Not kept alive: whoever prepared it does that. As long as this is here, no other facts have their place.
    facts: Weak<Facts>,
    grounds: Grounds,
    findings: Findings,
}

/// The latest findings of a session.
#[derive(Debug, Default)]
pub(crate) struct Latest {
    known: Vec<Judged>,
    newest: usize,
}

impl Grounds {
    fn are(&self, other: &Self) -> bool {
        let same_known = match (&self.known, &other.known) {
            (Some(one), Some(other)) => Rc::ptr_eq(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        same_known
            && Rc::ptr_eq(&self.plan, &other.plan)
            && self.derived == other.derived
            && self.made == other.made
    }
}

impl Latest {
    /// What was found in these facts on these grounds.
    pub(crate) fn get(&mut self, facts: &Rc<Facts>, grounds: &Grounds) -> Option<Findings> {
        let is_it =
            |it: &Judged| std::ptr::eq(it.facts.as_ptr(), Rc::as_ptr(facts)) && it.grounds.are(grounds);
        if !self.known.get(self.newest).is_some_and(is_it) {
            self.newest = self.known.iter().position(is_it)?;
        }
        self.known.get(self.newest).map(|judged| judged.findings)
    }

    /// New ones; the oldest give way.
    pub(crate) fn put(&mut self, facts: &Rc<Facts>, grounds: Grounds, findings: Findings) {
        let place = self.known.iter().position(|it| std::ptr::eq(it.facts.as_ptr(), Rc::as_ptr(facts)));
        let place = place.unwrap_or(if self.known.len() < MOST {
            self.known.len()
        } else {
            (self.newest + 1) % MOST
        });
        let judged = Judged { facts: Rc::downgrade(facts), grounds, findings };
        match self.known.get_mut(place) {
            Some(known) => *known = judged,
            None => self.known.push(judged),
        }
        self.newest = place;
    }
}

#[cfg(test)]
mod tests {
    use chaperone_model::facts::Statement;
    use chaperone_policy::Masks;

    use super::*;

    fn plan() -> Rc<Plan> {
        Rc::new(Plan::new(Masks::default(), [0; 32]))
    }

    fn facts() -> Rc<Facts> {
        Rc::new(Facts { statements: vec![Statement::default()], opaque: None })
    }

    #[test]
    fn what_was_found_counts_for_the_same_facts_on_the_same_grounds() {
        let same = plan();
        let grounds = |derived| Grounds { plan: Rc::clone(&same), known: None, derived, made: false };
        let (one, other) = (facts(), facts());
        let found = Findings { touched: true, ..Findings::default() };
        let mut latest = Latest::default();
        assert_eq!(latest.get(&one, &grounds(false)), None);
        latest.put(&one, grounds(false), found);
        assert_eq!(latest.get(&one, &grounds(false)), Some(found));
        assert_eq!(latest.get(&one, &grounds(true)), None);
        assert_eq!(latest.get(&other, &grounds(false)), None);
        let elsewhere = Grounds { plan: plan(), ..grounds(false) };
        assert_eq!(latest.get(&one, &elsewhere), None);
        // Whatever comes in between.
        let many: Vec<_> = (0..MOST - 1).map(|_| facts()).collect();
        for facts in &many {
            latest.put(facts, grounds(false), Findings::default());
        }
        assert_eq!(latest.get(&one, &grounds(false)), Some(found));
        latest.put(&other, grounds(false), Findings::default());
        latest.put(&facts(), grounds(false), Findings::default());
        assert_eq!(latest.known.len(), MOST);
    }
}
