//! What is told of names that mean something else to the server than what the client means by them.

use super::*;

#[test]
fn a_name_that_stands_for_something_else_by_now_keeps_its_columns() {
    let asked = bytes(|out| {
        for (text, described) in [(&b"select n from x"[..], true), (b"select a, b from y", false)] {
            client::parse(out, b"", text, &[]).unwrap();
            client::bind(out, b"", b"", [], Format::Text).unwrap();
            if described {
                client::describe(out, Target::Portal(b"")).unwrap();
            }
            client::execute(out, b"", 0).unwrap();
        }
        client::sync(out);
    });
    let answered = bytes(|out| {
        for row in [&[Some(&b"7"[..])][..], &[Some(&b"first"[..]), Some(b"second")]] {
            server::empty(out, tag::server::PARSE_COMPLETE);
            server::empty(out, tag::server::BIND_COMPLETE);
            if row.len() == 1 {
                server::row_description(out, [column("n", 23, Format::Text)]).unwrap();
            }
            server::data_row(out, row.iter().copied()).unwrap();
            server::command_complete(out, b"SELECT 1").unwrap();
        }
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    let played = play(&[(0, sent(asked)), (1, shown(answered))]);
    assert!(played.contains("   n\n") && played.contains(" first    | second"), "{played}");
    assert!(played.contains(" column 1 | column 2"), "{played}");
}

#[test]
fn what_ran_is_told_where_the_name_was_taken() {
    let parse = |text: &str| {
        bytes(|out| {
            client::parse(out, b"s", text.as_bytes(), &[]).unwrap();
            client::sync(out);
        })
    };
    let error = ErrorFields {
        severity: Severity::Error,
        code: "42P05",
        message: "prepared statement exists",
        detail: None,
        hint: None,
    };
    let prepared = bytes(|out| {
        server::empty(out, tag::server::PARSE_COMPLETE);
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    let refused = bytes(|out| {
        error.write_error(out);
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    let run = bytes(|out| {
        client::bind(out, b"", b"s", [], Format::Text).unwrap();
        client::execute(out, b"", 0).unwrap();
        client::sync(out);
    });
    let ran = bytes(|out| {
        server::empty(out, tag::server::BIND_COMPLETE);
        server::command_complete(out, b"INSERT 0 1").unwrap();
        server::ready_for_query(out, TransactionStatus::Idle);
    });
    // The client waits for the error, or sends all at once.
    let (evil, harmless) = (parse("insert into t"), parse("select 1"));
    let waits = [
        (0, sent(evil.clone())),
        (1, shown(prepared.clone())),
        (2, sent(harmless.clone())),
        (3, shown(refused.clone())),
        (4, sent(run.clone())),
        (5, shown(ran.clone())),
    ];
    let played = play(&waits);
    assert!(played.contains("=> insert into t"), "{played}");
    assert!(!played.contains("=> select 1"), "{played}");
    let at_once = [(0, sent([evil, harmless, run].concat())), (1, shown([prepared, refused, ran].concat()))];
    let played = play(&at_once);
    assert!(played.contains("another statement, and this was run: insert into t"), "{played}");
}

/// SQL's own statements make names of the protocol free, and others of them.
#[test]
fn names_that_sql_frees_and_makes_are_followed() {
    let query = |text: &str, tag: &str| {
        let asked = bytes(|out| client::query(out, text.as_bytes()).unwrap());
        let answered = bytes(|out| {
            server::command_complete(out, tag.as_bytes()).unwrap();
            server::ready_for_query(out, TransactionStatus::Idle);
        });
        [(0, sent(asked)), (1, shown(answered))]
    };
    let parse = |name: &[u8], text: &[u8]| {
        let asked = bytes(|out| {
            client::parse(out, name, text, &[]).unwrap();
            client::sync(out);
        });
        let answered = bytes(|out| {
            server::empty(out, tag::server::PARSE_COMPLETE);
            server::ready_for_query(out, TransactionStatus::Idle);
        });
        [(0, sent(asked)), (1, shown(answered))]
    };
    let run = |name: &[u8]| {
        let asked = bytes(|out| {
            client::bind(out, b"", name, [], Format::Text).unwrap();
            client::execute(out, b"", 0).unwrap();
            client::sync(out);
        });
        let answered = bytes(|out| {
            server::empty(out, tag::server::BIND_COMPLETE);
            server::command_complete(out, b"SELECT 1").unwrap();
            server::ready_for_query(out, TransactionStatus::Idle);
        });
        [(0, sent(asked)), (1, shown(answered))]
    };
    let made = "prepare s as select secrets";
    for (freed, tag, expected) in [
        ("deallocate all", "DEALLOCATE ALL", "=> prepare s as select secrets"),
        ("discard all", "DISCARD ALL", "=> prepare s as select secrets"),
        ("DEALLOCATE PREPARE s;", "DEALLOCATE", "=> prepare s as select secrets"),
        ("deallocate other", "DEALLOCATE", "=> select harmless"),
    ] {
        let made = if expected.contains("secrets") { query(made, "PREPARE").to_vec() } else { Vec::new() };
        let story = [&parse(b"s", b"select harmless")[..], &query(freed, tag), &made, &run(b"s")].concat();
        let played = play(&story);
        let last = played.lines().rfind(|line| line.contains("=> ")).unwrap();
        assert!(last.ends_with(expected), "{freed}: {played}");
    }
    // A cursor that was declared under the name of a portal that is gone.
    let bound = {
        let asked = bytes(|out| {
            client::bind(out, b"c", b"s", [], Format::Text).unwrap();
            client::sync(out);
        });
        let answered = bytes(|out| {
            server::empty(out, tag::server::BIND_COMPLETE);
            server::ready_for_query(out, TransactionStatus::InTransaction);
        });
        [(0, sent(asked)), (1, shown(answered))]
    };
    let fetched = bytes(|out| {
        client::execute(out, b"c", 0).unwrap();
        client::sync(out);
    });
    let fetched = [(0, sent(fetched))];
    let declares = "declare C cursor for select secrets";
    for (declares, expected) in [
        (declares, "=*> declare C cursor for select secrets"),
        ("declare /**/ c cursor for select secrets", "=*> (a statement of unknown text)"),
    ] {
        let story = [
            &parse(b"s", b"select harmless")[..],
            &bound,
            &query("close c", "CLOSE CURSOR"),
            &query("begin", "BEGIN"),
            &query(declares, "DECLARE CURSOR"),
            &fetched,
        ];
        let played = play(&story.concat()).replace("=>", "=*>");
        let last = played.lines().rfind(|line| line.contains("=*> ")).unwrap();
        assert!(last.ends_with(expected), "{declares}: {played}");
    }
    // Written in a way that tells no name: nothing is said that may be wrong.
    let odd = [("deallocate /**/ s", "DEALLOCATE"), ("prepare /**/ s as select secrets", "PREPARE")];
    let odd = odd.map(|(text, tag)| query(text, tag)).concat();
    let played = play(&[&parse(b"s", b"select harmless")[..], &odd, &run(b"s")].concat());
    assert!(played.contains("=> (a statement of unknown text)"), "{played}");
}
