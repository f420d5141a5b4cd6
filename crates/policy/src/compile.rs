//! From the document to the compiled policy: every reference is resolved, every pattern and condition read.

mod budgets;
mod identity;
mod masking;
mod rules;
mod spot;

use std::collections::HashSet;

use crate::access::{ApproverSet, Resource, Role, Upstream};
use crate::document::{self, Document, Protocol, UpstreamAuth, UpstreamSession};
use crate::error::Error;
use crate::introduction::{self, Introduction};
use crate::names::Text;
use crate::policy::{Policy, Recording};
use crate::tree::Tree;

pub use budgets::{MAX_BUDGETS, MAX_WINDOW};
pub use identity::{ALGORITHMS, DEFAULT_LEEWAY, MAX_LEEWAY};
pub use masking::MAX_PATTERNS;
pub use rules::{DEFAULT_EXPIRY, MAX_APPROVALS, MAX_EXPIRY};
use spot::{Problems, Spot};

/// Most rules, and most masks, in one document.
pub const MAX_RULES: usize = 1_000;
/// Most words in one list of a document.
pub const MAX_TERMS: usize = 1_000;

pub(crate) fn policy(tree: &Tree) -> Result<Policy, Error> {
    let mut problems = Problems::default();
    let document = Document::read(tree, &mut problems.found);
    check_name(&document.name, &Spot::root(tree).field("name"), &mut problems);
    let issuers = identity::issuers(&document.identity.issuers, tree, &mut problems);
    let resources = resources(&document, &mut problems);
    let approvers = approvers(&document, &mut problems);
    let rules = rules::rules(&document, &approvers, &mut problems);
    let masking = masking::masking(&document, &mut problems);
    let budgets = budgets::budgets(&document, &mut problems);
    Error::from_problems(problems.found)?;
    let [denies, holds, allows] = rules;
    Ok(Policy {
        name: document.name,
        digest: tree.digest(),
        mode: document.mode,
        recording: Recording { mode: document.recording.mode },
        issuers,
        resources,
        approvers,
        closed: None,
        denies,
        holds,
        allows,
        masking,
        budgets,
    })
}

/// Names of policies, resources, rules … stand in messages, logs and metrics.
fn check_name(name: &str, spot: &Spot<'_>, problems: &mut Problems) {
    /// Longest name, in bytes.
    const MAX_NAME: usize = 64;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() && spot.is_missing() {
        // The missing field was reported already.
    } else if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(plain) {
        problems.add(spot, format!("`{name}` is not a name: 1 to {MAX_NAME} letters, digits, `-`, `_`, `.`"));
    }
}

fn unique<'t>(seen: &mut HashSet<&'t str>, name: &'t str, spot: &Spot<'_>, problems: &mut Problems) {
    if !seen.insert(name) {
        problems.add(spot, format!("`{name}` is given twice"));
    }
}

fn texts(patterns: &[String], spot: &Spot<'_>, problems: &mut Problems) -> Vec<Text> {
    problems.read_list(patterns, spot, Text::read)
}

fn resources(document: &Document, problems: &mut Problems) -> Vec<Resource> {
    let mut seen = HashSet::new();
    let mut resources = Vec::new();
    for (resource, tree) in document.resources.iter().zip(&document.places.resources) {
        let spot = Spot::item(tree, "resource", &resource.name);
        check_name(&resource.name, &spot.field("name"), problems);
        unique(&mut seen, &resource.name, &spot.field("name"), problems);
        match resource.protocol {
            Protocol::Postgres => {}
        }
        let databases = texts(&resource.databases, &spot.field("databases"), problems);
        problems.not_empty(&resource.databases, &spot.field("databases"));
        let search_path = resource.search_path.clone().unwrap_or_else(|| vec!["public".to_owned()]);
        problems.read_list(&search_path, &spot.field("search_path"), |schema| match schema {
            "" => Err("a schema's name is empty".to_owned()),
            schema if schema.contains('$') => {
                Err(format!("`{schema}`: write the schema's name as it is, such as the upstream user's"))
            }
            _ => Ok(()),
        });
        let roles = roles(&resource.roles, &spot.field("roles"), problems);
        resources.push(Resource { name: resource.name.clone(), databases, search_path, roles });
    }
    resources
}

fn roles(roles: &[document::Role], spot: &Spot<'_>, problems: &mut Problems) -> Vec<Role> {
    let mut seen = HashSet::new();
    problems.not_empty(roles, spot);
    let mut compiled = Vec::new();
    for (index, role) in roles.iter().enumerate() {
        let spot = spot.index(index);
        if role.name.is_empty() || role.name.contains('\0') {
            problems.add(&spot.field("name"), "the name of a role is empty".to_owned());
        }
        unique(&mut seen, &role.name, &spot.field("name"), problems);
        if role.groups.is_empty() && role.subjects.is_empty() {
            problems
                .add(&spot, format!("nobody may use the role `{}`: give `groups` or `subjects`", role.name));
        }
        let upstream = &role.upstream;
        let spot = spot.field("upstream");
        match (upstream.auth, &upstream.password_env) {
            (UpstreamAuth::Trust, Some(_)) => {
                problems.add(&spot, "`auth: trust` takes no `password_env`".to_owned());
            }
            (UpstreamAuth::Trust, None) => {}
            (UpstreamAuth::Md5 | UpstreamAuth::Password | UpstreamAuth::ScramSha256, None) => {
                problems.add(&spot, "missing field `password_env`".to_owned());
            }
            (UpstreamAuth::Md5 | UpstreamAuth::Password | UpstreamAuth::ScramSha256, Some(variable)) => {
                let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                if variable.is_empty() || !variable.chars().all(plain) {
                    // Somebody may have put the password here: never show it.
                    let message = "expected the name of an environment variable: letters, digits, `_`";
                    problems.add(&spot.field("password_env"), message.to_owned());
                }
            }
        }
        compiled.push(Role {
            name: role.name.clone(),
            groups: role.groups.clone(),
            subjects: role.subjects.clone(),
            upstream: Upstream {
                user: upstream.user.clone(),
                auth: upstream.auth,
                password_env: upstream.password_env.clone(),
                introduction: upstream.session.as_ref().map(|session| introduction(session, &spot, problems)),
            },
        });
    }
    compiled
}

fn introduction(session: &UpstreamSession, spot: &Spot<'_>, problems: &mut Problems) -> Introduction {
    let spot = spot.field("session");
    let folded: Vec<_> = session.settings.keys().map(|name| name.to_ascii_lowercase()).collect();
    let mut seen = HashSet::new();
    if session.role.as_ref().is_some_and(|role| role.is_empty() || role.contains('\0')) {
        problems.add(&spot.field("role"), "the name of a role is empty".to_owned());
    }
    for name in &folded {
        if let Some(wrong) = introduction::wrong_name(name) {
            problems.add(&spot.field("settings"), wrong);
        }
        unique(&mut seen, name, &spot.field("settings"), problems);
    }
    if session.role.is_none() && session.application_name.is_none() && session.settings.is_empty() {
        problems.add(&spot, "nothing is told: give `role`, `application_name` or `settings`".to_owned());
    }
    let settings = folded.into_iter().zip(session.settings.values().copied());
    introduction::compiled(session.role.as_deref(), session.application_name, settings)
}

fn approvers(document: &Document, problems: &mut Problems) -> Vec<ApproverSet> {
    let mut seen = HashSet::new();
    let mut sets = Vec::new();
    for (set, tree) in document.approvers.iter().zip(&document.places.approvers) {
        let spot = Spot::item(tree, "approvers", &set.name);
        check_name(&set.name, &spot.field("name"), problems);
        unique(&mut seen, &set.name, &spot.field("name"), problems);
        if set.groups.is_empty() && set.subjects.is_empty() {
            problems.add(&spot, "nobody is in it: give `groups` or `subjects`".to_owned());
        }
        sets.push(ApproverSet {
            name: set.name.clone(),
            groups: set.groups.clone(),
            subjects: set.subjects.clone(),
        });
    }
    sets
}
