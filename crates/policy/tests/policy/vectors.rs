//! `tests/vectors/*.yaml`: a policy and what it says about statements, each case with its reason to exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chaperone_model::{Decision, HoldTerms, Reason, UnixSeconds};
use chaperone_policy::{Policy, Tree};
use serde::Deserialize;

use crate::support::{BriefCaller, BriefFacts};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    #[serde(default)]
    caller: BriefCaller,
    facts: BriefFacts,
    now: Option<u64>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    decision: Decision,
    reason: Reason,
    rule: Option<String>,
    message: Option<String>,
    hint: Option<String>,
    hold: Option<HoldTerms>,
    shadow: Option<Decision>,
}

#[test]
fn vectors() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let files: BTreeSet<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut failures = Vec::new();
    let mut cases = 0;
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut tree =
            Tree::from_text(&fs::read_to_string(file).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let policy =
            Policy::from_tree(&tree.take("policy").unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let list: Vec<Case> =
            tree.take("cases").unwrap().decode().unwrap_or_else(|error| panic!("{name}: {error}"));
        for case in list {
            cases += 1;
            let owner = case.caller.identity();
            let verdict = policy.decide(
                &case.caller.caller(&owner),
                &case.facts.facts(),
                UnixSeconds(case.now.unwrap_or(crate::support::NOW)),
            );
            let expected = &case.expect;
            let agrees = verdict.decision == expected.decision
                && verdict.reason == expected.reason
                && verdict.rule.as_ref().map(|rule| rule.as_str()) == expected.rule.as_deref()
                && expected.message.as_ref().is_none_or(|message| verdict.message == *message)
                && expected.hint.as_ref().is_none_or(|hint| verdict.hint == *hint)
                && expected.hold.as_ref().is_none_or(|hold| verdict.hold.as_ref() == Some(hold))
                && verdict.shadow == expected.shadow;
            if !agrees {
                failures.push(format!("{name}: {}\n  {verdict:?}", case.why));
            }
            assert!(!verdict.message.contains('\n') && !verdict.message.is_empty(), "{}", case.why);
            assert_eq!(verdict.hold.is_some(), verdict.reason == Reason::HeldForApproval, "{}", case.why);
        }
    }
    assert!(failures.is_empty(), "{} of {cases} cases fail:\n{}", failures.len(), failures.join("\n"));
    assert!(cases >= 60, "only {cases} cases were found");
}
