//! The native filter behind the wasm filters: bytes pass only where each of them has said that it is there.
//!
//! Envoy leaves a wasm filter out of the chain, silently, when its VM fails in one worker only.

use super::yaml::Yaml;
use crate::deliver::Plugin;

/// The filter's name in the chain.
pub(super) const NAME: &str = "envoy.filters.network.rbac";

/// The guard of these plugins.
pub(super) fn guard(plugins: &[&Plugin]) -> Yaml {
    let ready = |plugin: &&Plugin| {
        let state = Yaml::map([
            ("key", Yaml::Text(format!("wasm.chaperone.ready.{}", plugin.root_id))),
            ("string_match", Yaml::map([("exact", "1".into())])),
        ]);
        Yaml::map([("filter_state", state)])
    };
    let principal = match plugins {
        [only] => ready(only),
        many => {
            let ids = Yaml::map([("ids", Yaml::list(many.iter().map(ready)))]);
            Yaml::map([("and_ids", ids)])
        }
    };
    let guarded = Yaml::map([
        ("permissions", Yaml::list([Yaml::map([("any", Yaml::Bool(true))])])),
        ("principals", Yaml::list([principal])),
    ]);
    let rules = Yaml::map([("action", "ALLOW".into()), ("policies", Yaml::map([("guarded", guarded)]))]);
    let typed = Yaml::map([
        ("@type", "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC".into()),
        ("stat_prefix", "chaperone".into()),
        ("rules", rules),
    ]);
    Yaml::map([("name", NAME.into()), ("typed_config", typed)])
}
