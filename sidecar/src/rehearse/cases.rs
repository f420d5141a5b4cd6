//! Cases beside a policy: who says what, and what must come of it.
//!
//! ```yaml
//! policy: policy.yaml             # from this file's directory
//! who: { groups: [analysts] }     # of all cases that say nothing else
//! cases:
//!   - name: nothing is dropped
//!     run: [BEGIN, DROP TABLE customers]
//!     expect: { verdict: deny, rule: no-drop, reason: SG102 }
//! ```

use std::collections::BTreeSet;

use chaperone_model::{Decision, Reason, UnixSeconds};
use chaperone_policy::{Error, Policy, Tree};
use serde::Deserialize;

use super::{Judged, Session, Who};

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cases {
    /// The policy's path, from the file's directory.
    #[serde(default)]
    pub(crate) policy: Option<String>,
    /// Who asks where a case does not say.
    #[serde(default)]
    who: Who,
    pub(crate) cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// Who asks; what is not said here is as in the file.
    #[serde(default)]
    who: Who,
    /// When, such as 2026-01-31T22:00:00Z; now where nothing is said.
    #[serde(default)]
    at: Option<jiff::Timestamp>,
    /// The texts of one session. All but the last must be allowed.
    run: Texts,
    expect: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

/// What must come of the last text. What is not said may be anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    verdict: Decision,
    /// The rule that decides.
    #[serde(default)]
    rule: Option<String>,
    /// The reason's code.
    #[serde(default)]
    reason: Option<Reason>,
    /// All hidden columns of the tables that it touches, as `schema.table.column`.
    #[serde(default)]
    hidden: Option<BTreeSet<String>>,
}

/// Something that is otherwise than expected.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// What became of a case.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The text that was judged last.
    pub(crate) text: String,
    pub(crate) judged: Judged,
    /// Empty where the case holds.
    pub(crate) differences: Vec<Difference>,
}

impl Cases {
    /// Reads a file's text.
    ///
    /// # Errors
    /// With every mistake found, and its line.
    pub(crate) fn from_text(text: &str) -> Result<Self, Error> {
        Tree::from_text(text)?.decode()
    }

    /// Runs a case.
    ///
    /// # Errors
    /// With what the case has to say of the caller, since the policy does not.
    pub(crate) fn run(&self, case: &Case, policy: &Policy, now: UnixSeconds) -> Result<Outcome, String> {
        let who = case.who.clone().or(&self.who).known(policy)?;
        let at = case.at.and_then(|at| u64::try_from(at.as_second()).ok()).map(UnixSeconds);
        let mut session = Session::new(policy, who, at.unwrap_or(now));
        let texts = match &case.run {
            Texts::One(text) => std::slice::from_ref(text),
            Texts::Many(texts) => texts.as_slice(),
        };
        let Some((last, before)) = texts.split_last() else { return Err("`run` is empty".to_owned()) };
        for text in before {
            let judged = session.say(text);
            if judged.verdict.decision != Decision::Allow {
                let found = said(judged.verdict.decision).to_owned();
                let expected = said(Decision::Allow).to_owned();
                let differences = vec![Difference { what: "verdict on the way", expected, found }];
                return Ok(Outcome { text: text.clone(), judged, differences });
            }
        }
        let judged = session.say(last);
        let differences = case.expect.differences(&judged);
        Ok(Outcome { text: last.clone(), judged, differences })
    }
}

impl Expected {
    fn differences(&self, judged: &Judged) -> Vec<Difference> {
        let verdict = &judged.verdict;
        let mut differences = Vec::new();
        let mut differ = |what, expected: &str, found: &str| {
            if expected != found {
                differences.push(Difference { what, expected: expected.to_owned(), found: found.to_owned() });
            }
        };
        differ("verdict", said(self.verdict), said(verdict.decision));
        if let Some(rule) = &self.rule {
            differ("rule", rule, verdict.rule.as_ref().map_or("none", |rule| &rule.0));
        }
        if let Some(reason) = self.reason {
            differ("reason", reason.code(), verdict.reason.code());
        }
        if let Some(hidden) = &self.hidden {
            let found: BTreeSet<_> = judged.hidden.iter().map(|(column, _)| column.clone()).collect();
            differ("hidden", &listed(hidden), &listed(&found));
        }
        differences
    }
}

fn listed(columns: &BTreeSet<String>) -> String {
    if columns.is_empty() {
        return "nothing".to_owned();
    }
    columns.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// A decision as cases write it.
pub(crate) const fn said(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::Deny => "deny",
        Decision::Hold => "hold",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = include_str!("../../../examples/shop/policy.yaml");
    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn outcome(case: &str) -> Result<Outcome, String> {
        let cases = format!("who: {{ groups: [analysts] }}\ncases: [{case}]");
        let cases = Cases::from_text(&cases).unwrap();
        let policy = Policy::from_text(POLICY).unwrap();
        cases.run(&cases.cases[0], &policy, NOW)
    }

    fn differences(case: &str) -> Vec<String> {
        let differences = outcome(case).unwrap().differences;
        differences.iter().map(|it| format!("{}: {}, not {}", it.what, it.found, it.expected)).collect()
    }

    #[test]
    fn what_is_as_expected_holds_and_the_rest_is_told() {
        let drop = "{ name: n, run: drop table t, expect: { verdict: deny, rule: no-drop, reason: SG102 } }";
        assert_eq!(differences(drop), [""; 0]);
        let wrong = "{ name: n, run: drop table t, expect: { verdict: allow, rule: r, reason: SG101 } }";
        let found = ["verdict: deny, not allow", "rule: no-drop, not r", "reason: SG102, not SG101"];
        assert_eq!(differences(wrong), found);
        let hidden = "{ name: n, run: select 1 from customers, expect: { verdict: allow, hidden: [] } }";
        let all = "public.customers.card, public.customers.email, public.customers.notes";
        assert_eq!(differences(hidden), [format!("hidden: {all}, not nothing")]);
    }

    #[test]
    fn a_case_is_a_session_of_somebody() {
        let session = "{ name: n, run: [prepare q as update accounts set a = 1 where b = 2, execute q],
            expect: { verdict: hold } }";
        assert_eq!(differences(session), ["verdict on the way: hold, not allow"]);
        let session = "{ name: n, run: [prepare q as select 1, execute q], expect: { verdict: allow } }";
        assert_eq!(differences(session), [""; 0]);
        let admins = "{ name: n, who: { groups: [admins], role: admin }, run: select 1 from customers,
            expect: { verdict: allow, hidden: [public.customers.card, public.customers.email] } }";
        assert_eq!(differences(admins), [""; 0]);
        let nobody = "{ name: n, who: { groups: [x], resource: y }, run: select, expect: { verdict: deny } }";
        assert!(outcome(nobody).unwrap_err().contains("the policy has no resource `y`; it has shop"));
    }

    #[test]
    fn mistakes_are_told_with_their_lines() {
        for (text, wrong) in [
            ("cases:\n  - name: n\n    run: x\n    expect: { verdict: maybe }", "line 4, column 24"),
            ("cases:\n  - name: n\n    run: x\n    expects: {}", "unknown field `expects`"),
            ("cases:\n  - { name: n, at: noon, run: x, expect: { verdict: deny } }", "line 2"),
            ("cases:\n  - { name: n, run: x, expect: { verdict: deny, reason: SG1 } }", "SG1"),
        ] {
            let error = Cases::from_text(text).unwrap_err().to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
