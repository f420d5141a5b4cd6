//! Makes keys and signs tokens, for the development identity provider and for tests.
//!
//! Behind the feature `sign`, which no filter turns on. The private operations of `rsa` are not constant in time
//! (RUSTSEC-2023-0071), which a provider that signs for its own machine can bear and a real one could not.

use std::fmt;

use ed25519_compact::Seed;
use p256::ecdsa::signature::{SignatureEncoding, Signer};
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rand_core::{OsRng, RngCore};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, pkcs1v15, pss};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::key::MIN_RSA_BITS;

/// Why a key could not be made or used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// The key could not be made or the text not signed.
    #[error("the key could not be used")]
    Key,
    /// The PEM text holds no private key for the algorithm.
    #[error("not a PKCS #8 private key for `{0}`")]
    Pem(Algorithm),
}

/// A private key with its algorithm and id.
#[derive(Clone)]
pub struct SigningKey {
    algorithm: Algorithm,
    key_id: String,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    Ed25519(ed25519_compact::KeyPair),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Rsa(Box<RsaPrivateKey>),
}

impl SigningKey {
    /// Makes a key from the operating system's randomness. Its id is its thumbprint (RFC 7638).
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if no key could be made.
    pub fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let secret = match algorithm {
            Algorithm::EdDsa => {
                let mut seed = Zeroizing::new([0; 32]);
                OsRng.try_fill_bytes(&mut *seed).map_err(|_| Error::Key)?;
                let pair = ed25519_compact::KeyPair::try_from_seed(Seed::new(*seed));
                Secret::Ed25519(pair.map_err(|_| Error::Key)?)
            }
            Algorithm::Es256 => Secret::P256(p256::ecdsa::SigningKey::random(&mut OsRng)),
            Algorithm::Es384 => Secret::P384(p384::ecdsa::SigningKey::random(&mut OsRng)),
            Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512
            | Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512 => {
                let key = RsaPrivateKey::new(&mut OsRng, MIN_RSA_BITS).map_err(|_| Error::Key)?;
                Secret::Rsa(Box::new(key))
            }
        };
        Ok(Self::new(algorithm, secret))
    }

    fn new(algorithm: Algorithm, secret: Secret) -> Self {
        let key_id = base64url::write(&Sha256::digest(canonical_jwk(&secret)));
        Self { algorithm, key_id, secret }
    }

    /// Reads a PKCS #8 key in PEM, as [`to_pem`](Self::to_pem) writes it.
    ///
    /// # Errors
    ///
    /// [`Error::Pem`] if it is none, or for another algorithm.
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, Error> {
        let wrong = Error::Pem(algorithm);
        let secret = match algorithm {
            Algorithm::EdDsa => Secret::Ed25519(ed25519_compact::KeyPair::from_pem(pem).map_err(|_| wrong)?),
            Algorithm::Es256 => {
                Secret::P256(p256::ecdsa::SigningKey::from_pkcs8_pem(pem).map_err(|_| wrong)?)
            }
            Algorithm::Es384 => {
                Secret::P384(p384::ecdsa::SigningKey::from_pkcs8_pem(pem).map_err(|_| wrong)?)
            }
            Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512
            | Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512 => {
                Secret::Rsa(Box::new(RsaPrivateKey::from_pkcs8_pem(pem).map_err(|_| wrong)?))
            }
        };
        Ok(Self::new(algorithm, secret))
    }

    /// Writes the private key as PKCS #8 in PEM; the text is wiped from memory after use.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the key cannot be encoded.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, Error> {
        match &self.secret {
            Secret::Ed25519(pair) => Ok(Zeroizing::new(pair.to_pem())),
            Secret::P256(key) => key.to_pkcs8_pem(LineEnding::LF).map_err(|_| Error::Key),
            Secret::P384(key) => key.to_pkcs8_pem(LineEnding::LF).map_err(|_| Error::Key),
            Secret::Rsa(key) => key.to_pkcs8_pem(LineEnding::LF).map_err(|_| Error::Key),
        }
    }

    /// The key's id, which every token that it signs names.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The algorithm it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public key as a JWK, to put among the `keys` of a set.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        let mut jwk: Value = serde_json::from_str(&canonical_jwk(&self.secret)).unwrap_or_default();
        if let Some(members) = jwk.as_object_mut() {
            members.insert("alg".to_owned(), json!(self.algorithm.name()));
            members.insert("kid".to_owned(), json!(self.key_id));
            members.insert("use".to_owned(), json!("sig"));
        }
        jwk
    }

    /// Signs claims as a JWT under this key's id.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the key refuses to sign.
    pub fn sign(&self, claims: &Value) -> Result<String, Error> {
        let header = json!({ "alg": self.algorithm.name(), "kid": self.key_id, "typ": "JWT" });
        self.sign_parts(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    /// Signs any header and payload, whatever they say: for tokens that must be refused.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the key refuses to sign.
    pub fn sign_parts(&self, header: &[u8], payload: &[u8]) -> Result<String, Error> {
        let text = format!("{}.{}", base64url::write(header), base64url::write(payload));
        let signature = self.signature(text.as_bytes())?;
        Ok(format!("{text}.{}", base64url::write(&signature)))
    }

    fn signature(&self, text: &[u8]) -> Result<Vec<u8>, Error> {
        let refused = |_| Error::Key;
        match &self.secret {
            Secret::Ed25519(pair) => Ok(pair.sk.sign(text, None).to_vec()),
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(text).map_err(refused)?;
                Ok(signature.to_vec())
            }
            Secret::P384(key) => {
                let signature: p384::ecdsa::Signature = key.try_sign(text).map_err(refused)?;
                Ok(signature.to_vec())
            }
            Secret::Rsa(key) => sign_rsa(key, self.algorithm, text).map_err(refused),
        }
    }
}

/// Without the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

fn sign_rsa(
    key: &RsaPrivateKey,
    algorithm: Algorithm,
    text: &[u8],
) -> Result<Vec<u8>, p256::ecdsa::signature::Error> {
    use p256::ecdsa::signature::RandomizedSigner;
    let key = key.clone();
    Ok(match algorithm {
        Algorithm::Ps256 => pss::SigningKey::<Sha256>::new(key).try_sign_with_rng(&mut OsRng, text)?.to_vec(),
        Algorithm::Ps384 => pss::SigningKey::<Sha384>::new(key).try_sign_with_rng(&mut OsRng, text)?.to_vec(),
        Algorithm::Ps512 => pss::SigningKey::<Sha512>::new(key).try_sign_with_rng(&mut OsRng, text)?.to_vec(),
        Algorithm::Rs384 => pkcs1v15::SigningKey::<Sha384>::new(key).try_sign(text)?.to_vec(),
        Algorithm::Rs512 => pkcs1v15::SigningKey::<Sha512>::new(key).try_sign(text)?.to_vec(),
        _ => pkcs1v15::SigningKey::<Sha256>::new(key).try_sign(text)?.to_vec(),
    })
}

/// The public members, in the order and spelling over which RFC 7638 takes the digest.
fn canonical_jwk(secret: &Secret) -> String {
    match secret {
        Secret::Ed25519(pair) => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::write(&*pair.pk))
        }
        Secret::P256(key) => {
            let point = key.verifying_key().to_encoded_point(false);
            ec_jwk("P-256", point.x().map(|x| &**x), point.y().map(|y| &**y))
        }
        Secret::P384(key) => {
            let point = key.verifying_key().to_encoded_point(false);
            ec_jwk("P-384", point.x().map(|x| &**x), point.y().map(|y| &**y))
        }
        Secret::Rsa(key) => format!(
            r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
            base64url::write(&key.e().to_bytes_be()),
            base64url::write(&key.n().to_bytes_be())
        ),
    }
}

fn ec_jwk(curve: &str, x: Option<&[u8]>, y: Option<&[u8]>) -> String {
    let [x, y] = [x, y].map(|coordinate| base64url::write(coordinate.unwrap_or_default()));
    format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
}
