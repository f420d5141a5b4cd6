"""asyncpg: named prepared statements and the binary format for everything; COPY by the simple protocol."""

import asyncio
import datetime
import decimal
import io
import uuid

import asyncpg

from scenario import (
    CANCELLED, CARD, DENIED, DIVISION_BY_ZERO, EMAIL, IN_FAILED_TRANSACTION, MASKED, SYNTAX, UNDEFINED_TABLE, UNIQUE, run,
    same,
)

TABLE = "work_asyncpg"


class Session:
    """A connection that is closed at the end, at once when it does not answer."""

    async def __aenter__(self):
        # The search for another way would hide a failure; there is no TLS here.
        self.session = await asyncpg.connect(ssl=False, timeout=10, command_timeout=20)
        return self.session

    async def __aexit__(self, kind, *_):
        if kind is None:
            await self.session.close(timeout=5)
        else:
            self.session.terminate()


async def fresh_table(session):
    await session.execute(f"DROP TABLE IF EXISTS {TABLE}; CREATE TABLE {TABLE} (id integer PRIMARY KEY, name text)")


async def state_of(action):
    try:
        await action
    except asyncpg.PostgresError as error:
        return error.sqlstate
    return None


async def connect():
    async with Session() as session:
        same(await session.fetchval("SELECT 1"), 1)
        same(session.get_settings().server_encoding, "UTF8")


async def simple():
    async with Session() as session:
        same(await session.execute("SELECT 1; SELECT 2"), "SELECT 1")
        await fresh_table(session)
        same(await session.execute(f"INSERT INTO {TABLE} VALUES (1, 'one'); UPDATE {TABLE} SET name = 'x'"), "UPDATE 1")


async def prepared():
    async with Session() as session:
        await fresh_table(session)
        insert = await session.prepare(f"INSERT INTO {TABLE} VALUES ($1, $2)")
        same([kind.name for kind in insert.get_parameters()], ["int4", "text"])
        for number in range(5):
            await insert.fetch(number, f"name {number}")
        read = await session.prepare(f"SELECT id, name FROM {TABLE} WHERE id = $1")
        same([column.name for column in read.get_attributes()], ["id", "name"])
        for number in range(5):
            same(tuple(await read.fetchrow(number)), (number, f"name {number}"))
        same(await session.fetchval("SELECT $1::int + $2", 1, 2), 3)
        await session.executemany(f"INSERT INTO {TABLE} VALUES ($1, $2)", [(n, "many") for n in range(100, 1100)])
        same(await session.fetchval(f"SELECT count(*) FROM {TABLE}"), 1005)


async def binary():
    values = (
        7, 2**40, 1.5, decimal.Decimal("12345.678901"), "Gödel ✓", b"\x00\x01\xff", True, None,
        uuid.UUID("6b1d1a4c-93b1-4a4b-9b57-6d8f7c3d2f11"), datetime.date(2026, 2, 3),
        datetime.datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=datetime.timezone.utc), [1, 2, 3], ["a", "b"],
        datetime.timedelta(days=1), '{"a": [1]}',
    )
    casts = "int4 int8 float8 numeric text bytea bool text uuid date timestamptz int4[] text[] interval jsonb".split()
    query = "SELECT " + ", ".join(f"${index}::{cast}" for index, cast in enumerate(casts, 1))
    async with Session() as session:
        same(tuple(await session.fetchrow(query, *values)), values)


async def introspection():
    """Types that asyncpg does not know make it ask the catalogue with a large statement of its own."""
    async with Session() as session:
        await session.execute("DROP TYPE IF EXISTS mood_asyncpg; CREATE TYPE mood_asyncpg AS ENUM ('sad', 'happy')")
        same(await session.fetchval("SELECT 'happy'::mood_asyncpg"), "happy")
        same(await session.fetchval("SELECT ARRAY['sad', 'happy']::mood_asyncpg[]"), ["sad", "happy"])
        same(tuple(await session.fetchval("SELECT ROW(1, 'x'::text)")), (1, "x"))


async def error():
    async with Session() as session:
        await fresh_table(session)
        await session.execute(f"INSERT INTO {TABLE} VALUES (1, 'one')")
        same(await state_of(session.execute("SELECT 1/0")), DIVISION_BY_ZERO)
        same(await state_of(session.fetch("SELECT $1::int/0", 1)), DIVISION_BY_ZERO)
        same(await state_of(session.execute("SELEC 1")), SYNTAX)
        same(await state_of(session.fetch("SELEC 1")), SYNTAX)
        same(await state_of(session.fetch("SELECT * FROM no_such_table")), UNDEFINED_TABLE)
        same(await state_of(session.fetch(f"INSERT INTO {TABLE} VALUES ($1, 'again')", 1)), UNIQUE)
        same(await session.fetchval("SELECT 1"), 1)


async def denied():
    async with Session() as session:
        same(await state_of(session.execute("SELECT * FROM forbidden")), DENIED)
        same(await state_of(session.fetch("SELECT * FROM forbidden WHERE id = $1", 1)), DENIED)
        # The target itself denies only when it is run.
        same(await state_of(session.prepare("SELECT * FROM forbidden")) in (None, DENIED), True)
        same(await state_of(session.executemany("DELETE FROM forbidden WHERE id = $1", [(1,), (2,)])), DENIED)
        same(await session.fetchval("SELECT $1::int", 1), 1)
        async with session.transaction():
            same(await state_of(session.fetchval("SELECT 1")), None)


async def transaction():
    async with Session() as session:
        await fresh_table(session)
        async with session.transaction():
            await session.execute(f"INSERT INTO {TABLE} VALUES (1, 'kept')")
            try:
                async with session.transaction():
                    await session.execute(f"INSERT INTO {TABLE} VALUES ($1, 'again')", 1)
            except asyncpg.UniqueViolationError:
                pass
            await session.execute(f"INSERT INTO {TABLE} VALUES ($1, 'kept too')", 2)
        same(await session.fetchval(f"SELECT count(*) FROM {TABLE}"), 2)
        work = session.transaction(isolation="serializable")
        await work.start()
        same(await state_of(session.execute("SELECT 1/0")), DIVISION_BY_ZERO)
        same(await state_of(session.fetchval("SELECT 1")), IN_FAILED_TRANSACTION)
        await work.rollback()
        same(session.is_in_transaction(), False)
        same(await session.fetchval("SELECT 1"), 1)


async def copy_in():
    async with Session() as session:
        await fresh_table(session)
        rows = [(number, f"name {number}") for number in range(2000)]
        same(await session.copy_records_to_table(TABLE, records=rows), "COPY 2000")
        text = io.BytesIO(b"".join(b"%d,text\n" % number for number in range(5000, 6000)))
        same(await session.copy_to_table(TABLE, source=text, format="csv"), "COPY 1000")
        same(await session.fetchval(f"SELECT count(*) FROM {TABLE}"), 3000)


async def copy_in_failure():
    async with Session() as session:
        await fresh_table(session)
        bad = lambda text: session.copy_to_table(TABLE, source=io.BytesIO(text))  # noqa: E731
        same(await state_of(bad(b"one\tname\n")), "22P02")
        same(await state_of(bad(b"1\tname\n" * 200_000)), UNIQUE)
        try:
            await session.copy_records_to_table(TABLE, records=[(1, "a"), ("b", 2)])
        except (TypeError, asyncpg.DataError, asyncpg.QueryCanceledError):
            pass
        same(await state_of(session.copy_to_table("no_such_table", source=io.BytesIO(b"1\n"))), UNDEFINED_TABLE)
        same(await state_of(session.copy_to_table("forbidden", source=io.BytesIO(b"1\n"))), DENIED)
        same(await session.fetchval(f"SELECT count(*) FROM {TABLE}"), 0)


async def copy_out():
    async with Session() as session:
        out = io.BytesIO()
        query = "SELECT n, 'name ' || n FROM generate_series(1, $1::int) n"
        same(await session.copy_from_query(query, 3000, output=out), "COPY 3000")
        same(out.getvalue().splitlines()[-1], b"3000\tname 3000")
        await fresh_table(session)
        await session.execute(f"INSERT INTO {TABLE} VALUES (1, 'one')")
        out = io.BytesIO()
        same(await session.copy_from_table(TABLE, output=out, format="csv", header=True), "COPY 1")
        same(out.getvalue(), b"id,name\n1,one\n")
        same(await state_of(session.copy_from_table("forbidden", output=out)), DENIED)
        same(await session.fetchval("SELECT 1"), 1)


async def copy_out_binary():
    async with Session() as session:
        copy = session.copy_from_query("SELECT 1, 'x'::text", output=io.BytesIO(), format="binary")
        same(await state_of(copy), DENIED if MASKED else None)
        same(await session.fetchval("SELECT 1"), 1)


async def cancel():
    async with Session() as session:
        try:
            await session.fetch("SELECT pg_sleep(20)", timeout=0.5)
            raise AssertionError("not cancelled")
        except asyncio.TimeoutError:
            pass
        same(await session.fetchval("SELECT 1"), 1)
        same(await state_of(session.execute("SET statement_timeout = 200; SELECT pg_sleep(20)")), CANCELLED)


async def pipeline():
    """`executemany` and `fetchmany` send each Bind and Execute without waiting, and one Sync behind all."""
    async with Session() as session:
        await fresh_table(session)
        rows = [(number, f"name {number}") for number in range(1000)]
        await session.executemany(f"INSERT INTO {TABLE} VALUES ($1, $2)", rows)
        found = await session.fetchmany(f"SELECT id, name FROM {TABLE} WHERE id = $1", [(number,) for number in range(500)])
        same([tuple(row) for row in found], rows[:500])


async def pipeline_error():
    async with Session() as session:
        await fresh_table(session)
        put = f"INSERT INTO {TABLE} VALUES ($1, 'name')"
        for rows, state in (([(1,), (1,), (2,)], UNIQUE), ([(n,) for n in (*range(3000), 0)], UNIQUE)):
            same(await state_of(session.executemany(put, rows)), state)
            # One implicit transaction: nothing of it stays.
            same(await session.fetchval(f"SELECT count(*) FROM {TABLE}"), 0)
        divided = session.fetchmany("SELECT 1/$1::int", [(1,), (0,), (1,)])
        same(await state_of(divided), DIVISION_BY_ZERO)
        denied = session.executemany("INSERT INTO forbidden VALUES ($1)", [(n,) for n in range(100)])
        same(await state_of(denied), DENIED)
        async with session.transaction():
            await session.executemany(put, [(1,), (2,)])
            same(session.is_in_transaction(), True)
        same(await session.fetchval(f"SELECT count(*) FROM {TABLE}"), 2)


async def cursors():
    async with Session() as session:
        async with session.transaction():
            seen = [row["n"] async for row in session.cursor("SELECT n FROM generate_series(1, 1000) n", prefetch=100)]
            same(seen, list(range(1, 1001)))
            cursor = await session.cursor("SELECT n FROM generate_series(1, 10) n")
            await cursor.forward(3)
            same([row["n"] for row in await cursor.fetch(2)], [4, 5])


async def notices():
    async with Session() as session:
        seen, heard = [], asyncio.Event()
        session.add_log_listener(lambda _, message: seen.append(message.message))
        await session.execute("SELECT 1")
        await session.execute("DROP TABLE IF EXISTS no_such_table")
        await session.execute("CALL public.hello()")
        same(seen, ['table "no_such_table" does not exist, skipping', "hello"])
        await session.add_listener("work_asyncpg", lambda *_: heard.set())
        await session.execute("NOTIFY work_asyncpg, 'news'")
        await asyncio.wait_for(heard.wait(), 5)
        await session.reset()


async def pool():
    """A pool resets each session when it comes back."""
    async with asyncpg.create_pool(ssl=False, min_size=2, max_size=4) as pool:
        async def one(number):
            async with pool.acquire() as session:
                return await session.fetchval("SELECT $1::int", number)
        same(await asyncio.gather(*(one(number) for number in range(50))), list(range(50)))


async def large():
    async with Session() as session:
        text = "ü" * 1_000_000
        same(await session.fetchval("SELECT $1::text", text), text)
        rows = await session.fetch("SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n")
        same((len(rows), tuple(rows[-1])), (20000, (20000, "x" * 100)))


async def masks():
    wanted = (1, "Ada Byron", EMAIL, CARD)
    async with Session() as session:
        read = await session.prepare("SELECT id, name, email, card FROM people WHERE id = $1")
        for _ in range(3):
            same(tuple(await read.fetchrow(1)), wanted)
        async with session.transaction():
            rows = [tuple(row) async for row in session.cursor("SELECT card, email FROM people ORDER BY id", prefetch=1)]
            same(rows[0], (CARD, EMAIL))


run([
    connect, simple, prepared, binary, introspection, error, denied, transaction, copy_in, copy_in_failure, copy_out,
    copy_out_binary, cancel, pipeline, pipeline_error, cursors, notices, pool, large, masks,
])
