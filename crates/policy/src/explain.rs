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
            let applied: Vec<_> =
                rules.iter().map(|rule| rule.apply(scope, self.search_path(caller))).collect();
            let allowed = rules.iter().zip(&applied).any(|(rule, applied)| {
                rule.effect == RuleEffect::Allow && matches!(applied, Applied::Matched)
            });
            // What a rule lets through unread could be what others list.
            let unread = allowed && statement.opaque.is_some();
            explanations.extend(rules.iter().zip(applied).map(|(rule, applied)| {
                let matched = matches!(applied, Applied::Matched | Applied::Failed(_));
                let could = unread && !matched && rule.effect != RuleEffect::Allow && rule.could_apply(scope);
                let why = if could {
                    format!("{applied}, but what cannot be read could be")
                } else {
                    applied.to_string()
                };
                Explanation {
                    rule: rule.id.clone(),
                    effect: rule.effect,
                    statement: index,
                    matched: matched || could,
                    why,
                }
            }));
        }
        explanations
    }
}
