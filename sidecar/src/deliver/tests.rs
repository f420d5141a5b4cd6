//! Files that Envoy reads: whole, replaced in one step, and never by what is no policy.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::*;
use chaperone_policy::Tree;

const POLICY: &str = "\
version: 1
name: shop
mode: enforce
resources:
  - name: shop
    protocol: postgres
    databases: [shop]
    roles:
      - name: analyst
        groups: [analysts]
        upstream: { user: shop_app, auth: trust }
rules:
  - id: read
    effect: allow
    message: \"zażółć \u{2028} 🐘\"
    match: { verbs: [select] }
";

const SETTINGS: &str = "\
resource: shop
sidecar: { cluster: chaperone_sidecar, token_env: CHAPERONE_FILTER_TOKEN, timeout_ms: 4000 }
env: [CHAPERONE_FILTER_TOKEN]
plugins:
  - name: fused
    wasm: wasm/fused.wasm
  - name: tap
    wasm: /opt/tap.wasm
    root_id: session-tap
    vm_id: small
    env: []
    limits: { record_buffer: 500000 }
";

struct Place {
    path: PathBuf,
    delivery: Delivery,
}

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chaperone-deliver-{}-{name}", std::process::id()));
        let _absent = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let delivery = Delivery::new(path.join("policy.yaml"), path.join("settings.yaml"), path.join("ecds"));
        let place = Self { path, delivery };
        place.write("policy.yaml", POLICY);
        place.write("settings.yaml", SETTINGS);
        place
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path.join(name), text).unwrap();
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path.join("ecds").join(name)).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _kept = fs::remove_dir_all(&self.path);
    }
}

fn plugin(file: &str) -> Value {
    let document: Value = Tree::from_text(file).unwrap().decode().unwrap();
    let resource = document["resources"][0].clone();
    assert_eq!(resource["@type"], "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig");
    assert_eq!(
        resource["typed_config"]["@type"],
        "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm"
    );
    assert_eq!(resource["name"], resource["typed_config"]["config"]["name"]);
    resource["typed_config"]["config"].clone()
}

#[test]
fn files_say_what_envoy_and_the_filter_need() {
    let place = Place::new("files");
    let done = place.delivery.run().unwrap();
    assert_eq!((done.policy.as_str(), done.changed.len(), done.files), ("shop", 2, 2));
    let fused = plugin(&place.file("fused.yaml"));
    assert_eq!(fused["root_id"], "fused");
    assert_eq!(fused["failure_policy"], "FAIL_RELOAD");
    assert_eq!(fused["reload_config"]["backoff"]["base_interval"], "1s");
    assert_eq!(fused["vm_config"]["vm_id"], "chaperone-fused");
    let wasm = place.path.join("wasm/fused.wasm");
    assert_eq!(fused["vm_config"]["code"]["local"]["filename"], wasm.to_str().unwrap());
    let env = &fused["vm_config"]["environment_variables"]["host_env_keys"];
    assert_eq!(env[0], "CHAPERONE_FILTER_TOKEN");
    let configuration = fused["configuration"]["value"].as_str().unwrap();
    let configuration: Value = serde_json::from_str(configuration).unwrap();
    assert_eq!(configuration["resource"], "shop");
    assert_eq!(configuration["sidecar"]["timeout_ms"], 4000);
    assert_eq!(configuration["policy"], POLICY, "letter for letter");
    let tap = plugin(&place.file("tap.yaml"));
    assert_eq!(tap["root_id"], "session-tap");
    assert_eq!(tap["vm_config"]["vm_id"], "small");
    assert_eq!(tap["vm_config"]["code"]["local"]["filename"], "/opt/tap.wasm");
    assert_eq!(tap["vm_config"]["environment_variables"]["host_env_keys"], serde_json::json!([]));
}

#[test]
fn files_are_plain_text_and_nothing_is_left_beside_them() {
    let place = Place::new("plain");
    place.delivery.run().unwrap();
    assert!(place.file("fused.yaml").is_ascii());
    let mut names: Vec<_> =
        fs::read_dir(place.path.join("ecds")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["fused.yaml", "tap.yaml"]);
}

#[test]
fn what_has_not_changed_is_not_written_again() {
    let place = Place::new("unchanged");
    place.delivery.run().unwrap();
    assert_eq!(place.delivery.run().unwrap().changed.len(), 0);
}

#[test]
fn a_policy_that_is_taken_back_is_another_configuration() {
    let place = Place::new("back");
    place.delivery.run().unwrap();
    let first = place.file("fused.yaml");
    place.write("policy.yaml", &POLICY.replace("id: read", "id: read-only"));
    place.delivery.run().unwrap();
    place.write("policy.yaml", POLICY);
    assert_eq!(place.delivery.run().unwrap().changed.len(), 2);
    assert_ne!(place.file("fused.yaml"), first, "or Envoy would not tell the filter");
}

#[test]
fn what_is_no_policy_changes_nothing() {
    let place = Place::new("invalid");
    place.delivery.run().unwrap();
    let before = place.file("fused.yaml");
    for (name, broken, expected) in [
        ("policy.yaml", POLICY.replace("effect: allow", "effect: perhaps"), "line 14"),
        ("policy.yaml", String::new(), ""),
        ("settings.yaml", SETTINGS.replace("limits", "limit"), "line 12"),
        ("settings.yaml", SETTINGS.replace("name: tap", "name: ../tap"), "../tap"),
        ("settings.yaml", SETTINGS.replace("name: tap", "name: fused"), "twice"),
        ("settings.yaml", SETTINGS.replace("resource: shop\n", ""), "`resource` is missing"),
        ("settings.yaml", SETTINGS.replace("resource: shop", "resource: shed"), "no resource `shed`"),
        (
            "settings.yaml",
            SETTINGS.replace("timeout_ms", "timeout"),
            "plugin `tap`: the plugin configuration",
        ),
        ("settings.yaml", SETTINGS.replace("record_buffer", "buffer"), "unknown field `buffer`"),
        ("settings.yaml", "plugins: []".to_owned(), "plugins"),
    ] {
        place.write("policy.yaml", POLICY);
        place.write("settings.yaml", SETTINGS);
        place.write(name, &broken);
        let error = place.delivery.run().unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(expected), "{expected}: {error}");
        assert_eq!(place.file("fused.yaml"), before);
    }
}

#[test]
fn a_watch_follows_the_policy_and_outlives_a_broken_one() {
    let place = Place::new("watch");
    let metrics = std::sync::Arc::<crate::metrics::Metrics>::default();
    let watch = Watch::start(place.delivery.clone(), Some(std::sync::Arc::clone(&metrics))).unwrap();
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until("the first delivery", &|| metrics.policies_delivered.value() == 1);
    place.write("policy.yaml", "version: what");
    until("a refusal", &|| metrics.policies_refused.value() == 1);
    place.write("policy.yaml", &POLICY.replace("id: read", "id: read-only"));
    until("the second delivery", &|| metrics.policies_delivered.value() == 2);
    assert!(place.file("fused.yaml").contains("id: read-only"));
    drop(watch);
}
