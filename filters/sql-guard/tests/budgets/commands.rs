//! What is refused before it runs: statements and writes.

use chaperone_flow::{Counts, Live};

use crate::support::{
    ask, counted, query, rows, run, session, settings, settings_with, sync, verdicts, wire,
};

#[test]
fn statements_are_refused_before_they_run_and_a_transaction_can_end() {
    let mut wire = wire(&["id: few, per: session, statements: 3"]);
    assert_eq!(ask(&mut wire, &query("begin")), "T D C Z(T)");
    assert_eq!(
        ask(&mut wire, &query("select 1; select 2; select 3")),
        "E(53400) Z(T)",
        "all of a text or nothing"
    );
    assert_eq!(ask(&mut wire, &query("select 1; select 2")), "T D C Z(T)");
    wire.ran();
    for bytes in [query("select 4"), [run("select 5"), sync()].concat()] {
        let shown = ask(&mut wire, &bytes);
        assert!(shown.ends_with("E(53400) Z(T)"), "{shown}");
    }
    assert_eq!(ask(&mut wire, &query("drop table t")), "E(42501) Z(T)", "what a rule denies costs nothing");
    assert!(wire.ran().is_empty());
    assert_eq!(ask(&mut wire, &query("commit")), "T D C Z(I)");
    assert_eq!(ask(&mut wire, &query("")), "T D C Z(I)");
    let last: Vec<_> = verdicts(&wire).into_iter().filter(|it| it.contains("SG115")).collect();
    assert_eq!(
        last,
        ["deny SG115 few select 1; select 2; select 3", "deny SG115 few select 4", "deny SG115 few select 5"]
    );
    assert_eq!((counted(&wire, "budget.refused"), counted(&wire, "verdict.deny")), (3, 4));
}

#[test]
fn the_error_names_the_budget_the_limit_the_window_and_the_time() {
    let mut wire = wire(&["id: few, per: subject, window: 1h, statements: 1, hint: Ask data@shop."]);
    ask(&mut wire, &query("select 1"));
    wire.tick(60_000);
    wire.client(&query("select 2"));
    let shown = String::from_utf8_lossy(&wire.shown).into_owned();
    for part in [
        "C53400\0",
        "Mchaperone: the budget `few` is used up: at most 1 statement in 1h in all sessions of one caller\0",
        "DRule few, reason SG115: a budget is used up.\0",
        "HAsk data@shop; it begins anew in 59m.\0",
    ] {
        assert!(shown.contains(part), "{part} in {shown:?}");
    }
    wire.look();
    wire.tick(59 * 60_000);
    assert_eq!(ask(&mut wire, &query("select 3")), "T D C Z(I)");
}

#[test]
fn writes_are_counted_apart_also_where_they_are_prepared() {
    let mut wire = wire(&["id: careful, per: session, writes: 2"]);
    for text in ["prepare q as delete from t", "select 1", "execute q"] {
        assert_eq!(ask(&mut wire, &query(text)), "T D C Z(I)", "{text}");
    }
    assert_eq!(ask(&mut wire, &[run("update t set a = 1"), sync()].concat()), "1 2 D C Z(I)");
    for text in ["execute q", "insert into t values (1)", "explain analyze delete from t"] {
        assert_eq!(ask(&mut wire, &query(text)), "E(53400) Z(I)", "{text}");
    }
    let copy = ask(&mut wire, &query("copy t from stdin -- copy in"));
    assert_eq!(copy, "E(53400) Z(I)");
    assert_eq!(ask(&mut wire, &query("select 1")), "T D C Z(I)");
}

#[test]
fn other_limits_apply_to_what_was_used_and_another_budget_begins_anew() {
    let live = Live::new(settings(&["id: little, per: session, rows: 3"]));
    let mut wire = session(&live, &Counts::default(), "agent");
    assert_eq!(ask(&mut wire, &rows(3)), "T D D D C Z(I)");
    live.set(settings(&["id: little, per: session, rows: 5, message: less"]));
    assert_eq!(ask(&mut wire, &rows(3)), "T D D E(53400) Z(I)");
    live.set(settings(&["id: other, per: session, rows: 1"]));
    assert_eq!(ask(&mut wire, &rows(3)), "T D E(53400) Z(I)");
    live.set(settings(&[]));
    assert_eq!(ask(&mut wire, &rows(3)), "T D D D C Z(I)");
}

#[test]
fn of_several_budgets_each_must_have_enough_and_none_pays_for_a_refusal() {
    let live =
        Live::new(settings(&["id: many, per: session, statements: 4", "id: few, per: session, writes: 1"]));
    let mut wire = session(&live, &Counts::default(), "agent");
    let write = query("insert into t values (1)");
    assert_eq!(ask(&mut wire, &write), "T D C Z(I)");
    for _ in 0..9 {
        assert_eq!(ask(&mut wire, &write), "E(53400) Z(I)");
    }
    for _ in 0..3 {
        assert_eq!(ask(&mut wire, &query("select 1")), "T D C Z(I)");
    }
    assert_eq!(ask(&mut wire, &query("select 1")), "E(53400) Z(I)");
    assert!(verdicts(&wire).last().unwrap().starts_with("deny SG115 many"));
}

#[test]
fn in_shadow_mode_it_is_recorded_and_nothing_is_refused() {
    let live = Live::new(settings_with("shadow", &["id: little, per: session, rows: 2, statements: 3"]));
    let mut wire = session(&live, &Counts::default(), "agent");
    assert_eq!(ask(&mut wire, &rows(4)), "T D D D D C Z(I)");
    assert_eq!(ask(&mut wire, &query("select 1")), "T D C Z(I)");
    let verdicts = verdicts(&wire);
    let over: Vec<_> = verdicts.iter().filter(|it| it.contains("SG115")).collect();
    assert_eq!(
        over,
        [
            "allow SG115 little deny select 'rows 4'",
            "allow SG115 little deny select 1",
            "allow SG115 little deny select 1"
        ]
    );
    assert_eq!(counted(&wire, "budget.cut") + counted(&wire, "budget.refused"), 0);
}
