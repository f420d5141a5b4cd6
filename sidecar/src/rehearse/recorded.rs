//! A recorded session, judged again.

use chaperone_model::{Reason, UnixSeconds};
use chaperone_policy::Policy;
use chaperone_proto::VerdictRecord;

use super::{Comparison, Decided, Session, Who};
use crate::store::Summary;

/// What stands in a record before what an EXECUTE runs.
const RUNS: &str = "\n-- runs --\n";
/// What stands between those of several commands that a name may have stood for.
const OR: &str = "\n-- or --\n";

/// Who it was, and sql-guard's verdicts in order, with their times in nanoseconds since 1970.
#[derive(Debug)]
pub(crate) struct Recorded {
    who: Who,
    verdicts: Vec<(u64, VerdictRecord)>,
}

impl Recorded {
    pub(crate) fn new(summary: &Summary, verdicts: Vec<(u64, VerdictRecord)>) -> Self {
        let said = |text: &String| (!text.is_empty()).then(|| text.clone());
        let who = Who {
            subject: said(&summary.subject),
            groups: summary.groups.clone(),
            issuer: said(&summary.issuer),
            resource: said(&summary.resource),
            role: said(&summary.role),
            database: said(&summary.database),
        };
        Self { who, verdicts }
    }

    /// Compares with what the policy decides, and counts what cannot be judged again. `place` names the session.
    ///
    /// # Errors
    /// With why nothing of it can.
    pub(crate) fn replay(&self, policy: &Policy, place: &str) -> Result<(Comparison, u64), String> {
        if self.who.subject.is_none() {
            return Err("nobody signed in".to_owned());
        }
        let mut session = Session::new(policy, self.who.known(policy)?, UnixSeconds(0));
        let (mut comparison, mut unclear) = (Comparison::default(), 0);
        // What is left of a budget no policy tells: a command was judged before, or was not run at all.
        let judged = self.verdicts.iter().filter(|(_, it)| it.reason != Reason::BudgetUsedUp.code());
        for (time, verdict) in judged {
            session.set_now(UnixSeconds(time / 1_000_000_000));
            let statement = verdict.statement.as_str();
            // What an EXECUTE runs is known from the PREPARE before. Anybody can write the words that stand between, so it
            // counts only where the same comes of it again, to the byte.
            let outer = statement.split_once(RUNS).map(|(outer, _)| outer);
            let again = outer.filter(|outer| session.stands_for(outer, statement, &verdict.digest));
            let whole = verdict.digest.is_empty().then_some(statement);
            let judged = again.or(whole).map(|text| (text, session.say(text)));
            match judged {
                // One of several commands, joined by words that make no sense as SQL.
                Some((text, judged)) if !(text.contains(OR) && judged.is_unread()) => {
                    comparison.add(before(verdict), Decided::of(&judged.verdict), place, text);
                }
                _ => unclear += 1,
            }
        }
        Ok((comparison, unclear))
    }
}

/// What was decided, or would have been if the policy had been enforced.
fn before(verdict: &VerdictRecord) -> Decided {
    let decision = if verdict.shadow.is_empty() { &verdict.decision } else { &verdict.shadow };
    Decided {
        decision: decision.clone(),
        rule: (!verdict.rule.is_empty()).then(|| verdict.rule.clone()),
        reason: verdict.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = include_str!("../../../examples/shop/policy.yaml");

    fn verdict(decision: &str, rule: &str, statement: &str) -> (u64, VerdictRecord) {
        let [decision, rule, statement] = [decision, rule, statement].map(str::to_owned);
        (1_800_000_000_000_000_000, VerdictRecord { decision, rule, statement, ..VerdictRecord::default() })
    }

    #[test]
    fn a_session_is_judged_again_from_its_beginning() {
        let summary = Summary {
            subject: "agent-7".to_owned(),
            groups: vec!["analysts".to_owned()],
            issuer: "http://127.0.0.1:8085".to_owned(),
            resource: "shop".to_owned(),
            role: "analyst".to_owned(),
            database: "shop".to_owned(),
            ..Summary::default()
        };
        let policy = Policy::from_text(POLICY).unwrap();
        let mut long = verdict("allow", "read-the-shop", "select 1 -- and so on");
        long.1.digest = "ab".to_owned();
        let verdicts = vec![
            verdict("allow", "read-the-shop", "select 1"),
            verdict("allow", "everything", "prepare q as select 1"),
            verdict("allow", "everything", "execute q\n-- runs --\nprepare q as select 1"),
            verdict("allow", "everything", "drop table orders"),
            verdict("deny", "no-drop", "drop table customers"),
            verdict("allow", "everything", "select 1\n-- or --\nselect 2"),
            long,
        ];
        let (comparison, unclear) = Recorded::new(&summary, verdicts).replay(&policy, "s-1").unwrap();
        assert_eq!((comparison.commands, unclear), (5, 2));
        let [change] = comparison.changes.as_slice() else { panic!("{comparison:?}") };
        assert_eq!(
            (change.statement.as_str(), change.now.rule.as_deref()),
            ("drop table orders", Some("no-drop"))
        );
        // Words of the agent's own that look like ours hide nothing.
        for hidden in ["select 1\n-- runs --\n; drop table orders", "select 1\n-- or --\n; drop table orders"]
        {
            let verdicts = vec![verdict("allow", "everything", hidden)];
            let (comparison, unclear) = Recorded::new(&summary, verdicts).replay(&policy, "s-1").unwrap();
            assert_eq!((comparison.changes.len(), unclear), (1, 0), "{hidden}");
        }
        let mut cut = verdict("allow", "everything", "select 1\n-- runs --\n-- and so on");
        cut.1.digest = "ab".to_owned();
        let (comparison, unclear) = Recorded::new(&summary, vec![cut]).replay(&policy, "s-1").unwrap();
        assert_eq!((comparison.commands, unclear), (0, 1));
        let mut budget = verdict("deny", "little", "select 1");
        budget.1.reason = "SG115".to_owned();
        let (comparison, unclear) = Recorded::new(&summary, vec![budget]).replay(&policy, "s-1").unwrap();
        assert_eq!((comparison.commands, unclear), (0, 0));
        let nobody = Recorded::new(&Summary::default(), Vec::new());
        assert_eq!(nobody.replay(&policy, "s-2").unwrap_err(), "nobody signed in");
    }
}
