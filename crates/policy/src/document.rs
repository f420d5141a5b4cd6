//! The policy document as people write it. `docs/policy.md` says what each field means.

mod budget;
mod read;
mod rule;
mod terms;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use budget::Per;
pub(crate) use budget::{Budget, Size};
pub use rule::RuleEffect;
pub(crate) use rule::{AccessTerm, EffectTerm, Masking, Match, Object, Rule};
pub(crate) use terms::Duration;

use crate::tree::Tree;

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
    /// What can be used up.
    #[cfg_attr(any(feature = "schema", test), serde(default))]
    pub(crate) budgets: Vec<Budget>,
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
    pub(crate) budgets: Vec<Tree>,
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
    /// What the target is told of the caller; nothing by default.
    #[serde(default)]
    pub(crate) session: Option<UpstreamSession>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping with `role`, `application_name` and `settings`")]
pub(crate) struct UpstreamSession {
    /// The role of the target that the session runs as, as if by SET ROLE.
    #[serde(default)]
    pub(crate) role: Option<String>,
    /// What `application_name` is, instead of what the client calls itself.
    #[serde(default)]
    pub(crate) application_name: Option<Detail>,
    /// Settings of your own, such as `chaperone.subject`, and what they are set to.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, Detail>,
}

/// What can be told of a caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[cfg_attr(any(feature = "schema", test), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// The token's groups, as a JSON array.
    Groups,
    /// The token's `iss`.
    Issuer,
    /// The session's id, as recordings have it.
    SessionId,
    /// The token's `sub`.
    Subject,
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
