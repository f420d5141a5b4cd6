//! Laws that hold for any bytes.

use chaperone_model::Reason;
use chaperone_token::sign::SigningKey;
use chaperone_token::{Algorithm, DEFAULT_MAX_BYTES, Jwks, Jws, Token, verify};
use proptest::prelude::*;
use serde_json::json;

use crate::issuer::{NOW, claims, expectation, header, judge, jwk, key, signed, token};

fn jwks_of(algorithm: Algorithm) -> Jwks {
    Jwks::from_json(json!({ "keys": [jwk(algorithm)] }).to_string().as_bytes()).unwrap()
}

#[test]
fn no_single_bit_can_be_flipped() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let jwks = jwks_of(algorithm);
        let good = signed(algorithm, &header(algorithm).to_string(), &claims().to_string());
        assert!(verify(good.as_bytes(), &jwks, &expectation(), NOW).is_ok());
        for place in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone().into_bytes();
                bytes[place] ^= 1 << bit;
                let verdict = verify(&bytes, &jwks, &expectation(), NOW);
                assert!(verdict.is_err(), "{algorithm}, byte {place}, bit {bit}");
            }
        }
    }
}

#[test]
fn no_beginning_of_a_token_is_a_token() {
    let good = token(&claims());
    for end in 0..good.len() {
        assert!(judge(good.get(..end).unwrap()).is_err(), "{end}");
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        (0_u64..4_000_000_000).prop_map(|value| json!(value)),
        ".{0,8}".prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| json!(list)),
            prop::collection::btree_map("[a-z]{0,3}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Token::read(&bytes, DEFAULT_MAX_BYTES).is_err());
        prop_assert!(Jwks::from_json(&bytes).is_err());
    }

    #[test]
    fn any_header_is_judged(name in "alg|kid|typ|jwk|b64", value in any_json(), signature in "[A-Za-z0-9_-]{0,90}") {
        let mut header = header(Algorithm::EdDsa);
        header[name] = value;
        let text = key(Algorithm::EdDsa).sign_parts(header.to_string().as_bytes(), b"{}").unwrap();
        let (signed, _) = text.rsplit_once('.').unwrap();
        let forged = format!("{signed}.{signature}");
        if let Ok(jws) = Jws::read(forged.as_bytes(), DEFAULT_MAX_BYTES) {
            let jwks = jwks_of(Algorithm::EdDsa);
            let jobs = jws.signature_jobs(&jwks, Algorithm::ALL).unwrap_or_default();
            prop_assert!(!jobs.iter().any(|job| job.verify()));
        }
    }

    #[test]
    fn any_claims_are_judged(name in "iss|aud|sub|exp|nbf|iat|jti|groups", value in any_json()) {
        let mut claims = claims();
        claims[&name] = value;
        if let Ok(identity) = judge(&token(&claims)) {
            prop_assert!(!identity.subject.is_empty());
            prop_assert!(identity.expires_at.0 > NOW.0 - 30);
            prop_assert!(identity.groups.iter().all(|group| !group.is_empty()));
        }
    }

    #[test]
    fn any_key_is_judged(member in "kty|crv|x|y|n|e|alg|kid|use|key_ops", value in any_json()) {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa] {
            let mut jwk = jwk(algorithm);
            jwk[&member] = value.clone();
            let jwks = Jwks::from_json(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
            prop_assert!(jwks.keys().len() + jwks.rejected().len() <= 1);
        }
    }

    #[test]
    fn a_strangers_signature_never_verifies(seed in any::<u64>()) {
        let stranger = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let mut claims = claims();
        claims["seed"] = json!(seed);
        let forged = stranger.sign_parts(header(Algorithm::EdDsa).to_string().as_bytes(), claims.to_string().as_bytes());
        prop_assert_eq!(judge(&forged.unwrap()), Err(Reason::TokenSignature));
    }
}
