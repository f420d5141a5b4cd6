//! The policy document as people write it. `docs/policy.md` says what each field means.

mod terms;

use chaperone_model::mask::{Detector, Transform};
use serde::Deserialize;

pub(crate) use terms::{Duration, True, VerbTerm};

use crate::error::Problem;
use crate::tree::{Node, Tree};

/// The version of the document that this crate reads.
const VERSION: u32 = 1;

/// A policy.
#[derive(Debug, Default)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[cfg_attr(any(feature = "schema", test), serde(deny_unknown_fields))]
pub(crate) struct Document {
    /// The version of the document: 1.
    #[cfg_attr(any(feature = "schema", test), schemars(range(min = 1, max = 1)))]
    #[expect(dead_code, reason = "checked where it is read, shown in the schema")]
    pub(crate) version: u32,
    /// What the policy is called in records and messages.
    pub(crate) name: String,
    /// Whether verdicts are enforced, or only recorded.
    #[cfg_attr(any(feature = "schema", test), serde(default))]
    pub(crate) mode: Mode,
    /// Whose tokens are believed.
    #[cfg_attr(any(feature = "schema", test), serde(default))]
    pub(crate) identity: Identity,
    /// What can be reached.
    #[cfg_attr(any(feature = "schema", test), serde(default))]
    pub(crate) resources: Vec<Resource>,
    /// Who may decide about held commands.
    #[cfg_attr(any(feature = "schema", test), serde(default))]
    pub(crate) approvers: Vec<Approvers>,
    /// What may be done.
    #[cfg_attr(any(feature = "schema", test), serde(default))]
    pub(crate) rules: Vec<Rule>,
    /// What is hidden in results.
    #[cfg_attr(any(feature = "schema", test), serde(default))]
    pub(crate) masking: Vec<Masking>,
    /// How sessions are recorded.
    #[cfg_attr(any(feature = "schema", test), serde(default))]
    pub(crate) recording: Recording,
    /// Where the parts stand in the text, in the order of the lists above.
    #[cfg_attr(any(feature = "schema", test), serde(skip))]
    pub(crate) places: Places,
}

/// The trees that the items of lists came from, for messages about them.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) rules: Vec<Tree>,
    pub(crate) resources: Vec<Tree>,
    pub(crate) approvers: Vec<Tree>,
    pub(crate) masking: Vec<Tree>,
}

/// Whether verdicts are enforced.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Verdicts are enforced.
    #[default]
    Enforce,
    /// Verdicts are recorded, and only the identity is enforced.
    Shadow,
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping with `issuers`")]
pub(crate) struct Identity {
    /// The identity providers whose tokens are believed.
    #[serde(default)]
    pub(crate) issuers: Vec<Issuer>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping that describes an issuer")]
pub(crate) struct Issuer {
    /// The `iss` of its tokens, letter for letter.
    pub(crate) issuer: String,
    /// The `aud` that a token must have, any of these.
    pub(crate) audiences: Vec<String>,
    /// The accepted signature algorithms; all supported ones by default.
    #[serde(default)]
    pub(crate) algorithms: Option<Vec<String>>,
    /// Where its keys are.
    pub(crate) jwks: Jwks,
    /// The claim that lists the caller's groups; `groups` by default.
    #[serde(default)]
    pub(crate) groups_claim: Option<String>,
    /// How far clocks may differ; `30s` by default, at most `5m`.
    #[serde(default)]
    pub(crate) leeway: Option<Duration>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping with `cluster`")]
pub(crate) struct Jwks {
    /// The Envoy cluster that leads to the provider.
    pub(crate) cluster: String,
    /// The path of the key set; found through `/.well-known/openid-configuration` by default.
    #[serde(default)]
    pub(crate) path: Option<String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a resource")]
pub(crate) struct Resource {
    /// What filters and rules call it.
    pub(crate) name: String,
    /// What it speaks.
    pub(crate) protocol: Protocol,
    /// The databases that clients may ask for; `*` stands for any letters.
    pub(crate) databases: Vec<String>,
    /// The schemas where names without one are found; `[public]` by default.
    #[serde(default)]
    pub(crate) search_path: Option<Vec<String>>,
    /// The roles that clients may ask for.
    pub(crate) roles: Vec<Role>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    /// The PostgreSQL frontend/backend protocol, version 3.
    Postgres,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a role")]
pub(crate) struct Role {
    /// The user name that the client asks for.
    pub(crate) name: String,
    /// Who may use it: members of any of these groups,
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// or any of these subjects.
    #[serde(default)]
    pub(crate) subjects: Vec<String>,
    /// As whom the target sees the session.
    pub(crate) upstream: Upstream,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping with `user`, `auth` and `password_env`")]
pub(crate) struct Upstream {
    /// The target's user.
    pub(crate) user: String,
    /// How the target asks for the credential.
    pub(crate) auth: UpstreamAuth,
    /// The environment variable that holds the password. Never the password itself.
    #[serde(default)]
    pub(crate) password_env: Option<String>,
}

/// How the target authenticates the gateway.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamAuth {
    /// Salted MD5, as old servers ask for it.
    Md5,
    /// The password in clear: for targets behind TLS only.
    Password,
    /// SCRAM-SHA-256; the server must prove that it knows the password too.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// No credential.
    Trust,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a set of approvers")]
pub(crate) struct Approvers {
    /// What hold rules call it.
    pub(crate) name: String,
    /// Members of any of these groups,
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// and any of these subjects.
    #[serde(default)]
    pub(crate) subjects: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a rule")]
pub(crate) struct Rule {
    /// What messages and records call it: small letters, digits, `-`, `_`, `.`.
    pub(crate) id: String,
    /// What happens where it matches.
    pub(crate) effect: RuleEffect,
    /// For the people who own the policy.
    #[serde(default)]
    #[expect(dead_code, reason = "read by people; part of the digest through the tree")]
    pub(crate) description: Option<String>,
    /// For the caller: what is wrong.
    #[serde(default)]
    pub(crate) message: Option<String>,
    /// For the caller: what to do about it.
    #[serde(default)]
    pub(crate) hint: Option<String>,
    /// When it matches.
    #[serde(rename = "match")]
    pub(crate) matches: Match,
    /// A CEL expression that must be true as well.
    #[serde(default)]
    pub(crate) when: Option<String>,
    /// The terms of a hold; only for `effect: hold`.
    #[serde(default)]
    pub(crate) hold: Option<Hold>,
}

/// What a rule does where it matches.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RuleEffect {
    /// The command may go on, where everything it does is covered.
    Allow,
    /// The command is refused, where anything it does matches.
    Deny,
    /// The command waits for people, where anything it does matches.
    Hold,
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, expecting = "a mapping of matchers")]
pub(crate) struct Match {
    /// Matches everything; for rules that would otherwise be empty.
    pub(crate) any: Option<True>,
    /// Any of these callers; `*` stands for any letters.
    pub(crate) subjects: Option<Vec<String>>,
    /// None of these callers.
    pub(crate) except_subjects: Option<Vec<String>>,
    /// Members of any of these groups.
    pub(crate) groups: Option<Vec<String>>,
    /// Members of none of these groups.
    pub(crate) except_groups: Option<Vec<String>>,
    /// Any of these resources.
    pub(crate) resources: Option<Vec<String>>,
    /// Any of these roles.
    pub(crate) roles: Option<Vec<String>>,
    /// Any of these databases.
    pub(crate) databases: Option<Vec<String>>,
    /// Verbs, and classes of verbs.
    pub(crate) verbs: Option<Vec<VerbTerm>>,
    /// Tables and other relations: `schema.name`, `schema.*`, `name`, `*`.
    pub(crate) tables: Option<Vec<String>>,
    /// Kinds of objects.
    pub(crate) objects: Option<Vec<Object>>,
    /// What is done to an object.
    pub(crate) access: Option<Vec<AccessTerm>>,
    /// Columns: `column`, `table.column`, `schema.table.column`.
    pub(crate) columns: Option<Vec<String>>,
    /// Functions: `name` or `schema.name`.
    pub(crate) functions: Option<Vec<String>>,
    /// Effects besides access to relations.
    pub(crate) effects: Option<Vec<EffectTerm>>,
    /// Settings that are changed; `*` stands for any letters.
    pub(crate) settings: Option<Vec<String>>,
    /// UPDATE or DELETE without a real WHERE; only for deny and hold.
    pub(crate) unbounded: Option<True>,
    /// Statements that cannot be fully understood.
    pub(crate) opaque: Option<True>,
}

/// A kind of object.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Object {
    Database,
    Extension,
    Function,
    Index,
    Other,
    Role,
    Schema,
    Sequence,
    Table,
    Trigger,
    Type,
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccessTerm {
    Alter,
    Create,
    Drop,
    Grant,
    Lock,
    Read,
    Write,
}

/// An effect besides access to relations.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum EffectTerm {
    /// COPY … FROM STDIN.
    CopyIn,
    /// COPY … TO STDOUT.
    CopyOut,
    /// COPY to or from a file of the server.
    File,
    /// EXECUTE or PREPARE by name.
    Prepared,
    /// COPY to or from a program of the server.
    Program,
    /// A change of a setting.
    Setting,
    /// SET ROLE, SET SESSION AUTHORIZATION.
    SwitchRole,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping with `approvers`")]
pub(crate) struct Hold {
    /// Names of sets of approvers, any of which may answer.
    pub(crate) approvers: Vec<String>,
    /// How many different people must approve; 1 by default.
    #[serde(default)]
    pub(crate) count: Option<u32>,
    /// How long the request waits; `5m` by default, at most `1d`.
    #[serde(default)]
    pub(crate) expires: Option<Duration>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping that describes a mask")]
pub(crate) struct Masking {
    /// What records call it; unique among rules and masks.
    pub(crate) id: String,
    /// For the people who own the policy.
    #[serde(default)]
    #[expect(dead_code, reason = "read by people; part of the digest through the tree")]
    pub(crate) description: Option<String>,
    /// Columns: `table.column` or `schema.table.column`, without `*`.
    #[serde(default)]
    pub(crate) columns: Vec<String>,
    /// Kinds of values that are found by their look, in any column.
    #[serde(default)]
    #[cfg_attr(any(feature = "schema", test), schemars(with = "Vec<terms::DetectorName>"))]
    pub(crate) detectors: Vec<Detector>,
    /// Masks for members of any of these groups only.
    #[serde(default)]
    pub(crate) groups: Option<Vec<String>>,
    /// Masks for all but members of any of these groups.
    #[serde(default)]
    pub(crate) except_groups: Option<Vec<String>>,
    /// Any of these resources.
    #[serde(default)]
    pub(crate) resources: Option<Vec<String>>,
    /// Any of these roles.
    #[serde(default)]
    pub(crate) roles: Option<Vec<String>>,
    /// What is shown instead.
    #[cfg_attr(any(feature = "schema", test), schemars(with = "terms::TransformTerm"))]
    pub(crate) transform: Transform,
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping with `mode`")]
pub(crate) struct Recording {
    /// Whether a command waits until its record is durable.
    #[serde(default)]
    pub(crate) mode: RecordingMode,
}

/// What happens when records cannot be kept up.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RecordingMode {
    /// Commands go on; a gap is bounded, counted and marked.
    #[default]
    Relaxed,
    /// No command goes on before its record is durable.
    Strict,
}

impl Document {
    /// Reads every part by itself, so that a mistake in one does not hide those in others.
    pub(crate) fn read(tree: &Tree, problems: &mut Vec<Problem>) -> Self {
        let mut document = Self::default();
        let Node::Map(entries) = &tree.node else {
            problems.push(problem(
                tree,
                "",
                "expected a policy: a mapping with `version`, `name`, `rules` …",
            ));
            return document;
        };
        let mut version = None;
        let mut name = None;
        for entry in entries {
            let value = &entry.value;
            if value.node == Node::Null {
                continue;
            }
            let key = entry.key.as_str();
            match key {
                "version" => version = part(value, key, problems),
                "name" => name = part(value, key, problems),
                "mode" => document.mode = part(value, key, problems).unwrap_or_default(),
                "identity" => document.identity = part(value, key, problems).unwrap_or_default(),
                "recording" => document.recording = part(value, key, problems).unwrap_or_default(),
                "resources" => {
                    (document.resources, document.places.resources) =
                        list(value, key, "resource", "name", problems);
                }
                "approvers" => {
                    (document.approvers, document.places.approvers) =
                        list(value, key, "approvers", "name", problems);
                }
                "rules" => (document.rules, document.places.rules) = list(value, key, "rule", "id", problems),
                "masking" => {
                    (document.masking, document.places.masking) = list(value, key, "mask", "id", problems);
                }
                unknown => problems.push(Problem {
                    at: entry.at,
                    place: String::new(),
                    message: format!("unknown field `{unknown}`"),
                }),
            }
        }
        match version {
            Some(VERSION) => {}
            Some(other) => {
                problems.push(problem(
                    tree,
                    "version",
                    &format!("version `{other}` is not known; this is version {VERSION}"),
                ));
            }
            None if entries.iter().all(|entry| entry.key != "version") => {
                problems.push(problem(tree, "", "missing field `version`"));
            }
            None => {}
        }
        match name {
            Some(name) => document.name = name,
            None if entries.iter().all(|entry| entry.key != "name") => {
                problems.push(problem(tree, "", "missing field `name`"));
            }
            None => {}
        }
        document
    }
}

fn problem(tree: &Tree, place: &str, message: &str) -> Problem {
    Problem { at: tree.at, place: place.to_owned(), message: message.to_owned() }
}

fn part<T: serde::de::DeserializeOwned>(tree: &Tree, place: &str, problems: &mut Vec<Problem>) -> Option<T> {
    match tree.decode() {
        Ok(value) => Some(value),
        Err(error) => {
            problems.extend(error.into_problems().into_iter().map(|mut problem| {
                let joint = match problem.place.chars().next() {
                    None | Some('[') => "",
                    Some(_) => ".",
                };
                problem.place = format!("{place}{joint}{}", problem.place);
                problem
            }));
            None
        }
    }
}

/// Reads the items of a list; those that cannot be read are reported and left out.
fn list<T: serde::de::DeserializeOwned>(
    tree: &Tree,
    key: &str,
    kind: &str,
    label: &str,
    problems: &mut Vec<Problem>,
) -> (Vec<T>, Vec<Tree>) {
    let Node::List(items) = &tree.node else {
        problems.push(problem(tree, key, "expected a list"));
        return (Vec::new(), Vec::new());
    };
    let mut values = Vec::with_capacity(items.len());
    let mut places = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let mut found = Vec::new();
        if let Some(value) = part(item, "", &mut found) {
            values.push(value);
            places.push(item.clone());
        }
        let place =
            item.label(label).map_or_else(|| format!("{key}[{index}]"), |name| format!("{kind} `{name}`"));
        problems.extend(found.into_iter().map(|mut problem| {
            let inner = problem.place.trim_start_matches('.');
            problem.place = if inner.is_empty() { place.clone() } else { format!("{place}: {inner}") };
            problem
        }));
    }
    (values, places)
}

impl Tree {
    /// The text of a member of a mapping.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.member(key).and_then(Self::as_text)
    }

    pub(crate) fn member(&self, key: &str) -> Option<&Self> {
        let Node::Map(entries) = &self.node else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }
}
