//! Ways for a hidden value that are no result.

use chaperone_pgwire::server::TransactionStatus;

use crate::session::*;

/// The reason for which the statement is refused before it is run; none where it goes to the server.
fn refused(session: &mut Session, sql: &str) -> Option<String> {
    let sent = session.client(&query(sql));
    match letters(&sent).as_str() {
        "S" => Some(reason(&session.server(&idle()))),
        "Q" => {
            session.server(&[done(), idle()].concat());
            None
        }
        other => panic!("{sql}: {other}"),
    }
}

#[test]
fn functions_that_could_take_a_value_away_are_not_called_beside_hidden_columns() {
    for sql in [
        "select pg_notify('c', card) from customers",
        "select pg_notify('c', x.card) from (select * from customers) x",
        "select 1 from customers c where pg_notify('c', c::text) is not null",
        "select pg_notify('c', z) from customers as t (a, b, z)",
        "select pg_notify('c', c) from contacts",
        "select set_config('a.b', card, false) from customers",
        "select pg_catalog.set_config('application_name', card, false) from customers",
        "select setseed(card::float8) from customers",
        "select pg_advisory_lock(card::int8) from customers",
        "select pg_try_advisory_xact_lock(card::int8) from customers",
        "select setval('s', card::int8) from customers",
        "select lo_create(card::oid) from customers",
        "select lo_from_bytea(0, card::bytea) from customers",
        "select pg_logical_emit_message(false, 'p', card) from customers",
        "select pg_create_restore_point(card) from customers",
        "select pg_sleep(card::float8 / 1e15) from customers",
        "select dblink_exec('host=evil', card) from customers",
        "select pg_stat_reset_single_table_counters(card::oid) from customers",
        "select count(*) from customers where set_config('a.b', card, false) is null",
        "insert into log (id) select 1 from customers where pg_notify('c', card) is null",
        "prepare p as select pg_notify('c', card) from customers",
        "declare c cursor for select pg_notify('c', card) from customers",
        "with x as (select set_config('a.b', card, false) from customers) select 1",
        "select 1; select pg_notify('c', card) from customers",
        "select * from customers, pg_notify('c', customers.card)",
        "select 1 from customers order by pg_notify('c', card)",
        "insert into customers (id) values (1) returning pg_notify('c', card)",
        "values ((select pg_notify('c', card) from customers limit 1))",
        "select public.leak(c) from customers c",
        "call leak((select card from customers))",
        "select query_to_xml('select card from customers', true, true, '')",
        "select * from crosstab('select card from customers') as x (a text)",
    ] {
        assert_eq!(refused(&mut Session::learnt(CARDS), sql).as_deref(), Some("RM105"), "{sql}");
    }
}

#[test]
fn functions_of_other_statements_are_called() {
    let mut session = Session::learnt(CARDS);
    for sql in [
        "select pg_notify('c', note) from other",
        "select set_config('jit', 'off', false)",
        "select pg_advisory_lock(1)",
        "insert into customers (id, card) values (nextval('s'), '4111')",
        "select upper(name), now(), nextval('s') from customers",
        "select public.total(1)",
        "notify c, 'x'",
    ] {
        assert_eq!(refused(&mut session, sql), None, "{sql}");
    }
    let mut owner = Session::of(CARDS, "owners");
    assert_eq!(refused(&mut owner, "select pg_notify('c', card) from customers"), None);
}

#[test]
fn hidden_values_are_not_put_into_other_columns() {
    for sql in [
        "update customers set name = card where id = 1 returning name",
        "update customers set name = upper(card) where id = 1",
        "update customers set (name, email) = (select card, 'x') where id = 1",
        "update customers set name = customers::text where id = 1",
        "update customers set name = public.f(id) where id = 1",
        "update contacts set n = c where id = 1",
        "update log set note = c.card from customers c where c.id = log.id returning note",
        "update log set card = c.card from customers c where c.id = log.id",
        "insert into log (note) select card from customers returning note",
        "insert into log select * from customers",
        "insert into log (note) values ((select card from customers where id = 1)) returning note",
        "insert into customers (id) values (1) on conflict (id) do update set name = customers.card returning name",
        "merge into log using customers c on c.id = log.id when matched then update set note = c.card returning note",
        "merge into customers c using other o on c.id = o.id when matched then update set name = c.card",
        "create table mine as table customers",
        "insert into log (note) select x from customers, lateral (select card as x) l",
        "with recursive r(x) as (select card from customers union all select x from r) insert into log select x from r",
        "with r as (update customers set id = 2 where id = 1 returning card) insert into log (note) select card from r",
        "insert into log select (c).card from customers c",
        "insert into log (note) select z from customers as t (a, b, z)",
        "insert into log values (1, array(select card from customers))",
        "insert into log select card from customers union select 'x'",
        "merge into log using (select id, card as n from customers) c on c.id = log.id when not matched then insert (note) values (c.n)",
        "with w as (insert into log (note) select card from customers returning note) select note from w",
        "create table mine as select card from customers",
        "create temp table mine as select * from customers",
        "select card into mine from customers",
        "alter table customers alter column name type text using card",
        "explain analyze update customers set name = card where id = 1",
        "prepare p as update customers set name = card where id = $1 returning name",
    ] {
        assert_eq!(refused(&mut Session::learnt(CARDS), sql).as_deref(), Some("RM105"), "{sql}");
    }
    for sql in [
        "copy customers to '/tmp/x'",
        "copy (select card from customers) to program 'cat'",
        // Whoever subscribes gets the rows.
        "create publication p for table customers",
        "create publication p for all tables",
        "alter publication p add tables in schema public",
    ] {
        assert_eq!(refused(&mut Session::learnt(CARDS), sql).as_deref(), Some("RM102"), "{sql}");
    }
}

#[test]
fn what_cannot_be_read_does_not_run_where_columns_are_hidden() {
    for sql in [
        "do $$ begin execute 'create table mine as select card from customers'; end $$",
        "do $$ begin end $$",
        "select wibble wobble from customers where",
        "create temp table mine as execute p",
        "explain analyze create table mine as execute p",
        "create function f() returns setof customers language sql as 'select * from customers'",
        "select 1; create table mine as execute p",
        "select 'a\\'; create table mine as select card from customers -- '",
        "select 'a\\'' || card from customers",
    ] {
        assert_eq!(refused(&mut Session::learnt(CARDS), sql).as_deref(), Some("RM105"), "{sql}");
        assert_eq!(refused(&mut Session::of(CARDS, "owners"), sql), None, "{sql}");
    }
}

#[test]
fn other_values_are_stored_as_ever() {
    for sql in [
        "update customers set name = 'x', card = 'y' where card = 'z'",
        "update customers set name = upper(name), card = trim(card) where id = 1 returning card",
        "update customers set id = id + 1 where id = $1",
        "insert into customers (id, card) values ($1, $2) on conflict (id) do update set card = excluded.card",
        "insert into customers select * from staging",
        "insert into customers (name) select card from staging",
        "insert into log select id, name from customers",
        "create view v as select card from customers",
        "create table mine as select id from customers",
        "explain update customers set name = card where id = 1",
        "update other set note = card where id = 1",
        "delete from customers where card = 'x' returning card",
        "copy log from '/tmp/x'",
    ] {
        assert_eq!(refused(&mut Session::learnt(CARDS), sql), None, "{sql}");
    }
}

#[test]
fn before_the_catalogue_is_known_nothing_leaves_a_table_of_which_it_could_tell() {
    for sql in [
        "select pg_notify('c', c) from contacts",
        "insert into log select c from contacts",
        "update contacts set n = c where id = 1",
        "copy contacts to '/tmp/x'",
    ] {
        let mut session = Session::new(CARDS);
        assert_eq!(letters(&session.client(&query(sql))), "Q S", "{sql}");
        let shown = session.server(&[catalogue(&usual()), idle()].concat());
        assert_eq!(reason(&shown), "RM104", "{sql}");
        let again = refused(&mut session, sql);
        assert!(again.is_some_and(|reason| reason != "RM104"), "{sql}: the second time it is known");
    }
    for sql in [
        "update orders set n = n + 1 where id = 1",
        "insert into orders (n) values (1)",
        "select pg_notify('c', 'x')",
        "insert into log select relname from pg_catalog.pg_class",
    ] {
        let mut session = Session::new(CARDS);
        assert_eq!(letters(&session.client(&query(sql))), "Q Q", "{sql}");
    }
}

#[test]
fn what_the_session_makes_of_hidden_columns_goes_nowhere() {
    let mut session = Session::learnt(CARDS);
    let begun = [done(), ready(TransactionStatus::InTransaction)].concat();
    session.run("begin", &begun);
    session.run("create view v as select card as harmless from customers", &begun);
    for sql in ["insert into log select harmless from v", "select pg_notify('c', harmless) from v"] {
        session.client(&query(sql));
        assert_eq!(reason(&session.server(&ready(TransactionStatus::InTransaction))), "RM104", "{sql}");
    }
}

#[test]
fn nor_what_one_text_makes_or_what_the_catalogue_is_just_asked_about() {
    for sql in [
        "create view v as select card as harmless from customers; insert into log select harmless from v",
        "create view v as select card as harmless from customers; copy v to '/tmp/x'",
        "alter table customers rename card to x; insert into log select x from customers",
        "alter table customers rename card to x; update customers set name = x where id = 1",
    ] {
        assert_eq!(refused(&mut Session::learnt(CARDS), sql).as_deref(), Some("RM104"), "{sql}");
    }
    for (made, used) in [
        ("create view v as select card as harmless from customers", "insert into log select harmless from v"),
        ("alter table customers rename card to x", "insert into log select x from customers"),
    ] {
        let mut session = Session::learnt(CARDS);
        session.run(made, &[done(), idle()].concat());
        assert_eq!(letters(&session.client(&query(used))), "Q S", "{used}");
        assert_eq!(reason(&session.server(&[catalogue(&usual()), idle()].concat())), "RM104", "{used}");
        assert_eq!(letters(&session.client(&query(used))), "Q", "{used}: now the catalogue is known");
    }
    let mut session = Session::learnt(CARDS);
    session.millis += 60_000;
    let sent = session.client(&query("insert into log select id from customers"));
    assert_eq!(letters(&sent), "Q Q", "asked since it is old, not since something was made");
}

/// What a function, a rule, a trigger or a type does later no statement tells that sets it off.
#[test]
fn no_code_is_stored_that_could_show_or_carry_a_hidden_value_later() {
    for sql in [
        "create function g() returns setof text language sql as 'select card from customers'",
        "create function g() returns setof customers language sql as 'select * from customers'",
        "create function g() returns setof text language sql begin atomic select card from customers; end",
        "create function g() returns text return (select card from customers limit 1)",
        "create procedure g() language sql as 'insert into log select card from customers'",
        "create rule r as on insert to log do also insert into kept select card from customers",
        "create rule r as on delete to log do also notify c, 'x'; select pg_notify('c', card) from customers",
        "create trigger t after insert on customers for each row execute function leak()",
        "create domain d as text check (set_config('a.b', value, false) is not null)",
        "alter domain d add check (pg_notify('c', value) is not null)",
        "create cast (text as integer) with function leak(text)",
        "create operator @@@ (function = leak, rightarg = text)",
        "create foreign table f (card text) server s options (table_name 'customers')",
        "alter foreign table f options (set table_name 'customers')",
        "import foreign schema public from server s into x",
    ] {
        assert_eq!(refused(&mut Session::learnt(CARDS), sql).as_deref(), Some("RM105"), "{sql}");
    }
    for sql in [
        "create function g() returns bigint language sql as 'select count(*) from orders'",
        "create domain d as text check (length(value) > 2)",
        "create type mood as enum ('sad', 'happy')",
    ] {
        assert_eq!(refused(&mut Session::learnt(CARDS), sql), None, "{sql}");
    }
}
