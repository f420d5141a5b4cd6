//! One public key of a JSON Web Key (RFC 7517), checked as far as a public key can be.

mod roca;

use std::fmt;

use p256::elliptic_curve::sec1::EncodedPoint;
use p256::pkcs8::EncodePublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPublicKey};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::json::{Json, Object};
use crate::jws::MAX_KEY_ID_BYTES;

/// The smallest RSA modulus.
pub const MIN_RSA_BITS: usize = 2048;
/// The largest RSA modulus: verification takes time with its square.
pub const MAX_RSA_BITS: usize = 4096;
/// The smallest RSA exponent (FIPS 186-5, A.1.1).
pub const MIN_RSA_EXPONENT: u32 = 65_537;

/// The members of a JWK that only its owner may know.
const PRIVATE_MEMBERS: [&str; 7] = ["d", "dp", "dq", "oth", "p", "q", "qi"];

/// Why a key set, or one key of it, is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// The key's `alg` is not for a key of its type, or is unknown.
    #[error("the algorithm does not fit the key's type")]
    Algorithm,
    /// Two different keys for the same algorithm have the same `kid`.
    #[error("two different keys have the same id")]
    DuplicateId,
    /// An object names a member twice.
    #[error("a member is named twice")]
    DuplicateMember,
    /// The RSA exponent is even, too small or too large.
    #[error("the RSA exponent is not accepted")]
    Exponent,
    /// Not a JSON object with a list of keys.
    #[error("not a JSON Web Key Set")]
    Malformed,
    /// A member is missing, of the wrong type, or of the wrong length.
    #[error("the member `{0}` is missing or malformed")]
    Member(&'static str),
    /// The RSA modulus is even, or of fewer or more bits than accepted.
    #[error("the RSA modulus is not accepted")]
    Modulus,
    /// The point is not on the curve, or of small order.
    #[error("the point is not a valid public key")]
    Point,
    /// The private part is there as well: who can read the set can sign.
    #[error("the private key is published")]
    Private,
    /// The RSA modulus was made by the broken generator of CVE-2017-15361 (ROCA).
    #[error("the RSA modulus has the ROCA weakness")]
    Roca,
    /// The set has more bytes than are read.
    #[error("the key set is too large")]
    TooLarge,
    /// The set has more keys than are read.
    #[error("too many keys")]
    TooManyKeys,
}

/// A public key that may verify signatures.
#[derive(Clone)]
pub struct Key {
    id: Option<String>,
    /// The one algorithm that the key is declared for.
    declared: Option<Algorithm>,
    pub(crate) material: Material,
    /// The key as X.509's SubjectPublicKeyInfo, for a host that verifies.
    pub(crate) spki_der: Vec<u8>,
}

#[derive(Clone, PartialEq)]
pub(crate) enum Material {
    Ed25519(ed25519_compact::PublicKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Rsa(RsaPublicKey),
}

impl Key {
    /// Reads a key; `None` if it is sound as far as one can tell but not for verifying signatures that are
    /// supported here.
    pub(crate) fn from_object(object: &Object) -> Result<Option<Self>, KeyError> {
        if !is_for_verifying(object)? {
            return Ok(None);
        }
        let Some((material, spki_der)) = Material::from_object(object)? else { return Ok(None) };
        if PRIVATE_MEMBERS.iter().any(|member| object.contains_key(*member)) {
            return Err(KeyError::Private);
        }
        let declared = match object.get("alg") {
            None => None,
            Some(value) => {
                let name = value.text().ok_or(KeyError::Member("alg"))?;
                Some(Algorithm::from_name(name).ok_or(KeyError::Algorithm)?)
            }
        };
        if declared.is_some_and(|algorithm| !material.fits(algorithm)) {
            return Err(KeyError::Algorithm);
        }
        let id = match object.get("kid") {
            None => None,
            Some(value) => match value.text() {
                Some(id) if !id.is_empty() && id.len() <= MAX_KEY_ID_BYTES => Some(id.to_owned()),
                Some(_) | None => return Err(KeyError::Member("kid")),
            },
        };
        Ok(Some(Self { id, declared, material, spki_der }))
    }

    /// The key's `kid`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Tells whether signatures under this algorithm may be verified with this key.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.material.fits(algorithm) && self.declared.is_none_or(|declared| declared == algorithm)
    }

    /// The length of every signature that this key makes.
    pub(crate) fn signature_bytes(&self) -> usize {
        match &self.material {
            Material::Ed25519(_) | Material::P256(_) => 64,
            Material::P384(_) => 96,
            Material::Rsa(key) => key.size(),
        }
    }

    /// Tells whether both could be meant by the same `kid` and `alg`.
    pub(crate) fn is_confused_with(&self, other: &Self) -> bool {
        self.id.is_some()
            && self.id == other.id
            && Algorithm::ALL.iter().any(|algorithm| self.fits(*algorithm) && other.fits(*algorithm))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("declared", &self.declared).finish_non_exhaustive()
    }
}

/// Reads `use` and `key_ops`; keys for encryption are no error, a set may hold them too.
fn is_for_verifying(object: &Object) -> Result<bool, KeyError> {
    if let Some(value) = object.get("use") {
        if value.text().ok_or(KeyError::Member("use"))? != "sig" {
            return Ok(false);
        }
    }
    match object.get("key_ops") {
        None => Ok(true),
        Some(Json::List(operations)) => Ok(operations.iter().any(|one| one.text() == Some("verify"))),
        Some(_) => Err(KeyError::Member("key_ops")),
    }
}

impl Material {
    /// The key and its SubjectPublicKeyInfo; `None` for types that are not supported.
    fn from_object(object: &Object) -> Result<Option<(Self, Vec<u8>)>, KeyError> {
        let kind = object.get("kty").and_then(Json::text).ok_or(KeyError::Member("kty"))?;
        let curve = object.get("crv").and_then(Json::text);
        match (kind, curve) {
            ("EC", Some("P-256")) => {
                let point = EncodedPoint::<p256::NistP256>::from_affine_coordinates(
                    &coordinate(object, "x")?.into(),
                    &coordinate(object, "y")?.into(),
                    false,
                );
                let key = p256::ecdsa::VerifyingKey::from_encoded_point(&point);
                let key = key.map_err(|_| KeyError::Point)?;
                let spki = der(&p256::PublicKey::from(&key))?;
                Ok(Some((Self::P256(key), spki)))
            }
            ("EC", Some("P-384")) => {
                let point = EncodedPoint::<p384::NistP384>::from_affine_coordinates(
                    &coordinate(object, "x")?.into(),
                    &coordinate(object, "y")?.into(),
                    false,
                );
                let key = p384::ecdsa::VerifyingKey::from_encoded_point(&point);
                let key = key.map_err(|_| KeyError::Point)?;
                let spki = der(&p384::PublicKey::from(&key))?;
                Ok(Some((Self::P384(key), spki)))
            }
            ("EC" | "OKP", None) => Err(KeyError::Member("crv")),
            ("OKP", Some("Ed25519")) => {
                let key = ed25519_compact::PublicKey::new(coordinate(object, "x")?);
                key.validate().map_err(|_| KeyError::Point)?;
                // No host function verifies EdDSA, so there is nobody to hand this form to.
                Ok(Some((Self::Ed25519(key), Vec::new())))
            }
            ("RSA", _) => {
                let key = rsa_key(&number(object, "n")?, &number(object, "e")?)?;
                let spki = der(&key)?;
                Ok(Some((Self::Rsa(key), spki)))
            }
            _ => Ok(None),
        }
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::EdDsa => matches!(self, Self::Ed25519(_)),
            Algorithm::Es256 => matches!(self, Self::P256(_)),
            Algorithm::Es384 => matches!(self, Self::P384(_)),
            Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512
            | Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512 => matches!(self, Self::Rsa(_)),
        }
    }
}

fn der(key: &impl EncodePublicKey) -> Result<Vec<u8>, KeyError> {
    key.to_public_key_der().map(|der| der.into_vec()).map_err(|_| KeyError::Point)
}

/// Reads bytes in base64url.
fn octets(object: &Object, member: &'static str) -> Result<Vec<u8>, KeyError> {
    let text = object.get(member).and_then(Json::text);
    text.and_then(|text| base64url::read(text.as_bytes())).ok_or(KeyError::Member(member))
}

/// Reads a coordinate, which has the full length of the curve's field (RFC 7518, 6.2.1.2).
fn coordinate<const N: usize>(object: &Object, member: &'static str) -> Result<[u8; N], KeyError> {
    octets(object, member)?.try_into().map_err(|_| KeyError::Member(member))
}

/// Reads a number. Leading zeros should not be there, but some providers put one, and it changes nothing.
fn number(object: &Object, member: &'static str) -> Result<Vec<u8>, KeyError> {
    let bytes = octets(object, member)?;
    let start = bytes.iter().position(|byte| *byte != 0).ok_or(KeyError::Member(member))?;
    Ok(bytes.into_iter().skip(start).collect())
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Result<RsaPublicKey, KeyError> {
    // Lengths come first, so that no arithmetic is done on numbers of any size.
    if modulus.len() > MAX_RSA_BITS.div_ceil(8) || modulus.last().is_none_or(|byte| byte % 2 == 0) {
        return Err(KeyError::Modulus);
    }
    let exponent: u32 = match exponent {
        [a] => u32::from_be_bytes([0, 0, 0, *a]),
        [a, b] => u32::from_be_bytes([0, 0, *a, *b]),
        [a, b, c] => u32::from_be_bytes([0, *a, *b, *c]),
        [a, b, c, d] => u32::from_be_bytes([*a, *b, *c, *d]),
        _ => return Err(KeyError::Exponent),
    };
    if exponent < MIN_RSA_EXPONENT || exponent % 2 == 0 {
        return Err(KeyError::Exponent);
    }
    let number = BigUint::from_bytes_be(modulus);
    if number.bits() < MIN_RSA_BITS {
        return Err(KeyError::Modulus);
    }
    if roca::is_weak(modulus) {
        return Err(KeyError::Roca);
    }
    RsaPublicKey::new_with_max_size(number, BigUint::from(exponent), MAX_RSA_BITS)
        .map_err(|_| KeyError::Modulus)
}
