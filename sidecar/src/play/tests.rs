//! Sessions made by hand, and what they look like.

use chaperone_pgwire::client::{Target, write as client};
use chaperone_pgwire::server::{Column, ErrorFields, Severity, TransactionStatus, write as server};
use chaperone_pgwire::{Format, tag};
use chaperone_proto::{
    Approval, Authenticated, Body, Closed, Gap, Opened, Payload, Record, Source, VerdictRecord,
};

use super::*;

mod names;

const EXPECTED: &str = include_str!("tests/session.txt");

fn column(name: &'static str, type_oid: u32, format: Format) -> Column<'static> {
    let name = name.as_bytes();
    Column { name, table_oid: 0, attnum: 0, type_oid, type_len: -1, typmod: -1, format }
}

fn bytes(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes);
    bytes
}

fn sent(bytes: Vec<u8>) -> Body {
    Body::Client(Payload { bytes, omitted: 0 })
}

fn shown(bytes: Vec<u8>) -> Body {
    Body::Server(Payload { bytes, omitted: 0 })
}

fn verdict(decision: &str, reason: &str, rule: &str, message: &str) -> Body {
    let [decision, reason, rule, message] = [decision, reason, rule, message].map(str::to_owned);
    Body::Verdict(VerdictRecord { decision, reason, rule, message, ..VerdictRecord::default() })
}

fn play(bodies: &[(u64, Body)]) -> String {
    let mut transcript = Transcript::new();
    let mut out = Vec::new();
    for (millis, body) in bodies {
        let source = Source::Tap.into();
        let record = Record { session: "s-1".to_owned(), source, seq: 1, time: 0, body: Some(body.clone()) };
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let seconds = *millis as f64 / 1000.0;
        for happening in transcript.push(&record) {
            render(&mut out, seconds, &happening).unwrap();
        }
    }
    anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
}

/// A session of everything that the demo shows, in the simple protocol.
fn simple() -> Vec<(u64, Body)> {
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
        ..Authenticated::default()
    };
    let error = ErrorFields {
        severity: Severity::Error,
        code: "42501",
        message: "a rule denies this",
        detail: Some("Rule no-drop."),
        hint: Some("Ask the policy's owner."),
    };
    let notice = ErrorFields { severity: Severity::Notice, message: "waiting for approval", ..error };
    let step = |state: &str, by: &str, reason: &str| {
        let [id, state, by, reason] = ["ap-z0123456789a", state, by, reason].map(str::to_owned);
        Body::Approval(Approval { id, state, by, reason })
    };
    let query = |text: &str| sent(bytes(|out| client::query(out, text.as_bytes()).unwrap()));
    let rows = bytes(|out| {
        let columns = [
            column("id", 23, Format::Text),
            column("card", 25, Format::Text),
            column("note", 25, Format::Text),
        ];
        server::row_description(out, columns).unwrap();
        for (id, note) in [("1", Some("a\tb\u{1b}[2J")), ("20", None)] {
            let values = [Some(id.as_bytes()), Some(&b"****1111"[..]), note.map(str::as_bytes)];
            server::data_row(out, values).unwrap();
        }
        server::command_complete(out, b"SELECT 2").unwrap();
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    let begun = bytes(|out| {
        server::command_complete(out, b"BEGIN").unwrap();
        server::ready_for_query(out, TransactionStatus::InTransaction);
    });
    let denied = bytes(|out| {
        error.write_error(out);
        server::ready_for_query(out, TransactionStatus::Failed);
    });
    let updated = bytes(|out| {
        server::command_complete(out, b"UPDATE 3").unwrap();
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    vec![
        (0, Body::Opened(opened)),
        (12, Body::Authenticated(who)),
        (500, query("SELECT id, card, note\nFROM customers;")),
        (500, verdict("allow", "SG100", "read", "")),
        (504, shown(rows)),
        (900, query("BEGIN")),
        (901, shown(begun)),
        (1000, query("DROP TABLE customers")),
        (1000, verdict("deny", "SG102", "no-drop", "tables stay")),
        (1002, shown(denied)),
        (2000, query("UPDATE customers SET note = 'x'")),
        (2000, verdict("hold", "AH100", "risky", "ask a DBA")),
        (2001, step("pending", "", "")),
        (2002, shown(notice.to_notice())),
        (9000, step("approved", "dana", "fine by me")),
        (9005, shown(updated)),
        (9500, Body::Gap(Gap { missing: 2, why: "the sidecar was away".to_owned() })),
        (10_000, Body::Closed(Closed { by: "client".to_owned() })),
    ]
}

#[test]
fn a_session_looks_as_it_did_in_psql() {
    let played = play(&simple());
    assert!(played == EXPECTED, "expected\n{EXPECTED}\nbut it is\n{played}");
}

fn extended(statement: &[u8], format: Format) -> Vec<(u64, Body)> {
    let asked = bytes(|out| {
        client::parse(out, statement, b"select n, t from x where a = $1 and b = $2", &[]).unwrap();
        client::bind(out, b"", statement, [Some(&b"7"[..]), None], format).unwrap();
        client::describe(out, Target::Portal(b"")).unwrap();
        client::execute(out, b"", 0).unwrap();
        client::sync(out);
    });
    let answered = bytes(|out| {
        server::empty(out, tag::server::PARSE_COMPLETE);
        server::empty(out, tag::server::BIND_COMPLETE);
        server::row_description(out, [column("n", 23, format), column("t", 25, format)]).unwrap();
        let number = match format {
            Format::Text => b"42".to_vec(),
            Format::Binary => 42_i32.to_be_bytes().to_vec(),
        };
        server::data_row(out, [Some(number.as_slice()), Some(b"ok")]).unwrap();
        server::command_complete(out, b"SELECT 1").unwrap();
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    vec![(0, sent(asked)), (5, shown(answered))]
}

#[test]
fn the_extended_protocol_reads_like_the_simple_one() {
    let expected = [
        "    0.000  => select n, t from x where a = $1 and b = $2",
        "                with $1 = '7', $2 = NULL",
        "    0.005   n  | t",
        "           ----+----",
        "            42 | ok",
        "           (1 row)",
    ];
    for format in [Format::Text, Format::Binary] {
        let played = play(&extended(b"", format));
        assert_eq!(played.lines().collect::<Vec<_>>(), expected, "{format:?}");
    }
}

#[test]
fn a_statement_described_once_gives_its_columns_to_every_run() {
    let prepare = bytes(|out| {
        client::parse(out, b"s1", b"select n from x", &[]).unwrap();
        client::describe(out, Target::Statement(b"s1")).unwrap();
        client::sync(out);
    });
    let prepared = bytes(|out| {
        server::empty(out, tag::server::PARSE_COMPLETE);
        server::row_description(out, [column("n", 23, Format::Text)]).unwrap();
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    let run = bytes(|out| {
        client::bind(out, b"", b"s1", [], Format::Binary).unwrap();
        client::execute(out, b"", 0).unwrap();
        client::sync(out);
    });
    let ran = bytes(|out| {
        server::empty(out, tag::server::BIND_COMPLETE);
        server::data_row(out, [Some(&7_i32.to_be_bytes()[..])]).unwrap();
        server::command_complete(out, b"SELECT 1").unwrap();
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    let twice = [(1, sent(run.clone())), (2, shown(ran.clone())), (3, sent(run)), (4, shown(ran))];
    let session: Vec<_> = [(0, sent(prepare)), (0, shown(prepared))].into_iter().chain(twice).collect();
    let played = play(&session);
    assert!(played.contains("prepares: select n from x"), "{played}");
    assert_eq!(played.matches("=> select n from x").count(), 2, "{played}");
    assert_eq!(played.matches("           7\n").count(), 2, "{played}");
}

#[test]
fn after_an_error_the_answers_still_find_their_questions() {
    let asked = bytes(|out| {
        client::parse(out, b"", b"bad", &[]).unwrap();
        client::bind(out, b"", b"", [], Format::Text).unwrap();
        client::execute(out, b"", 0).unwrap();
        client::sync(out);
        client::query(out, b"select 1").unwrap();
    });
    let error = ErrorFields {
        severity: Severity::Error,
        code: "42601",
        message: "syntax error",
        detail: None,
        hint: None,
    };
    let answered = bytes(|out| {
        error.write_error(out);
        server::ready_for_query(out, TransactionStatus::Idle);
        server::row_description(out, [column("n", 23, Format::Text)]).unwrap();
        server::data_row(out, [Some(&b"1"[..])]).unwrap();
        server::command_complete(out, b"SELECT 1").unwrap();
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    let played = play(&[(0, sent(asked)), (1, shown(answered))]);
    assert!(played.contains("ERROR:  syntax error (42601)"), "{played}");
    assert!(played.contains("(1 row)"), "{played}");
}

#[test]
fn what_the_server_skipped_is_told() {
    let asked = bytes(|out| {
        for text in ["update a", "update b", "update c"] {
            client::parse(out, b"", text.as_bytes(), &[]).unwrap();
            client::bind(out, b"", b"", [], Format::Text).unwrap();
            client::execute(out, b"", 0).unwrap();
        }
        client::sync(out);
    });
    let error = ErrorFields {
        severity: Severity::Error,
        code: "22012",
        message: "division by zero",
        detail: None,
        hint: None,
    };
    let answered = bytes(|out| {
        for letter in [tag::server::PARSE_COMPLETE, tag::server::BIND_COMPLETE] {
            server::empty(out, letter);
        }
        server::command_complete(out, b"UPDATE 1").unwrap();
        for letter in [tag::server::PARSE_COMPLETE, tag::server::BIND_COMPLETE] {
            server::empty(out, letter);
        }
        error.write_error(out);
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    let played = play(&[(0, sent(asked)), (1, shown(answered))]);
    let never: Vec<_> = played.lines().filter(|line| line.contains("never ran")).collect();
    assert_eq!(never.len(), 1, "{played}");
    assert!(never.concat().contains("update c"), "{played}");
}

#[test]
fn rows_that_nobody_described_are_shown() {
    let asked = bytes(|out| {
        client::parse(out, b"", b"select a, b from x", &[]).unwrap();
        client::bind(out, b"", b"", [], Format::Text).unwrap();
        client::execute(out, b"", 0).unwrap();
        client::sync(out);
    });
    let answered = bytes(|out| {
        server::empty(out, tag::server::PARSE_COMPLETE);
        server::empty(out, tag::server::BIND_COMPLETE);
        server::data_row(out, [Some(&b"first"[..]), Some(b"second")]).unwrap();
        server::command_complete(out, b"SELECT 1").unwrap();
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    let played = play(&[(0, sent(asked)), (1, shown(answered))]);
    let lines: Vec<_> = played.lines().map(|line| line.split_at(11).1).collect();
    let expected = [" column 1 | column 2", "----------+----------", " first    | second", "(1 row)"];
    assert_eq!(lines[1..], expected, "{played}");
}

#[test]
fn columns_beyond_the_most_are_counted() {
    let names: Vec<String> = (0..table::MAX_COLUMNS + 7).map(|n| format!("c{n}")).collect();
    let rows = bytes(|out| {
        let columns =
            names.iter().map(|name| Column { name: name.as_bytes(), ..column("", 25, Format::Text) });
        server::row_description(out, columns).unwrap();
        server::data_row(out, names.iter().map(|name| Some(name.as_bytes()))).unwrap();
        server::command_complete(out, b"SELECT 1").unwrap();
    });
    let asked = bytes(|out| client::query(out, b"select *").unwrap());
    let played = play(&[(0, sent(asked)), (0, shown(rows))]);
    assert!(played.contains("(7 more columns are recorded)"), "{played}");
    assert!(played.contains("(1 row)"), "{played}");
}

/// Only so many bytes of it were recorded.
fn cut(mut bytes: Vec<u8>, most: usize) -> Payload {
    let omitted = (bytes.len() - most) as u64;
    bytes.truncate(most);
    Payload { bytes, omitted }
}

#[test]
fn what_was_recorded_of_a_long_message_is_shown_and_answered() {
    let long = |text: &str| format!("{text} {}", "x".repeat(1000));
    let query = bytes(|out| client::query(out, long("select 'long'").as_bytes()).unwrap());
    let parse = bytes(|out| client::parse(out, b"s", long("select 'parsed'").as_bytes(), &[]).unwrap());
    let bind = bytes(|out| {
        client::bind(out, b"p", b"s", [Some(long("").as_bytes())], Format::Text).unwrap();
    });
    let run = bytes(|out| {
        client::execute(out, b"p", 0).unwrap();
        client::sync(out);
    });
    let row = bytes(|out| server::data_row(out, [Some(long("row").as_bytes())]).unwrap());
    let answered = bytes(|out| {
        server::command_complete(out, b"SELECT 1").unwrap();
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    let begun = bytes(|out| {
        server::row_description(out, [column("n", 25, Format::Text)]).unwrap();
    });
    let prepared = bytes(|out| {
        server::empty(out, tag::server::PARSE_COMPLETE);
        server::empty(out, tag::server::BIND_COMPLETE);
    });
    let played = play(&[
        (0, Body::Client(cut(query, 40))),
        (1, shown(begun)),
        (1, Body::Server(cut(row.clone(), 40))),
        (1, shown(answered.clone())),
        (2, Body::Client(cut(parse, 40))),
        (2, Body::Client(cut(bind, 40))),
        (2, sent(run)),
        (3, shown(prepared)),
        (3, Body::Server(cut(row, 40))),
        (3, shown(answered)),
    ]);
    for shown in ["=> select 'long' x", "=> select 'parsed' x", "with $1 = … (not recorded whole)"] {
        assert!(played.contains(shown), "{shown}\n{played}");
    }
    assert_eq!(played.matches("(1 more rows are recorded)").count(), 2, "{played}");
    assert_eq!(played.matches("(1 row)").count(), 2, "{played}");
    assert!(!played.contains("unknown"), "{played}");
}

#[test]
fn copy_is_counted_and_not_shown() {
    let asked = bytes(|out| client::query(out, b"copy t from stdin").unwrap());
    let data = bytes(|out| {
        client::copy_data(out, b"secret\n").unwrap();
        client::copy_data(out, b"secret\n").unwrap();
        client::copy_done(out);
    });
    let played = play(&[(0, sent(asked)), (1, sent(data))]);
    assert!(played.contains("sends 14 bytes of COPY data"), "{played}");
    assert!(!played.contains("secret"), "{played}");
}

#[test]
fn damaged_messages_are_named_and_end_nothing() {
    let bodies =
        [b"Q\0\0\0\x03".to_vec(), b"\xff\xff".to_vec(), b"T\0\0\0\x08\0\x05\0\0".to_vec(), vec![0; 9]];
    for body in bodies {
        for body in [sent(body.clone()), shown(body)] {
            let closed = Body::Closed(Closed { by: "server".to_owned() });
            let played = play(&[(0, body), (1, closed)]);
            assert!(played.ends_with("closed by the server\n"), "{played}");
        }
    }
    let omitted = Body::Server(Payload { bytes: Vec::new(), omitted: 9 });
    assert!(play(&[(0, omitted)]).contains("9 more bytes were not recorded"));
}

#[test]
fn large_results_are_cut_and_counted() {
    let rows = bytes(|out| {
        server::row_description(out, [column("n", 23, Format::Text)]).unwrap();
        for _ in 0..table::MAX_ROWS + 5 {
            server::data_row(out, [Some(&b"1"[..])]).unwrap();
        }
        server::command_complete(out, b"SELECT 1005").unwrap();
    });
    let asked = bytes(|out| client::query(out, b"select n").unwrap());
    let played = play(&[(0, sent(asked)), (0, shown(rows))]);
    assert!(played.contains("(5 more rows are recorded)"), "{played}");
    assert!(played.contains("(1005 rows)"), "{played}");
}

proptest::proptest! {
    /// Whatever was recorded can be played.
    #[test]
    fn no_bytes_stop_the_player(
        bytes in proptest::collection::vec(
            (proptest::bool::ANY, proptest::collection::vec(proptest::num::u8::ANY, 0..60)), 0..8)
    ) {
        let bodies: Vec<_> = bytes
            .into_iter()
            .map(|(client, bytes)| (0, if client { sent(bytes) } else { shown(bytes) }))
            .collect();
        play(&bodies);
    }
}
