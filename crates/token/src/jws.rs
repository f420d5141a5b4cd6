//! A JSON Web Signature in compact form (RFC 7515), read strictly, its header judged before anything is computed.

use std::fmt;

use chaperone_model::Reason;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::json::{self, Json, Object};
use crate::jwks::Jwks;
use crate::signature::SignatureJob;

/// How long a key's id (`kid`) may be.
pub const MAX_KEY_ID_BYTES: usize = 256;

/// Headers that bring keys, name places to fetch keys from, or change how the rest is to be read.
const FORBIDDEN_HEADERS: [&str; 7] = ["b64", "crit", "jku", "jwk", "x5c", "x5u", "zip"];

/// The values of `typ` that a token for access may have, compared without regard to case. Others, such as
/// `logout+jwt`, mark tokens of another use, which must not pass for one of this use (RFC 8725, 3.11).
const TYPES: [&str; 4] = ["JWT", "at+jwt", "application/jwt", "application/at+jwt"];

/// A signed text whose structure and header are in order; its signature is not verified yet.
#[derive(Clone)]
pub struct Jws {
    algorithm: Algorithm,
    key_id: Option<String>,
    payload: Vec<u8>,
    signature: Vec<u8>,
    /// Header and payload as sent, with the full stop between them.
    signed: Vec<u8>,
}

impl Jws {
    /// Reads the compact form: exactly three parts of canonical base64url, and a header without anything
    /// forbidden, ambiguous or unsupported.
    ///
    /// # Errors
    ///
    /// The reason for which the text is refused, before any cryptography.
    pub fn read(bytes: &[u8], max_bytes: usize) -> Result<Self, Reason> {
        if bytes.len() > max_bytes {
            return Err(Reason::TokenTooLarge);
        }
        let mut parts = bytes.split(|byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Reason::TokenMalformed);
        };
        let signed = [header, payload].join(&b'.');
        // All three are decoded before the header is judged: what is not a token at all is called that.
        let header = base64url::read(header).ok_or(Reason::TokenMalformed)?;
        let payload = base64url::read(payload).ok_or(Reason::TokenMalformed)?;
        let signature = base64url::read(signature).ok_or(Reason::TokenMalformed)?;
        let header = read_object(&header)?;
        if FORBIDDEN_HEADERS.iter().any(|name| header.contains_key(*name)) {
            return Err(Reason::TokenHeaderForbidden);
        }
        let algorithm = header.get("alg").and_then(Json::text).ok_or(Reason::TokenMalformed)?;
        let algorithm = Algorithm::from_name(algorithm).ok_or(Reason::TokenAlgorithm)?;
        check_type(&header)?;
        let key_id = read_key_id(&header)?;
        if signature.is_empty() {
            return Err(Reason::TokenMalformed);
        }
        Ok(Self { algorithm, key_id, payload, signature, signed })
    }

    /// The header's `alg`: what the sender claims, until a key that fits has verified the signature.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The header's `kid`.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// What was signed, decoded.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signature, as JWS encodes it.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What was signed, as it was sent.
    #[must_use]
    pub fn signed_text(&self) -> &[u8] {
        &self.signed
    }

    /// The verifications of which one must succeed: one for each key that fits.
    ///
    /// # Errors
    ///
    /// [`Reason::TokenAlgorithm`] if the algorithm is not among `accepted` or the named key is for another;
    /// [`Reason::TokenKeyUnknown`] if no key fits; [`Reason::TokenSignature`] if the signature has a length
    /// that no key that fits could have made.
    pub fn signature_jobs<'a>(
        &'a self,
        jwks: &'a Jwks,
        accepted: &[Algorithm],
    ) -> Result<Vec<SignatureJob<'a>>, Reason> {
        if !accepted.contains(&self.algorithm) {
            return Err(Reason::TokenAlgorithm);
        }
        let keys = jwks.find(self.key_id(), self.algorithm)?;
        let jobs: Vec<_> = keys.into_iter().filter_map(|key| SignatureJob::new(self, key)).collect();
        if jobs.is_empty() { Err(Reason::TokenSignature) } else { Ok(jobs) }
    }
}

/// Without the text: whoever holds it holds the token.
impl fmt::Debug for Jws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// Reads a header or a set of claims.
pub(crate) fn read_object(bytes: &[u8]) -> Result<Object, Reason> {
    json::read_object(bytes).map_err(|error| match error {
        json::Error::Duplicate => Reason::TokenDuplicateClaim,
        json::Error::Malformed => Reason::TokenMalformed,
    })
}

fn check_type(header: &Object) -> Result<(), Reason> {
    let Some(given) = header.get("typ") else { return Ok(()) };
    let given = given.text().ok_or(Reason::TokenMalformed)?;
    if TYPES.iter().any(|accepted| accepted.eq_ignore_ascii_case(given)) {
        Ok(())
    } else {
        Err(Reason::TokenMalformed)
    }
}

fn read_key_id(header: &Object) -> Result<Option<String>, Reason> {
    let Some(id) = header.get("kid") else { return Ok(None) };
    let id = id.text().ok_or(Reason::TokenMalformed)?;
    if id.is_empty() || id.len() > MAX_KEY_ID_BYTES || id.chars().any(char::is_control) {
        return Err(Reason::TokenMalformed);
    }
    Ok(Some(id.to_owned()))
}
