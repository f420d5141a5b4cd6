//! First level: what the guard sees of every case. Second level: what a deny list and an allow list say of it.

use std::collections::BTreeSet;

use chaperone_corpus::{Deed, FILTER, Gaps, POLICIES, Spelling, forbidden, legitimate, policy};
use chaperone_model::facts::Facts;
use chaperone_model::{Decision, Identity, Reason, UnixSeconds};
use chaperone_policy::{Caller, Policy};
use chaperone_sql_guard::Rehearsal;

const NOW: UnixSeconds = UnixSeconds(1_780_000_000);

/// The facts of each text of a session that the guard reads; none for one that it refuses whatever a policy says.
fn read(texts: &[String]) -> Vec<Option<Facts>> {
    let mut session = Rehearsal::default();
    let mut facts = Vec::new();
    for text in texts {
        let Ok(read) = session.read(text.as_bytes()) else {
            facts.push(None);
            continue;
        };
        facts.push(Some(Facts::clone(read.command.facts())));
        let _ = session.runs(&read);
    }
    facts
}

fn is_understood(facts: &[Option<Facts>]) -> bool {
    !facts.iter().flatten().any(Facts::is_opaque)
}

/// The first verdict over a session's texts that is not "allowed": its decision, reason and rule.
fn verdict(policy: &Policy, texts: &[String]) -> (Decision, Option<Reason>, Option<String>) {
    let identity = Identity {
        subject: "agent-7".to_owned(),
        groups: vec!["agents".to_owned()],
        issuer: "http://127.0.0.1:8085".to_owned(),
        token_id: "t".to_owned(),
        expires_at: UnixSeconds(NOW.0 + 600),
    };
    let caller = Caller { identity: &identity, resource: "shop", role: "agent", database: "world" };
    let mut session = Rehearsal::default();
    for text in texts {
        let read = match session.read(text.as_bytes()) {
            Ok(read) => read,
            Err(reason) => return (Decision::Deny, Some(reason), None),
        };
        let verdict = policy.decide(&caller, read.command.facts(), NOW);
        if verdict.decision != Decision::Allow {
            return (verdict.decision, Some(verdict.reason), verdict.rule.map(|rule| rule.0));
        }
        if let Err(reason) = session.runs(&read) {
            return (Decision::Deny, Some(reason), None);
        }
    }
    (Decision::Allow, None, None)
}

/// What is wrong with how a spelling is judged.
fn slips_through(policies: &[(&str, Policy)], deed: &Deed, spelling: &Spelling) -> Option<String> {
    let texts = spelling.sql.all();
    let sight = spelling.facts.as_ref().unwrap_or(&deed.facts);
    let facts = read(texts);
    let seen = facts.iter().any(|facts| facts.as_ref().is_none_or(|facts| sight.is_in(facts)));
    if !seen || (!sight.opaque && !is_understood(&facts)) {
        return Some(format!("wanted {sight:?}\n  found {facts:?}"));
    }
    let rule = spelling.rule.as_ref().unwrap_or(&deed.rule);
    policies.iter().find_map(|(name, policy)| {
        let found = verdict(policy, texts);
        let as_meant = match (*name, &found) {
            (_, (Decision::Allow | Decision::Hold, ..)) => false,
            ("deny-list.yaml", (_, _, said)) => sight.opaque || said.is_none() || said.as_ref() == Some(rule),
            _ => true,
        };
        (!as_meant).then(|| format!("{name}: {found:?}, meant `{rule}`"))
    })
}

/// What is wrong with how a look-alike is judged.
fn is_refused(policies: &[(&str, Policy)], texts: &[String]) -> Option<String> {
    let facts = read(texts);
    if facts.iter().any(Option::is_none) || !is_understood(&facts) {
        return Some(format!("not understood: {facts:?}"));
    }
    policies.iter().find_map(|(name, policy)| {
        let found = verdict(policy, texts);
        (found.0 != Decision::Allow).then(|| format!("{name}: {found:?}\n  {facts:?}"))
    })
}

fn policies() -> Vec<(&'static str, Policy)> {
    POLICIES.into_iter().map(|name| (name, policy(name))).collect()
}

#[test]
fn every_deed_is_seen_and_refused_in_every_spelling() {
    let (gaps, policies) = (Gaps::read(), policies());
    let (mut wrong, mut mended) = (Vec::new(), Vec::new());
    let (mut spellings, mut opaque) = (0, 0);
    for (file, deeds) in forbidden() {
        for deed in deeds.deeds {
            for spelling in &deed.spellings {
                spellings += 1;
                opaque += usize::from(spelling.facts.as_ref().unwrap_or(&deed.facts).opaque);
                match (slips_through(&policies, &deed, spelling), gaps.has(&spelling.sql)) {
                    (Some(problem), false) => {
                        wrong.push(format!("{file}: {}\n  {:?}\n  {problem}", deed.deed, spelling.sql.all()));
                    }
                    (None, true) => mended.push(format!("{:?}", spelling.sql.all())),
                    _ => {}
                }
            }
        }
    }
    println!("{spellings} spellings, {opaque} of them not understood, {} gaps", gaps.len());
    assert!(
        wrong.is_empty(),
        "{} of {spellings} are not as they should be:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(mended.is_empty(), "no longer gaps, take them out of gaps.yaml:\n{}", mended.join("\n"));
}

#[test]
fn what_is_legitimate_is_understood_and_allowed() {
    let (gaps, policies) = (Gaps::read(), policies());
    let (mut wrong, mut mended) = (Vec::new(), Vec::new());
    for (file, statements) in legitimate() {
        for statement in &statements.statements {
            match (is_refused(&policies, statement.sql.all()), gaps.has(&statement.sql)) {
                (Some(problem), false) => {
                    wrong.push(format!("{file}: {:?}\n  {problem}", statement.sql.all()))
                }
                (None, true) => mended.push(format!("{:?}", statement.sql.all())),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} are not as they should be:\n{}", wrong.len(), wrong.join("\n"));
    assert!(mended.is_empty(), "no longer gaps, take them out of gaps.yaml:\n{}", mended.join("\n"));
}

/// That somebody who adds a case twice, or leaves the reason out, is told.
#[test]
fn every_case_is_there_once_and_says_why() {
    let mut seen = BTreeSet::new();
    let (mut kinds, mut spellings, mut lookalikes) = (0, 0, 0);
    for (file, deeds) in forbidden() {
        for deed in deeds.deeds {
            kinds += 1;
            assert!(!deed.spellings.is_empty() && deed.deed.len() > 8, "{file}: {}", deed.deed);
            for spelling in deed.spellings {
                spellings += 1;
                assert!(spelling.why.len() > 3, "{file}: {:?} says no why", spelling.sql);
                let texts = spelling.sql.all().join("\u{1}");
                assert!(seen.insert(texts), "{file}: {:?} is there twice", spelling.sql);
            }
        }
    }
    for (file, statements) in legitimate() {
        for statement in statements.statements {
            lookalikes += 1;
            assert!(statement.why.len() > 3, "{file}: {:?} says no why", statement.sql);
            let texts = statement.sql.all().join("\u{1}");
            assert!(seen.insert(texts), "{file}: {:?} is there twice", statement.sql);
        }
    }
    println!("{kinds} kinds of deeds, {spellings} spellings, {lookalikes} look-alikes");
    let all = std::env::var_os(FILTER).is_none();
    assert!(
        !all || kinds >= 25 && spellings >= 400 && lookalikes >= 150,
        "{kinds}, {spellings}, {lookalikes}"
    );
}
