//! The verdicts on what a session has asked lately: agents repeat themselves, and so do their drivers.

use std::rc::{Rc, Weak};

use chaperone_model::facts::Facts;
use chaperone_model::{Digest, UnixSeconds, Verdict};
use chaperone_proto::VerdictHead;
use chaperone_settings::Settings;

/// How many are kept.
const MOST: usize = 64;

/// A verdict with what it depended on.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// Not kept alive: whoever prepared it does that. As long as this is here, no other facts have their place.
    facts: Weak<Facts>,
    settings: Rc<Settings>,
    /// A rule may look at the clock.
    second: UnixSeconds,
    pub(crate) verdict: Rc<Verdict>,
    pub(crate) record: Rc<VerdictHead>,
    pub(crate) facts_wanted: bool,
    pub(crate) policy: Digest,
}

/// The latest verdicts of a session.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    known: Vec<Judged>,
    newest: usize,
}

impl Judged {
    pub(crate) fn new(
        facts: &Rc<Facts>,
        settings: &Rc<Settings>,
        second: UnixSeconds,
        verdict: Verdict,
        record: VerdictHead,
        facts_wanted: bool,
    ) -> Self {
        Self {
            facts: Rc::downgrade(facts),
            settings: Rc::clone(settings),
            second,
            verdict: Rc::new(verdict),
            record: Rc::new(record),
            facts_wanted,
            policy: settings.policy.digest(),
        }
    }

    fn is_of(&self, facts: &Rc<Facts>) -> bool {
        std::ptr::eq(self.facts.as_ptr(), Rc::as_ptr(facts))
    }

    fn holds(&self, settings: &Rc<Settings>, second: UnixSeconds) -> bool {
        Rc::ptr_eq(&self.settings, settings) && self.second == second
    }
}

impl Verdicts {
    /// What was said of these facts under these settings in this second.
    pub(crate) fn get(
        &mut self,
        facts: &Rc<Facts>,
        settings: &Rc<Settings>,
        second: UnixSeconds,
    ) -> Option<&Judged> {
        let is_it = |judged: &Judged| judged.is_of(facts) && judged.holds(settings, second);
        if !self.known.get(self.newest).is_some_and(is_it) {
            self.newest = self.known.iter().position(is_it)?;
        }
        self.known.get(self.newest)
    }

    /// A new one; the oldest gives way.
    pub(crate) fn put(&mut self, facts: &Rc<Facts>, judged: Judged) {
        let place = self.known.iter().position(|known| known.is_of(facts));
        let place =
            place.unwrap_or_else(|| if self.known.len() < MOST { self.known.len() } else { self.oldest() });
        match self.known.get_mut(place) {
            Some(known) => *known = judged,
            None => self.known.push(judged),
        }
        self.newest = place;
    }

    fn oldest(&self) -> usize {
        (self.newest + 1) % MOST
    }
}
