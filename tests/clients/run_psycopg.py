"""psycopg 3: libpq with the extended protocol, server-side binding, pipelines."""

import datetime
import decimal
import threading
import time
import uuid

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from scenario import (
    CANCELLED, CARD, DENIED, EMAIL, IN_FAILED_TRANSACTION, MASKED, SYNTAX, UNDEFINED_TABLE, UNIQUE, run, same,
    spoken,
)

TABLE = "work_psycopg"


def open_session(**more):
    return psycopg.connect(autocommit=True, connect_timeout=10, **more)


def fresh_table(session):
    session.execute(f"DROP TABLE IF EXISTS {TABLE}")
    session.execute(f"CREATE TABLE {TABLE} (id integer PRIMARY KEY, name text)")


def state_of(action):
    try:
        action()
    except psycopg.Error as error:
        return error.sqlstate
    return None


def connect():
    with open_session() as session:
        same(session.execute("SELECT 1").fetchone(), (1,))
        same(session.info.parameter_status("server_encoding"), "UTF8")
        same(session.info.transaction_status.name, "IDLE")


def simple():
    with open_session() as session, psycopg.ClientCursor(session) as cursor:
        cursor.execute("SELECT 1; SELECT 'two'::text; SELECT NULL")
        same(cursor.fetchall(), [(1,)])
        same(cursor.nextset(), True)
        same(cursor.fetchall(), [("two",)])
        same(cursor.nextset(), True)
        same(cursor.fetchall(), [(None,)])
        same(cursor.nextset(), None)
        cursor.execute("")
        same(cursor.execute("SELECT %s::int + %s", (1, 2)).fetchone(), (3,))


def prepared():
    with open_session(prepare_threshold=0) as session:
        fresh_table(session)
        for number in range(5):
            session.execute(f"INSERT INTO {TABLE} VALUES (%s, %s)", (number, f"name {number}"))
        for number in range(5):
            row = session.execute(f"SELECT name FROM {TABLE} WHERE id = %s", (number,)).fetchone()
            same(row, (f"name {number}",))
        with session.cursor() as cursor:
            cursor.executemany(f"UPDATE {TABLE} SET name = %s WHERE id = %s", [("x", 1), ("y", 2), ("z", 3)])
            same(cursor.rowcount, 3)
        # What psycopg prepares it also deallocates, when there are too many.
        session.prepared_max = 2
        for number in range(6):
            same(session.execute(f"SELECT {number}::int + %s", (1,)).fetchone(), (number + 1,))


def binary():
    values = (
        7, 2**40, 1.5, decimal.Decimal("12345.678901"), "Gödel ✓", b"\x00\x01\xff", True, None,
        uuid.UUID("6b1d1a4c-93b1-4a4b-9b57-6d8f7c3d2f11"), datetime.date(2026, 2, 3),
        datetime.datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=datetime.timezone.utc), [1, 2, 3], ["a", "b"],
    )
    casts = ("int4 int8 float8 numeric text bytea bool text uuid date timestamptz int4[] text[]").split()
    query = "SELECT " + ", ".join(f"%b::{cast}" for cast in casts)
    with open_session() as session:
        for form in (False, True):
            with session.cursor(binary=form) as cursor:
                same(cursor.execute(query, values).fetchone(), values)
            with session.cursor(binary=form) as cursor:
                same(cursor.execute("SELECT '{\"a\": [1]}'::jsonb, '1 day'::interval").fetchone(),
                     ({"a": [1]}, datetime.timedelta(days=1)))


def error():
    with open_session() as session:
        fresh_table(session)
        session.execute(f"INSERT INTO {TABLE} VALUES (1, 'one')")
        same(state_of(lambda: session.execute("SELECT 1/0")), "22012")
        same(state_of(lambda: session.execute("SELECT %s/0", (1,))), "22012")
        same(state_of(lambda: session.execute("SELEC 1")), SYNTAX)
        same(state_of(lambda: session.execute("SELECT * FROM no_such_table")), UNDEFINED_TABLE)
        same(state_of(lambda: session.execute("SELECT * FROM no_such_table WHERE a = %s", (1,))), UNDEFINED_TABLE)
        same(state_of(lambda: session.execute(f"INSERT INTO {TABLE} VALUES (%s, 'again')", (1,))), UNIQUE)
        same(session.execute("SELECT 1").fetchone(), (1,))


def denied():
    with open_session() as session:
        same(state_of(lambda: session.execute("SELECT * FROM forbidden")), DENIED)
        same(state_of(lambda: session.execute("SELECT * FROM forbidden WHERE id = %s", (1,))), DENIED)
        same(state_of(lambda: session.execute("SELECT * FROM forbidden WHERE id = %s", (1,), prepare=True)), DENIED)
        same(session.info.transaction_status.name, "IDLE")
        same(session.execute("SELECT 1 WHERE 1 = %s", (1,)).fetchone(), (1,))


def transaction():
    with open_session() as session:
        fresh_table(session)
        with session.transaction():
            session.execute(f"INSERT INTO {TABLE} VALUES (1, 'kept')")
            same(session.info.transaction_status.name, "INTRANS")
            try:
                with session.transaction():
                    session.execute(f"INSERT INTO {TABLE} VALUES (1, 'again')")
            except errors.UniqueViolation:
                pass
            session.execute(f"INSERT INTO {TABLE} VALUES (%s, 'kept too')", (2,))
        same(session.execute(f"SELECT count(*) FROM {TABLE}").fetchone(), (2,))
        session.autocommit = False
        same(state_of(lambda: session.execute("SELECT 1/0")), "22012")
        same(session.info.transaction_status.name, "INERROR")
        same(state_of(lambda: session.execute("SELECT 1")), IN_FAILED_TRANSACTION)
        session.rollback()
        same(session.info.transaction_status.name, "IDLE")
        session.execute(f"DELETE FROM {TABLE} WHERE id = 1")
        session.rollback()
        same(session.execute(f"SELECT count(*) FROM {TABLE}").fetchone(), (2,))


def copy_in():
    with open_session() as session:
        fresh_table(session)
        with session.cursor() as cursor:
            with cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
                for number in range(2000):
                    copy.write_row((number, f"name {number}"))
            same(cursor.rowcount, 2000)
            with cursor.copy(f"COPY {TABLE} (id, name) FROM STDIN (FORMAT binary)") as copy:
                copy.set_types(["int4", "text"])
                copy.write_row((5000, "binary"))
        same(session.execute(f"SELECT count(*) FROM {TABLE}").fetchone(), (2001,))


def copy_in_failure():
    def breaks(text):
        with session.cursor() as cursor, cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
            copy.write(text)

    def gives_up():
        with session.cursor() as cursor, cursor.copy(f"COPY {TABLE} FROM STDIN") as copy:
            copy.write("9\tnine\n")
            raise ZeroDivisionError

    with open_session() as session:
        fresh_table(session)
        same(state_of(lambda: breaks("one\tname\n")), "22P02")
        same(state_of(lambda: breaks("1\tname\n" * 100_000)), UNIQUE)
        try:
            gives_up()
        except ZeroDivisionError:
            pass
        same(state_of(lambda: copies(session, "no_such_table FROM STDIN")), UNDEFINED_TABLE)
        same(state_of(lambda: copies(session, "forbidden FROM STDIN")), DENIED)
        same(session.execute(f"SELECT count(*) FROM {TABLE}").fetchone(), (0,))


def copies(session, what):
    with session.cursor() as cursor, cursor.copy(f"COPY {what}"):
        pass


def copy_out():
    with open_session() as session:
        fresh_table(session)
        session.execute(f"INSERT INTO {TABLE} SELECT n, 'name ' || n FROM generate_series(1, 3000) n")
        with session.cursor() as cursor:
            with cursor.copy(f"COPY (SELECT * FROM {TABLE} ORDER BY id) TO STDOUT") as copy:
                rows = list(copy.rows())
            same((len(rows), rows[0], rows[-1]), (3000, ("1", "name 1"), ("3000", "name 3000")))
            with cursor.copy(f"COPY {TABLE} TO STDOUT") as copy:
                same(len(b"".join(copy).splitlines()), 3000)
        same(state_of(lambda: copies(session, "forbidden TO STDOUT")), DENIED)
        same(session.execute("SELECT 1").fetchone(), (1,))


def copy_out_binary():
    def rows():
        with session.cursor() as cursor, cursor.copy("COPY (SELECT 1, 'x'::text) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["int4", "text"])
            return list(copy.rows())

    with open_session() as session:
        # A detector cannot look into binary COPY data: while one is on, it is refused.
        if MASKED:
            same(state_of(rows), DENIED)
        else:
            same(rows(), [(1, "x")])
        same(session.execute("SELECT 1").fetchone(), (1,))


def cancel():
    with open_session() as session:
        timer = threading.Timer(0.5, session.cancel_safe)
        timer.start()
        begin = time.monotonic()
        same(state_of(lambda: session.execute("SELECT pg_sleep(20)")), CANCELLED)
        same(time.monotonic() - begin < 10, True)
        timer.join()
        same(session.execute("SELECT 1").fetchone(), (1,))


def pipeline():
    with open_session() as session:
        fresh_table(session)
        with session.pipeline(), session.cursor() as cursor:
            for number in range(200):
                session.execute(f"INSERT INTO {TABLE} VALUES (%s, %s)", (number, str(number)))
            cursor.execute(f"SELECT count(*) FROM {TABLE}")
            same(cursor.fetchone(), (200,))
        with session.pipeline():
            first = [session.execute("SELECT %s::int", (number,)) for number in range(100)]
        same([cursor.fetchone() for cursor in first], [(number,) for number in range(100)])


def pipeline_error():
    with open_session() as session:
        fresh_table(session)
        for statement, state in (
            ("SELECT 1/0", "22012"), ("SELECT * FROM forbidden", DENIED), ("SELECT * FROM no_such_table", UNDEFINED_TABLE),
        ):
            def batch():
                with session.pipeline():
                    session.execute(f"INSERT INTO {TABLE} VALUES (%s, 'before')", (1,))
                    session.execute(statement)
                    session.execute(f"INSERT INTO {TABLE} VALUES (%s, 'behind')", (2,))
            same(state_of(batch), state)
            # One implicit transaction: nothing of it stays.
            same(session.execute(f"SELECT count(*) FROM {TABLE}").fetchone(), (0,))
            same(session.info.transaction_status.name, "IDLE")
        with session.pipeline() as pipe:
            session.execute(f"INSERT INTO {TABLE} VALUES (%s, 'kept')", (1,))
            pipe.sync()
            same(state_of(lambda: session.execute("SELECT * FROM forbidden").fetchone()), DENIED)
            pipe.sync()
            same(session.execute(f"SELECT count(*) FROM {TABLE}").fetchone(), (1,))


def cursors():
    with open_session() as session:
        with session.transaction(), session.cursor("named", binary=True) as cursor:
            cursor.itersize = 100
            cursor.execute("SELECT n FROM generate_series(1, 1000) n WHERE n > %s", (10,))
            same(sum(1 for _ in cursor), 990)
        with session.cursor() as cursor:
            same(len(list(cursor.stream("SELECT n FROM generate_series(1, 500) n"))), 500)


def notices():
    with open_session() as session:
        seen = []
        session.add_notice_handler(lambda notice: seen.append(notice.message_primary))
        session.execute("SELECT 1")
        session.execute("DROP TABLE IF EXISTS no_such_table")
        session.execute("CALL public.hello()")
        same(seen, ['table "no_such_table" does not exist, skipping', "hello"])
        session.execute("LISTEN work_psycopg")
        with open_session() as other:
            other.execute("SELECT pg_notify('work_psycopg', %s)", ("news",))
        same([note.payload for note in session.notifies(timeout=5, stop_after=1)], ["[redacted]" if MASKED else "news"])


def large():
    with open_session() as session:
        text = "ü" * 1_000_000
        same(session.execute("SELECT %s::text", (text,)).fetchone(), (text,))
        rows = session.execute("SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n").fetchall()
        same((len(rows), rows[-1]), (20000, (20000, "x" * 100)))


def masks():
    with open_session(row_factory=dict_row) as session:
        wanted = {"id": 1, "name": "Ada Byron", "email": EMAIL, "card": CARD}
        for form in (False, True):
            with session.cursor(binary=form) as cursor:
                for more in ({}, {"prepare": True}, {"prepare": True}):
                    same(cursor.execute("SELECT * FROM people WHERE id = %s", (1,), **more).fetchone(), wanted)
        with session.pipeline():
            first = [session.execute("SELECT * FROM people WHERE id = %s", (1,)) for _ in range(5)]
        same([cursor.fetchone() for cursor in first], [wanted] * 5)
        seen = []
        session.add_notice_handler(lambda notice: seen.append(notice.message_primary))
        session.execute("CALL public.tell_card()")
        session.execute("DROP TABLE IF EXISTS no_such_table")
        # Once a session has touched a masked column, what any statement says is withheld.
        same(seen, [spoken("it is 4111111111111111"), spoken('table "no_such_table" does not exist, skipping')])
        with session.transaction(), session.cursor("masked") as cursor:
            cursor.execute("SELECT card, email FROM people ORDER BY id")
            same(cursor.fetchall()[0], {"card": CARD, "email": EMAIL})


run([
    connect, simple, prepared, binary, error, denied, transaction, copy_in, copy_in_failure, copy_out, copy_out_binary,
    cancel, pipeline, pipeline_error, cursors, notices, large, masks,
])
