//! Budgets: what a document may say, whom they are for, and which of them are the same after a change.

use chaperone_model::{Amounts, Measure};
use chaperone_policy::{MAX_BUDGETS, Per, Policy, Tree};

use crate::support::BriefCaller;

const HEAD: &str = "version: 1\nname: test\n";

fn policy(budgets: &str) -> Policy {
    let text = format!("{HEAD}budgets:\n{budgets}");
    Policy::from_text(&text).unwrap_or_else(|error| panic!("{budgets}: {error}"))
}

/// What is wrong with a document with these budgets, which begin at line 4.
fn wrong(budgets: &str) -> String {
    match Policy::from_text(&format!("{HEAD}budgets:\n{budgets}")) {
        Ok(_) => panic!("accepted: {budgets}"),
        Err(error) => error.to_string(),
    }
}

/// The ids of the budgets that are for a caller.
fn ids(policy: &Policy, caller: &BriefCaller) -> Vec<String> {
    let identity = caller.identity();
    policy.budgets(&caller.caller(&identity)).map(|budget| budget.id.0.clone()).collect()
}

#[test]
fn all_that_can_be_said_is_read_alike_from_yaml_and_from_doubles() {
    let yaml = "
  - id: little
    description: agents look, they do not copy
    groups: [agents]
    per: subject
    window: 1h
    statements: 1000
    writes: 20
    rows: 50000
    bytes: 100MB
";
    let json = serde_json::json!({
        "version": 1.0, "name": "test",
        "budgets": [{
            "id": "little", "description": "agents look, they do not copy", "groups": ["agents"], "per": "subject",
            "window": "1h", "statements": 1000.0, "writes": 20.0, "rows": 50000.0, "bytes": 100_000_000.0,
        }],
    });
    let (yaml, json) = (policy(yaml), Policy::from_json(json).unwrap());
    let caller = BriefCaller::default();
    let identity = caller.identity();
    for policy in [&yaml, &json] {
        let budgets: Vec<_> = policy.budgets(&caller.caller(&identity)).collect();
        assert_eq!(budgets.len(), 1);
        assert_eq!((budgets[0].per, budgets[0].window), (Per::Subject, Some(3_600)));
        let most = Amounts { statements: 1_000, writes: 20, rows: 50_000, bytes: 100_000_000 };
        assert_eq!(budgets[0].most, most);
        assert!(budgets[0].limits_results());
    }
    let one = policy("  - { id: a, per: session, rows: 1 }\n");
    let budgets: Vec<_> = one.budgets(&caller.caller(&identity)).collect();
    assert_eq!((budgets[0].per, budgets[0].window), (Per::Session, None));
    assert_eq!(budgets[0].most, Amounts { rows: 1, ..Amounts::UNLIMITED });
}

#[test]
fn mistakes_are_named_with_budget_and_line() {
    for (budget, expected) in [
        ("{ id: b, per: session }", "line 4, column 5: budget `b`: it limits nothing: give"),
        ("{ id: b, per: subject, rows: 1 }", "line 4, column 5: budget `b`: missing field `window`"),
        ("{ id: b, rows: 1 }", "budget `b`: missing field `per`"),
        ("{ id: b, per: agent, rows: 1 }", "budget `b`: per: unknown variant `agent`"),
        ("{ id: b, per: session, rows: 0 }", "budget `b`: rows: expected at least 1"),
        ("{ id: b, per: session, bytes: 0MB }", "budget `b`: bytes: expected at least 1"),
        ("{ id: b, per: session, bytes: 1TB }", "budget `b`: bytes: `1TB` is not a number of bytes such as"),
        ("{ id: b, per: session, bytes: -1 }", "budget `b`: bytes: `-1` is less than nothing"),
        ("{ id: b, per: session, bytes: [1] }", "budget `b`: bytes: expected a number of bytes"),
        ("{ id: b, per: session, rows: 1.5 }", "budget `b`: rows: "),
        ("{ id: b, per: session, rows: -1 }", "budget `b`: rows: "),
        ("{ id: b, per: session, window: 0s, rows: 1 }", "budget `b`: window: expected 1s to 31d"),
        ("{ id: b, per: subject, window: 32d, rows: 1 }", "budget `b`: window: expected 1s to 31d"),
        ("{ id: b, per: session, rows: 1, groups: [] }", "budget `b`: groups: the list is empty"),
        ("{ id: b, per: session, rows: 1, roles: [] }", "budget `b`: roles: the list is empty"),
        ("{ id: b, per: session, rows: 1, subjects: }", "budget `b`: subjects: there is nothing here"),
        ("{ id: b, per: session, rows: 1, when: x }", "budget `b`: unknown field `when`"),
        ("{ id: 'b!', per: session, rows: 1 }", "`b!` is not a name"),
    ] {
        let error = wrong(&format!("  - {budget}\n"));
        assert!(error.contains(expected), "{budget}: {error}");
        assert!(error.starts_with("line 4, column "), "{error}");
    }
    let twice =
        "  - { id: b, per: session, rows: 1 }\nrules:\n  - { id: b, effect: deny, match: { any: true } }\n";
    assert!(wrong(twice).contains("budget `b`: id: `b` is given twice"), "rules and budgets share records");
    let many: String =
        (0..=MAX_BUDGETS).map(|n| format!("  - {{ id: b{n}, per: session, rows: 1 }}\n")).collect();
    assert!(wrong(&many).contains("there are more than 100 budgets"));
}

#[test]
fn a_budget_is_for_those_whom_it_names() {
    let policy = policy(
        "  - { id: everybody, per: session, rows: 1 }
  - { id: agents, per: session, rows: 1, groups: [agents] }
  - { id: others, per: session, rows: 1, except_groups: [agents] }
  - { id: sevens, per: session, rows: 1, subjects: ['*-7'] }
  - { id: not-seven, per: session, rows: 1, except_subjects: [agent-7] }
  - { id: here, per: session, rows: 1, resources: [shop], roles: [agent], databases: ['sh*'] }
  - { id: elsewhere, per: session, rows: 1, databases: [other] }
",
    );
    let agent = BriefCaller::default();
    assert_eq!(ids(&policy, &agent), ["everybody", "agents", "sevens", "here"]);
    let human = BriefCaller { subject: "ada".into(), groups: vec!["humans".into()], ..agent };
    assert_eq!(ids(&policy, &human), ["everybody", "others", "not-seven", "here"]);
}

/// Whoever raises a limit wants a caller to have more, not to begin anew; whoever changes whom it is for counts others.
#[test]
fn what_was_counted_counts_under_other_limits_and_words() {
    let digest = |budget: &str| {
        let policy = policy(&format!("  - {{ {budget} }}\n"));
        let caller = BriefCaller::default();
        let identity = caller.identity();
        let digest = policy.budgets(&caller.caller(&identity)).map(|budget| budget.digest).next();
        digest.unwrap()
    };
    let first = digest("id: b, per: subject, window: 1h, rows: 1");
    for same in [
        "id: b, per: subject, window: 1h, rows: 2",
        "window: 1h, id: b, per: subject, bytes: 1KB, statements: 7, writes: 7",
        "id: b, per: subject, window: 1h, rows: 1, message: m, hint: h, description: d",
    ] {
        assert_eq!(digest(same), first, "{same}");
    }
    for other in [
        "id: c, per: subject, window: 1h, rows: 1",
        "id: b, per: session, window: 1h, rows: 1",
        "id: b, per: subject, window: 2h, rows: 1",
        "id: b, per: subject, window: 1h, rows: 1, groups: [agents]",
    ] {
        assert_ne!(digest(other), first, "{other}");
    }
}

#[test]
fn the_words_stay_one_line() {
    let policy = policy("  - { id: b, per: session, rows: 1, message: \"a\\nb\", hint: \"c\\0d\" }\n");
    let caller = BriefCaller::default();
    let identity = caller.identity();
    let budget = policy.budgets(&caller.caller(&identity)).next().unwrap();
    let verdict = budget.used_up(Measure::Rows, None);
    assert_eq!(verdict.message, "a b: at most 1 row in a session");
    assert_eq!(verdict.hint, "c d; it is for the whole session");
}

#[test]
fn a_tree_of_budgets_alone_is_no_policy() {
    let tree = Tree::from_text("budgets: []").unwrap();
    assert!(Policy::from_tree(&tree).unwrap_err().to_string().contains("missing field `version`"));
}
