//! Whether a plugin's settings and a policy fit together, as the filter itself would say.

use std::rc::Rc;

use chaperone_policy::Policy;
use chaperone_settings::{Environment, Settings};

use super::Plugin;
use super::envoy::configuration;

/// Why the filter would not take the policy with these settings; none where it would.
pub(crate) fn problem(plugin: &Plugin, policy: &Policy, text: &str) -> Option<String> {
    let Plugin { name, resource, .. } = plugin;
    if policy.resource(resource).is_none() {
        return Some(format!("plugin `{name}`: the policy has no resource `{resource}`"));
    }
    let bytes = configuration(plugin, text, None).to_string();
    let read = Settings::read(bytes.as_bytes(), Rc::new(Nothing));
    read.err().map(|error| format!("plugin `{name}`: {error}"))
}

/// No variable is set: whether a configuration can be read depends on none.
struct Nothing;

impl Environment for Nothing {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}
