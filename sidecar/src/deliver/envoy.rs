//! The files that Envoy reads: a `DiscoveryResponse` with one `TypedExtensionConfig`, in YAML.

use serde_json::{Value, json};

use super::Plugin;

/// The file of a plugin, with the policy in its configuration.
///
/// The policy goes in as the text that its author wrote, so that a filter's complaint names the author's lines.
/// `revision` makes each delivery another configuration: while sessions of an earlier one live, Envoy takes its like for
/// known and tells the filter nothing, so that a policy could not be taken back.
pub(crate) fn discovery_response(plugin: &Plugin, policy: &str, digest: &str, revision: &str) -> String {
    let configuration = configuration(plugin, policy, Some(revision));
    let env: Vec<_> = plugin.env.iter().map(|name| quoted(name)).collect();
    format!(
        r#"{REVISION}{revision}
# Written by `chaperone policy deliver`; the next delivery replaces it.
version_info: {version}
resources:
- "@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig
  name: {name}
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm
    config:
      name: {name}
      root_id: {root_id}
      failure_policy: FAIL_RELOAD
      reload_config:
        backoff:
          base_interval: {reload}
      vm_config:
        vm_id: {vm_id}
        runtime: envoy.wasm.runtime.v8
        code:
          local:
            filename: {wasm}
        environment_variables:
          host_env_keys: [{env}]
      configuration:
        "@type": type.googleapis.com/google.protobuf.StringValue
        value: {configuration}
"#,
        version = quoted(&format!("{digest}-{revision}")),
        name = quoted(&plugin.name),
        root_id = quoted(&plugin.root_id),
        reload = quoted(&plugin.reload_interval),
        vm_id = quoted(&plugin.vm_id),
        wasm = quoted(&plugin.wasm),
        env = env.join(", "),
        configuration = quoted(&configuration.to_string()),
    )
}

/// What the filter is told.
pub(super) fn configuration(plugin: &Plugin, policy: &str, revision: Option<&str>) -> Value {
    let mut configuration = json!({
        "resource": plugin.resource,
        "sidecar": plugin.sidecar,
        "limits": plugin.limits,
        "policy": policy,
    });
    if let (Value::Object(fields), Some(revision)) = (&mut configuration, revision) {
        fields.insert("revision".to_owned(), json!(revision));
    }
    configuration
}

/// How a file begins; its revision follows.
const REVISION: &str = "# revision ";

/// The revision of a file that was delivered earlier.
pub(super) fn revision(file: &str) -> Option<&str> {
    file.lines().next()?.strip_prefix(REVISION)
}

/// A double-quoted YAML scalar in plain ASCII: what YAML's versions disagree about is spelled out.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            ' '..='~' => quoted.push(c),
            '\0'..='\u{ffff}' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}
