//! sql-guard in front of a stand-in for PostgreSQL: what it lets pass, what it refuses, and what names mean.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::rc::Rc;

use chaperone_flow::testing::Wire;
use chaperone_flow::{Budget, Counts, Effect, Live};
use chaperone_pgwire::Format;
use chaperone_pgwire::client::{Target, write};
use chaperone_proto::Body;
use chaperone_settings::{Environment, Settings};
use chaperone_sql_guard::{FactsCache, SqlGuard};
use proptest::prelude::*;

#[derive(Debug)]
struct Nothing;

impl Environment for Nothing {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

fn settings(rules: &str) -> Settings {
    let text = format!(
        "
resource: shop
sidecar: {{ cluster: side }}
policy:
  version: 1
  name: shop
  identity:
    issuers:
      - issuer: http://idp
        audiences: [chaperone]
        jwks: {{ cluster: idp }}
  resources:
    - name: shop
      protocol: postgres
      databases: [shop]
      roles:
        - name: analyst
          groups: [analysts]
          upstream: {{ user: app, auth: trust }}
  approvers:
    - {{ name: dba, groups: [dbas] }}
  rules:
{rules}"
    );
    Settings::read(text.as_bytes(), Rc::new(Nothing)).unwrap()
}

const RULES: &str = "
    - id: no-drop
      effect: deny
      match: { verbs: [drop] }
    - id: risky
      effect: hold
      match: { verbs: [update] }
      hold: { approvers: [dba], expires: 60s }
    - id: read-and-write
      effect: allow
      match: { verbs: [select, insert, update, begin, commit, rollback, copy, prepare, execute, declare, close, fetch], tables: ['*.*'], effects: [copy_in] }
";

fn wire_with(live: &Live<Settings>) -> Wire {
    let mut wire =
        Wire::new(vec![Box::new(SqlGuard::new(live.clone(), FactsCache::default(), Counts::default()))]);
    wire.begin();
    wire.sign_in("agent");
    wire
}

#[test]
fn prepared_statements_take_no_more_than_the_sessions_may_keep() {
    let budget = Budget::new(16 << 20);
    let live = Live::new(settings(RULES));
    let (mut greedy, mut modest) = (wire_with(&live), wire_with(&live));
    greedy.line.set_memory(budget.share());
    modest.line.set_memory(budget.share());
    let padding = "x".repeat(900_000);
    for number in 0..40 {
        let name = format!("s{number}");
        greedy.client(&[parse(&name, &format!("select 1 -- {number} {padding}")), sync()].concat());
    }
    assert!(greedy.look().ends_with("E(53200) Z(I)"));
    assert!(budget.used() <= 9 << 20, "{}", budget.used());
    for number in 0..40 {
        greedy.client(&query(&format!("prepare s{number} as select 1 -- {padding}")));
        greedy.client(&query(&format!("declare s{number} cursor for select 1 -- {padding}")));
    }
    assert!(budget.used() <= 9 << 20, "{}", budget.used());
    modest.client(&[parse("s", "select 1"), bind("", "s"), execute(""), sync()].concat());
    assert_eq!(modest.look(), "1 2 D C Z(I)");
    // What it closes it may use again.
    greedy.client(&[close("s1"), close("s2"), sync()].concat());
    greedy.look();
    greedy.client(&[parse("t", &format!("select 1 -- {padding}")), sync()].concat());
    assert_eq!(greedy.look(), "1 Z(I)");
}

fn wire() -> Wire {
    wire_with(&Live::new(settings(RULES)))
}

fn query(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::query(&mut out, text.as_bytes()).unwrap();
    out
}

fn parse(name: &str, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::parse(&mut out, name.as_bytes(), text.as_bytes(), &[]).unwrap();
    out
}

fn bind(portal: &str, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::bind(&mut out, portal.as_bytes(), name.as_bytes(), [], Format::Text).unwrap();
    out
}

fn bind_value(portal: &str, name: &str, value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let values = [Some(value.as_bytes())];
    write::bind(&mut out, portal.as_bytes(), name.as_bytes(), values, Format::Text).unwrap();
    out
}

fn execute(portal: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::execute(&mut out, portal.as_bytes(), 0).unwrap();
    out
}

fn close(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::close(&mut out, Target::Statement(name.as_bytes())).unwrap();
    out
}

fn sync() -> Vec<u8> {
    let mut out = Vec::new();
    write::sync(&mut out);
    out
}

fn verdicts(wire: &Wire) -> Vec<String> {
    let of = |effect: &Effect| match effect {
        Effect::Record(_, Body::Verdict(verdict)) => Some(format!("{} {}", verdict.decision, verdict.reason)),
        Effect::Verdict(head, _) => Some(format!("{} {}", head.record().decision, head.record().reason)),
        _ => None,
    };
    wire.effects.iter().filter_map(of).collect()
}

#[test]
fn allowed_passes_denied_does_not_and_both_are_recorded() {
    let mut wire = wire();
    wire.client(
        &[query("select 1"), query("drop table t"), query("select 1; drop table t"), query("")].concat(),
    );
    assert_eq!(wire.ran(), ["select 1", ""]);
    assert_eq!(wire.look(), "T D C Z(I) E(42501) Z(I) E(42501) Z(I) T D C Z(I)");
    assert_eq!(verdicts(&wire), ["allow SG100", "deny SG102", "deny SG102", "allow SG100"]);
}

#[test]
fn what_no_rule_allows_or_nobody_understands_is_denied() {
    let mut wire = wire();
    let all = [
        "grant all on t to x",
        "do $$ begin end $$",
        "this is no sql",
        "select '\u{0}'",
        "set role x",
        "select \u{fffd}\u{1}",
    ];
    for text in all {
        let mut bytes = vec![b'Q'];
        bytes.extend(u32::try_from(text.len() + 5).unwrap().to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        wire.client(&bytes);
        let shown = wire.look();
        assert!(shown.starts_with("E(") && shown.ends_with(" Z(I)"), "{text}: {shown}");
    }
    assert!(wire.ran().is_empty());
}

#[test]
fn without_an_identity_nothing_passes() {
    let mut wire = wire();
    let mut session = wire.line.session().clone();
    session.identity = None;
    wire.line.set_session(session);
    wire.client(&query("select 1"));
    assert_eq!(wire.look(), "E(28000) Z(I)");
    assert!(wire.ran().is_empty());
}

#[test]
fn a_live_session_obeys_a_new_policy_also_for_what_it_prepared() {
    let live = Live::new(settings(RULES));
    let mut wire = wire_with(&live);
    wire.client(&[parse("s", "select 1"), bind("", "s"), execute(""), sync()].concat());
    wire.client(&query("select 1"));
    assert_eq!(wire.ran().len(), 2);
    live.set(settings(
        "
    - id: nothing
      effect: deny
      match: { verbs: [select] }
",
    ));
    wire.look();
    wire.client(&[bind("", "s"), execute(""), sync()].concat());
    wire.client(&query("select 1"));
    assert!(wire.ran().is_empty());
    assert_eq!(wire.look(), "E(42501) Z(I) E(42501) Z(I)");
}

#[test]
fn a_name_that_is_taken_is_judged_by_what_the_server_runs() {
    let live = Live::new(settings(RULES));
    let mut wire = wire_with(&live);
    // The server keeps "s" as the UPDATE and refuses the second Parse.
    wire.client(&[parse("s", "update t set a = 1 where id = 2"), sync()].concat());
    wire.client(&[parse("s", "select 1"), sync()].concat());
    assert_eq!(wire.look(), "1 Z(I) E(42P05) Z(I)");
    wire.effects.clear();
    wire.client(&[bind("", "s"), execute(""), sync()].concat());
    assert_eq!(verdicts(&wire), ["hold AH100"], "not the SELECT that the server refused");
}

#[test]
fn a_name_whose_definition_is_open_is_judged_by_the_worst() {
    let mut wire = wire();
    wire.client(&[parse("s", "update t set a = 1 where id = 2"), sync()].concat());
    wire.effects.clear();
    // Sent without waiting: whether the second Parse succeeds is not known when the Bind is judged.
    wire.chunk = 0;
    wire.client(&[parse("s", "select 1"), sync(), bind("", "s"), execute(""), sync()].concat());
    assert_eq!(verdicts(&wire), ["hold AH100"]);
}

#[test]
fn a_closed_name_can_be_used_again() {
    let mut wire = wire();
    wire.client(&[parse("s", "update t set a = 1 where id = 2"), sync()].concat());
    wire.client(&[close("s"), sync()].concat());
    wire.client(&[parse("s", "select 1"), bind("", "s"), execute(""), sync()].concat());
    assert_eq!(verdicts(&wire), ["allow SG100"]);
}

#[test]
fn unknown_names_are_refused() {
    let mut wire = wire();
    wire.client(&[bind("", "nope"), execute(""), sync()].concat());
    assert_eq!(wire.look(), "E(26000) Z(I)");
    wire.client(&[execute("nope"), sync()].concat());
    assert_eq!(wire.look(), "E(34000) Z(I)");
}

#[test]
fn sql_prepare_is_no_way_around() {
    let mut wire = wire();
    wire.client(&query("prepare p as update t set a = 1 where id = 2"));
    wire.client(&query("execute p"));
    assert_eq!(verdicts(&wire), ["hold AH100", "hold AH100"]);
    wire.look();
    wire.client(&query("prepare q as drop table t"));
    wire.client(&query("execute nope"));
    assert!(wire.look().starts_with("E("));
    assert!(!wire.server.seen.iter().any(|(_, body)| body.windows(4).any(|word| word == b"drop")));
}

#[test]
fn one_text_may_prepare_and_execute() {
    for (text, expected, why) in [
        ("prepare q as select 1; execute q", "allow SG100", "as two texts would"),
        ("prepare q as update t set a = 1 where b = 2; execute q", "hold AH100", "what it runs is held"),
        (
            "prepare q as select 1; prepare r as update t set a = 1 where b = 2; execute q",
            "hold AH100",
            "the worst",
        ),
        ("prepare q as drop table t; execute q", "deny SG102", "what it runs is denied"),
    ] {
        let mut wire = wire();
        wire.client(&query(text));
        assert_eq!(verdicts(&wire), [expected], "{text}: {why}");
    }
    let mut wire = wire();
    let many = "prepare q as select 1; ".repeat(400) + &"execute q; ".repeat(400);
    wire.client(&query(&many));
    assert!(wire.look().starts_with("E("), "what it stands for is bounded");
    assert!(wire.ran().is_empty());
}

#[test]
fn execute_stands_for_what_was_prepared_however_often_it_is_run() {
    let mut wire = wire();
    wire.client(&query("prepare z as select 1"));
    wire.effects.clear();
    for number in 0..200 {
        wire.client(&query(&format!("execute z({number})")));
    }
    assert_eq!(verdicts(&wire).len(), 200);
    assert!(verdicts(&wire).iter().all(|verdict| verdict == "allow SG100"));
}

#[test]
fn what_is_too_long_to_be_shown_is_not_held() {
    let mut wire = wire();
    wire.client(&query(&format!("update t set a = '{}' where id = 1", "x".repeat(20_000))));
    assert_eq!(wire.look(), "E(42501) Z(I)");
    assert!(wire.ran().is_empty());
}

#[test]
fn fetch_runs_what_a_portal_was_bound_to() {
    let mut wire = wire();
    wire.client(&query("begin"));
    wire.client(&[parse("s", "update t set a = 1 where b = 2"), bind("p", "s"), sync()].concat());
    wire.effects.clear();
    wire.client(&query("fetch all from p"));
    assert_eq!(verdicts(&wire).len(), 1);
    assert_ne!(verdicts(&wire), ["allow SG100"], "it is judged as what it runs");
}

#[test]
fn fetch_runs_what_a_cursor_was_declared_for() {
    for fetch in ["fetch absolute 1 from c", "move backward all in c", "fetch first from c; select 1"] {
        let mut wire = wire();
        wire.client(&query("begin"));
        wire.client(&query("declare c cursor for select refund(a) from t where b = 2"));
        wire.effects.clear();
        wire.client(&query(fetch));
        let told = format!("{:?}", wire.effects);
        assert!(told.contains("refund"), "it is judged, and recorded, as what it runs: {told}");
    }
}

#[test]
fn a_fetch_that_was_prepared_before_its_cursor_runs_it_too() {
    let mut wire = wire();
    wire.client(&query("begin"));
    wire.client(&[parse("f", "fetch first from c"), sync()].concat());
    wire.client(&query("declare c cursor for select refund(a) from t where b = 2"));
    wire.effects.clear();
    wire.client(&[bind("", "f"), execute(""), sync()].concat());
    let told = format!("{:?}", wire.effects);
    assert!(told.contains("refund"), "{told}");
}

#[test]
fn the_types_that_a_client_declares_are_part_of_what_is_judged_told_and_approved() {
    let update = |types: &[u32]| {
        let mut out = Vec::new();
        write::parse(&mut out, b"s", b"update t set a = 1 where b = $1::int", types).unwrap();
        [out, sync(), bind_value("", "s", "10"), execute(""), sync()].concat()
    };
    let told = |types: &[u32]| {
        let mut wire = wire();
        wire.client(&update(types));
        format!("{:?}", wire.effects)
    };
    // '10' as bits is 2.
    assert!(told(&[1560]).contains("-- parameter types: $1 bit"));
    assert!(!told(&[0]).contains("parameter types"));
    // By the name that the protocol gave it, too.
    let mut wire = wire();
    wire.client(&update(&[1560]));
    wire.look();
    wire.effects.clear();
    wire.client(&query("execute s('10')"));
    assert!(format!("{:?}", wire.effects).contains("-- parameter types: $1 bit"));
}

#[test]
fn what_a_cursor_was_declared_with_and_nobody_sees_is_not_held() {
    let mut wire = wire();
    wire.client(&query("begin"));
    let declare = parse("", "declare c cursor for select a from t where b = $1 for update");
    wire.client(&[declare, bind_value("", "", "7"), execute(""), sync()].concat());
    wire.look();
    wire.server.ran.clear();
    wire.client(&query("update t set a = 1 where b = 2; fetch all from c"));
    assert!(wire.look().contains("E(42501)"), "its approver would not see the 7");
    assert!(wire.ran().is_empty(), "{:?}", wire.ran());
}

#[test]
fn what_was_bound_to_values_that_nobody_sees_is_not_held() {
    for fetch in [
        query("fetch all from p"),
        [parse("", "move all in p"), bind("", ""), execute(""), sync()].concat(),
        [parse("f", "fetch all from p"), sync(), query("execute f")].concat(),
    ] {
        let mut wire = wire();
        wire.client(&query("begin"));
        let update = parse("s", "update t set a = $1 where b = 2");
        wire.client(&[update, bind_value("p", "s", "7"), sync()].concat());
        wire.look();
        wire.server.ran.clear();
        wire.client(&fetch);
        assert!(wire.look().contains("E(42501)"), "its approver would not see the 7");
        assert!(wire.ran().is_empty(), "{:?}", wire.ran());
    }
}

#[test]
fn a_portal_stands_for_no_more_cursors_than_can_be_judged() {
    let mut wire = wire();
    wire.client(&query("begin"));
    for text in 0..10 {
        let declare = |number| format!("declare c{text}_{number} cursor for select a from t where b = 'x'");
        let declares: Vec<_> = (0..100).map(declare).collect();
        wire.client(&query(&declares.join("; ")));
        if text < 9 {
            wire.client(&[parse("", "select 1"), bind("p", ""), execute("p"), sync()].concat());
            assert!(!wire.look().contains("E("), "{text}");
        }
    }
    wire.look();
    wire.client(&[parse("", "select 1"), bind("p", ""), execute("p"), sync()].concat());
    assert!(wire.look().contains("E(54000)"));
    wire.client(&[parse("", "select 1"), bind("", ""), execute(""), sync()].concat());
    assert!(!wire.look().contains("E("), "the portal without a name is no cursor");
}

#[test]
fn what_executes_much_of_what_executes_much_is_refused_at_once() {
    let mut wire = wire();
    let begun = std::time::Instant::now();
    let executes = |name: &str| vec![format!("execute {name}"); 900].join("; ");
    wire.client(&[parse("s0", "select 1"), sync()].concat());
    for level in 1..5 {
        let text = executes(&format!("s{}", level - 1));
        wire.client(&[parse(&format!("s{level}"), &text), sync()].concat());
    }
    wire.look();
    wire.client(&query("execute s4"));
    assert!(wire.look().contains("E("));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn what_a_prepared_execute_runs_is_told_when_it_is_run() {
    let mut wire = wire();
    wire.client(&query("prepare x as select 1"));
    wire.client(&[parse("s", "execute x"), sync()].concat());
    wire.client(&query("prepare x as update t set a = 1 where b = 2"));
    wire.effects.clear();
    wire.client(&[bind("", "s"), execute(""), sync()].concat());
    assert_ne!(verdicts(&wire), ["allow SG100"], "the name means another statement by now");
    wire.effects.clear();
    wire.client(&query("execute s"));
    assert_ne!(verdicts(&wire), ["allow SG100"], "also by way of SQL");
}

#[test]
fn a_declared_cursor_may_have_a_portals_name() {
    let mut wire = wire();
    wire.client(&query("begin"));
    wire.client(&[parse("s", "select 1"), bind("p", "s"), sync()].concat());
    wire.client(&query("declare p cursor for select 2"));
    wire.client(&query("close p"));
    wire.effects.clear();
    wire.client(&[bind("p", "s"), execute("p"), sync()].concat());
    let told = format!("{:?}", wire.effects);
    let declared =
        verdicts(&wire).iter().any(|verdict| verdict.starts_with("deny")) || told.contains("declare p");
    assert!(declared, "the record tells what else it may be: {told}");
}

#[test]
fn what_may_be_one_of_several_is_never_held_for_approval() {
    let mut wire = wire();
    wire.client(&[parse("s", "update t set a = 1 where b = 1"), sync()].concat());
    wire.look();
    wire.server.ran.clear();
    wire.client(
        &[
            close("s"),
            parse("s", "update t set a = 50 where b = 3"),
            sync(),
            bind("", "s"),
            execute(""),
            sync(),
        ]
        .concat(),
    );
    assert!(
        wire.ran().is_empty() || wire.look().contains("E("),
        "people would see one and another would run"
    );
}

/// The first is approved; the second PREPARE of the name is refused by people, or by the server: who knows?
#[test]
fn an_execute_that_may_be_one_of_several_is_never_held_either() {
    for executes in [&b"simple"[..], b"extended"] {
        let mut wire = wire();
        for amount in [999, 1] {
            wire.client(&query(&format!("prepare q as update t set a = {amount} where b = 1")));
        }
        wire.look();
        wire.effects.clear();
        wire.server.ran.clear();
        if executes == b"simple" {
            wire.client(&query("execute q"));
        } else {
            wire.client(&[parse("", "execute q"), bind("", ""), execute(""), sync()].concat());
        }
        let shown = wire.look();
        assert!(shown.contains("E(42501)") && wire.ran().is_empty(), "{shown}");
        // One that means one thing is.
        wire.client(&query("prepare r as update t set a = 5 where b = 1"));
        wire.look();
        wire.client(&query("execute r"));
        assert!(!wire.look().contains("E("));
    }
}

/// An account, or a function, may have it so that `'a\x'` is another value. Where a string ends that way is not asked here: one
/// that may end elsewhere is refused always.
#[test]
fn what_the_server_reads_otherwise_is_refused() {
    let status = |name: &str, value: &str| {
        let mut out = Vec::new();
        chaperone_pgwire::server::write::parameter_status(&mut out, name.as_bytes(), value.as_bytes())
            .unwrap();
        out
    };
    let mut wire = wire();
    let hidden = r"select 'a\x'::regclass";
    wire.from_server(&status("standard_conforming_strings", "off"));
    wire.client(&query(hidden));
    assert_eq!(wire.look(), "S E(42501) Z(I)");
    wire.client(&[parse("", r"select 'a\b'"), sync()].concat());
    assert_eq!(wire.look(), "E(42501) Z(I)");
    wire.client(&query("select 'a'"));
    assert_eq!(wire.look(), "T D C Z(I)", "that is read alike");
    wire.from_server(&status("standard_conforming_strings", "on"));
    wire.from_server(&status("client_encoding", "SJIS"));
    wire.client(&query("select 'ä'"));
    assert!(wire.look().ends_with("S E(42501) Z(I)"));
    wire.from_server(&status("client_encoding", "UTF8"));
    wire.client(&query(r"select 'ä\b'"));
    assert!(wire.look().ends_with("T D C Z(I)"));
    assert_eq!(wire.ran(), ["select 'a'", r"select 'ä\b'"]);
}

/// A short Bind of a long text that was sent once.
#[test]
fn what_was_sent_before_is_judged_within_what_a_session_may_ask() {
    let calls = |number: usize| {
        let calls: Vec<_> = (0..3_000).map(|call| format!("f{call}_{number}()")).collect();
        calls.join(", ")
    };
    let refused = |wire: &mut Wire| wire.look().matches("E(54000)").count();
    let run = |name: &str| [bind("", name), execute(""), sync()].concat();
    // One that stands for another is put together, and judged, anew each time.
    let mut wire = wire();
    wire.client(&query("prepare q as select a from t where b = 'x'"));
    wire.client(&[parse("s", &format!("execute q({})", calls(0))), sync()].concat());
    assert_eq!(refused(&mut wire), 0);
    for _ in 0..100 {
        wire.client(&run("s"));
    }
    let found = refused(&mut wire);
    assert!(found > 60, "{found} of 100 are refused");
    // One that is what it is has its verdict, as long as it is one of few.
    let mut wire = self::wire();
    for number in 0..100 {
        let text = format!("select {}", calls(number));
        wire.client(&[parse(&format!("s{number}"), &text), sync()].concat());
    }
    assert_eq!(refused(&mut wire), 0, "each was sent, and paid for by its bytes");
    for _ in 0..300 {
        wire.client(&run("s99"));
    }
    assert_eq!(refused(&mut wire), 0);
    for number in 0..100 {
        wire.client(&run(&format!("s{}", number % 90)));
    }
    let found = refused(&mut wire);
    assert!(found > 10, "{found} of those whose verdict is not at hand are refused");
    wire.client(&query("select 1"));
    assert_eq!(refused(&mut wire), 0, "honest ones go on");
}

#[test]
fn limits_are_told_in_words_with_their_numbers() {
    use chaperone_sql::{MAX_BYTES, MAX_CHAIN, MAX_DEPTH, MAX_STATEMENTS, MAX_TOKENS};
    assert_eq!(MAX_BYTES, 1 << 20);
    let many = |number: usize| format!("{},{:03}", number / 1_000, number % 1_000);
    for (text, words) in [
        (" ".repeat(MAX_BYTES + 1), "more than 1 MiB".to_owned()),
        (format!("select 1{}", ",1".repeat(MAX_TOKENS)), format!("more than {} words", many(MAX_TOKENS))),
        ("select 1;".repeat(MAX_STATEMENTS + 1), format!("more than {} statements", many(MAX_STATEMENTS))),
        (format!("select {}1", "(".repeat(MAX_DEPTH + 1)), format!("more than {MAX_DEPTH} levels")),
        (format!("select 1{}", "+1".repeat(MAX_CHAIN + 1)), format!("more than {MAX_CHAIN} operators")),
    ] {
        let mut wire = wire();
        wire.client(&query(&text));
        let shown = String::from_utf8_lossy(&wire.shown).into_owned();
        assert!(shown.contains(&words), "{words}: {shown}");
    }
}

/// Each text is copied, and digested for its record.
#[test]
fn a_long_text_behind_a_short_one_is_work_too() {
    let mut wire = wire();
    wire.client(&query(&format!("prepare q as select a from t where b = 'x' /* {:x<60000} */", "")));
    wire.look();
    let executes: Vec<u8> = (0..1_000).flat_map(|number| query(&format!("execute q -- {number}"))).collect();
    wire.client(&executes);
    let shown = wire.look();
    let refused = shown.matches("E(54000)").count();
    assert!((800..850).contains(&refused), "some 170 are answered at once, {refused} of 1,000 are not");
    wire.client(&query("prepare r as select a from t where b = 'x'"));
    wire.client(&query("execute r"));
    assert!(!wire.look().contains("E("), "short ones go on");
}

proptest! {
    #[test]
    fn any_split_gives_the_same(chunk in 1_usize..40) {
        let script = [
            query("begin"), query("drop table t"), parse("", "select 1"), bind("", ""), execute(""), sync(),
            parse("a", "drop table x"), bind("", "a"), sync(), query("update t set a=1 where b=2"), query("commit"),
        ].concat();
        let run = |chunk| {
            let mut wire = wire();
            wire.chunk = chunk;
            wire.client(&script);
            (wire.ran(), wire.look(), verdicts(&wire), wire.sent)
        };
        prop_assert_eq!(run(0), run(chunk));
    }
}

#[test]
fn a_session_is_not_judged_by_cursors_that_are_closed() {
    let mut wire = wire();
    // Pools keep a session for long, and their cursors have new names each time.
    for number in 0..2_500 {
        let declare = format!("declare c{number} cursor for select a from t where b = 'x'");
        wire.client(&query(&format!("begin; {declare}; fetch 1 from c{number}; commit")));
        assert!(!wire.look().contains("E("), "{number}");
    }
    // What may be held is not forgotten: it runs when it is fetched from, however many commands came between.
    wire.client(&query("begin; declare h cursor with hold for select a from t where b = 'x'; commit"));
    for _ in 0..3 {
        wire.client(&query("select 1"));
    }
    wire.look();
    wire.effects.clear();
    wire.client(&query("fetch 1 from h"));
    assert!(wire.effects.iter().any(|effect| format!("{effect:?}").contains("declare h cursor with")));
}

#[test]
fn a_session_that_asks_for_much_work_in_short_texts_is_refused_for_a_while() {
    let mut wire = wire();
    wire.client(&query("begin"));
    for text in 0..9 {
        let declare = |number| format!("declare c{text}_{number} cursor for select a from t where b = 'x'");
        let declares: Vec<_> = (0..100).map(declare).collect();
        wire.client(&query(&declares.join("; ")));
    }
    wire.look();
    let fetch = |number| query(&format!("fetch {number} from c1_1"));
    let fetches: Vec<u8> = (0..100).flat_map(fetch).collect();
    wire.client(&fetches);
    let shown = wire.look();
    let refused = shown.matches("E(54000)").count();
    assert!((60..95).contains(&refused), "some 20 are answered at once, {refused} of 100 are not");
    wire.client(&query("select 1"));
    assert!(!wire.look().contains("E("), "honest ones go on");
    wire.tick(1_000);
    wire.client(&fetch(1));
    assert!(!wire.look().contains("E("), "and it may again later");
}

#[test]
fn looking_up_what_a_name_may_mean_is_work_too() {
    let mut wire = wire();
    // The server has answered nothing of it, so the statement may be either, four thousand times over.
    let mut script = Vec::new();
    for number in 0..4_000 {
        script.extend([parse("s", &format!("select {}", ["a", "b"][number % 2])), sync()].concat());
    }
    for _ in 0..200 {
        script.extend([bind("", "s"), execute(""), sync()].concat());
    }
    wire.client(&script);
    let shown = wire.look();
    let refused = shown.matches("E(54000)").count();
    assert!((100..150).contains(&refused), "some 80 are answered at once, {refused} of 200 are not");
}
