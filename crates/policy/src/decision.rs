//! The decision: deny before hold before allow, and what no rule allows is denied.

use std::borrow::Cow;

use chaperone_model::facts::{Effect, Facts, Opaque, Statement};
use chaperone_model::{Reason, UnixSeconds, Verdict};

use crate::access::Caller;
use crate::condition::{Failure, Scope};
use crate::document::Mode;
use crate::matcher::{Glance, guarded};
use crate::policy::Policy;
use crate::rule::{Applied, Rule};
use crate::wording;

/// What is said about one statement. The greater, the worse; a text is as bad as its worst statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Finding<'p> {
    /// An allow rule covers everything that it does.
    Allowed(&'p Rule),
    /// A hold rule matches.
    Held(&'p Rule),
    /// No rule allows it.
    Uncovered(Reason),
    /// A rule's condition has no value.
    Failed(&'p Rule, Failure),
    /// An allow rule lets through what cannot be read, and a deny rule could be about it.
    Unclear(&'p Rule),
    /// People could be asked about what cannot be read, but response-masking refuses it whatever they say: there are
    /// columns that the caller may not see.
    Carrying(&'p Rule),
    /// A deny rule matches.
    Denied(&'p Rule),
}

impl Policy {
    /// Decides about one text of a caller. `now` is the only clock.
    #[must_use]
    pub fn decide(&self, caller: &Caller<'_>, facts: &Facts, now: UnixSeconds) -> Verdict {
        if let Some(reason) = self.shuts_out(caller, now) {
            return wording::shut_out(reason, self.closed.as_deref(), caller);
        }
        let judged = judged(facts);
        if let Some((taken_back, statement)) = self.taken_back(caller, &judged) {
            return wording::taken_back(&taken_back, statement);
        }
        let worst = judged
            .iter()
            .map(|statement| (self.judge(self.scope(caller, statement, judged.len(), now)), statement))
            .max_by_key(|(finding, _)| finding.rank());
        let verdict = match worst {
            Some((finding, statement)) => wording::verdict(finding, statement),
            None => wording::nothing_asked(),
        };
        match self.mode {
            Mode::Enforce => verdict,
            Mode::Shadow => Verdict {
                shadow: Some(verdict.decision),
                decision: chaperone_model::Decision::Allow,
                ..verdict
            },
        }
    }

    /// Deny wins over hold, hold over allow; within each the first rule in the document's order.
    fn judge(&self, scope: Scope<'_>) -> Finding<'_> {
        let search_path = self.search_path(scope.caller);
        let glance = Glance::at(scope.statement);
        let apply = |rule: &'_ Rule| rule.apply_at_a_glance(&glance, scope, search_path);
        for rule in &self.denies {
            match apply(rule) {
                Some(Applied::Matched) => return Finding::Denied(rule),
                Some(Applied::Failed(failure)) => return Finding::Failed(rule, failure),
                Some(Applied::ConditionFalse | Applied::Missed(_)) | None => {}
            }
        }
        let mut hold = None;
        for rule in &self.holds {
            match apply(rule) {
                Some(Applied::Matched) => hold = hold.or(Some(rule)),
                Some(Applied::Failed(failure)) => return Finding::Failed(rule, failure),
                Some(Applied::ConditionFalse | Applied::Missed(_)) | None => {}
            }
        }
        // People cannot judge what the guard cannot read, so a hold covers such parts only where it names them.
        if let Some(rule) = hold.filter(|rule| rule.matcher.what.covers_specials(scope.statement).is_ok()) {
            return self.held(rule, scope);
        }
        for rule in &self.allows {
            match apply(rule) {
                Some(Applied::Matched) => {
                    let worse = self.unclear(scope).or_else(|| hold.map(|hold| self.held(hold, scope)));
                    return worse.unwrap_or(Finding::Allowed(rule));
                }
                Some(Applied::Failed(failure)) => return Finding::Failed(rule, failure),
                Some(Applied::ConditionFalse | Applied::Missed(_)) | None => {}
            }
        }
        Finding::Uncovered(uncovered(scope.statement))
    }

    /// What is allowed although it cannot be read could be anything that the caller's deny and hold rules list.
    fn unclear<'p>(&'p self, scope: Scope<'_>) -> Option<Finding<'p>> {
        scope.statement.opaque.as_ref()?;
        let deny = self.denies.iter().find(|rule| rule.could_apply(scope)).map(Finding::Unclear);
        deny.or_else(|| {
            let hold = self.holds.iter().find(|rule| rule.could_apply(scope))?;
            Some(self.held(hold, scope))
        })
    }

    fn held<'p>(&self, rule: &'p Rule, scope: Scope<'_>) -> Finding<'p> {
        let refused = scope.statement.opaque.is_some() && !self.masks(scope.caller).columns.is_empty();
        if refused { Finding::Carrying(rule) } else { Finding::Held(rule) }
    }

    /// Why the caller may not ask anything at all: also what was true at login and no longer is.
    #[must_use]
    pub fn shuts_out(&self, caller: &Caller<'_>, now: UnixSeconds) -> Option<Reason> {
        if self.closed.is_some() {
            return Some(Reason::PolicyInvalid);
        }
        let identity = caller.identity;
        let Some(issuer) = self.issuers.iter().find(|issuer| issuer.issuer == identity.issuer) else {
            return Some(Reason::TokenIssuer);
        };
        if now.0 >= identity.expires_at.0.saturating_add(issuer.leeway) {
            return Some(Reason::TokenExpired);
        }
        let Some(role) = self.role(caller.resource, caller.role) else { return Some(Reason::RoleUnknown) };
        if !self.admits(role, identity) {
            return Some(Reason::RoleNotPermitted);
        }
        (!self.database_allowed(caller.resource, caller.database)).then_some(Reason::DatabaseUnknown)
    }

    pub(crate) fn scope<'f>(
        &self,
        caller: &'f Caller<'f>,
        statement: &'f Statement,
        statements: usize,
        now: UnixSeconds,
    ) -> Scope<'f> {
        Scope { caller, statement, statements, now }
    }

    pub(crate) fn search_path(&self, caller: &Caller<'_>) -> &[String] {
        self.resource(caller.resource).map_or(&[], |resource| &resource.search_path)
    }
}

impl Finding<'_> {
    /// Of two rules the one that stands first in the document is the worse.
    fn rank(&self) -> (u8, std::cmp::Reverse<usize>) {
        let (rank, place) = match self {
            Self::Allowed(rule) => (0, rule.place),
            Self::Held(rule) => (1, rule.place),
            Self::Uncovered(Reason::DefaultDeny) => (2, 0),
            Self::Uncovered(Reason::SettingRefused) => (3, 0),
            Self::Uncovered(_) => (4, 0),
            Self::Failed(rule, _) => (5, rule.place),
            Self::Carrying(rule) | Self::Unclear(rule) => (6, rule.place),
            Self::Denied(rule) => (7, rule.place),
        };
        (rank, std::cmp::Reverse(place))
    }
}

/// The statements, and one more for what the text holds beyond them where it could not be understood.
pub(crate) fn judged(facts: &Facts) -> Cow<'_, [Statement]> {
    match &facts.opaque {
        None => Cow::Borrowed(&facts.statements),
        Some(opaque) => {
            // Whether it writes at all is not known, so nothing is said about a WHERE.
            let rest = Statement { opaque: Some(opaque.clone()), bounded: true, ..Statement::default() };
            Cow::Owned(facts.statements.iter().cloned().chain([rest]).collect())
        }
    }
}

/// Why nothing covers the statement, in the most telling words.
pub(crate) fn uncovered(statement: &Statement) -> Reason {
    if let Some(opaque) = &statement.opaque {
        return match opaque {
            Opaque::Construct(_) => Reason::OpaqueStatement,
            Opaque::Encoding | Opaque::Unparsable(_) => Reason::StatementUnparsable,
            Opaque::Limit(limit) if limit.contains("bytes") => Reason::StatementTooLarge,
            Opaque::Limit(_) => Reason::StatementTooComplex,
        };
    }
    let refused = |effect: &Effect| match effect {
        Effect::Setting(name) => guarded(name),
        Effect::SwitchRole => true,
        Effect::CopyIn
        | Effect::CopyOut
        | Effect::File
        | Effect::Prepared(_)
        | Effect::Program
        | Effect::Unnamed(_) => false,
    };
    if statement.effects.iter().any(refused) { Reason::SettingRefused } else { Reason::DefaultDeny }
}
