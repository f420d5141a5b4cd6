//! What callers are told: one line that says what is wrong, one that says what to do.

use std::fmt::Write;

use chaperone_model::facts::{Effect, Opaque, Relation, Statement, Verb};
use chaperone_model::{Decision, Reason, Verdict};

use crate::access::Caller;
use crate::decision::{self, Finding};
use crate::functions::FunctionClass;
use crate::introduction::TakenBack;
use crate::matcher::guarded;
use crate::rule::Rule;
use crate::verbs;

/// Most objects that a message names.
const MAX_NAMED: usize = 3;
/// Most letters of a name, or of a parser's words, in a message.
const MAX_LETTERS: usize = 120;

/// Nothing was asked: an empty query.
pub(crate) fn nothing_asked() -> Verdict {
    verdict_of(Decision::Allow, Reason::Allowed, None, "nothing to judge".to_owned())
}

pub(crate) fn shut_out(reason: Reason, closed: Option<&str>, caller: &Caller<'_>) -> Verdict {
    let message = match (reason, closed) {
        (_, Some(why)) => format!("{}: {}", reason.title(), short(why)),
        (Reason::RoleUnknown | Reason::RoleNotPermitted, None) => {
            format!("{}: `{}`", reason.title(), short(caller.role))
        }
        (Reason::DatabaseUnknown, None) => format!("{}: `{}`", reason.title(), short(caller.database)),
        (_, None) => reason.title().to_owned(),
    };
    verdict_of(Decision::Deny, reason, None, message)
}

/// The target was told who the caller is, and the statement would take that back.
pub(crate) fn taken_back(what: &TakenBack, statement: &Statement) -> Verdict {
    let (reason, message) = match what {
        TakenBack::Role => {
            (Reason::SettingRefused, "the session's role is the policy's and stays as it is".to_owned())
        }
        TakenBack::Setting(name) if matches!(name.as_str(), "all" | "*") => {
            let message = "settings tell the database who is calling, and not all of them may change";
            (Reason::SettingRefused, message.to_owned())
        }
        TakenBack::Setting(name) => {
            let message = format!(
                "the setting `{}` tells the database who is calling, and stays as it is",
                short(name)
            );
            (Reason::SettingRefused, message)
        }
        TakenBack::Unread => {
            let reason = decision::uncovered(statement);
            let message = format!(
                "{}, so it could change who the database takes the caller for",
                uncovered(reason, statement)
            );
            (reason, message)
        }
    };
    verdict_of(Decision::Deny, reason, None, message)
}

pub(crate) fn verdict(finding: Finding<'_>, statement: &Statement) -> Verdict {
    match finding {
        Finding::Allowed(rule) => {
            verdict_of(Decision::Allow, Reason::Allowed, Some(rule), "allowed".to_owned())
        }
        Finding::Held(rule) => {
            let message = said(rule, || {
                format!("{} waits for approval under rule `{}`", deed(rule, statement), rule.id)
            });
            let verdict = verdict_of(Decision::Hold, Reason::HeldForApproval, Some(rule), message);
            Verdict { hold: rule.terms.clone(), ..verdict }
        }
        Finding::Denied(rule) => denied(rule, statement),
        Finding::Unclear(rule) => {
            let reason = decision::uncovered(statement);
            let message =
                format!("{}, and rule `{}` could be about it", uncovered(reason, statement), rule.id);
            denied_in_our_words(reason, rule, message)
        }
        Finding::Carrying(rule) => {
            let unread = uncovered(decision::uncovered(statement), statement);
            let message = format!("{unread}, so it could carry a hidden value to where it is not masked");
            denied_in_our_words(Reason::MaskCarryRefused, rule, message)
        }
        Finding::Failed(rule, failure) => {
            let message = format!("the condition of rule `{}` could not be evaluated: {failure}", rule.id);
            denied_in_our_words(Reason::PolicyError, rule, message)
        }
        Finding::Uncovered(reason) => verdict_of(Decision::Deny, reason, None, uncovered(reason, statement)),
    }
}

fn denied(rule: &Rule, statement: &Statement) -> Verdict {
    let unbounded = rule.matcher.what.unbounded;
    let unread = |opaque: &Opaque| !matches!(opaque, Opaque::Construct(_));
    if unbounded && statement.opaque.as_ref().is_some_and(unread) {
        // It counts as unbounded because nobody can tell: what its author has to know is that, not the rule.
        let reason = decision::uncovered(statement);
        return verdict_of(Decision::Deny, reason, None, uncovered(reason, statement));
    }
    let message = said(rule, || {
        let missing = if unbounded { " without a real WHERE" } else { "" };
        format!("{}{missing} is denied by rule `{}`", deed(rule, statement), rule.id)
    });
    let reason = if unbounded { Reason::UnboundedWrite } else { Reason::RuleDenied };
    verdict_of(Decision::Deny, reason, Some(rule), message)
}

/// A denial by a rule whose own words are about another case.
fn denied_in_our_words(reason: Reason, rule: &Rule, message: String) -> Verdict {
    let hint = reason.remedy().to_owned();
    Verdict { hint, ..verdict_of(Decision::Deny, reason, Some(rule), message) }
}

fn verdict_of(decision: Decision, reason: Reason, rule: Option<&Rule>, message: String) -> Verdict {
    let hint = rule.and_then(|rule| rule.hint.clone()).unwrap_or_else(|| reason.remedy().to_owned());
    Verdict {
        decision,
        reason,
        rule: rule.map(|rule| rule.id.clone()),
        message,
        hint,
        hold: None,
        shadow: None,
    }
}

fn said(rule: &Rule, otherwise: impl FnOnce() -> String) -> String {
    rule.message.clone().unwrap_or_else(otherwise)
}

/// The verb that the rule is about, else the statement's own.
fn deed(rule: &Rule, statement: &Statement) -> String {
    let about = rule.matcher.what.verbs;
    let writes = |verb: &Verb| matches!(verb, Verb::Delete | Verb::Merge | Verb::Update);
    let fits = |verb: &&Verb| {
        about.is_none_or(|verbs| verbs.has(**verb)) && (!rule.matcher.what.unbounded || writes(verb))
    };
    let listed = statement.verbs.iter().find(fits);
    match listed.or(statement.verbs.first()) {
        Some(verb) => verbs::sql(*verb),
        None => "this statement".to_owned(),
    }
}

fn uncovered(reason: Reason, statement: &Statement) -> String {
    match &statement.opaque {
        Some(Opaque::Construct(what) | Opaque::Unparsable(what)) => {
            return format!("{}: {}", reason.title(), short(what));
        }
        Some(Opaque::Limit(which)) => return format!("{}: {}", reason.title(), limit(which)),
        Some(Opaque::Encoding) => return format!("{}: not valid UTF-8", reason.title()),
        None if reason == Reason::SettingRefused => {
            let setting = settings(statement).find(|name| guarded(name));
            let named = setting.map(|name| format!(": `{}`", short(name))).unwrap_or_default();
            return format!("{}{named}", reason.title());
        }
        None => {}
    }
    let mut verbs: Vec<_> = statement.verbs.iter().map(|verb| verbs::sql(*verb)).collect();
    verbs.dedup();
    verbs.truncate(MAX_NAMED);
    // Two rules that cover a part each do not add up.
    let several = verbs.len() > 1 || statement.relations.len() > 1;
    let mut message = if several { "no single rule allows " } else { "no rule allows " }.to_owned();
    message.push_str(if verbs.is_empty() { "this statement" } else { "" });
    message.push_str(&verbs.join(", "));
    let mut named: Vec<String> = Vec::new();
    for name in statement.relations.iter().map(qualified) {
        if !named.contains(&name) {
            named.push(name);
        }
        if named.len() > MAX_NAMED {
            break;
        }
    }
    if !named.is_empty() {
        message.push_str(" on ");
        message.push_str(&named.get(..MAX_NAMED).unwrap_or(&named).join(", "));
    }
    if named.len() > MAX_NAMED {
        message.push_str(", …");
    }
    // Of functions those are named for which a rule has to be made on purpose.
    let unsafe_ones =
        statement.functions.iter().filter(|name| FunctionClass::of(name) != FunctionClass::Catalog);
    let unsafe_ones: Vec<_> = unsafe_ones.take(MAX_NAMED).map(|name| format!("`{}`", short(name))).collect();
    if !unsafe_ones.is_empty() {
        // Writing to a String does not fail.
        let _ = write!(message, " with the function {}", unsafe_ones.join(", "));
    }
    if let Some(name) = settings(statement).next() {
        let _ = write!(message, " of the setting `{}`", short(name));
    }
    let special = statement
        .effects
        .iter()
        .find(|effect| matches!(effect, Effect::CopyIn | Effect::CopyOut | Effect::File | Effect::Program));
    if let Some(effect) = special {
        let _ = write!(message, " with the effect `{}`", effect.name());
    }
    message
}

/// What a limit of the guard's is about, in words. The numbers are its defaults, which nothing changes.
fn limit(which: &str) -> String {
    match which {
        "max_bytes" => "it has more than 1 MiB".to_owned(),
        "max_chain" => "it has more than 500 operators that hang together".to_owned(),
        "max_depth" => "it is nested more than 50 levels deep".to_owned(),
        "max_statements" => "it has more than 1,000 statements".to_owned(),
        "max_tokens" => "it has more than 100,000 words and signs".to_owned(),
        other => short(other),
    }
}

/// The settings that the statement changes.
fn settings(statement: &Statement) -> impl Iterator<Item = &String> {
    statement.effects.iter().filter_map(|effect| match effect {
        Effect::Setting(name) => Some(name),
        _ => None,
    })
}

fn qualified(relation: &Relation) -> String {
    let mut name = "`".to_owned();
    if let Some(schema) = &relation.schema {
        // Writing to a String does not fail.
        let _ = write!(name, "{}.", short(schema));
    }
    name.push_str(&short(&relation.name));
    name.push('`');
    name
}

/// The beginning of a text, in one line.
fn short(text: &str) -> String {
    let mut short: String =
        text.chars().take(MAX_LETTERS).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().nth(MAX_LETTERS).is_some() {
        short.push('…');
    }
    short
}
