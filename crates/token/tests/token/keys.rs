//! Key sets: what is left out, what is refused, which key is tried.

use chaperone_model::Reason;
use chaperone_token::sign::SigningKey;
use chaperone_token::{Algorithm, Jwks, KeyError, MAX_JWKS_BYTES, MAX_KEYS, MAX_TRIED_KEYS, verify};
use serde_json::{Value, json};

use crate::issuer::{NOW, claims, expectation, jwk, key, signed};

fn read(keys: Value) -> Result<Jwks, KeyError> {
    Jwks::from_json(json!({ "keys": keys }).to_string().as_bytes())
}

/// A key with one member changed, or with `null` removed.
fn with(algorithm: Algorithm, member: &str, value: Value) -> Value {
    let mut jwk = jwk(algorithm);
    if value.is_null() {
        jwk.as_object_mut().unwrap().remove(member);
    } else {
        jwk[member] = value;
    }
    jwk
}

#[test]
fn what_is_no_set_is_refused() {
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"keys":[[]]}"#, "null"] {
        assert_eq!(Jwks::from_json(text.as_bytes()).unwrap_err(), KeyError::Malformed, "{text}");
    }
    for text in [r#"{"keys":[],"keys":[]}"#, r#"{"keys":[{"kty":"EC","kty":"RSA"}]}"#] {
        assert_eq!(Jwks::from_json(text.as_bytes()).unwrap_err(), KeyError::DuplicateMember, "{text}");
    }
}

#[test]
fn sizes_are_bounded() {
    let other = json!({ "kty": "oct", "k": "AA" });
    assert!(read(json!(vec![&other; MAX_KEYS])).is_ok());
    assert_eq!(read(json!(vec![&other; MAX_KEYS + 1])).unwrap_err(), KeyError::TooManyKeys);
    let padded = |bytes: usize| format!("{{\"keys\":[]}}{}", " ".repeat(bytes - r#"{"keys":[]}"#.len()));
    assert!(Jwks::from_json(padded(MAX_JWKS_BYTES).as_bytes()).is_ok());
    assert_eq!(Jwks::from_json(padded(MAX_JWKS_BYTES + 1).as_bytes()).unwrap_err(), KeyError::TooLarge);
}

#[test]
fn keys_for_other_uses_are_left_out_in_silence() {
    let others = json!([
        with(Algorithm::Es256, "use", json!("enc")),
        with(Algorithm::Es256, "key_ops", json!(["encrypt", "sign"])),
        with(Algorithm::Es256, "key_ops", json!([])),
        with(Algorithm::Es256, "crv", json!("P-521")),
        with(Algorithm::Es256, "crv", json!("secp256k1")),
        with(Algorithm::EdDsa, "crv", json!("X25519")),
        { "kty": "oct", "k": "AAAA", "alg": "HS256", "kid": "EdDSA" },
        { "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA" },
    ]);
    let jwks = read(others).unwrap();
    assert!(jwks.keys().is_empty());
    assert_eq!(jwks.rejected(), []);
}

#[test]
fn wrong_keys_are_left_out_and_told_and_the_others_stay() {
    use Algorithm::{EdDsa, Es256, Es384, Rs256};
    let rsa_of = |bytes: usize| {
        let number: Vec<u8> = (0..bytes).map(|_| 0xff).collect();
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, number)
    };
    let even = jwk(Rs256)["n"].as_str().unwrap().to_owned();
    let even = format!("{}g", even.strip_suffix(|_: char| true).unwrap());
    for (key, why) in [
        (with(Rs256, "d", json!("AQAB")), KeyError::Private),
        (with(Es256, "d", json!("AQAB")), KeyError::Private),
        (with(EdDsa, "d", json!("AQAB")), KeyError::Private),
        (with(Rs256, "alg", json!("ES256")), KeyError::Algorithm),
        (with(Es256, "alg", json!("ES384")), KeyError::Algorithm),
        (with(Es256, "alg", json!("HS256")), KeyError::Algorithm),
        (with(Es256, "alg", json!("none")), KeyError::Algorithm),
        (with(EdDsa, "alg", json!(1)), KeyError::Member("alg")),
        (with(EdDsa, "kid", json!(1)), KeyError::Member("kid")),
        (with(EdDsa, "kid", json!("")), KeyError::Member("kid")),
        (with(EdDsa, "use", json!(1)), KeyError::Member("use")),
        (with(EdDsa, "key_ops", json!("verify")), KeyError::Member("key_ops")),
        (with(EdDsa, "kty", Value::Null), KeyError::Member("kty")),
        (with(EdDsa, "crv", Value::Null), KeyError::Member("crv")),
        (with(Es256, "x", Value::Null), KeyError::Member("x")),
        (with(Es256, "y", json!("AQ")), KeyError::Member("y")),
        (with(Es384, "y", json!("A A")), KeyError::Member("y")),
        (with(Es256, "x", json!("A".repeat(43))), KeyError::Point),
        // The neutral element, under which a signature of zeros would verify.
        (with(EdDsa, "x", json!("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")), KeyError::Point),
        (with(Rs256, "n", Value::Null), KeyError::Member("n")),
        (with(Rs256, "n", json!("AAAA")), KeyError::Member("n")),
        (with(Rs256, "n", json!(rsa_of(255))), KeyError::Modulus),
        (with(Rs256, "n", json!(rsa_of(513))), KeyError::Modulus),
        (with(Rs256, "n", json!(even)), KeyError::Modulus),
        (with(Rs256, "e", json!("AQ")), KeyError::Exponent),
        (with(Rs256, "e", json!("Aw")), KeyError::Exponent),
        (with(Rs256, "e", json!("AQAC")), KeyError::Exponent),
        (with(Rs256, "e", json!("AQAAAAE")), KeyError::Exponent),
    ] {
        let text = key.to_string();
        let jwks = read(json!([key, with(Es384, "kid", json!("good"))])).unwrap();
        let rejected: Vec<_> = jwks.rejected().iter().map(|one| (one.position, one.why)).collect();
        assert_eq!(rejected, [(0, why)], "{text}");
        assert_eq!(jwks.keys().len(), 1, "{text}");
        assert!(jwks.find(Some("good"), Es384).is_ok());
    }
}

#[test]
fn an_id_for_two_different_keys_is_for_none() {
    let twin = SigningKey::generate(Algorithm::EdDsa).unwrap().public_jwk();
    let mut twin = twin;
    twin["kid"] = json!("EdDSA");
    let jwks = read(json!([jwk(Algorithm::EdDsa), twin, jwk(Algorithm::Es256)])).unwrap();
    let rejected: Vec<_> = jwks.rejected().iter().map(|one| (one.position, one.why)).collect();
    assert_eq!(rejected, [(0, KeyError::DuplicateId), (1, KeyError::DuplicateId)]);
    assert_eq!(jwks.find(Some("EdDSA"), Algorithm::EdDsa).unwrap_err(), Reason::TokenKeyUnknown);
    assert!(jwks.find(Some("ES256"), Algorithm::Es256).is_ok());
    // The same key twice is one key, and one id for two types cannot be confused.
    let jwks = read(json!([
        jwk(Algorithm::EdDsa),
        jwk(Algorithm::EdDsa),
        with(Algorithm::Es256, "kid", json!("EdDSA")),
    ]));
    let jwks = jwks.unwrap();
    assert_eq!(jwks.rejected(), []);
    assert_eq!(jwks.keys().len(), 2);
}

#[test]
fn a_leading_zero_changes_nothing() {
    let modulus = jwk(Algorithm::Rs256)["n"].as_str().unwrap().to_owned();
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mut bytes = base64::Engine::decode(&engine, modulus).unwrap();
    bytes.insert(0, 0);
    let jwks = read(json!([with(Algorithm::Rs256, "n", json!(base64::Engine::encode(&engine, bytes)))]));
    let token = signed(Algorithm::Rs256, r#"{"alg":"RS256","kid":"RS256"}"#, &claims().to_string());
    assert!(verify(token.as_bytes(), &jwks.unwrap(), &expectation(), NOW).is_ok());
}

#[test]
fn without_an_id_the_first_few_that_fit_are_tried() {
    let anonymous = signed(Algorithm::EdDsa, r#"{"alg":"EdDSA"}"#, &claims().to_string());
    let with_strangers = |before: usize| {
        let mut keys: Vec<_> =
            (0..before).map(|_| SigningKey::generate(Algorithm::EdDsa).unwrap().public_jwk()).collect();
        keys.insert(0, jwk(Algorithm::Es256));
        keys.push(with(Algorithm::EdDsa, "kid", Value::Null));
        verify(anonymous.as_bytes(), &read(json!(keys)).unwrap(), &expectation(), NOW)
    };
    assert!(with_strangers(0).is_ok());
    assert!(with_strangers(MAX_TRIED_KEYS - 1).is_ok());
    assert_eq!(with_strangers(MAX_TRIED_KEYS), Err(Reason::TokenSignature));
    let other = read(json!([jwk(Algorithm::Es256)])).unwrap();
    assert_eq!(verify(anonymous.as_bytes(), &other, &expectation(), NOW), Err(Reason::TokenKeyUnknown));
}

#[test]
fn a_key_without_an_id_is_not_for_a_token_that_names_one() {
    let jwks = read(json!([with(Algorithm::EdDsa, "kid", Value::Null)])).unwrap();
    assert_eq!(jwks.find(Some("EdDSA"), Algorithm::EdDsa).unwrap_err(), Reason::TokenKeyUnknown);
}

#[test]
fn keys_survive_pem_and_sign_under_their_thumbprint() {
    for algorithm in Algorithm::ALL {
        let key = key(*algorithm);
        let again = SigningKey::from_pem(*algorithm, &key.to_pem().unwrap()).unwrap();
        assert_eq!(again.public_jwk(), key.public_jwk());
        assert_eq!(again.public_jwk()["kid"], key.key_id());
        let jwks = read(json!([key.public_jwk()])).unwrap();
        let token = again.sign(&claims()).unwrap();
        assert!(verify(token.as_bytes(), &jwks, &expectation(), NOW).is_ok(), "{algorithm}");
    }
    assert!(SigningKey::from_pem(Algorithm::Es256, &key(Algorithm::Es384).to_pem().unwrap()).is_err());
    assert!(SigningKey::from_pem(Algorithm::Rs256, "").is_err());
}
