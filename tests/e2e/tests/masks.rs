//! Ways around a mask that were tried, in the end with success once: none of them shows anything today.

use chaperone_e2e::{
    Chain, Client, Login, Policy, Stack, StackOptions, analyst, has, has_not, no_vm_died, psql, say,
    shop_policy, shop_with, start,
};

/// The notes and cards of the shop, as the tricks below would show them.
const SECRETS: [&str; 12] = [
    "4111", "4444 4", "4444x", "bbbb", "ebbb", "ada@", "ada#", "prefers", "PREFERS", "srettel", "sreferp",
    "1114",
];

/// What the database's owner has made; views are found within ten seconds.
const VIEWS: [&str; 3] = [
    "CREATE VIEW v_json AS SELECT to_jsonb(c) AS j, id FROM customers c",
    "CREATE VIEW v_row AS SELECT c::text AS t, id FROM customers c",
    "CREATE VIEW v_upper AS SELECT upper(notes) AS x, 1 AS one FROM customers",
];

/// A column that is generated from a hidden one, a table above the hidden one's, and what is made of these.
const KIN: [&str; 4] = [
    "ALTER TABLE customers ADD COLUMN shout text GENERATED ALWAYS AS (upper(notes)) STORED",
    "CREATE TABLE above (id integer, notes text)",
    "ALTER TABLE customers INHERIT above",
    "CREATE VIEW v_shout AS SELECT shout AS s FROM customers",
];

const TRICKS: [&str; 52] = [
    "SELECT query FROM pg_stat_activity",
    "SELECT max(lower(query)) FROM pg_stat_activity WHERE query ~* 'notes ='",
    "SELECT pg_stat_get_backend_activity(b) FROM pg_stat_get_backend_idset() b",
    "SELECT * FROM pg_stat_get_activity(NULL)",
    // A function over the whole row in the form of a column.
    "SELECT translate(c.any_value::text, '0123456789@', 'abcdefghij#') FROM customers c",
    "SELECT upper(c.json_agg_strict::text) FROM customers c",
    "SELECT upper(c.jsonb_agg_strict::text) FROM customers c",
    "SELECT upper((c).any_value::text) FROM customers c",
    "SELECT upper((c).notes) FROM customers c",
    // An error that quotes a value.
    "EXPLAIN ANALYZE SELECT sum(reverse(card || email || notes)::int) FROM customers WHERE id = 2",
    "EXPLAIN (ANALYZE) SELECT sum(notes::int) FROM customers",
    "SELECT id FROM customers WHERE replace(card, ' ', 'x')::regtype IS NOT NULL",
    "SELECT id FROM customers WHERE notes::regtype::text IS NOT NULL",
    "SELECT id FROM customers WHERE ('f(' || notes || ')')::regprocedure IS NOT NULL",
    "SELECT id FROM customers WHERE notes::regclass IS NOT NULL",
    "SELECT to_tsquery(notes || ' !') FROM customers",
    "SELECT id FROM customers WHERE ('$.' || notes)::jsonpath IS NOT NULL",
    // A column and a function of one name.
    "SELECT upper(notes), reverse(card) FROM customers, generate_series(1, 1) AS notes(x), generate_series(1, 1) AS card(x)",
    "SELECT upper(notes) FROM customers, unnest(ARRAY[1]) AS notes(x)",
    "SELECT (SELECT upper(notes) FROM generate_series(1, 1) AS notes(x)) FROM customers",
    // Merged columns.
    "SELECT notes || '' FROM (SELECT 'zz' AS notes) x FULL JOIN customers USING (notes)",
    "SELECT notes || '' FROM (SELECT 'zz' AS notes) x RIGHT JOIN customers USING (notes)",
    "SELECT notes || '' FROM (SELECT 'zz' AS notes) x NATURAL FULL JOIN customers",
    "SELECT j.notes || '' FROM (customers c JOIN orders o ON true) AS j",
    // A name that is hidden inside of a join.
    "SELECT upper(c.notes) FROM customers c, (generate_series(1, 1) c CROSS JOIN orders o) AS j",
    // Names that PostgreSQL chooses.
    "SELECT upper(\"case\") FROM (SELECT CASE WHEN true THEN notes END FROM customers) x",
    "SELECT upper(\"text\") FROM (SELECT (notes || '')::text FROM customers) x",
    "SELECT upper(\"varchar\") FROM (SELECT (notes || '')::varchar FROM customers) x",
    "SELECT upper(\"btrim\") FROM (SELECT trim(notes) FROM customers) x",
    "SELECT upper(\"overlay\") FROM (SELECT overlay(notes placing '' from 1 for 0) FROM customers) x",
    "SELECT upper(\"substring\") FROM (SELECT substring(notes from 1) FROM customers) x",
    "SELECT upper(\"array\"[1]) FROM (SELECT ARRAY[notes] FROM customers) x",
    "SELECT upper(\"coalesce\") FROM (SELECT coalesce(notes, '') FROM customers) x",
    "SELECT upper(zz) FROM (SELECT (SELECT notes AS zz FROM customers LIMIT 1)) x",
    "SELECT upper(column9) FROM (VALUES (1, 2, 3, 4, 5, 6, 7, 8, (SELECT notes FROM customers LIMIT 1))) v",
    "SELECT upper(a) FROM customers AS c(i, n, e, k, t, a)",
    // What PostgreSQL keeps of columns.
    "SELECT upper(s.any_value::text) FROM pg_stats s WHERE attname = 'notes'",
    // Views over it.
    "SELECT j->>'notes' FROM v_json",
    "SELECT upper(j::text) FROM v_json",
    "SELECT upper(t) FROM v_row",
    "SELECT lower(x) || '' FROM v_upper",
    // Its kin.
    "SELECT shout FROM customers",
    "SELECT lower(shout) FROM customers",
    "SELECT s FROM v_shout",
    "SELECT notes FROM above",
    "SELECT upper(notes) FROM above",
    "SELECT * FROM above",
    // Ways that are no result.
    "SELECT pg_notify('c', notes) FROM customers; LISTEN c; SELECT pg_notify('c', notes) FROM customers",
    "SELECT set_config('application_name', notes, false) FROM customers; SHOW application_name",
    "SELECT set_config('app.x', notes, false) FROM customers; SELECT current_setting('app.x')",
    "INSERT INTO orders (customer, item, amount, placed) SELECT id, notes, 1, now() FROM customers RETURNING item",
    "UPDATE orders o SET item = c.notes FROM customers c WHERE c.id = o.customer RETURNING item",
];

#[test]
fn no_trick_shows_a_hidden_column() {
    let stack = shop_with(30, 1);
    let owner = stack.target_login();
    let made = psql(&stack, Chain::Direct, &owner, &VIEWS);
    assert_eq!(made.matches("CREATE VIEW").count(), VIEWS.len(), "{made}");
    let kin = psql(&stack, Chain::Direct, &owner, &KIN);
    assert!(!kin.contains("ERROR"), "{kin}");
    let analyzed = psql(&stack, Chain::Direct, &owner, &["ANALYZE customers"]);
    assert!(analyzed.contains("ANALYZE"), "{analyzed}");
    for chain in Chain::GOVERNED {
        // Somebody who sees notes asks for one, and what they asked stands in the server's views.
        let admin = Login::new("admin", &stack.token("root", &["admins"]).unwrap(), "shop");
        let mut seeing = Client::log_in(&stack, chain, &admin);
        has(
            &seeing.ask(&say::query(b"SELECT id FROM customers WHERE notes = 'prefers letters'")),
            &["SELECT"],
        );
        for trick in TRICKS {
            // A session for each: what was touched before makes masking more careful.
            is_hidden(&stack, chain, trick);
        }
    }
    no_vm_died(&stack);
}

/// Numbers and times that a view makes of hidden numbers and times.
#[test]
fn no_view_shows_what_it_computes_from_a_hidden_number_or_time() {
    let masks = "masking:
  - id: balances
    columns: [public.accounts.balance]
    transform: { kind: \"null\" }
  - id: days
    columns: [public.orders.placed]
    transform: { kind: \"null\" }
";
    let policy = Policy::Text(shop_policy().replacen("masking:\n", masks, 1));
    let stack = start(StackOptions { policy, ..StackOptions::default() });
    let views = [
        "CREATE VIEW v_twice AS SELECT id, balance * 2 AS twice, frozen FROM accounts",
        "CREATE VIEW v_all AS SELECT sum(balance) AS total FROM accounts",
        "CREATE VIEW v_next AS SELECT item, amount, placed + 1 AS next, extract(day FROM placed) AS day FROM orders",
    ];
    let made = psql(&stack, Chain::Direct, &stack.target_login(), &views);
    assert_eq!(made.matches("CREATE VIEW").count(), views.len(), "{made}");
    for chain in Chain::GOVERNED {
        for trick in [
            "SELECT twice FROM v_twice",
            "SELECT twice + 0 FROM v_twice",
            "SELECT * FROM v_twice",
            "SELECT total FROM v_all",
            "SELECT next FROM v_next",
            "SELECT day FROM v_next WHERE item = 'punched cards'",
            "SELECT next - 1 FROM v_next",
        ] {
            let shown = psql(&stack, chain, &analyst(&stack), &[trick]);
            has_not(&shown, &["200.00", "5001", "33980", "2026", "-01-", " 14", "\n14"]);
            assert!(!shown.lines().any(|line| line == "14"), "{shown}");
        }
        let plain = psql(
            &stack,
            chain,
            &analyst(&stack),
            &["SELECT item, amount FROM v_next", "SELECT id, frozen FROM v_twice"],
        );
        has(&plain, &["punched cards|19.90", "1|f"]);
    }
    no_vm_died(&stack);
}

/// What runs is more than what a statement says, and the server's errors tell of it.
#[test]
fn no_error_quotes_a_hidden_value_of_a_table_that_was_not_named() {
    let rules = "rules:
  - id: all
    effect: allow
    match: { any: true }
";
    let masks = "masking:
  - id: people
    columns: [public.people.notes, public.people.email, public.late.word, public.cust.mail]
    transform: { kind: redact }
";
    let policy = shop_policy().replacen("rules:\n", rules, 1).replacen("masking:\n", masks, 1);
    let stack = start(StackOptions { policy: Policy::Text(policy), ..StackOptions::default() });
    let made = [
        "CREATE TABLE cities (code text PRIMARY KEY)",
        "CREATE TABLE people (id integer PRIMARY KEY, city text NOT NULL REFERENCES cities ON DELETE SET NULL
            ON UPDATE CASCADE, email text, notes text, CHECK (length(city) < 8))",
        "INSERT INTO cities VALUES ('LON'), ('NYC')",
        "INSERT INTO people VALUES (1, 'LON', 'secret@example.org', 'a secret of one')",
        "CREATE TABLE late (id integer PRIMARY KEY, word text UNIQUE DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO late VALUES (1, 'secret one'), (2, 'secret two')",
        "CREATE VIEW v_where AS SELECT id, city FROM people WHERE notes::int > 0",
        "CREATE VIEW v_above AS SELECT city FROM v_where",
        "CREATE MATERIALIZED VIEW m_where AS SELECT id FROM people WHERE notes::int > 0 WITH NO DATA",
        "CREATE TABLE shy (id integer)",
        "INSERT INTO shy VALUES (1)",
        "CREATE POLICY shy ON shy USING (EXISTS (SELECT 1 FROM people WHERE notes::int > 0))",
        "ALTER TABLE shy ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE shy FORCE ROW LEVEL SECURITY",
        "INSERT INTO cities VALUES ('OSL')",
        "CREATE TABLE noisy (id integer)",
        "CREATE FUNCTION noise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE NOTICE 'seen: %', (SELECT min(notes) FROM people);
            RAISE EXCEPTION 'not with %', (SELECT min(notes) FROM people); END $$",
        "CREATE TRIGGER noise BEFORE INSERT ON noisy FOR EACH ROW EXECUTE FUNCTION noise()",
        "CREATE TABLE guarded (id integer)",
        "CREATE FUNCTION guards() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'locked by %', (SELECT min(notes) FROM people) USING ERRCODE = 'insufficient_privilege';
            END $$",
        "CREATE TRIGGER guards BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION guards()",
        "CREATE TABLE later (id integer)",
        "CREATE CONSTRAINT TRIGGER later AFTER INSERT ON later DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION noise()",
        "CREATE TABLE slow (id integer)",
        "CREATE FUNCTION slows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            EXECUTE format('SELECT pg_sleep(5), %L', (SELECT min(notes) FROM people)); RETURN NEW; END $$",
        "CREATE TRIGGER slows BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION slows()",
        "CREATE TABLE region (id integer PRIMARY KEY)",
        "INSERT INTO region VALUES (1)",
        "CREATE TABLE cust (mail text UNIQUE, region integer REFERENCES region ON DELETE CASCADE)",
        "INSERT INTO cust VALUES ('a secret mail', 1)",
        "CREATE TABLE subs (mail text REFERENCES cust (mail))",
        "INSERT INTO subs VALUES ('a secret mail')",
        "CREATE FUNCTION chk(of integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
            RETURN (SELECT notes::integer FROM people WHERE id = of) > 0; END $$",
        "CREATE VIEW v_chk AS SELECT item FROM orders WHERE chk(1)",
        // The planner puts it into the statement, and no error tells.
        "CREATE TABLE noted (id integer, n integer)",
        "CREATE FUNCTION told() RETURNS TABLE (id integer, n integer) STABLE LANGUAGE sql AS
            'SELECT id, notes::integer FROM public.people'",
        "CREATE FUNCTION fine(n integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN n; END'",
        "CREATE VIEW v_told AS SELECT id, n FROM told()",
        "CREATE TABLE rls (id integer)",
        "INSERT INTO rls VALUES (1)",
        "CREATE POLICY rls ON rls USING (EXISTS (SELECT 1 FROM told() WHERE n = 1))",
        "ALTER TABLE rls ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE rls FORCE ROW LEVEL SECURITY",
        "CREATE TABLE ruled (id integer)",
        "INSERT INTO ruled VALUES (1)",
        "CREATE RULE ruled AS ON UPDATE TO ruled DO ALSO INSERT INTO noted SELECT id, n FROM told()",
    ];
    let shown = psql(&stack, Chain::Direct, &stack.target_login(), &made);
    assert!(!shown.contains("ERROR"), "{shown}");
    let tricks: [&[&str]; 29] = [
        &["DELETE FROM cities WHERE code = 'LON'"],
        &["UPDATE cities SET code = 'VERYLONGCITY' WHERE code = 'LON'"],
        &["WITH x AS (DELETE FROM cities WHERE code = 'LON' RETURNING 1) SELECT * FROM x"],
        &["EXPLAIN ANALYZE DELETE FROM cities WHERE code = 'LON'"],
        &["PREPARE p AS DELETE FROM cities WHERE code = 'LON'", "EXECUTE p"],
        &["MERGE INTO cities USING (VALUES ('LON')) v(c) ON code = c WHEN MATCHED THEN DELETE"],
        &[
            "BEGIN",
            "UPDATE late SET word = left(word, 7) WHERE id IN (1, 2)",
            "SET CONSTRAINTS ALL IMMEDIATE",
        ],
        &["BEGIN", "UPDATE late SET word = left(word, 7) WHERE id IN (1, 2)", "PREPARE TRANSACTION 'x'"],
        &["BEGIN", "UPDATE late SET word = left(word, 7) WHERE id IN (1, 2)", "COMMIT"],
        &["SELECT * FROM v_where"],
        &["EXPLAIN ANALYZE SELECT * FROM v_where"],
        &["SELECT count(*) FROM v_above"],
        &["BEGIN", "DECLARE c CURSOR FOR SELECT * FROM v_where", "FETCH 1 FROM c"],
        &["REFRESH MATERIALIZED VIEW m_where"],
        &["SELECT * FROM shy"],
        &["CREATE INDEX CONCURRENTLY i_notes ON people ((notes::int))", "REINDEX INDEX i_notes"],
        &["INSERT INTO noisy VALUES (1)"],
        &["INSERT INTO guarded VALUES (1)"],
        &["INSERT INTO later VALUES (1)"],
        &["INSERT INTO later VALUES (1); SELECT 1"],
        &["SET statement_timeout = 300", "INSERT INTO slow VALUES (1)"],
        &["DELETE FROM region WHERE id = 1"],
        &["SELECT * FROM v_chk"],
        &["SELECT fine(1), * FROM v_chk"],
        &["SELECT * FROM v_told"],
        &["SELECT fine(1), * FROM v_told"],
        &["EXPLAIN ANALYZE SELECT * FROM v_told"],
        &["SELECT * FROM rls"],
        &["UPDATE ruled SET id = 2 WHERE id = 1"],
    ];
    for chain in Chain::GOVERNED {
        for trick in tricks {
            let shown = psql(&stack, chain, &analyst(&stack), trick);
            assert!(shown.contains("ERROR") && !shown.contains("ecret"), "{trick:?}: {shown}");
        }
        // What has nothing to do with them says what is wrong.
        for (plain, words) in [
            ("INSERT INTO cities VALUES ('NYC')", "Key (code)=(NYC) already exists"),
            ("SELECT 'abc'::int FROM cities", "\"abc\""),
            ("INSERT INTO orders (amount) VALUES ('{bad'::json::text::int)", "Token \"bad\" is invalid"),
            ("FETCH 1 FROM nosuch", "\"nosuch\" does not exist"),
        ] {
            has(&psql(&stack, chain, &analyst(&stack), &[plain]), &[words]);
        }
        let dropped = psql(&stack, Chain::Direct, &stack.target_login(), &["DROP INDEX i_notes"]);
        has(&dropped, &["DROP INDEX"]);
    }
    no_vm_died(&stack);
}

fn is_hidden(stack: &Stack, chain: Chain, trick: &str) {
    let shown = psql(stack, chain, &analyst(stack), &[trick]);
    has_not(&format!("{trick}\n{shown}").replace(trick, ""), &SECRETS);
}
