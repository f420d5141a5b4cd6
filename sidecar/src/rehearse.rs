//! What a policy says of a session that has not happened: for those who want to know before it ships.
//!
//! Nothing is asked of a server. Texts are read and judged by the code that the filters run, one after the other, so that
//! EXECUTE is judged with what was prepared before. What response-masking refuses because of what is in a result, or in
//! the server's catalogue, is not foreseen.

mod cases;
mod change;
#[cfg(test)]
mod recipes;
mod recorded;
mod who;

use std::rc::Rc;

use chaperone_flow::HELD_TEXT_MOST;
use chaperone_model::facts::Facts;
use chaperone_model::{Decision, Reason, UnixSeconds, Verdict};
use chaperone_policy::{Explanation, Policy};
use chaperone_sql_guard::Rehearsal;

pub(crate) use cases::{Case, Cases, Outcome};
pub(crate) use change::{Comparison, Decided};
pub(crate) use recorded::Recorded;
pub(crate) use who::{Known, Who};

/// A session under a policy.
#[derive(Debug)]
pub(crate) struct Session<'p> {
    policy: &'p Policy,
    who: Known,
    now: UnixSeconds,
    texts: Rehearsal,
}

/// What was said of one text.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    /// What the text does; none where it is refused before anybody asks.
    pub(crate) facts: Option<Rc<Facts>>,
    /// Each rule, and why it matched or not.
    pub(crate) rules: Vec<Explanation>,
    /// The hidden columns of the tables that the text touches, with the ids of their masks.
    pub(crate) hidden: Vec<(String, String)>,
}

impl<'p> Session<'p> {
    pub(crate) fn new(policy: &'p Policy, who: Known, now: UnixSeconds) -> Self {
        Self { policy, who, now, texts: Rehearsal::default() }
    }

    /// The next text comes at this time.
    pub(crate) fn set_now(&mut self, now: UnixSeconds) {
        self.now = now;
    }

    pub(crate) const fn who(&self) -> &Known {
        &self.who
    }

    /// The client sends this text as one simple query.
    pub(crate) fn say(&mut self, text: &str) -> Judged {
        let read = match self.texts.read(text.as_bytes()) {
            Ok(read) => read,
            Err(reason) => return Judged::refused(reason),
        };
        let facts = Rc::clone(read.command.facts());
        let caller = self.who.caller();
        let mut verdict = self.policy.decide(&caller, &facts, self.now);
        let rules = self.policy.explain(&caller, &facts, self.now);
        if verdict.decision == Decision::Hold && read.command.text().len() > HELD_TEXT_MOST {
            verdict = refusal(Reason::HoldTooLong);
        }
        if verdict.decision == Decision::Hold && read.command.is_one_of_several() {
            verdict = refusal(Reason::HoldBatch);
        }
        if verdict.decision != Decision::Deny {
            if let Err(reason) = self.texts.runs(&read) {
                verdict = refusal(reason);
            }
        }
        let hidden = self.hidden(&facts);
        Judged { verdict, facts: Some(facts), rules, hidden }
    }

    /// Whether this text, with what it runs, was recorded like that: with a digest where that is too long for a record.
    pub(crate) fn stands_for(&mut self, text: &str, recorded: &str, digest: &str) -> bool {
        self.texts.read(text.as_bytes()).is_ok_and(|read| {
            let command = read.command;
            command.statement() == recorded && command.digest_beside_statement() == digest
        })
    }

    fn hidden(&self, facts: &Facts) -> Vec<(String, String)> {
        let touched = |schema: Option<&String>, table: &str| {
            facts.statements.iter().flat_map(|statement| &statement.relations).any(|relation| {
                let same_schema = match (&relation.schema, schema) {
                    (Some(one), Some(other)) => one == other,
                    (None, _) | (_, None) => true,
                };
                relation.name == table && same_schema
            })
        };
        let masks = self.policy.masks(&self.who.caller()).columns;
        let touched = masks.into_iter().filter(|mask| touched(mask.schema.as_ref(), &mask.table));
        touched
            .map(|mask| {
                let schema = mask.schema.map_or_else(String::new, |schema| format!("{schema}."));
                (format!("{schema}{}.{}", mask.table, mask.column), mask.rule.0)
            })
            .collect()
    }
}

impl Judged {
    /// Whether the text as a whole, or a statement of it, cannot be read.
    pub(crate) fn is_unread(&self) -> bool {
        self.facts.as_ref().is_none_or(|facts| facts.is_opaque())
    }

    fn refused(reason: Reason) -> Self {
        Self { verdict: refusal(reason), facts: None, rules: Vec::new(), hidden: Vec::new() }
    }
}

/// A refusal that is no rule's.
fn refusal(reason: Reason) -> Verdict {
    Verdict {
        decision: Decision::Deny,
        reason,
        rule: None,
        message: reason.title().to_owned(),
        hint: reason.remedy().to_owned(),
        hold: None,
        shadow: None,
    }
}
