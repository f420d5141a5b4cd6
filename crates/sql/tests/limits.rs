//! Texts made to exhaust a stack, a heap or the time: each ends in facts or in an opaque mark, quickly. A release
//! build runs them on a stack of the size that a filter has; its native frames are larger than those of wasm32.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use chaperone_model::facts::{Facts, Opaque};
use chaperone_sql::{Limits, MAX_BYTES, MAX_CHAIN, MAX_DEPTH, MAX_STATEMENTS, MAX_TOKENS, read};

/// The stack of a filter is 1 MiB. A debug build needs several times as much as a release build.
const STACK: usize = if cfg!(debug_assertions) { 8 << 20 } else { 1 << 20 };
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 2 });

fn read_on_a_small_stack(text: String) -> Facts {
    let thread = std::thread::Builder::new().stack_size(STACK);
    let started = Instant::now();
    let start: String = text.chars().take(60).collect();
    let facts = thread.spawn(move || read(text.as_bytes(), &Limits::default())).unwrap().join().unwrap();
    assert!(started.elapsed() < PATIENCE, "{:?} for {start}", started.elapsed());
    facts
}

fn limit(facts: &Facts) -> Option<&str> {
    match &facts.opaque {
        Some(Opaque::Limit(which)) => Some(which),
        _ => None,
    }
}

/// Texts by how often something is repeated in them.
fn pathological(n: usize) -> Vec<String> {
    let chain = |operator: &str, operand: &str| {
        format!("SELECT {operand}{}", format!("{operator}{operand}").repeat(n))
    };
    vec![
        chain("+", "1"),
        chain("||", "a"),
        chain(" OR ", "a"),
        chain(" AND ", "a=1"),
        chain("::", "a"),
        chain(".", "a"),
        chain("->", "a"),
        chain("+", "on"),
        chain(" is distinct from ", "a"),
        chain(" union select ", "1"),
        chain(" union all values ", "(1)"),
        chain(" intersect select ", "1"),
        chain(" collate ", "\"C\""),
        chain(" at time zone ", "'x'"),
        chain(" between 1 and ", "1"),
        chain(" = any ", "(a)"),
        chain(" + interval ", "'1 day'"),
        format!("SELECT {}a", "not ".repeat(n)),
        format!("SELECT {}1", "- ".repeat(n)),
        format!("SELECT {}1", "interval ".repeat(n)),
        format!("SELECT {}1", "~".repeat(n.min(200))),
        format!("SELECT {}1", "@ ".repeat(n)),
        format!("SELECT a{}", "[1]".repeat(n)),
        format!("SELECT a{}", "::int".repeat(n)),
        format!("SELECT a{}", " is null".repeat(n)),
        format!("SELECT a{}", " notnull".repeat(n)),
        format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)),
        format!("SELECT * FROM {}t{}", "(".repeat(n), ")".repeat(n)),
        format!("SELECT * FROM {}t{}", "(select * from ".repeat(n), ") x".repeat(n)),
        format!("SELECT {}1{}", "(select ".repeat(n), ")".repeat(n)),
        format!("SELECT {}1{}", "f(".repeat(n), ")".repeat(n)),
        format!("SELECT {}1{}", "case when a then ".repeat(n), " end".repeat(n)),
        format!("SELECT {}1{}", "case ".repeat(n), " when 1 then 1 end".repeat(n)),
        format!("SELECT {}1{}", "array[".repeat(n), "]".repeat(n)),
        format!("SELECT {}", "(".repeat(n)),
        format!("SELECT {}", "case ".repeat(n)),
        format!("SELECT * FROM t{}", " join t on a=b".repeat(n)),
        format!("SELECT * FROM t{}{}", " join t".repeat(n), " on true".repeat(n)),
        format!("SELECT * FROM t{}{}", " join t as on".repeat(n), " on true".repeat(n)),
        format!("SELECT * FROM t{}{}", " join t as using".repeat(n), " on true".repeat(n)),
        format!("SELECT * FROM t{}", ", t".repeat(n)),
        format!("SELECT * FROM t{}", " cross join t".repeat(n)),
        format!(
            "WITH {} SELECT 1",
            (0..n).map(|i| format!("a{i} as (select 1)")).collect::<Vec<_>>().join(",")
        ),
        format!("{}SELECT 1{}", "WITH a AS (".repeat(n), ") SELECT 1".repeat(n)),
        format!("{}SELECT 1", "EXPLAIN ".repeat(n)),
        format!("{}SELECT 1", "PREPARE a AS ".repeat(n)),
        format!("CREATE TABLE t (a {}int{})", "struct<a int, b ".repeat(n), ">".repeat(n)),
        format!("SELECT a::{}int{}", "array<".repeat(n), ">".repeat(n)),
        format!("SELECT a::int{}", "[]".repeat(n)),
        format!("DELETE FROM t WHERE a IN (0{})", ",1".repeat(n)),
        format!("INSERT INTO t VALUES (1){}", ",(1)".repeat(n)),
        format!("SELECT 1{}", ", a".repeat(n)),
        format!("INSERT INTO t VALUES (1) {}", "on conflict (a b) where a ".repeat(n)),
        format!("INSERT INTO t VALUES (1) ON CONFLICT ({}a) DO NOTHING", "f(b), ".repeat(n)),
        format!("INSERT INTO t VALUES (1) {}", "on conflict (".repeat(n)),
        format!("UPDATE t SET {}b = 1", "a[1][f(c)] = 1, ".repeat(n)),
        format!("UPDATE t SET a{}", "[1".repeat(n)),
        format!("SELECT 1 FROM t{} FOR UPDATE OF t{}", ", t".repeat(n), ", t".repeat(n)),
        format!("SELECT 1 FROM t{}", " for update of t".repeat(n)),
        format!("SELECT 1 FROM {}t{} FOR UPDATE", "(select * from ".repeat(n), ") x".repeat(n)),
        format!(
            "SELECT 1 FROM (WITH {} SELECT 1 FROM t{}) x FOR UPDATE",
            (0..n).map(|i| format!("a{i} as (select 1)")).collect::<Vec<_>>().join(","),
            ", u".repeat(n)
        ),
        format!("SELECT {}1", "a operator(+) any (b) or ".repeat(n)),
        format!("SELECT 1 WHERE a {}", ") any (".repeat(n)),
        format!("COPY t FROM stdin {}", "where a ".repeat(n)),
        format!("DECLARE c {}CURSOR FOR SELECT 1", "scroll ".repeat(n)),
        format!("BEGIN{}", " read only".repeat(n)),
        "SELECT 1;".repeat(n),
        format!("SELECT 1 {}", "/*".repeat(n)),
        format!("SELECT '{}", "''".repeat(n)),
        "(".repeat(n),
        ")".repeat(n),
        "$a".repeat(n),
        "'\n".repeat(n),
        "[".repeat(n),
        "{".repeat(n),
    ]
}

#[test]
fn nothing_overflows_a_small_stack_or_takes_long() {
    for n in [10, 49, 60, 240, MAX_CHAIN - 2, MAX_CHAIN + 1, 1_000, 10_000] {
        for text in pathological(n) {
            read_on_a_small_stack(text);
        }
    }
}

#[test]
fn nesting_and_chains_together_stay_within_the_path() {
    // Each level adds its own chain: 40 levels of 20 operators.
    let text = format!("SELECT {}1{}", "(".repeat(40), format!("{})", "+1".repeat(20)).repeat(40));
    assert_eq!(limit(&read_on_a_small_stack(text)), Some("max_chain"));
}

#[test]
fn names_repeated_through_queries_cost_no_more_than_their_text() {
    // Each query has twice the columns of the one before.
    let doubled = (1..40).map(|i| format!(", a{i} AS (SELECT *, * FROM a{})", i - 1)).collect::<String>();
    read_on_a_small_stack(format!("WITH a0 AS (SELECT x, y, upper(z) FROM t){doubled} SELECT * FROM a39"));
    // Many outputs, each computed from many columns.
    let many = (0..5_000).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",");
    let again = vec!["x"; 1_600].join(",");
    read_on_a_small_stack(format!(
        "WITH a AS (SELECT concat({many}) AS x FROM t), b AS (SELECT {again} FROM a) SELECT * FROM b"
    ));
    // Many items in FROM and many names to find among them.
    let items = (0..20_000).map(|i| format!("t a{i}")).collect::<Vec<_>>().join(",");
    let names = vec!["b"; 20_000].join(",");
    read_on_a_small_stack(format!("SELECT {names} FROM {items}"));
    let tuple = (0..20_000).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",");
    read_on_a_small_stack(format!("DELETE FROM t WHERE ({tuple}) = ({tuple})"));
}

#[test]
fn each_limit_has_its_name() {
    let hit = |text: String| limit(&read_on_a_small_stack(text)).map(str::to_owned);
    assert_eq!(hit(" ".repeat(MAX_BYTES + 1)).as_deref(), Some("max_bytes"));
    assert_eq!(hit(" ".repeat(MAX_BYTES)), None);
    assert_eq!(hit(format!("select 1{}", ",1".repeat(MAX_TOKENS / 2))).as_deref(), Some("max_tokens"));
    assert_eq!(hit("select 1;".repeat(MAX_STATEMENTS)), None);
    assert_eq!(hit("select 1;".repeat(10_000)).as_deref(), Some("max_statements"));
    assert_eq!(hit(format!("select {}1{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH))), None);
    assert_eq!(hit(format!("select {}1", "(".repeat(10_000))).as_deref(), Some("max_depth"));
    assert_eq!(hit(format!("select 1{}", "+1".repeat(MAX_CHAIN))), None);
    assert_eq!(hit(format!("select 1{}", "+1".repeat(MAX_CHAIN + 1))).as_deref(), Some("max_chain"));
}

#[test]
fn what_stays_within_the_limits_is_understood() {
    let ok = [
        format!("select 1{}", "+1".repeat(MAX_CHAIN)),
        format!("select {}1{}", "(".repeat(30), ")".repeat(30)),
        format!("select * from {}t{}", "(select * from ".repeat(12), ") x".repeat(12)),
        format!("select * from t{}", " join t using (a) left join u on a = b".repeat(300)),
        format!("select * from t{}", " cross join t".repeat(40)),
        format!("select a from t where a = 1{}", " or a = 1".repeat(200)),
        format!("insert into t values (1, 'a'){}", ", (2, 'b')".repeat(10_000)),
        format!("select a from t where a in (1{})", ", 2".repeat(40_000)),
    ];
    for text in ok {
        let facts = read_on_a_small_stack(text.clone());
        assert_eq!(facts.opaque, None);
        assert_eq!(facts.statements[0].opaque, None, "{}", text.chars().take(80).collect::<String>());
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    for bytes in [&b"select \xff"[..], b"select 1\0", b"\0", b"select '\xc3'", b"\xed\xa0\x80"] {
        assert_eq!(read(bytes, &Limits::default()).opaque, Some(Opaque::Encoding));
    }
}
