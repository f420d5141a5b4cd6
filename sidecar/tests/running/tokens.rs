//! Nobody without a token, and nobody with another's.

use serde_json::json;

use crate::process::{FILTER, OPERATOR, Place, ask, chaperone, ran};

#[test]
fn it_does_not_start_without_two_tokens() {
    let place = Place::new();
    let data = place.join("data");
    let data = data.to_str().unwrap();
    let serve = || chaperone(&["serve", "--listen", "127.0.0.1:0", "--data", data]);
    for name in ["CHAPERONE_FILTER_TOKEN", "CHAPERONE_OPERATOR_TOKEN"] {
        for run in [ran(serve().env_remove(name)), ran(serve().env(name, " "))] {
            assert_eq!(run.code, 2);
            assert!(run.err.contains(name), "{}", run.err);
        }
    }
    let same = ran(serve().env("CHAPERONE_OPERATOR_TOKEN", FILTER));
    assert_eq!(same.code, 2);
    assert!(same.err.contains("must differ"), "{}", same.err);
}

#[test]
fn every_endpoint_takes_its_own_token_and_no_other() {
    let place = Place::new();
    let sidecar = place.serve();
    let body = || Some(("application/json", json!({}).to_string().into_bytes()));
    // Method, path, whether a filter and whether an operator may.
    let endpoints = [
        ("POST", "/v1/records", true, false),
        ("PUT", "/v1/approvals/ap-00000000", true, false),
        ("GET", "/v1/approvals/ap-00000000", true, true),
        ("POST", "/v1/approvals/ap-00000000/redeem", true, false),
        ("POST", "/v1/approvals/ap-00000000/withdraw", true, false),
        ("POST", "/v1/approvals/ap-00000000/approve", false, true),
        ("POST", "/v1/approvals/ap-00000000/reject", false, true),
        ("POST", "/v1/cancels", true, false),
        ("GET", "/v1/approvals", false, true),
        ("GET", "/v1/sessions", false, true),
        ("GET", "/v1/sessions/last", false, true),
        ("GET", "/v1/sessions/last/records", false, true),
    ];
    for (method, path, filter, operator) in endpoints {
        let status = |token| {
            let body = if method == "GET" { None } else { body() };
            ask(method, &format!("{}{path}", sidecar.url), token, body).unwrap().status
        };
        for wrong in [None, Some(""), Some("filter-token-of-a-tesu"), Some("x")] {
            assert_eq!(status(wrong), 401, "{method} {path} {wrong:?}");
        }
        assert_eq!(status(Some(FILTER)) == 403, !filter, "{method} {path} as a filter");
        assert_eq!(status(Some(OPERATOR)) == 403, !operator, "{method} {path} as an operator");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = ask("GET", &format!("{}{path}", sidecar.url), None, None).unwrap();
        assert_eq!(answer.status, 200, "{path}");
    }
    let metrics = String::from_utf8(sidecar.get("/metrics", "").body).unwrap();
    assert!(!metrics.contains("chaperone_unauthorized_total 0\n"), "{metrics}");
    assert_eq!(ask("GET", &format!("{}/v1/else", sidecar.url), None, None).unwrap().status, 404);
}

#[test]
fn the_command_line_needs_the_operators_token() {
    let place = Place::new();
    let sidecar = place.serve();
    let mut list = chaperone(&["approvals", "list"]);
    list.env("CHAPERONE_SIDECAR_URL", &sidecar.url);
    let missing = ran(list.env_remove("CHAPERONE_OPERATOR_TOKEN"));
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("CHAPERONE_OPERATOR_TOKEN"), "{}", missing.err);
    let wrong = ran(list.env("CHAPERONE_OPERATOR_TOKEN", FILTER));
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("operators' token"), "{}", wrong.err);
    sidecar.stop();
    let gone = ran(list.env("CHAPERONE_OPERATOR_TOKEN", OPERATOR));
    assert_eq!(gone.code, 2);
    assert!(gone.err.contains("does not answer"), "{}", gone.err);
    for odd in ["127.0.0.1:7480", "localhost", "ftp://x", "http://", ""] {
        let odd = ran(list.env("CHAPERONE_OPERATOR_TOKEN", OPERATOR).env("CHAPERONE_SIDECAR_URL", odd));
        assert_eq!(odd.code, 2);
        assert!(odd.err.contains("the form is http://HOST:PORT"), "{}", odd.err);
    }
}
