//! Tokens that somebody made in order to get in, each refused for the right reason.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chaperone_model::Reason;
use chaperone_token::{Algorithm, DEFAULT_MAX_BYTES, Expectation, Jwks, MAX_KEY_ID_BYTES, Token, verify};
use serde_json::{Value, json};

use crate::issuer::{self, AUDIENCE, ISSUER, NOW, claims, expectation, header, judge, jwks, signed, token};

fn encoded(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A good token but for the header given.
fn under(header: &str) -> String {
    signed(Algorithm::EdDsa, header, &claims().to_string())
}

#[test]
fn every_algorithm_verifies_and_only_its_own_key() {
    for algorithm in Algorithm::ALL {
        let good = signed(*algorithm, &header(*algorithm).to_string(), &claims().to_string());
        let identity = judge(&good).unwrap();
        assert_eq!(identity.subject, "agent-7");
        assert_eq!(identity.groups, ["analysts", "readers"]);
        assert_eq!(identity.issuer, ISSUER);
        assert_eq!(identity.token_id, "t-1");
        assert_eq!(identity.expires_at.0, NOW.0 + 300);
        let key = chaperone_token::sign::SigningKey::generate(match algorithm {
            Algorithm::EdDsa | Algorithm::Es256 | Algorithm::Es384 => *algorithm,
            _ => continue,
        });
        let claims = claims().to_string();
        let forged = key.unwrap().sign_parts(header(*algorithm).to_string().as_bytes(), claims.as_bytes());
        assert_eq!(judge(&forged.unwrap()), Err(Reason::TokenSignature), "{algorithm}");
    }
}

#[test]
fn one_algorithm_does_not_pass_for_another() {
    // What is signed under one name is presented under each other, with either key named.
    for real in Algorithm::ALL {
        for claimed in Algorithm::ALL.iter().filter(|claimed| *claimed != real) {
            for named in [real, claimed] {
                let header = json!({ "alg": claimed.name(), "kid": named.name() }).to_string();
                let verdict = judge(&signed(*real, &header, &claims().to_string()));
                let reason = if named == claimed { Reason::TokenSignature } else { Reason::TokenAlgorithm };
                assert_eq!(verdict, Err(reason), "{real} as {claimed} with the key of {named}");
            }
        }
    }
}

#[test]
fn symmetric_algorithms_and_none_are_refused() {
    for name in ["none", "None", "nOnE", "NONE", "", "HS256", "HS384", "HS512", "ES256K", "ES512", "RSA-OAEP"]
    {
        let header = json!({ "alg": name, "kid": "EdDSA" }).to_string();
        assert_eq!(judge(&under(&header)), Err(Reason::TokenAlgorithm), "{name}");
        let unsigned = format!("{}.{}.", encoded(&header), encoded(&claims().to_string()));
        assert_eq!(judge(&unsigned), Err(Reason::TokenAlgorithm), "{name}, unsigned");
    }
}

#[test]
fn an_algorithm_that_the_policy_does_not_name_is_refused() {
    let narrow = Expectation { algorithms: vec![Algorithm::Rs256], ..expectation() };
    let bytes = token(&claims());
    assert_eq!(verify(bytes.as_bytes(), &jwks(), &narrow, NOW), Err(Reason::TokenAlgorithm));
    // Whoever skips the claims meets the same answer.
    let read = Token::read(bytes.as_bytes(), DEFAULT_MAX_BYTES).unwrap();
    let jwks = jwks();
    assert_eq!(read.signature_jobs(&jwks, &narrow).unwrap_err(), Reason::TokenAlgorithm);
}

#[test]
fn headers_that_bring_keys_or_change_the_reading_are_refused() {
    let jwk = issuer::jwk(Algorithm::EdDsa);
    let mut forbidden = vec![
        ("b64", json!(false)),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("jku", json!("http://evil.example/keys")),
        ("jwk", jwk),
        ("x5c", json!(["MIIB"])),
        ("x5u", json!("http://evil.example/certificate")),
        ("zip", json!("DEF")),
    ];
    forbidden.extend(["b64", "crit", "jku", "jwk", "x5c", "x5u", "zip"].map(|name| (name, Value::Null)));
    for (name, value) in forbidden {
        let mut header = header(Algorithm::EdDsa);
        header[name] = value;
        assert_eq!(judge(&under(&header.to_string())), Err(Reason::TokenHeaderForbidden), "{header}");
    }
    // The escape sequence is the same name.
    let escaped = r#"{"alg":"EdDSA","kid":"EdDSA","\u006awk":{}}"#;
    assert_eq!(judge(&under(escaped)), Err(Reason::TokenHeaderForbidden));
    // A thumbprint brings no key.
    assert!(judge(&under(r#"{"alg":"EdDSA","kid":"EdDSA","x5t":"abc"}"#)).is_ok());
}

#[test]
fn a_member_named_twice_is_refused_in_header_and_claims() {
    for header in [
        r#"{"alg":"EdDSA","alg":"EdDSA","kid":"EdDSA"}"#,
        r#"{"alg":"none","kid":"EdDSA","\u0061lg":"EdDSA"}"#,
        r#"{"alg":"EdDSA","kid":"EdDSA","x":{"y":1,"y":2}}"#,
    ] {
        assert_eq!(judge(&under(header)), Err(Reason::TokenDuplicateClaim), "{header}");
    }
    let good = claims().to_string();
    for extra in [r#""sub":"admin""#, r#""\u0073ub":"admin""#, r#""x":{"a":[{"b":1,"b":1}]}"#] {
        let claims = format!("{},{extra}}}", good.strip_suffix('}').unwrap());
        let token = signed(Algorithm::EdDsa, &header(Algorithm::EdDsa).to_string(), &claims);
        assert_eq!(judge(&token), Err(Reason::TokenDuplicateClaim), "{claims}");
    }
}

#[test]
fn what_is_not_a_token_is_malformed() {
    let good = token(&claims());
    let parts: Vec<_> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    for (text, why) in [
        (String::new(), "nothing"),
        ("hunter2".to_owned(), "a password"),
        (format!("{header}.{payload}"), "two parts"),
        (format!("{header}.{payload}."), "no signature"),
        (format!(".{payload}.{signature}"), "no header"),
        (format!("{header}..{signature}"), "no claims"),
        (format!("{good}."), "four parts"),
        (format!("{good}.e.f"), "five parts, an encrypted token"),
        (format!("{good}="), "padding"),
        (format!("{good}\n"), "a line end"),
        (format!(" {good}"), "a space before"),
        (format!("Bearer {good}"), "a scheme before"),
        (format!("{good}\0"), "a NUL after"),
        (good.replacen("ey", "e\u{301}y", 1), "not ASCII"),
        (format!("{}.{payload}.{signature}", encoded("[]")), "a header that is a list"),
        (format!("{header}.{}.{signature}", encoded("foo")), "claims that are not JSON"),
        (format!("{header}.{}.{signature}", encoded("[1]")), "claims that are a list"),
        (json!({ "payload": payload, "signatures": [] }).to_string(), "the JSON form"),
    ] {
        assert_eq!(judge(&text), Err(Reason::TokenMalformed), "{why}");
    }
    for header in [
        r#"{"kid":"EdDSA"}"#,
        r#"{"alg":null,"kid":"EdDSA"}"#,
        r#"{"alg":["EdDSA"],"kid":"EdDSA"}"#,
        r#"{"alg":"EdDSA","kid":7}"#,
        r#"{"alg":"EdDSA","kid":""}"#,
        r#"{"alg":"EdDSA","kid":"a\u0000"}"#,
        r#"{"alg":"EdDSA","kid":"EdDSA","typ":1}"#,
        r#"{"alg":"EdDSA","kid":"EdDSA","typ":"logout+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"EdDSA","typ":"dpop+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"EdDSA"} "x""#,
    ] {
        assert_eq!(judge(&under(header)), Err(Reason::TokenMalformed), "{header}");
    }
    for kind in ["JWT", "jwt", "at+jwt", "application/at+JWT"] {
        let header = json!({ "alg": "EdDSA", "kid": "EdDSA", "typ": kind }).to_string();
        assert!(judge(&under(&header)).is_ok(), "{kind}");
    }
}

#[test]
fn sizes_are_bounded() {
    let claims = |bytes: usize| {
        let mut claims = claims();
        claims["padding"] = json!("x".repeat(bytes));
        token(&claims)
    };
    let slack = DEFAULT_MAX_BYTES - claims(0).len();
    let largest =
        (slack * 3 / 4 - 2..=slack).rev().map(claims).find(|token| token.len() <= DEFAULT_MAX_BYTES);
    let largest = largest.unwrap();
    assert!(largest.len() > DEFAULT_MAX_BYTES - 4);
    assert!(judge(&largest).is_ok());
    assert_eq!(judge(&claims(slack)), Err(Reason::TokenTooLarge));
    assert_eq!(judge(&"a".repeat(10_000_000)), Err(Reason::TokenTooLarge));

    let id = |bytes: usize| json!({ "alg": "EdDSA", "kid": "k".repeat(bytes) }).to_string();
    assert_eq!(judge(&under(&id(MAX_KEY_ID_BYTES))), Err(Reason::TokenKeyUnknown));
    assert_eq!(judge(&under(&id(MAX_KEY_ID_BYTES + 1))), Err(Reason::TokenMalformed));
}

#[test]
fn an_unknown_key_is_told_from_a_wrong_signature() {
    let unknown = under(r#"{"alg":"EdDSA","kid":"rotated"}"#);
    assert_eq!(judge(&unknown), Err(Reason::TokenKeyUnknown));
    let none = verify(token(&claims()).as_bytes(), &Jwks::default(), &expectation(), NOW);
    assert_eq!(none, Err(Reason::TokenKeyUnknown));
}

#[test]
fn a_signature_of_a_length_that_the_key_cannot_make_is_never_computed() {
    let jwks = jwks();
    for algorithm in Algorithm::ALL {
        let good = signed(*algorithm, &header(*algorithm).to_string(), &claims().to_string());
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let longer = [&signature[..], &[0]].concat();
        for wrong in [&signature[1..], &signature[..1], &longer, &[&[0], &signature[..]].concat()] {
            let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(wrong));
            let token = Token::read(text.as_bytes(), DEFAULT_MAX_BYTES).unwrap();
            let jobs = token.signature_jobs(&jwks, &expectation());
            assert_eq!(jobs.unwrap_err(), Reason::TokenSignature, "{algorithm}, {} bytes", wrong.len());
        }
    }
}

#[test]
fn cheap_checks_come_before_signatures() {
    // All of these have a key that nobody knows as well, but are refused for what costs nothing to see.
    let by = |claims: Value| signed(Algorithm::EdDsa, r#"{"alg":"EdDSA","kid":"?"}"#, &claims.to_string());
    assert_eq!(judge(&by(issuer::with("exp", json!(NOW.0 - 3600)))), Err(Reason::TokenExpired));
    assert_eq!(judge(&by(issuer::with("iss", json!("http://evil.example")))), Err(Reason::TokenIssuer));
    assert_eq!(judge(&by(issuer::with("aud", json!("another")))), Err(Reason::TokenAudience));
}

#[test]
fn nothing_of_the_token_is_in_what_is_printed() {
    let text = token(&issuer::with("sub", json!("planted-subject")));
    let jwks = jwks();
    let read = Token::read(text.as_bytes(), DEFAULT_MAX_BYTES).unwrap();
    let jobs = read.signature_jobs(&jwks, &expectation()).unwrap();
    let es256 = signed(Algorithm::Es256, &header(Algorithm::Es256).to_string(), &claims().to_string());
    let es256 = Token::read(es256.as_bytes(), DEFAULT_MAX_BYTES).unwrap();
    let host = es256.signature_jobs(&jwks, &expectation()).unwrap()[0].host_form().unwrap();
    let printed = format!("{read:?} {jobs:?} {host:?} {:?}", issuer::key(Algorithm::EdDsa));
    let signature = text.rsplit('.').next().unwrap();
    for secret in ["planted", signature, "PRIVATE", AUDIENCE, "agent"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
