//! The extended protocol.

use chaperone_pgwire::Format;
use chaperone_pgwire::client::{Target, write};
use chaperone_pgwire::server::Column;
use chaperone_pgwire::tag::server as tag;

use crate::session::*;

const MASKED: &str = "************1234";

fn parse(name: &str, sql: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::parse(&mut out, name.as_bytes(), sql.as_bytes(), &[]).unwrap();
    out
}

fn bind(portal: &str, statement: &str, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    write::bind(&mut out, portal.as_bytes(), statement.as_bytes(), [], format).unwrap();
    out
}

fn describe(target: Target<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write::describe(&mut out, target).unwrap();
    out
}

fn execute(portal: &str, most: i32) -> Vec<u8> {
    let mut out = Vec::new();
    write::execute(&mut out, portal.as_bytes(), most).unwrap();
    out
}

fn sync() -> Vec<u8> {
    let mut out = Vec::new();
    write::sync(&mut out);
    out
}

fn secret_row() -> Vec<u8> {
    row(&[Some(SECRET.as_bytes())])
}

/// As drivers without a plan cache do it, and libpq: the portal is described by the client.
#[test]
fn a_portal_that_the_client_describes_needs_nothing_more() {
    let mut session = Session::learnt(CARDS);
    let client = [
        parse("", "select card as x from customers"),
        bind("", "", Format::Text),
        describe(Target::Portal(b"")),
        execute("", 0),
        sync(),
    ]
    .concat();
    assert_eq!(session.client(&client), client);
    let columns = description(&[column("x", CUSTOMERS, 3, TEXT)]);
    let answer =
        [empty(tag::PARSE_COMPLETE), empty(tag::BIND_COMPLETE), columns, secret_row(), done(), idle()]
            .concat();
    let shown = session.server(&answer);
    assert_eq!(letters(&shown), "1 2 T D C Z");
    assert_eq!(rows(&shown), [[MASKED]]);
}

/// As drivers with a plan cache do it: the statement is described once.
#[test]
fn a_portal_that_the_client_does_not_describe_is_described_behind_its_back() {
    let mut session = Session::learnt(CARDS);
    let prepare =
        [parse("s", "select card from customers"), describe(Target::Statement(b"s")), sync()].concat();
    assert_eq!(session.client(&prepare), prepare);
    let parameters = [tag::PARAMETER_DESCRIPTION, 0, 0, 0, 6, 0, 0].to_vec();
    let answer = [empty(tag::PARSE_COMPLETE), parameters, description(&[card()]), idle()].concat();
    assert_eq!(session.server(&answer), answer);
    for _ in 0..3 {
        let sent = session.client(&[bind("", "s", Format::Binary), execute("", 0), sync()].concat());
        assert_eq!(letters(&sent), "B D E S");
        let columns = description(&[Column { format: Format::Binary, ..card() }]);
        let answer = [empty(tag::BIND_COMPLETE), columns, secret_row(), done(), idle()].concat();
        let shown = session.server(&answer);
        assert_eq!(letters(&shown), "2 D C Z", "the filter's own question is not answered to the client");
        assert_eq!(rows(&shown), [[MASKED]]);
    }
}

/// What a statement's columns were is no proof of what they are: it is planned anew when tables change.
#[test]
fn an_earlier_description_is_never_believed() {
    let mut session = Session::learnt(CARDS);
    let select = parse("s", "select card from customers");
    session.client(&[select, bind("p", "s", Format::Text), bind("q", "s", Format::Text)].concat());
    for (between, expected) in [
        (sync(), "S D E"),
        (bind("p", "s", Format::Text), "B D E"),
        (parse("t", "select 1"), "P D E"),
        (describe(Target::Portal(b"q")), "D D E"),
        (describe(Target::Statement(b"s")), "D D E"),
        (execute("q", 0), "D E D E"),
    ] {
        session.client(&describe(Target::Portal(b"p")));
        let sent = session.client(&[between, execute("p", 0)].concat());
        assert_eq!(letters(&sent), expected);
    }
}

#[test]
fn a_portal_fetched_in_pieces_is_masked_in_each() {
    let mut session = Session::learnt(CARDS);
    let first = [
        parse("", "select card from customers"),
        bind("p", "", Format::Text),
        describe(Target::Portal(b"p")),
        execute("p", 1),
        execute("p", 1),
        sync(),
    ]
    .concat();
    assert_eq!(session.client(&first), first);
    let suspended = || empty(tag::PORTAL_SUSPENDED);
    let answer = [
        empty(tag::PARSE_COMPLETE),
        empty(tag::BIND_COMPLETE),
        description(&[card()]),
        secret_row(),
        suspended(),
        secret_row(),
        suspended(),
        ready(chaperone_pgwire::server::TransactionStatus::InTransaction),
    ]
    .concat();
    assert_eq!(rows(&session.server(&answer)), [[MASKED], [MASKED]]);
    let sent = session.client(&[execute("p", 1), sync()].concat());
    assert_eq!(letters(&sent), "D E S", "in a later batch it is described anew");
    let answer = [description(&[card()]), secret_row(), done(), idle()].concat();
    let shown = session.server(&answer);
    assert_eq!((letters(&shown).as_str(), rows(&shown)), ("D C Z", vec![vec![MASKED.to_owned()]]));
}

#[test]
fn a_refused_result_is_an_error_and_the_batch_is_skipped_to_its_sync() {
    let mut session = Session::learnt(CARDS);
    let client = [
        parse("", "select length(card) from customers"),
        bind("", "", Format::Text),
        describe(Target::Portal(b"")),
        execute("", 0),
        parse("", "select name from customers"),
        bind("", "", Format::Text),
        execute("", 0),
        sync(),
    ]
    .concat();
    assert_eq!(letters(&session.client(&client)), "P B D E P B D E S");
    let answer = [
        empty(tag::PARSE_COMPLETE),
        empty(tag::BIND_COMPLETE),
        description(&[column("length", 0, 0, INT4)]),
        row(&[Some(b"16")]),
        done(),
        empty(tag::PARSE_COMPLETE),
        empty(tag::BIND_COMPLETE),
        description(&[column("name", CUSTOMERS, 2, TEXT)]),
        row(&[Some(b"bob")]),
        done(),
        idle(),
    ]
    .concat();
    let shown = session.server(&answer);
    assert_eq!(letters(&shown), "1 2 T E Z");
    assert_eq!(reason(&shown), "RM103");
    assert_eq!(session.result("select card from customers", &[card()]), MASKED, "the session goes on");
}

#[test]
fn an_error_for_the_own_question_is_the_clients() {
    let mut session = Session::learnt(CARDS);
    let client = [parse("", "select 1"), bind("p", "", Format::Text), execute("p", 0), sync()].concat();
    assert_eq!(letters(&session.client(&client)), "P B D E S");
    let gone = error(&[(b'S', "ERROR"), (b'C', "34000"), (b'M', "portal \"p\" does not exist")]);
    let answer = [empty(tag::PARSE_COMPLETE), empty(tag::BIND_COMPLETE), gone.clone(), idle()].concat();
    assert_eq!(
        session.server(&answer),
        answer,
        "the server is silent up to the Sync, so the client must know why"
    );
}

#[test]
fn rows_of_a_portal_that_has_none_are_not_shown() {
    let mut session = Session::learnt(CARDS);
    session.client(&[parse("", "select 1"), bind("", "", Format::Text), execute("", 0), sync()].concat());
    let answer = [
        empty(tag::PARSE_COMPLETE),
        empty(tag::BIND_COMPLETE),
        empty(tag::NO_DATA),
        secret_row(),
        done(),
        idle(),
    ]
    .concat();
    let shown = session.server(&answer);
    assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("1 2 E Z", "RM103"));
}

#[test]
fn copy_out_and_missing_verdicts_are_refused_before_the_portal_runs() {
    for (sql, code) in [("copy customers to stdout", "RM102"), ("select unjudged", "AH107")] {
        let mut session = Session::learnt(CARDS);
        let sent =
            session.client(&[parse("", sql), bind("", "", Format::Text), execute("", 0), sync()].concat());
        assert!(!letters(&sent).contains('E'), "{sql}: {}", letters(&sent));
        let mut answer = Vec::new();
        for letter in letters(&sent).chars() {
            match letter {
                'P' => answer.extend(empty(tag::PARSE_COMPLETE)),
                'B' => answer.extend(empty(tag::BIND_COMPLETE)),
                'C' => answer.extend(empty(tag::CLOSE_COMPLETE)),
                'S' => answer.extend(idle()),
                _ => {}
            }
        }
        let shown = session.server(&answer);
        assert!(letters(&shown).ends_with("E Z"), "{sql}");
        assert_eq!(reason(&shown), code, "{sql}");
    }
}

#[test]
fn sql_prepared_statements_are_judged_by_what_they_run() {
    // The guard puts what EXECUTE runs behind it; the stand-in of these tests does not, so that it is not known.
    let mut session = Session::learnt(CARDS);
    session.run("prepare p as select upper(card) from customers", &[done(), idle()].concat());
    assert_eq!(session.result("execute p", &[computed("upper")]), "RM103");
    assert_eq!(session.result("execute p", &[card()]), MASKED);
}

#[test]
fn the_catalogue_is_asked_in_front_of_a_batch_not_in_it() {
    let mut session = Session::new(CARDS);
    let sent = session.client(&parse("s", "select card from customers"));
    assert_eq!(letters(&sent), "Q P");
    let sent = session.client(&[bind("", "s", Format::Text), execute("", 0), sync()].concat());
    assert_eq!(letters(&sent), "B D E S");
    let answer = [
        catalogue(&usual()),
        empty(tag::PARSE_COMPLETE),
        empty(tag::BIND_COMPLETE),
        description(&[card()]),
        secret_row(),
        done(),
        idle(),
    ]
    .concat();
    let shown = session.server(&answer);
    assert_eq!((letters(&shown).as_str(), rows(&shown)), ("1 2 D C Z", vec![vec![MASKED.to_owned()]]));
}
