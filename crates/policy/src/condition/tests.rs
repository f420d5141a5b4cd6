//! Conditions: what they accept, and how they evaluate beside CEL's own interpreter.

use cel::{Context, Program, Value};
use chaperone_model::Identity;
use chaperone_model::facts::{Access, Effect, ObjectKind, Relation, Verb};
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;

use super::*;

/// 2025-06-25, a Wednesday, 13:20:00 UTC.
const NOW: UnixSeconds = UnixSeconds(1_750_857_600);

fn identity() -> Identity {
    Identity {
        subject: "agent-7".to_owned(),
        groups: vec!["agents".to_owned(), "readers".to_owned()],
        issuer: "https://idp.example.com".to_owned(),
        token_id: "t".to_owned(),
        expires_at: UnixSeconds(u64::MAX),
    }
}

fn statement() -> Statement {
    let table = |schema: Option<&str>, name: &str| Relation {
        schema: schema.map(str::to_owned),
        name: name.to_owned(),
        kind: ObjectKind::Table,
        access: Access::Read,
    };
    Statement {
        verbs: vec![Verb::Update, Verb::Select],
        relations: vec![table(Some("public"), "orders"), table(None, "customers")],
        functions: vec!["now".to_owned()],
        columns: vec!["id".to_owned(), "card".to_owned()],
        bounded: true,
        effects: vec![Effect::Setting("jit".to_owned()), Effect::CopyOut],
        ..Statement::default()
    }
}

fn holds_for(source: &str, statement: &Statement) -> Result<bool, Failure> {
    let identity = identity();
    let caller = Caller { identity: &identity, resource: "shop", role: "agent", database: "db" };
    let condition = Condition::compile(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    condition.holds(Scope { caller: &caller, statement, statements: 2, now: NOW })
}

fn holds(source: &str) -> Result<bool, Failure> {
    holds_for(source, &statement())
}

#[test]
fn every_fact_can_be_asked_for() {
    for source in [
        "who.subject == 'agent-7' && who.issuer.endsWith('example.com') && 'readers' in who.groups",
        "resource == 'shop' && role == 'agent' && database == 'db' && statements == 2",
        "now.hour == 13 && now.weekday == 3 && now.unix == 1750857600",
        "statement.verbs == ['update', 'select'] && statement.tables == ['public.orders', 'customers']",
        "statement.columns == ['id', 'card'] && statement.functions == ['now']",
        "statement.effects == ['setting', 'copy_out'] && statement.settings == ['jit']",
        "statement.bounded && !statement.opaque && has(statement.tables)",
        "statement.tables.filter(t, t.startsWith('public.')).map(t, size(t)) == [13]",
        "statement.columns.exists_one(c, c == 'card') && statement.columns.all(c, !c.contains(' '))",
        "statement.tables.exists(t, statement.columns.exists(c, t.contains(c) || c == 'card'))",
        "[].all(x, x == '') && size([[1], []]) == 2 && [1, 2].map(x, x > 1, x * -2) == [-4]",
    ] {
        assert_eq!(holds(source), Ok(true), "{source}");
    }
}

#[test]
fn what_has_no_value_fails() {
    for (source, failure) in [
        ("statement.tables[2] == ''", Failure::OutOfRange),
        ("statement.tables[-1] == ''", Failure::OutOfRange),
        ("1 / (statements - 2) == 0", Failure::DivisionByZero),
        ("1 % 0 == 0", Failure::DivisionByZero),
        ("9223372036854775807 + statements == 0", Failure::Overflow),
        ("-(-9223372036854775808) == 0", Failure::Overflow),
        ("-9223372036854775808 / -1 == 0", Failure::Overflow),
        ("-9223372036854775808 % -1 == 0", Failure::Overflow),
    ] {
        assert_eq!(holds(source), Err(failure), "{source}");
    }
    assert_eq!(holds("false && 1 / 0 == 0"), Ok(false), "what is not needed is not evaluated");
}

#[test]
fn evaluation_is_bounded() {
    let nested = "statement.columns.exists(a, statement.columns.exists(b, a == 'x' && b == 'y'))";
    let with = |columns: usize| Statement { columns: vec!["c".to_owned(); columns], ..statement() };
    assert_eq!(holds_for(nested, &with(100)), Ok(false));
    assert_eq!(holds_for(nested, &with(1_000)), Err(Failure::TooManySteps));
    let grown = "statement.columns.map(c, c + c) + statement.columns == []";
    assert_eq!(holds_for(grown, &with(100)), Ok(false));
    assert_eq!(holds_for(grown, &with(10_000)), Err(Failure::TooManySteps));
}

#[derive(Serialize)]
struct Now {
    hour: i64,
}

#[derive(Serialize)]
struct Who<'a> {
    subject: &'a str,
    groups: &'a [String],
}

#[derive(Serialize)]
struct Facts<'a> {
    bounded: bool,
    columns: &'a [String],
    tables: [&'a str; 2],
}

/// What the `cel` crate's own interpreter says; None: an error.
fn oracle(source: &str) -> Option<bool> {
    let (identity, statement) = (identity(), statement());
    let mut context = Context::default();
    context.add_variable("now", Now { hour: 13 }).unwrap();
    context.add_variable("who", Who { subject: &identity.subject, groups: &identity.groups }).unwrap();
    let tables = ["public.orders", "customers"];
    let facts = Facts { bounded: true, columns: &statement.columns, tables };
    context.add_variable("statement", facts).unwrap();
    match Program::compile(source).unwrap().execute(&context) {
        Ok(Value::Bool(value)) => Some(value),
        Ok(other) => panic!("{source}: {other:?}"),
        Err(_) => None,
    }
}

fn number() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        select(vec!["0", "1", "2", "7", "-3", "9223372036854775807", "now.hour"]).prop_map(str::to_owned),
        list().prop_map(|list| format!("size({list})")),
    ];
    (leaf.clone(), select(vec!["+", "-", "*", "/", "%"]), leaf.clone())
        .prop_map(|(a, op, b)| format!("({a} {op} {b})"))
        .boxed()
        .prop_union(leaf.boxed())
        .boxed()
}

fn text() -> BoxedStrategy<String> {
    let leaf =
        select(vec!["'card'", "''", "'c'", "who.subject", "statement.tables[0]", "statement.columns[5]"]);
    (leaf.clone(), leaf.clone())
        .prop_map(|(a, b)| format!("({a} + {b})"))
        .boxed()
        .prop_union(leaf.prop_map(str::to_owned).boxed())
        .boxed()
}

fn list() -> BoxedStrategy<String> {
    let leaf = select(vec!["statement.tables", "statement.columns", "who.groups", "['a', 'card']", "[]"]);
    let made =
        (leaf.clone(), select(vec!["filter(x, x != 'card')", "map(x, x + 'c')", "map(x, x == 'a', 'b')"]));
    made.prop_map(|(list, macros)| format!("{list}.{macros}"))
        .boxed()
        .prop_union(leaf.prop_map(str::to_owned).boxed())
        .boxed()
}

fn truth() -> impl Strategy<Value = String> {
    let compare = select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let method = select(vec!["contains", "startsWith", "endsWith"]);
    let macros = select(vec!["all", "exists", "exists_one"]);
    let leaf = prop_oneof![
        Just("statement.bounded".to_owned()),
        (number(), compare.clone(), number()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (text(), compare, text()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (text(), method, text()).prop_map(|(a, method, b)| format!("{a}.{method}({b})")),
        (text(), list()).prop_map(|(item, list)| format!("{item} in {list}")),
        (list(), select(vec!["==", "!="]), list()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (list(), macros, text()).prop_map(|(list, name, text)| format!("{list}.{name}(x, x == {text})")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), select(vec!["&&", "||"]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_cel_crates_interpreter(source in truth()) {
        if let Ok(condition) = Condition::compile(&source) {
            let (identity, statement) = (identity(), statement());
            let caller = Caller { identity: &identity, resource: "shop", role: "agent", database: "db" };
            let scope = Scope { caller: &caller, statement: &statement, statements: 2, now: NOW };
            prop_assert_eq!(condition.holds(scope).ok(), oracle(&source), "{}", source);
        } else {
            prop_assert!(within_limits(&source).is_err() || source.contains(" : "), "{} is refused", source);
        }
    }

    #[test]
    fn random_expressions_never_panic(words in proptest::collection::vec(select(WORDS), 0..30)) {
        let _ = Condition::compile(&words.concat()).map(|condition| {
            let (identity, statement) = (identity(), statement());
            let caller = Caller { identity: &identity, resource: "shop", role: "agent", database: "db" };
            condition.holds(Scope { caller: &caller, statement: &statement, statements: 2, now: NOW })
        });
    }

    #[test]
    fn random_text_never_panics(source in "\\PC{0,60}") {
        let _ = Condition::compile(&source);
    }
}

const WORDS: &[&str] = &[
    "statement",
    ".",
    "tables",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "?",
    ":",
    "&&",
    "||",
    "!",
    "-",
    "==",
    "in",
    ".exists(x, ",
    ".all(x, ",
    ".map(x, ",
    ".filter(x, ",
    "has(",
    "x",
    "1",
    "2u",
    "1.5",
    "'s'",
    "r'\\'",
    "b'a'",
    "`",
    "\\",
    "'''",
    "\"",
    "\n",
    " ",
    "//",
    "999999999999999999999",
    "0x",
    "true",
    "null",
    "é",
    "\u{0}",
    "+",
    "*",
    "%",
    "/",
    "<",
    "@",
    "$",
    "'\\u12'",
    "'\\ud800'",
    "role",
    "who.groups",
    "size(",
    "now.hour",
];
