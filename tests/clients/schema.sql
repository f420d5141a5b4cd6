-- What the scenarios find: a login that may make tables, a table with something to mask, a table that nobody may read.
CREATE ROLE shop_app LOGIN PASSWORD :'app_password';
CREATE DATABASE shop OWNER shop_app;
\connect shop
SET ROLE shop_app;
CREATE TABLE public.people (id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL, card text NOT NULL);
-- The card numbers are the payment schemes' published test numbers.
INSERT INTO public.people VALUES
    (1, 'Ada Byron', 'ada@example.com', '4111111111111111'),
    (2, 'Grace Hopper', 'grace@example.org', '5555555555554444');
CREATE PROCEDURE public.hello() LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'hello'; END $$;
CREATE PROCEDURE public.tell_card() LANGUAGE plpgsql
    AS $$ BEGIN RAISE NOTICE 'it is %', (SELECT card FROM public.people WHERE id = 1); END $$;
RESET ROLE;
CREATE TABLE public.forbidden (id integer PRIMARY KEY);
REVOKE ALL ON public.forbidden FROM PUBLIC;
