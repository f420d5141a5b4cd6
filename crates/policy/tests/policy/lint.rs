//! What was probably not meant is said, and nothing else is; what is said never to be reached never is.

use chaperone_policy::{Policy, WarningKind};

const HEAD: &str = "version: 1
name: shop
identity:
  issuers:
    - { issuer: http://idp, audiences: [chaperone], jwks: { cluster: idp } }
resources:
  - name: shop
    protocol: postgres
    databases: [shop, 'shop_*']
    roles:
      - { name: analyst, groups: [analysts], upstream: { user: app, auth: trust } }
approvers:
  - { name: dba, groups: [dbas] }
  - { name: bosses, subjects: [ada, bob] }
";

/// The warnings about the rules, as `rule kind`.
fn warnings(rules: &str) -> Vec<String> {
    let used = "- { id: used, effect: hold, match: { verbs: [listen] }, hold: { approvers: [dba, bosses] } }";
    let text = format!("{HEAD}rules:\n  {used}\n{rules}");
    let policy = Policy::from_text(&text).unwrap_or_else(|error| panic!("{rules}: {error}"));
    let told = |it: chaperone_policy::Warning| {
        let rule = it.rule.map_or_else(|| "-".to_owned(), |rule| rule.0);
        format!("{rule} {}", it.kind.name())
    };
    policy.lint().into_iter().map(told).collect()
}

/// Two rules, `a` before `b`: whether `b` is said never to be reached.
fn shadows(a: &str, b: &str) -> bool {
    let found = warnings(&format!("  - {{ id: a, {a} }}\n  - {{ id: b, {b} }}\n"));
    found.contains(&"b never_reached".to_owned())
}

#[test]
fn what_another_rule_always_decides_first_is_said() {
    let hold = "hold: { approvers: [dba] }";
    for (a, b, expected) in [
        (
            "effect: deny, match: { verbs: [drop] }",
            "effect: deny, match: { verbs: [drop], tables: [x] }",
            true,
        ),
        (
            "effect: deny, match: { verbs: [drop], tables: [x] }",
            "effect: deny, match: { verbs: [drop] }",
            false,
        ),
        ("effect: deny, match: { verbs: [ddl] }", "effect: deny, match: { verbs: [drop, create] }", true),
        (
            "effect: deny, match: { tables: ['public.*'] }",
            "effect: deny, match: { tables: [public.x] }",
            true,
        ),
        ("effect: deny, match: { tables: ['public.*'] }", "effect: deny, match: { tables: [x] }", false),
        (
            "effect: deny, match: { tables: [x] }",
            "effect: deny, match: { tables: [x], objects: [role] }",
            false,
        ),
        ("effect: deny, match: { unbounded: true }", "effect: deny, match: { verbs: [update] }", false),
        (
            "effect: deny, match: { verbs: [update] }",
            "effect: deny, match: { unbounded: true, verbs: [update] }",
            true,
        ),
        (
            "effect: deny, match: { any: true, groups: [g] }",
            "effect: deny, match: { verbs: [update] }",
            false,
        ),
        (
            "effect: deny, match: { any: true, groups: [g, h] }",
            "effect: deny, match: { verbs: [update], groups: [g] }",
            true,
        ),
        (
            "effect: deny, match: { any: true, except_groups: [g] }",
            "effect: deny, match: { verbs: [update] }",
            false,
        ),
        (
            "effect: deny, when: 'now.hour > 3', match: { any: true }",
            "effect: deny, match: { verbs: [update] }",
            false,
        ),
        (
            "effect: deny, match: { function_classes: [effects] }",
            "effect: deny, match: { function_classes: [sleep] }",
            true,
        ),
        ("effect: deny, match: { functions: ['*'] }", "effect: deny, match: { functions: [refund] }", false),
        ("effect: deny, match: { functions: ['re*'] }", "effect: deny, match: { functions: [refund] }", true),
        ("effect: allow, match: { verbs: [read] }", "effect: allow, match: { verbs: [select] }", true),
        (
            "effect: allow, match: { verbs: [read] }",
            "effect: allow, match: { verbs: [select], effects: [copy_out] }",
            false,
        ),
        (
            "effect: allow, match: { verbs: [read], tables: ['a.*'] }",
            "effect: allow, match: { verbs: [select], tables: [a.b] }",
            false,
        ),
        ("effect: allow, match: { verbs: [drop] }", "effect: deny, match: { verbs: [drop] }", false),
    ] {
        assert_eq!(shadows(a, b), expected, "{a} / {b}");
    }
    // The effect decides, wherever the rules stand.
    assert_eq!(
        warnings(&format!(
            "  - {{ id: a, effect: allow, match: {{ verbs: [drop] }} }}
  - {{ id: h, effect: hold, match: {{ verbs: [drop] }}, {hold} }}
  - {{ id: b, effect: deny, match: {{ verbs: [drop] }} }}\n"
        )),
        ["a never_reached", "h never_reached"]
    );
}

#[test]
fn what_opens_much_matches_nothing_or_waits_for_ever_is_said() {
    for (rule, kind) in [
        ("effect: allow, match: { any: true }", "opens_everything"),
        ("effect: allow, match: { any: true, effects: [copy_in] }", "opens_everything"),
        ("effect: allow, match: { verbs: [do], opaque: true }", "opens_opaque"),
        ("effect: allow, match: { verbs: [set], settings: ['*'] }", "opens_settings"),
        ("effect: deny, match: { verbs: [drop], roles: [admin] }", "matches_nothing"),
        ("effect: deny, match: { verbs: [drop], databases: [other] }", "matches_nothing"),
        ("effect: deny, match: { verbs: [drop], resources: [other] }", "matches_nothing"),
        ("effect: hold, match: { verbs: [drop] }, hold: { approvers: [bosses], count: 3 }", "no_approvers"),
    ] {
        assert_eq!(warnings(&format!("  - {{ id: r, {rule} }}\n")), [format!("r {kind}")], "{rule}");
    }
    for fine in [
        "effect: allow, match: { verbs: [read] }",
        "effect: allow, match: { any: true }, when: '\"admins\" in who.groups'",
        "effect: allow, match: { verbs: [set], settings: [work_mem] }",
        "effect: deny, match: { any: true, databases: ['shop_*', shop_a], roles: ['ana*'] }",
        "effect: hold, match: { verbs: [drop] }, hold: { approvers: [bosses, dba], count: 3 }",
        "effect: hold, match: { verbs: [drop] }, hold: { approvers: [bosses], count: 2 }",
    ] {
        assert_eq!(warnings(&format!("  - {{ id: r, {fine} }}\n")), [""; 0], "{fine}");
    }
}

#[test]
fn places_and_what_is_about_no_rule_are_said() {
    let text =
        format!("{HEAD}mode: shadow\nrules:\n  - id: r\n    effect: allow\n    match: {{ any: true }}\n");
    let policy = Policy::from_text(&text).unwrap();
    let told: Vec<_> = policy.lint().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "the policy is in shadow mode: verdicts are recorded, and everything passes",
            "no rule asks the approvers `dba`",
            "no rule asks the approvers `bosses`",
            "line 17, column 5: rule `r`: it allows everything that no rule denies or holds",
        ]
    );
    assert_eq!(policy.lint()[0].kind, WarningKind::Shadow);
}

#[test]
fn a_whole_schema_that_is_not_searched_is_about_every_bare_name() {
    for (rule, expected) in [
        ("effect: deny, match: { tables: ['hr.*'] }", true),
        (
            "effect: hold, match: { verbs: [update], tables: [public.x, 'hr.*'] }, hold: { approvers: [dba] }",
            true,
        ),
        ("effect: deny, match: { tables: [hr.staff] }", false),
        ("effect: deny, match: { tables: ['public.*'] }", false),
        ("effect: deny, match: { tables: ['*.staff'] }", false),
        ("effect: allow, match: { verbs: [select], tables: ['hr.*'] }", false),
    ] {
        let found = warnings(&format!("  - {{ id: a, {rule} }}\n"));
        assert_eq!(found.contains(&"a bare_names".to_owned()), expected, "{rule}: {found:?}");
    }
}

#[test]
fn a_budget_for_nobody_is_said() {
    let budgets = "budgets:
  - { id: fine, per: session, rows: 1, roles: ['ana*'], databases: [shop_a], groups: [any] }
  - { id: nobody, per: session, rows: 1, roles: [admin] }
";
    let policy = Policy::from_text(&format!("{HEAD}{budgets}")).unwrap();
    let told: Vec<_> = policy.lint().iter().map(ToString::to_string).collect();
    let nobody =
        "line 17, column 5: budget `nobody`: it matches nothing: no role of the policy is among `roles`";
    assert!(told.contains(&nobody.to_owned()), "{told:?}");
    assert_eq!(told.iter().filter(|it| it.contains("budget")).count(), 1, "{told:?}");
}
