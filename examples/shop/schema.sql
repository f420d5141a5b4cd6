-- The example's database: a small shop whose customers' data an agent may read, but not all of it.
-- psql's variable `app_password` is the password of `shop_app`; only Envoy's environment has it.

CREATE ROLE shop_owner NOLOGIN;
CREATE ROLE shop_app LOGIN PASSWORD :'app_password';
CREATE DATABASE shop OWNER shop_owner;
\connect shop

SET ROLE shop_owner;

CREATE TABLE public.customers (
    id    integer PRIMARY KEY,
    name  text NOT NULL,
    email text NOT NULL,
    card  text NOT NULL,
    city  text NOT NULL,
    notes text
);

CREATE TABLE public.orders (
    id       integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    customer integer NOT NULL REFERENCES public.customers,
    item     text NOT NULL,
    amount   numeric(10, 2) NOT NULL,
    placed   date NOT NULL,
    status   text NOT NULL DEFAULT 'open'
);

CREATE TABLE public.accounts (
    id       integer PRIMARY KEY,
    customer integer NOT NULL REFERENCES public.customers,
    balance  numeric(12, 2) NOT NULL,
    frozen   boolean NOT NULL DEFAULT false
);

-- The card numbers are the payment schemes' published test numbers.
INSERT INTO public.customers VALUES
    (1, 'Ada Byron',     'ada@example.com',    '4111 1111 1111 1111', 'London',   'prefers letters'),
    (2, 'Grace Hopper',  'grace@example.org',  '5555 5555 5555 4444', 'New York', 'call before noon'),
    (3, 'Edsger Dijk',   'edsger@example.net', '3782 822463 10005',   'Utrecht',  'owes nobody anything'),
    (4, 'Barbara Huber', 'barbara@example.com','6011 1111 1111 1117', 'Basel',    NULL),
    (5, 'Kurt Gödel',    'kurt@example.org',   '4012 8888 8888 1881', 'Brünn',    'no surprises, please');

INSERT INTO public.orders (customer, item, amount, placed, status) VALUES
    (1, 'analytical engine',      1250.00, '2026-01-12', 'open'),
    (1, 'punched cards',            19.90, '2026-01-14', 'shipped'),
    (2, 'nanosecond of wire',        0.30, '2026-02-03', 'shipped'),
    (3, 'shortest path',            42.00, '2026-02-20', 'open'),
    (5, 'complete set of axioms',  999.99, '2026-03-01', 'cancelled');

INSERT INTO public.accounts VALUES
    (1, 1, 100.00),
    (2, 2, 2500.50),
    (3, 3, 42.42),
    (4, 4, 0.00),
    (5, 5, 31337.00);

RESET ROLE;

-- Chaperone's own login may do a great deal: what an agent may do is the policy's business.
GRANT shop_owner TO shop_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop_app;
