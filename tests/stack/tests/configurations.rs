//! The Envoy configurations that people copy: Envoy itself and the filters accept each as it is.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use chaperone_stack::{Programs, StackOptions};

/// Fills the placeholders and lets Envoy check the result, which includes the filters' own check of their configuration.
fn validate(name: &str, edit: impl Fn(String) -> String) -> Result<(), String> {
    let programs = Programs::find(StackOptions::default().postgres_version).unwrap();
    let text = fs::read_to_string(programs.root.join("envoy").join(name)).unwrap();
    let wasm = programs.wasm.display().to_string();
    let text = text.lines().filter(|line| !line.trim_start().starts_with('#')).fold(
        String::new(),
        |mut all, line| {
            let ports = ["LISTEN_PORT", "ADMIN_PORT", "TARGET_PORT", "SIDECAR_PORT", "IDP_PORT"];
            let hosts = ["TARGET_HOST", "SIDECAR_HOST", "IDP_HOST"];
            let line =
                ports.iter().fold(line.to_owned(), |line, name| line.replace(&format!("${{{name}}}"), "1"));
            let line =
                hosts.iter().fold(line, |line, name| line.replace(&format!("${{{name}}}"), "127.0.0.1"));
            all.push_str(&line.replace("${WASM_DIR}", &wasm));
            all.push('\n');
            all
        },
    );
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = programs.root.join(format!("target/run/validate-{}-{number}.yaml", std::process::id()));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, edit(text)).unwrap();
    let output =
        Command::new(&programs.envoy).args(["--mode", "validate", "-c"]).arg(&path).output().unwrap();
    fs::remove_file(&path).unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(log) }
}

#[test]
fn both_chains_are_accepted() {
    for name in ["postgres-fused.yaml", "postgres-separate.yaml"] {
        assert_eq!(validate(name, |text| text), Ok(()), "{name}");
    }
}

#[test]
fn a_policy_with_a_mistake_is_refused_by_the_filters() {
    for name in ["postgres-fused.yaml", "postgres-separate.yaml"] {
        let mistake = |text: String| text.replace("effect: deny", "effect: dney");
        let log = validate(name, mistake).unwrap_err();
        assert!(log.contains("dney"), "{name}: the log should name the mistake: {log}");
    }
}
