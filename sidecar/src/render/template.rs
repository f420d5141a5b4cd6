//! Placeholders in the settings, `${NAME}`, as `envoy/plugins.yaml` has them.

use chaperone_policy::Policy;

/// The text with its placeholders filled: from `given`, and what the policy itself tells.
///
/// Comments of a whole line are left alone: they talk about placeholders.
pub(super) fn fill(text: &str, given: &[(String, String)], policy: &Policy) -> Result<String, Vec<String>> {
    let mut problems = Vec::new();
    let mut used = Vec::new();
    let mut filled = String::with_capacity(text.len());
    for (number, line) in (1_usize..).zip(text.split_inclusive('\n')) {
        if line.trim_start().starts_with('#') {
            filled.push_str(line);
            continue;
        }
        let mut rest = line;
        while let Some((before, name, after)) = placeholder(rest) {
            filled.push_str(before);
            match value(name, given, policy) {
                Some(value) => filled.push_str(&value),
                None => problems.push(format!(
                    "line {number}: nothing fills `${{{name}}}`; say it with `--set {name}=…`"
                )),
            }
            used.push(name);
            rest = after;
        }
        filled.push_str(rest);
    }
    let strangers = given.iter().filter(|(name, _)| !used.contains(&name.as_str()));
    problems.extend(strangers.map(|(name, _)| format!("there is no `${{{name}}}` to fill")));
    if problems.is_empty() { Ok(filled) } else { Err(problems) }
}

/// The first placeholder, with what stands before and behind it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn value(name: &str, given: &[(String, String)], policy: &Policy) -> Option<String> {
    if let Some((_, value)) = given.iter().find(|(known, _)| known == name) {
        return Some(value.clone());
    }
    match (name, policy.resources()) {
        ("RESOURCE", [only]) => Some(only.name.clone()),
        ("PASSWORD_VARIABLES", resources) => {
            let roles = resources.iter().flat_map(|resource| &resource.roles);
            let mut names: Vec<_> = roles.filter_map(|role| role.upstream.password_env.as_deref()).collect();
            names.sort_unstable();
            names.dedup();
            Some(names.join(", "))
        }
        _ => None,
    }
}
