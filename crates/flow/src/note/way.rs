//! Notes on their way between separate modules.
//!
//! Agents repeat themselves, so what was found (verdict, policy, facts) is told once and has a number; a note names
//! the number and tells its own text. Both ends keep the same few numbers. A note whose number is not known is none,
//! which is a denial later on.

use std::rc::Rc;

use chaperone_model::facts::Facts;
use chaperone_model::{Decision, Digest, HoldTerms, Reason, RuleId, Verdict};
use chaperone_proto as proto;

use super::Note;
use crate::Command;

/// How many findings both ends remember.
const REMEMBERED: usize = 16;

const ALLOW: u32 = 1;
const HOLD: u32 = 2;

/// What does not change from one message to the next.
#[derive(Clone, Debug)]
struct Finding {
    number: u64,
    verdict: Rc<Verdict>,
    policy: Digest,
    facts: Rc<Facts>,
    facts_wanted: bool,
}

/// The newest findings, each in the place that its number says.
#[derive(Debug, Default)]
struct Findings {
    all: Vec<Finding>,
    bytes: usize,
}

impl Findings {
    fn put(&mut self, finding: Finding) {
        let place = usize::try_from(finding.number % REMEMBERED as u64).unwrap_or(0);
        self.bytes += finding.facts.bytes();
        match self.all.get_mut(place) {
            Some(old) => {
                self.bytes = self.bytes.saturating_sub(old.facts.bytes());
                *old = finding;
            }
            None => self.all.push(finding),
        }
    }
}

/// The end that tells.
#[derive(Debug, Default)]
pub struct NoteWriter {
    told: Findings,
    next: u64,
}

impl NoteWriter {
    /// Bytes that are remembered.
    #[must_use]
    pub const fn kept(&self) -> usize {
        self.told.bytes
    }

    /// A note as it goes to the next module. `ordinal` counts the messages on this way from the session's start.
    pub fn write(&mut self, note: &Note, ordinal: u64) -> proto::Note {
        let held = note.verdict.decision == Decision::Hold;
        let known = self.told.all.iter().find(|finding| {
            Rc::ptr_eq(&finding.verdict, &note.verdict)
                && Rc::ptr_eq(&finding.facts, note.command.facts())
                && finding.policy == note.policy
                && finding.facts_wanted == note.facts_wanted
        });
        let (number, told) = match known {
            Some(finding) => (finding.number, None),
            None => (self.next, Some(told(note))),
        };
        if told.is_some() {
            self.next += 1;
            self.told.put(Finding {
                number,
                verdict: Rc::clone(&note.verdict),
                policy: note.policy,
                facts: Rc::clone(note.command.facts()),
                facts_wanted: note.facts_wanted,
            });
        }
        let whole = note.command.is_told_by_statement();
        proto::Note {
            ordinal,
            finding: number,
            told,
            statement: if held || whole { note.command.text().to_owned() } else { String::new() },
            digest: if whole { Vec::new() } else { note.command.digest().0.to_vec() },
        }
    }
}

fn told(note: &Note) -> proto::Finding {
    let verdict = &note.verdict;
    let held = verdict.decision == Decision::Hold;
    let terms = verdict.hold.clone().filter(|_| held);
    proto::Finding {
        decision: if held { HOLD } else { ALLOW },
        rule: verdict.rule.as_ref().map_or_else(String::new, |rule| rule.0.clone()),
        policy: note.policy.0.to_vec(),
        approvers: terms.as_ref().map_or_else(Vec::new, |terms| terms.approvers.clone()),
        count: terms.as_ref().map_or(0, |terms| terms.count),
        expires_in: terms.as_ref().map_or(0, |terms| terms.expires_in),
        message: verdict.message.clone(),
        hint: verdict.hint.clone(),
        facts: if note.facts_wanted {
            serde_json::to_string(&**note.command.facts()).unwrap_or_default()
        } else {
            String::new()
        },
    }
}

/// The end that is told.
#[derive(Debug, Default)]
pub struct NoteReader {
    known: Findings,
}

impl NoteReader {
    /// Bytes that are remembered.
    #[must_use]
    pub const fn kept(&self) -> usize {
        self.known.bytes
    }

    /// Reads what [`NoteWriter::write`] wrote; none where it is anything else.
    pub fn read(&mut self, note: proto::Note) -> Option<Note> {
        let number = note.finding;
        if let Some(told) = note.told {
            // Numbers come in order, so that places fill up one by one.
            self.known.put(finding(number, told)?);
        }
        let finding = self.known.all.iter().find(|finding| finding.number == number)?;
        let facts = Rc::clone(&finding.facts);
        let held = finding.verdict.decision == Decision::Hold;
        let command = if note.digest.is_empty() {
            Command::new(note.statement.as_bytes(), facts)
        } else {
            let digest = Digest(note.digest.try_into().ok()?);
            if held {
                Command::clipped(note.statement, digest, facts)
            } else {
                Command::untold(digest, facts)
            }
        };
        Some(Note {
            verdict: Rc::clone(&finding.verdict),
            command: Rc::new(command.told_for_one()),
            policy: finding.policy,
            facts_wanted: finding.facts_wanted,
        })
    }
}

fn finding(number: u64, told: proto::Finding) -> Option<Finding> {
    let (decision, reason, hold) = match told.decision {
        ALLOW => (Decision::Allow, Reason::Allowed, None),
        HOLD => {
            let terms =
                HoldTerms { approvers: told.approvers, count: told.count, expires_in: told.expires_in };
            (Decision::Hold, Reason::HeldForApproval, Some(terms))
        }
        _ => return None,
    };
    let facts_wanted = !told.facts.is_empty();
    let facts = if facts_wanted { serde_json::from_str(&told.facts).ok()? } else { Facts::default() };
    let rule = Some(told.rule).filter(|rule| !rule.is_empty()).map(RuleId);
    let verdict =
        Verdict { decision, reason, rule, message: told.message, hint: told.hint, hold, shadow: None };
    Some(Finding {
        number,
        verdict: Rc::new(verdict),
        policy: Digest(told.policy.try_into().ok()?),
        facts: Rc::new(facts),
        facts_wanted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(decision: Decision, text: &[u8]) -> Note {
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
        let mut facts = Facts::default();
        facts.statements.push(chaperone_model::facts::Statement::default());
        Note {
            verdict: Rc::new(verdict),
            command: Rc::new(Command::new(text, Rc::new(facts))),
            policy: Digest([3; 32]),
            facts_wanted: true,
        }
    }

    #[test]
    fn comes_back_as_it_was_and_is_told_once() {
        let (mut writer, mut reader) = (NoteWriter::default(), NoteReader::default());
        for decision in [Decision::Allow, Decision::Hold] {
            let note = note(decision, b"update t set a = 1");
            let first = writer.write(&note, 4);
            assert!(first.told.is_some());
            assert_eq!(reader.read(first), Some(note.clone()));
            let second = writer.write(&note, 5);
            assert_eq!(second.told, None, "it is known by its number");
            assert_eq!(reader.read(second), Some(note));
        }
    }

    #[test]
    fn another_text_with_the_same_finding_is_told_by_number() {
        let (mut writer, mut reader) = (NoteWriter::default(), NoteReader::default());
        let one = note(Decision::Allow, b"select 1");
        let command = Rc::new(Command::new(b"select 2", Rc::clone(one.command.facts())));
        let two = Note { command, ..one.clone() };
        reader.read(writer.write(&one, 0)).unwrap();
        let second = writer.write(&two, 1);
        assert_eq!(second.told, None);
        assert_eq!(reader.read(second), Some(two));
    }

    #[test]
    fn both_ends_forget_alike() {
        let (mut writer, mut reader) = (NoteWriter::default(), NoteReader::default());
        let notes: Vec<_> = (0..REMEMBERED + 3)
            .map(|number| note(Decision::Allow, format!("select {number}").as_bytes()))
            .collect();
        for round in 0..3 {
            for (ordinal, note) in (0..).zip(&notes) {
                assert_eq!(reader.read(writer.write(note, ordinal)).as_ref(), Some(note), "round {round}");
            }
        }
        assert_eq!(reader.known.all.len(), REMEMBERED);
    }

    #[test]
    fn a_text_that_does_not_tell_its_digest_brings_it() {
        for text in [&b"select '\xff'"[..], &[b'x'; 5_000]] {
            for decision in [Decision::Allow, Decision::Hold] {
                let note = note(decision, text);
                let (mut writer, mut reader) = (NoteWriter::default(), NoteReader::default());
                let read = reader.read(writer.write(&note, 0)).unwrap();
                assert_eq!(read.command.digest(), note.command.digest());
                if decision == Decision::Hold {
                    assert_eq!(read.command.text(), note.command.text());
                }
            }
        }
    }

    #[test]
    fn anything_else_is_no_note() {
        assert_eq!(NoteReader::default().read(proto::Note::default()), None);
        let write = |note: &Note| NoteWriter::default().write(note, 0);
        let note = note(Decision::Allow, b"select 1");
        let mut broken = write(&note);
        broken.told.as_mut().unwrap().facts = "{".into();
        assert_eq!(NoteReader::default().read(broken), None);
        let mut denied = write(&note);
        denied.told.as_mut().unwrap().decision = 3;
        assert_eq!(NoteReader::default().read(denied), None);
        let mut unknown = write(&note);
        unknown.told = None;
        assert_eq!(NoteReader::default().read(unknown), None);
        let mut reader = NoteReader::default();
        reader.read(write(&note)).unwrap();
        let mut other = write(&note);
        (other.told, other.finding) = (None, REMEMBERED as u64);
        assert_eq!(reader.read(other), None, "the same place, another number");
    }
}
