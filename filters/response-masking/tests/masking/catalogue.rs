//! The question to the catalogue, and what holds without an answer.

use chaperone_pgwire::server::TransactionStatus;
use chaperone_response_masking::{CATALOGUE_AGE_MOST, CATALOGUE_ROWS_MOST, Shared};

use crate::session::*;

/// What a result shows while the question of its command is answered by `answer`.
fn asked(
    session: &mut Session,
    sql: &str,
    answer: &[u8],
    column: chaperone_pgwire::server::Column<'_>,
) -> String {
    assert_eq!(letters(&session.client(&query(sql))), "Q Q", "asked in front of the command");
    let result = [description(&[column]), row(&[Some(SECRET.as_bytes())]), done(), idle()].concat();
    let shown = session.server(&[answer, &result].concat());
    match letters(&shown).as_str() {
        "T D C Z" => rows(&shown).concat().join("|"),
        "E Z" => reason(&shown),
        other => panic!("{other}"),
    }
}

fn failure() -> Vec<u8> {
    let error = error(&[(b'S', "ERROR"), (b'C', "42501"), (b'M', "permission denied for table pg_class")]);
    [error, idle()].concat()
}

#[test]
fn is_asked_in_front_of_the_first_command_and_never_shown() {
    let mut session = Session::new(CARDS);
    let sent = session.client(&query("select card from customers"));
    assert_eq!(letters(&sent), "Q Q");
    assert!(sent.ends_with(&query("select card from customers")));
    assert_eq!(session.server(&catalogue(&usual())), b"");
}

#[test]
fn is_asked_again_when_old_or_when_tables_change_but_never_inside_a_transaction() {
    let mut session = Session::learnt(CARDS);
    let answer = [done(), idle()].concat();
    session.run("select 1", &answer);
    session.run("create table t (a int)", &answer);
    assert_eq!(letters(&session.client(&query("select 1"))), "Q Q", "after a definition");
    session.server(&[catalogue(&usual()), answer.clone()].concat());
    session.run("select 1", &answer);
    session.millis += CATALOGUE_AGE_MOST;
    assert_eq!(letters(&session.client(&query("begin"))), "Q Q", "when old");
    let begun = [done(), ready(TransactionStatus::InTransaction)].concat();
    session.server(&[catalogue(&usual()), begun.clone()].concat());
    session.millis += CATALOGUE_AGE_MOST;
    session.run("drop table t", &begun);
    session.run("select 1", &begun);
    session.run("commit", &answer);
    assert_eq!(letters(&session.client(&query("select 1"))), "Q Q");
    // What is sent before the answer does not ask twice.
    assert_eq!(letters(&session.client(&query("select 2"))), "Q");
}

#[test]
fn a_mask_of_the_same_columns_needs_no_new_question() {
    let mut session = Session::learnt(CARDS);
    session.settings.set(settings(CARDS));
    assert_eq!(session.result("select card from customers", &[card()]), "************1234");
}

#[test]
fn it_is_asked_behind_a_sync_but_not_behind_what_may_begin_a_transaction() {
    let sync = empty(b'S');
    let mut session = Session::learnt(CARDS);
    session.millis += CATALOGUE_AGE_MOST;
    let sent = session.client(&[sync.clone(), sync.clone(), query("select name from customers")].concat());
    assert_eq!(letters(&sent), "S S Q Q", "a Sync with nothing before it changes nothing");

    for before in ["begin", "select 1"] {
        let mut session = Session::learnt(CARDS);
        session.millis += CATALOGUE_AGE_MOST;
        // The first one asks by itself; it is old again when the next one comes.
        assert_eq!(letters(&session.client(&query(before))), "Q Q");
        session.server(&failure());
        let sent = session.client(&[sync.clone(), query("select name from customers")].concat());
        assert_eq!(letters(&sent), "S Q", "{before}");
    }
}

#[test]
fn without_an_answer_nothing_of_a_table_is_shown() {
    let first = column("id", CUSTOMERS, 1, INT4);
    for (answer, why) in [
        (failure(), "refused by the server"),
        ([done(), idle()].concat(), "empty"),
        (catalogue(&usual()[..2]), "cut off"),
        (
            catalogue(&[(CUSTOMERS, 3, 999, "public", "customers", "card", 4), usual()[2]]),
            "of another question",
        ),
        (catalogue(&vec![usual()[0]; CATALOGUE_ROWS_MOST + 1]), "too long"),
    ] {
        let mut session = Session::new(CARDS);
        assert_eq!(asked(&mut session, "select id from customers", &answer, first), "RM104", "{why}");
        assert_eq!(asked(&mut session, "select 1", &answer, computed("?column?")), SECRET, "{why}");
        let pg_class = column("relname", 1259, 2, 19);
        assert_eq!(asked(&mut session, "select relname from pg_class", &answer, pg_class), SECRET, "{why}");
        let stats = column("stavalues1", 2619, 27, 2277);
        assert_eq!(
            asked(&mut session, "select stavalues1 from pg_statistic", &answer, stats),
            "RM104",
            "{why}"
        );
        let upper = computed("upper");
        assert_eq!(asked(&mut session, "select upper(x) from a_view", &answer, upper), "RM104", "{why}");
        // Asked again each time, and in the end answered.
        assert_eq!(
            asked(&mut session, "select card from customers", &catalogue(&usual()), card()),
            "************1234"
        );
    }
}

#[test]
fn what_was_known_does_not_outlive_a_failure() {
    let mut session = Session::learnt(CARDS);
    session.millis += CATALOGUE_AGE_MOST;
    assert_eq!(
        asked(&mut session, "select name from customers", &failure(), column("n", CUSTOMERS, 2, TEXT)),
        "RM104"
    );
}

#[test]
fn the_first_mask_of_the_policy_decides() {
    let both = "
masking:
  - { id: a, columns: [public.customers.card], transform: { kind: hash } }
  - { id: b, columns: [customers.card], transform: { kind: redact } }
";
    let rows = |one: usize, two: usize| {
        let row = |mask| (CUSTOMERS, 3, mask, "public", "customers", "card", 4);
        catalogue(&[row(one), row(two), usual()[2]])
    };
    for answer in [rows(0, 1), rows(1, 0)] {
        let mut session = Session::new(both);
        assert!(asked(&mut session, "select card from customers", &answer, card()).starts_with("h:"));
    }
}

#[test]
fn nothing_stays_readable_of_what_a_view_makes_of_a_hidden_column() {
    let exact = (VIEW, 2, 0, "public", "contacts", "c", 2);
    let made = (VIEW, 2, 0, "public", "contacts", "~c", 2);
    let c = column("c", VIEW, 2, TEXT);
    for (learnt, expected) in [
        (vec![exact], "************1234"),
        (vec![made], "[redacted]"),
        (vec![exact, made], "[redacted]"),
        (vec![made, exact], "[redacted]"),
    ] {
        let mut session = Session::new(CARDS);
        let answer = catalogue(&[learnt, vec![usual()[2]]].concat());
        assert_eq!(asked(&mut session, "select c from contacts", &answer, c), expected);
    }
}

#[test]
fn what_is_newer_than_the_catalogue_is_told_by_name_or_refused() {
    let newer = NEWEST + 1;
    for (sql, column, expected, why) in [
        (
            "select card from fresh",
            column("card", newer, 1, TEXT),
            "************1234",
            "called as a hidden column",
        ),
        (
            "select card as x from fresh",
            column("x", newer, 1, TEXT),
            "************1234",
            "also under another name",
        ),
        ("select a from fresh", column("a", newer, 1, TEXT), "RM104", "it may be a view of anything"),
        (
            "select a as x from public.customers",
            column("x", newer, 1, TEXT),
            "RM104",
            "made anew under its name",
        ),
        ("select added from customers", column("added", CUSTOMERS, 5, TEXT), "RM104", "a column added since"),
        (
            "select card from customers",
            column("card", CUSTOMERS, 5, TEXT),
            "************1234",
            "dropped and added",
        ),
        ("fetch 1 from c", column("a", newer, 1, TEXT), "RM104", "a cursor over it"),
    ] {
        let mut session = Session::learnt(CARDS);
        assert_eq!(session.result(sql, &[column]), expected, "{sql}: {why}");
        assert_eq!(letters(&session.client(&query("select 1"))), "Q Q", "{why}: asked again");
    }
}

#[test]
fn what_the_session_makes_of_hidden_columns_is_refused_until_the_catalogue_knows_it() {
    let mut session = Session::learnt(CARDS);
    let begun = [done(), ready(TransactionStatus::InTransaction)].concat();
    session.run("begin", &begun);
    session.run("create view v as select card as harmless from customers", &begun);
    let harmless = column("harmless", NEWEST + 1, 1, TEXT);
    let in_transaction = || ready(TransactionStatus::InTransaction);
    let result = |ready| [description(&[harmless]), row(&[Some(SECRET.as_bytes())]), done(), ready].concat();
    let shown = session.run("select harmless from v", &result(in_transaction()));
    assert_eq!((letters(&shown).as_str(), reason(&shown).as_str()), ("E Z", "RM104"));
    let copied = [b"H\0\0\0\x09\0\0\x01\0\0".to_vec(), done(), in_transaction()].concat();
    assert_eq!(reason(&session.run("copy v to stdout", &copied)), "RM104");
    session.run("commit", &[done(), idle()].concat());
    let mut learnt = usual();
    learnt.push((NEWEST + 1, 1, 0, "public", "v", "harmless", 1));
    learnt[2].0 = NEWEST + 1;
    assert_eq!(
        asked(&mut session, "select harmless from v", &catalogue(&learnt), harmless),
        "************1234"
    );
    let fresh = column("a", NEWEST + 2, 1, TEXT);
    assert_eq!(session.result("select a from fresh", &[fresh]), "RM104", "somebody else made it");
    session.client(&query("begin"));
    session.server(&[catalogue(&learnt), done(), in_transaction()].concat());
    session.run("create temp table fresher (a text)", &[done(), in_transaction()].concat());
    let result = [description(&[fresh]), row(&[Some(SECRET.as_bytes())]), done(), in_transaction()].concat();
    let shown = session.run("select a from fresher", &result);
    assert_eq!(rows(&shown).concat().join("|"), SECRET, "its own, and nothing hidden is in it");
}

#[test]
fn nothing_is_computed_from_tables_that_the_session_has_just_changed() {
    let in_transaction = || ready(TransactionStatus::InTransaction);
    let mut session = Session::learnt(CARDS);
    session.run("begin", &[done(), in_transaction()].concat());
    session.run("alter table customers rename card to harmless", &[done(), in_transaction()].concat());
    let computed = column("?column?", 0, 0, TEXT);
    let result =
        [description(&[computed]), row(&[Some(SECRET.as_bytes())]), done(), in_transaction()].concat();
    let shown = session.run("select harmless || '' from customers", &result);
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(shown.contains("RM104") && !shown.contains(SECRET), "{shown:?}");
}

#[test]
fn what_one_session_learnt_the_others_of_the_vm_need_not_ask() {
    let shared = Shared::new([7; 32]);
    let mut first = Session::beside(CARDS, &shared);
    assert_eq!(
        asked(&mut first, "select card from customers", &catalogue(&usual()), card()),
        "************1234"
    );
    let mut second = Session::beside(CARDS, &shared);
    assert_eq!(second.result("select card from customers", &[card()]), "************1234");

    let mut elsewhere = Session::beside(CARDS, &shared);
    elsewhere.line.set_target("10.0.0.2:5432".to_owned());
    assert_eq!(letters(&elsewhere.client(&query("select 1"))), "Q Q", "another host of the target");

    let mut other_masks = Session::beside(&CARDS.replace("card]", "name]"), &shared);
    assert_eq!(letters(&other_masks.client(&query("select 1"))), "Q Q", "another question");
    let mut later = Session::beside(CARDS, &shared);
    later.millis += CATALOGUE_AGE_MOST;
    assert_eq!(letters(&later.client(&query("select 1"))), "Q Q", "too old");

    first.run("create table t (a int)", &[done(), idle()].concat());
    let mut third = Session::beside(CARDS, &shared);
    assert_eq!(letters(&third.client(&query("select 1"))), "Q Q", "tables have changed since");
    assert_eq!(letters(&first.client(&query("select 1"))), "Q Q");
}

#[test]
fn a_first_command_is_judged_by_the_answer_to_the_question_in_front_of_it() {
    let name = column("name", CUSTOMERS, 2, TEXT);
    for (first, answer, fetched, why) in [
        ("select relname from pg_class", catalogue(&usual()), SECRET, "nothing hidden"),
        ("select card from customers", catalogue(&usual()), "RM103", "a hidden column"),
        ("select a from a_view", failure(), "RM103", "nothing is known"),
    ] {
        let mut session = Session::new(CARDS);
        asked(&mut session, first, &answer, name);
        if answer == failure() {
            session.client(&query("select 1"));
            session.server(&[catalogue(&usual()), done(), idle()].concat());
        }
        let shown = session.result("fetch 1 from c", &[computed("x")]);
        assert_eq!(shown, fetched, "{first}: {why}");
    }
}
