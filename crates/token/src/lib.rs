//! Verification of JSON Web Tokens; the clock is an argument.
//!
//! ```text
//! bytes ─▶ Token::read ─▶ check_claims ─▶ signature_jobs ─▶ one job says yes ─▶ the Identity may be used
//!          structure,     issuer, times,   the keys that     in pure Rust, or by
//!          duplicates,    audience,        fit, at most 4    the host from host_form
//!          headers        groups
//! ```
//!
//! The order is the defence against floods: a signature costs a hundred times what all other checks cost
//! together, so it comes last. [`verify`] is the whole way in pure Rust.
//!
//! The checks are this crate's own, stricter than those of JWT libraries at large (no duplicate members, no
//! lenient base64, no embedded keys); the signatures are RustCrypto's and `ed25519-compact`'s.

mod algorithm;
mod base64url;
mod claims;
mod json;
mod jwks;
mod jws;
mod key;
#[cfg(feature = "sign")]
pub mod sign;
mod signature;
mod token;

use chaperone_model::{Identity, Reason, UnixSeconds};

pub use algorithm::Algorithm;
pub use claims::{
    DEFAULT_LEEWAY_SECONDS, DEFAULT_MAX_BYTES, Expectation, MAX_GROUPS, MAX_NAME_BYTES, MAX_TIME,
};
pub use json::MAX_DEPTH;
pub use jwks::{Jwks, MAX_JWKS_BYTES, MAX_KEYS, MAX_TRIED_KEYS, Rejected};
pub use jws::{Jws, MAX_KEY_ID_BYTES};
pub use key::{Key, KeyError, MAX_RSA_BITS, MIN_RSA_BITS, MIN_RSA_EXPONENT};
pub use signature::{HostVerify, SignatureJob};
pub use token::Token;

/// Verifies a token wholly in pure Rust: every cheap check first, signatures last.
///
/// # Errors
///
/// The reason for which the token is refused. [`Reason::TokenKeyUnknown`] means that the keys may have been
/// rotated: the caller fetches them again and asks once more.
pub fn verify(
    bytes: &[u8],
    jwks: &Jwks,
    expectation: &Expectation,
    now: UnixSeconds,
) -> Result<Identity, Reason> {
    let token = Token::read(bytes, expectation.max_bytes)?;
    let identity = token.check_claims(expectation, now)?;
    if token.signature_jobs(jwks, expectation)?.iter().any(SignatureJob::verify) {
        Ok(identity)
    } else {
        Err(Reason::TokenSignature)
    }
}
