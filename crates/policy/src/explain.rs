//! Every rule tried, and why it did or did not match: for the people who own the policy.

use chaperone_model::facts::Facts;
use chaperone_model::{RuleId, UnixSeconds};

use crate::access::Caller;
use crate::decision::judged;
use crate::document::RuleEffect;
use crate::policy::Policy;
use crate::rule::Applied;

/// What became of one rule for one statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// The rule.
    pub rule: RuleId,
    /// What it does where it matches.
    pub effect: RuleEffect,
    /// Which statement of the text, counted from 0.
    pub statement: usize,
    /// Whether it matched.
    pub matched: bool,
    /// Why, or why not.
    pub why: String,
}

impl Policy {
    /// Tries every rule against every statement, in the order of the document. A rule whose condition fails counts
    /// as matched, since it denies.
    #[must_use]
    pub fn explain(&self, caller: &Caller<'_>, facts: &Facts, now: UnixSeconds) -> Vec<Explanation> {
        let mut rules: Vec<_> = self.denies.iter().chain(&self.holds).chain(&self.allows).collect();
        rules.sort_by_key(|rule| rule.place);
        let judged = judged(facts);
        let mut explanations = Vec::new();
        for (index, statement) in judged.iter().enumerate() {
            let scope = self.scope(caller, statement, judged.len(), now);
            explanations.extend(rules.iter().map(|rule| {
                let applied = rule.apply(scope, self.search_path(caller));
                Explanation {
                    rule: rule.id.clone(),
                    effect: rule.effect,
                    statement: index,
                    matched: matches!(applied, Applied::Matched | Applied::Failed(_)),
                    why: applied.to_string(),
                }
            }));
        }
        explanations
    }
}
