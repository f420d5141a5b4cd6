//! An issuer to test with: one key of each algorithm, made once.

use std::sync::OnceLock;

use chaperone_model::{Identity, Reason, UnixSeconds};
use chaperone_token::sign::SigningKey;
use chaperone_token::{Algorithm, Expectation, Jwks, verify};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "http://127.0.0.1:8085";
pub(crate) const AUDIENCE: &str = "chaperone";
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// The key for an algorithm. The six RSA algorithms share one key, which takes a second to make, under six ids.
pub(crate) fn key(algorithm: Algorithm) -> &'static SigningKey {
    static KEYS: OnceLock<Vec<SigningKey>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        let pem = SigningKey::generate(Algorithm::Rs256).unwrap().to_pem().unwrap();
        let make = |algorithm: &Algorithm| match algorithm {
            Algorithm::EdDsa | Algorithm::Es256 | Algorithm::Es384 => SigningKey::generate(*algorithm),
            _ => SigningKey::from_pem(*algorithm, &pem),
        };
        Algorithm::ALL.iter().map(|algorithm| make(algorithm).unwrap()).collect()
    });
    keys.iter().find(|key| key.algorithm() == algorithm).unwrap()
}

/// A set of the public keys, each with its id but the RSA ones, whose ids would be equal, with their algorithm's.
pub(crate) fn jwks() -> Jwks {
    let keys: Vec<_> = Algorithm::ALL.iter().map(|algorithm| jwk(*algorithm)).collect();
    let jwks = Jwks::from_json(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    assert_eq!(jwks.rejected(), []);
    assert_eq!(jwks.keys().len(), Algorithm::ALL.len());
    jwks
}

pub(crate) fn jwk(algorithm: Algorithm) -> Value {
    let mut jwk = key(algorithm).public_jwk();
    jwk["kid"] = json!(algorithm.name());
    jwk
}

pub(crate) fn header(algorithm: Algorithm) -> Value {
    json!({ "alg": algorithm.name(), "kid": algorithm.name(), "typ": "JWT" })
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "agent-7",
        "groups": ["analysts", "readers"],
        "jti": "t-1",
        "iat": NOW.0,
        "exp": NOW.0 + 300,
    })
}

pub(crate) fn expectation() -> Expectation {
    Expectation::new(ISSUER.to_owned(), vec![AUDIENCE.to_owned()])
}

/// The header and claims given, signed by the key for the algorithm, whatever they say.
pub(crate) fn signed(algorithm: Algorithm, header: &str, claims: &str) -> String {
    key(algorithm).sign_parts(header.as_bytes(), claims.as_bytes()).unwrap()
}

/// A token with these claims that is right in every other respect.
pub(crate) fn token(claims: &Value) -> String {
    signed(Algorithm::EdDsa, &header(Algorithm::EdDsa).to_string(), &claims.to_string())
}

/// The good claims with one changed, or with `null` removed.
pub(crate) fn with(claim: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(claim);
    } else {
        claims[claim] = value;
    }
    claims
}

pub(crate) fn judge(token: &str) -> Result<Identity, Reason> {
    verify(token.as_bytes(), &jwks(), &expectation(), NOW)
}
