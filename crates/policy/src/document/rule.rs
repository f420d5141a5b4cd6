//! Rules and masks as people write them.

use chaperone_model::mask::{Detector, Transform};
use serde::Deserialize;

use crate::functions::FunctionClasses;

use super::terms::{Duration, True, VerbTerm};

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
    /// Classes of functions, by what a call can do; beside `functions` either will do.
    pub(crate) function_classes: Option<Vec<FunctionClasses>>,
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
    /// Objects that the text does not name: CASCADE, DROP OWNED, VACUUM without a table.
    Unnamed,
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
    #[cfg_attr(any(feature = "schema", test), schemars(with = "Vec<super::terms::DetectorName>"))]
    pub(crate) detectors: Vec<Detector>,
    /// Kinds of values of one's own: regular expressions whose finds are hidden, in any column.
    #[serde(default)]
    pub(crate) patterns: Vec<String>,
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
    #[cfg_attr(any(feature = "schema", test), schemars(with = "super::terms::TransformTerm"))]
    pub(crate) transform: Transform,
}
