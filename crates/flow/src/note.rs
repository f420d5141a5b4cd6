//! What sql-guard tells the flows behind it about a client message.

use std::rc::Rc;

use chaperone_model::facts::Facts;
use chaperone_model::{Decision, Digest, HoldTerms, Reason, RuleId, Verdict};
use chaperone_proto as proto;
use sha2::{Digest as _, Sha256};

/// A command's text with what it does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command {
    /// The statement as the client wrote it.
    pub text: String,
    /// SHA-256 of the statement.
    pub digest: Digest,
    /// What it does.
    pub facts: Facts,
}

impl Command {
    /// Takes a text and its facts together.
    #[must_use]
    pub fn new(text: &[u8], facts: Facts) -> Self {
        let digest = Digest(Sha256::digest(text).into());
        Self { text: String::from_utf8_lossy(text).into_owned(), digest, facts }
    }
}

/// The verdict on the command that a message carries or executes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// What was decided: allow or hold. What is denied does not go on.
    pub verdict: Rc<Verdict>,
    /// About what.
    pub command: Rc<Command>,
    /// The policy that decided.
    pub policy: Digest,
    /// Whether the flows behind need the facts.
    pub facts_wanted: bool,
}

const ALLOW: u32 = 1;
const HOLD: u32 = 2;
/// Longest statement that is held for approval, in bytes. It goes between separate modules and to approvers whole.
pub const HELD_TEXT_MOST: usize = 16 << 10;
/// Longest piece of a statement in a record, in bytes.
const STATEMENT_MOST: usize = 4096;

impl Note {
    /// For the way between separate modules. `ordinal` counts the messages on that way from the session's start.
    #[must_use]
    pub fn to_proto(&self, ordinal: u64) -> proto::Note {
        let held = self.verdict.decision == Decision::Hold;
        let terms = self.verdict.hold.clone().filter(|_| held);
        proto::Note {
            ordinal,
            decision: if held { HOLD } else { ALLOW },
            rule: self.verdict.rule.as_ref().map_or_else(String::new, |rule| rule.0.clone()),
            statement: if held { self.command.text.clone() } else { String::new() },
            digest: self.command.digest.0.to_vec(),
            policy: self.policy.0.to_vec(),
            approvers: terms.as_ref().map_or_else(Vec::new, |terms| terms.approvers.clone()),
            count: terms.as_ref().map_or(0, |terms| terms.count),
            expires_in: terms.as_ref().map_or(0, |terms| terms.expires_in),
            message: self.verdict.message.clone(),
            hint: self.verdict.hint.clone(),
            facts: if self.facts_wanted {
                serde_json::to_string(&self.command.facts).unwrap_or_default()
            } else {
                String::new()
            },
        }
    }

    /// Reads what [`Self::to_proto`] wrote; none where it is anything else, which is a denial later on.
    #[must_use]
    pub fn from_proto(note: proto::Note) -> Option<Self> {
        let (decision, reason, hold) = match note.decision {
            ALLOW => (Decision::Allow, Reason::Allowed, None),
            HOLD => {
                let terms =
                    HoldTerms { approvers: note.approvers, count: note.count, expires_in: note.expires_in };
                (Decision::Hold, Reason::HeldForApproval, Some(terms))
            }
            _ => return None,
        };
        let facts_wanted = !note.facts.is_empty();
        let facts = if facts_wanted { serde_json::from_str(&note.facts).ok()? } else { Facts::default() };
        let rule = Some(note.rule).filter(|rule| !rule.is_empty()).map(RuleId);
        let verdict =
            Verdict { decision, reason, rule, message: note.message, hint: note.hint, hold, shadow: None };
        let command = Command { text: note.statement, digest: Digest(note.digest.try_into().ok()?), facts };
        Some(Self {
            verdict: Rc::new(verdict),
            command: Rc::new(command),
            policy: Digest(note.policy.try_into().ok()?),
            facts_wanted,
        })
    }
}

/// At most 4 KiB of a text, cut between characters.
#[must_use]
pub fn clip(text: &str) -> &str {
    let mut end = text.len().min(STATEMENT_MOST);
    while end > 0 && !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(decision: Decision) -> Note {
        let held = decision == Decision::Hold;
        let terms = HoldTerms { approvers: vec!["dba".into()], count: 2, expires_in: 60 };
        let verdict = Verdict {
            decision,
            reason: if held { Reason::HeldForApproval } else { Reason::Allowed },
            rule: Some(RuleId("r".into())),
            message: "m".into(),
            hint: "h".into(),
            hold: held.then_some(terms),
            shadow: None,
        };
        let text: &[u8] = if held { b"update t set a = 1" } else { b"" };
        let mut command = Command::new(text, Facts::default());
        command.facts.statements.push(chaperone_model::facts::Statement::default());
        Note {
            verdict: Rc::new(verdict),
            command: Rc::new(command),
            policy: Digest([3; 32]),
            facts_wanted: true,
        }
    }

    #[test]
    fn comes_back_as_it_was() {
        for decision in [Decision::Allow, Decision::Hold] {
            let note = note(decision);
            assert_eq!(Note::from_proto(note.to_proto(4)), Some(note));
        }
    }

    #[test]
    fn anything_else_is_no_note() {
        assert_eq!(Note::from_proto(proto::Note::default()), None);
        let mut broken = note(Decision::Allow).to_proto(0);
        broken.facts = "{".into();
        assert_eq!(Note::from_proto(broken), None);
        let mut denied = note(Decision::Allow).to_proto(0);
        denied.decision = 3;
        assert_eq!(Note::from_proto(denied), None);
    }

    #[test]
    fn clips_between_characters() {
        let text = "ü".repeat(STATEMENT_MOST);
        assert_eq!(clip(&text).len(), STATEMENT_MOST);
        assert_eq!(clip(&"ü".repeat(2500)).len(), STATEMENT_MOST);
        assert_eq!(clip("short"), "short");
    }
}
