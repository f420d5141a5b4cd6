//! `policy` and `completions` on the command line, and delivery by a running sidecar.

use std::time::{Duration, Instant};

use crate::process::{Place, Running, chaperone, ran};

const POLICY: &str = "\
version: 1
name: shop
mode: enforce
resources:
  - name: shop
    protocol: postgres
    databases: [shop]
    roles:
      - { name: analyst, groups: [analysts], upstream: { user: shop_app, auth: trust } }
rules:
  - { id: read, effect: allow, match: { verbs: [select] } }
";
const SETTINGS: &str = "\
resource: shop
sidecar: { cluster: chaperone_sidecar }
plugins: [{ name: fused, wasm: fused.wasm }]
";

fn files(place: &Place) -> [String; 3] {
    std::fs::write(place.join("policy.yaml"), POLICY).unwrap();
    std::fs::write(place.join("settings.yaml"), SETTINGS).unwrap();
    ["policy.yaml", "settings.yaml", "ecds"].map(|name| place.join(name).to_str().unwrap().to_owned())
}

#[test]
fn a_policy_is_checked_with_line_and_rule() {
    let place = Place::new();
    let [policy, ..] = files(&place);
    let good = ran(&mut chaperone(&["policy", "check", &policy]));
    assert_eq!(good.code, 0, "{}", good.out);
    assert!(good.out.starts_with("valid: policy `shop`, digest "), "{}", good.out);
    std::fs::write(&policy, POLICY.replace("[select]", "[selekt]")).unwrap();
    let bad = ran(&mut chaperone(&["policy", "check", &policy]));
    assert_eq!(bad.code, 1);
    assert!(bad.out.contains("policy.yaml: line 11") && bad.out.contains("rule `read`"), "{}", bad.out);
    assert_eq!(ran(&mut chaperone(&["policy", "check", "/nowhere"])).code, 2);
}

#[test]
fn a_policy_is_delivered_once_or_not_at_all() {
    let place = Place::new();
    let [policy, settings, ecds] = files(&place);
    let args = ["policy", "deliver", "--policy", &policy, "--settings", &settings, "--ecds-dir", &ecds];
    let done = ran(&mut chaperone(&args));
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("1 of 1 files changed"), "{}", done.out);
    let before = std::fs::read_to_string(place.join("ecds/fused.yaml")).unwrap();
    std::fs::write(&policy, "version: 1").unwrap();
    assert_eq!(ran(&mut chaperone(&args)).code, 1);
    assert_eq!(std::fs::read_to_string(place.join("ecds/fused.yaml")).unwrap(), before);
}

#[test]
fn a_running_sidecar_follows_the_policy() {
    let place = Place::new();
    let [policy, settings, ecds] = files(&place);
    let mut command = chaperone(&["serve", "--listen", "127.0.0.1:0", "--policy", &policy]);
    command.args(["--settings", &settings, "--ecds-dir", &ecds, "--data"]).arg(place.join("data"));
    let sidecar = Running::start(command);
    let until = |what: &str| {
        let began = Instant::now();
        while !std::fs::read_to_string(place.join("ecds/fused.yaml")).is_ok_and(|text| text.contains(what)) {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
        began.elapsed()
    };
    until("id: read");
    std::fs::write(&policy, POLICY.replace("id: read", "id: look")).unwrap();
    assert!(until("id: look") < Duration::from_secs(2), "a live session must obey within two seconds");
    // It is counted once the file is in its place.
    let metrics = || String::from_utf8(sidecar.get("/metrics", "").body).unwrap();
    let began = Instant::now();
    while !metrics().contains("chaperone_policies_delivered_total 2") {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", metrics());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(sidecar.stop() < Duration::from_secs(5));
}

#[test]
fn half_a_delivery_is_a_usage_error() {
    let place = Place::new();
    let data = place.path().to_str().unwrap();
    let run = ran(&mut chaperone(&["serve", "--data", data, "--policy", "x"]));
    assert_eq!(run.code, 2);
    assert!(run.err.contains("--settings"), "{}", run.err);
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let run = ran(&mut chaperone(&["completions", shell]));
        assert_eq!(run.code, 0);
        assert!(run.out.contains("approvals"), "{shell}");
    }
}
