//! What all connections of a VM share: the issuers' keys, which tokens were verified, salted passwords.

mod budget;
mod keys;
mod recent;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use chaperone_flow::Now;
use chaperone_model::{Identity, Reason};
use chaperone_scram::SaltedPassword;
use chaperone_token::{HostVerify, Jwks, SignatureJob};
use sha2::{Digest as _, Sha256};

use self::budget::Budget;
use self::keys::{IssuerKeys, May};
use self::recent::Recent;
use crate::presented::Presented;
use crate::provider::Source;

/// Verifies signatures in our place, where the host can: Envoy does it ten times quicker than wasm.
pub trait HostSignatures {
    /// The verdict; none where the host could not judge, so that it is done here.
    fn verify(&self, job: &HostVerify) -> Option<bool>;
}

/// What all connections of a VM share. Clones are the same keyring.
#[derive(Clone)]
pub struct Keyring {
    ring: Rc<RefCell<Ring>>,
    host: Option<Rc<dyn HostSignatures>>,
}

#[derive(Debug)]
struct Ring {
    issuers: BTreeMap<Source, IssuerKeys>,
    verified: Recent<Verified>,
    /// Tokens whose signature is wrong, with the generation of the keys that said so.
    forged: Recent<u64>,
    salted: Recent<Option<SaltedPassword>>,
    budget: Budget,
}

#[derive(Debug)]
struct Verified {
    identity: Rc<Identity>,
    source: Source,
    generation: u64,
    /// Unix seconds: the token's expiry and the patience for clocks.
    until: u64,
}

/// What is known about a presented token.
#[derive(Debug)]
pub(crate) enum Judged {
    /// Whoever asked must fetch the issuer's keys and ask again; all others will be told to wait.
    Fetch,
    /// It is refused.
    Refused(Reason),
    /// It is good.
    Verified(Rc<Identity>),
    /// Ask again in a moment; the reason is for when patience ends.
    Wait(Reason),
}

impl Keyring {
    /// How many verified tokens are remembered.
    pub const VERIFIED_MOST: usize = 1_024;
    /// How many wrong tokens are remembered.
    pub const FORGED_MOST: usize = 256;
    /// How many salted passwords are remembered.
    pub const SALTED_MOST: usize = 256;
    /// How many issuers' keys are kept.
    pub const ISSUERS_MOST: usize = 64;

    /// An empty keyring that verifies by itself.
    #[must_use]
    pub fn new() -> Self {
        let ring = Ring {
            issuers: BTreeMap::new(),
            verified: Recent::new(Self::VERIFIED_MOST),
            forged: Recent::new(Self::FORGED_MOST),
            salted: Recent::new(Self::SALTED_MOST),
            budget: Budget::default(),
        };
        Self { ring: Rc::new(RefCell::new(ring)), host: None }
    }

    /// An empty keyring that lets the host verify what the host can.
    #[must_use]
    pub fn with_host(host: Rc<dyn HostSignatures>) -> Self {
        Self { host: Some(host), ..Self::new() }
    }

    /// Whom a token names that was verified before, and where its keys come from. The expiry, and whether the
    /// keys are still the same, are looked at every time.
    pub(crate) fn remembered(&self, digest: &[u8; 32], now: Now) -> Option<(Rc<Identity>, Source)> {
        let ring = &mut *self.ring.borrow_mut();
        let known = ring.verified.find(digest)?;
        let current = ring.issuers.get(&known.source).and_then(|keys| keys.generation(now.millis()));
        if now.seconds().0 >= known.until || current != Some(known.generation) {
            ring.verified.remove(digest);
            return None;
        }
        Some((Rc::clone(&known.identity), known.source.clone()))
    }

    /// Judges a token by the keys at hand. Asked again and again while it says to wait; it does not say to fetch
    /// twice for the same thing, so that it comes to an end.
    pub(crate) fn judge(&self, presented: &Presented, now: Now) -> Judged {
        let millis = now.millis();
        if presented.has_expired(now) {
            return Judged::Refused(Reason::TokenExpired);
        }
        let ring = &mut *self.ring.borrow_mut();
        let keys = ring.keys(&presented.source, millis);
        let usable = keys.usable(millis).zip(keys.generation(millis));
        let doubt = match usable {
            None => Reason::KeysUnavailable,
            Some((keys, generation)) => match self.verify(ring, presented, &keys, generation, millis) {
                Judged::Refused(Reason::TokenKeyUnknown) => Reason::TokenKeyUnknown,
                // Signed with a key that has no name: it may be a new one.
                Judged::Refused(Reason::TokenSignature) if presented.token.kid().is_none() => {
                    Reason::TokenSignature
                }
                judged => return judged,
            },
        };
        let keys = ring.keys(&presented.source, millis);
        match keys.may(millis) {
            May::Fetch => {
                keys.begin(millis);
                Judged::Fetch
            }
            May::Wait => Judged::Wait(Reason::KeysUnavailable),
            May::RestFailed if doubt == Reason::TokenKeyUnknown => Judged::Refused(Reason::KeysUnavailable),
            May::RestFailed | May::RestSucceeded => Judged::Refused(doubt),
        }
    }

    fn verify(
        &self,
        ring: &mut Ring,
        presented: &Presented,
        keys: &Jwks,
        generation: u64,
        millis: u64,
    ) -> Judged {
        let jobs = match presented.token.signature_jobs(keys, &presented.expectation) {
            Ok(jobs) => jobs,
            Err(reason) => return Judged::Refused(reason),
        };
        if ring.forged.find(&presented.digest).copied() == Some(generation) {
            return Judged::Refused(Reason::TokenSignature);
        }
        if !ring.budget.allows(millis) {
            return Judged::Wait(Reason::TooManyBadTokens);
        }
        if !jobs.iter().any(|job| self.verifies(job)) {
            ring.budget.spend(jobs.len());
            ring.forged.add(presented.digest, generation);
            return Judged::Refused(Reason::TokenSignature);
        }
        let identity = Rc::new(presented.verified());
        let until = identity.expires_at.0.saturating_add(presented.expectation.leeway_seconds);
        let source = presented.source.clone();
        let entry = Verified { identity: Rc::clone(&identity), source, generation, until };
        ring.verified.add(presented.digest, entry);
        Judged::Verified(identity)
    }

    fn verifies(&self, job: &SignatureJob<'_>) -> bool {
        let by_host = self.host.as_ref().and_then(|host| host.verify(&job.host_form()?));
        by_host.unwrap_or_else(|| job.verify())
    }

    /// Whether whoever asks should fetch the keys, because they are old although still in use.
    pub(crate) fn refresh_is_due(&self, source: &Source, now: Now) -> bool {
        let ring = &mut *self.ring.borrow_mut();
        let keys = ring.keys(source, now.millis());
        let due = keys.are_old(now.millis()) && keys.may(now.millis()) == May::Fetch;
        if due {
            keys.begin(now.millis());
        }
        due
    }

    /// The fetch brought keys, read from this text.
    pub(crate) fn fetched(&self, source: &Source, now: Now, keys: Jwks, text: &[u8]) {
        let ring = &mut *self.ring.borrow_mut();
        ring.keys(source, now.millis()).succeed(now.millis(), keys, Sha256::digest(text).into());
    }

    /// The fetch failed.
    pub(crate) fn fetch_failed(&self, source: &Source, now: Now) {
        self.ring.borrow_mut().keys(source, now.millis()).fail(now.millis());
    }

    /// Whoever fetched has gone.
    pub(crate) fn fetch_abandoned(&self, source: &Source) {
        if let Some(keys) = self.ring.borrow_mut().issuers.get_mut(source) {
            keys.abandon();
        }
    }

    /// Lends the place where the salted form of a user's password is kept.
    pub(crate) fn with_salted<R>(
        &self,
        user: &str,
        password: &str,
        use_it: impl FnOnce(&mut Option<SaltedPassword>) -> R,
    ) -> R {
        let user = Sha256::digest(user);
        let digest = Sha256::new().chain_update(user).chain_update(password).finalize().into();
        let ring = &mut *self.ring.borrow_mut();
        let mut place = ring.salted.find(&digest).and_then(Option::take);
        let result = use_it(&mut place);
        ring.salted.add(digest, place);
        result
    }
}

impl Default for Keyring {
    fn default() -> Self {
        Self::new()
    }
}

/// Without what it keeps.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("host", &self.host.is_some()).finish_non_exhaustive()
    }
}

// === impl Ring ===

impl Ring {
    /// The keys of an issuer; the least recently used make room.
    fn keys(&mut self, source: &Source, millis: u64) -> &mut IssuerKeys {
        if !self.issuers.contains_key(source) && self.issuers.len() >= Keyring::ISSUERS_MOST {
            let oldest =
                self.issuers.iter().min_by_key(|(_, keys)| keys.used()).map(|(source, _)| source.clone());
            if let Some(oldest) = oldest {
                self.issuers.remove(&oldest);
            }
        }
        let keys = self.issuers.entry(source.clone()).or_default();
        keys.touch(millis);
        keys
    }
}
