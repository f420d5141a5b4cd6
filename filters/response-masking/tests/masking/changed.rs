//! A new policy while a result is under way.

use chaperone_pgwire::client::write as ask;
use chaperone_pgwire::server::write;
use chaperone_pgwire::tag;

use crate::session::*;

const OTHERS: &str = "
masking:
  - id: names
    columns: [public.customers.name]
    transform: { kind: redact }
";

fn secret() -> Vec<u8> {
    row(&[Some(SECRET.as_bytes())])
}

#[test]
fn what_is_still_to_come_of_a_result_is_refused() {
    for (before, group) in [(CARDS, "analysts"), (CARDS, "owners"), (FINDS, "analysts")] {
        let mut session = Session::of(before, group);
        let sent = session.client(&query("select name from customers"));
        let name = column("name", CUSTOMERS, 2, TEXT);
        if letters(&sent) == "Q Q" {
            session.server(&catalogue(&usual()));
        }
        let shown = session.server(&[description(&[name]), row(&[Some(b"bob")])].concat());
        assert_eq!(letters(&shown), "T D");
        session.settings.set(settings(OTHERS));
        let shown = session.server(&[row(&[Some(b"bob")]), row(&[Some(b"eve")]), done(), idle()].concat());
        assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("E Z", "RM106"), "{before} {group}");
        assert_eq!(letters(&session.client(&query("select 1"))), "Q Q", "the session goes on");
    }
}

#[test]
fn a_result_that_has_not_begun_is_refused_too() {
    let mut session = Session::learnt(CARDS);
    session.client(&query("select name from customers"));
    session.settings.set(settings(OTHERS));
    let answer = [description(&[column("name", CUSTOMERS, 2, TEXT)]), secret(), done(), idle()].concat();
    let shown = session.server(&answer);
    assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("E Z", "RM106"));
}

#[test]
fn copies_and_batches_too() {
    let mut session = Session::of(CARDS, "owners");
    session.client(&query("copy customers to stdout"));
    let mut piece = Vec::new();
    write::copy_data(&mut piece, SECRET.as_bytes()).unwrap();
    let begin = vec![tag::server::COPY_OUT_RESPONSE, 0, 0, 0, 9, 0, 0, 1, 0, 0];
    assert_eq!(letters(&session.server(&[begin, piece.clone()].concat())), "H d");
    session.settings.set(settings(OTHERS));
    let shown = session.server(&[piece, empty(tag::server::COPY_DONE), done(), idle()].concat());
    assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("E Z", "RM106"));

    let mut session = Session::of(CARDS, "owners");
    let mut batch = Vec::new();
    ask::parse(&mut batch, b"", b"select name from customers", &[]).unwrap();
    ask::bind(&mut batch, b"", b"", [], chaperone_pgwire::Format::Text).unwrap();
    ask::execute(&mut batch, b"", 0).unwrap();
    ask::sync(&mut batch);
    session.client(&batch);
    session.settings.set(settings(OTHERS));
    let parsed = [empty(tag::server::PARSE_COMPLETE), empty(tag::server::BIND_COMPLETE)].concat();
    let shown = session.server(&[parsed, secret(), done(), idle()].concat());
    assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("1 2 E Z", "RM106"));
}

#[test]
fn errors_of_what_was_sent_before_are_withheld() {
    let texts = [(b'S', "ERROR"), (b'C', "22P02"), (b'M', "invalid input: \"Bob Secret\"")];
    for group in ["analysts", "owners"] {
        let mut session = Session::of(CARDS, group);
        session.client(&query("select name::int from customers"));
        if group == "analysts" {
            session.server(&catalogue(&usual()));
        }
        session.settings.set(settings(OTHERS));
        let shown = session.server(&[error(&texts), idle()].concat());
        assert!(!String::from_utf8_lossy(&shown).contains("Bob"), "{group}");
    }
}

#[test]
fn a_policy_that_hides_the_same_or_nothing_ends_no_result() {
    for after in [CARDS, ""] {
        let mut session = Session::learnt(CARDS);
        session.client(&query("select card from customers"));
        assert_eq!(letters(&session.server(&[description(&[card()]), secret()].concat())), "T D");
        session.settings.set(settings(after));
        let shown = session.server(&[secret(), done(), idle()].concat());
        assert_eq!(rows(&shown), [["************1234"]], "as it was begun");
    }
}
