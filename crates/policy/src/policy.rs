//! The compiled policy and what can be asked about it besides verdicts.

use std::sync::Arc;

use chaperone_model::{Digest, Identity, RuleId};
use serde_json::Value;

use crate::access::{ApproverSet, Caller, Issuer, Resource, Role};
use crate::budget::Budget;
use crate::compile;
use crate::document::{Mode, RecordingMode};
use crate::error::Error;
use crate::masking::{Masking, Masks};
use crate::rule::Rule;
use crate::tree::Tree;

/// How sessions are recorded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Recording {
    /// Whether a command waits until its record is durable.
    pub mode: RecordingMode,
}

/// A compiled policy. It never changes; a new document makes a new one.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) digest: Digest,
    pub(crate) mode: Mode,
    pub(crate) recording: Recording,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) approvers: Vec<ApproverSet>,
    /// Why everything is denied; none: the rules decide.
    pub(crate) closed: Option<String>,
    /// The rules by effect, each list in the order of the document.
    pub(crate) denies: Vec<Rule>,
    pub(crate) holds: Vec<Rule>,
    pub(crate) allows: Vec<Rule>,
    pub(crate) masking: Vec<Masking>,
    /// Shared with the sessions that are counted.
    pub(crate) budgets: Vec<Arc<Budget>>,
}

impl Policy {
    /// Reads YAML or JSON text.
    ///
    /// # Errors
    /// When the text is not a policy; the error names every problem found, with line and rule.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        Self::from_tree(&Tree::from_text(text)?)
    }

    /// Takes a JSON value, such as Envoy's `Struct` becomes. A string stands for the text of a policy.
    ///
    /// # Errors
    /// When the value is not a policy.
    pub fn from_json(value: Value) -> Result<Self, Error> {
        Self::from_tree(&Tree::from_json(value)?)
    }

    /// Takes a part of a larger document, which keeps its line numbers. Text stands for the text of a policy.
    ///
    /// # Errors
    /// When the tree is not a policy.
    pub fn from_tree(tree: &Tree) -> Result<Self, Error> {
        match tree.as_text() {
            Some(text) => compile::policy(&Tree::from_text(text)?),
            None => compile::policy(tree),
        }
    }

    /// The policy that denies everything, for want of a valid one.
    #[must_use]
    pub fn deny_all(why: &str) -> Self {
        Self {
            name: "deny-all".to_owned(),
            digest: Tree::from(crate::tree::Node::Null).digest(),
            mode: Mode::Enforce,
            recording: Recording::default(),
            issuers: Vec::new(),
            resources: Vec::new(),
            approvers: Vec::new(),
            closed: Some(why.to_owned()),
            denies: Vec::new(),
            holds: Vec::new(),
            allows: Vec::new(),
            masking: Vec::new(),
            budgets: Vec::new(),
        }
    }

    /// What the policy is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which policy it is, byte for byte of its meaning: the same for YAML, JSON and `Struct`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether verdicts are enforced.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How sessions are recorded.
    #[must_use]
    pub fn recording(&self) -> Recording {
        self.recording
    }

    /// The identity providers whose tokens are believed.
    #[must_use]
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// What can be reached.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The resource of this name.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }

    /// The role of a resource.
    #[must_use]
    pub fn role(&self, resource: &str, role: &str) -> Option<&Role> {
        self.resource(resource)?.roles.iter().find(|offered| offered.name == role)
    }

    /// Whether the caller may use the role.
    #[must_use]
    pub fn admits(&self, role: &Role, identity: &Identity) -> bool {
        self.closed.is_none() && role.admits(identity)
    }

    /// Whether clients may ask for the database.
    #[must_use]
    pub fn database_allowed(&self, resource: &str, database: &str) -> bool {
        self.resource(resource).is_some_and(|resource| resource.offers(database))
    }

    /// How many rules there are.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.denies.len() + self.holds.len() + self.allows.len()
    }

    /// The ids of all rules, in the order of the document.
    pub fn rules(&self) -> impl Iterator<Item = &RuleId> {
        let mut rules: Vec<_> = self.denies.iter().chain(&self.holds).chain(&self.allows).collect();
        rules.sort_by_key(|rule| rule.place);
        rules.into_iter().map(|rule| &rule.id)
    }

    /// What is hidden from the caller. Also in [`Mode::Shadow`]: what was shown cannot be taken back.
    #[must_use]
    pub fn masks(&self, caller: &Caller<'_>) -> Masks {
        Masks::of(&self.masking, caller)
    }

    /// The set of approvers of this name.
    #[must_use]
    pub fn approvers(&self, name: &str) -> Option<&ApproverSet> {
        self.approvers.iter().find(|set| set.name == name)
    }

    /// Whether somebody is in a set of approvers. That nobody may approve their own request is for the caller of this
    /// function to hold.
    #[must_use]
    pub fn may_approve(&self, set: &str, subject: &str, groups: &[String]) -> bool {
        self.approvers(set).is_some_and(|set| set.has(subject, groups))
    }
}
