//! Counts that sessions share.

use std::rc::Rc;

use chaperone_flow::{Cells, Counts, Live, Read, Written};

use crate::support::{ask, query, rows, session, settings, shown, verdicts, wire};

#[test]
fn sessions_of_a_subject_count_together_and_of_others_apart() {
    let live = Live::new(settings(&["id: little, per: subject, window: 1h, rows: 10, statements: 6"]));
    let counts = Counts::default();
    let mut one = session(&live, &counts, "agent");
    let mut two = session(&live, &counts, "agent");
    let mut other = session(&live, &counts, "somebody");
    assert_eq!(ask(&mut one, &rows(4)), "T D D D D C Z(I)");
    assert_eq!(ask(&mut two, &rows(4)), "T D D D D C Z(I)");
    assert_eq!(ask(&mut other, &rows(2)), "T D D C Z(I)");
    assert_eq!(ask(&mut one, &rows(4)), "T D D E(53400) Z(I)");
    assert_eq!(ask(&mut two, &rows(1)), "E(53400) Z(I)");
    for text in ["begin", "insert into t values (1)", "set a = 1"] {
        two.client(&query(text));
        two.look();
    }
    one.ran();
    assert_eq!(ask(&mut one, &query("begin")), "E(53400) Z(I)", "six statements are six of both");
    assert!(one.ran().is_empty());
    other.client(&query("begin"));
    assert_eq!(other.ran().last().map(String::as_str), Some("begin"));
}

/// Two results at once: each takes ahead, and nobody is shown what another has.
#[test]
fn results_under_way_at_the_same_time_show_no_more_than_there_is() {
    let live = Live::new(settings(&["id: little, per: subject, window: 1h, rows: 100"]));
    let counts = Counts::default();
    let mut wires: Vec<_> = (0..3).map(|_| session(&live, &counts, "agent")).collect();
    let mut answer = Vec::new();
    for wire in &mut wires {
        // The target is slow: what it says comes below.
        wire.server.is_gone = true;
        wire.client(&rows(1_000));
    }
    let mut slow = wire(&[]);
    slow.client(&rows(1_000));
    answer.append(&mut slow.shown);
    for piece in answer.chunks(200) {
        wires.iter_mut().for_each(|wire| wire.from_server(piece));
    }
    let sum: usize = wires.iter_mut().map(|wire| shown(wire).0).sum();
    assert!((90..=100).contains(&sum), "{sum}");
    // What was taken ahead is given back.
    let mut last = session(&live, &counts, "agent");
    last.client(&rows(100));
    assert_eq!(shown(&mut last).0 + sum, 100);
}

#[test]
fn a_session_that_is_closed_gives_back_what_it_took_ahead() {
    let live = Live::new(settings(&["id: little, per: subject, window: 1h, rows: 800"]));
    let counts = Counts::default();
    let mut one = session(&live, &counts, "agent");
    one.server.is_gone = true;
    one.client(&rows(1_000));
    let mut slow = wire(&[]);
    slow.client(&rows(1));
    let row = slow.shown.clone();
    let (row, _ready) = row.split_at(row.len() - 6);
    one.from_server(row);
    one.close();
    let mut two = session(&live, &counts, "agent");
    two.client(&rows(1_000));
    assert_eq!(shown(&mut two).0, 799);
}

/// A host whose shared data fail.
#[derive(Debug)]
struct Broken;

impl Cells for Broken {
    fn read(&self, _cell: u16) -> Read {
        Read::Failed
    }

    fn write(&self, _cell: u16, _value: &[u8], _version: u32) -> Written {
        Written::Failed
    }
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let broken = Counts::new(Rc::new(Broken));
    let live = Live::new(settings(&["id: little, per: subject, window: 1h, rows: 2"]));
    let mut wire = session(&live, &broken, "agent");
    assert_eq!(ask(&mut wire, &rows(1)), "E(53200) Z(I)");
    assert_eq!(ask(&mut wire, &query("rollback")), "T E(53200) Z(I)", "its row could not be counted either");
    assert_eq!(verdicts(&wire).first().map(String::as_str), Some("deny PG108 little select 'rows 1'"));
    live.set(settings(&["id: little, per: session, rows: 2"]));
    assert_eq!(ask(&mut wire, &rows(1)), "T D C Z(I)", "a session counts for itself");
}
