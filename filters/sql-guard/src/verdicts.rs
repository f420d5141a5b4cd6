//! The verdicts on what a session has asked lately: agents repeat themselves, and so do their drivers.

use std::rc::Rc;

use chaperone_model::{Digest, UnixSeconds, Verdict};
use chaperone_proto::VerdictHead;
use chaperone_settings::Settings;

/// How many are kept.
pub(crate) const MOST: usize = 64;

/// A verdict with what it depended on.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    settings: Rc<Settings>,
    /// A rule may look at the clock.
    second: UnixSeconds,
    pub(crate) verdict: Rc<Verdict>,
    pub(crate) record: Rc<VerdictHead>,
    pub(crate) facts_wanted: bool,
    pub(crate) policy: Digest,
}

impl Judged {
    pub(crate) fn new(
        settings: &Rc<Settings>,
        second: UnixSeconds,
        verdict: Verdict,
        record: VerdictHead,
        facts_wanted: bool,
    ) -> Self {
        Self {
            settings: Rc::clone(settings),
            second,
            verdict: Rc::new(verdict),
            record: Rc::new(record),
            facts_wanted,
            policy: settings.policy.digest(),
        }
    }

    /// Whether it is what would be said under these settings in this second.
    pub(crate) fn holds(&self, settings: &Rc<Settings>, second: UnixSeconds) -> bool {
        Rc::ptr_eq(&self.settings, settings) && self.second == second
    }
}
