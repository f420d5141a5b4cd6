//! What callers may use up, and what they are told when it is.

use std::sync::Arc;

use chaperone_model::{Amounts, Decision, Digest, Measure, Reason, RuleId, Verdict};

use crate::access::Caller;
use crate::document::{Per, Size};
use crate::error::Position;
use crate::matcher::Who;
use crate::policy::Policy;

/// Something that can be used up.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Its id.
    pub id: RuleId,
    /// Whose use is counted together.
    pub per: Per,
    /// How many seconds it lasts, from the first that is counted; none: as long as the session.
    pub window: Option<u64>,
    /// The most of each.
    pub most: Amounts,
    /// Under which it is counted: the same as long as its id, `per`, `window` and those whom it is for are the same, so that
    /// other limits apply to what was used before.
    pub digest: Digest,
    pub(crate) at: Option<Position>,
    pub(crate) who: Who,
    pub(crate) message: Option<String>,
    pub(crate) hint: Option<String>,
}

impl Policy {
    /// The budgets that the caller's commands are counted against, in the order of the document.
    pub fn budgets(&self, caller: &Caller<'_>) -> impl Iterator<Item = &Arc<Budget>> {
        self.budgets.iter().filter(|budget| budget.who.is(caller).is_ok())
    }
}

impl Budget {
    /// Whether it limits what results have: rows or bytes.
    #[must_use]
    pub const fn limits_results(&self) -> bool {
        self.most.rows < u64::MAX || self.most.bytes < u64::MAX
    }

    /// It is used up. `free_in`: seconds until it begins anew; none where that is with another session.
    #[must_use]
    pub fn used_up(&self, measure: Measure, free_in: Option<u64>) -> Verdict {
        let head = self.message.clone().unwrap_or_else(|| format!("the budget `{}` is used up", self.id));
        let again = match free_in {
            Some(seconds) => format!("it begins anew in {}", duration(seconds)),
            None => "it is for the whole session".to_owned(),
        };
        let hint = self.hint.as_deref().unwrap_or(Reason::BudgetUsedUp.remedy());
        self.denies(
            Reason::BudgetUsedUp,
            format!("{head}: at most {} {}", self.amount(measure), self.span()),
            format!("{}; {again}", hint.trim_end_matches('.')),
        )
    }

    /// Nobody can tell what is left of it.
    #[must_use]
    pub fn uncounted(&self) -> Verdict {
        let reason = Reason::MemoryFull;
        let message = format!("there is no room to count what is used of the budget `{}`", self.id);
        self.denies(reason, message, "try again later".to_owned())
    }

    fn denies(&self, reason: Reason, message: String, hint: String) -> Verdict {
        Verdict {
            decision: Decision::Deny,
            reason,
            rule: Some(self.id.clone()),
            message,
            hint,
            hold: None,
            shadow: None,
        }
    }

    fn amount(&self, measure: Measure) -> String {
        let most = self.most.of(measure);
        match measure {
            Measure::Bytes => format!("{} of results", Size(most)),
            Measure::Rows | Measure::Statements | Measure::Writes => {
                let name = measure.name();
                format!("{most} {}", if most == 1 { name.trim_end_matches('s') } else { name })
            }
        }
    }

    fn span(&self) -> String {
        let whose = match self.per {
            Per::Session => "in a session",
            Per::Subject => "in all sessions of one caller",
        };
        match self.window {
            Some(window) => format!("in {} {whose}", duration(window)),
            None => whose.to_owned(),
        }
    }
}

/// A time in its two largest units.
fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let begin = units.iter().position(|(unit, _)| seconds >= *unit).unwrap_or(units.len() - 1);
    let mut rest = seconds;
    let mut words = Vec::new();
    for (unit, name) in units.iter().skip(begin).take(2) {
        let number = rest / unit;
        rest %= unit;
        if number > 0 || words.is_empty() && *unit == 1 {
            words.push(format!("{number}{name}"));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(per: Per, window: Option<u64>) -> Budget {
        Budget {
            id: RuleId("little".into()),
            per,
            window,
            most: Amounts { rows: 50_000, bytes: 100_000_000, statements: 1, writes: 2 },
            digest: Digest([0; 32]),
            at: None,
            who: Who::default(),
            message: None,
            hint: None,
        }
    }

    #[test]
    fn the_limit_the_window_and_the_time_are_named() {
        let verdict = budget(Per::Subject, Some(3_600)).used_up(Measure::Rows, Some(3_599));
        let most = "at most 50000 rows in 1h in all sessions of one caller";
        assert_eq!(verdict.message, format!("the budget `little` is used up: {most}"));
        assert!(verdict.hint.ends_with("; it begins anew in 59m 59s"), "{}", verdict.hint);
        assert_eq!((verdict.reason.code(), verdict.rule.unwrap().as_str()), ("SG115", "little"));
        let own = Budget {
            message: Some("agents look, they do not copy".into()),
            hint: Some("Ask data@shop.".into()),
            ..budget(Per::Session, None)
        };
        let verdict = own.used_up(Measure::Bytes, None);
        assert_eq!(verdict.message, "agents look, they do not copy: at most 100 MB of results in a session");
        assert_eq!(verdict.hint, "Ask data@shop; it is for the whole session");
        assert!(own.used_up(Measure::Statements, None).message.contains("at most 1 statement in"));
    }

    #[test]
    fn times_have_two_units() {
        for (seconds, expected) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h 1m"), (90_000, "1d 1h"), (86_400, "1d")]
        {
            assert_eq!(duration(seconds), expected);
        }
    }
}
