'use strict';
// postgres.js: pipelines everything, prepares by itself, describes before it binds.

const { pipeline: flow } = require('node:stream/promises');
const { Readable } = require('node:stream');
const postgres = require('postgres');
const { CARD, EMAIL, MASKED, run, same, stateOf } = require('./scenario.cjs');

const TABLE = 'work_postgresjs';

async function withSession(work, more = {}) {
  const sql = postgres({ ssl: false, max: 1, connect_timeout: 10, onnotice: () => {}, ...more });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function freshTable(sql) {
  await sql.unsafe(`DROP TABLE IF EXISTS ${TABLE}; CREATE TABLE ${TABLE} (id integer PRIMARY KEY, name text)`);
}

async function value(query) {
  return Object.values((await query)[0])[0];
}

async function collect(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

run({
  // On a first connection the driver asks the catalogue for the types of arrays.
  connect: () => withSession(async (sql) => {
    same(await value(sql`SELECT 1`), 1);
    same(await value(sql`SELECT ${[1, 2, 3]}::int[]`), [1, 2, 3]);
  }),

  simple: () => withSession(async (sql) => {
    const found = await sql.unsafe("SELECT 1 AS a; SELECT 'two' AS b; SELECT NULL AS c");
    same(found.map((rows) => [...rows]), [[{ a: 1 }], [{ b: 'two' }], [{ c: null }]]);
    same([...await sql`SELECT 1 AS a`.simple()], [{ a: 1 }]);
  }),

  prepared: () => withSession(async (sql) => {
    await freshTable(sql);
    for (let id = 0; id < 5; id += 1) await sql`INSERT INTO ${sql(TABLE)} VALUES (${id}, ${`name ${id}`})`;
    for (let id = 0; id < 5; id += 1) same(await value(sql`SELECT name FROM ${sql(TABLE)} WHERE id = ${id}`), `name ${id}`);
    const described = await sql`SELECT ${1}::int AS n, ${'x'}::text AS t`.describe();
    same(described.columns.map((column) => column.name), ['n', 't']);
    await sql`INSERT INTO ${sql(TABLE)} ${sql([{ id: 10, name: 'a' }, { id: 11, name: null }])}`;
    same(await value(sql`SELECT count(*)::int FROM ${sql(TABLE)}`), 7);
  }),

  unprepared: () => withSession(async (sql) => {
    for (let n = 0; n < 5; n += 1) same(await value(sql`SELECT ${n}::int + 1`), n + 1);
  }, { prepare: false }),

  types: () => withSession(async (sql) => {
    const bytes = Buffer.from([0, 1, 255]);
    same(await value(sql`SELECT ${bytes}::bytea`), bytes);
    same(await value(sql`SELECT ${sql.json({ a: [1] })}::jsonb`), { a: [1] });
    same(await value(sql`SELECT ${'Gödel ✓'}::text`), 'Gödel ✓');
    same(await value(sql`SELECT ${null}::int`), null);
    same((await value(sql`SELECT ${new Date(0)}::timestamptz`)).getTime(), 0);
  }),

  error: () => withSession(async (sql) => {
    await freshTable(sql);
    await sql`INSERT INTO ${sql(TABLE)} VALUES (1, 'one')`;
    same(await stateOf(() => sql`SELECT 1/${0}::int`), '22012');
    same(await stateOf(() => sql.unsafe('SELECT 1/0')), '22012');
    same(await stateOf(() => sql`SELEC 1`), '42601');
    same(await stateOf(() => sql`SELECT * FROM no_such_table WHERE id = ${1}`), '42P01');
    same(await stateOf(() => sql`INSERT INTO ${sql(TABLE)} VALUES (${1}, 'again')`), '23505');
    same(await stateOf(() => sql`SELECT ${'x'}::text::int`), '22P02');
    same(await value(sql`SELECT 1`), 1);
  }),

  denied: () => withSession(async (sql) => {
    for (let round = 0; round < 2; round += 1) {
      same(await stateOf(() => sql`SELECT * FROM forbidden`), '42501');
      same(await stateOf(() => sql`SELECT * FROM forbidden WHERE id = ${1}`), '42501');
      same(await stateOf(() => sql.unsafe('SELECT 1; SELECT * FROM forbidden')), '42501');
    }
    same(await value(sql`SELECT ${1}::int`), 1);
  }),

  transaction: () => withSession(async (sql) => {
    await freshTable(sql);
    await sql.begin(async (work) => {
      await work`INSERT INTO ${sql(TABLE)} VALUES (${1}, 'kept')`;
      const inner = () => work.savepoint((part) => part`INSERT INTO ${sql(TABLE)} VALUES (${1}, 'again')`);
      same(await stateOf(inner), '23505');
      await work`INSERT INTO ${sql(TABLE)} VALUES (${2}, 'kept too')`;
    });
    const undone = () => sql.begin(async (work) => {
      await work`DELETE FROM ${sql(TABLE)} WHERE id = ${1}`;
      await work`SELECT 1/${0}::int`;
    });
    same(await stateOf(undone), '22012');
    same(await value(sql`SELECT count(*)::int FROM ${sql(TABLE)}`), 2);
    const denied = () => sql.begin((work) => [work`DELETE FROM ${sql(TABLE)} WHERE id = ${1}`, work`SELECT * FROM forbidden`]);
    same(await stateOf(denied), '42501');
    same(await value(sql`SELECT count(*)::int FROM ${sql(TABLE)}`), 2);
  }),

  copy_in: () => withSession(async (sql) => {
    await freshTable(sql);
    const rows = Readable.from(Array.from({ length: 3000 }, (_, n) => `${n}\tname ${n}\n`));
    await flow(rows, await sql`COPY ${sql(TABLE)} FROM STDIN`.writable());
    same(await value(sql`SELECT count(*)::int FROM ${sql(TABLE)}`), 3000);
  }),

  copy_in_failure: () => withSession(async (sql) => {
    await freshTable(sql);
    const put = async (rows) => flow(Readable.from(rows), await sql`COPY ${sql(TABLE)} FROM STDIN`.writable());
    same(await stateOf(() => put(['one\tname\n'])), '22P02');
    same(await stateOf(() => put(['1\tone\n', '1\tone again\n'])), '23505');
    same(await stateOf(() => sql`COPY no_such_table FROM STDIN`.writable()), '42P01');
    same(await stateOf(() => sql`COPY forbidden FROM STDIN`.writable()), '42501');
    same(await value(sql`SELECT count(*)::int FROM ${sql(TABLE)}`), 0);
  }),

  copy_out: () => withSession(async (sql) => {
    // Small: behind a large one the driver leaves its socket paused, whatever it is connected to.
    const out = await sql`COPY (SELECT n, 'name ' || n FROM generate_series(1, 300) n) TO STDOUT`.readable();
    const lines = (await collect(out)).toString().trim().split('\n');
    same([lines.length, lines.at(-1)], [300, '300\tname 300']);
    same(await stateOf(() => sql`COPY forbidden TO STDOUT`.readable()), '42501');
    same(await value(sql`SELECT 1`), 1);
  }),

  copy_out_binary: () => withSession(async (sql) => {
    const copy = async () => collect(await sql`COPY (SELECT 1) TO STDOUT (FORMAT binary)`.readable());
    if (MASKED) same(await stateOf(copy), '42501');
    else same((await copy()).subarray(0, 6).toString(), 'PGCOPY');
    same(await value(sql`SELECT 1`), 1);
  }),

  cancel: () => withSession(async (sql) => {
    const query = sql`SELECT pg_sleep(20)`;
    setTimeout(() => query.cancel(), 500);
    same(await stateOf(() => query), '57014');
    same(await value(sql`SELECT 1`), 1);
  }),

  pipeline: () => withSession(async (sql) => {
    const found = await Promise.all(Array.from({ length: 1000 }, (_, n) => value(sql`SELECT ${n}::int`)));
    same(found, Array.from({ length: 1000 }, (_, n) => n));
  }, { max_pipeline: 200 }),

  pipeline_error: () => withSession(async (sql) => {
    const kinds = [() => sql`SELECT ${1}::int`, () => sql`SELECT 1/${0}::int`, () => sql`SELECT * FROM forbidden WHERE id = ${1}`, () => sql.unsafe('SELECT 1')];
    const found = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => kinds[n % 4]()));
    const states = found.map((one) => one.reason?.code);
    same(states, Array.from({ length: 100 }, (_, n) => [undefined, '22012', '42501', undefined][n % 4]));
  }),

  cursors: () => withSession(async (sql) => {
    let seen = 0;
    await sql`SELECT n FROM generate_series(1, 1000) n`.cursor(100, (rows) => { seen += rows.length; });
    same(seen, 1000);
    for await (const rows of sql`SELECT n FROM generate_series(1, 1000) n`.cursor(10)) {
      same(rows.length, 10);
      break;
    }
    same(await value(sql`SELECT 1`), 1);
  }),

  notices: async () => {
    const seen = [];
    await withSession(async (sql) => {
      await sql`DROP TABLE IF EXISTS no_such_table`;
      await sql.unsafe("CALL public.hello()");
      const heard = new Promise((resolve) => { sql.listen('work_postgresjs', resolve).then(() => sql.notify('work_postgresjs', 'news')); });
      same(await heard, MASKED ? '[redacted]' : 'news');
    }, { onnotice: (notice) => seen.push(notice.message) });
    // The driver's first command asks the catalogue for types, which has nothing to do with masked columns.
    same(seen, ['table "no_such_table" does not exist, skipping', 'hello']);
  },

  large: () => withSession(async (sql) => {
    const text = 'ü'.repeat(1_000_000);
    same(await value(sql`SELECT ${text}::text`), text);
    const rows = await sql`SELECT n, repeat('x', 100) AS x FROM generate_series(1, 20000) n`;
    same([rows.length, { ...rows.at(-1) }], [20000, { n: 20000, x: 'x'.repeat(100) }]);
  }),

  masks: () => withSession(async (sql) => {
    const wanted = { id: 1, name: 'Ada Byron', email: EMAIL, card: CARD };
    for (let round = 0; round < 3; round += 1) same([...await sql`SELECT * FROM people WHERE id = ${1}`], [wanted]);
    same([...await sql.unsafe('SELECT * FROM people WHERE id = 1')], [wanted]);
    const cards = await Promise.all(Array.from({ length: 20 }, () => value(sql`SELECT card FROM people WHERE id = ${1}`)));
    same(cards, Array(20).fill(CARD));
    const seen = [];
    await sql`SELECT card, email FROM people ORDER BY id`.cursor(1, ([row]) => { seen.push(row); });
    same({ ...seen[0] }, { card: CARD, email: EMAIL });
  }),
}, { binary: 'postgres.js asks for text, always' });
