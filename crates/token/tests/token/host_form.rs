//! What a host verifies in our place has the verdict that pure Rust has, on good and on damaged signatures.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chaperone_token::{Algorithm, DEFAULT_MAX_BYTES, Jws};
use proptest::prelude::*;

use crate::issuer::{header, jwks, key};
use crate::second_opinion;

const HOST_ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Es256, Algorithm::Es384, Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512];

fn jws(algorithm: Algorithm, payload: &[u8]) -> String {
    key(algorithm).sign_parts(header(algorithm).to_string().as_bytes(), payload).unwrap()
}

/// The verdict of pure Rust, after the second opinion has agreed.
fn judge(text: &str) -> bool {
    let jwks = jwks();
    let jws = Jws::read(text.as_bytes(), DEFAULT_MAX_BYTES).unwrap();
    let jobs = jws.signature_jobs(&jwks, Algorithm::ALL).unwrap();
    let [job] = jobs[..] else { panic!("one key is named") };
    let verdict = job.verify();
    match job.host_form() {
        Some(host) => assert_eq!(second_opinion::verify(&host), verdict, "{text}"),
        None => assert!(!verdict || !HOST_ALGORITHMS.contains(&jws.algorithm()), "{text}"),
    }
    verdict
}

#[test]
fn hosts_are_given_rsa_and_ecdsa_only() {
    for algorithm in Algorithm::ALL {
        let text = jws(*algorithm, b"foo");
        assert!(judge(&text), "{algorithm}");
        let jwks = jwks();
        let jws = Jws::read(text.as_bytes(), DEFAULT_MAX_BYTES).unwrap();
        let jobs = jws.signature_jobs(&jwks, Algorithm::ALL).unwrap();
        assert_eq!(jobs[0].host_form().is_some(), HOST_ALGORITHMS.contains(algorithm), "{algorithm}");
    }
}

#[test]
fn numbers_are_in_der_with_the_fewest_bytes_and_a_sign() {
    let der = |algorithm: Algorithm, r: &[u8], s: &[u8]| {
        let half = if algorithm == Algorithm::Es256 { 32 } else { 48 };
        let number = |bytes: &[u8]| [vec![0; half - bytes.len()], bytes.to_vec()].concat();
        let text = jws(algorithm, b"foo");
        let (signed, _) = text.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.encode([number(r), number(s)].concat());
        let jws = Jws::read(format!("{signed}.{signature}").as_bytes(), DEFAULT_MAX_BYTES).unwrap();
        let jwks = jwks();
        let job = jws.signature_jobs(&jwks, Algorithm::ALL).unwrap()[0];
        job.host_form().map(|host| host.signature)
    };
    let (low, high) = ([0x7f; 32], [0x80; 31]);
    for algorithm in [Algorithm::Es256, Algorithm::Es384] {
        assert_eq!(der(algorithm, &[1], &[2]).unwrap(), [0x30, 6, 2, 1, 1, 2, 1, 2]);
        assert_eq!(der(algorithm, &[0x80], &[0x7f]).unwrap(), [0x30, 7, 2, 2, 0, 0x80, 2, 1, 0x7f]);
        let wide = [&[0x30, 68, 2, 32][..], &low, &[2, 32, 0], &high].concat();
        assert_eq!(der(algorithm, &low, &high).unwrap(), wide);
        // Out of range: refused here at once, no host need be asked.
        assert_eq!(der(algorithm, &[0], &[1]), None);
        assert_eq!(der(algorithm, &[1], &[0]), None);
    }
    assert_eq!(der(Algorithm::Es256, &[0xff; 32], &[1]), None);
    assert_eq!(der(Algorithm::Es384, &[1], &[0xff; 48]), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_agree_on_damage(which in 0..HOST_ALGORITHMS.len(), place in any::<prop::sample::Index>(), flip in 1_u8..) {
        let text = jws(HOST_ALGORITHMS[which], b"foo");
        let (signed, signature) = text.rsplit_once('.').unwrap();
        let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let place = place.index(signature.len());
        signature[place] ^= flip;
        let damaged = format!("{}.{}", signed, URL_SAFE_NO_PAD.encode(signature));
        prop_assert!(!judge(&damaged));
    }
}
