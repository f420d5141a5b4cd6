//! Sessions on the command line: listed, shown, played, verified.

use chaperone_pgwire::client::write as client;
use chaperone_pgwire::server::{TransactionStatus, write as server};
use chaperone_proto::{Authenticated, Body, Closed, Gap, Opened, Payload, Record, Source, VerdictRecord};
use rusqlite::Connection;

use crate::process::{Place, Running};
use crate::records::{post, record};

const SESSION: &str = "s-0123456789abcdef0123456789abcdef";

fn records() -> Vec<Record> {
    let opened = Opened {
        client: "127.0.0.1:40000".to_owned(),
        resource: "shop".to_owned(),
        protocol: "postgres".to_owned(),
    };
    let who = Authenticated {
        subject: "agent-7".to_owned(),
        groups: vec!["analysts".to_owned()],
        role: "analyst".to_owned(),
        database: "shop".to_owned(),
        application: "psql".to_owned(),
        ..Authenticated::default()
    };
    let verdict = VerdictRecord {
        decision: "deny".to_owned(),
        reason: "SG102".to_owned(),
        rule: "no-drop".to_owned(),
        message: "tables stay".to_owned(),
        statement: "DROP TABLE customers".to_owned(),
        ..VerdictRecord::default()
    };
    let (mut sent, mut shown) = (Vec::new(), Vec::new());
    client::query(&mut sent, b"DROP TABLE customers").unwrap();
    let fields = [(b'S', &b"ERROR"[..]), (b'C', b"42501"), (b'M', b"tables stay")];
    server::error_response(&mut shown, fields).unwrap();
    server::ready_for_query(&mut shown, TransactionStatus::Idle);
    let payload = |bytes| Payload { bytes, omitted: 0 };
    let tap = |seq, body| record(SESSION, Source::Tap, seq, body);
    vec![
        tap(1, Body::Opened(opened)),
        record(SESSION, Source::Identity, 1, Body::Authenticated(who)),
        tap(2, Body::Client(payload(sent))),
        Record {
            time: tap(2, Body::Closed(Closed::default())).time,
            ..record(SESSION, Source::Guard, 1, Body::Verdict(verdict))
        },
        tap(3, Body::Server(payload(shown))),
        tap(4, Body::Closed(Closed { by: "client".to_owned() })),
    ]
}

pub(crate) fn recorded(place: &Place) -> Running {
    let sidecar = place.serve();
    assert_eq!(post(&sidecar, records()), 200);
    sidecar
}

#[test]
fn no_session_is_a_negative_answer() {
    let place = Place::new();
    let sidecar = place.serve();
    for args in [&["list"][..], &["show", "last"], &["play", "last"], &["verify", "s-1"]] {
        let run = sidecar.run(&[&["sessions"], args].concat());
        assert_eq!(run.code, 1, "{args:?}: {run:?}");
    }
}

#[test]
fn a_session_is_listed_shown_and_played() {
    let place = Place::new();
    let sidecar = recorded(&place);
    let list = sidecar.run(&["sessions", "list"]);
    let expected = "\
SESSION         BEGAN (UTC)       TOOK  WHO      WHERE         ALLOW  DENY  HOLD  STATE
s-0123456789a…  2026-03-01 12:00  0s    agent-7  shop/analyst  0      1     0     closed
";
    assert_eq!((list.code, list.out.as_str()), (0, expected));
    let head = format!(
        "{SESSION} agent-7 (analysts)\n\
        2026-03-01 12:00:05.001 UTC, 0s, closed by the client; shop as analyst, database shop, \
        from 127.0.0.1:40000, with psql\n"
    );
    let show = sidecar.run(&["sessions", "show", "last"]);
    let decisions = "0 allowed, 1 denied, 0 held; 6 records\n\n    0.001  shop=> DROP TABLE customers\n    \
                     0.001  ▸ denied by rule `no-drop` [SG102]: tables stay\n";
    assert_eq!((show.code, show.out), (0, format!("{head}{decisions}")));
    let play = sidecar.run(&["sessions", "play", "0123"]);
    let played = "
    0.000  connected from 127.0.0.1:40000 to shop
    0.000  signed in: agent-7 (analysts) as analyst on shop
    0.001  shop=> DROP TABLE customers
    0.001  ▸ denied by rule `no-drop` [SG102]: tables stay
    0.002  ERROR:  tables stay (42501)
    0.003  closed by the client
";
    assert_eq!((play.code, play.out), (0, format!("{head}{played}")));
    let lines = sidecar.run(&["sessions", "play", SESSION, "--json"]).out;
    let kinds: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].clone())
        .collect();
    assert_eq!(kinds, ["opened", "authenticated", "client", "verdict", "server", "closed"]);
}

#[test]
fn a_prefix_must_be_of_one_session() {
    let place = Place::new();
    let sidecar = recorded(&place);
    let closed = || Body::Closed(Closed::default());
    post(&sidecar, vec![record("s-01", Source::Tap, 1, closed())]);
    assert_eq!(sidecar.run(&["sessions", "show", "s-012"]).code, 0);
    let many = sidecar.run(&["sessions", "show", "0"]);
    assert_eq!(many.code, 1);
    assert!(many.err.contains("s-01, s-0123"), "{}", many.err);
}

/// Changes the store behind the sidecar's back, then verifies.
fn tampered(change: &str) -> (i32, String) {
    let place = Place::new();
    let sidecar = recorded(&place);
    let before = sidecar.run(&["sessions", "verify", "last"]);
    assert_eq!(before.code, 0, "{before:?}");
    assert!(before.out.contains("is whole: 6 records, closed"), "{}", before.out);
    let database = Connection::open(place.join("data/records.db")).unwrap();
    database.execute_batch(change).unwrap();
    let after = sidecar.run(&["sessions", "verify", "last"]);
    (after.code, after.out)
}

#[test]
fn tampering_is_found_and_named() {
    let cases = [
        (
            "UPDATE records SET body = cast(substr(body, 1, length(body) - 2) || 'X;' AS BLOB) WHERE position = 3",
            "record 3 (session-tap 2) was altered",
        ),
        ("UPDATE records SET body = zeroblob(5) WHERE position = 6", "record 6"),
        ("DELETE FROM records WHERE position = 4", "record 4 removed"),
        ("DELETE FROM records WHERE position >= 5", "records 5 to 6 removed"),
        (
            "DELETE FROM records WHERE position = 6; UPDATE sessions SET records = 5",
            "the last hash is not the one",
        ),
        (
            "UPDATE records SET position = -1 WHERE position = 1;
             UPDATE records SET position = 1 WHERE position = 2;
             UPDATE records SET position = 2 WHERE position = -1",
            "record 1 ",
        ),
        ("UPDATE records SET seq = 9 WHERE position = 6", "record 6 belongs to another"),
        ("UPDATE sessions SET head = zeroblob(32)", "the last hash is not the one"),
        (
            "INSERT INTO records (session, position, source, seq, hash, body)
             SELECT session, 9999, source, 77, hash, body FROM records WHERE position = 4",
            "beyond the session's end",
        ),
        // The chain agrees, but what is listed does not.
        (
            "UPDATE sessions SET summary = replace(summary, 'agent-7', 'agent-8')",
            "the session's `subject`, as it is listed, is not what its records say",
        ),
        ("UPDATE sessions SET first_ns = first_ns + 1000000000", "the session's `first_ms`"),
        (
            "DELETE FROM records WHERE position = 6;
             UPDATE sessions SET records = 5, head = (SELECT hash FROM records WHERE position = 5)",
            "the session's `closed_by`",
        ),
    ];
    for (change, expected) in cases {
        let (code, out) = tampered(change);
        assert_eq!(code, 1, "{change}: {out}");
        assert!(out.contains("is not whole") && out.contains(expected), "{change}: {out}");
    }
}

#[test]
fn losses_and_missing_numbers_are_not_whole() {
    let place = Place::new();
    let sidecar = place.serve();
    let gap = Body::Gap(Gap { missing: 3, why: "the sidecar was away".to_owned() });
    post(&sidecar, vec![record("s-1", Source::Tap, 2, gap)]);
    let verified = sidecar.run(&["sessions", "verify", "s-1"]);
    assert_eq!(verified.code, 1);
    for part in
        ["still open", "lost 3 record(s): the sidecar was away", "session-tap: number 1 never arrived"]
    {
        assert!(verified.out.contains(part), "{part}: {}", verified.out);
    }
    assert!(sidecar.run(&["sessions", "list"]).out.contains("records lost"));
    assert!(sidecar.run(&["sessions", "show", "s-1"]).out.contains("number 1 never arrived"));
}
