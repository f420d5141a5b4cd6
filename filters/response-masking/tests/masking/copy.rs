//! COPY.

use chaperone_pgwire::server::write;
use chaperone_pgwire::tag;

use crate::session::*;

fn copy_out(binary: bool) -> Vec<u8> {
    let format = u8::from(binary);
    vec![tag::server::COPY_OUT_RESPONSE, 0, 0, 0, 9, format, 0, 1, 0, format]
}

fn data(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write::copy_data(&mut out, bytes).unwrap();
    out
}

fn answer(begin: &[u8], bytes: &[u8]) -> Vec<u8> {
    [begin, &data(bytes), &empty(tag::server::COPY_DONE), &done(), &idle()].concat()
}

#[test]
fn of_hidden_columns_is_refused_before_it_begins() {
    for sql in [
        "copy customers to stdout",
        "copy public.customers (id) to stdout with (format csv)",
        "copy (select upper(card) from customers) to stdout",
        "copy contacts to stdout",
        "select 1; copy customers to stdout",
    ] {
        let mut session = Session::learnt(CARDS);
        assert_eq!(letters(&session.client(&query(sql))), "S", "{sql}");
        assert_eq!(reason(&session.server(&idle())), "RM102", "{sql}");
    }
}

#[test]
fn of_anything_else_passes() {
    let mut session = Session::learnt(CARDS);
    for sql in ["copy other to stdout", "copy hr.customers to stdout", "copy (select 1) to stdout"] {
        let answer = answer(&copy_out(true), SECRET.as_bytes());
        assert_eq!(session.run(sql, &answer), answer, "{sql}");
    }
}

#[test]
fn is_refused_when_it_begins_where_only_the_catalogue_knows() {
    let mut session = Session::new(CARDS);
    assert_eq!(letters(&session.client(&query("copy contacts to stdout"))), "Q Q");
    let copied = answer(&copy_out(false), SECRET.as_bytes());
    let shown = session.server(&[catalogue(&usual()), copied.clone()].concat());
    assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("E Z", "RM102"));

    let mut session = Session::new(CARDS);
    session.client(&query("copy contacts to stdout"));
    let failed = [error(&[(b'S', "ERROR"), (b'C', "57014"), (b'M', "timeout")]), idle()].concat();
    let shown = session.server(&[failed, copied].concat());
    assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("E Z", "RM104"));
}

#[test]
fn is_searched_by_detectors() {
    let mut session = Session::new(FINDS);
    let shown = session.run("copy t to stdout", &answer(&copy_out(false), b"1\tbob@example.com\n"));
    assert_eq!(shown, answer(&copy_out(false), b"1\t[redacted]\n"));
    let shown = session.run("copy t to stdout (format binary)", &answer(&copy_out(true), b"bob@example.com"));
    assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("E Z", "RM101"));
}

#[test]
fn data_that_nobody_announced_is_not_shown() {
    let mut session = Session::new(FINDS);
    let shown = session.run("select 1", &answer(&[], b"4111111111111111"));
    assert_eq!(letters(&shown), "E Z");
}

#[test]
fn in_works_behind_a_refused_result() {
    let mut session = Session::learnt(CARDS);
    let refused = [description(&[column("length", 0, 0, INT4)]), row(&[Some(b"16")]), done()].concat();
    let copy_in = vec![tag::server::COPY_IN_RESPONSE, 0, 0, 0, 9, 0, 0, 1, 0, 0];
    let shown =
        session.run("select length(card) from customers; copy t from stdin", &[refused, copy_in].concat());
    assert_eq!(letters(&shown), "E G", "or both sides would wait");
    let mut ends = Vec::new();
    chaperone_pgwire::client::write::copy_fail(&mut ends, b"no").unwrap();
    assert_eq!(session.client(&ends), ends);
    let failed = error(&[(b'S', "ERROR"), (b'C', "57014"), (b'M', "COPY failed")]);
    assert_eq!(letters(&session.server(&[failed, idle()].concat())), "Z");
}
