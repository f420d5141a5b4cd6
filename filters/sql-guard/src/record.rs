//! What is recorded and counted of a verdict.

use std::rc::Rc;

use chaperone_flow::{Command, Cx, Effect};
use chaperone_model::{Decision, Digest, Verdict};
use chaperone_proto::{Body, Source, VerdictHead, VerdictRecord};

use crate::counters;

/// The record of a verdict, for whatever command it is about.
pub(crate) fn verdict(verdict: &Verdict, policy: Digest) -> VerdictHead {
    VerdictHead::new(VerdictRecord {
        decision: name(verdict.decision).to_owned(),
        reason: verdict.reason.code().to_owned(),
        rule: verdict.rule.as_ref().map(|rule| rule.0.clone()).unwrap_or_default(),
        message: if is_plain(verdict) { String::new() } else { verdict.message.clone() },
        policy: policy.to_hex(),
        shadow: verdict.shadow.map(name).unwrap_or_default().to_owned(),
        ..VerdictRecord::default()
    })
}

/// A command was judged.
pub(crate) fn judged(cx: &mut Cx<'_>, verdict: &Verdict, record: &Rc<VerdictHead>, command: &Rc<Command>) {
    let counter = match verdict.decision {
        Decision::Allow => counters::ALLOW,
        Decision::Deny => counters::DENY,
        Decision::Hold => counters::HOLD,
    };
    cx.effect(Effect::Count(counter, 1));
    tell(cx, record, command);
    if !is_plain(verdict) {
        annotate(cx, verdict);
    }
}

/// A result was cut, or would be if the policy were enforced.
pub(crate) fn cut(cx: &mut Cx<'_>, verdict: &Verdict, policy: Digest, command: Option<&Rc<Command>>) {
    if verdict.decision == Decision::Deny {
        cx.effect(Effect::Count(counters::BUDGET_CUT, 1));
    }
    let head = self::verdict(verdict, policy);
    match command {
        Some(command) => tell(cx, &Rc::new(head), command),
        None => cx.effect(Effect::Record(Source::Guard, Body::Verdict(head.record().clone()))),
    }
    annotate(cx, verdict);
}

fn tell(cx: &mut Cx<'_>, record: &Rc<VerdictHead>, command: &Rc<Command>) {
    cx.effect(if command.is_told_by_statement() {
        Effect::Verdict(Rc::clone(record), Rc::clone(command))
    } else {
        Effect::Record(
            Source::Guard,
            Body::Verdict(VerdictRecord {
                digest: command.digest().to_hex(),
                statement: command.statement().to_owned(),
                ..record.record().clone()
            }),
        )
    });
}

/// For access logs.
fn annotate(cx: &mut Cx<'_>, verdict: &Verdict) {
    let mut text = format!("{} {}", name(verdict.decision), verdict.reason.code());
    if let Some(rule) = &verdict.rule {
        text.push(' ');
        text.push_str(rule.as_str());
    }
    cx.effect(Effect::Annotate("chaperone.verdict", text.into_bytes()));
}

fn is_plain(verdict: &Verdict) -> bool {
    verdict.decision == Decision::Allow && verdict.shadow.is_none()
}

const fn name(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::Deny => "deny",
        Decision::Hold => "hold",
    }
}
