//! Judges a `HostVerify` with another implementation (ring) and its own reading of the DER, as a host would.

use chaperone_token::HostVerify;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};

/// AlgorithmIdentifier of rsaEncryption with NULL.
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// AlgorithmIdentifier of id-ecPublicKey with prime256v1.
const P256: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07,
];
/// AlgorithmIdentifier of id-ecPublicKey with secp384r1.
const P384: &[u8] =
    &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

pub(crate) fn verify(host: &HostVerify) -> bool {
    let (outer, rest) = element(&host.spki_der, 0x30);
    assert!(rest.is_empty(), "nothing follows the key");
    let (identifier, rest) = element(outer, 0x30);
    let (bits, rest) = element(rest, 0x03);
    assert!(rest.is_empty(), "nothing follows the bit string");
    assert_eq!(bits[0], 0, "whole bytes");
    let algorithm: &dyn VerificationAlgorithm = match (identifier, host.hash) {
        (RSA, "sha256") => &RSA_PKCS1_2048_8192_SHA256,
        (RSA, "sha384") => &RSA_PKCS1_2048_8192_SHA384,
        (RSA, "sha512") => &RSA_PKCS1_2048_8192_SHA512,
        (P256, "sha256") => &ECDSA_P256_SHA256_ASN1,
        (P384, "sha384") => &ECDSA_P384_SHA384_ASN1,
        other => panic!("no host would know {other:?}"),
    };
    UnparsedPublicKey::new(algorithm, &bits[1..]).verify(&host.text, &host.signature).is_ok()
}

/// Takes one element with this tag off the front.
fn element(bytes: &[u8], tag: u8) -> (&[u8], &[u8]) {
    assert_eq!(bytes[0], tag);
    let (length, start) = match bytes[1] {
        short @ 0..=0x7f => (usize::from(short), 2),
        0x81 => (usize::from(bytes[2]), 3),
        0x82 => (usize::from(bytes[2]) << 8 | usize::from(bytes[3]), 4),
        long => panic!("length of form {long:#x}"),
    };
    bytes[start..].split_at(length)
}
