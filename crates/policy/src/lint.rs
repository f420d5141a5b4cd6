//! What is well formed and probably not meant: for the people who own a policy.
//!
//! Nothing here says that a policy is wrong. What is said of a rule that it is never reached is certain; the rest is
//! what somebody should have looked at.

mod includes;

use std::fmt;

use chaperone_model::RuleId;

use crate::document::{Mode, RuleEffect};
use crate::error::Position;
use crate::matcher::{GUARDED_SETTINGS, Who};
use crate::names::{NamePattern, Part, Text};
use crate::policy::Policy;
use crate::rule::Rule;

/// Something that was probably not meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// Where the rule begins in the text; none where the policy did not come as text, or it is not about a rule.
    pub at: Option<Position>,
    /// The rule.
    pub rule: Option<RuleId>,
    /// Which kind of warning.
    pub kind: WarningKind,
    /// What is the matter, lower case, without a full stop.
    pub message: String,
}

/// Kinds of warnings. Their names are for programs and do not change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WarningKind {
    /// The rule never decides anything: another one always does before it.
    NeverReached,
    /// A deny or hold rule about a whole schema: it is about every name without a schema too.
    BareNames,
    /// It is for roles, databases or resources that the policy does not have.
    MatchesNothing,
    /// Nobody, or too few people, can approve.
    NoApprovers,
    /// An allow rule without any limit.
    OpensEverything,
    /// An allow rule lets through what the guard cannot read.
    OpensOpaque,
    /// An allow rule lets callers change how statements are read, or who the session is.
    OpensSettings,
    /// Nothing is enforced.
    Shadow,
    /// Something has a name and nobody uses it.
    Unused,
}

impl WarningKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::BareNames,
        Self::MatchesNothing,
        Self::NeverReached,
        Self::NoApprovers,
        Self::OpensEverything,
        Self::OpensOpaque,
        Self::OpensSettings,
        Self::Shadow,
        Self::Unused,
    ];

    /// The name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BareNames => "bare_names",
            Self::MatchesNothing => "matches_nothing",
            Self::NeverReached => "never_reached",
            Self::NoApprovers => "no_approvers",
            Self::OpensEverything => "opens_everything",
            Self::OpensOpaque => "opens_opaque",
            Self::OpensSettings => "opens_settings",
            Self::Shadow => "shadow",
            Self::Unused => "unused",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "line {}, column {}: ", at.line, at.column)?;
        }
        if let Some(rule) = &self.rule {
            write!(f, "rule `{rule}`: ")?;
        }
        f.write_str(&self.message)
    }
}

impl Policy {
    /// What was probably not meant, in the order of the document.
    #[must_use]
    pub fn lint(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut general = |kind, message: String| {
            warnings.push(Warning { at: None, rule: None, kind, message });
        };
        if self.mode == Mode::Shadow {
            let message =
                "the policy is in shadow mode: verdicts are recorded, and everything passes".to_owned();
            general(WarningKind::Shadow, message);
        }
        for set in &self.approvers {
            let asks = |rule: &Rule| rule.terms.iter().any(|terms| terms.approvers.contains(&set.name));
            if !self.holds.iter().any(asks) {
                general(WarningKind::Unused, format!("no rule asks the approvers `{}`", set.name));
            }
        }
        let mut rules: Vec<_> = self.denies.iter().chain(&self.holds).chain(&self.allows).collect();
        rules.sort_by_key(|rule| rule.place);
        for rule in &rules {
            let found =
                [self.unmatched(&rule.matcher.who), self.unapproved(rule), never_reached(rule, &rules)];
            let opens = opens(rule);
            let all = found.into_iter().flatten().chain(opens).chain(self.bare_names(rule));
            warnings.extend(all.map(|(kind, message)| Warning {
                at: rule.at,
                rule: Some(rule.id.clone()),
                kind,
                message,
            }));
        }
        for budget in &self.budgets {
            let unmatched = self.unmatched(&budget.who);
            warnings.extend(unmatched.map(|(kind, message)| Warning {
                at: budget.at,
                rule: None,
                kind,
                message: format!("budget `{}`: {message}", budget.id),
            }));
        }
        warnings
    }

    /// Roles, databases and resources that are nobody's.
    fn unmatched(&self, who: &Who) -> Option<(WarningKind, String)> {
        let none = |patterns: &Option<Vec<Text>>, known: &mut dyn FnMut(&Text) -> bool| {
            patterns.as_ref().is_some_and(|patterns| !patterns.iter().any(known))
        };
        let message = if none(&who.resources, &mut |it| {
            self.resources.iter().any(|resource| it.matches(&resource.name))
        }) {
            "no resource of the policy is among `resources`"
        } else if none(&who.roles, &mut |it| {
            self.resources.iter().flat_map(|resource| &resource.roles).any(|role| it.matches(&role.name))
        }) {
            "no role of the policy is among `roles`"
        } else if none(&who.databases, &mut |it| match it.exact() {
            Some(name) => self.resources.iter().any(|resource| resource.offers(name)),
            None => true,
        }) {
            "no resource offers any of `databases`"
        } else {
            return None;
        };
        Some((WarningKind::MatchesNothing, format!("it matches nothing: {message}")))
    }

    /// A name that a statement writes without a schema may be one of any schema, as far as a deny or hold rule knows.
    fn bare_names(&self, rule: &Rule) -> Option<(WarningKind, String)> {
        let searched =
            |schema: &str| self.resources.iter().any(|it| it.search_path.iter().any(|known| known == schema));
        let elsewhere = |pattern: &&NamePattern| {
            pattern.name == Part::Any && pattern.schema.exact().is_some_and(|schema| !searched(schema))
        };
        let patterns = rule.matcher.what.tables.iter().flatten();
        let schema = patterns.filter(|_| rule.effect != RuleEffect::Allow).find(elsewhere)?.schema.exact()?;
        let message = format!(
            "`{schema}.*` is about every table that a statement names without a schema too, since it could be there: \
             list the tables of `{schema}`, or have schemas written out"
        );
        Some((WarningKind::BareNames, message))
    }

    /// Holds that nobody can let go on: who is named is known by number, groups have as many as they like.
    fn unapproved(&self, rule: &Rule) -> Option<(WarningKind, String)> {
        let terms = rule.terms.as_ref()?;
        let sets: Vec<_> = terms.approvers.iter().filter_map(|name| self.approvers(name)).collect();
        if sets.iter().any(|set| !set.groups.is_empty()) {
            return None;
        }
        let mut people: Vec<_> = sets.iter().flat_map(|set| &set.subjects).collect();
        people.sort();
        people.dedup();
        let (people, count) = (people.len(), usize::try_from(terms.count).unwrap_or(usize::MAX));
        (people < count).then(|| {
            let message = format!("{count} different people must approve, and its approvers are {people}");
            (WarningKind::NoApprovers, message)
        })
    }
}

/// A rule before this one, or of an effect that wins over this one's, always decides first.
fn never_reached(rule: &Rule, all: &[&Rule]) -> Option<(WarningKind, String)> {
    let wins = |effect: RuleEffect| match effect {
        RuleEffect::Deny => 0,
        RuleEffect::Hold => 1,
        RuleEffect::Allow => 2,
    };
    let before = |other: &&&Rule| {
        let (one, this) = (wins(other.effect), wins(rule.effect));
        other.when.is_none() && (one < this || one == this && other.place < rule.place)
    };
    let other = all.iter().filter(before).find(|other| match (other.effect, rule.effect) {
        (RuleEffect::Allow, _) => includes::covers_all_that(&other.matcher, &rule.matcher),
        // What a hold covers it decides only where it names the specials, so only one that needs no naming is certain.
        (RuleEffect::Hold, RuleEffect::Allow) => false,
        (_, RuleEffect::Allow) => includes::touches_all_that_is_covered(&other.matcher, &rule.matcher),
        // Of holds all are asked: a condition that fails denies.
        (RuleEffect::Hold, _) => {
            rule.when.is_none()
                && includes::touches_all_that(&other.matcher, &rule.matcher)
                && includes::same_specials(&other.matcher, &rule.matcher)
        }
        (RuleEffect::Deny, _) => includes::touches_all_that(&other.matcher, &rule.matcher),
    })?;
    let message = format!("it is never reached: rule `{}` decides everything that it is about", other.id);
    Some((WarningKind::NeverReached, message))
}

/// What an allow rule opens that somebody should have looked at.
fn opens(rule: &Rule) -> Vec<(WarningKind, String)> {
    let mut found = Vec::new();
    if rule.effect != RuleEffect::Allow {
        return found;
    }
    let what = &rule.matcher.what;
    let limits = what.verbs.is_some()
        || what.tables.is_some()
        || what.objects.is_some()
        || what.access.is_some()
        || what.columns.is_some()
        || what.functions.is_some();
    if !limits && !what.opaque && rule.when.is_none() {
        let message = "it allows everything that no rule denies or holds".to_owned();
        found.push((WarningKind::OpensEverything, message));
    }
    if what.opaque {
        let message = "it lets through what cannot be read, which may be anything".to_owned();
        found.push((WarningKind::OpensOpaque, message));
    }
    let named = |setting: &&&str| what.settings.iter().flatten().any(|pattern| pattern.matches(setting));
    let guarded: Vec<_> =
        GUARDED_SETTINGS.iter().filter(named).map(|setting| format!("`{setting}`")).collect();
    if !guarded.is_empty() {
        let message = format!(
            "it lets callers set {}, which changes how statements are read, or who the session is",
            guarded.join(", ")
        );
        found.push((WarningKind::OpensSettings, message));
    }
    found
}
