//! What the policy asks of the settings, and the settings do not give.

use chaperone_policy::Policy;

use super::KEEPERS;
use crate::deliver::{self, Plugin};

/// Most variables of one VM that Istio takes.
const MAX_VARIABLES: usize = 256;

/// Contradictions: what would be refused, or could never work.
pub(super) fn problems(policy: &Policy, text: &str, plugins: &[Plugin]) -> Vec<String> {
    let mut problems: Vec<_> =
        plugins.iter().filter_map(|plugin| deliver::problem(plugin, policy, text)).collect();
    problems.extend(plugins.iter().flat_map(environment));
    for plugin in plugins.iter().filter(|plugin| keeps_passwords(plugin, plugins)) {
        for (role, variable) in passwords(policy, plugin) {
            if !plugin.env.iter().any(|name| name == variable) {
                problems.push(format!(
                    "plugin `{}`: may not see `{variable}`, which role `{role}` of resource `{}` needs; put it into `env`",
                    plugin.name, plugin.resource
                ));
            }
        }
    }
    problems
}

/// What is more than is needed.
pub(super) fn notes(policy: &Policy, plugins: &[&Plugin]) -> Vec<String> {
    let mut notes = Vec::new();
    for plugin in plugins.iter().filter(|plugin| !KEEPERS.contains(&plugin.root_id.as_str())) {
        for (_, variable) in passwords(policy, plugin) {
            let note = format!("plugin `{}` sees `{variable}`, which only identity needs", plugin.name);
            if plugin.env.iter().any(|name| name == variable) && !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes
}

/// Which plugins need the passwords: those that are identity or have it in them; where no plugin says that it is, any.
fn keeps_passwords(plugin: &Plugin, plugins: &[Plugin]) -> bool {
    let keeper = |plugin: &Plugin| KEEPERS.contains(&plugin.root_id.as_str());
    keeper(plugin) || !plugins.iter().any(|other| other.resource == plugin.resource && keeper(other))
}

/// The roles of a plugin's resource, and the variables that their passwords are in.
fn passwords<'a>(policy: &'a Policy, plugin: &Plugin) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    let roles = policy.resource(&plugin.resource).into_iter().flat_map(|resource| &resource.roles);
    roles.filter_map(|role| Some((role.name.as_str(), role.upstream.password_env.as_deref()?)))
}

fn environment(plugin: &Plugin) -> Vec<String> {
    let name = &plugin.name;
    let mut problems = Vec::new();
    for variable in plugin.env.iter().filter(|variable| !is_variable(variable)) {
        problems.push(format!("plugin `{name}`: `{variable}` in `env` is no name of a variable"));
    }
    for (at, variable) in plugin.env.iter().enumerate() {
        if plugin.env.iter().take(at).any(|before| before == variable) {
            problems.push(format!("plugin `{name}`: `{variable}` is in `env` twice"));
        }
    }
    if plugin.env.len() > MAX_VARIABLES {
        problems.push(format!("plugin `{name}`: more than {MAX_VARIABLES} variables in `env`"));
    }
    if let Some(token) = plugin.sidecar.get("token_env").and_then(|token| token.as_str()) {
        if !plugin.env.iter().any(|variable| variable == token) {
            problems.push(format!(
                "plugin `{name}`: may not see `{token}`, the token for the sidecar; put it into `env`"
            ));
        }
    }
    problems
}

fn is_variable(name: &str) -> bool {
    name.len() <= 256
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
