//! Laws that hold for every policy and every statement.

use chaperone_model::facts::{Access, Effect, Facts, ObjectKind, Opaque, Output, Relation, Statement, Verb};
use chaperone_model::{Decision, Reason, UnixSeconds};
use chaperone_policy::{Policy, Tree, WarningKind};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::support::{BriefCaller, ISSUER, NOW};

const VERBS: &[Verb] =
    &[Verb::Select, Verb::Update, Verb::Drop, Verb::Set, Verb::Begin, Verb::Copy, Verb::Do];
const NAMES: &[&str] = &["customers", "secrets", "orders", "pg_class"];
const SCHEMAS: &[&str] = &["public", "app", "pg_catalog"];
const SETTINGS: &[&str] = &["search_path", "statement_timeout", "role"];

fn relation() -> impl Strategy<Value = Relation> {
    let kind = select(vec![ObjectKind::Table, ObjectKind::Schema, ObjectKind::Database]);
    let access = select(vec![Access::Read, Access::Write, Access::Drop]);
    (proptest::option::of(select(SCHEMAS)), select(NAMES), kind, access).prop_map(
        |(schema, name, kind, access)| Relation {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
            kind,
            access,
        },
    )
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        Just(Effect::CopyOut),
        Just(Effect::Program),
        Just(Effect::SwitchRole),
        select(vec![Access::Drop, Access::Write]).prop_map(Effect::Unnamed),
        Just(Effect::Prepared("p".to_owned())),
        select(SETTINGS).prop_map(|name| Effect::Setting(name.to_owned())),
    ]
}

fn opaque() -> impl Strategy<Value = Option<Opaque>> {
    proptest::option::weighted(0.15, select(vec![Opaque::Encoding, Opaque::Construct("DO".to_owned())]))
}

fn statement() -> impl Strategy<Value = Statement> {
    let columns = subsequence(vec!["*", "card", "name"], 0..=2);
    let functions = subsequence(vec!["count", "pg_catalog.pg_sleep"], 0..=1);
    let outputs = proptest::option::of(proptest::collection::vec(
        select(vec![Output::Star, Output::Unknown, Output::Column("name".to_owned())]),
        0..2,
    ));
    (
        subsequence(VERBS, 0..=2),
        proptest::collection::vec(relation(), 0..3),
        (columns, functions, outputs),
        any::<bool>(),
        proptest::collection::vec(effect(), 0..2),
        opaque(),
    )
        .prop_map(|(verbs, relations, (columns, functions, outputs), bounded, effects, opaque)| {
            Statement {
                verbs,
                relations,
                functions: functions.iter().map(|name| (*name).to_owned()).collect(),
                attributes: columns.iter().chain(&functions).map(|name| (*name).to_owned()).collect(),
                columns: columns.into_iter().map(str::to_owned).collect(),
                outputs,
                stored: Vec::new(),
                bounded,
                effects,
                opaque,
            }
        })
}

fn facts() -> impl Strategy<Value = Facts> {
    (proptest::collection::vec(statement(), 0..4), opaque())
        .prop_map(|(statements, opaque)| Facts { statements, opaque })
}

/// The `match` of a rule that is valid for every effect.
fn matches() -> impl Strategy<Value = Value> {
    let verbs = subsequence(vec!["read", "write", "drop", "set", "transaction", "copy", "do"], 1..=4);
    let tables =
        subsequence(vec!["public.customers", "*.secrets", "app.*", "pg_catalog.*", "orders", "*"], 1..=3);
    prop_oneof![
        Just(json!({ "any": true })),
        Just(json!({ "groups": ["agents"] })),
        Just(json!({ "except_groups": ["agents"] })),
        verbs.clone().prop_map(|verbs| json!({ "verbs": verbs })),
        tables.clone().prop_map(|tables| json!({ "tables": tables })),
        (verbs, tables).prop_map(|(verbs, tables)| json!({ "verbs": verbs, "tables": tables })),
        Just(json!({ "opaque": true })),
        Just(json!({ "settings": ["*"] })),
        Just(json!({ "effects": ["copy_out", "program", "switch_role"] })),
        Just(json!({ "effects": ["unnamed"], "tables": ["public.customers"] })),
        Just(json!({ "columns": ["card"] })),
        Just(json!({ "columns": ["public.customers.name", "name"] })),
        Just(json!({ "functions": ["count", "pg_catalog.*"] })),
    ]
}

const CONDITIONS: &[&str] =
    &["true", "statement.bounded", "statement.tables[0] == 'orders'", "statements < 3"];

fn rule() -> impl Strategy<Value = Value> {
    let when = proptest::option::weighted(0.3, select(CONDITIONS));
    (select(vec!["allow", "deny", "hold"]), matches(), when).prop_map(|(effect, matches, when)| {
        let mut rule = json!({ "effect": effect, "match": matches });
        if effect == "hold" {
            rule["hold"] = json!({ "approvers": ["dba"] });
        }
        if let Some(when) = when {
            rule["when"] = json!(when);
        }
        rule
    })
}

fn rules() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(rule(), 0..6)
}

fn document(rules: &[Value]) -> Value {
    let rules: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let mut rule = rule.clone();
            rule["id"] = json!(format!("r{index}"));
            rule
        })
        .collect();
    json!({
        "version": 1,
        "name": "laws",
        "identity": { "issuers": [{ "issuer": ISSUER, "audiences": ["chaperone"], "jwks": { "cluster": "idp" } }] },
        "resources": [{
            "name": "shop",
            "protocol": "postgres",
            "databases": ["shop"],
            "roles": [{ "name": "agent", "groups": ["agents"], "upstream": { "user": "app", "auth": "trust" } }],
        }],
        "approvers": [{ "name": "dba", "groups": ["dbas"] }],
        "rules": rules,
    })
}

fn policy(rules: &[Value]) -> Policy {
    Policy::from_json(document(rules)).unwrap_or_else(|error| panic!("{error}"))
}

fn decide(policy: &Policy, facts: &Facts) -> chaperone_model::Verdict {
    let caller = BriefCaller::default();
    let identity = caller.identity();
    policy.decide(&caller.caller(&identity), facts, UnixSeconds(NOW))
}

fn badness(decision: Decision) -> u8 {
    match decision {
        Decision::Allow => 0,
        Decision::Hold => 1,
        Decision::Deny => 2,
    }
}

/// JSON as YAML in block style, which shares no code with what reads it.
fn yaml(value: &Value, indent: usize, out: &mut String) {
    let pad = "  ".repeat(indent);
    match value {
        Value::Object(members) if !members.is_empty() => {
            // Not in the order in which JSON has them.
            for (key, value) in members.iter().rev() {
                out.push_str(&format!("\n{pad}{key}:"));
                yaml(value, indent + 1, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                out.push_str(&format!("\n{pad}-"));
                yaml(item, indent + 1, out);
            }
        }
        other => out.push_str(&format!(" {other}")),
    }
}

/// As `google.protobuf.Struct` carries it: every number is a double.
fn as_struct(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().unwrap()),
        Value::Array(items) => Value::Array(items.iter().map(as_struct).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (key.clone(), as_struct(value))).collect())
        }
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn one_more_deny_rule_never_weakens_a_verdict(
        rules in rules(), matches in matches(), at in any::<prop::sample::Index>(), facts in facts(),
    ) {
        let before = decide(&policy(&rules), &facts);
        let mut more = rules;
        more.insert(at.index(more.len() + 1), json!({ "effect": "deny", "match": matches }));
        let after = decide(&policy(&more), &facts);
        prop_assert!(badness(after.decision) >= badness(before.decision), "{before:?} became {after:?}");
    }

    #[test]
    fn one_allow_rule_less_never_weakens_a_verdict(rules in rules(), facts in facts()) {
        let before = decide(&policy(&rules), &facts);
        // A condition that fails denies, so taking such a rule away may well allow.
        prop_assume!(before.reason != Reason::PolicyError);
        for (index, _) in rules.iter().enumerate().filter(|(_, rule)| rule["effect"] == "allow") {
            let mut fewer = rules.clone();
            fewer.remove(index);
            let after = decide(&policy(&fewer), &facts);
            prop_assert!(badness(after.decision) >= badness(before.decision), "{before:?} became {after:?}");
        }
    }

    #[test]
    fn the_order_of_statements_never_changes_the_decision(
        rules in rules(), (facts, shuffled) in facts().prop_flat_map(|facts| {
            let statements = Just(facts.statements.clone()).prop_shuffle();
            (Just(facts), statements)
        }),
    ) {
        let policy = policy(&rules);
        let before = decide(&policy, &facts);
        let after = decide(&policy, &Facts { statements: shuffled, opaque: facts.opaque });
        prop_assert_eq!((before.decision, before.rule, before.hold), (after.decision, after.rule, after.hold));
    }

    #[test]
    fn one_more_statement_never_weakens_a_verdict(rules in rules(), facts in facts(), more in statement()) {
        // `statements < 3` is about the number of statements itself.
        prop_assume!(rules.iter().all(|rule| rule["when"] != "statements < 3"));
        let policy = policy(&rules);
        let before = decide(&policy, &facts);
        let mut longer = facts;
        longer.statements.push(more);
        prop_assert!(badness(decide(&policy, &longer).decision) >= badness(before.decision));
    }

    #[test]
    fn what_is_opaque_passes_only_where_a_rule_says_so(
        mut rules in rules(), mut facts in facts(), rest in statement(), whole in any::<bool>(),
    ) {
        rules.retain(|rule| rule["match"].get("opaque").is_none());
        let opaque = Some(Opaque::Construct("DO".to_owned()));
        if whole {
            facts.opaque = opaque;
        } else {
            facts.statements.push(Statement { opaque, ..rest });
        }
        prop_assert_eq!(decide(&policy(&rules), &facts).decision, Decision::Deny);
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed_more_than_what_can(
        rules in rules(), statement in statement(), verb in any::<bool>(),
    ) {
        // People who are asked about opaque statements read them; conditions may ask whether one is.
        let mut rules = rules;
        rules.retain(|rule| rule["effect"] != "hold" || rule["match"].get("opaque").is_none());
        let policy = policy(&rules);
        let read = Statement { opaque: None, ..statement };
        let verbs = if verb { read.verbs.clone() } else { Vec::new() };
        let unread = Statement {
            verbs, opaque: Some(Opaque::Construct("DO".to_owned())), bounded: true, ..Statement::default()
        };
        let one = |statement| decide(&policy, &Facts { statements: vec![statement], opaque: None });
        let (read, unread) = (one(read), one(unread));
        let denied = read.decision == Decision::Deny && read.rule.is_some() && read.reason != Reason::PolicyError;
        prop_assert!(!denied || unread.decision == Decision::Deny, "{read:?} became {unread:?}");
        prop_assert!(read.decision != Decision::Hold || unread.decision != Decision::Allow, "{read:?} became {unread:?}");
    }

    #[test]
    fn explain_agrees_with_decide(rules in rules(), facts in facts()) {
        let policy = policy(&rules);
        let verdict = decide(&policy, &facts);
        let caller = BriefCaller::default();
        let identity = caller.identity();
        let explained = policy.explain(&caller.caller(&identity), &facts, UnixSeconds(NOW));
        let statements = facts.statements.len() + usize::from(facts.opaque.is_some());
        prop_assert_eq!(explained.len(), rules.len() * statements);
        if let Some(rule) = verdict.rule {
            prop_assert!(explained.iter().any(|one| one.rule == rule && one.matched));
        }
    }

    #[test]
    fn what_is_never_reached_decides_nothing(mut rules in rules(), facts in facts()) {
        let whole = policy(&rules);
        let verdict = decide(&whole, &facts);
        let unreached: Vec<_> =
            whole.lint().into_iter().filter(|it| it.kind == WarningKind::NeverReached).filter_map(|it| it.rule).collect();
        for rule in &unreached {
            prop_assert_ne!(verdict.rule.as_ref(), Some(rule), "{:?}", facts);
        }
        let mut place = 0;
        rules.retain(|_| {
            let id = format!("r{place}");
            place += 1;
            !unreached.iter().any(|rule| rule.0 == id)
        });
        let less = decide(&policy(&rules), &facts);
        prop_assert_eq!(less.decision, verdict.decision, "without {:?}: {:?}", unreached, facts);
    }

    #[test]
    fn deny_all_denies_everything(facts in facts()) {
        let verdict = decide(&Policy::deny_all("line 3: unknown field `x`"), &facts);
        prop_assert_eq!((verdict.decision, verdict.reason), (Decision::Deny, Reason::PolicyInvalid));
        prop_assert!(verdict.message.contains("line 3"));
    }

    #[test]
    fn yaml_json_and_struct_are_one_policy(rules in rules()) {
        let document = document(&rules);
        let json = Policy::from_text(&document.to_string()).unwrap();
        let mut text = String::new();
        yaml(&document, 0, &mut text);
        let yaml = Policy::from_text(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        prop_assert_eq!(json.digest(), yaml.digest());
        prop_assert_eq!(json.digest(), Policy::from_json(as_struct(&document)).unwrap().digest());
        prop_assert_eq!(json.digest(), Policy::from_json(Value::String(text)).unwrap().digest());
        let mut other = document;
        other["name"] = json!("other");
        prop_assert_ne!(json.digest(), Policy::from_json(other).unwrap().digest());
    }

    #[test]
    fn random_text_never_panics(text in "\\PC{0,200}") {
        let _ = Policy::from_text(&text);
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Tree::from_text(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_yaml_never_panics(words in proptest::collection::vec(select(WORDS), 0..60)) {
        let _ = Policy::from_text(&words.concat());
        let _ = Policy::from_text(&format!("version: 1\nname: x\nrules:\n  - {}", words.concat()));
    }
}

const WORDS: &[&str] = &[
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "\t",
    "\r",
    "- ",
    "-",
    ": ",
    ":",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "!t ",
    "| ",
    "|+2\n",
    ">-\n",
    "'",
    "\"",
    "\\x",
    "\\uD800",
    "#",
    "%YAML 1.2\n",
    "%TAG ! x\n",
    "---",
    "...",
    "<<",
    "~",
    "null",
    "1",
    "-1e9",
    ".inf",
    "0x1f",
    "rules",
    "id",
    "effect",
    "match",
    "verbs",
    "when",
    "\u{feff}",
    "\u{0}",
    "\u{2028}",
    "é",
    "😀",
];
