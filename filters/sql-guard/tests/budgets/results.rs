//! What is cut while it comes: rows and bytes, to the row.

use chaperone_flow::{Counts, Live};

use crate::support::{
    ask, bind, counted, execute, parse, query, rows, run, session, settings, shown, sync, verdicts, wire,
};

#[test]
fn a_result_is_cut_at_the_row_and_the_session_goes_on() {
    let mut wire = wire(&["id: little, per: session, rows: 5"]);
    assert_eq!(ask(&mut wire, &rows(2)), "T D D C Z(I)");
    assert_eq!(ask(&mut wire, &query("begin")), "T D C Z(T)");
    assert_eq!(ask(&mut wire, &rows(1_000)), "T D D E(53400) Z(T)");
    let begun = wire.ran().len();
    assert_eq!(begun, 3);
    // Nothing is left: what would show rows is not run at all, anything else is.
    assert_eq!(ask(&mut wire, &rows(1)), "E(53400) Z(T)");
    assert_eq!(ask(&mut wire, &[run("select 1"), sync()].concat()), "1 2 E(53400) Z(T)");
    assert!(wire.ran().is_empty());
    let verdicts = verdicts(&wire);
    assert!(verdicts.contains(&"deny SG115 little select 'rows 1000'".to_owned()), "{verdicts:?}");
    assert_eq!((counted(&wire, "budget.cut"), counted(&wire, "budget.refused")), (1, 2));
    wire.client(&query("commit"));
    assert_eq!(wire.ran(), ["commit"]);
    // The stand-in answers everything with a row: that one too is not shown.
    assert_eq!(wire.look(), "T E(53400) Z(I)");
}

#[test]
fn a_budget_that_fits_exactly_is_not_cut() {
    let mut wire = wire(&["id: little, per: session, rows: 5"]);
    assert_eq!(ask(&mut wire, &rows(5)), "T D D D D D C Z(I)");
    assert_eq!(ask(&mut wire, &rows(1)), "E(53400) Z(I)");
    let one = rows_bytes();
    let mut wire = crate::support::wire(&[&format!("id: little, per: session, bytes: {}", one * 3)]);
    assert_eq!(ask(&mut wire, &rows(3)), "T D D D C Z(I)");
    assert_eq!(ask(&mut wire, &rows(1)), "E(53400) Z(I)");
    let mut wire = crate::support::wire(&[&format!("id: little, per: session, bytes: {}", one * 3 - 1)]);
    assert_eq!(ask(&mut wire, &rows(3)), "T D D E(53400) Z(I)");
    assert_eq!(ask(&mut wire, &rows(1)), "T E(53400) Z(I)", "a row is not shown in part");
}

/// Bytes of a row of `rows`.
fn rows_bytes() -> usize {
    let mut wire = wire(&[]);
    wire.client(&rows(1));
    shown(&mut wire).1
}

#[test]
fn a_batch_is_cut_to_its_sync() {
    let mut wire = wire(&["id: little, per: session, rows: 3"]);
    let batch =
        [run("select 'rows 2'"), run("select 'rows 9'"), run("insert into t values (1)"), sync()].concat();
    assert_eq!(
        ask(&mut wire, &[batch, query("begin")].concat()),
        "1 2 D D C 1 2 D E(53400) Z(I) T E(53400) Z(T)"
    );
    assert_eq!(wire.ran().len(), 4, "the target had it all");
    // A portal that is suspended counts as far as it was shown.
    let mut wire = crate::support::wire(&["id: little, per: session, rows: 5"]);
    wire.client(&query("begin"));
    wire.look();
    let portal = [parse("s", "select 'rows 9'"), bind("p", "s"), execute("p", 2), sync()].concat();
    assert_eq!(ask(&mut wire, &portal), "1 2 D D s Z(T)");
    assert_eq!(ask(&mut wire, &[execute("p", 2), execute("p", 2), sync()].concat()), "D D s E(53400) Z(T)");
    assert_eq!(ask(&mut wire, &[execute("p", 2), sync()].concat()), "E(53400) Z(T)");
}

#[test]
fn lines_of_copy_and_rows_of_cursors_are_counted() {
    let mut wire = wire(&["id: little, per: session, rows: 4"]);
    assert_eq!(ask(&mut wire, &query("copy t to stdout -- copy out 3")), "H d d d c C Z(I)");
    assert_eq!(ask(&mut wire, &query("copy t to stdout -- copy out 3")), "H d E(53400) Z(I)");
    assert_eq!(ask(&mut wire, &query("copy t to stdout -- copy out 3")), "E(53400) Z(I)");
    let mut wire = crate::support::wire(&["id: little, per: session, rows: 4"]);
    wire.client(&query("begin; declare c cursor for select 1"));
    wire.look();
    assert_eq!(ask(&mut wire, &query("fetch 9 from c -- rows 9")), "T D D D E(53400) Z(I)");
    assert_eq!(ask(&mut wire, &query("fetch 9 from c -- rows 9")), "E(53400) Z(I)");
}

#[test]
fn the_end_of_a_binary_copy_is_no_line() {
    let mut wire = wire(&["id: little, per: session, rows: 1"]);
    wire.client(&query("copy t to stdout -- copy out 0"));
    wire.look();
    let data =
        |body: &[u8]| [&[b'd'][..], &u32::try_from(body.len() + 4).unwrap().to_be_bytes(), body].concat();
    let mut begun = crate::support::wire(&["id: little, per: session, rows: 1"]);
    begun.server.is_gone = true;
    begun.client(&query("copy t to stdout (format binary)"));
    let response = [b'H', 0, 0, 0, 7, 1, 0, 0];
    begun.from_server(&[&response[..], &data(b"row"), &data(&[0xff, 0xff]), &[b'c', 0, 0, 0, 4]].concat());
    assert_eq!(begun.look(), "H d d c");
}

/// What was done by the statement whose result is cut stays done, and the error says so.
#[test]
fn a_write_whose_result_is_cut_is_told_to_be_done() {
    let mut wire = wire(&["id: little, per: session, rows: 1"]);
    wire.client(&query("insert into t values (1) returning 'rows 2'"));
    let told = String::from_utf8_lossy(&wire.shown).into_owned();
    let words = "Mchaperone: what was run stays done, and its result ends here: the budget `little` is used up: at most 1 row";
    assert!(told.contains(words), "{told:?}");
}

#[test]
fn a_new_policy_cuts_what_is_under_way() {
    let live = Live::new(settings(&[]));
    let mut wire = session(&live, &Counts::default(), "agent");
    wire.server.is_gone = true;
    wire.client(&rows(9));
    let mut slow = crate::support::wire(&[]);
    slow.client(&rows(9));
    let answer = slow.shown.clone();
    let (first, rest) = answer.split_at(100);
    wire.from_server(first);
    let before = shown(&mut wire).0;
    live.set(settings(&["id: little, per: session, rows: 2"]));
    wire.from_server(rest);
    assert!(before < 7);
    assert_eq!(wire.look(), "D D E(53400) Z(I)");
}

#[test]
fn what_is_swallowed_takes_no_memory() {
    let mut wire = wire(&["id: little, per: session, rows: 1"]);
    wire.client(&rows(100_000));
    assert_eq!(wire.look(), "T D E(53400) Z(I)");
    assert!(wire.line.memory() < 10_000, "{}", wire.line.memory());
}
