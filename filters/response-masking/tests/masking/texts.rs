//! Errors, notices, notifications.

use chaperone_pgwire::client::write as ask;
use chaperone_pgwire::server::write;
use chaperone_pgwire::tag;

use crate::session::*;

const INVALID: [(u8, &str); 5] = [
    (b'S', "ERROR"),
    (b'C', "22P02"),
    (b'M', "invalid input syntax for type integer: \"Bob Secret\""),
    (b'D', "Failing row contains (Bob Secret)"),
    (b'R', "pg_strtoint32"),
];

#[test]
fn are_searched_by_detectors() {
    let mut session = Session::new(FINDS);
    let texts = [
        (b'S', "ERROR"),
        (b'C', "23505"),
        (b'M', "duplicate bob@example.com"),
        (b'D', "Key (email)=(bob@example.com) already exists."),
        (b'H', "ask bob@example.com"),
        (b'W', "while bob@example.com"),
        (b'q', "select 'bob@example.com'"),
        (b'n', "customers_email_key"),
        (b'Z', "an unknown field: bob@example.com"),
    ];
    let shown = session.run("insert into customers values (1)", &[error(&texts), idle()].concat());
    assert!(!String::from_utf8_lossy(&shown).contains("bob@"), "{}", String::from_utf8_lossy(&shown));
    for (letter, text) in texts {
        assert_eq!(field(&shown, letter).unwrap(), text.replace("bob@example.com", "[redacted]"));
    }
    let mut notice = Vec::new();
    write::notice_response(&mut notice, [(b'M', b"hello bob@example.com".as_slice())]).unwrap();
    assert_eq!(field(&session.server(&notice), b'M').unwrap(), "hello [redacted]");
}

#[test]
fn that_may_quote_a_hidden_column_are_withheld() {
    let mut session = Session::learnt(CARDS);
    let answer = [error(&INVALID), idle()].concat();
    for sql in ["select name::int from customers", "select c::int from contacts"] {
        let shown = session.run(sql, &answer);
        assert!(!String::from_utf8_lossy(&shown).contains("Bob Secret"), "{sql}");
        assert_eq!(field(&shown, b'C').as_deref(), Some("22P02"), "the SQLSTATE stays");
        assert_eq!(field(&shown, b'R').as_deref(), Some("pg_strtoint32"), "and where it was raised");
        assert_eq!(field(&shown, b'D'), None);
    }
    let missing = [(b'S', "ERROR"), (b'C', "42703"), (b'M', "column \"x\" does not exist"), (b'P', "8")];
    let answer = [error(&missing), idle()].concat();
    assert_eq!(session.run("select x from customers", &answer), answer, "speaks of the statement");
    for (code, message) in [
        ("42P01", "relation \"Bob Secret\" does not exist"),
        ("3F000", "schema \"Bob Secret\" does not exist"),
        ("42601", "syntax error in tsquery: \"Bob Secret\""),
        ("42704", "unrecognized configuration parameter \"Bob Secret\""),
    ] {
        let raised = error(&[(b'S', "ERROR"), (b'C', code), (b'M', message)]);
        for sql in ["select name::regclass from customers", "explain analyze select name::int from customers"]
        {
            let shown = session.run(sql, &[raised.clone(), idle()].concat());
            assert!(!String::from_utf8_lossy(&shown).contains("Bob Secret"), "{code}: {sql}");
        }
    }
    let mut notice = Vec::new();
    write::notice_response(&mut notice, [(b'C', b"01000".as_slice()), (b'M', b"PID 52 is Bob Secret")])
        .unwrap();
    assert!(
        !String::from_utf8_lossy(&session.server(&notice)).contains("Bob Secret"),
        "a function can be made to speak"
    );
}

#[test]
fn of_other_tables_stay() {
    let mut session = Session::learnt(CARDS);
    let answer = [error(&INVALID), idle()].concat();
    assert_eq!(session.run("select name::int from other", &answer), answer);
    assert_eq!(session.run("commit", &answer), answer);
    assert_eq!(session.run("fetch 1 from c", &answer), answer);
    session.run("insert into customers values (1)", &[done(), idle()].concat());
    let shown = session.run("commit", &answer);
    assert!(!String::from_utf8_lossy(&shown).contains("Bob Secret"), "checks that were deferred");
    let shown = session.run("fetch 1 from c", &answer);
    assert!(!String::from_utf8_lossy(&shown).contains("Bob Secret"), "a cursor that may read hidden columns");
    let mut sync = Vec::new();
    ask::sync(&mut sync);
    session.client(&sync);
    let shown = session.server(&answer);
    assert!(!String::from_utf8_lossy(&shown).contains("Bob Secret"), "at Sync too");
}

#[test]
fn errors_tell_themselves_what_they_are_about() {
    let of = |sql: &str, more: &[(u8, &str)]| {
        let mut session = Session::learnt(CARDS);
        let fields =
            [&[(b'S', "ERROR"), (b'C', "23514"), (b'M', "m"), (b'D', "(Bob Secret)")][..], more].concat();
        let shown = session.run(sql, &[error(&fields), idle()].concat());
        String::from_utf8_lossy(&shown).contains("Bob Secret")
    };
    let deletes = "delete from cities where code = 'x'";
    assert!(of(deletes, &[]));
    assert!(of(deletes, &[(b's', "public"), (b't', "cities")]));
    assert!(!of(deletes, &[(b's', "public"), (b't', "customers")]), "a foreign key has changed it");
    assert!(of(deletes, &[(b's', "other"), (b't', "customers")]));
    assert!(!of(deletes, &[(b'W', "SQL statement \"UPDATE ONLY people\"")]), "whatever that was");
    assert!(!of(deletes, &[(b'q', "UPDATE people")]));
    assert!(of("select f(1)", &[(b'W', "PL/pgSQL function f() line 1 at RAISE")]), "called by its name");
    assert!(of("insert into t values ('{bad'::json)", &[(b'W', "JSON data, line 1: {bad")]));
    assert!(!of("reindex index i", &[]), "an index computes what it likes");
    assert!(of("set work_mem = 1", &[]));
    assert!(!of("set constraints all immediate", &[(b's', "public"), (b't', "customers")]));
    // A notice is of anything that runs.
    let mut session = Session::learnt(CARDS);
    let noisy = |more: &[(u8, &str)]| {
        let mut out = Vec::new();
        let fields = [&[(b'S', "NOTICE"), (b'C', "00000"), (b'M', "Bob Secret")][..], more].concat();
        let fields = fields.iter().map(|(letter, text)| (*letter, text.as_bytes()));
        write::notice_response(&mut out, fields).unwrap();
        out
    };
    session.client(&query("insert into t values (1)"));
    assert!(letters(&session.server(&noisy(&[]))) == "N");
    let nested = noisy(&[(b'W', "PL/pgSQL function f() line 1 at RAISE")]);
    let shown = session.server(&nested);
    assert!(!String::from_utf8_lossy(&shown).contains("Bob Secret"));
    session.server(&[done(), idle()].concat());
    session.client(&query("call hello()"));
    assert_eq!(session.server(&nested), nested, "of a procedure that was called by its name");
}

/// Views that read a hidden column and show nothing of it.
#[test]
fn errors_of_views_that_read_a_hidden_column_are_withheld() {
    let mut learnt = usual();
    learnt.push((16_420, -1, 0, "public", "v_where", "", 0));
    let mut session = Session::new(CARDS);
    session.client(&query("select 1"));
    session.server(&catalogue(&learnt));
    session.server(&[done(), idle()].concat());
    let answer = [error(&INVALID), idle()].concat();
    for (sql, secret) in [
        ("select * from other", true),
        ("select * from v_where", false),
        ("select * from public.v_where", false),
        ("select * from elsewhere.v_where", true),
        ("explain analyze select * from v_where", false),
    ] {
        let shown = session.run(sql, &answer);
        assert_eq!(String::from_utf8_lossy(&shown).contains("Bob Secret"), secret, "{sql}");
    }
    let shown = session.run("fetch 1 from c", &answer);
    assert!(!String::from_utf8_lossy(&shown).contains("Bob Secret"), "a cursor may be of it");
    let nothing = [error(&[(b'C', "34000"), (b'M', "cursor \"c\" does not exist")]), idle()].concat();
    assert_eq!(session.run("fetch 1 from c", &nothing), nothing);
    assert_ne!(session.run("select notes::int from customers", &nothing), nothing);
}

#[test]
fn that_cannot_be_read_are_not_shown() {
    let mut session = Session::new(FINDS);
    let broken = |letter| [&[letter, 0, 0, 0, 20][..], b"Mbob@example.com"].concat();
    session.client(&query("select 1"));
    assert_eq!(session.server(&broken(tag::server::NOTICE_RESPONSE)), b"");
    let shown = session.server(&[broken(tag::server::ERROR_RESPONSE), idle()].concat());
    assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("E Z", "PG101"));
}

fn notification(payload: &str) -> Vec<u8> {
    let body = [&7_u32.to_be_bytes()[..], b"news\0", payload.as_bytes(), b"\0"].concat();
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag::server::NOTIFICATION_RESPONSE][..], &length, &body].concat()
}

fn setting(name: &str, value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::parameter_status(&mut out, name.as_bytes(), value.as_bytes()).unwrap();
    out
}

#[test]
fn notifications_and_settings_are_searched() {
    let mut session = Session::new(FINDS);
    assert_eq!(session.server(&notification("for bob@example.com")), notification("for [redacted]"));
    assert_eq!(session.server(&notification("nothing")), notification("nothing"));
    let name = "application_name";
    assert_eq!(session.server(&setting(name, "for bob@example.com")), setting(name, "for [redacted]"));
    assert_eq!(session.server(&setting("TimeZone", "Europe/Berlin")), setting("TimeZone", "Europe/Berlin"));
}

#[test]
fn notifications_are_hidden_where_columns_are() {
    let mut session = Session::learnt(CARDS);
    assert_eq!(session.server(&notification("Bob Secret")), notification("[redacted]"), "any may send a row");
    assert_eq!(session.server(&notification("")), notification(""));
    let mut owner = Session::of(CARDS, "owners");
    assert_eq!(owner.server(&notification("Bob Secret")), notification("Bob Secret"));
}

#[test]
fn settings_are_withheld_once_hidden_columns_were_touched() {
    let mut session = Session::learnt(CARDS);
    let told = setting("application_name", "psql");
    assert_eq!(session.server(&told), told, "nothing hidden was touched");
    session.run("select id from customers where card = 'x'", &[done(), idle()].concat());
    for name in ["application_name", "TimeZone", "search_path", "scram_iterations", "app.anything"] {
        assert_eq!(session.server(&setting(name, "Bob Secret")), b"", "{name}");
    }
    for name in ["client_encoding", "DateStyle", "standard_conforming_strings", "in_hot_standby"] {
        assert_eq!(session.server(&setting(name, "on")), setting(name, "on"), "{name} has few values");
    }
    let broken = [&[tag::server::PARAMETER_STATUS, 0, 0, 0, 20][..], b"bob@example.com!"].concat();
    assert_eq!(session.server(&broken), b"");
}
