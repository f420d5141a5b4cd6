-- What the corpus is about. Runs in an empty database, as a superuser: nothing but the gateway protects it.
CREATE TABLE vault (id integer PRIMARY KEY, secret text, owner text);
INSERT INTO vault VALUES (1, 'tulip-7731', 'ada'), (2, 'lotus-2245', 'bob');
-- Another name, and nothing secret: PostgreSQL folds what is not quoted.
CREATE TABLE "Vault" (id integer, colour text);
INSERT INTO "Vault" VALUES (1, 'green');

CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, city text, joined date NOT NULL DEFAULT '2026-01-01');
INSERT INTO customers VALUES (1, 'Ada', 'London', '2026-01-02'), (2, 'Grace', 'New York', '2026-02-03'), (3, 'Linus', NULL, '2026-03-04');
CREATE TABLE products (id integer PRIMARY KEY, name text NOT NULL, price numeric(10, 2) NOT NULL, tags text[] NOT NULL DEFAULT '{}', details jsonb NOT NULL DEFAULT '{}');
INSERT INTO products VALUES (1, 'drop shaft', 12.50, '{iron,sale}', '{"colour": "grey"}'), (2, 'truncate saw', 80, '{steel}', '{"colour": "red", "sizes": [1, 2]}');
CREATE TABLE orders (id integer PRIMARY KEY, customer integer REFERENCES customers, product integer REFERENCES products, amount integer NOT NULL, note text, placed timestamp NOT NULL DEFAULT '2026-04-05 06:07:08');
INSERT INTO orders VALUES (1, 1, 1, 2, 'delete from here', '2026-04-01 10:00'), (2, 1, 2, 1, NULL, '2026-04-02 11:00'), (3, 2, 2, 5, 'vault', '2026-04-03 12:00');
CREATE INDEX orders_by_customer ON orders (customer);
CREATE VIEW recent AS SELECT o.id, c.name, o.amount FROM orders o JOIN customers c ON c.id = o.customer;
CREATE MATERIALIZED VIEW totals AS SELECT customer, sum(amount) AS total FROM orders GROUP BY customer;

-- May be read and written, a row at a time.
CREATE TABLE ledger (id integer PRIMARY KEY, account text NOT NULL, amount integer NOT NULL);
INSERT INTO ledger VALUES (1, 'a', 100), (2, 'b', 200), (3, 'c', 300);
-- May be read, never written.
CREATE TABLE audit (id integer PRIMARY KEY, what text NOT NULL);
INSERT INTO audit VALUES (1, 'opened'), (2, 'closed');

CREATE SCHEMA hr;
CREATE TABLE hr.staff (id integer PRIMARY KEY, name text, salary integer);
INSERT INTO hr.staff VALUES (1, 'Eve', 31337), (2, 'Mallory', 27182);

CREATE SEQUENCE tickets;
CREATE FUNCTION purge() RETURNS integer LANGUAGE sql AS 'DELETE FROM public.ledger; SELECT 1';
CREATE PROCEDURE settle() LANGUAGE sql AS 'UPDATE public.ledger SET amount = 0';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION price_with_tax(price numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT price * 1.2';
CREATE TYPE mood AS ENUM ('sad', 'happy');
