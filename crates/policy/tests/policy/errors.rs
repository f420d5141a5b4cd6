//! What people read when a document is wrong.

use chaperone_policy::{
    MAX_CONDITION_BYTES, MAX_CONDITION_NESTING, MAX_CONDITION_TOKENS, MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH,
    MAX_DOCUMENT_KEYS, MAX_DOCUMENT_NODES, MAX_PROBLEMS, MAX_RULES, MAX_TERMS, Policy, Tree,
};

const HEAD: &str = "version: 1\nname: test\n";

/// What is wrong with a document of these lines, which begin at line 3.
fn wrong(rest: &str) -> String {
    match Policy::from_text(&format!("{HEAD}{rest}")) {
        Ok(_) => panic!("accepted: {rest}"),
        Err(error) => error.to_string(),
    }
}

fn rule(matches: &str) -> String {
    wrong(&format!("rules:\n  - id: r\n    effect: deny\n    match: {matches}\n"))
}

fn when(source: &str) -> String {
    let quoted = serde_json::to_string(source).unwrap();
    wrong(&format!("rules:\n  - id: r\n    effect: deny\n    match: {{ any: true }}\n    when: {quoted}\n"))
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    let text = "rules:\n  - id: no-drop\n    effect: deny\n    match:\n      verb: [drop]\n";
    let error = wrong(text);
    assert!(
        error.starts_with("line 7, column 7: rule `no-drop`: match: unknown field `verb`, expected one of"),
        "{error}"
    );
    assert_eq!(Policy::from_text(&format!("{HEAD}{text}")).unwrap_err().line(), Some(7));
    assert_eq!(wrong("rulez: []\n"), "line 3, column 1: unknown field `rulez`");
}

#[test]
fn every_problem_is_told_in_the_order_of_the_text() {
    let error = wrong(
        "mode: loud\n\
         rules:\n\
         \x20 - { id: a, effect: deny, match: { verbs: [frob] } }\n\
         \x20 - { id: b, effect: deny, match: { tables: [x.y.z] } }\n\
         \x20 - { id: b, effect: hold, match: { any: true } }\n",
    );
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.len(), 5, "{error}");
    assert_eq!(lines[0], "line 3, column 7: mode: unknown variant `loud`, expected `enforce` or `shadow`");
    assert!(
        lines[1]
            .starts_with("line 5, column 45: rule `a`: match.verbs[0]: `frob` is neither a verb nor a class")
    );
    assert_eq!(
        lines[2],
        "line 6, column 46: rule `b`: match.tables[0]: `x.y.z`: expected `name` or `schema.name`"
    );
    assert_eq!(lines[3], "line 7, column 5: rule `b`: missing field `hold`: who approves?");
    assert_eq!(lines[4], "line 7, column 11: rule `b`: id: `b` is given twice");
}

#[test]
fn conditions_are_named_with_rule_and_line() {
    assert!(when("statement.verbs ==").starts_with("line 7, column 11: rule `r`: when: not valid CEL at 1:"));
    for (source, message) in [
        ("statement.verb == 'x'", "`statement.verb` is not known here; there are `database`, "),
        ("verb == 'x'", "`verb` is not known here"),
        ("statement.verbs", "the expression is a list, not true or false"),
        ("role == 1", "`==` mixes text and a number"),
        ("role in who.subject", "`in` does not fit text and text"),
        ("role.matches('x')", "the function `matches` is not known here"),
        ("who.subject.exists(x, true)", "need a list, not text"),
        ("[1, 'a'].exists(x, true)", "a list mixes a number and text"),
        ("1.5 > 1.0", "only text, whole numbers, true and false can be written here"),
        ("{'a': 1} == {'a': 1}", "mappings are not supported"),
        ("!role", "`!` does not fit its operands"),
        ("now.hour.x", "only `who`, `now` and `statement` have fields"),
        ("true ? 1 : 'a'", "`? :` mixes a number and text"),
    ] {
        let error = when(source);
        assert!(error.contains(message), "{source}: {error}");
        assert!(error.starts_with("line 7, column 11: rule `r`: when: "), "{error}");
    }
}

#[test]
fn conditions_are_bounded() {
    let long = format!("role == '{}'", "x".repeat(MAX_CONDITION_BYTES));
    assert!(when(&long).contains("is longer than"));
    let nested =
        format!("{}true{}", "(".repeat(MAX_CONDITION_NESTING + 1), ")".repeat(MAX_CONDITION_NESTING + 1));
    assert!(when(&nested).contains("nested deeper than"));
    assert!(when(&format!("{}true", "!".repeat(MAX_CONDITION_NESTING + 1))).contains("nested deeper than"));
    assert!(
        when(&format!("true{}", " ? true : true".repeat(MAX_CONDITION_NESTING + 1)))
            .contains("nested deeper")
    );
    assert!(when(&vec!["true"; MAX_CONDITION_TOKENS].join("&&")).contains("words and signs"));
    // A chain is as deep as it is long, but for && and ||, which the parser balances.
    assert!(when(&format!("{} == 1", vec!["1"; 60].join("+"))).contains("nested deeper than"));
}

#[test]
fn rules_that_would_not_mean_what_they_seem_are_refused() {
    for (matches, message) in [
        ("{}", "an empty `match` matches everything; write `any: true` where that is meant"),
        ("{ any: true, verbs: [drop] }", "exclude each other"),
        ("{ any: false }", "only `true` has a meaning here"),
        ("{ verbs: [] }", "match.verbs: the list is empty"),
        ("{ verbs: [SELECT] }", "write it in small letters"),
        ("{ verbs: select }", "expected a list, found the text `select`"),
        ("{ subjects: [123] }", "expected text, found the number `123`"),
        ("{ tables: [\"a b\"] }", "double quotes"),
        ("{ groups: [] }", "match.groups: the list is empty"),
        ("[drop]", "expected a mapping of matchers, found a list"),
    ] {
        let error = rule(matches);
        assert!(error.contains(message), "{matches}: {error}");
        assert!(error.starts_with("line 6, column "), "{error}");
        assert!(error.contains("rule `r`: "), "{error}");
    }
    let allow = |matches: &str| wrong(&format!("rules:\n  - {{ id: r, effect: allow, match: {matches} }}\n"));
    assert!(allow("{ unbounded: true }").contains("only in deny and hold rules"));
    assert!(
        allow("{ opaque: true, tables: [x] }").contains("is not known, so `opaque: true` cannot go with")
    );
    let error = wrong("rules:\n  - { id: r, effect: deny }\n");
    assert_eq!(error, "line 4, column 5: rule `r`: missing field `match`");
    let error = wrong(
        "rules:\n  - { id: r, effect: hold, match: { any: true }, hold: { approvers: [x], count: 0, expires: 2d } }\n",
    );
    assert!(error.contains("no approvers are called `x`"), "{error}");
    assert!(error.contains("hold.count: expected 1 to 10"), "{error}");
    assert!(error.contains("hold.expires: expected 1s to 1d"), "{error}");
}

#[test]
fn a_list_that_is_there_says_something() {
    for list in ["[]", "", "~"] {
        let expected = if list == "[]" { "the list is empty" } else { "there is nothing here" };
        for field in ["groups", "except_groups", "resources", "roles"] {
            let mask = format!(
                "masking: [{{ id: m, columns: [t.c], {field}: {list}, transform: {{ kind: redact }} }}]"
            );
            let error = wrong(&mask);
            assert!(error.contains(&format!("mask `m`: {field}: {expected}")), "{mask}: {error}");
        }
        for (field, other) in [
            ("columns", "detectors: [card]"),
            ("detectors", "columns: [t.c]"),
            ("patterns", "columns: [t.c]"),
        ] {
            let mask =
                format!("masking: [{{ id: m, {other}, {field}: {list}, transform: {{ kind: redact }} }}]");
            let error = wrong(&mask);
            assert!(error.contains(&format!("{field}: ")), "{mask}: {error}");
        }
        for field in [
            "subjects",
            "except_subjects",
            "groups",
            "except_groups",
            "resources",
            "roles",
            "databases",
            "verbs",
            "tables",
            "objects",
            "access",
            "columns",
            "functions",
            "function_classes",
            "effects",
            "settings",
        ] {
            let rule =
                format!("rules: [{{ id: r, effect: allow, match: {{ verbs: [select], {field}: {list} }} }}]");
            let rule =
                if field == "verbs" { rule.replace("verbs: [select], ", "tables: [t], ") } else { rule };
            let error = wrong(&rule);
            assert!(error.contains(&format!("rule `r`: match.{field}: {expected}")), "{rule}: {error}");
        }
    }
    let when = wrong("rules: [{ id: r, effect: allow, match: { any: true }, when: }]");
    assert!(when.contains("rule `r`: when: there is nothing here"), "{when}");
    let role = "roles: [{ name: r, groups: [], subjects: [], upstream: { user: u, auth: trust } }]";
    let error = wrong(&format!("resources: [{{ name: s, protocol: postgres, databases: [], {role} }}]"));
    assert!(error.contains("databases: the list is empty") && error.contains("nobody may use"), "{error}");
}

#[test]
fn identity_and_resources_are_checked() {
    for (text, message) in [
        (
            "identity: { issuers: [{ issuer: idp, audiences: [a], jwks: { cluster: c } }] }",
            "is not an `https://` or",
        ),
        (
            "identity: { issuers: [{ issuer: https://i, audiences: [], jwks: { cluster: c } }] }",
            "audiences: the list is empty",
        ),
        (
            "identity: { issuers: [{ issuer: https://i, audiences: [a], algorithms: [HS256], jwks: { cluster: c } }] }",
            "identity.issuers[0].algorithms[0]: `HS256` is not supported",
        ),
        (
            "identity: { issuers: [{ issuer: https://i, audiences: [a], leeway: 6m, jwks: { cluster: c } }] }",
            "leeway: more than 300 seconds",
        ),
        (
            "resources: [{ name: s, protocol: postgres, databases: [d], roles: [{ name: r, upstream: { user: u, auth: trust } }] }]",
            "resource `s`: roles[0]: nobody may use the role `r`",
        ),
        (
            "resources: [{ name: s, protocol: postgres, databases: [d], roles: [{ name: r, groups: [g], upstream: { user: u, auth: md5 } }] }]",
            "roles[0].upstream: missing field `password_env`",
        ),
        (
            "resources: [{ name: s, protocol: mysql, databases: [d], roles: [] }]",
            "resource `s`: protocol: unknown variant `mysql`, expected `postgres`",
        ),
        ("approvers: [{ name: a }]", "approvers `a`: nobody is in it"),
        ("masking: [{ id: m, transform: { kind: redact } }]", "mask `m`: it hides nothing"),
        (
            "masking: [{ id: m, columns: [t.c, u.c], groups: [], transform: { kind: redact } }]",
            "mask `m`: groups: the list is empty",
        ),
        (
            "masking: [{ id: m, patterns: ['ok', 'EMP-('], transform: { kind: redact } }]",
            "mask `m`: patterns[1]: `EMP-(`: no regular expression: unclosed group",
        ),
        (
            "masking: [{ id: m, patterns: ['x*'], transform: { kind: redact } }]",
            "mask `m`: patterns[0]: `x*`: it matches the empty text",
        ),
        (
            "masking: [{ id: m, columns: [card], transform: { kind: redact } }]",
            "mask `m`: columns[0]: `card`: expected `table.column`",
        ),
        ("masking: [{ id: m, columns: [\"t.*\"], transform: { kind: redact } }]", "a mask takes no `*`"),
        ("masking: [{ id: m, columns: [t.c], transform: { kind: blur } }]", "unknown variant `blur`"),
    ] {
        let error = wrong(text);
        assert!(error.contains(message), "{text}: {error}");
        assert!(error.starts_with("line 3, column "), "{error}");
    }
}

#[test]
fn a_password_in_the_wrong_place_is_not_shown() {
    let error = wrong(
        "resources: [{ name: s, protocol: postgres, databases: [d], roles: [{ name: r, groups: [g], \
         upstream: { user: u, auth: md5, password_env: \"hunter2!\" } }] }]",
    );
    assert!(error.contains("expected the name of an environment variable"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn yaml_that_hides_something_is_refused() {
    for (text, message) in [
        ("a: 1\na: 2\n", "line 4, column 1: `a` is given twice"),
        ("a: &x 1\n", "anchors are not supported"),
        ("a: *x\n", "not valid YAML"),
        ("a: !!str 1\n", "tags are not supported"),
        ("? [a]\n: b\n", "a key must be text"),
        ("---\nb: 1\n", "there is more than one document"),
        ("a: [\n", "not valid YAML"),
    ] {
        let error = wrong(text);
        assert!(error.contains(message), "{text:?}: {error}");
    }
    assert_eq!(Policy::from_text("").unwrap_err().to_string(), "the document is empty");
    assert!(
        Policy::from_text("{\"version\": 1, \"version\": 1}")
            .unwrap_err()
            .to_string()
            .contains("given twice")
    );
    assert!(Policy::from_text("- a\n").unwrap_err().to_string().contains("expected a policy: a mapping"));
    assert_eq!(
        Policy::from_text("name: x\nversion: 2\n").unwrap_err().to_string(),
        "line 1, column 1: version: version `2` is not known; this is version 1"
    );
    assert!(Policy::from_text("version: 1\n").unwrap_err().to_string().contains("missing field `name`"));
}

#[test]
fn every_limit_of_the_document_is_kept() {
    let large = format!("# {}\n", "x".repeat(MAX_DOCUMENT_BYTES));
    assert!(wrong(&large).contains("larger than 1048576 bytes"));
    let deep = format!("a: {}{}\n", "[".repeat(MAX_DOCUMENT_DEPTH), "]".repeat(MAX_DOCUMENT_DEPTH));
    assert!(wrong(&deep).contains("nested deeper than 32"));
    let keys: String = (0..=MAX_DOCUMENT_KEYS).map(|key| format!("  k{key}: 1\n")).collect();
    assert!(wrong(&format!("a:\n{keys}")).contains("more than 1000 keys"));
    let wide = format!("a: [{}]\n", "1,".repeat(MAX_DOCUMENT_NODES));
    assert!(wrong(&wide).contains("more than 100000 values"));
    let json = format!("{{\"a\":{}1{}}}", "[".repeat(MAX_DOCUMENT_DEPTH), "]".repeat(MAX_DOCUMENT_DEPTH));
    assert!(Tree::from_text(&json).unwrap_err().to_string().contains("nested deeper"));
    assert!(Tree::from_json(serde_json::from_str(&json).unwrap()).is_err());
    let json = format!("{{\"a\":[{}1]}}", "1,".repeat(MAX_DOCUMENT_NODES));
    assert!(Tree::from_json(serde_json::from_str(&json).unwrap()).is_err());

    let rules = |number: usize| -> String {
        let rule = |index| format!("  - {{ id: r{index}, effect: deny, match: {{ any: true }} }}\n");
        format!("{HEAD}rules:\n{}", (0..number).map(rule).collect::<String>())
    };
    assert!(Policy::from_text(&rules(MAX_RULES)).is_ok());
    assert!(
        Policy::from_text(&rules(MAX_RULES + 1)).unwrap_err().to_string().contains("more than 1000 rules")
    );
    let terms = vec!["t"; MAX_TERMS + 1].join(",");
    assert!(rule(&format!("{{ tables: [{terms}] }}")).contains("longer than 1000"));
    let many = "  - { id: r, effect: deny, match: {} }\n".repeat(100);
    assert_eq!(
        Policy::from_text(&format!("{HEAD}rules:\n{many}")).unwrap_err().problems().len(),
        MAX_PROBLEMS
    );
}

#[test]
fn what_the_target_is_told_is_checked() {
    let told = |session: &str| {
        wrong(&format!(
            "resources:\n  - name: shop\n    protocol: postgres\n    databases: [shop]\n    roles:\n      - name: agent\n        groups: [agents]\n        upstream: {{ user: app, auth: trust, session: {session} }}\n"
        ))
    };
    let cases = [
        ("{}", "nothing is told: give `role`, `application_name` or `settings`"),
        ("{ role: \"\" }", "the name of a role is empty"),
        ("{ application_name: name }", "unknown variant `name`, expected one of"),
        ("{ settings: { search_path: subject } }", "`search_path` is not the name of a setting of your own"),
        ("{ settings: { \"app.a b\": subject } }", "`app.a b` is not the name of a setting of your own"),
        ("{ settings: { app.: subject } }", "`app.` is not the name of a setting of your own"),
        ("{ settings: { app.x: subject, App.X: groups } }", "`app.x` is given twice"),
    ];
    for (session, error) in cases {
        let found = told(session);
        assert!(found.contains(error), "{session}: {found}");
        assert!(found.starts_with("line 10"), "{session}: {found}");
    }
}
