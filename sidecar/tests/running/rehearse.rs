//! `policy explain` and `policy test` on the command line, and the cases of every policy that we ship.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::{Place, chaperone, ran};
use crate::sessions::recorded;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn path(below: &str) -> String {
    root().join(below).to_str().unwrap().to_owned()
}

fn shop() -> String {
    path("examples/shop/policy.yaml")
}

/// A rule that nobody would miss is decided by none of them.
#[test]
fn every_policy_that_we_ship_keeps_what_it_promises() {
    let packs = std::fs::read_dir(root().join("policies")).unwrap().map(|entry| entry.unwrap().path());
    let mut policies: Vec<_> = packs.filter(|path| path.extension().is_some_and(|it| it == "yaml")).collect();
    policies.retain(|path| !path.to_str().unwrap().ends_with(".test.yaml"));
    assert!(policies.len() >= 5);
    policies.push(shop().into());
    for policy in policies {
        let cases = policy.with_extension("test.yaml");
        let tested = ran(&mut chaperone(&["policy", "test", cases.to_str().unwrap()]));
        assert_eq!(tested.code, 0, "{}{}", tested.out, tested.err);
        assert!(!tested.out.contains("no case is decided by"), "{}", tested.out);
        let policy = policy.to_str().unwrap();
        let linted = ran(&mut chaperone(&["policy", "lint", policy, "--allow", "opens_everything"]));
        assert_eq!(linted.code, 0, "{}", linted.out);
    }
}

#[test]
fn what_was_probably_not_meant_is_told() {
    let place = Place::new();
    let file = place.join("policy.yaml");
    let text = std::fs::read_to_string(shop()).unwrap();
    let rule = "rules:\n  - { id: all, effect: deny, match: { verbs: [drop] } }\n";
    std::fs::write(
        &file,
        text.replace("\nrules:\n", &format!("\n{rule}")).replace("verbs: [drop, truncate]", "verbs: [drop]"),
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let linted = ran(&mut chaperone(&["policy", "lint", file]));
    assert_eq!(linted.code, 1);
    let expected =
        "rule `no-drop`: it is never reached: rule `all` decides everything that it is about [never_reached]";
    assert!(linted.out.contains(expected) && linted.out.contains("warning: line "), "{}", linted.out);
    let told = ran(&mut chaperone(&["policy", "lint", file, &shop(), "--json"]));
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told.pointer("/0/warnings/0/kind").unwrap(), "never_reached");
    assert_eq!(told.pointer("/1/warnings").unwrap().as_array().unwrap().len(), 0);
    std::fs::write(file, "version: 2").unwrap();
    let wrong = ran(&mut chaperone(&["policy", "lint", file]));
    assert!(wrong.code == 1 && wrong.out.contains("line 1"), "{}", wrong.out);
}

#[test]
fn a_case_that_does_not_hold_is_told_as_a_difference() {
    let place = Place::new();
    let file = place.join("cases.yaml");
    let cases = "who: { groups: [analysts] }
cases:
  - { name: reads, run: SELECT 1, expect: { verdict: allow } }
  - { name: drops, run: DROP TABLE t, expect: { verdict: hold, rule: no-drop } }
";
    std::fs::write(&file, cases).unwrap();
    let file = file.to_str().unwrap();
    let tested = ran(&mut chaperone(&["policy", "test", file, "--policy", &shop()]));
    assert_eq!(tested.code, 1);
    let expected =
        "  ✓ reads\n  ✗ drops\n      => DROP TABLE t\n      - verdict: hold\n      + verdict: deny\n";
    assert!(tested.out.contains(expected), "{}", tested.out);
    assert!(
        tested.out.contains("1 of 2 cases hold\nno case is decided by: no-unbounded-write"),
        "{}",
        tested.out
    );
    let told = ran(&mut chaperone(&["policy", "test", file, "--policy", &shop(), "--json"]));
    let told: Value = serde_json::from_str(&told.out).unwrap();
    let differs = told.pointer("/0/cases/1/differences/0").unwrap();
    assert_eq!(differs, &serde_json::json!({ "what": "verdict", "expected": "hold", "found": "deny" }));
    // What is no file of cases is trouble, and says where.
    let without = ran(&mut chaperone(&["policy", "test", file]));
    assert_eq!(without.code, 2);
    assert!(without.err.contains("it names no policy"), "{}", without.err);
    std::fs::write(file, "cases:\n  - { name: x, runs: y }\n").unwrap();
    let wrong = ran(&mut chaperone(&["policy", "test", file, "--policy", &shop()]));
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("line 2") && wrong.err.contains("`runs`"), "{}", wrong.err);
}

#[test]
fn statements_are_explained() {
    let explain = |more: &[&str]| {
        let shop = shop();
        let mut args = vec!["policy", "explain", &shop, "--group", "analysts"];
        args.extend(more);
        ran(&mut chaperone(&args))
    };
    let allowed = explain(&["SELECT card FROM customers"]);
    assert_eq!(allowed.code, 0, "{}{}", allowed.out, allowed.err);
    for line in [
        "agent (analysts) as analyst on shop/shop, under policy `shop`",
        "=> SELECT card FROM customers",
        "   allowed by rule `read-the-shop`",
        "  SELECT, read table customers, columns card",
        "  ▶ read-the-shop         allow   it matches",
        "    no-drop               deny    nothing in the statement is among `verbs`",
        "  hidden from this caller: public.customers.card (cards)",
    ] {
        assert!(allowed.out.contains(line), "{line}\n{}", allowed.out);
    }
    let held = explain(&["prepare q as update accounts set balance = 0 where id = 1", "execute q"]);
    assert_eq!(held.code, 1);
    assert_eq!(held.out.matches("held AH100 by rule `hold-accounts`").count(), 2, "{}", held.out);
    let told = explain(&["drop table t", "--json"]);
    assert_eq!(told.code, 1);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told.pointer("/texts/0/verdict/reason").unwrap(), "SG102");
    assert_eq!(told.pointer("/texts/0/rules/0/matched").unwrap(), true);
    let nobody = ran(&mut chaperone(&["policy", "explain", &shop(), "select 1"]));
    assert_eq!(nobody.code, 2);
    assert!(nobody.err.contains("no role of `shop` lets this caller in"), "{}", nobody.err);
}

/// The shop's policy without a rule against DROP, as a file.
fn candidate(place: &Place) -> String {
    let text = std::fs::read_to_string(shop()).unwrap();
    let file = place.join("candidate.yaml");
    let text = text.replace(
        "effect: deny\n    match: { verbs: [drop, truncate] }",
        "effect: allow\n    match: { verbs: [drop] }",
    );
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn two_policies_are_compared_over_cases_and_statements() {
    let place = Place::new();
    let (shop, candidate, cases) = (shop(), candidate(&place), path("examples/shop/policy.test.yaml"));
    let same = ran(&mut chaperone(&["policy", "diff", &shop, &shop, "--cases", &cases]));
    assert_eq!(
        (same.code, same.out.lines().last()),
        (0, Some("nothing is decided otherwise")),
        "{}",
        same.err
    );
    let other = ran(&mut chaperone(&["policy", "diff", &shop, &candidate, "--cases", &cases]));
    assert_eq!(other.code, 1);
    for line in ["2 of 16 are decided otherwise", "denied by `no-drop` → allowed by `no-drop`"] {
        assert!(other.out.contains(line), "{line}\n{}", other.out);
    }
    let statements = place.join("statements.sql");
    std::fs::write(&statements, "select 1\n\ndrop table t\n").unwrap();
    let statements = statements.to_str().unwrap();
    let args =
        ["policy", "diff", &shop, &candidate, "--statements", statements, "--group", "analysts", "--json"];
    let told: Value = serde_json::from_str(&ran(&mut chaperone(&args)).out).unwrap();
    assert_eq!(told.pointer("/compared/commands").unwrap(), 2);
    assert_eq!(told.pointer("/compared/changes/0/place").unwrap(), "line 3");
    assert_eq!(ran(&mut chaperone(&["policy", "diff", &shop, &candidate])).code, 2, "over what?");
}

#[test]
fn recorded_sessions_are_judged_again() {
    let place = Place::new();
    let sidecar = recorded(&place);
    let same = sidecar.run(&["policy", "replay", &shop()]);
    assert_eq!(same.code, 0, "{}{}", same.out, same.err);
    assert!(same.out.starts_with("1 session, 1 command, under `shop`"), "{}", same.out);
    let other = sidecar.run(&["policy", "replay", &candidate(&place), "last"]);
    assert_eq!(other.code, 1, "{}{}", other.out, other.err);
    for line in [
        "1 of 1 are decided otherwise",
        "      1  denied by `no-drop` → allowed by `no-drop`",
        "s-0123456789abcdef0123456789abcdef DROP TABLE customers",
    ] {
        assert!(other.out.contains(line), "{line}\n{}", other.out);
    }
    // One that knows nothing of the resource leaves the session out, and says so.
    let pack = sidecar.run(&["policy", "replay", &path("policies/pii.yaml"), "--json"]);
    let told: Value = serde_json::from_str(&pack.out).unwrap();
    assert_eq!((pack.code, told.pointer("/sessions").unwrap()), (0, &Value::from(0)));
    assert!(
        told.pointer("/skipped/0").unwrap().as_str().unwrap().contains("has no resource `shop`"),
        "{told}"
    );
    let nobody =
        ran(chaperone(&["policy", "replay", &shop()]).env("CHAPERONE_SIDECAR_URL", "http://127.0.0.1:1"));
    assert_eq!(nobody.code, 2);
}
