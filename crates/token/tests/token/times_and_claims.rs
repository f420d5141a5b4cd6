//! What a token says, judged at the edges.

use chaperone_model::{Reason, UnixSeconds};
use chaperone_token::{DEFAULT_LEEWAY_SECONDS, Expectation, MAX_GROUPS, MAX_NAME_BYTES, MAX_TIME, verify};
use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, NOW, claims, expectation, judge, jwks, token, with};

fn refused(claim: &str, value: Value, reason: Reason) {
    assert_eq!(judge(&token(&with(claim, value.clone()))), Err(reason), "`{claim}` {value}");
}

fn accepted(claim: &str, value: Value) {
    assert!(judge(&token(&with(claim, value.clone()))).is_ok(), "`{claim}` {value}");
}

#[test]
fn expiry_and_its_leeway() {
    let (now, leeway) = (NOW.0, DEFAULT_LEEWAY_SECONDS);
    accepted("exp", json!(now + 1));
    accepted("exp", json!(now - leeway + 1));
    refused("exp", json!(now - leeway), Reason::TokenExpired);
    refused("exp", json!(0), Reason::TokenExpired);
    refused("exp", Value::Null, Reason::TokenClaim);
    let strict = Expectation { leeway_seconds: 0, ..expectation() };
    let at = |now| verify(token(&claims()).as_bytes(), &jwks(), &strict, UnixSeconds(now));
    assert!(at(now + 299).is_ok());
    assert_eq!(at(now + 300), Err(Reason::TokenExpired));
    assert_eq!(at(u64::MAX), Err(Reason::TokenExpired));
    let endless = Expectation { leeway_seconds: u64::MAX, ..expectation() };
    assert!(verify(token(&claims()).as_bytes(), &jwks(), &endless, UnixSeconds(now + 300)).is_ok());
}

#[test]
fn not_before_and_issued_at_with_leeway() {
    for claim in ["nbf", "iat"] {
        accepted(claim, Value::Null);
        accepted(claim, json!(NOW.0 + DEFAULT_LEEWAY_SECONDS));
        refused(claim, json!(NOW.0 + DEFAULT_LEEWAY_SECONDS + 1), Reason::TokenNotYetValid);
        accepted(claim, json!(0));
    }
}

#[test]
fn times_are_numbers_in_range_and_fractions_round_to_the_safe_side() {
    for claim in ["exp", "nbf", "iat"] {
        for value in
            [json!("1800000000"), json!(-1), json!(-0.5), json!(MAX_TIME + 1), json!(1e300), json!([1])]
        {
            refused(claim, value, Reason::TokenClaim);
        }
        refused(claim, json!(u64::MAX), Reason::TokenClaim);
        refused(claim, json!(true), Reason::TokenClaim);
    }
    accepted("exp", json!(MAX_TIME));
    accepted("exp", json!(1.8e9 + 1.0));
    let identity = judge(&token(&with("exp", json!(NOW.0 as f64 + 9.75)))).unwrap();
    assert_eq!(identity.expires_at.0, NOW.0 + 9);
    refused("nbf", json!((NOW.0 + DEFAULT_LEEWAY_SECONDS) as f64 + 0.5), Reason::TokenNotYetValid);
}

#[test]
fn issuer_and_subject() {
    refused("iss", Value::Null, Reason::TokenClaim);
    refused("iss", json!(1), Reason::TokenClaim);
    refused("iss", json!("http://127.0.0.1:8085/"), Reason::TokenIssuer);
    for claim in ["sub", "jti"] {
        refused(claim, json!(""), Reason::TokenClaim);
        refused(claim, json!(7), Reason::TokenClaim);
        refused(claim, json!(["a"]), Reason::TokenClaim);
        refused(claim, json!("a\nb"), Reason::TokenClaim);
        refused(claim, json!("a\u{0}"), Reason::TokenClaim);
        refused(claim, json!("a\u{85}"), Reason::TokenClaim);
        refused(claim, json!("x".repeat(MAX_NAME_BYTES + 1)), Reason::TokenClaim);
        accepted(claim, json!("x".repeat(MAX_NAME_BYTES)));
        accepted(claim, json!("bäcker@example.org"));
    }
    refused("sub", Value::Null, Reason::TokenClaim);
}

#[test]
fn a_token_without_an_id_gets_a_digest() {
    let (one, other) = (with("jti", Value::Null), with("jti", Value::Null));
    let id = judge(&token(&one)).unwrap().token_id;
    assert_eq!(id.len(), "sha256:".len() + 64);
    assert!(id.starts_with("sha256:"));
    assert_eq!(judge(&token(&other)).unwrap().token_id, id);
    let mut changed = one;
    changed["sub"] = json!("agent-8");
    assert_ne!(judge(&token(&changed)).unwrap().token_id, id);
}

#[test]
fn audiences() {
    accepted("aud", json!(AUDIENCE));
    accepted("aud", json!([AUDIENCE]));
    accepted("aud", json!(["another", AUDIENCE]));
    for value in [Value::Null, json!("another"), json!(["another"]), json!([]), json!("Chaperone")] {
        refused("aud", value, Reason::TokenAudience);
    }
    for value in [json!(1), json!([AUDIENCE, 1]), json!({ "aud": AUDIENCE }), json!([[AUDIENCE]]), json!("")]
    {
        refused("aud", value, Reason::TokenClaim);
    }
    let none = Expectation { audiences: Vec::new(), ..expectation() };
    assert_eq!(verify(token(&claims()).as_bytes(), &jwks(), &none, NOW), Err(Reason::TokenAudience));
}

#[test]
fn groups() {
    let groups = |value| judge(&token(&with("groups", value))).map(|identity| identity.groups);
    assert_eq!(groups(Value::Null).unwrap(), [""; 0]);
    assert_eq!(groups(json!([])).unwrap(), [""; 0]);
    assert_eq!(groups(json!("one")).unwrap(), ["one"]);
    assert_eq!(groups(json!(["one", "two"])).unwrap(), ["one", "two"]);
    for value in [json!(1), json!([1]), json!(["a", null]), json!({ "a": 1 }), json!(""), json!(["a\r"])] {
        assert_eq!(groups(value.clone()), Err(Reason::TokenClaim), "{value}");
    }
    let many = |count: usize| json!(vec!["g"; count]);
    assert_eq!(groups(many(MAX_GROUPS)).unwrap().len(), MAX_GROUPS);
    assert_eq!(groups(many(MAX_GROUPS + 1)), Err(Reason::TokenClaim));
}

#[test]
fn groups_under_another_claim_or_a_pointer() {
    let mut claims = claims();
    claims["https://idp.example/groups"] = json!(["by-name"]);
    claims["realm_access"] = json!({ "roles": ["by-pointer"], "a/b~c": ["escaped"], "flat": 1 });
    let bytes = token(&claims);
    for (groups_claim, expected) in [
        ("https://idp.example/groups", Ok(vec!["by-name".to_owned()])),
        ("/realm_access/roles", Ok(vec!["by-pointer".to_owned()])),
        ("/realm_access/a~1b~0c", Ok(vec!["escaped".to_owned()])),
        ("/realm_access/none", Ok(vec![])),
        ("/none/roles", Ok(vec![])),
        ("/sub/roles", Err(Reason::TokenClaim)),
        ("/realm_access", Err(Reason::TokenClaim)),
        ("realm_access.roles", Ok(vec![])),
        ("", Ok(vec![])),
        ("/", Ok(vec![])),
    ] {
        let expectation = Expectation { groups_claim: groups_claim.to_owned(), ..expectation() };
        let verdict = verify(bytes.as_bytes(), &jwks(), &expectation, NOW);
        assert_eq!(verdict.map(|identity| identity.groups), expected, "{groups_claim}");
    }
}
