//! `chaperone policy explain`.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use anstyle::Style;
use chaperone_model::facts::{Effect, Facts, Relation, Statement, Verb};
use chaperone_model::{Decision, Verdict};
use chaperone_policy::{Explanation, Policy, RuleEffect};
use serde_json::{Value, json};

use super::{moment, read};
use crate::cli::{Answer, Trouble, print_json};
use crate::rehearse::{Judged, Known, Session, Who};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, Table, WAITING, one_line, styled};

/// Say what a policy makes of statements, and why: the verdict, what each statement does, and each rule with the reason
/// why it did or did not match.
///
/// Several texts are one session, one after the other: EXECUTE is judged with what was prepared before. Nothing is asked
/// of a server. Exit code 0 when everything is allowed, 1 when anything is denied or held.
///
///   chaperone policy explain policy.yaml --group analysts "DELETE FROM orders"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The policy.
    file: PathBuf,
    /// What the client sends; `-` reads it from standard input.
    #[arg(required = true, value_name = "SQL")]
    texts: Vec<String>,
    #[command(flatten)]
    who: Who,
    /// When: a time such as 2026-01-31T22:00:00Z; now where nothing is said.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    let policy = match read(&args.file)? {
        Ok(policy) => policy,
        Err(error) => return Err(Trouble::Other(error)),
    };
    let who = args.who.known(&policy).map_err(Trouble::Other)?;
    let mut session = Session::new(&policy, who, super::time_of(args.at));
    let mut judged = Vec::new();
    for text in &args.texts {
        let text =
            if text == "-" { io::read_to_string(io::stdin().lock().take(MOST))? } else { text.clone() };
        let said = session.say(&text);
        judged.push((text, said));
    }
    let allowed = judged.iter().all(|(_, judged)| judged.verdict.decision == Decision::Allow);
    if args.json {
        let texts: Vec<_> = judged.iter().map(|(text, judged)| told(text, judged)).collect();
        print_json(out, &json!({ "policy": named(&policy), "who": session.who(), "texts": texts }))?;
    } else {
        heading(&policy, session.who(), out)?;
        for (text, judged) in &judged {
            explain(text, judged, out)?;
        }
    }
    Ok(if allowed { Answer::Yes } else { Answer::No })
}

/// The most that is read from standard input, in bytes; more than a filter takes.
const MOST: u64 = 16 << 20;

fn named(policy: &Policy) -> Value {
    json!({ "name": policy.name(), "digest": policy.digest().to_hex() })
}

fn told(text: &str, judged: &Judged) -> Value {
    let rules = judged.rules.iter().map(|rule| {
        json!({
            "statement": rule.statement,
            "rule": rule.rule,
            "effect": effect(rule.effect),
            "matched": rule.matched,
            "why": rule.why,
        })
    });
    let hidden = judged.hidden.iter().map(|(column, mask)| json!({ "column": column, "mask": mask }));
    json!({
        "text": text,
        "verdict": judged.verdict,
        "facts": judged.facts,
        "rules": rules.collect::<Vec<_>>(),
        "hidden": hidden.collect::<Vec<_>>(),
    })
}

fn heading(policy: &Policy, who: &Known, out: &mut impl Write) -> io::Result<()> {
    let groups = if who.groups.is_empty() { "no groups".to_owned() } else { who.groups.join(", ") };
    let digest = policy.digest().to_hex();
    let digest = digest.get(..12).unwrap_or_default();
    writeln!(
        out,
        "{} ({}) as {} on {}/{}, under policy `{}` {}",
        styled(STRONG, one_line(&who.subject)),
        one_line(&groups),
        one_line(&who.role),
        one_line(&who.resource),
        one_line(&who.database),
        one_line(policy.name()),
        styled(FAINT, digest),
    )
}

fn explain(text: &str, judged: &Judged, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n{}", styled(STRONG, format!("=> {}", one_line(text))))?;
    verdict(&judged.verdict, out)?;
    let statements = judged.facts.as_ref().map_or(0, |facts| facts.statements.len());
    for (index, statement) in judged.facts.iter().flat_map(|facts| &facts.statements).enumerate() {
        let place = if statements > 1 { format!("statement {}: ", index + 1) } else { String::new() };
        writeln!(out, "\n  {place}{}", deeds(statement))?;
        rules(judged.rules.iter().filter(|rule| rule.statement == index), out)?;
    }
    // What could not be read of the text is judged as one statement more.
    if let Some(why) = judged.facts.as_ref().and_then(|facts| unread(facts)) {
        writeln!(out, "\n  the rest of the text cannot be read: {why}")?;
        rules(judged.rules.iter().filter(|rule| rule.statement == statements), out)?;
    }
    if !judged.hidden.is_empty() {
        let hidden: Vec<_> =
            judged.hidden.iter().map(|(column, mask)| format!("{column} ({mask})")).collect();
        writeln!(out, "\n  hidden from this caller: {}", one_line(&hidden.join(", ")))?;
    }
    Ok(())
}

fn verdict(verdict: &Verdict, out: &mut impl Write) -> io::Result<()> {
    let (style, word) = spoken(verdict.decision);
    let rule = verdict.rule.as_ref().map_or_else(String::new, |rule| format!(" by rule `{rule}`"));
    let shadow = verdict.shadow.map_or_else(String::new, |shadow| {
        format!(" (the policy is in shadow mode; enforced it were {})", spoken(shadow).1)
    });
    let code = if verdict.decision == Decision::Allow { "" } else { verdict.reason.code() };
    let head = format!("{} {code}{rule}{shadow}", styled(style, word));
    writeln!(out, "   {}", head.replace("  ", " "))?;
    if verdict.decision != Decision::Allow {
        writeln!(out, "   {}", one_line(&verdict.message))?;
        writeln!(out, "   {}", styled(FAINT, one_line(&verdict.hint)))?;
    }
    if let Some(terms) = &verdict.hold {
        let count = if terms.count == 1 { "one".to_owned() } else { format!("{} different", terms.count) };
        writeln!(out, "   asks {count} of {} for {} s", terms.approvers.join(", "), terms.expires_in)?;
    }
    Ok(())
}

/// A decision as people say it, and its colour.
pub(super) const fn spoken(decision: Decision) -> (Style, &'static str) {
    match decision {
        Decision::Allow => (GOOD, "allowed"),
        Decision::Deny => (BAD, "denied"),
        Decision::Hold => (WAITING, "held"),
    }
}

pub(super) const fn effect(effect: RuleEffect) -> &'static str {
    match effect {
        RuleEffect::Allow => "allow",
        RuleEffect::Deny => "deny",
        RuleEffect::Hold => "hold",
    }
}

fn rules<'r>(rules: impl Iterator<Item = &'r Explanation>, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&["    RULE", "EFFECT", "WHY"]);
    for rule in rules {
        let (mark, style) = if rule.matched { ("  ▶ ", STRONG) } else { ("    ", FAINT) };
        let cells = [format!("{mark}{}", rule.rule), effect(rule.effect).to_owned(), one_line(&rule.why)];
        table.row(cells.into_iter().map(|cell| (style, cell)).collect());
    }
    table.print(out)
}

/// What a statement does, in a line.
fn deeds(statement: &Statement) -> String {
    let verbs: Vec<_> = statement.verbs.iter().map(|verb| spelled(verb).to_uppercase()).collect();
    let mut parts =
        vec![if verbs.is_empty() { "an unknown statement".to_owned() } else { verbs.join(" + ") }];
    parts.extend(statement.relations.iter().map(relation));
    if !statement.columns.is_empty() {
        parts.push(format!("columns {}", statement.columns.join(" ")));
    }
    if !statement.functions.is_empty() {
        parts.push(format!("calls {}", statement.functions.join(" ")));
    }
    parts.extend(statement.effects.iter().map(|effect| match effect {
        Effect::Prepared(name) => format!("prepared `{name}`"),
        Effect::Setting(name) => format!("sets {name}"),
        other => spelled(other),
    }));
    let writes = |verb: &Verb| matches!(verb, Verb::Delete | Verb::Merge | Verb::Update);
    if statement.verbs.iter().any(writes) {
        parts.push(if statement.bounded { "bounded" } else { "not bounded by a WHERE" }.to_owned());
    }
    if let Some(opaque) = &statement.opaque {
        parts.push(format!("opaque: {}", spelled(opaque)));
    }
    one_line(&parts.join(", "))
}

fn relation(relation: &Relation) -> String {
    let schema = relation.schema.as_ref().map_or_else(String::new, |schema| format!("{schema}."));
    format!("{} {} {schema}{}", spelled(&relation.access), spelled(&relation.kind), relation.name)
}

fn unread(facts: &Facts) -> Option<String> {
    facts.opaque.as_ref().map(|opaque| one_line(&spelled(opaque)))
}

/// A term as policies write it.
fn spelled(term: &impl serde::Serialize) -> String {
    match serde_json::to_value(term) {
        Ok(Value::String(text)) => text,
        Ok(Value::Object(object)) => object
            .get("what")
            .or_else(|| object.values().next())
            .map_or_else(String::new, |value| value.as_str().unwrap_or_default().to_owned()),
        Ok(_) | Err(_) => String::new(),
    }
}
