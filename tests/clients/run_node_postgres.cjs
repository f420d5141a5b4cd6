'use strict';
// node-postgres: the simple protocol without parameters, unnamed and named statements with them, cursors, COPY streams.

const { pipeline: flow } = require('node:stream/promises');
const { Readable } = require('node:stream');
const pg = require('pg');
const Cursor = require('pg-cursor');
const copy = require('pg-copy-streams');
const { CARD, EMAIL, MASKED, run, same, stateOf } = require('./scenario.cjs');

const TABLE = 'work_node_postgres';

async function withSession(work) {
  const session = new pg.Client({ connectionTimeoutMillis: 10_000 });
  session.on('error', () => {});
  await session.connect();
  try {
    await work(session);
  } finally {
    await session.end();
  }
}

async function freshTable(session) {
  await session.query(`DROP TABLE IF EXISTS ${TABLE}; CREATE TABLE ${TABLE} (id integer PRIMARY KEY, name text)`);
}

const value = async (session, ...query) => Object.values((await session.query(...query)).rows[0])[0];

async function collect(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

run({
  connect: () => withSession(async (session) => {
    same(await value(session, 'SELECT 1'), 1);
  }),

  simple: () => withSession(async (session) => {
    const found = await session.query("SELECT 1 AS a; SELECT 'two' AS b; SELECT NULL AS c");
    same(found.map((result) => result.rows), [[{ a: 1 }], [{ b: 'two' }], [{ c: null }]]);
    same((await session.query('')).rows, []);
  }),

  prepared: () => withSession(async (session) => {
    await freshTable(session);
    const put = (id) => session.query({ name: 'put', text: `INSERT INTO ${TABLE} VALUES ($1, $2)`, values: [id, `name ${id}`] });
    for (let id = 0; id < 5; id += 1) await put(id);
    for (let id = 0; id < 5; id += 1) {
      const get = { name: 'get', text: `SELECT name FROM ${TABLE} WHERE id = $1`, values: [id] };
      same(await value(session, get), `name ${id}`);
    }
    same(await value(session, 'SELECT $1::int + $2', [1, 2]), 3);
    // The driver keeps them in a queue of its own and sends each when the one before is answered.
    const all = await Promise.all(Array.from({ length: 100 }, (_, n) => value(session, 'SELECT $1::int', [n])));
    same(all, Array.from({ length: 100 }, (_, n) => n));
  }),

  binary: () => withSession(async (session) => {
    const text = "SELECT 7::int4 AS a, 1.5::float8 AS b, 'Gödel ✓'::text AS c, true AS d, NULL::int4 AS e, 12345::int2 AS f";
    for (const binary of [false, true]) {
      const found = await session.query({ text, values: [], binary });
      same(found.rows, [{ a: 7, b: 1.5, c: 'Gödel ✓', d: true, e: null, f: 12345 }]);
    }
    const bytes = Buffer.from([0, 1, 255]);
    same(await value(session, 'SELECT $1::bytea', [bytes]), bytes);
    same(await value(session, 'SELECT $1::jsonb', [{ a: [1] }]), { a: [1] });
    same(await value(session, 'SELECT $1::int[]', [[1, 2, 3]]), [1, 2, 3]);
  }),

  error: () => withSession(async (session) => {
    await freshTable(session);
    await session.query(`INSERT INTO ${TABLE} VALUES (1, 'one')`);
    same(await stateOf(() => session.query('SELECT 1/0')), '22012');
    same(await stateOf(() => session.query('SELECT 1/$1::int', [0])), '22012');
    same(await stateOf(() => session.query('SELEC 1')), '42601');
    same(await stateOf(() => session.query({ name: 'bad', text: 'SELEC 1' })), '42601');
    same(await stateOf(() => session.query('SELECT * FROM no_such_table')), '42P01');
    same(await stateOf(() => session.query('SELECT * FROM no_such_table WHERE a = $1', [1])), '42P01');
    same(await stateOf(() => session.query(`INSERT INTO ${TABLE} VALUES ($1, 'again')`, [1])), '23505');
    same(await stateOf(() => session.query({ name: 'cast', text: 'SELECT $1::int', values: ['x'] })), '22P02');
    same(await value(session, 'SELECT 1'), 1);
  }),

  denied: () => withSession(async (session) => {
    same(await stateOf(() => session.query('SELECT * FROM forbidden')), '42501');
    same(await stateOf(() => session.query('SELECT * FROM forbidden WHERE id = $1', [1])), '42501');
    const named = { name: 'denied', text: 'SELECT * FROM forbidden WHERE id = $1', values: [1] };
    same(await stateOf(() => session.query(named)), '42501');
    same(await stateOf(() => session.query('SELECT 1; SELECT * FROM forbidden')), '42501');
    const mixed = await Promise.allSettled(
      ['SELECT 1', 'SELECT * FROM forbidden', 'SELECT 2'].flatMap((text) => [session.query(text), session.query({ text, values: [], name: '' })]),
    );
    same(mixed.map((one) => one.reason?.code), [undefined, undefined, '42501', '42501', undefined, undefined]);
    same(await value(session, 'SELECT $1::int', [1]), 1);
  }),

  transaction: () => withSession(async (session) => {
    await freshTable(session);
    await session.query('BEGIN');
    await session.query(`INSERT INTO ${TABLE} VALUES (1, 'kept')`);
    await session.query('SAVEPOINT s');
    same(await stateOf(() => session.query(`INSERT INTO ${TABLE} VALUES ($1, 'again')`, [1])), '23505');
    same(await stateOf(() => session.query('SELECT 1')), '25P02');
    same(await stateOf(() => session.query('SELECT $1::int', [1])), '25P02');
    await session.query('ROLLBACK TO s');
    await session.query('COMMIT');
    await session.query('BEGIN');
    await session.query(`DELETE FROM ${TABLE} WHERE id = $1`, [1]);
    await session.query('ROLLBACK');
    same(await value(session, `SELECT count(*) FROM ${TABLE}`), '1');
  }),

  copy_in: () => withSession(async (session) => {
    await freshTable(session);
    const rows = Readable.from(Array.from({ length: 3000 }, (_, n) => `${n}\tname ${n}\n`));
    await flow(rows, session.query(copy.from(`COPY ${TABLE} FROM STDIN`)));
    same(await value(session, `SELECT count(*) FROM ${TABLE}`), '3000');
  }),

  copy_in_failure: () => withSession(async (session) => {
    await freshTable(session);
    const put = (text, table = TABLE) => stateOf(() => flow(Readable.from(text), session.query(copy.from(`COPY ${table} FROM STDIN`))));
    same(await put(['one\tname\n']), '22P02');
    same(await put(Array.from({ length: 20_000 }, () => '1\tname\n')), '23505');
    same(await put(['1\n'], 'no_such_table'), '42P01');
    same(await put(['1\n'], 'forbidden'), '42501');
    const broken = Readable.from((function* rows() { yield '1\tone\n'; throw new Error('gave up'); })());
    await flow(broken, session.query(copy.from(`COPY ${TABLE} FROM STDIN`))).catch(() => {});
    same(await value(session, `SELECT count(*) FROM ${TABLE}`), '0');
  }),

  copy_out: () => withSession(async (session) => {
    const out = session.query(copy.to("COPY (SELECT n, 'name ' || n FROM generate_series(1, 3000) n) TO STDOUT"));
    const lines = (await collect(out)).toString().trim().split('\n');
    same([lines.length, lines.at(-1)], [3000, '3000\tname 3000']);
    same(await stateOf(() => collect(session.query(copy.to('COPY forbidden TO STDOUT')))), '42501');
    same(await value(session, 'SELECT 1'), 1);
  }),

  copy_out_binary: () => withSession(async (session) => {
    const action = () => collect(session.query(copy.to('COPY (SELECT 1) TO STDOUT (FORMAT binary)')));
    same(await stateOf(action), MASKED ? '42501' : undefined);
    same(await value(session, 'SELECT 1'), 1);
  }),

  cancel: () => withSession(async (session) => {
    const query = new pg.Query('SELECT pg_sleep(20)');
    const ended = new Promise((resolve, reject) => { query.on('error', reject); query.on('end', resolve); });
    session.query(query);
    const canceller = new pg.Client();
    setTimeout(() => canceller.cancel(session, query), 500);
    same(await stateOf(() => ended), '57014');
    same(await value(session, 'SELECT 1'), 1);
  }),

  cursors: () => withSession(async (session) => {
    const cursor = session.query(new Cursor('SELECT n FROM generate_series(1, $1::int) n', [1000]));
    let seen = 0;
    for (let rows = await cursor.read(100); rows.length; rows = await cursor.read(100)) seen += rows.length;
    same(seen, 1000);
    await cursor.close();
    const early = session.query(new Cursor('SELECT n FROM generate_series(1, 1000) n', []));
    same((await early.read(10)).length, 10);
    await early.close();
    same(await value(session, 'SELECT 1'), 1);
  }),

  notices: () => withSession(async (session) => {
    const seen = [];
    session.on('notice', (notice) => seen.push(notice.message));
    session.on('notification', (message) => seen.push(message.payload));
    await session.query('SELECT 1');
    await session.query('DROP TABLE IF EXISTS no_such_table');
    await session.query("CALL public.hello()");
    await session.query('LISTEN work_node_postgres');
    await session.query("NOTIFY work_node_postgres, 'news'");
    await session.query('SELECT 1');
    same(seen, ['table "no_such_table" does not exist, skipping', 'hello', MASKED ? '[redacted]' : 'news']);
  }),

  pool: async () => {
    const pool = new pg.Pool({ max: 5 });
    const found = await Promise.all(Array.from({ length: 50 }, (_, n) => pool.query('SELECT $1::int AS n', [n])));
    same(found.map((result) => result.rows[0].n), Array.from({ length: 50 }, (_, n) => n));
    await pool.end();
  },

  large: () => withSession(async (session) => {
    const text = 'ü'.repeat(1_000_000);
    same(await value(session, 'SELECT $1::text', [text]), text);
    const { rows } = await session.query("SELECT n, repeat('x', 100) AS x FROM generate_series(1, 20000) n");
    same([rows.length, rows.at(-1)], [20000, { n: 20000, x: 'x'.repeat(100) }]);
  }),

  masks: () => withSession(async (session) => {
    const wanted = { id: 1, name: 'Ada Byron', email: EMAIL, card: CARD };
    same((await session.query('SELECT * FROM people WHERE id = 1')).rows, [wanted]);
    for (let round = 0; round < 3; round += 1) {
      for (const binary of [false, true]) {
        const get = { name: `people ${binary}`, text: 'SELECT * FROM people WHERE id = $1', values: [1], binary };
        same((await session.query(get)).rows, [wanted]);
      }
    }
    const cursor = session.query(new Cursor('SELECT card, email FROM people ORDER BY id', []));
    same(await cursor.read(1), [{ card: CARD, email: EMAIL }]);
    await cursor.close();
  }),
}, {
  pipeline: 'pg sends a statement when the one before is answered',
  pipeline_error: 'pg sends a statement when the one before is answered',
});
