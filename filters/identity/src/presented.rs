//! A token that a client presented, after every check that costs nothing.

use chaperone_flow::Now;
use chaperone_model::{Identity, Reason};
use chaperone_policy::{Issuer, Policy};
use chaperone_token::{Algorithm, DEFAULT_MAX_BYTES, Expectation, Token};
use sha2::{Digest as _, Sha256};

use crate::provider::Source;

/// A token whose structure, issuer, times and audience are in order. Who it names is not known to be true before
/// [`crate::Keyring`] has verified it; nobody else can look inside.
#[derive(Debug)]
pub(crate) struct Presented {
    pub(crate) digest: [u8; 32],
    pub(crate) token: Token,
    pub(crate) expectation: Expectation,
    pub(crate) source: Source,
    unverified: Identity,
}

impl Presented {
    /// The digest under which a verified token is remembered. Another policy expects other things of the same
    /// token, so it is a part of it.
    pub(crate) fn digest(bytes: &[u8], policy: &Policy) -> [u8; 32] {
        Sha256::new().chain_update(policy.digest().0).chain_update(bytes).finalize().into()
    }

    /// Reads a token and does the cheap checks.
    pub(crate) fn read(bytes: &[u8], policy: &Policy, now: Now) -> Result<Self, Reason> {
        let token = Token::read(bytes, DEFAULT_MAX_BYTES)?;
        let issuer = find_issuer(policy, token.issuer()).ok_or(Reason::TokenIssuer)?;
        let expectation = expectation(issuer);
        let unverified = token.check_claims(&expectation, now.seconds())?;
        Ok(Self {
            digest: Self::digest(bytes, policy),
            token,
            expectation,
            source: source(issuer),
            unverified,
        })
    }

    /// Whether the token expired while it waited.
    pub(crate) fn has_expired(&self, now: Now) -> bool {
        has_expired(&self.unverified, self.expectation.leeway_seconds, now)
    }

    /// Who it names. Only for who has just verified the signature.
    pub(crate) fn verified(&self) -> Identity {
        self.unverified.clone()
    }
}

/// The issuer of this name, if its tokens are believed.
pub(crate) fn find_issuer<'a>(policy: &'a Policy, name: &str) -> Option<&'a Issuer> {
    policy.issuers().iter().find(|issuer| issuer.issuer == name)
}

/// Whether an identity has expired, with this much patience for clocks.
pub(crate) const fn has_expired(identity: &Identity, leeway: u64, now: Now) -> bool {
    now.seconds().0 >= identity.expires_at.0.saturating_add(leeway)
}

fn expectation(issuer: &Issuer) -> Expectation {
    Expectation {
        algorithms: issuer.algorithms.iter().filter_map(|name| Algorithm::from_name(name)).collect(),
        leeway_seconds: issuer.leeway,
        groups_claim: issuer.groups_claim.clone(),
        ..Expectation::new(issuer.issuer.clone(), issuer.audiences.clone())
    }
}

fn source(issuer: &Issuer) -> Source {
    Source {
        issuer: issuer.issuer.clone(),
        cluster: issuer.jwks.cluster.clone(),
        keys: issuer.jwks.path.clone(),
    }
}
