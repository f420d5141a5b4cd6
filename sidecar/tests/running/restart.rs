//! The sidecar ends, in order or not, and nobody loses anything by it.

use std::time::Duration;

use crate::approvals::{DIGEST, ID, put, request};
use crate::process::{FILTER, Place, ask};

#[test]
fn a_hold_survives_an_orderly_restart_in_the_middle_of_a_wait() {
    let place = Place::new();
    let sidecar = place.serve();
    let address = sidecar.address().to_owned();
    put(&sidecar, ID, &request());
    let url = format!("{}/v1/approvals/{ID}?wait=60s", sidecar.url);
    let waiting = std::thread::spawn(move || ask("GET", &url, Some(FILTER), None).unwrap());
    std::thread::sleep(Duration::from_millis(500));
    assert!(sidecar.stop() < Duration::from_secs(5), "whoever waits does not hold it up");
    let told = waiting.join().unwrap();
    assert_eq!((told.status, told.json()["state"].as_str()), (200, Some("pending")));

    let sidecar = place.serve_at(&address);
    assert_eq!(sidecar.run(&["approvals", "approve", ID, "--by", "dana"]).code, 0);
    let approved = sidecar.get(&format!("/v1/approvals/{ID}?wait=20s"), FILTER).json();
    assert_eq!(approved["state"], "approved");
}

#[test]
fn a_hold_survives_a_kill_and_an_approval_is_still_used_once() {
    let place = Place::new();
    let sidecar = place.serve();
    let address = sidecar.address().to_owned();
    put(&sidecar, ID, &request());
    let url = format!("{}/v1/approvals/{ID}?wait=60s", sidecar.url);
    let waiting = std::thread::spawn(move || ask("GET", &url, Some(FILTER), None));
    std::thread::sleep(Duration::from_millis(300));
    sidecar.kill();
    assert!(waiting.join().unwrap().is_err(), "the wait breaks off");

    let sidecar = place.serve_at(&address);
    assert_eq!(put(&sidecar, ID, &request()), 200, "it is still known");
    assert_eq!(sidecar.run(&["approvals", "approve", ID, "--by", "dana"]).code, 0);
    sidecar.kill();

    let sidecar = place.serve_at(&address);
    let body = serde_json::json!({ "digest": DIGEST });
    let redeem = |sidecar: &crate::process::Running| {
        sidecar.send("POST", &format!("/v1/approvals/{ID}/redeem"), FILTER, &body).status
    };
    assert_eq!(redeem(&sidecar), 200);
    sidecar.kill();
    let sidecar = place.serve_at(&address);
    assert_eq!(redeem(&sidecar), 409);
}
