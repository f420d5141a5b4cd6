//! The development identity provider, judged by the verifier that the filters use.

use chaperone_model::{Identity, Reason, UnixSeconds};
use chaperone_token::{Algorithm, Expectation, Jwks};

use crate::process::{Place, Running, ask, chaperone, ran};

fn provider(place: &Place) -> Running {
    let mut command = chaperone(&["dev", "idp", "--listen", "127.0.0.1:0", "--keys"]);
    command.arg(place.join("keys"));
    Running::start(command)
}

fn token(place: &Place, idp: &Running, args: &[&str]) -> String {
    let mut command = chaperone(&["dev", "token", "--subject", "agent-7", "--group", "analysts"]);
    command.args(args).env("CHAPERONE_DEV_IDP", &idp.url).env("CHAPERONE_DEV_KEYS", place.join("keys"));
    let run = ran(&mut command);
    assert_eq!(run.code, 0, "{}", run.err);
    run.out.trim().to_owned()
}

fn judged(idp: &Running, token: &str) -> Result<Identity, Reason> {
    let set = ask("GET", &format!("{}/jwks", idp.url), None, None).unwrap();
    let jwks = Jwks::from_json(&set.body).unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let expectation = Expectation::new(idp.url.clone(), vec!["chaperone".to_owned()]);
    chaperone_token::verify(token.as_bytes(), &jwks, &expectation, UnixSeconds(now))
}

#[test]
fn tokens_are_good_for_every_algorithm_and_bad_ones_are_bad() {
    let place = Place::new();
    let idp = provider(&place);
    for algorithm in ["ES256", "ES384", "EdDSA"] {
        assert!(Algorithm::from_name(algorithm).is_some());
        let identity = judged(&idp, &token(&place, &idp, &["--algorithm", algorithm])).unwrap();
        assert_eq!((identity.subject.as_str(), identity.groups), ("agent-7", vec!["analysts".to_owned()]));
    }
    let refused = |args: &[&str]| judged(&idp, &token(&place, &idp, args)).unwrap_err();
    assert_eq!(refused(&["--expired"]), Reason::TokenExpired);
    assert_eq!(refused(&["--ttl", "-10m"]), Reason::TokenExpired);
    assert_eq!(refused(&["--audience", "somebody-else"]), Reason::TokenAudience);
    assert_eq!(refused(&["--issuer", "http://elsewhere"]), Reason::TokenIssuer);
    assert_eq!(refused(&["--forged"]), Reason::TokenSignature);
    assert_eq!(refused(&["--claim", "nbf=99999999999"]), Reason::TokenNotYetValid);
    let [one, two] = [0, 1].map(|_| judged(&idp, &token(&place, &idp, &[])).unwrap().token_id);
    assert_ne!(one, two, "each has its own id");
}

#[test]
fn after_a_rotation_old_tokens_and_new_ones_are_good() {
    let place = Place::new();
    let idp = provider(&place);
    let old = token(&place, &idp, &[]);
    let rotated = ask("POST", &format!("{}/rotate", idp.url), None, Some(("", Vec::new()))).unwrap();
    assert_eq!(rotated.status, 200);
    let new = token(&place, &idp, &[]);
    let header = |token: &str| token.split_once('.').unwrap().0.to_owned();
    assert_ne!(header(&old), header(&new), "another key");
    judged(&idp, &old).unwrap();
    judged(&idp, &new).unwrap();
}

#[test]
fn discovery_leads_to_the_keys() {
    let place = Place::new();
    let idp = provider(&place);
    let url = format!("{}/.well-known/openid-configuration", idp.url);
    let discovery = ask("GET", &url, None, None).unwrap().json();
    assert_eq!(discovery["issuer"], idp.url);
    assert_eq!(discovery["jwks_uri"], format!("{}/jwks", idp.url));
    let set = ask("GET", discovery["jwks_uri"].as_str().unwrap(), None, None).unwrap();
    let text = String::from_utf8(set.body).unwrap();
    assert!(text.contains("\"ES256\"") && !text.contains("\"d\""), "public parts only: {text}");
    assert!(idp.stop() < std::time::Duration::from_secs(5));
}

#[test]
fn what_is_missing_is_said() {
    let run = ran(&mut chaperone(&["dev", "token", "--subject", "x"]));
    assert_eq!(run.code, 2);
    assert!(run.err.contains("--keys") && run.err.contains("--issuer"), "{}", run.err);
}
