//! What is decided otherwise than before, put together by rule.

use chaperone_model::{Decision, Verdict};
use serde::Serialize;

/// What was decided, and by which rule.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Decided {
    /// `allow`, `deny`, `hold`.
    pub(crate) decision: String,
    /// None where no rule was reached.
    pub(crate) rule: Option<String>,
    /// The reason's code.
    pub(crate) reason: String,
}

/// Commands of which one thing was decided before and another thing now.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) before: Decided,
    pub(crate) now: Decided,
    /// How many commands.
    pub(crate) commands: u64,
    /// Where one of them is: a session, or the name of a case.
    pub(crate) place: String,
    /// Its statement.
    pub(crate) statement: String,
}

/// Everything that was compared.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Comparison {
    /// How many commands were compared.
    pub(crate) commands: u64,
    /// What is decided otherwise, the most frequent first.
    pub(crate) changes: Vec<Change>,
}

impl Decided {
    /// What a verdict decides, or would decide if it were enforced.
    pub(crate) fn of(verdict: &Verdict) -> Self {
        let decision = super::cases::said(verdict.shadow.unwrap_or(verdict.decision)).to_owned();
        let rule = verdict.rule.as_ref().map(|rule| rule.0.clone());
        Self { decision, rule, reason: verdict.reason.code().to_owned() }
    }

    /// The decision, where it is one.
    pub(crate) fn decision(&self) -> Option<Decision> {
        [Decision::Allow, Decision::Deny, Decision::Hold]
            .into_iter()
            .find(|decision| super::cases::said(*decision) == self.decision)
    }
}

impl Comparison {
    /// One command. What decides is compared, not by which rule it is allowed.
    pub(crate) fn add(&mut self, before: Decided, now: Decided, place: &str, statement: &str) {
        self.commands += 1;
        let same = before.decision == now.decision && (before.rule == now.rule || before.decision == "allow");
        if same {
            return;
        }
        let change =
            Change { before, now, commands: 1, place: place.to_owned(), statement: statement.to_owned() };
        self.put(change);
    }

    /// All of another comparison.
    pub(crate) fn merge(&mut self, other: Self) {
        self.commands += other.commands;
        other.changes.into_iter().for_each(|change| self.put(change));
    }

    fn put(&mut self, change: Change) {
        let known = |it: &&mut Change| it.before == change.before && it.now == change.now;
        match self.changes.iter_mut().find(known) {
            Some(known) => {
                known.commands += change.commands;
                // Whoever compared first, the same one is shown.
                if (&change.place, &change.statement) < (&known.place, &known.statement) {
                    (known.place, known.statement) = (change.place, change.statement);
                }
            }
            None => self.changes.push(change),
        }
    }

    /// Puts the most frequent first.
    pub(crate) fn sort(&mut self) {
        self.changes.sort_by(|one, other| {
            let by_count = other.commands.cmp(&one.commands);
            by_count.then_with(|| (&one.before, &one.now).cmp(&(&other.before, &other.now)))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(decision: &str, rule: &str) -> Decided {
        Decided { decision: decision.to_owned(), rule: Some(rule.to_owned()), reason: "SG102".to_owned() }
    }

    #[test]
    fn changes_are_put_together_and_sorted_by_how_many_they_are() {
        let mut all = Comparison::default();
        all.add(decided("allow", "a"), decided("allow", "b"), "s-1", "select 1");
        all.add(decided("deny", "a"), decided("deny", "a"), "s-1", "drop");
        assert!(all.changes.is_empty(), "another rule that allows changes nothing");
        all.add(decided("deny", "a"), decided("deny", "b"), "s-1", "drop");
        let mut other = Comparison::default();
        for place in ["s-3", "s-2"] {
            other.add(decided("allow", "a"), decided("hold", "h"), place, "update");
        }
        all.merge(other);
        all.sort();
        let told: Vec<_> = all.changes.iter().map(|it| (it.commands, it.place.as_str())).collect();
        assert_eq!((all.commands, told), (5, vec![(2, "s-2"), (1, "s-1")]));
    }
}
