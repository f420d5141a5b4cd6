//! Rules and masks.

use std::collections::HashSet;

use chaperone_model::facts::{Access, ObjectKind};
use chaperone_model::{HoldTerms, RuleId};

use super::spot::{Problems, Spot};
use super::{MAX_RULES, check_name, texts, unique};
use crate::access::ApproverSet;
use crate::condition::Condition;
use crate::document::{self, AccessTerm, Document, Match, Object, RuleEffect};
use crate::functions::FunctionClasses;
use crate::matcher::{Functions, Matcher, What, Who};
use crate::names::{ColumnPattern, NamePattern};
use crate::rule::Rule;
use crate::verbs::VerbSet;

/// Seconds that a request for approval waits, unless the rule says otherwise.
pub const DEFAULT_EXPIRY: u64 = 300;
/// Seconds that a request for approval waits at most.
pub const MAX_EXPIRY: u64 = 86_400;
/// Most people that a rule may ask to approve.
pub const MAX_APPROVALS: u32 = 10;

/// Denies, holds and allows, each in the order of the document.
pub(super) fn rules(document: &Document, sets: &[ApproverSet], problems: &mut Problems) -> [Vec<Rule>; 3] {
    let mut seen = HashSet::new();
    let [mut denies, mut holds, mut allows] = [Vec::new(), Vec::new(), Vec::new()];
    for (place, (rule, tree)) in document.rules.iter().zip(&document.places.rules).enumerate() {
        let spot = Spot::item(tree, "rule", &rule.id);
        check_name(&rule.id, &spot.field("id"), problems);
        unique(&mut seen, &rule.id, &spot.field("id"), problems);
        if place == MAX_RULES {
            problems.add(&spot, format!("there are more than {MAX_RULES} rules"));
        }
        problems.no_member_without_value(&spot);
        problems.no_member_without_value(&spot.field("match"));
        let matcher = matcher(rule, &spot.field("match"), problems);
        let when = rule.when.as_ref().and_then(|source| match Condition::compile(source) {
            Ok(condition) => Some(condition),
            Err(message) => {
                problems.add(&spot.field("when"), message);
                None
            }
        });
        let terms = terms(rule, sets, &spot, problems);
        let compiled = Rule {
            id: RuleId(rule.id.clone()),
            place,
            at: tree.at,
            effect: rule.effect,
            matcher,
            when,
            message: rule.message.as_deref().map(one_line),
            hint: rule.hint.as_deref().map(one_line),
            terms,
        };
        match rule.effect {
            RuleEffect::Allow => allows.push(compiled),
            RuleEffect::Deny => denies.push(compiled),
            RuleEffect::Hold => holds.push(compiled),
        }
    }
    [denies, holds, allows]
}

/// Messages stand in protocol fields and logs, which are lines.
pub(super) fn one_line(text: &str) -> String {
    text.split(|letter: char| letter.is_control())
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_owned()
}

fn terms(
    rule: &document::Rule,
    sets: &[ApproverSet],
    spot: &Spot<'_>,
    problems: &mut Problems,
) -> Option<HoldTerms> {
    let hold = match (rule.effect, &rule.hold) {
        (RuleEffect::Hold, Some(hold)) => hold,
        (RuleEffect::Hold, None) => {
            problems.add(spot, "missing field `hold`: who approves?".to_owned());
            return None;
        }
        (RuleEffect::Allow | RuleEffect::Deny, Some(_)) => {
            problems.add(&spot.field("hold"), "only a rule with `effect: hold` takes `hold`".to_owned());
            return None;
        }
        (RuleEffect::Allow | RuleEffect::Deny, None) => return None,
    };
    let spot = spot.field("hold");
    let approvers = spot.field("approvers");
    problems.not_empty(&hold.approvers, &approvers);
    problems.read_list(&hold.approvers, &approvers, |name| {
        if sets.iter().any(|set| set.name == name) {
            Ok(())
        } else {
            Err(format!("no approvers are called `{name}`"))
        }
    });
    let count = hold.count.unwrap_or(1);
    if count == 0 || count > MAX_APPROVALS {
        problems.add(&spot.field("count"), format!("expected 1 to {MAX_APPROVALS}"));
    }
    let expires_in = hold.expires.map_or(DEFAULT_EXPIRY, |expires| expires.0);
    if expires_in == 0 || expires_in > MAX_EXPIRY {
        problems.add(&spot.field("expires"), "expected 1s to 1d".to_owned());
    }
    Some(HoldTerms { approvers: hold.approvers.clone(), count, expires_in })
}

fn matcher(rule: &document::Rule, spot: &Spot<'_>, problems: &mut Problems) -> Matcher {
    let matches = &rule.matches;
    check_sense(rule, spot, problems);
    let mut names = |patterns: &Option<Vec<String>>, field: &str| {
        let patterns = patterns.as_ref()?;
        let spot = spot.field(field);
        problems.not_empty(patterns, &spot);
        Some(problems.read_list(patterns, &spot, NamePattern::read))
    };
    let tables = names(&matches.tables, "tables");
    let named_functions = names(&matches.functions, "functions");
    let classes = matches.function_classes.as_ref();
    let functions = (named_functions.is_some() || classes.is_some()).then(|| Functions {
        names: named_functions.unwrap_or_default(),
        classes: classes.into_iter().flatten().fold(FunctionClasses::default(), |all, term| all.union(*term)),
    });
    let columns = matches.columns.as_ref().map(|columns| {
        problems.not_empty(columns, &spot.field("columns"));
        problems.read_list(columns, &spot.field("columns"), ColumnPattern::read)
    });
    let mut words = |patterns: &Option<Vec<String>>, field: &str| {
        let patterns = patterns.as_ref()?;
        problems.not_empty(patterns, &spot.field(field));
        Some(texts(patterns, &spot.field(field), problems))
    };
    let who = Who {
        subjects: words(&matches.subjects, "subjects"),
        except_subjects: words(&matches.except_subjects, "except_subjects").unwrap_or_default(),
        groups: matches.groups.clone(),
        except_groups: matches.except_groups.clone().unwrap_or_default(),
        resources: words(&matches.resources, "resources"),
        roles: words(&matches.roles, "roles"),
        databases: words(&matches.databases, "databases"),
    };
    // PostgreSQL does not tell capitals from small letters in the names of settings.
    let folded: Option<Vec<_>> = matches
        .settings
        .as_ref()
        .map(|settings| settings.iter().map(|setting| setting.to_ascii_lowercase()).collect());
    let settings = words(&folded, "settings");
    let verbs = matches.verbs.as_ref();
    let what = What {
        verbs: verbs.map(|verbs| verbs.iter().fold(VerbSet::default(), |all, term| all.union(term.0))),
        tables,
        objects: matches.objects.as_ref().map(|objects| objects.iter().copied().map(object).collect()),
        access: matches.access.as_ref().map(|terms| terms.iter().copied().map(access).collect()),
        columns,
        functions,
        effects: matches.effects.clone(),
        settings,
        unbounded: matches.unbounded.is_some(),
        opaque: matches.opaque.is_some(),
    };
    for (empty, field) in [
        (matches.groups.as_ref().is_some_and(Vec::is_empty), "groups"),
        (matches.except_groups.as_ref().is_some_and(Vec::is_empty), "except_groups"),
        (verbs.is_some_and(Vec::is_empty), "verbs"),
        (classes.is_some_and(Vec::is_empty), "function_classes"),
        (what.objects.as_ref().is_some_and(Vec::is_empty), "objects"),
        (what.access.as_ref().is_some_and(Vec::is_empty), "access"),
        (what.effects.as_ref().is_some_and(Vec::is_empty), "effects"),
    ] {
        if empty {
            problems.add(&spot.field(field), "the list is empty".to_owned());
        }
    }
    Matcher { who, what }
}

/// Refuses what would not mean what it seems to mean.
fn check_sense(rule: &document::Rule, spot: &Spot<'_>, problems: &mut Problems) {
    let matches = &rule.matches;
    let Match {
        any,
        subjects,
        except_subjects,
        groups,
        except_groups,
        resources,
        roles,
        databases,
        verbs,
        tables,
        objects,
        access,
        columns,
        functions,
        function_classes,
        effects,
        settings,
        unbounded,
        opaque,
    } = matches;
    let who = [subjects, except_subjects, groups, except_groups, resources, roles, databases];
    let named = [tables, columns, functions].iter().any(|list| list.is_some()) || function_classes.is_some();
    let limits = named || verbs.is_some() || objects.is_some() || access.is_some() || unbounded.is_some();
    let specials = effects.is_some() || settings.is_some() || opaque.is_some();
    if any.is_none() && !limits && !specials && who.iter().all(|list| list.is_none()) {
        problems.add(
            spot,
            "an empty `match` matches everything; write `any: true` where that is meant".to_owned(),
        );
    }
    let is_allow = rule.effect == RuleEffect::Allow;
    if any.is_some() && (limits || (specials && !is_allow)) {
        problems.add(
            &spot.field("any"),
            "`any: true` and other matchers of statements exclude each other".to_owned(),
        );
    }
    if is_allow && unbounded.is_some() {
        let message = "`unbounded` has a meaning only in deny and hold rules; an allow rule covers both";
        problems.add(&spot.field("unbounded"), message.to_owned());
    }
    if is_allow && opaque.is_some() && (named || objects.is_some() || access.is_some()) {
        let message = "what an opaque statement touches is not known, so `opaque: true` cannot go with `tables`, \
                       `objects`, `access`, `columns` or `functions` in an allow rule";
        problems.add(&spot.field("opaque"), message.to_owned());
    }
}

fn object(object: Object) -> ObjectKind {
    match object {
        Object::Database => ObjectKind::Database,
        Object::Extension => ObjectKind::Extension,
        Object::Function => ObjectKind::Function,
        Object::Index => ObjectKind::Index,
        Object::Other => ObjectKind::Other,
        Object::Role => ObjectKind::Role,
        Object::Schema => ObjectKind::Schema,
        Object::Sequence => ObjectKind::Sequence,
        Object::Table => ObjectKind::Table,
        Object::Trigger => ObjectKind::Trigger,
        Object::Type => ObjectKind::Type,
    }
}

fn access(term: AccessTerm) -> Access {
    match term {
        AccessTerm::Alter => Access::Alter,
        AccessTerm::Create => Access::Create,
        AccessTerm::Drop => Access::Drop,
        AccessTerm::Grant => Access::Grant,
        AccessTerm::Lock => Access::Lock,
        AccessTerm::Read => Access::Read,
        AccessTerm::Write => Access::Write,
    }
}
