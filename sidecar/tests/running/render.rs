//! `policy render`: what it prints is what `golden/` holds (`UPDATE=1` writes it anew), fits the definitions of its kinds, and
//! is taken by the filters as the same policy.
#![expect(clippy::indexing_slicing, reason = "tests")]

mod refused;
mod schema;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use chaperone_policy::{Policy, Tree};
use chaperone_settings::{Environment, Settings};
use serde_json::{Value, json};

use crate::process::{Place, Ran, chaperone, ran};

const POLICY: &str = r#"# Who may do what in the shop.
version: 1
name: shop
identity:
  issuers:
    - { issuer: "https://idp.example", audiences: [chaperone], jwks: { cluster: idp } }
resources:
  - name: shop
    protocol: postgres
    databases: [shop]
    roles:
      - name: analyst
        groups: [analysts]
        upstream: { user: shop_app, auth: scram-sha-256, password_env: SHOP_APP_PASSWORD }
rules:
  - id: no-drop
    effect: deny
    match: { verbs: [drop] }
    message: "tables stay: \"zażółć\""

  - id: read
    effect: allow
    match: { verbs: [read], tables: ['*'] }
"#;

const TO_ISTIO: [&str; 10] = [
    "--to",
    "istio",
    "--image-prefix",
    "oci://registry.example/chaperone",
    "--image-tag",
    "0.1.0",
    "--port",
    "5432",
    "--target",
    "Gateway/egress",
];
const TO_GATEWAY: [&str; 6] =
    ["--to", "envoy-gateway", "--target", "Gateway/eg", "--listener", "data/eg/postgres"];
const CLUSTERS: [&str; 4] =
    ["--cluster", "chaperone_sidecar=http://chaperone.data.svc:7480", "--cluster", "idp=https://idp.example"];
const SEPARATE: [&str; 5] = ["identity", "session-tap", "sql-guard", "approval-hold", "response-masking"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Renders with the settings that people copy.
fn render(place: &Place, policy: &str, args: &[&str]) -> Ran {
    let settings = root().join("envoy/plugins.yaml");
    render_with(place, policy, &settings, &[&["--set", "WASM_DIR=/opt/chaperone/wasm"], args].concat())
}

fn render_with(place: &Place, policy: &str, settings: &Path, args: &[&str]) -> Ran {
    let file = place.join("policy.yaml");
    std::fs::write(&file, policy).unwrap();
    let mut command = chaperone(&["policy", "render"]);
    command.arg(file).arg("--settings").arg(settings).args(args);
    ran(&mut command)
}

fn documents(text: &str) -> Vec<Value> {
    text.split("\n---\n").map(|text| Tree::from_text(text).unwrap().decode().unwrap()).collect()
}

fn rendered(args: &[&str]) -> (String, Vec<Value>) {
    let run = render(&Place::new(), POLICY, args);
    assert_eq!(run.code, 0, "{}", run.err);
    let documents = documents(&run.out);
    (run.out, documents)
}

/// The renderings that are kept.
fn kept() -> Vec<(&'static str, Vec<&'static str>)> {
    let sha = ["--sha256", "fused=0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"];
    let urls = ["--url-prefix", "https://modules.example/chaperone/0.1.0"];
    let names =
        ["--name", "shop-gate", "--namespace", "data", "--label", "app.kubernetes.io/part-of=chaperone"];
    let server = ["--to", "istio", "--separate", "--mode", "server", "--port", "5432", "--port", "5433"];
    let server_code =
        ["--wasm-dir", "/var/lib/chaperone", "--selector", "app=postgres", "--revision", "4f1c2d"];
    vec![
        ("ecds", vec!["--to", "ecds"]),
        ("istio-fused", [&TO_ISTIO[..], &CLUSTERS].concat()),
        ("istio-separate", [&server[..], &server_code, &names, &["--fail-strategy", "reload"]].concat()),
        ("envoy-gateway-fused", [&TO_GATEWAY[..], &CLUSTERS, &urls, &sha].concat()),
        ("envoy-gateway-separate", [&TO_GATEWAY[..], &names, &["--separate"]].concat()),
    ]
}

#[test]
fn what_is_rendered_is_what_is_kept() {
    for (name, args) in kept() {
        let (text, _) = rendered(&args);
        assert_eq!(text, rendered(&args).0, "{name}: not the same twice");
        let golden = root().join(format!("sidecar/tests/running/render/golden/{name}.yaml"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(text, kept, "{name}: `UPDATE=1` keeps what is rendered now");
    }
}

#[test]
fn manifests_fit_the_definitions_of_their_kinds() {
    let definitions = root().join("../shared/schemas");
    if !definitions.is_dir() {
        eprintln!("skipped: there are no definitions beside the checkout, in ../shared/schemas");
        return;
    }
    for (name, args) in kept().iter().filter(|(name, _)| *name != "ecds") {
        for object in rendered(args).1 {
            let file = match object["kind"].as_str().unwrap() {
                "WasmPlugin" => "istio-wasmplugin.crd.yaml",
                "EnvoyFilter" => "istio-envoyfilter.crd.yaml",
                "EnvoyPatchPolicy" => "envoygateway-envoypatchpolicies.crd.yaml",
                stranger => panic!("{stranger}"),
            };
            let definition = std::fs::read_to_string(definitions.join(file)).unwrap();
            let definition: Value = Tree::from_text(&definition).unwrap().decode().unwrap();
            assert_eq!(schema::problems(&definition, &object), Vec::<String>::new(), "{name}");
        }
    }
}

#[test]
fn filters_take_it_as_the_same_policy() {
    let digest = Policy::from_text(POLICY).unwrap().digest();
    let mut count = 0;
    for (name, args) in kept() {
        for object in rendered(&args).1 {
            for configuration in configurations(&object) {
                let settings = Settings::read(configuration.as_bytes(), Rc::new(Nothing)).unwrap();
                assert_eq!(
                    (settings.policy.digest(), settings.resource.as_str()),
                    (digest, "shop"),
                    "{name}"
                );
                assert_eq!(settings.sidecar.cluster, "chaperone_sidecar");
                count += 1;
            }
            if object["kind"].is_string() {
                assert_eq!(object["metadata"]["annotations"]["chaperone/digest"], digest.to_hex());
            }
        }
    }
    assert_eq!(count, 6 + 1 + 5 + 1 + 5);
}

/// What the filters of an object are told, as Envoy hands it over.
fn configurations(object: &Value) -> Vec<String> {
    match object["kind"].as_str() {
        // Istio makes JSON of it.
        Some("WasmPlugin") => vec![object["spec"]["pluginConfig"].to_string()],
        Some("EnvoyPatchPolicy") => {
            wasm(object).iter().map(|config| text(&config["configuration"])).collect()
        }
        Some(_) => Vec::new(),
        None => vec![text(&object["resources"][0]["typed_config"]["config"]["configuration"])],
    }
}

fn text(any: &Value) -> String {
    assert_eq!(any["@type"], "type.googleapis.com/google.protobuf.StringValue");
    any["value"].as_str().unwrap().to_owned()
}

fn filters(object: &Value) -> Vec<Value> {
    let patches = object["spec"]["jsonPatches"].as_array().unwrap().iter();
    let patches = patches.filter(|patch| patch["type"].as_str().unwrap().ends_with(".Listener"));
    patches.map(|patch| patch["operation"]["value"].clone()).collect()
}

fn wasm(object: &Value) -> Vec<Value> {
    let configs = filters(object).into_iter().map(|filter| filter["typed_config"]["config"].clone());
    configs.filter(Value::is_object).collect()
}

struct Nothing;

impl Environment for Nothing {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

#[test]
fn the_chain_is_that_of_the_files_that_people_copy() {
    for (file, args) in [("fused", &[][..]), ("separate", &["--separate"])] {
        let copied = std::fs::read_to_string(root().join(format!("envoy/postgres-{file}.yaml"))).unwrap();
        // The reader takes no anchors, nor placeholders for numbers.
        let copied = copied.replace("&configuration", "").replace("*configuration", "{}");
        let copied = copied.replace("${WASM_DIR}", "/opt/chaperone/wasm");
        let mut parts = copied.split("${");
        let copied = parts.next().unwrap().to_owned()
            + &parts.map(|part| format!("1{}", part.split_once('}').unwrap().1)).collect::<String>();
        let copied: Value = Tree::from_text(&copied).unwrap().decode().unwrap();
        let chain =
            copied["static_resources"]["listeners"][0]["filter_chains"][0]["filters"].as_array().unwrap();
        let (proxy, expected) = chain.split_last().unwrap();
        assert_eq!(proxy["name"], "envoy.filters.network.tcp_proxy");
        let mut found = filters(&rendered(&[&TO_GATEWAY[..], args].concat()).1[0]);
        let mut expected = expected.to_vec();
        for filter in found.iter_mut().chain(&mut expected) {
            if let Some(config) = filter["typed_config"]["config"].as_object_mut() {
                config.remove("configuration");
                config.remove("reload_config");
            }
        }
        assert_eq!(found, expected, "{file}");
    }
}

#[test]
fn identity_is_first_and_the_guard_is_last() {
    let (_, objects) = rendered(&[&TO_ISTIO[..], &["--separate"]].concat());
    let plugins: Vec<_> = objects.iter().filter(|object| object["kind"] == "WasmPlugin").collect();
    let names: Vec<_> = plugins.iter().map(|plugin| plugin["spec"]["pluginName"].as_str().unwrap()).collect();
    assert_eq!(names, SEPARATE);
    assert!(
        plugins
            .windows(2)
            .all(|pair| pair[0]["spec"]["priority"].as_i64() > pair[1]["spec"]["priority"].as_i64())
    );
    assert!(plugins.iter().all(|plugin| plugin["spec"]["phase"] == plugins[0]["spec"]["phase"]));
    let patch = &objects.last().unwrap()["spec"]["configPatches"][0];
    assert_eq!(patch["patch"]["operation"], "INSERT_BEFORE");
    let ids = &patch["patch"]["value"]["typed_config"]["rules"]["policies"]["guarded"]["principals"][0]["and_ids"]
        ["ids"];
    assert_eq!(ids.as_array().unwrap().len(), 5);

    // What Envoy Gateway makes of it: each patch puts its filter where tcp_proxy is, which moves on.
    let (_, objects) = rendered(&[&TO_GATEWAY[..], &["--separate"]].concat());
    let mut chain = vec![json!("envoy.filters.network.tcp_proxy")];
    for filter in filters(&objects[0]) {
        chain.insert(chain.len() - 1, filter["name"].clone());
    }
    let native = ["envoy.filters.network.rbac", "envoy.filters.network.tcp_proxy"];
    assert_eq!(chain, [&SEPARATE[..], &native].concat());
}

#[test]
fn passwords_are_named_where_they_are_needed_and_never_said() {
    let (_, objects) = rendered(&[&TO_ISTIO[..], &["--separate"]].concat());
    for plugin in objects.iter().filter(|object| object["kind"] == "WasmPlugin") {
        let env = plugin["spec"]["vmConfig"]["env"].as_array().unwrap();
        assert!(
            env.iter().all(|variable| variable["valueFrom"] == "HOST" && variable.get("value").is_none())
        );
        let sees = env.iter().any(|variable| variable["name"] == "SHOP_APP_PASSWORD");
        assert_eq!(sees, plugin["spec"]["pluginName"] == "identity");
    }
    // Whatever this process has in its environment stays there.
    let place = Place::new();
    let file = place.join("policy.yaml");
    std::fs::write(&file, POLICY).unwrap();
    let mut command = chaperone(&["policy", "render", "--set", "WASM_DIR=/w", "--settings"]);
    command.arg(root().join("envoy/plugins.yaml")).arg(file).args(TO_ISTIO);
    command.env("SHOP_APP_PASSWORD", "planted-secret").env("CHAPERONE_FILTER_TOKEN", "planted-secret");
    let run = ran(&mut command);
    assert!(run.code == 0 && !run.out.contains("planted-secret") && !run.err.contains("planted-secret"));
}

#[test]
fn ecds_files_are_those_of_deliver() {
    let place = Place::new();
    let (settings, out, ecds) = (place.join("settings.yaml"), place.join("out"), place.join("ecds"));
    let text = std::fs::read_to_string(root().join("envoy/plugins.yaml")).unwrap();
    let text = text.replace("${RESOURCE}", "shop").replace("${WASM_DIR}", "/opt/wasm");
    std::fs::write(&settings, text.replace("${PASSWORD_VARIABLES}", "SHOP_APP_PASSWORD")).unwrap();
    let run = render_with(
        &place,
        POLICY,
        &settings,
        &["--to", "ecds", "--revision", "r1", "--out", out.to_str().unwrap()],
    );
    assert_eq!((run.code, run.out.lines().count()), (0, 6), "{}", run.err);
    let mut deliver = chaperone(&["policy", "deliver", "--policy"]);
    deliver.arg(place.join("policy.yaml")).arg("--settings").arg(settings).arg("--ecds-dir").arg(&ecds);
    assert_eq!(ran(&mut deliver).code, 0);
    for entry in std::fs::read_dir(&ecds).unwrap() {
        let path = entry.unwrap().path();
        let delivered = std::fs::read_to_string(&path).unwrap();
        let revision = delivered.lines().next().unwrap().strip_prefix("# revision ").unwrap();
        let rendered = std::fs::read_to_string(out.join(path.file_name().unwrap())).unwrap();
        assert_eq!(delivered.replace(revision, "r1"), rendered);
    }
}

#[test]
fn a_module_at_hand_is_pinned() {
    let place = Place::new();
    std::fs::write(place.join("fused.wasm"), b"\0asm").unwrap();
    let directory = format!("WASM_DIR={}", place.path().display());
    let args =
        ["--set", &directory, "--url-prefix", "https://modules.example", "--to", "istio", "--port", "5432"];
    let run = render_with(&place, POLICY, &root().join("envoy/plugins.yaml"), &args);
    assert_eq!(run.code, 0, "{}", run.err);
    let plugin = &documents(&run.out)[0];
    assert_eq!(plugin["spec"]["url"], "https://modules.example/fused.wasm");
    assert_eq!(plugin["spec"]["sha256"], "cd5d4935a48c0672cb06407bb443bc0087aff947c6b864bac886982c73b3027f");
    // An image's checksum would be its digest, which the module does not tell.
    let image = [
        "--set",
        &directory,
        "--image-prefix",
        "oci://r.example",
        "--image-tag",
        "1",
        "--to",
        "istio",
        "--port",
        "1",
    ];
    let run = render_with(&place, POLICY, &root().join("envoy/plugins.yaml"), &image);
    assert_eq!(documents(&run.out)[0]["spec"].get("sha256"), None);
}

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, shown) = readme.split_once("$ chaperone policy render ").unwrap();
    let (command, shown) = shown.split_once('\n').unwrap();
    let mut program = chaperone(&["policy", "render"]);
    let run = ran(program.args(command.split_whitespace()).current_dir(root()));
    let mut printed = run.out.lines();
    for line in shown.split("```").next().unwrap().lines().filter(|line| *line != "…") {
        assert!(
            printed.any(|found| found == line),
            "`{line}` is not printed, or not in this place: {}",
            run.err
        );
    }
}
