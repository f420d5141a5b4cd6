//! A request for approval from end to end, through REST and the command line.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{FILTER, OPERATOR, Place, Running};

pub(crate) const ID: &str = "ap-z0123456789a";
pub(crate) const DIGEST: &str = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";

pub(crate) fn request() -> Value {
    json!({
        "session": "s-1", "subject": "agent-7", "groups": ["analysts"], "resource": "shop",
        "role": "analyst", "database": "shop",
        "statement": "UPDATE customers\n   SET note = 'x'\u{1b}[2J\u{202e}", "digest": DIGEST,
        "policy": "", "rule": "risky", "message": "ask a DBA", "approvers": ["dba"],
        "count": 1, "expires_in": 300, "cancel_key": "c0ffee"
    })
}

pub(crate) fn put(sidecar: &Running, id: &str, request: &Value) -> u16 {
    sidecar.send("PUT", &format!("/v1/approvals/{id}"), FILTER, request).status
}

fn state(sidecar: &Running) -> Value {
    sidecar.get(&format!("/v1/approvals/{ID}"), FILTER).json()
}

fn redeem(sidecar: &Running, digest: &str) -> u16 {
    sidecar.send("POST", &format!("/v1/approvals/{ID}/redeem"), FILTER, &json!({ "digest": digest })).status
}

#[test]
fn asked_seen_approved_used_once() {
    let place = Place::new();
    let sidecar = place.serve();
    assert_eq!(sidecar.run(&["approvals", "list"]).code, 1, "nothing waits yet");
    assert_eq!(put(&sidecar, ID, &request()), 201);
    assert_eq!(put(&sidecar, ID, &request()), 200);
    let mut other = request();
    other["statement"] = json!("DELETE FROM customers");
    assert_eq!(put(&sidecar, ID, &other), 409);
    assert_eq!(redeem(&sidecar, DIGEST), 409, "nobody has said yes");
    let early =
        sidecar.send("POST", &format!("/v1/approvals/{ID}/redeem"), FILTER, &json!({ "digest": DIGEST }));
    assert_eq!(early.json()["state"], "pending");

    let list = sidecar.run(&["approvals", "list"]);
    assert_eq!(list.code, 0);
    let expected = "\
ID               STATE    WHO      WHERE         RULE   WHEN               STATEMENT
ap-z0123456789a  pending  agent-7  shop/analyst  risky  expires in 4m 59s  UPDATE customers SET note = 'x'\\x1b[2J\\u{202e}
";
    assert_eq!(list.out.replace("5m 00s", "4m 59s"), expected);

    let own = sidecar.run(&["approvals", "approve", ID, "--by", "Agent-7"]);
    assert_eq!(own.code, 1);
    assert!(own.err.contains("cannot decide"), "{}", own.err);
    let yes = sidecar.run(&["approvals", "approve", "z012", "--by", "dana", "--reason", "fine by me"]);
    assert_eq!(yes.code, 0, "{}", yes.err);
    assert!(yes.out.starts_with("ap-z0123456789a approved by dana: UPDATE"), "{}", yes.out);
    let late = sidecar.run(&["approvals", "reject", ID, "--by", "erin"]);
    assert_eq!(late.code, 1);
    assert!(late.err.contains("already approved"), "{}", late.err);

    let approved = state(&sidecar);
    assert_eq!(approved["decided_by"], "dana");
    assert_eq!(approved["reason"], "fine by me");
    assert_eq!(approved["redeemed"], false);
    assert_eq!(redeem(&sidecar, &"0".repeat(64)), 409, "another statement");
    assert_eq!(redeem(&sidecar, DIGEST), 200);
    assert_eq!(redeem(&sidecar, DIGEST), 409, "once");
    assert_eq!(state(&sidecar)["redeemed"], true);
    assert_eq!(put(&sidecar, ID, &request()), 200, "asking again tells what became of it");

    let show = sidecar.run(&["approvals", "show", ID]);
    for part in ["agent-7 (analysts)", "risky", "dana", "fine by me", "\\x1b[2J\\u{202e}"] {
        assert!(show.out.contains(part), "{part}: {}", show.out);
    }
    assert!(!show.out.contains('\u{1b}'), "no terminal, no colours: {:?}", show.out);
}

#[test]
fn rejected_withdrawn_cancelled() {
    let place = Place::new();
    let sidecar = place.serve();
    put(&sidecar, ID, &request());
    let no = sidecar.run(&["approvals", "reject", ID, "--by", "dana", "--reason", "not today", "--json"]);
    let no: Value = serde_json::from_str(&no.out).unwrap();
    assert_eq!((no["state"].as_str(), no["reason"].as_str()), (Some("rejected"), Some("not today")));

    put(&sidecar, "ap-withdrawn00", &request());
    let path = "/v1/approvals/ap-withdrawn00/withdraw";
    for _ in 0..2 {
        let answer = sidecar.send("POST", path, FILTER, &json!({ "why": "client gone" }));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["state"], "cancelled");
        assert_eq!(answer.json()["reason"], "client gone");
    }

    put(&sidecar, "ap-cancelled00", &request());
    let cancel =
        |key: &str| sidecar.send("POST", "/v1/cancels", FILTER, &json!({ "cancel_key": key })).json();
    assert_eq!(cancel("beef"), json!({ "cancelled": [] }));
    assert_eq!(cancel("C0FFEE"), json!({ "cancelled": ["ap-cancelled00"] }));
    let all = sidecar.get("/v1/approvals?state=cancelled", OPERATOR).json();
    assert_eq!(all["approvals"].as_array().unwrap().len(), 2);
}

#[test]
fn it_expires_while_somebody_waits() {
    let place = Place::new();
    let sidecar = place.serve();
    let mut short = request();
    short["expires_in"] = json!(1);
    put(&sidecar, ID, &short);
    let began = Instant::now();
    let answer = sidecar.get(&format!("/v1/approvals/{ID}?wait=30s"), FILTER).json();
    assert_eq!(answer["state"], "expired");
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(sidecar.run(&["approvals", "approve", ID, "--by", "dana"]).code, 1);
}

#[test]
fn two_people_are_asked_and_one_is_not_two() {
    let place = Place::new();
    let sidecar = place.serve();
    let mut two = request();
    two["count"] = json!(2);
    put(&sidecar, ID, &two);
    let first = sidecar.run(&["approvals", "approve", ID, "--by", "dana"]);
    assert!(first.out.contains("1 more needed"), "{}", first.out);
    assert_eq!(sidecar.run(&["approvals", "approve", ID, "--by", "DANA"]).code, 1);
    assert!(sidecar.run(&["approvals", "list"]).out.contains("pending 1/2"));
    assert_eq!(sidecar.run(&["approvals", "approve", ID, "--by", "erin"]).code, 0);
    assert_eq!(state(&sidecar)["decided_by"], "dana, erin");
}

#[test]
fn a_waiting_filter_hears_at_once_and_a_waiting_person_too() {
    let place = Place::new();
    let sidecar = place.serve();
    std::thread::scope(|scope| {
        let person = scope.spawn(|| sidecar.run(&["approvals", "list", "--wait", "30s"]));
        std::thread::sleep(Duration::from_millis(300));
        put(&sidecar, ID, &request());
        assert_eq!(person.join().unwrap().code, 0);
        let began = Instant::now();
        let filter = scope.spawn(|| sidecar.get(&format!("/v1/approvals/{ID}?wait=20s"), FILTER).json());
        let person = scope.spawn(|| sidecar.run(&["approvals", "show", ID, "--wait", "20s", "--json"]));
        std::thread::sleep(Duration::from_millis(300));
        sidecar.run(&["approvals", "approve", ID, "--by", "dana"]);
        assert_eq!(filter.join().unwrap()["state"], "approved");
        assert!(person.join().unwrap().out.contains("\"approved\""));
        assert!(began.elapsed() < Duration::from_secs(10));
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::new();
    let sidecar = place.serve();
    for (field, value) in [
        ("subject", json!("")),
        ("digest", json!("12")),
        ("count", json!(0)),
        ("count", json!(-1)),
        ("expires_in", json!(0)),
        ("approvers", json!("dba")),
        ("rule", json!("r".repeat(513))),
    ] {
        let mut wrong = request();
        wrong[field] = value;
        assert_eq!(put(&sidecar, ID, &wrong), 400, "{field}");
    }
    assert_eq!(put(&sidecar, "ap-UPPERCASE", &request()), 400);
    let mut large = request();
    large["message"] = json!("m".repeat(300_000));
    assert_eq!(put(&sidecar, ID, &large), 413);
    assert_eq!(sidecar.get("/v1/approvals/ap-00000000", FILTER).status, 404);
    assert_eq!(sidecar.get("/v1/approvals?state=maybe", OPERATOR).status, 400);
    // What the framework refuses by itself is said in the same form.
    for (path, status) in [("/v1/approvals?limit=many", 400), ("/v1/approvals/%ff", 400), ("/nowhere", 404)] {
        let answer = sidecar.get(path, OPERATOR);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(answer.status == status && !body["error"].as_str().unwrap().is_empty(), "{path}: {body}");
    }
    assert_eq!(sidecar.run(&["approvals", "show", "nothing"]).code, 1);
    put(&sidecar, ID, &request());
    assert_eq!(sidecar.get(&format!("/v1/approvals/{ID}?wait=soon"), FILTER).status, 400);
    let path = format!("/v1/approvals/{ID}/approve");
    assert_eq!(sidecar.send("POST", &path, OPERATOR, &json!({ "by": " " })).status, 400);
}
