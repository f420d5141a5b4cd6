//! jwt-simple's word on the same tokens: what is accepted here it accepts too, by the same keys and the same clock.
//!
//! The other way round it need not be: it takes tokens without `exp`, for one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chaperone_token::Algorithm;
use jwt_simple::prelude::{
    Duration, ECDSAP256PublicKeyLike as _, ECDSAP384PublicKeyLike as _, ES256PublicKey, ES384PublicKey,
    Ed25519PublicKey, EdDSAPublicKeyLike as _, HashSet, PS256PublicKey, PS384PublicKey, PS512PublicKey,
    RS256PublicKey, RS384PublicKey, RS512PublicKey, RSAPublicKeyLike as _, VerificationOptions,
};
use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, ISSUER, NOW, header, judge, jwk, signed, with};

/// The clock leeway that tokens of this crate are judged with where nothing else is said, in seconds.
const LEEWAY: u64 = 60;

fn options() -> VerificationOptions {
    VerificationOptions {
        artificial_time: Some(Duration::from_secs(NOW.0)),
        time_tolerance: Some(Duration::from_secs(LEEWAY)),
        allowed_issuers: Some(HashSet::from([ISSUER.to_owned()])),
        allowed_audiences: Some(HashSet::from([AUDIENCE.to_owned()])),
        ..VerificationOptions::default()
    }
}

/// Whether jwt-simple accepts the token by the public key of an algorithm.
fn accepts(algorithm: Algorithm, token: &str) -> bool {
    let jwk = jwk(algorithm);
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = || [&[4][..], &part("x"), &part("y")].concat();
    let options = Some(options());
    macro_rules! rsa {
        ($key:ident) => {
            $key::from_components(&part("n"), &part("e"))
                .unwrap()
                .verify_token::<Value>(token, options)
                .is_ok()
        };
    }
    match algorithm {
        Algorithm::EdDsa => {
            Ed25519PublicKey::from_bytes(&part("x")).unwrap().verify_token::<Value>(token, options).is_ok()
        }
        Algorithm::Es256 => {
            ES256PublicKey::from_bytes(&point()).unwrap().verify_token::<Value>(token, options).is_ok()
        }
        Algorithm::Es384 => {
            ES384PublicKey::from_bytes(&point()).unwrap().verify_token::<Value>(token, options).is_ok()
        }
        Algorithm::Ps256 => rsa!(PS256PublicKey),
        Algorithm::Ps384 => rsa!(PS384PublicKey),
        Algorithm::Ps512 => rsa!(PS512PublicKey),
        Algorithm::Rs256 => rsa!(RS256PublicKey),
        Algorithm::Rs384 => rsa!(RS384PublicKey),
        Algorithm::Rs512 => rsa!(RS512PublicKey),
    }
}

/// Claims of all kinds around the edges of what is right.
fn variations() -> Vec<Value> {
    let times = [-3_600_i64, -61, -59, -1, 0, 1, 59, 61, 3_600];
    let at = |offset: i64| json!(NOW.0.saturating_add_signed(offset));
    let mut all = vec![with("sub", json!("agent-7"))];
    for claim in ["exp", "nbf"] {
        all.extend(times.map(|offset| with(claim, at(offset))));
    }
    for issuer in
        [json!(ISSUER), json!("http://other"), json!(format!("{ISSUER}/")), json!([ISSUER]), Value::Null]
    {
        all.push(with("iss", issuer));
    }
    for audience in [
        json!(AUDIENCE),
        json!([AUDIENCE]),
        json!(["other", AUDIENCE]),
        json!("other"),
        json!(["other"]),
        json!([]),
        json!("Chaperone"),
        Value::Null,
    ] {
        all.push(with("aud", audience));
    }
    all
}

#[test]
fn accepts_whatever_is_accepted_here() {
    for algorithm in Algorithm::ALL {
        let head = header(*algorithm).to_string();
        let mut accepted = 0;
        for claims in variations() {
            let token = signed(*algorithm, &head, &claims.to_string());
            let here = judge(&token).is_ok();
            accepted += usize::from(here);
            if here {
                assert!(accepts(*algorithm, &token), "{}: {claims}", algorithm.name());
            }
            // One letter of the signature turned: refused by both.
            let mut forged = token.into_bytes();
            let place = forged.len() - 20;
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(judge(&forged).is_err() && !accepts(*algorithm, &forged), "{}: forged", algorithm.name());
        }
        assert!(accepted > 10, "{}: some are right", algorithm.name());
    }
}

#[test]
fn refuses_what_is_refused_here_for_its_time_issuer_or_audience() {
    let head = header(Algorithm::EdDsa).to_string();
    let mut refused = 0;
    for claims in variations() {
        let token = signed(Algorithm::EdDsa, &head, &claims.to_string());
        if !accepts(Algorithm::EdDsa, &token) {
            refused += 1;
            assert!(judge(&token).is_err(), "{claims}");
        }
    }
    assert!(refused > 10);
}
