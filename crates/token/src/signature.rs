//! The one costly step: a signature, a key, and two ways to verify.

use std::fmt;

use p256::ecdsa::signature::Verifier;
use rsa::{pkcs1v15, pss};
use sha2::{Sha256, Sha384, Sha512};

use crate::algorithm::Algorithm;
use crate::jws::Jws;
use crate::key::{Key, Material};

/// A signature to verify with one key.
#[derive(Clone, Copy)]
pub struct SignatureJob<'a> {
    jws: &'a Jws,
    key: &'a Key,
}

/// What a host needs to verify a signature in our place: Envoy's foreign function `verify_signature`, which
/// takes tens of microseconds where pure Rust in wasm takes hundreds.
#[derive(Clone, Eq, PartialEq)]
pub struct HostVerify {
    /// `sha256`, `sha384` or `sha512`.
    pub hash: &'static str,
    /// The public key as SubjectPublicKeyInfo in DER.
    pub spki_der: Vec<u8>,
    /// The signature: as it is for RSA, in DER for ECDSA.
    pub signature: Vec<u8>,
    /// What was signed.
    pub text: Vec<u8>,
}

/// Without the text and the signature: together they are the token.
impl fmt::Debug for HostVerify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostVerify").field("hash", &self.hash).finish_non_exhaustive()
    }
}

impl fmt::Debug for SignatureJob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureJob").field("jws", self.jws).field("key", self.key).finish()
    }
}

impl<'a> SignatureJob<'a> {
    /// Pairs a signature with a key that fits its algorithm; `None` if the length alone tells that it cannot be
    /// this key's.
    pub(crate) fn new(jws: &'a Jws, key: &'a Key) -> Option<Self> {
        let is_possible = key.fits(jws.algorithm()) && jws.signature().len() == key.signature_bytes();
        is_possible.then_some(Self { jws, key })
    }

    /// The key that verifies.
    #[must_use]
    pub fn key(&self) -> &'a Key {
        self.key
    }

    /// Verifies in pure Rust.
    #[must_use]
    pub fn verify(&self) -> bool {
        let text = self.jws.signed_text();
        let signature = self.jws.signature();
        match (&self.key.material, self.jws.algorithm()) {
            (Material::Ed25519(key), Algorithm::EdDsa) => {
                let Ok(signature) = ed25519_compact::Signature::from_slice(signature) else { return false };
                key.verify(text, &signature).is_ok()
            }
            (Material::P256(key), Algorithm::Es256) => {
                let Ok(signature) = p256::ecdsa::Signature::from_slice(signature) else { return false };
                key.verify(text, &signature).is_ok()
            }
            (Material::P384(key), Algorithm::Es384) => {
                let Ok(signature) = p384::ecdsa::Signature::from_slice(signature) else { return false };
                key.verify(text, &signature).is_ok()
            }
            (Material::Rsa(key), algorithm) => verify_rsa(key, algorithm, text, signature),
            _ => false,
        }
    }

    /// What a host needs to verify in our place, with the same verdict; `None` where no host can (PSS, EdDSA)
    /// or need not (an ECDSA signature out of range, which [`verify`](Self::verify) refuses at once).
    #[must_use]
    pub fn host_form(&self) -> Option<HostVerify> {
        let raw = self.jws.signature();
        let (hash, signature) = match self.jws.algorithm() {
            Algorithm::Es256 => {
                let signature = p256::ecdsa::Signature::from_slice(raw).ok()?;
                ("sha256", signature.to_der().as_bytes().to_vec())
            }
            Algorithm::Es384 => {
                let signature = p384::ecdsa::Signature::from_slice(raw).ok()?;
                ("sha384", signature.to_der().as_bytes().to_vec())
            }
            Algorithm::Rs256 => ("sha256", raw.to_vec()),
            Algorithm::Rs384 => ("sha384", raw.to_vec()),
            Algorithm::Rs512 => ("sha512", raw.to_vec()),
            Algorithm::EdDsa | Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => return None,
        };
        Some(HostVerify {
            hash,
            spki_der: self.key.spki_der.clone(),
            signature,
            text: self.jws.signed_text().to_vec(),
        })
    }
}

fn verify_rsa(key: &rsa::RsaPublicKey, algorithm: Algorithm, text: &[u8], signature: &[u8]) -> bool {
    let key = key.clone();
    if matches!(algorithm, Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512) {
        let Ok(signature) = pss::Signature::try_from(signature) else { return false };
        return match algorithm {
            Algorithm::Ps256 => pss::VerifyingKey::<Sha256>::new(key).verify(text, &signature),
            Algorithm::Ps384 => pss::VerifyingKey::<Sha384>::new(key).verify(text, &signature),
            _ => pss::VerifyingKey::<Sha512>::new(key).verify(text, &signature),
        }
        .is_ok();
    }
    let Ok(signature) = pkcs1v15::Signature::try_from(signature) else { return false };
    match algorithm {
        Algorithm::Rs256 => pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(text, &signature).is_ok(),
        Algorithm::Rs384 => pkcs1v15::VerifyingKey::<Sha384>::new(key).verify(text, &signature).is_ok(),
        Algorithm::Rs512 => pkcs1v15::VerifyingKey::<Sha512>::new(key).verify(text, &signature).is_ok(),
        _ => false,
    }
}
