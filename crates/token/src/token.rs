//! A JSON Web Token: a signed set of claims.

use chaperone_model::{Identity, Reason, UnixSeconds};
use sha2::{Digest, Sha256};

use crate::algorithm::Algorithm;
use crate::claims::{self, Expectation};
use crate::json::Object;
use crate::jwks::Jwks;
use crate::jws::{self, Jws};
use crate::signature::SignatureJob;

/// A token whose structure is in order. Nothing in it is true until a signature job has said yes.
#[derive(Clone)]
pub struct Token {
    jws: Jws,
    claims: Object,
    issuer: String,
}

impl Token {
    /// Reads a token strictly: structure, size, header, and claims that are one object without duplicates
    /// and name an issuer.
    ///
    /// # Errors
    ///
    /// The reason for which the token is refused, before any cryptography.
    pub fn read(bytes: &[u8], max_bytes: usize) -> Result<Self, Reason> {
        let jws = Jws::read(bytes, max_bytes)?;
        let claims = jws::read_object(jws.payload())?;
        let issuer = claims::required_name(&claims, "iss")?.to_owned();
        Ok(Self { jws, claims, issuer })
    }

    /// The `iss` claim: tells which [`Expectation`] and which keys to verify with.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The header's `kid`.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.jws.key_id()
    }

    /// The header's `alg`.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.jws.algorithm()
    }

    /// The signed text within.
    #[must_use]
    pub fn jws(&self) -> &Jws {
        &self.jws
    }

    /// Judges everything but the signature. The identity that comes back may be used only after one of the
    /// [signature jobs](Self::signature_jobs) has succeeded; this check comes first because it is cheap.
    ///
    /// # Errors
    ///
    /// The reason for which the token is refused.
    pub fn check_claims(&self, expectation: &Expectation, now: UnixSeconds) -> Result<Identity, Reason> {
        if !expectation.algorithms.contains(&self.algorithm()) {
            return Err(Reason::TokenAlgorithm);
        }
        if self.issuer != expectation.issuer {
            return Err(Reason::TokenIssuer);
        }
        claims::check_audience(&self.claims, &expectation.audiences)?;
        let expires_at = claims::check_times(&self.claims, expectation.leeway_seconds, now)?;
        let subject = claims::required_name(&self.claims, "sub")?.to_owned();
        let groups = claims::groups(&self.claims, &expectation.groups_claim)?;
        let token_id = match claims::optional_name(&self.claims, "jti")? {
            Some(id) => id.to_owned(),
            None => self.digest(),
        };
        Ok(Identity { subject, groups, issuer: self.issuer.clone(), token_id, expires_at })
    }

    /// The verifications of which one must succeed: one for each key that fits.
    ///
    /// # Errors
    ///
    /// See [`Jws::signature_jobs`].
    pub fn signature_jobs<'a>(
        &'a self,
        jwks: &'a Jwks,
        expectation: &Expectation,
    ) -> Result<Vec<SignatureJob<'a>>, Reason> {
        self.jws.signature_jobs(jwks, &expectation.algorithms)
    }

    /// A digest without the signature, since an ECDSA signature has a second form that is valid as well.
    fn digest(&self) -> String {
        use std::fmt::Write;
        let mut text = String::from("sha256:");
        for byte in Sha256::digest(self.jws.signed_text()) {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// Without the claims: they are for whoever verifies, not for logs.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("jws", &self.jws).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
