//! Columns of results: by table, by facts, by look.

use chaperone_flow::Effect;
use chaperone_pgwire::Format;
use chaperone_pgwire::server::Column;

use crate::session::*;

const MASKED: &str = "************1234";

#[test]
fn a_named_column_is_masked_under_any_name_and_the_others_are_not_touched() {
    let mut session = Session::learnt(CARDS);
    let columns = [
        column("id", CUSTOMERS, 1, INT4),
        column("x", CUSTOMERS, 3, TEXT),
        column("name", CUSTOMERS, 2, TEXT),
        column("card", 16_401, 3, TEXT),
    ];
    let odd: &[u8] = b"\x00\xff raw";
    let answer = [
        description(&columns),
        row(&[Some(b"1"), Some(SECRET.as_bytes()), Some(odd), Some(SECRET.as_bytes())]),
        row(&[Some(b"2"), None, None, Some(b"")]),
        done(),
        idle(),
    ]
    .concat();
    let shown = session.run("select id, card as x, name, o.card from customers, other o", &answer);
    let expected = [
        description(&columns),
        row(&[Some(b"1"), Some(MASKED.as_bytes()), Some(odd), Some(SECRET.as_bytes())]),
        row(&[Some(b"2"), None, None, Some(b"")]),
        done(),
        idle(),
    ]
    .concat();
    assert_eq!(shown, expected, "the card of another table is not a secret, NULL stays NULL");
}

#[test]
fn what_the_server_names_no_table_for_is_told_by_the_facts() {
    let int = |name| column(name, 0, 0, INT4);
    let cases: &[(&str, Vec<Column<'_>>, &str, &str)] = &[
        ("select upper(card) from customers", vec![computed("upper")], "[redacted]", "computed from a card"),
        (
            "select upper(name) from customers",
            vec![computed("upper")],
            SECRET,
            "computed from something else",
        ),
        (
            "select upper(name), card from customers",
            vec![computed("upper"), card()],
            "4111111111111234|************1234",
            "each column for itself",
        ),
        ("select count(*) from customers", vec![int("count")], SECRET, "computed from nothing"),
        (
            "select length(card) from customers",
            vec![int("length")],
            "RM103",
            "a number in its place would be taken for the result",
        ),
        (
            "select card is null from customers",
            vec![column("?column?", 0, 0, 16)],
            "RM103",
            "no truth about a card either",
        ),
        ("select to_json(c) from customers c", vec![computed("to_json")], "RM103", "a whole row"),
        (
            "select c from customers c",
            vec![column("c", CUSTOMERS, 0, 2249)],
            "RM103",
            "a whole row as the server tells it",
        ),
        (
            "select card from customers union all select name from other",
            vec![computed("card")],
            "[redacted]",
            "a set operation",
        ),
        (
            "select x from (select card as x from customers union select 'a') s",
            vec![computed("x")],
            "[redacted]",
            "through a subquery",
        ),
        (
            "select * from customers full join b using (card)",
            vec![computed("card")],
            MASKED,
            "merged columns keep their name",
        ),
        (
            "select * from customers full join b using (id) where card is null",
            vec![computed("id")],
            "RM103",
            "merged, and a text that names the card may have renamed it",
        ),
        (
            "select * from customers full join b using (id)",
            vec![computed("id")],
            SECRET,
            "merged, and no card",
        ),
        (
            "with recursive r as (select card as x from customers union all select x from r) select x from r",
            vec![computed("x")],
            "RM103",
            "a query that reads itself",
        ),
        (
            "insert into customers (id) values (1) returning upper(card)",
            vec![computed("upper")],
            "[redacted]",
            "RETURNING",
        ),
        ("select upper(c) from contacts", vec![computed("upper")], "[redacted]", "a view, by the catalogue"),
        ("select upper(c) from hr.contacts", vec![computed("upper")], SECRET, "a view of another schema"),
        (
            "select upper(card) from hr.customers",
            vec![computed("upper")],
            SECRET,
            "a table of another schema",
        ),
        ("select upper(card) from other", vec![computed("upper")], SECRET, "a table without masks"),
        ("select 1, 2", vec![int("a"), int("b")], "4111111111111234|4111111111111234", "no table at all"),
        (
            "select card from get_cards(1)",
            vec![computed("card")],
            MASKED,
            "a function that returns a column of that name",
        ),
        (
            "select * from get_cards()",
            vec![computed("other")],
            SECRET,
            "a function that returns anything else",
        ),
        ("show search_path", vec![computed("search_path")], SECRET, "a setting"),
        ("explain select card from customers", vec![computed("QUERY PLAN")], SECRET, "a plan"),
        (
            "select most_common_vals::text from pg_stats",
            vec![computed("most_common_vals")],
            "[redacted]",
            "statistics hold values",
        ),
        (
            "select card from customers, other",
            vec![card(), computed("more")],
            "RM103",
            "the server tells more columns than the facts",
        ),
    ];
    for (sql, columns, expected, why) in cases {
        let mut session = Session::learnt(CARDS);
        assert_eq!(session.result(sql, columns), *expected, "{sql}: {why}");
    }
}

#[test]
fn what_rules_of_a_table_add_to_a_write_is_not_told() {
    for (sql, columns, expected) in [
        ("update other set a = 1 where id = 1", vec![computed("upper")], "RM103"),
        ("delete from other where id = 1", vec![computed("y"), computed("x")], "RM103"),
        ("insert into other values (1)", vec![card()], MASKED),
        ("insert into other values (1) returning upper(note)", vec![computed("upper")], SECRET),
    ] {
        assert_eq!(Session::learnt(CARDS).result(sql, &columns), expected, "{sql}");
    }
}

#[test]
fn statistics_are_masked_where_the_catalogue_finds_them() {
    let mut session = Session::new(CARDS);
    let sent = session.client(&query("select 1"));
    // The masks of statistics stand behind those of the policy.
    for column in ["stavalues1", "stxdmcv", "most_common_vals", "histogram_bounds"] {
        assert!(String::from_utf8_lossy(&sent).contains(column), "{column}");
    }
    let mut learnt = usual();
    learnt.push((12_100, 10, 10, "pg_catalog", "pg_stats", "most_common_vals", 14));
    session.server(&[catalogue(&learnt), done(), idle()].concat());
    let shown = session.result("select most_common_vals from pg_stats", &[column("v", 12_100, 10, 2277)]);
    assert_eq!(shown, "[redacted]");
}

#[test]
fn each_statement_of_a_query_has_its_own_result() {
    let mut session = Session::learnt(CARDS);
    let one = [description(&[computed("upper")]), row(&[Some(b"plain")]), done()].concat();
    let none = done();
    let two = [description(&[computed("upper")]), row(&[Some(SECRET.as_bytes())]), done()].concat();
    let sql = "select upper(name) from customers; set x = 1; select upper(card) from customers";
    let shown = session.run(sql, &[one, none, two, idle()].concat());
    assert_eq!(letters(&shown), "T D C C T D C Z");
    assert_eq!(rows(&shown), [["plain"], ["[redacted]"]]);
}

#[test]
fn a_refused_result_is_one_error_and_nothing_else_of_the_query() {
    let mut session = Session::learnt(CARDS);
    let refused = [description(&[column("length", 0, 0, INT4)]), row(&[Some(b"16")]), done()].concat();
    let behind = [description(&[computed("name")]), row(&[Some(b"bob")]), done()].concat();
    let late = error(&[(b'S', "ERROR"), (b'C', "22012"), (b'M', "division by zero")]);
    let sql = "select length(card) from customers; select name from other; select 1/0";
    let shown = session.run(sql, &[refused, behind, late, idle()].concat());
    assert_eq!(letters(&shown), "E Z");
    assert_eq!(reason(&shown), "RM103");
    assert_eq!(field(&shown, b'C').as_deref(), Some("42501"));
    let recorded = session.effects.iter().any(|effect| matches!(effect, Effect::Record(..)));
    assert!(
        recorded
            && session.effects.contains(&Effect::Count("chaperone.response-masking.commands.refused", 1))
    );
    assert_eq!(session.result("select card from customers", &[card()]), MASKED, "the session goes on");
}

#[test]
fn a_refused_result_of_a_write_says_that_it_was_run() {
    let mut session = Session::learnt(CARDS);
    let columns = [column("length", 0, 0, INT4)];
    let answer = [description(&columns), row(&[Some(b"16")]), done(), idle()].concat();
    let shown = session.run("update customers set name = 'x' where id = 1 returning length(card)", &answer);
    assert!(field(&shown, b'M').unwrap().contains("the statement was run"));
    // What is not told at all is refused before it is run.
    let sent = session.client(&query("update customers c set name = 'x' where id = 1 returning to_json(c)"));
    assert_eq!(letters(&sent), "S");
    let shown = session.server(&idle());
    assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("E Z", "RM103"));
}

#[test]
fn values_that_cannot_be_masked_end_the_result_before_they_are_shown() {
    let mut session = Session::learnt(CARDS);
    let strange = Column { format: Format::Binary, ..column("card", CUSTOMERS, 3, 50_000) };
    let answer = [
        description(&[strange]),
        row(&[None]),
        row(&[Some(SECRET.as_bytes())]),
        row(&[Some(SECRET.as_bytes())]),
        done(),
        idle(),
    ]
    .concat();
    let shown = session.run("select card from customers", &answer);
    assert_eq!(letters(&shown), "T D E Z");
    assert_eq!(reason(&shown), "RM101");
}

#[test]
fn binary_values_stay_what_they_are() {
    let mut session = Session::learnt(CARDS);
    let binary = |type_oid| Column { format: Format::Binary, ..column("card", CUSTOMERS, 3, type_oid) };
    let columns = [binary(INT4), binary(TEXT), binary(3802)];
    let answer = [
        description(&columns),
        row(&[Some(&7_i32.to_be_bytes()), Some(SECRET.as_bytes()), Some(b"\x01\"4111111111111234\"")]),
        done(),
        idle(),
    ]
    .concat();
    let shown = session.run("fetch 1 from c", &answer);
    let [row] = rows(&shown).try_into().unwrap();
    assert_eq!(row[..2], ["\0\0\0\0", MASKED]);
    assert!(row[2].starts_with("\u{1}\"") && !row[2].contains("41111"), "{row:?}");
}

#[test]
fn a_row_of_another_length_than_its_description_is_not_shown() {
    let mut session = Session::learnt(CARDS);
    let answer =
        [description(&[card()]), row(&[Some(b"1"), Some(SECRET.as_bytes())]), done(), idle()].concat();
    let shown = session.run("select card from customers", &answer);
    assert_eq!(letters(&shown), "T E Z");
    let answer = [row(&[Some(SECRET.as_bytes())]), done(), idle()].concat();
    let shown = session.run("select card from customers", &answer);
    assert_eq!(letters(&shown), "E Z", "and so is one without a description");
}

#[test]
fn cursors_are_judged_by_what_the_session_has_touched() {
    let mut session = Session::learnt(CARDS);
    assert_eq!(session.result("fetch 1 from c", &[computed("x")]), SECRET);
    session.run("declare c cursor for select upper(card) from customers", &[done(), idle()].concat());
    assert_eq!(session.result("fetch 1 from c", &[computed("x")]), "RM103");
    assert_eq!(session.result("fetch 1 from c", &[computed("card")]), "[redacted]");
    assert_eq!(session.result("fetch 1 from c", &[column("x", CUSTOMERS, 3, TEXT)]), MASKED);
}

#[test]
fn without_identity_or_verdict_nothing_is_asked_of_the_server() {
    let mut session = Session::unknown(CARDS);
    assert_eq!(letters(&session.client(&query("select 1"))), "S");
    assert_eq!(reason(&session.server(&idle())), "ID123");

    let mut session = Session::learnt(CARDS);
    assert_eq!(letters(&session.client(&query("select unjudged"))), "S");
    assert_eq!(reason(&session.server(&idle())), "AH107");
}

#[test]
fn detectors_search_texts_and_nothing_else() {
    let mut session = Session::new(FINDS);
    let columns = [
        column("note", CUSTOMERS, 2, TEXT),
        column("number", CUSTOMERS, 3, 20),
        column("tags", CUSTOMERS, 4, 1009),
        Column { format: Format::Binary, ..column("note", CUSTOMERS, 2, 1043) },
    ];
    let answer = [
        description(&columns),
        row(&[
            Some(b"mail bob@example.com, pay 4111 1111 1111 1111"),
            Some(b"4111111111111111"),
            Some(b"{bob@example.com,x}"),
            Some(b"bob@example.com"),
        ]),
        row(&[Some(b"nothing"), None, Some(b"{}"), Some(b"")]),
        done(),
        idle(),
    ]
    .concat();
    // No verdict is needed, nor the catalogue.
    let shown = session.run("select unjudged", &answer);
    assert_eq!(
        rows(&shown),
        [
            ["mail [redacted], pay [redacted]", "4111111111111111", "{[redacted],x}", "[redacted]"],
            ["nothing", "NULL", "{}", ""]
        ]
    );
}

#[test]
fn detectors_refuse_a_find_that_they_cannot_take_out() {
    let mut session = Session::new(FINDS);
    let strange = Column { format: Format::Binary, ..column("note", CUSTOMERS, 2, 50_000) };
    let answer = [
        description(&[strange]),
        row(&[Some(b"\x00\x07nothing")]),
        row(&[Some(b"\x00\x0fbob@example.com")]),
        done(),
        idle(),
    ]
    .concat();
    let shown = session.run("select note from customers", &answer);
    assert_eq!(letters(&shown), "T D E Z");
    assert_eq!(reason(&shown), "RM101");
}

#[test]
fn for_whom_nothing_is_masked_everything_passes_as_it_came() {
    let mut session = Session::of(CARDS, "owners");
    let answer = [
        description(&[card()]),
        row(&[Some(SECRET.as_bytes())]),
        done(),
        error(&[(b'S', "ERROR"), (b'C', "22P02"), (b'M', SECRET)]),
        idle(),
    ]
    .concat();
    let shown = session.run("select card from customers; select unjudged", &answer);
    assert_eq!(shown, answer);
    assert!(session.kept, "no buffer was rebuilt");
    assert_eq!(session.effects, []);
}

#[test]
fn a_new_policy_holds_for_the_next_command() {
    let mut session = Session::of(CARDS, "owners");
    assert_eq!(session.result("select card from customers", &[card()]), SECRET);
    let stricter = CARDS.replace("except_groups: [owners]", "groups: [owners]");
    session.settings.set(settings(&stricter));
    let sent = session.client(&query("select card from customers"));
    assert_eq!(letters(&sent), "Q Q");
    let answer = [description(&[card()]), row(&[Some(SECRET.as_bytes())]), done(), idle()].concat();
    let shown = session.server(&[catalogue(&usual()), answer].concat());
    assert_eq!(rows(&shown), [[MASKED]]);
    assert_eq!(
        session.result("fetch 1 from c", &[computed("x")]),
        "RM103",
        "opened before the masks were known"
    );
    session.settings.set(settings(""));
    assert_eq!(session.result("select card from customers", &[card()]), SECRET);
}
