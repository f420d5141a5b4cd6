//! What `policy render` refuses, and what it tells beside what it renders.

use super::{POLICY, SEPARATE, render, render_with, root};
use crate::process::Place;

#[test]
fn what_does_not_fit_renders_nothing() {
    let settings = "\
resource: shop
sidecar: { cluster: chaperone_sidecar, token_env: T }
env: [T, SHOP_APP_PASSWORD]
plugins: [{ name: fused, wasm: fused.wasm }]
";
    let place = Place::new();
    let file = place.join("settings.yaml");
    let run = |policy: &str, settings: &str, args: &[&str]| {
        std::fs::write(&file, settings).unwrap();
        let run = render_with(&place, policy, &file, args);
        assert_eq!(run.out, "");
        (run.code, run.err)
    };
    let refused = |policy: &str, settings: &str, args: &[&str], code: i32, why: &str| {
        let (found, err) = run(policy, settings, args);
        assert!(found == code && err.contains(why), "{why}: {found}: {err}");
    };
    let ecds = ["--to", "ecds"];
    // As `policy check`: 1, with the line.
    refused(&POLICY.replace("[drop]", "[drob]"), settings, &ecds, 1, "policy.yaml: line 18");
    refused(POLICY, &settings.replace("plugins", "plugin"), &ecds, 1, "settings.yaml: line 4");
    // What contradicts the policy, or could never work.
    refused(POLICY, &settings.replace(": shop", ": shed"), &ecds, 1, "no resource `shed`");
    let blind = settings.replace(", SHOP_APP_PASSWORD", "");
    refused(
        POLICY,
        &blind,
        &ecds,
        1,
        "plugin `fused`: may not see `SHOP_APP_PASSWORD`, which role `analyst`",
    );
    refused(POLICY, &settings.replace("[T, ", "["), &ecds, 1, "may not see `T`, the token");
    refused(POLICY, &settings.replace("[T, ", "[T, a b, "), &ecds, 1, "`a b` in `env` is no name");
    refused(POLICY, &settings.replace("[T, ", "[T, T, "), &ecds, 1, "twice");
    refused(POLICY, &settings.replace("token_env", "token"), &ecds, 1, "unknown field `token`");
    // Placeholders.
    let open = settings.replace("fused.wasm", "${DIR}/fused.wasm");
    refused(POLICY, &open, &ecds, 1, "line 4: nothing fills `${DIR}`");
    refused(POLICY, settings, &["--to", "ecds", "--set", "DIR=x"], 1, "no `${DIR}` to fill");
    // Questions that the command line leaves open, or that have no answer.
    let istio = ["--to", "istio", "--port", "1"];
    let and = |more: &[&'static str]| [&istio[..], more].concat();
    refused(POLICY, settings, &["--to", "istio"], 2, "needs --port");
    refused(POLICY, settings, &["--to", "istio", "--type", "http"], 2, "Chaperone has none yet");
    refused(POLICY, settings, &["--to", "envoy-gateway", "--type", "http"], 2, "EnvoyExtensionPolicy");
    refused(POLICY, settings, &and(&["--separate"]), 2, "no plugin with the `root_id` `identity`");
    refused(POLICY, settings, &and(&["--image-prefix", "oci://r"]), 2, "which image of `fused`?");
    refused(POLICY, settings, &and(&["--cluster", "side=http://x"]), 2, "nothing needs `side`");
    refused(POLICY, settings, &and(&["--listener", "x"]), 2, "--listener says nothing to istio");
    refused(POLICY, settings, &and(&["--label", "a=b c"]), 2, "no label");
    refused(POLICY, settings, &and(&["--name", "A"]), 2, "small letters");
    let gateway = ["--to", "envoy-gateway", "--target", "Gateway/eg"];
    refused(POLICY, settings, &gateway, 2, "needs --listener");
    let gateway = [&gateway[..], &["--listener", "tcp-5432"]].concat();
    refused(
        POLICY,
        settings,
        &[&gateway[..], &["--image-prefix", "oci://r", "--image-tag", "1"]].concat(),
        2,
        "no images",
    );
    refused(
        POLICY,
        settings,
        &[&gateway[..], &["--url-prefix", "http://m"]].concat(),
        2,
        "wants its SHA-256",
    );
    refused(
        POLICY,
        settings,
        &[&gateway[..], &["--port", "1"]].concat(),
        2,
        "--port says nothing to envoy-gateway",
    );
    let large = format!("{POLICY}# {}\n", "x".repeat(1_000_000));
    let five = settings.replace("plugins: [{ name: fused, wasm: fused.wasm }]", "plugins:")
        + &SEPARATE.map(|name| format!("  - {{ name: {name}, wasm: {name}.wasm }}\n")).concat();
    refused(&large, &five, &[&gateway[..], &["--separate"]].concat(), 2, "more than Kubernetes stores");
}

#[test]
fn what_is_worth_knowing_is_told_aside() {
    let place = Place::new();
    let large = format!("{POLICY}# {}\n", "x".repeat(300_000));
    let run = render(&place, &large, &["--to", "istio", "--port", "5432"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.err.contains("kubectl apply --server-side") && run.err.contains("every workload"),
        "{}",
        run.err
    );
    assert!(run.err.contains("the clusters `chaperone_sidecar`, `idp`"), "{}", run.err);
    // A cluster that Istio makes is there.
    let own = POLICY.replace("cluster: idp", "cluster: outbound|443||idp.data.svc.cluster.local");
    let run = render(&place, &own, &["--to", "istio", "--port", "5432"]);
    assert!(run.err.contains("the clusters `chaperone_sidecar`;"), "{}", run.err);
    let settings = place.join("settings.yaml");
    let text = std::fs::read_to_string(root().join("envoy/plugins.yaml")).unwrap();
    std::fs::write(
        &settings,
        text.replace("env: [CHAPERONE_FILTER_TOKEN]", "env: [CHAPERONE_FILTER_TOKEN, ${PASSWORD_VARIABLES}]"),
    )
    .unwrap();
    let run = render_with(&place, POLICY, &settings, &["--set", "WASM_DIR=/w", "--to", "ecds"]);
    assert!(
        run.err.contains("`session-tap` sees `SHOP_APP_PASSWORD`, which only identity needs"),
        "{}",
        run.err
    );
}
