//! One compiled rule: to whom and what it applies, and what it then says.

use std::fmt;

use chaperone_model::facts::Statement;
use chaperone_model::{HoldTerms, RuleId};

use crate::condition::{Condition, Failure, Scope};
use crate::document::RuleEffect;
use crate::error::Position;
use crate::matcher::{Glance, Matcher, Miss};

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) id: RuleId,
    /// Where it stands among all rules of the document.
    pub(crate) place: usize,
    /// Where it begins in the text.
    pub(crate) at: Option<Position>,
    pub(crate) effect: RuleEffect,
    pub(crate) matcher: Matcher,
    pub(crate) when: Option<Condition>,
    pub(crate) message: Option<String>,
    pub(crate) hint: Option<String>,
    /// For holds.
    pub(crate) terms: Option<HoldTerms>,
}

/// What became of one rule for one statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Applied<'f> {
    ConditionFalse,
    Failed(Failure),
    Matched,
    Missed(Miss<'f>),
}

impl Rule {
    /// Whether the rule applies to the statement. A condition that has no value is neither yes nor no: it is a
    /// failure, which denies.
    pub(crate) fn apply<'f>(&self, scope: Scope<'f>, search_path: &[String]) -> Applied<'f> {
        let statement: &'f Statement = scope.statement;
        let matched = match self.effect {
            RuleEffect::Allow => self.matcher.covers(scope.caller, statement, search_path),
            RuleEffect::Deny | RuleEffect::Hold => self.matcher.touches(scope.caller, statement),
        };
        match (matched, &self.when) {
            (Err(miss), _) => Applied::Missed(miss),
            (Ok(()), None) => Applied::Matched,
            (Ok(()), Some(condition)) => match condition.holds(scope) {
                Ok(true) => Applied::Matched,
                Ok(false) => Applied::ConditionFalse,
                Err(failure) => Applied::Failed(failure),
            },
        }
    }

    /// As [`Self::apply`], where most rules are told at a glance to be about something else; why is not told then.
    pub(crate) fn apply_at_a_glance<'f>(
        &self,
        glance: &Glance<'_>,
        scope: Scope<'f>,
        search_path: &[String],
    ) -> Option<Applied<'f>> {
        let misses = match self.effect {
            RuleEffect::Allow => self.matcher.surely_leaves_out(glance),
            RuleEffect::Deny | RuleEffect::Hold => self.matcher.surely_misses(glance),
        };
        debug_assert!(
            !misses || matches!(self.apply(scope, search_path), Applied::Missed(_)),
            "rule `{}` matches",
            self.id
        );
        (!misses).then(|| self.apply(scope, search_path))
    }

    /// Whether it could be about a statement of which not everything is known: whatever it lists may be in there, and
    /// what its condition asks of the statement may hold. A condition that asks for `statement.opaque` has been written
    /// with that in mind, so it decides.
    pub(crate) fn could_apply(&self, scope: Scope<'_>) -> bool {
        let holds = |condition: &Condition| {
            condition.depends_on_what_is_untold() || condition.holds(scope).unwrap_or(true)
        };
        self.matcher.could_touch(scope.caller, scope.statement) && self.when.as_ref().is_none_or(holds)
    }
}

impl fmt::Display for Applied<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConditionFalse => f.write_str("the condition `when` is false"),
            Self::Failed(failure) => write!(f, "the condition `when` failed: {failure}"),
            Self::Matched => f.write_str("it matches"),
            Self::Missed(miss) => miss.fmt(f),
        }
    }
}
