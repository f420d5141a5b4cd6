//! The keys of one issuer and the state of their fetch. One fetch at a time, whoever asks.

use std::rc::Rc;

use chaperone_token::Jwks;

/// Keys older than this are fetched again when they are used, in milliseconds.
pub(crate) const FRESH: u64 = 3_600_000;
/// Keys older than this, which the provider did not confirm in that time, are not used any more.
pub(crate) const USABLE: u64 = 24 * FRESH;
/// Known keys are fetched again for an unknown one at most this often.
pub(crate) const REFETCH_AFTER: u64 = 10_000;
/// Where no keys are known, or whoever fetched them has gone, the next attempt may come after this.
pub(crate) const RETRY_AFTER: u64 = 1_000;
/// A fetch that takes longer is given up: two calls and some air.
pub(crate) const FETCH_MOST: u64 = 2 * crate::provider::CALL_TIMEOUT + 2_000;

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Fetch {
    #[default]
    Never,
    UnderWay(u64),
    /// Whoever fetched has gone.
    Abandoned(u64),
    Failed(u64),
    Succeeded(u64),
}

/// Whether keys may be fetched now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum May {
    /// Yes, now.
    Fetch,
    /// Somebody does, or soon somebody may.
    Wait,
    /// Not yet: the last fetch has just succeeded, and its answer stands.
    RestSucceeded,
    /// Not yet: the last fetch has just failed.
    RestFailed,
}

/// The keys of one issuer.
#[derive(Debug, Default)]
pub(crate) struct IssuerKeys {
    keys: Option<(Rc<Jwks>, [u8; 32])>,
    /// When the provider said so last.
    confirmed: u64,
    /// Goes up whenever the keys change, so that what was verified with older ones is looked at again.
    generation: u64,
    fetch: Fetch,
    used: u64,
}

impl IssuerKeys {
    /// The keys, if they may still be used.
    pub(crate) fn usable(&self, millis: u64) -> Option<Rc<Jwks>> {
        let age = millis.saturating_sub(self.confirmed);
        self.keys.as_ref().filter(|_| age < USABLE).map(|(keys, _)| Rc::clone(keys))
    }

    /// The generation of the keys, if they may still be used.
    pub(crate) fn generation(&self, millis: u64) -> Option<u64> {
        let usable = self.keys.is_some() && millis.saturating_sub(self.confirmed) < USABLE;
        usable.then_some(self.generation)
    }

    /// They are used now.
    pub(crate) const fn touch(&mut self, millis: u64) {
        self.used = millis;
    }

    /// When they were used last.
    pub(crate) const fn used(&self) -> u64 {
        self.used
    }

    /// Whether they should be fetched again although they are known.
    pub(crate) fn are_old(&self, millis: u64) -> bool {
        self.keys.is_some() && millis.saturating_sub(self.confirmed) >= FRESH
    }

    /// Whether keys may be fetched now.
    pub(crate) fn may(&self, millis: u64) -> May {
        let rests = |since: u64, long: u64| millis.saturating_sub(since) < long;
        let known = self.generation(millis).is_some();
        match self.fetch {
            Fetch::UnderWay(since) if rests(since, FETCH_MOST) => May::Wait,
            Fetch::Abandoned(since) if rests(since, RETRY_AFTER) => May::Wait,
            Fetch::Failed(since) if rests(since, if known { REFETCH_AFTER } else { RETRY_AFTER }) => {
                May::RestFailed
            }
            Fetch::Succeeded(since) if rests(since, REFETCH_AFTER) => May::RestSucceeded,
            _ => May::Fetch,
        }
    }

    /// Somebody fetches.
    pub(crate) const fn begin(&mut self, millis: u64) {
        self.fetch = Fetch::UnderWay(millis);
    }

    /// Whoever fetched has gone before it was done.
    pub(crate) const fn abandon(&mut self) {
        if let Fetch::UnderWay(since) = self.fetch {
            self.fetch = Fetch::Abandoned(since);
        }
    }

    /// The fetch failed.
    pub(crate) const fn fail(&mut self, millis: u64) {
        self.fetch = Fetch::Failed(millis);
    }

    /// The fetch brought keys; `digest` is that of the text that they were read from.
    pub(crate) fn succeed(&mut self, millis: u64, keys: Jwks, digest: [u8; 32]) {
        self.fetch = Fetch::Succeeded(millis);
        self.confirmed = millis;
        if self.keys.as_ref().is_none_or(|(_, known)| *known != digest) {
            self.generation += 1;
            self.keys = Some((Rc::new(keys), digest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 1_700_000_000_000;

    fn known() -> IssuerKeys {
        let mut keys = IssuerKeys::default();
        keys.begin(T);
        keys.succeed(T, Jwks::default(), [1; 32]);
        keys
    }

    #[test]
    fn one_fetch_at_a_time_and_not_too_often() {
        let mut keys = IssuerKeys::default();
        assert_eq!(keys.may(T), May::Fetch);
        keys.begin(T);
        assert_eq!(keys.may(T + FETCH_MOST - 1), May::Wait);
        assert_eq!(keys.may(T + FETCH_MOST), May::Fetch, "never answered");
        keys.fail(T);
        assert_eq!(keys.may(T + RETRY_AFTER - 1), May::RestFailed);
        assert_eq!(keys.may(T + RETRY_AFTER), May::Fetch, "without keys, soon again");

        let mut keys = known();
        assert_eq!(keys.may(T + REFETCH_AFTER - 1), May::RestSucceeded);
        assert_eq!(keys.may(T + REFETCH_AFTER), May::Fetch);
        keys.fail(T);
        assert_eq!(keys.may(T + REFETCH_AFTER - 1), May::RestFailed, "with keys, no hurry");
    }

    #[test]
    fn a_fetch_whose_owner_has_gone_is_taken_over_but_not_at_once() {
        let mut keys = IssuerKeys::default();
        keys.begin(T);
        keys.abandon();
        assert_eq!(keys.may(T + RETRY_AFTER - 1), May::Wait);
        assert_eq!(keys.may(T + RETRY_AFTER), May::Fetch);
        let mut keys = known();
        keys.abandon();
        assert_eq!(keys.may(T + 1), May::RestSucceeded, "it was done already");
    }

    #[test]
    fn keys_age_and_change() {
        let mut keys = known();
        let first = keys.generation(T).unwrap();
        assert!(!keys.are_old(T + FRESH - 1));
        assert!(keys.are_old(T + FRESH));
        assert!(keys.usable(T + USABLE - 1).is_some());
        assert!(keys.usable(T + USABLE).is_none());
        assert_eq!(keys.generation(T + USABLE), None);
        keys.succeed(T + USABLE, Jwks::default(), [1; 32]);
        assert_eq!(keys.generation(T + USABLE), Some(first), "the same text, the same keys");
        keys.succeed(T + USABLE, Jwks::default(), [2; 32]);
        assert_ne!(keys.generation(T + USABLE), Some(first));
    }
}
