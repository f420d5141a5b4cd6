//! Tokens and key sets.
//!
//! Law: whatever the bytes, only what the issuer signed is verified: a token that was changed in any way never is, nor
//! is any token under keys that did not sign it.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chaperone_model::UnixSeconds;
use chaperone_token::sign::SigningKey;
use chaperone_token::{
    Algorithm, DEFAULT_MAX_BYTES, Expectation, Jwks, MAX_KEYS, SignatureJob, Token, verify,
};
use serde_json::{Value, json};

use crate::input::Input;

pub(crate) const ISSUER: &str = "http://idp.test:8085";
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

/// RFC 8037, A.1: a key that everybody knows.
pub(crate) fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let secret = *b"\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";
        // SPEC: RFC 8410, 7: PrivateKeyInfo of an Ed25519 key.
        let der = [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &secret].concat();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
        SigningKey::from_pem(Algorithm::EdDsa, &pem).expect("the key of RFC 8037")
    })
}

/// The issuer's keys, as it publishes them.
pub(crate) fn published() -> Value {
    json!({ "keys": [key().public_jwk()] })
}

/// What a good token says.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "chaperone", "sub": "agent-7", "groups": ["analysts"],
        "exp": NOW.0 + 300, "iat": NOW.0, "jti": "token-1",
    })
}

fn good() -> &'static str {
    static GOOD: OnceLock<String> = OnceLock::new();
    GOOD.get_or_init(|| key().sign(&claims()).expect("claims that can be signed"))
}

fn expectation() -> Expectation {
    Expectation {
        algorithms: Algorithm::ALL.to_vec(),
        ..Expectation::new(ISSUER.to_owned(), vec!["chaperone".to_owned()])
    }
}

/// The target.
pub fn body(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => changed(input),
        1 => any_token(input.rest()),
        2 => any_keys(input.rest()),
        _ => any_parts(input),
    }
}

/// The good token with a few bytes changed, put in or taken out.
fn changed(mut input: Input<'_>) {
    let mut bytes = good().as_bytes().to_vec();
    for _ in 0..4 {
        if input.is_empty() {
            break;
        }
        let at = usize::from(input.byte()) << 8 | usize::from(input.byte());
        let at = at.checked_rem(bytes.len() + 1).unwrap_or(0);
        match (input.byte() % 3, input.byte()) {
            (0, byte) => {
                if let Some(place) = bytes.get_mut(at) {
                    *place ^= byte;
                }
            }
            (1, byte) => bytes.insert(at, byte),
            (_, count) => {
                let end = (at + usize::from(count)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
    let keys = Jwks::from_json(published().to_string().as_bytes()).expect("published keys");
    let verdict = verify(&bytes, &keys, &expectation(), NOW);
    assert_eq!(verdict.is_ok(), bytes == good().as_bytes(), "{:?}", String::from_utf8_lossy(&bytes));
}

fn any_token(bytes: &[u8]) {
    let keys = Jwks::from_json(published().to_string().as_bytes()).expect("published keys");
    if bytes != good().as_bytes() {
        assert!(verify(bytes, &keys, &expectation(), NOW).is_err(), "verified");
    }
    if let Ok(token) = Token::read(bytes, DEFAULT_MAX_BYTES) {
        assert!(!token.issuer().is_empty());
        let shown = format!("{token:?}");
        assert!(shown.len() < bytes.len() * 8 + 1_000, "{} bytes to show a token", shown.len());
    }
}

fn any_keys(bytes: &[u8]) {
    let Ok(keys) = Jwks::from_json(bytes) else { return };
    assert!(keys.keys().len() + keys.rejected().len() <= MAX_KEYS);
    let own = key().public_jwk();
    let is_own = serde_json::from_slice::<Value>(bytes).is_ok_and(|set| {
        set.get("keys")
            .and_then(Value::as_array)
            .is_some_and(|keys| keys.iter().any(|key| key["x"] == own["x"]))
    });
    let verdict = verify(good().as_bytes(), &keys, &expectation(), NOW);
    assert!(is_own || verdict.is_err(), "verified by keys that did not sign");
}

/// Header, payload and signature of the fuzzer's own, each encoded as it must be.
fn any_parts(mut input: Input<'_>) {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let parts =
        [input.long_chunk(), input.long_chunk(), input.rest()].map(|part| URL_SAFE_NO_PAD.encode(part));
    let token = parts.join(".");
    any_token(token.as_bytes());
    let keys = Jwks::from_json(published().to_string().as_bytes()).expect("published keys");
    if let Ok(read) = Token::read(token.as_bytes(), DEFAULT_MAX_BYTES) {
        let _ = read.check_claims(&expectation(), NOW);
        let jobs = read.signature_jobs(&keys, &expectation()).unwrap_or_default();
        assert!(token == good() || !jobs.iter().any(SignatureJob::verify), "a signature out of nowhere");
        for job in &jobs {
            let _ = job.host_form();
        }
    }
}
